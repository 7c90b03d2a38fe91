"""A child process of the tests: event streams under the gateway's own server.

    python -m tests.integration.streams PORT [asyncio] [dressed]

`/events` brings what is posted to `/say` and says goodbye at a stop, `/flood` writes as much as it may,
`/stubborn` does not end at a stop, `/broken` fails after one event, and `/open` counts the open streams.
`asyncio` does without uvloop, `dressed` puts the gateway's middlewares, its errors and gzip around it all.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from memebattle.gateway.server import serve
from memebattle.kit.health import Health
from memebattle.kit.sse import Event, EventStream

GRACE = 30.0  # seconds; far longer than any test waits for the end
SEND_TIMEOUT = 0.5  # seconds

type Events = AsyncIterator[bytes | Event]


class Hub:
    """Whoever listens hears what is said."""

    def __init__(self, health: Health) -> None:
        self.open = 0
        self._queues: set[asyncio.Queue[str | None]] = set()
        health.on_stop(lambda: self.say(None))

    def say(self, text: str | None) -> None:
        for queue in self._queues:
            queue.put_nowait(text)

    async def events(self) -> Events:
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._queues.add(queue)
        self.open += 1
        try:
            while (text := await queue.get()) is not None:
                yield Event("said", text)
            yield Event("bye", "")
        finally:
            self.open -= 1
            self._queues.discard(queue)

    async def flood(self) -> Events:
        self.open += 1
        try:
            while True:
                yield b": " + b"x" * 65536 + b"\n\n"
        finally:
            self.open -= 1


async def stubborn() -> Events:
    await asyncio.Event().wait()
    yield b""


async def broken() -> Events:
    yield Event(None, "so far")
    raise ZeroDivisionError


def create_app(health: Health, *, dressed: bool) -> Starlette:
    """The same endpoints under Starlette alone, which starts fast, or under all that the gateway has."""
    hub = Hub(health)
    app, add = _dressed() if dressed else _plain()

    async def say(request: Request) -> Response:
        hub.say((await request.body()).decode())
        return Response()

    async def count(_: Request) -> Response:
        return PlainTextResponse(str(hub.open))

    add("/say", say, methods=["POST"])
    add("/open", count, methods=["GET"])
    streams = {"/events": hub.events, "/flood": hub.flood, "/stubborn": stubborn, "/broken": broken}
    for path, source in streams.items():
        add(path, _streaming(source), methods=["GET"])
    return app


def _plain() -> tuple[Starlette, Callable[..., None]]:
    app = Starlette()
    return app, app.add_route


def _dressed() -> tuple[Starlette, Callable[..., None]]:
    from fastapi import FastAPI
    from starlette.middleware.gzip import GZipMiddleware

    from memebattle.gateway import errors, web
    from memebattle.kit.metrics import Metrics

    app = FastAPI()
    errors.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    app.add_middleware(web.BodyLimit, limit=web.MAX_BODY)
    app.add_middleware(web.Finishing, metrics=Metrics())
    return app, app.add_api_route


def _streaming(source: Callable[[], Events]) -> Callable[[Request], Any]:
    async def endpoint(_: Request) -> Response:
        return EventStream(source(), send_timeout=SEND_TIMEOUT)

    return endpoint


if __name__ == "__main__":
    if "asyncio" in sys.argv:
        sys.modules["uvloop"] = None  # type: ignore[assignment]
    health = Health(starting=False)
    app = create_app(health, dressed="dressed" in sys.argv)
    sys.exit(serve(app, f"127.0.0.1:{sys.argv[1]}", grace=GRACE, on_stop=health.stop))
