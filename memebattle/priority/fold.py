"""All tasks of the log in the order of their urgency, one entry after the other.

The newest revision of a task counts: its result enters, an error takes the task out. Of decisions the last
one counts: `set` replaces score and level, `clear` takes that back, and what was withdrawn stays out until a
newer result comes. A revision that comes late is passed over.

The order is kept sorted: an entry costs a search and a shift in a list, a date a place in a heap, and looking
at the order costs nothing.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from memebattle.bus.entries import Entry
from memebattle.priority.candidate import Candidate, Order, Position
from memebattle.priority.messages import PriorityOverride, PriorityResult


@dataclass(slots=True)
class Task:
    """What the log says of a task: the newest result (None: it failed), the last decision, their places."""

    revision: int = 0
    stored_at: int = 0
    candidate: Candidate | None = None
    decided_at: int = 0
    decision: PriorityOverride | None = None
    position: Position | None = None
    """What counts; None when it takes no part in the ranking."""
    order: Order | None = None

    @property
    def is_withdrawn(self) -> bool:
        is_last = self.decided_at > self.stored_at
        return self.decision is not None and self.decision.action == "withdraw" and is_last

    @property
    def set_by_hand(self) -> PriorityOverride | None:
        """The decision, if it sets something."""
        return self.decision if self.decision is not None and self.decision.action == "set" else None

    def forget(self, first: int) -> bool:
        """Forget what was stored before this place; whether anything is left."""
        if self.stored_at < first:
            self.revision, self.stored_at, self.candidate = 0, 0, None
        if self.decided_at < first:
            self.decided_at, self.decision = 0, None
        return bool(self.stored_at or self.decided_at)


class Fold:
    """The tasks. `ageing`: points per day; beyond `limit` ranked tasks the lowest ones are `truncated`."""

    def __init__(self, ageing: float, limit: int) -> None:
        self._ageing, self._limit = ageing, limit
        self.tasks: dict[str, Task] = {}
        self.order: list[Order] = []
        self.truncated = False
        self._places: deque[tuple[int, str]] = deque()  # what is stored where, oldest first
        self._until: list[tuple[datetime, str]] = []  # a heap of when time may press otherwise

    def take(self, entry: Entry, now: datetime) -> None:
        """The next entry of the log.

        Raises:
            pydantic.ValidationError: not readable; nothing has changed.
        """
        if entry.kind == "suggestions":
            return
        task = self.tasks.get(entry.request_id) or Task()
        if entry.kind == "override":
            task.decision, task.decided_at = PriorityOverride.read(entry.body), entry.seq
        elif entry.revision > task.revision:
            task.candidate = _candidate(entry, now)
            task.revision, task.stored_at = entry.revision, entry.seq
            self._watch(entry.request_id, task.candidate)
        self.tasks[entry.request_id] = task
        self._places.append((entry.seq, entry.request_id))
        self._settle(task)
        self._drop_lowest()

    def let_pass(self, now: datetime, limit: int) -> bool:
        """Score some of those again for whom time presses otherwise now; whether there may be more."""
        for _ in range(limit):
            if not self._until or self._until[0][0] > now:
                return False
            _, request_id = heapq.heappop(self._until)
            task = self.tasks.get(request_id)
            if task is not None and task.candidate is not None and task.candidate.look_again(now):
                self._watch(request_id, task.candidate)
                self._settle(task)
        return True

    def forget_before(self, first: int) -> None:
        """The log begins at this place now."""
        while self._places and self._places[0][0] < first:
            _, request_id = self._places.popleft()
            task = self.tasks.get(request_id)
            if task is not None:
                is_left = task.forget(first)
                self._settle(task)
                if not is_left:
                    del self.tasks[request_id]

    def _watch(self, request_id: str, candidate: Candidate | None) -> None:
        if candidate is not None and candidate.holds_until is not None:
            heapq.heappush(self._until, (candidate.holds_until, request_id))

    def _settle(self, task: Task) -> None:
        """Put the task where it belongs now."""
        if task.order is not None:
            del self.order[bisect_left(self.order, task.order)]
        task.position, task.order = None, None
        if task.candidate is not None and not task.is_withdrawn:
            task.position = Position.of(task.candidate, task.set_by_hand)
            task.order = task.position.order(task.candidate, self._ageing)
            insort(self.order, task.order)

    def _drop_lowest(self) -> None:
        while len(self.order) > self._limit:
            _, _, request_id = self.order.pop()
            del self.tasks[request_id]
            self.truncated = True


def _candidate(entry: Entry, now: datetime) -> Candidate | None:
    if entry.kind != "response":
        return None
    return Candidate.of(entry.request_id, PriorityResult.read(entry.body), now)
