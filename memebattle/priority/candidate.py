"""A scored task as the ranking keeps it: small, because there may be a hundred thousand.

What is compared is at hand; the rest is kept as the bytes it came in, without the texts that no ranking
shows, and is read again for the few that somebody looks at. Measured: 2 kB for a task; as objects it would be
11 kB.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from memebattle.priority.messages import (
    Category,
    Contribution,
    PriorityOverride,
    PriorityResult,
)
from memebattle.priority.rescoring import Present, as_of, decided, holds_until, moves, stored

DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

type Order = tuple[float, datetime, str]


@dataclass(slots=True)
class Candidate:
    """A task with its newest result, as of `seen_at`; it stays so until `holds_until` (None: for ever)."""

    request_id: str
    category: Category
    since: datetime
    """Since when it waits: its creation, or its scoring if that was before."""
    present: Present
    seen_at: datetime
    holds_until: datetime | None
    body: bytes

    @classmethod
    def of(cls, request_id: str, result: PriorityResult, now: datetime) -> Candidate:
        """What is kept of a result. Its place in the log says whose it is."""
        scored_at = in_utc(result.processed_at)
        found = cls(
            request_id=request_id,
            category=result.task.category,
            since=min(result.task.created_at or scored_at, scored_at),
            present=stored(result),
            seen_at=scored_at,
            holds_until=None,
            body=_without_texts(result).body(),
        )
        if moves(result):
            found._look(result, now)
        return found

    def result(self) -> PriorityResult:
        """The result without its texts."""
        return PriorityResult.read(self.body)

    def shown(self) -> tuple[PriorityResult, tuple[Contribution, ...]]:
        """The result, and how the present score comes about."""
        result = self.result()
        return result, as_of(self.seen_at, result)[1]

    def look_again(self, now: datetime) -> bool:
        """See how much time presses now, if it is time to; whether it was."""
        if self.holds_until is None or self.holds_until > now:
            return False
        self._look(self.result(), now)
        return True

    def _look(self, result: PriorityResult, now: datetime) -> None:
        self.present, _ = as_of(now, result)
        self.seen_at, self.holds_until = now, holds_until(result.task, now)


@dataclass(frozen=True, slots=True)
class Position:
    """What counts of a candidate, with a person's decision about it; it gains points since `since`."""

    present: Present
    since: datetime
    is_decided: bool

    @classmethod
    def of(cls, candidate: Candidate, decision: PriorityOverride | None) -> Position:
        """A decision that sets something stands above ageing: the task begins to wait anew."""
        if decision is None:
            return cls(candidate.present, candidate.since, is_decided=False)
        found = decided(candidate.present, decision, candidate.category)
        return cls(found, in_utc(decision.created_at), is_decided=True)

    def order(self, candidate: Candidate, ageing: float) -> Order:
        """Sorts the highest first; of equals the one that waits longest, then the smaller id.

        All gain the same number of points per day, so this is what is left when the time is taken out of it,
        and time alone changes no order. The last digits of floats decide nothing.
        """
        head_start = ageing * ((self.since - EPOCH) / DAY)
        return round(head_start - self.present.score, 9), candidate.since, candidate.request_id


def in_utc(moment: datetime) -> datetime:
    """A time without a zone is UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _without_texts(result: PriorityResult) -> PriorityResult:
    task = result.task.model_copy(
        update={"description": "", "context": None, "tags": (), "requester_name": None, "requester_id": None}
    )
    return result.model_copy(update={"task": task, "reasoning": "", "suggestions": ()})
