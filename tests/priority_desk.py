"""The gateway's side of priority over in-memory twins, a worker's answers, and an HTTP client in front."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from fastapi import FastAPI

from memebattle.bus.entries import Entry
from memebattle.bus.tasklog import MemoryTaskLog
from memebattle.bus.tasks import MemoryTasks
from memebattle.gateway import errors
from memebattle.kit.health import Health
from memebattle.priority import http
from memebattle.priority.desk import PriorityDesk, open_desk
from memebattle.priority.desk_http import PROBLEMS
from memebattle.priority.factors import complete
from memebattle.priority.messages import PriorityError, PriorityRequest, PriorityResult, PrioritySuggestions
from memebattle.priority.ports import Kind
from memebattle.priority.scoring import content_digest, score
from memebattle.settings import PrioritySettings, Settings
from memebattle.store.cache import MemoryCache
from memebattle.store.documents import MemoryDocuments
from memebattle.store.profiles import MemoryProfiles
from memebattle.store.ratelimit import MemoryRateLimiter
from tests.toys import Clock

NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
VPN: dict[str, Any] = {
    "title": "VPN is down",
    "category": "INFRASTRUCTURE",
    "business_value": 8,
    "risk_level": 6,
}
CHAIRS: dict[str, Any] = {"title": "Order new chairs", "category": "MAINTENANCE"}
TTLS: dict[Kind, float] = {"result": 3600, "suggestions": 7200, "session": 86_400, "stats": 300, "temp": 3600}


def task(fields: Mapping[str, Any] = VPN, /, **more: Any) -> PriorityRequest:
    """A request as a client sends it."""
    return PriorityRequest.model_validate({**fields, **more})


@dataclass
class Counter:
    """The twins, to look into and to break; `desk` is what routes speak to."""

    env: Mapping[str, str] = field(default_factory=dict)
    tasks: MemoryTasks = field(default_factory=MemoryTasks)
    log: Any = field(default_factory=MemoryTaskLog)
    documents: MemoryDocuments = field(default_factory=lambda: MemoryDocuments(TTLS, 65_536))
    asked: MemoryCache = field(default_factory=lambda: MemoryCache(60))
    profiles: Any = field(default_factory=lambda: MemoryProfiles(3600))
    clock: Clock = field(default_factory=Clock)
    health: Health = field(default_factory=Health)
    audits: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refused: list[None] = field(default_factory=list)
    is_connected: bool = True
    now: datetime = NOW
    limit: int = 1000
    desk: PriorityDesk = field(init=False)
    http: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        limiter = MemoryRateLimiter(self.limit, 60, clock=self.clock) if self.limit else None
        self.desk = open_desk(
            self.tasks,
            self.log,
            self.documents,
            self.asked,
            limiter,
            self.profiles,
            lambda: self.is_connected,
            self.settings,
            audit=self._audit,
            on_stop=self.health.on_stop,
            on_refused=lambda: self.refused.append(None),
            now=lambda: self.now,
        )

    @property
    def settings(self) -> PrioritySettings:
        return Settings.from_env(self.env).priority

    async def work(self, request_id: str, revision: int = 1) -> PriorityResult:
        """Score a submitted task as a worker would."""
        request = PriorityRequest.read(self.tasks.submitted[request_id, revision])
        result = self.scored(request)
        await self.log.add(Entry(request_id, "response", result.body(), revision, request.digest))
        await self.documents.put("result", f"by-id-{request_id}", result.body())
        digest = content_digest(request.task, result.model, self.now, use_ai=self.settings.use_ai)
        await self.documents.put("result", digest, result.body())
        self.tasks.say(request_id)
        return result

    async def fail(self, request_id: str, code: Any = "dead_lettered", revision: int = 1) -> None:
        """End a submitted task with an error."""
        request = PriorityRequest.read(self.tasks.submitted[request_id, revision])
        error = PriorityError(
            request_id=request_id,
            revision=revision,
            error="no",
            code=code,
            retryable=False,
            processed_at=self.now,
        )
        await self.log.add(Entry(request_id, "error", error.body(), revision, request.digest))
        self.tasks.say(request_id)

    async def suggest(self, request_id: str, *suggestions: str, revision: int = 1) -> None:
        """Store suggestions as a worker would."""
        body = PrioritySuggestions(
            request_id=request_id,
            revision=revision,
            suggestions=suggestions,
            origin="rules",
            created_at=self.now,
        ).body()
        await self.log.add(Entry(request_id, "suggestions", body, revision))
        self.tasks.say(request_id)

    def scored(self, request: PriorityRequest) -> PriorityResult:
        """What a worker would answer."""
        found = score(request.task, complete(request.task), self.now, request.model or "weighted")
        return PriorityResult(
            request_id=str(request.id),
            revision=request.revision,
            urgency_level=found.level,
            priority_metrics=found.metrics,
            reasoning=found.reasoning,
            ai_confidence=found.confidence,
            estimated_resolution_hours=found.sla_hours,
            escalation_required=found.escalate,
            contributions=found.contributions,
            model=request.model or "weighted",
            ai_skipped="disabled",
            task=request.task,
            processed_at=self.now,
        )

    async def reply(self, body: bytes) -> bytes:
        """A worker that answers questions."""
        return self.scored(PriorityRequest.read(body)).body()

    def submitted(self, request_id: str, revision: int = 1) -> dict[str, Any]:
        """What was sent to the work queue."""
        found: dict[str, Any] = json.loads(self.tasks.submitted[request_id, revision])
        return found

    async def _audit(self, action: str, details: dict[str, Any]) -> None:
        self.audits.append((action, details))


@contextlib.asynccontextmanager
async def served(counter: Counter) -> AsyncIterator[Counter]:
    """Its routes in an application, with `counter.http` to ask."""
    app = application(counter)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as counter.http:
        yield counter


def application(counter: Counter) -> FastAPI:
    """The routes with the gateway's errors."""
    for kind, row in PROBLEMS.items():
        errors.PROBLEMS.setdefault(kind, row)
    app = errors.Application(title="counter")
    app.state.priority, app.state.max_wait = counter.desk, 60
    app.include_router(http.router, responses=errors.responses(400, 404, 409, 413, 422, 429, 503, 504))
    errors.install(app)
    return app
