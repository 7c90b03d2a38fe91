"""A priority worker over in-memory twins, with an adviser that guesses what the test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

from memebattle.bus.entries import Entry
from memebattle.bus.events import MemoryEvents
from memebattle.bus.idempotency import Delivery, ExactlyOnce
from memebattle.bus.tasklog import MemoryTaskLog
from memebattle.kit.metrics import Metrics
from memebattle.priority.messages import PriorityRequest, PriorityStatus, PriorityTask, UrgencyLevel
from memebattle.priority.ports import Advice, Guess
from memebattle.priority.service import PriorityService
from memebattle.settings import Settings
from memebattle.store.claims import MemoryClaims
from memebattle.store.documents import Kind, MemoryDocuments
from memebattle.store.rollup import MemoryRollup

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SUBJECT = "prioritization.request"
JS = Delivery("jetstream", fallback_id="js-PRIORITY_REQUESTS-7", subject=SUBJECT)
TTLS: dict[Kind, float] = {"result": 60, "suggestions": 60, "session": 60, "stats": 60, "temp": 60}


class ScriptedAdviser:
    """Guesses and advises as told; it can be held while it guesses."""

    def __init__(self) -> None:
        self.guessed, self.advice = (
            Guess(skipped="disabled"),
            Advice(("one", "two", "three"), "llm", "toy", "t-1"),
        )
        self.asked: list[tuple[tuple[str, ...], bool | None]] = []
        self.advised = 0
        self.failure: Exception | None = None
        self.started, self.may_finish = asyncio.Event(), asyncio.Event()
        self.may_finish.set()

    async def guess(self, task: PriorityTask, wanted: tuple[str, ...], *, wish: bool | None = None) -> Guess:
        self.asked.append((wanted, wish))
        self.started.set()
        await self.may_finish.wait()
        return self.guessed

    async def advise(
        self, task: PriorityTask, level: UrgencyLevel, rules: tuple[str, ...], *, wish: bool | None = None
    ) -> Advice:
        self.advised += 1
        if self.failure is not None:
            raise self.failure
        return self.advice


class Bureau:
    """The service and everything around it."""

    def __init__(self, metrics: Metrics, **env: str) -> None:
        self.metrics, self.settings = metrics, Settings.from_env(env)
        self.log, self.claims, self.events = MemoryTaskLog(), MemoryClaims(), MemoryEvents()
        self.figures = MemoryRollup()
        self.documents, self.adviser = MemoryDocuments(TTLS, 65_536), ScriptedAdviser()
        self.service = self.another("worker-1")

    def another(self, worker: str) -> PriorityService:
        """One more worker of the same installation."""
        return PriorityService(
            ExactlyOnce(self.claims, self.settings.delivery, self.metrics.priority),
            self.log,
            self.claims,
            self.documents,
            self.adviser,
            self.events,
            self.metrics.priority,
            self.settings.priority,
            self.figures,
            worker=worker,
            now=lambda: NOW,
        )

    def prioritise(self, delivery: Delivery = JS, **fields: Any) -> Awaitable[None]:
        return self.service.prioritise(a_request(**fields), delivery)

    def stored(self, request_id: str = "t1") -> dict[str, Any]:
        """The bodies of the last entries, by kind."""
        last: dict[str, Entry] = {
            each.kind: each for each in self.log.entries if each.request_id == request_id
        }
        return {kind: json.loads(entry.body) for kind, entry in last.items()}

    def states(self) -> list[str]:
        return [told.state for _, told in self.events.told if isinstance(told, PriorityStatus)]

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"priority_{name}", labels) or 0


def a_request(**fields: Any) -> PriorityRequest:
    """A task of which everything is known."""
    known = {
        "id": "t1",
        "title": "VPN is down",
        "category": "INFRASTRUCTURE",
        "requester_role": "MANAGER",
        "business_value": 8,
        "risk_level": 6,
        "estimated_effort_hours": 3,
        "affected_users_count": 100,
        "created_at": "2026-11-21T11:00:00Z",
    }
    return PriorityRequest.read(json.dumps(known | fields).encode())
