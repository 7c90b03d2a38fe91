"""A gateway tells how the platform is, twice a second, as long as no other one with a smaller name does.

Nobody is elected and nothing is agreed on. Each gateway hears all heartbeats and what the others tell; one
that has heard a smaller name within two seconds keeps silent. So one of them tells, and when it dies the next
one goes on with the same totals.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from memebattle.bus.messages import WireModel
from memebattle.bus.subjects import MEME_STATS
from memebattle.memes.engine import Engine, wish
from memebattle.memes.messages import MemeStats, WorkerHeartbeat, WorkerVitals

log = logging.getLogger(__name__)

INTERVAL = 0.5  # seconds
SILENCE = 2.0  # seconds after which a smaller name is no longer there


class Events(Protocol):
    """Somewhere to tell what happened. Best effort, never raises."""

    async def tell(self, subject: str, message: WireModel) -> None: ...


@dataclass(frozen=True, slots=True)
class Scaling:
    """What KEDA is told about the workers of memes."""

    lag_threshold: int
    max_replicas: int


@dataclass(slots=True)
class Teller:
    """The engine room of one gateway. `lag` may take a moment, and says None when nobody knows."""

    gateway: str
    scaling: Scaling
    events: Events
    lag: Callable[[], Awaitable[int | None]]
    redis_up: Callable[[], bool]
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    _engine: Engine = field(default_factory=Engine)
    _smaller_heard: float = field(init=False)

    def __post_init__(self) -> None:
        self._smaller_heard = self.clock()  # there may be one: listen before you speak

    def hear_worker(self, beat: WorkerHeartbeat) -> None:
        """A worker lives."""
        self._engine.hear(beat, self.clock())

    def hear_gateway(self, stats: MemeStats) -> None:
        """Another gateway tells, or we hear ourselves."""
        if stats.gateway == self.gateway:
            return
        self._engine.hear_totals(stats.totals)
        if stats.gateway < self.gateway:
            self._smaller_heard = self.clock()

    @property
    def is_silent(self) -> bool:
        """Whether somebody else tells."""
        return self.clock() - self._smaller_heard < SILENCE

    async def stats(self) -> MemeStats:
        """How the platform is now."""
        lag, at = await self.lag(), self.clock()
        workers = self._engine.workers(at)
        p50, p95 = self._engine.percentiles(at, (0.5, 0.95))
        return MemeStats(
            gateway=self.gateway,
            at=round(self.now() * 1000),
            lag=lag,
            wish=wish(lag, self.scaling.lag_threshold, self.scaling.max_replicas),
            lag_threshold=self.scaling.lag_threshold,
            max_replicas=self.scaling.max_replicas,
            workers=[self._vitals(beat) for beat in workers],
            totals=self._engine.totals(),
            per_second=self._engine.per_second(at),
            p50_ms=p50,
            p95_ms=p95,
            battles=len({code for beat in workers for code in beat.battles}),
            redis_up=self.redis_up(),
        )

    async def tell(self) -> None:
        """Say it, if it is ours to say."""
        if not self.is_silent:
            await self.events.tell(MEME_STATS, await self.stats())

    async def keep_telling(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.tell()
            except Exception:  # whoever watches would rather have the next one than none any more
                log.exception("The engine room could not be told")
            await asyncio.sleep(INTERVAL)

    def _vitals(self, beat: WorkerHeartbeat) -> WorkerVitals:
        return WorkerVitals(
            worker_id=beat.worker_id,
            state=beat.state,
            in_work=beat.in_work,
            slots=beat.slots,
            age_s=round(max(0.0, self.now() - beat.started_at), 1),
        )
