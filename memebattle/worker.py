"""The worker role: `faststream run memebattle.worker:create_app --factory`.

Only composes: the routers of the contexts it serves, the house they live in, and the probes. It builds with
an empty environment; nothing is opened before the application starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from faststream import ContextRepo
from faststream.asgi import AsgiFastStream
from faststream.nats import NatsRouter

from memebattle.bootstrap.engine_house import pulse_of
from memebattle.bootstrap.house import House, open_house
from memebattle.bootstrap.wiring import Wiring, wire
from memebattle.kit import logs, tracing
from memebattle.kit.signals import exit_cleanly
from memebattle.memes import engine_handlers
from memebattle.settings import Settings, SettingsError

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from memebattle.bootstrap.battle_house import BattleParts
    from memebattle.bootstrap.chat_house import ChatParts
    from memebattle.bootstrap.meme_house import MemeParts
    from memebattle.bootstrap.priority_house import PriorityParts


def _memes(settings: Settings) -> NatsRouter:
    from memebattle.memes import handlers  # noqa: PLC0415 - see `bootstrap/house.py`

    return handlers.routes(settings)


def _chat(settings: Settings) -> NatsRouter:
    from memebattle.chat import handlers  # noqa: PLC0415 - likewise

    return handlers.routes(settings)


def _priority(settings: Settings) -> NatsRouter:
    from memebattle.priority import handlers  # noqa: PLC0415 - likewise

    return handlers.routes(settings)


def _battle(settings: Settings) -> NatsRouter:
    from memebattle.battle import handlers  # noqa: PLC0415 - likewise

    return handlers.routes(settings)


ROUTES: dict[str, Callable[[Settings], NatsRouter]] = {
    "memes": _memes,
    "chat": _chat,
    "priority": _priority,
    "battle": _battle,
}


class WorkerApp(AsgiFastStream):
    """Listens on METRICS_ADDR unless the command line says otherwise."""

    def __init__(self, wiring: Wiring, **options: Any) -> None:
        super().__init__(wiring.broker, **options)
        self.wiring = wiring

    async def run(
        self,
        log_level: int = logging.INFO,  # noqa: ARG002 - LOG_LEVEL decides
        run_extra_options: dict[str, Any] | None = None,
    ) -> None:
        """Serve the probes and consume until stopped."""
        settings, worker_id = self.wiring.settings.observability, self.wiring.settings.worker_id
        logs.configure(settings.log_level, settings.log_format)
        exit_cleanly()
        host, _, port = settings.metrics_address.rpartition(":")
        options = {"host": host or "0.0.0.0", "port": port, "log_config": None, "access_log": "false"}
        # uvicorn's own lines say nothing that ours do not
        with tracing.exported(settings.otlp_endpoint, "memebattle-worker", worker_id):
            await super().run(logging.WARNING, options | (run_extra_options or {}))


def create_app(
    settings: Settings | None = None,
    *,
    wiring: Wiring | None = None,
    memes: MemeParts | None = None,
    chat: ChatParts | None = None,
    priority: PriorityParts | None = None,
    battle: BattleParts | None = None,
) -> WorkerApp:
    """The worker. `memes`, `chat` and `priority` are parts of the house, given instead of opened.

    Raises:
        SettingsError: WORKER_CONTEXTS names something we do not have.
    """
    settings = settings or (wiring.settings if wiring else Settings.from_env())
    wiring = wiring or wire(settings, "worker", _contexts(settings))
    for name in wiring.contexts:
        # who only replies to requests has no deliveries: nothing is to be acknowledged
        middlewares = [wiring.deliveries[name]] if name in wiring.deliveries else []
        wiring.broker.include_router(ROUTES[name](settings), middlewares=middlewares)
    wiring.broker.include_router(engine_handlers.worker_routes())
    pulse = pulse_of(wiring)

    @contextlib.asynccontextmanager
    async def lifespan(context: ContextRepo) -> AsyncIterator[None]:
        opening = open_house(wiring, memes=memes, chat=chat, priority=priority, battle=battle)
        async with opening as house, pulse.beating():
            furnish(context, house)
            if (battles := house.battles) is not None:
                pulse.battles = lambda: battles.hall.going_on
            yield

    return WorkerApp(
        wiring,
        lifespan=lifespan,
        logger=logging.getLogger("memebattle.worker"),
        after_startup=[_set_ready(wiring), pulse.hurry],
        on_shutdown=[_set_stopping(wiring), pulse.beat],
        asgi_routes=[
            ("/metrics", wiring.metrics.asgi()),
            ("/livez", wiring.health.livez),
            ("/readyz", wiring.health.readyz),
            ("/healthz", wiring.health.readyz),
        ],
    )


def furnish(context: ContextRepo, house: House) -> None:
    """Put the services where the handlers look for them."""
    context.set_global("memes", house.memes)
    context.set_global("chat", house.chat)
    context.set_global("priority", house.priority)
    context.set_global("battles", house.battles)


def _contexts(settings: Settings) -> list[str]:
    names = [name.strip() for name in settings.delivery.contexts.split(",") if name.strip()]
    if unknown := [name for name in names if name not in ROUTES]:
        raise SettingsError(f"WORKER_CONTEXTS: no context {unknown[0]!r}; there is {', '.join(ROUTES)}")
    return names


def _set_ready(wiring: Wiring) -> Callable[[], None]:
    def ready() -> None:
        wiring.health.starting = False
        log.info("Worker is ready", extra={"contexts": ",".join(wiring.contexts)})

    return ready


def _set_stopping(wiring: Wiring) -> Callable[[], None]:
    def stopping() -> None:
        wiring.health.stop()
        log.info("Worker is stopping")

    return stopping


def main() -> int:
    """Serve until SIGTERM or Ctrl-C, on uvloop where there is one; what `-m memebattle.worker` does."""
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 - an extra

        uvloop.install()
    asyncio.run(create_app().run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
