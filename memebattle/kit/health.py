"""Liveness and readiness.

Live: the process answers, so a restart would not help. Ready: it can do its work, so traffic may come. A
lost NATS makes a process unready within a second, never dead; a lost Redis makes it degraded, and no more.

A process that stops says so here first (`stop`), and whoever has something open that does not end by itself,
an event stream for example, hears of it (`on_stop`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

log = logging.getLogger(__name__)

type Status = Literal["ok", "degraded", "unavailable"]


@dataclass(slots=True)
class Health:
    """What this process knows about itself. `checks` are asked at each readiness probe."""

    starting: bool = True
    stopping: bool = False
    required: dict[str, Callable[[], bool]] = field(default_factory=dict)
    optional: dict[str, Callable[[], bool]] = field(default_factory=dict)
    _waiting: dict[object, Callable[[], None]] = field(default_factory=dict, init=False, repr=False)

    def on_stop(self, callback: Callable[[], None]) -> Callable[[], object]:
        """Call this once, in the event loop, when the process begins to stop; now, if it has begun.

        Returns:
            What takes it back, also afterwards, and as often as you like.
        """
        key = object()
        if self.stopping:
            callback()
        else:
            self._waiting[key] = callback
        return partial(self._waiting.pop, key, None)

    def stop(self) -> None:
        """Not ready from now on; tell whoever waits for it, the last one first, and nobody twice."""
        self.stopping = True
        while self._waiting:
            _, callback = self._waiting.popitem()
            try:
                callback()
            except Exception:
                log.exception("A callback failed while stopping")  # the others must hear of it

    def report(self) -> tuple[Status, dict[str, str]]:
        """The status and what each part said."""
        parts = {name: "up" if check() else "down" for name, check in (self.required | self.optional).items()}
        if self.starting or self.stopping:
            return "unavailable", {**parts, "process": "stopping" if self.stopping else "starting"}
        if any(parts[name] == "down" for name in self.required):
            return "unavailable", parts
        return ("degraded" if "down" in parts.values() else "ok"), parts

    async def livez(self, _scope: Any, _receive: Any, send: Any) -> None:
        """ASGI: always 200; checks nothing outside this process."""
        await _respond(send, 200, {"status": "ok"})

    async def readyz(self, _scope: Any, _receive: Any, send: Any) -> None:
        """ASGI: 200 when ready (also when degraded), else 503."""
        status, parts = self.report()
        await _respond(send, 503 if status == "unavailable" else 200, {"status": status, **parts})


async def _respond(
    send: Callable[[dict[str, Any]], Awaitable[None]], status: int, body: dict[str, str]
) -> None:
    payload = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(payload)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": payload})
