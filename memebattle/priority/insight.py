"""What a gateway can say about all tasks together: their ranking, their history, and simulations.

Nothing is stored here. Ranking and history are read from the log of tasks, and a simulation is arithmetic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from memebattle.bus.entries import Entry, EntryKind, TaskLog
from memebattle.bus.messages import WireModel, decode
from memebattle.bus.refusals import Unavailable
from memebattle.bus.tasks import AWAY
from memebattle.priority.board import Board, Ranking
from memebattle.priority.messages import Category, PriorityRequest, ScoringModel, UrgencyLevel
from memebattle.priority.scoring import Weights
from memebattle.priority.simulation import Case, Simulated, case_of, known_case, simulate
from memebattle.settings import PrioritySettings

PATIENCE = 10.0  # seconds a client waits for a log that is still being read


class UnknownTasks(Exception):
    """Tasks that no ranking has; `places` are theirs in the question, from 0 on."""

    def __init__(self, places: Sequence[int]) -> None:
        super().__init__("nobody scored this task lately")
        self.places = places


class HistoryItem(WireModel):
    """One stored message of a task."""

    seq: int = Field(description="Its place in the stream", examples=[4711])
    kind: EntryKind
    request_id: str = Field(examples=["ticket-4711"])
    revision: int
    data: Any = Field(description="The message as it is stored; null if that is no JSON")


class History(WireModel):
    """Some of what was stored, oldest first."""

    items: tuple[HistoryItem, ...]
    after: int = Field(description="What follows is behind this place", examples=[4711])
    more: bool = Field(description="Whether something may follow already")


class Insight:
    """Ranks, looks back, simulates. `connected` says whether NATS is in reach right now; `now` is in UTC."""

    def __init__(
        self,
        board: Board,
        tasks: TaskLog,
        connected: Callable[[], bool],
        settings: PrioritySettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: float = PATIENCE,
    ) -> None:
        self._board, self._log, self._connected = board, tasks, connected
        self._settings, self._now, self._patience = settings, now, patience

    async def ranking(
        self,
        limit: int,
        offset: int = 0,
        level: UrgencyLevel | None = None,
        category: Category | None = None,
    ) -> Ranking:
        """A part of the ranking, with everything that is stored by now.

        Raises:
            Unavailable: NATS is out of reach, or the log is still being read.
        """
        await self._reach(self._board.refresh)
        return self._board.top(limit, offset, level, category)

    async def history(self, after: int, limit: int, request_id: str | None = None) -> History:
        """What was stored behind this place of the stream; of one task only its results.

        Raises:
            Unavailable: NATS is out of reach.
        """
        entries = await self._reach(lambda: self._log.after(after, limit, request_id))
        return History(
            items=tuple(map(_item, entries)),
            after=entries[-1].seq if entries else after,
            more=len(entries) == limit,
        )

    async def simulate(
        self,
        tasks: Sequence[PriorityRequest | str],
        model: ScoringModel | None = None,
        weights: Weights | None = None,
    ) -> list[Simulated]:
        """Score tasks, or known ones by their ids, in another way; see `simulation.simulate`.

        Raises:
            ValueError: weights for a model that has none.
            UnknownTasks: ids that no ranking has.
            Unavailable: ids were named, and NATS is out of reach.
        """
        now = self._now()
        if any(isinstance(task, str) for task in tasks):
            await self._reach(self._board.refresh)
        cases = [self._case(task, now) for task in tasks]
        if unknown := [place for place, case in enumerate(cases) if case is None]:
            raise UnknownTasks(unknown)
        return simulate([case for case in cases if case is not None], now, model, weights)

    def _case(self, task: PriorityRequest | str, now: datetime) -> Case | None:
        if not isinstance(task, str):
            return case_of(task, self._settings.model, now)
        found = self._board.find(task)
        return known_case(*found) if found is not None else None

    async def _reach[T](self, read: Callable[[], Awaitable[T]]) -> T:
        if not self._connected():
            raise Unavailable("NATS is out of reach")
        try:
            async with asyncio.timeout(self._patience):
                return await read()
        except AWAY as error:
            raise Unavailable("the log of tasks was not read in time; try again") from error


def _item(entry: Entry) -> HistoryItem:
    try:
        data = decode(entry.body)
    except ValueError:
        data = None
    return HistoryItem(
        seq=entry.seq, kind=entry.kind, request_id=entry.request_id, revision=entry.revision, data=data
    )
