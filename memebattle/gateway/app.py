"""The gateway role: REST, pictures, the page and the documents, in one FastAPI application.

Only composes: the routes of the contexts, the reception they speak to, and the plain web around them. It
builds with an empty environment. NATS is connected in the background: while it is away the process answers
its probes, shows the page and refuses new work at once, instead of not being there.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI

import memebattle
from memebattle.battle import http as battles
from memebattle.bootstrap.reception import GatewayParts, open_reception
from memebattle.bootstrap.wiring import Wiring, wire
from memebattle.chat import http as chat
from memebattle.chat import pod_handlers
from memebattle.chat.pod import pod_id_of
from memebattle.gateway import errors, web
from memebattle.memes import engine_handlers
from memebattle.memes import http as memes
from memebattle.priority import http as priority
from memebattle.priority import insight_http as priority_insight
from memebattle.priority import vitals_http as priority_vitals
from memebattle.settings import Settings

log = logging.getLogger(__name__)

# with what may go wrong
ROUTERS = (
    (memes.router, (400, 404, 409, 413, 422, 503)),
    (chat.router, (400, 404, 409, 410, 413, 422, 429, 503)),
    # before the routes that take any id
    (priority_insight.router, (400, 413, 422, 503)),
    (priority.router, (400, 404, 409, 413, 422, 429, 503, 504)),
    (priority_vitals.router, (422,)),
    (battles.router, (400, 404, 422, 503)),
)


def create_app(settings: Settings | None = None, **overrides: Any) -> FastAPI:
    """The gateway. `overrides` are parts of the reception, by the names of `GatewayParts`."""
    wiring = wire(settings or Settings.from_env(), "gateway")
    settings = wiring.settings
    wiring.broker.include_router(pod_handlers.routes(pod_id_of(settings.worker_id)))
    wiring.broker.include_router(engine_handlers.gateway_routes())
    app = errors.Application(
        title="memebattle",
        version=memebattle.__version__,
        summary="Memes, exactly one answer each; chat, and no token missed; tasks ranked; battles of memes",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(wiring, GatewayParts(**overrides)),
    )
    app.state.wiring = wiring
    app.state.max_wait = settings.gateway.max_wait
    for router, refusals in ROUTERS:
        app.include_router(router, responses=errors.responses(*refusals))
    app.include_router(web.page_settings(wiring))
    app.include_router(web.short_addresses())
    errors.install(app)
    web.probes(app, wiring)
    web.pages(app)
    # the last one added is the outermost: a refused body is counted too
    app.add_middleware(web.BodyLimit, limit=web.MAX_BODY, larger=web.LARGER_BODIES)
    app.add_middleware(web.Finishing, metrics=wiring.metrics)
    return app


def _lifespan(wiring: Wiring, parts: GatewayParts) -> Any:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_reception(wiring, parts) as reception:
            app.state.asking, app.state.gallery = reception.asking, reception.gallery
            app.state.chatting, app.state.sessions = reception.chatting, reception.sessions
            front = reception.priority
            app.state.battles = reception.battles
            app.state.priority, app.state.insight, app.state.vitals = front.desk, front.insight, front.vitals
            wiring.health.starting = False
            log.info("Gateway is ready", extra={"address": wiring.settings.gateway.address})
            yield
            wiring.health.stop()
            log.info("Gateway is stopping")

    return lifespan
