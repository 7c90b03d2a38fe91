"""A client as anybody could write one: publishes requests, hears answers.

It listens on `meme.response` and `meme.response.error`, where every answer is heard exactly once, so it also
notices what must never happen: a second answer.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

type Via = Literal["core", "jetstream", "both"]

SUFFIXES = {"image/webp": ".webp", "image/png": ".png", "image/jpeg": ".jpg"}


@dataclass(slots=True)
class Received:
    """An answer: the decoded message, and seconds since its request was published."""

    request_id: str
    message: dict[str, Any]
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return "error" not in self.message

    def image(self) -> bytes:
        return base64.b64decode(self.message.get("image_data", ""))

    def save(self, directory: Path) -> Path:
        """Write the image, named after its request."""
        directory.mkdir(parents=True, exist_ok=True)
        suffix = SUFFIXES.get(str(self.message.get("content_type")), ".img")
        path = directory / f"{self.request_id}{suffix}"
        path.write_bytes(self.image())
        return path

    def summary(self) -> dict[str, Any]:
        """Without the image bytes."""
        return {
            **{k: v for k, v in self.message.items() if k != "image_data"},
            "seconds": round(self.seconds, 3),
        }


@dataclass(slots=True)
class MemeClient:
    """Asks and listens over one connection."""

    connection: Client
    request_subject: str = "meme.request"
    response_subject: str = "meme.response"
    answers: dict[str, list[Received]] = field(default_factory=dict)
    _asked: dict[str, float] = field(default_factory=dict)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    on_answer: Callable[[Received], None] | None = None

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[MemeClient]:
        """Hear every answer during the block."""
        subjects = (self.response_subject, f"{self.response_subject}.error")
        subscriptions = [await self.connection.subscribe(subject, cb=self._hear) for subject in subjects]
        # twice: nats-py sends the PING of a flush ahead of what it has buffered, so the first is no barrier
        await self.connection.flush()
        await self.connection.flush()
        try:
            yield self
        finally:
            for subscription in subscriptions:
                with contextlib.suppress(Exception):
                    await subscription.unsubscribe()

    async def ask(
        self, prompt: str, *, request_id: str | None = None, via: Via = "core", **fields: Any
    ) -> str:
        """Publish one request; its id."""
        request_id = request_id or new_id()
        body = json.dumps({"id": request_id, "prompt": prompt, **fields}).encode()
        headers = {"Nats-Msg-Id": request_id}
        self._asked[request_id] = time.perf_counter()
        if via in {"core", "both"}:
            await self.connection.publish(self.request_subject, body, headers=headers)
        if via in {"jetstream", "both"}:
            await self.connection.jetstream(timeout=5).publish(self.request_subject, body, headers=headers)
        return request_id

    async def answered(self, request_ids: list[str], timeout: float) -> list[str]:
        """Wait for all of these; returns those without an answer when the time is up."""
        deadline = time.monotonic() + timeout
        while missing := [each for each in request_ids if each not in self.answers]:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                break
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), remaining)
        return missing

    async def _hear(self, message: Msg) -> None:
        self.receive(message.data)

    def receive(self, body: bytes) -> None:
        """Take note of an answer."""
        decoded = json.loads(body)
        request_id = str(decoded.get("request_id"))
        asked = self._asked.get(request_id)
        received = Received(request_id, decoded, time.perf_counter() - asked if asked else 0.0)
        self.answers.setdefault(request_id, []).append(received)
        self._arrived.set()
        if self.on_answer is not None:
            self.on_answer(received)


def new_id() -> str:
    """An id nobody guesses."""
    return secrets.token_urlsafe(12)
