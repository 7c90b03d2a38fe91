"""A gateway in this process, with twins for NATS and Redis behind it and an HTTP client in front."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from memebattle.bus.answers import MemoryAnswers
from memebattle.bus.chunklog import MemoryChunkLog
from memebattle.bus.idempotency import Answer
from memebattle.bus.objects import MemoryImages
from memebattle.bus.requests import MemoryRequests
from memebattle.chat.workflows import MemoryWorkflows
from memebattle.gateway.app import create_app
from memebattle.memes.messages import MemeRequest
from memebattle.settings import Settings
from memebattle.store.cache import MemoryCache
from memebattle.store.history import MemoryHistory
from memebattle.store.sessions import MemorySessions


@dataclass
class Desk:
    """The twins, to look into and to break; `http` speaks to the gateway."""

    answers: MemoryAnswers = field(default_factory=MemoryAnswers)
    images: MemoryImages = field(default_factory=MemoryImages)
    cache: MemoryCache = field(default_factory=lambda: MemoryCache(60))
    asked: MemoryCache = field(default_factory=lambda: MemoryCache(60))
    workflows: MemoryWorkflows = field(default_factory=MemoryWorkflows)
    chunks: MemoryChunkLog = field(default_factory=MemoryChunkLog)
    registry: MemorySessions = field(default_factory=lambda: MemorySessions(30))
    memory: MemoryHistory = field(default_factory=lambda: MemoryHistory(10, 3600))
    is_connected: bool = True
    requests: MemoryRequests = field(init=False)
    http: httpx.AsyncClient = field(init=False)
    app: FastAPI = field(init=False)

    def __post_init__(self) -> None:
        self.requests = MemoryRequests(self.answers)

    def parts(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "answers": self.answers,
            "images": self.images,
            "cache": self.cache,
            "asked": self.asked,
            "workflows": self.workflows,
            "chunks": self.chunks,
            "registry": self.registry,
            "memory": self.memory,
            "connected": lambda: self.is_connected,
        }

    async def answer(self, request_id: str, body: bytes, *, prompt: str) -> None:
        """Store an answer to a request for this prompt, as a worker would."""
        await self.answers.publish(
            Answer(request_id, "response", body, MemeRequest(id=request_id, prompt=prompt).digest)
        )


@contextlib.asynccontextmanager
async def open_desk(
    env: Mapping[str, str] | None = None, desk: Desk | None = None, **overrides: Any
) -> AsyncIterator[Desk]:
    """A started gateway; `overrides` replace twins."""
    desk = desk or Desk()
    desk.app = create_app(Settings.from_env(env or {}), **{**desk.parts(), **overrides})
    # a bug is answered with a problem, and the test sees that answer instead of the exception
    transport = httpx.ASGITransport(desk.app, raise_app_exceptions=False)
    async with (
        desk.app.router.lifespan_context(desk.app),
        httpx.AsyncClient(transport=transport, base_url="http://gateway") as desk.http,
    ):
        yield desk
