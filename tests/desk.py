"""A gateway in this process, with twins for NATS and Redis behind it and an HTTP client in front.

A stream never ends by itself, and the HTTP client would wait for its end: `Desk.listens` speaks ASGI.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI

from memebattle.bootstrap.priority_front import PriorityFrontParts
from memebattle.bus.answers import MemoryAnswers
from memebattle.bus.battlelog import MemoryBattleLog
from memebattle.bus.chunklog import MemoryChunkLog
from memebattle.bus.hearing import MemoryNews
from memebattle.bus.idempotency import Answer
from memebattle.bus.objects import MemoryImages
from memebattle.bus.probe import MemoryNatsProbe
from memebattle.bus.requests import MemoryRequests
from memebattle.bus.tasklog import MemoryTaskLog
from memebattle.bus.tasks import MemoryTasks
from memebattle.chat.workflows import MemoryWorkflows
from memebattle.gateway.app import create_app
from memebattle.memes.messages import MemeRequest
from memebattle.priority.vitals import Vitals
from memebattle.settings import Settings
from memebattle.store.cache import MemoryCache
from memebattle.store.documents import Kind, MemoryDocuments
from memebattle.store.history import MemoryHistory
from memebattle.store.probe import MemoryRedisProbe
from memebattle.store.profiles import MemoryProfiles
from memebattle.store.ratelimit import MemoryRateLimiter
from memebattle.store.rollup import MemoryRollup
from memebattle.store.sessions import MemorySessions
from tests.listening import Event, read_event
from tests.waiting import wait_until


class Listening:
    """A request for an event stream that goes on until `leave`, as its client sees it.

    While `may_read` is cleared, nothing is taken from the server.
    """

    def __init__(
        self, app: FastAPI, headers: Mapping[str, str], query: Mapping[str, str], path: str = "/api/sse"
    ) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self._gone, self.may_read = asyncio.Event(), asyncio.Event()
        self.may_read.set()
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": urlencode(query).encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "extensions": {},
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    @property
    def events(self) -> list[Event]:
        """All that came so far; comments are none."""
        blocks = [block + b"\n\n" for block in self.body.split(b"\n\n")[:-1]]
        return [read_event(block) for block in blocks if not block.startswith(b":")]

    @property
    def problem(self) -> dict[str, Any]:
        """The body of a refusal."""
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        return found

    async def hears(self, number: int) -> list[Event]:
        """Wait for so many events."""
        await wait_until(lambda: len(self.events) >= number, f"{number} events")
        return self.events

    async def ends(self) -> None:
        """Wait until the gateway ends the response."""
        await wait_until(self.task.done, "the response to end")
        await self.task

    async def leave(self) -> None:
        """Hang up."""
        self._gone.set()
        await self.ends()

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self.may_read.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")


def priority_twins() -> PriorityFrontParts:
    """What a gateway needs for priority, in memory."""
    ttls: dict[Kind, float] = dict.fromkeys(("result", "suggestions", "session", "stats", "temp"), 3600.0)
    documents = MemoryDocuments(ttls, 65_536)
    return PriorityFrontParts(
        tasks=MemoryTasks(),
        task_log=MemoryTaskLog(),
        documents=documents,
        limiter=MemoryRateLimiter(1000, 60),
        profiles=MemoryProfiles(3600),
        vitals=Vitals(
            MemoryNatsProbe({"PRIORITY_REQUESTS": True}),
            MemoryRedisProbe(),
            documents,
            MemoryRollup(),
            lambda: True,
        ),
    )


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
    priority: PriorityFrontParts = field(default_factory=priority_twins)
    facts: MemoryBattleLog = field(default_factory=MemoryBattleLog)
    news: MemoryNews = field(default_factory=MemoryNews)
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
            "priority": self.priority,
            "facts": self.facts,
            "news": self.news,
            "connected": lambda: self.is_connected,
        }

    @contextlib.asynccontextmanager
    async def listens(
        self, session_id: str | None = "s1", last_event_id: str | None = None
    ) -> AsyncIterator[Listening]:
        """A client of `GET /api/sse`; it has its status, and is registered."""
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        query = {} if session_id is None else {"session_id": session_id}
        listening = Listening(self.app, headers, query)
        await wait_until(lambda: listening.status, "a response")
        try:
            yield listening
        finally:
            await listening.leave()

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
