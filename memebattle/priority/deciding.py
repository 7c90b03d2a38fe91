"""What people decide about tasks: stop one, say how urgent it really is, take it out of the ranking.

A decision is stored beside the score, which stays as it was. It is confirmed when it is stored and on the
audit trail; whoever hears of a failure decides once more, and the last decision counts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from memebattle.bus.entries import Entry, TaskLog
from memebattle.bus.messages import WireModel
from memebattle.priority.messages import AnyCase, PriorityOverride, UrgencyLevel
from memebattle.priority.ports import Tasks
from memebattle.priority.standing import Standing, TaskState

type Audit = Callable[[str, dict[str, Any]], Awaitable[None]]


class NotScored(Exception):
    """There is no score to decide about, not yet or not at all."""


class Decision(WireModel):
    """A human decision about a task."""

    action: Literal["set", "clear", "withdraw"] = Field(
        "set", description="`set` level or score, `clear` what was set, `withdraw` the task from the ranking"
    )
    urgency_level: Annotated[UrgencyLevel, AnyCase] | None = Field(None, examples=["HIGH"])
    final_priority_score: float | None = Field(None, ge=0, le=10, examples=[7.5])
    reason: str = Field("", max_length=500, examples=["The whole sales team is affected"])
    by: str = Field("", max_length=120, description="Who decided", examples=["Kim"])

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        says_something = self.urgency_level is not None or self.final_priority_score is not None
        if (self.action == "set") != says_something:
            raise ValueError("`set` needs urgency_level or final_priority_score, and nothing else has them")
        return self


@dataclass(frozen=True, slots=True)
class Deciding:
    """Stores decisions. `audit` tells an action with its details; `now` is the wall clock, in UTC."""

    tasks: Tasks
    log: TaskLog
    standing: Standing
    audit: Audit
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def cancel(self, request_id: str, by: str = "") -> TaskState:
        """Stop a task in work, or withdraw a scored one from the ranking; its state before that, or after.

        A task that ended without a score, or is withdrawn, stays as it is.

        Raises:
            UnknownTask: nobody asked about it.
            Unavailable: NATS is out of reach.
        """
        self.standing.require_connection()
        state = await self.standing.state(request_id)
        if state.is_pending:
            await self.tasks.cancel(request_id, state.revision)
            return state
        if state.result is None or (state.override is not None and state.override.action == "withdraw"):
            return state
        return await self._decide(state, Decision(action="withdraw", by=by))

    async def override(self, request_id: str, decision: Decision) -> TaskState:
        """Decide about a scored task; its state after that.

        Raises:
            UnknownTask: nobody asked about it.
            NotScored: there is no score to decide about.
            Unavailable: NATS is out of reach.
        """
        self.standing.require_connection()
        state = await self.standing.state(request_id)
        if state.result is None:
            raise NotScored(f"{request_id} has no score to decide about: it is {state.state}")
        return await self._decide(state, decision)

    async def _decide(self, state: TaskState, decision: Decision) -> TaskState:
        override = PriorityOverride(
            request_id=state.request_id, created_at=self.now(), **decision.model_dump()
        )
        revision = state.result.revision if state.result is not None else state.revision
        await self.log.add(Entry(state.request_id, "override", override.body(), revision))
        details = override.model_dump(mode="json", exclude_none=True)
        await self.audit(decision.action, {**details, "revision": revision})
        return state.decided(override)
