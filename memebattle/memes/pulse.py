"""A worker says every second that it lives, what it has in work and what it did.

Nobody's work depends on it: a beat that is lost is made good by the next one, because counters are told from
the start of the process on. What is told is read from the metrics that are there anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from memebattle.bus.messages import WireModel
from memebattle.bus.subjects import WORKER_HEARTBEAT, fill
from memebattle.kit.bell import Bell
from memebattle.kit.metrics import MemeMetrics
from memebattle.memes.messages import Counters, WorkerHeartbeat, WorkerState

log = logging.getLogger(__name__)

INTERVAL = 1.0  # seconds
NEW_FOR = 3.0  # seconds
MOST_BATTLES = 100


class Events(Protocol):
    """Somewhere to tell what happened. Best effort, never raises."""

    async def tell(self, subject: str, message: WireModel) -> None: ...


class Places(Protocol):
    """Where work is done: `used` of `limit` places are taken."""

    limit: int

    @property
    def used(self) -> int: ...


@dataclass(slots=True)
class Pulse:
    """The heartbeats of one worker.

    `stopping` says whether it is about to leave, `battles` which of them it looks after. `now` is in Unix
    seconds.
    """

    worker_id: str
    contexts: tuple[str, ...]
    places: Sequence[Places]
    metrics: MemeMetrics
    events: Events
    stopping: Callable[[], bool]
    battles: Callable[[], Collection[str]] = list
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    _bell: Bell = field(default_factory=Bell)
    _started_at: float = field(init=False)
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._started_at, self._began = self.now(), self.clock()

    def heartbeat(self) -> WorkerHeartbeat:
        """What there is to say now. Latencies are told once."""
        in_work = sum(each.used for each in self.places)
        return WorkerHeartbeat(
            worker_id=self.worker_id,
            contexts=list(self.contexts),
            state=self._state(in_work),
            in_work=in_work,
            slots=sum(each.limit for each in self.places),
            started_at=self._started_at,
            counters=Counters(**self.metrics.counts()),
            latencies_ms=[round(seconds * 1000, 1) for seconds in self.metrics.recent()],
            battles=sorted(self.battles())[:MOST_BATTLES],
        )

    async def beat(self) -> None:
        """Say it."""
        await self.events.tell(fill(WORKER_HEARTBEAT, worker_id=self.worker_id), self.heartbeat())

    def hurry(self) -> None:
        """Something worth knowing has happened: do not wait for the next second."""
        self._bell.ring()

    @contextlib.asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Beat during the block."""
        task = asyncio.create_task(self._keep_beating())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep_beating(self) -> None:
        while True:
            await self._bell.rung_within(INTERVAL)
            self._bell.hush()
            try:
                await self.beat()
            except Exception:  # the next beat may work; without one the worker would seem to be dead
                log.exception("A heartbeat failed")

    def _state(self, in_work: int) -> WorkerState:
        if self.stopping():
            return "leaving"
        if self.clock() - self._began < NEW_FOR:
            return "new"
        return "busy" if in_work else "idle"
