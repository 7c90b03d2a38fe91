"""A log of scored tasks for tests of the ranking, written as workers and gateways write it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from memebattle.bus.entries import Entry
from memebattle.bus.tasklog import MemoryTaskLog
from memebattle.priority.board import Board
from memebattle.priority.factors import complete
from memebattle.priority.messages import PriorityError, PriorityOverride, PriorityResult, ScoringModel
from memebattle.priority.scoring import score
from memebattle.settings import PrioritySettings
from tests.priority_tasks import NOW, known


class Wall:
    """A wall clock that goes on when told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def goes_on(self, hours: float) -> None:
        self.now += timedelta(hours=hours)


def a_result(
    request_id: str,
    revision: int = 1,
    model: ScoringModel = "weighted",
    guesses: Mapping[str, float] | None = None,
    at: datetime = NOW,
    **fields: Any,
) -> PriorityResult:
    """A task that is scored at that time; it waits since then unless `fields` say otherwise."""
    task = known(**{"created_at": at, **fields})
    found = score(task, complete(task, guesses), at, model)
    return PriorityResult(
        request_id=request_id,
        revision=revision,
        urgency_level=found.level,
        priority_metrics=found.metrics,
        reasoning=found.reasoning,
        ai_confidence=found.confidence,
        estimated_resolution_hours=found.sla_hours,
        escalation_required=found.escalate,
        contributions=found.contributions,
        model=model,
        task=task,
        processed_at=at,
    )


class Office:
    """A log, what is written into it, and a board that reads it."""

    def __init__(self, limit: int = 100_000, **env: Any) -> None:
        self.log, self.wall, self.limit = MemoryTaskLog(), Wall(), limit
        self.settings = PrioritySettings(**env)
        self.board = self.another_board()

    def another_board(self) -> Board:
        """As another gateway has it, or this one after its restart."""
        return Board(self.log, self.settings, now=self.wall, limit=self.limit)

    async def scores(self, request_id: str, **fields: Any) -> PriorityResult:
        result = a_result(request_id, **{"at": self.wall.now, **fields})
        await self.log.add(Entry(request_id, "response", result.body(), result.revision))
        return result

    async def fails(self, request_id: str, revision: int = 1) -> None:
        error = PriorityError(
            request_id=request_id,
            revision=revision,
            error="cancelled on request",
            code="cancelled",
            retryable=False,
            processed_at=self.wall.now,
        )
        await self.log.add(Entry(request_id, "error", error.body(), revision))

    async def decides(self, request_id: str, action: str, **fields: Any) -> None:
        override = PriorityOverride.model_validate(
            {"request_id": request_id, "action": action, "created_at": self.wall.now, **fields}
        )
        await self.log.add(Entry(request_id, "override", override.body()))

    async def order(self, board: Board | None = None, **wanted: Any) -> list[str]:
        """The ids by rank."""
        board = board or self.board
        await board.refresh()
        return [item.request_id for item in board.top(**{"limit": 1000, **wanted}).items]
