"""What is most urgent: the ranking of all scored tasks, made from their log.

Every gateway keeps its own in memory and reads what is new when it is asked, so that all of them say the same
and none of them stores anything. A task waits from its creation on and gains points meanwhile (see
`scoring.aged`); deadlines come closer, so scores are those of now, not those that were stored.

What its stream has forgotten is forgotten here too: results that are older than the stream keeps them (a
week) are in no ranking, or a gateway would rank otherwise after its restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from pydantic import Field

from memebattle.bus.entries import Entry, TaskLog
from memebattle.bus.messages import WireModel
from memebattle.priority.candidate import Candidate, Position
from memebattle.priority.fold import Fold, Task
from memebattle.priority.messages import Category, Contribution, RequesterRole, UrgencyLevel
from memebattle.priority.scoring import DECIMALS, aged
from memebattle.settings import PrioritySettings

log = logging.getLogger(__name__)

PAGE = 500  # entries that are read at one time
PAUSE = 2.0  # seconds until a log that is out of reach is tried again


class RankedTask(WireModel):
    """A task and its place."""

    rank: int = Field(description="Among all tasks, from 1 on, whatever was asked for", examples=[1])
    request_id: str = Field(examples=["ticket-4711"])
    revision: int
    title: str = Field(examples=["VPN is down for the whole sales team"])
    category: Category
    requester_role: RequesterRole
    urgency_level: UrgencyLevel = Field(description="As decided by a person, else as scored, as of now")
    score: float = Field(description="As decided by a person, else as scored, as of now")
    effective_score: float = Field(description="What it is ranked by: the score and what waiting added to it")
    waited_hours: float = Field(description="Since it was created")
    overridden: bool = Field(description="Whether a person set score or level")
    escalation_required: bool
    contributions: tuple[Contribution, ...] = Field(description="How the score came about before a decision")


class Ranking(WireModel):
    """A part of the ranking, the most urgent first."""

    total: int = Field(description="How many tasks there are of what was asked for")
    truncated: bool = Field(
        description="Whether there were too many to remember: the lowest ones are missing"
    )
    items: tuple[RankedTask, ...]


class Board:
    """The ranking. `now` is the wall clock, in UTC; beyond `limit` tasks the lowest ones are forgotten.

    Measured with 10 000 tasks on a busy machine of two cores: 1 to 2 s to read them all after a start, then
    3 ms for a page of 50, 15 to 30 ms when it is filtered, and 0.15 ms for each task that time changes.
    """

    def __init__(
        self,
        tasks: TaskLog,
        settings: PrioritySettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        limit: int = 100_000,
    ) -> None:
        self._log, self._settings, self._now, self._limit = tasks, settings, now, limit
        self._fold = Fold(settings.ageing, limit)
        self._seen = 0
        self._first: Entry | None = None  # of the log
        self._reading = asyncio.Lock()
        self._begun, self._ended = 0, 0  # rounds of reading
        self._failure: Exception | None = None  # of the last round that ended

    async def warm(self) -> None:
        """Read everything once, however long the log is out of reach; for the background at the start."""
        while True:
            try:
                await self.refresh()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next caller hears of it too
                log.info("The ranking cannot be read yet", extra={"error": repr(error)})
                await asyncio.sleep(PAUSE)
            else:
                return

    async def refresh(self) -> None:
        """Read what is new, and let deadlines come closer. Callers who come meanwhile share the next round.

        Raises:
            Exception: what the log raises; what was read until then is kept.
        """
        begun = self._begun
        async with self._reading:
            if self._ended > begun:  # a whole round since we asked, so it has seen all that we may expect
                if self._failure is not None:
                    raise self._failure
                return
            self._begun += 1
            await self._read_round(self._begun)

    def top(
        self,
        limit: int,
        offset: int = 0,
        level: UrgencyLevel | None = None,
        category: Category | None = None,
    ) -> Ranking:
        """A part of the ranking as of the last refresh; `level` and `category` leave out others."""
        now = self._now()
        found = self._places(level, category)
        items = [
            _shown(rank, candidate, position, now, self._settings.ageing)
            for rank, candidate, position in (self._at(place) for place in found[offset : offset + limit])
        ]
        return Ranking(total=len(found), truncated=self._fold.truncated, items=tuple(items))

    def find(self, request_id: str) -> tuple[Candidate, Position] | None:
        """What is known of a task, withdrawn or not, as of the last refresh; None without a result."""
        task = self._fold.tasks.get(request_id)
        if task is None or task.candidate is None:
            return None
        return task.candidate, task.position or Position.of(task.candidate, None)

    async def _read_round(self, number: int) -> None:
        try:
            await self._follow_start()
            while entries := await self._log.after(self._seen, PAGE):
                self._take(entries)
            while self._fold.let_pass(self._now(), PAGE):  # noqa: ASYNC110 - this is work, not waiting
                await asyncio.sleep(0)
        except Exception as error:
            self._ended, self._failure = number, error
            raise
        self._ended, self._failure = number, None

    async def _follow_start(self) -> None:
        """Notice what the log has forgotten, and whether it is another one."""
        first = next(iter(await self._log.after(0, 1)), None)
        if await self._is_another(first):
            self._fold, self._seen, self._first = Fold(self._settings.ageing, self._limit), 0, None
        if first is not None and (self._first is None or first.seq > self._first.seq):
            self._first = first
            self._fold.forget_before(first.seq)

    async def _is_another(self, first: Entry | None) -> bool:
        if self._first is None or first is None:
            return self._first is not None
        if first.seq == self._first.seq:
            return first != self._first
        # a replica that lags behind may still have what others have forgotten
        return first.seq < self._first.seq and not await self._log.after(self._seen - 1, 1)

    def _take(self, entries: Iterable[Entry]) -> None:
        now = self._now()
        for entry in entries:
            self._seen = entry.seq
            try:
                self._fold.take(entry, now)
            except (ValueError, ArithmeticError):  # of another version; the ranking goes on without it
                log.warning("Not readable", extra={"request_id": entry.request_id, "seq": entry.seq})

    def _places(self, level: UrgencyLevel | None, category: Category | None) -> range | list[int]:
        """The places in the order, from 0 on, of the tasks that were asked for."""
        order, tasks = self._fold.order, self._fold.tasks
        if level is None and category is None:
            return range(len(order))
        return [place for place, (_, _, name) in enumerate(order) if _is_wanted(tasks[name], level, category)]

    def _at(self, place: int) -> tuple[int, Candidate, Position]:
        task = self._fold.tasks[self._fold.order[place][2]]
        assert task.candidate is not None  # noqa: S101 - it is in the order
        assert task.position is not None  # noqa: S101 - likewise
        return place + 1, task.candidate, task.position


def _is_wanted(task: Task, level: UrgencyLevel | None, category: Category | None) -> bool:
    return (
        task.candidate is not None
        and task.position is not None
        and level in {None, task.position.present.level}
        and category in {None, task.candidate.category}
    )


def _shown(rank: int, candidate: Candidate, position: Position, now: datetime, ageing: float) -> RankedTask:
    result, contributions = candidate.shown()
    waited = max(timedelta(0), now - candidate.since)
    effective = aged(position.present.score, now - position.since, ageing)
    return RankedTask(
        rank=rank,
        request_id=candidate.request_id,
        revision=result.revision,
        title=result.task.title,
        category=result.task.category,
        requester_role=result.task.requester_role,
        urgency_level=position.present.level,
        score=position.present.score,
        effective_score=round(effective, DECIMALS),
        waited_hours=round(waited / timedelta(hours=1), DECIMALS),
        overridden=position.is_decided,
        escalation_required=position.present.escalate,
        contributions=contributions,
    )
