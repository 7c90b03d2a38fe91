"""uvicorn, for responses that stay open.

It does three things uvicorn does not. When a stop is asked for, the application hears of it before uvicorn
waits for the open responses: an event stream never ends by itself, and the lifespan ends only after them. A
second signal ends the process at once, whichever of the two it is: uvicorn would cancel everything together,
and what waits for something else that is cancelled may never end. And a response can drop its connection
(`kit.sse.DROP`): ASGI knows no way, and closing one waits for a client that does not read.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.server import HANDLED_SIGNALS

from memebattle.kit.sse import DROP

STARTUP_FAILED = 3  # what uvicorn itself exits with


def serve(app: ASGIApp, address: str, *, grace: float, on_stop: Callable[[], None]) -> int:
    """Serve on `host:port` until SIGTERM or Ctrl-C.

    Args:
        app: the application.
        address: where to listen; without a host, everywhere.
        grace: seconds that responses may take to end after a stop was asked for.
        on_stop: called once in the event loop when that happens, before uvicorn waits for the responses.

    Returns:
        The exit code: 0 after a stop on request.
    """
    host, _, port = address.rpartition(":")
    config = uvicorn.Config(
        app,
        host=host or "0.0.0.0",
        port=int(port),
        http=Protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(grace)),  # to uvicorn 0 means for ever
    )
    server = Server(config, on_stop)
    for number in HANDLED_SIGNALS:  # before it starts, so that none is lost, and until the process has ended
        signal.signal(number, server.handle_exit)
    server.run()
    return 0 if server.started else STARTUP_FAILED


class Server(uvicorn.Server):
    """Tells the application that it stops, then stops."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """No: uvicorn raises the signal again when it has stopped, and a stop on request is no failure."""
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; the second time at once, with the exit code a shell gives to what a signal has ended."""
        if self.should_exit:
            os._exit(128 + sig)  # a signal without a handler would not end a container's first process
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)


class Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """HTTP as uvicorn speaks it, plus the extension `kit.sse.DROP` in the scope of every request."""

    app: ASGIApp
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._served, self.app = self.app, self._droppable

    def _droppable(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        scope["extensions"] = {**scope.get("extensions", {}), DROP: self.transport.abort}
        return self._served(scope, receive, send)  # no coroutine of its own: a thousand streams have one each
