"""Liveness and readiness.

Live: the process answers, so a restart would not help. Ready: it can do its work, so traffic may come. A
lost NATS makes a process unready within a second, never dead; a lost Redis makes it degraded, and no more.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

type Status = Literal["ok", "degraded", "unavailable"]


@dataclass(slots=True)
class Health:
    """What this process knows about itself. `checks` are asked at each readiness probe."""

    starting: bool = True
    stopping: bool = False
    required: dict[str, Callable[[], bool]] = field(default_factory=dict)
    optional: dict[str, Callable[[], bool]] = field(default_factory=dict)

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
