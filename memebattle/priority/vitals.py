"""How priority is: all parts are measured at the same time, and none is waited for longer than a second.

Nothing works without NATS, so CRITICAL means that NATS is away. Everything else is DEGRADED: work goes on,
slower or without something. What is measured is shared for a second, so that whoever asks for health often
asks nobody else more often.
"""

from __future__ import annotations

import asyncio
import os
import platform
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import memebattle
from memebattle.kit.figures import AccountFigures, RedisFigures, ServerFigures, StreamFigures
from memebattle.kit.process import memory_mb
from memebattle.priority.health import (
    Detailed,
    Durations,
    Lookups,
    MinutesReport,
    Part,
    Parts,
    Status,
    SystemReport,
    Verdict,
)
from memebattle.priority.ports import Kind
from memebattle.priority.telling import PROCESSING
from memebattle.store.minutes import Histogram, Minute, together

LIMIT = 1.0  # seconds one part may take
LONG_LIMIT = 5.0  # seconds; a day of minutes is a lot to read
SHARED = 1.0  # seconds what was measured is good for
NEARLY_FULL = 0.9  # of a limit of the account
RECENT = 5  # minutes


class NatsProbe(Protocol):
    """Looks at NATS. Raises whatever went wrong."""

    async def server(self) -> ServerFigures: ...

    async def account(self) -> AccountFigures: ...

    async def streams(self) -> Sequence[StreamFigures]: ...


class RedisProbe(Protocol):
    """Looks at Redis. Raises whatever went wrong."""

    async def look(self) -> RedisFigures: ...


class Tally(Protocol):
    """How lookups ended."""

    @property
    def hits(self) -> int: ...

    @property
    def misses(self) -> int: ...

    @property
    def errors(self) -> int: ...


class Counting(Protocol):
    """Counts the lookups of this process."""

    def counts(self) -> Mapping[Kind, Tally]: ...


class Minutes(Protocol):
    """What all replicas counted by the minute."""

    async def read(self, minutes: int) -> list[Minute] | None:
        """The last ones, oldest first, with the current one; None when they are out of reach."""
        ...


class Vitals:
    """Measures. `connected` says whether NATS is in reach; `now` is in UTC, `clock` counts seconds."""

    def __init__(
        self,
        nats: NatsProbe,
        redis: RedisProbe,
        documents: Counting,
        minutes: Minutes,
        connected: Callable[[], bool],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
        limit: float = LIMIT,
    ) -> None:
        self._nats, self._redis, self._documents, self._minutes = nats, redis, documents, minutes
        self._connected, self._now, self._clock, self._limit = connected, now, clock, limit
        self._began, self._measuring = clock(), asyncio.Lock()
        self._last: tuple[float, Detailed] | None = None

    async def health(self) -> Verdict:
        """How it is, in short."""
        found = await self.detailed()
        return Verdict(**{name: getattr(found, name) for name in Verdict.model_fields})

    async def detailed(self) -> Detailed:
        """How it is, and what that rests on; not more than a second old."""
        async with self._measuring:
            if self._last is None or self._clock() - self._last[0] >= SHARED:
                found = await self._measure()
                self._last = self._clock(), found
            return self._last[1]

    async def minutes(self, minutes: int) -> MinutesReport:
        """What was counted in the last minutes."""
        found = (await self._part(self._read(minutes), LONG_LIMIT)).figures
        if found is None:
            return MinutesReport(available=False, minutes=minutes, since=None, counts={}, durations={})
        return MinutesReport(
            available=True,
            minutes=minutes,
            since=datetime.fromtimestamp(found.start, UTC),
            counts=found.counts,
            durations={
                name: self._durations(found, histogram) for name, histogram in found.durations.items()
            },
        )

    def system(self) -> SystemReport:
        """What this process takes."""
        return SystemReport(
            version=memebattle.__version__,
            python=platform.python_version(),
            uptime_seconds=self._clock() - self._began,
            memory_mb=memory_mb(),
            cpu_seconds=time.process_time(),
            threads=threading.active_count(),
            cpus=os.cpu_count(),
            load_average=os.getloadavg() if hasattr(os, "getloadavg") else None,
        )

    async def _measure(self) -> Detailed:
        nats, jetstream, streams, redis, processing = await asyncio.gather(
            self._of_nats(self._nats.server),
            self._of_nats(self._nats.account),
            self._of_nats(self._streams),
            self._part(self._redis.look()),
            self._part(self._processing()),
        )
        parts, reasons = _judged(nats, jetstream, streams, redis)
        return Detailed(
            status=_status(parts),
            parts=parts,
            reasons=reasons,
            version=memebattle.__version__,
            checked_at=self._now(),
            nats=nats,
            jetstream=jetstream,
            streams=streams,
            redis=redis,
            cache={kind: _lookups(tally) for kind, tally in self._documents.counts().items()},
            processing=processing,
        )

    async def _of_nats[T](self, look: Callable[[], Awaitable[T]]) -> Part[T]:
        if not self._connected():
            return Part(up=False, error="not connected")
        return await self._part(look())

    async def _part[T](self, looking: Awaitable[T], limit: float | None = None) -> Part[T]:
        seconds = limit or self._limit
        try:
            async with asyncio.timeout(seconds):
                return Part(up=True, figures=await looking)
        except TimeoutError:
            return Part(up=False, error=f"no answer within {seconds:g} s")
        except Exception as error:  # noqa: BLE001 - that it fails is what we want to know
            return Part(up=False, error=type(error).__name__)  # a message may name addresses

    async def _streams(self) -> tuple[StreamFigures, ...]:
        return tuple(await self._nats.streams())

    async def _processing(self) -> Durations:
        found = await self._read(RECENT)
        return self._durations(found, found.durations.get(PROCESSING))

    async def _read(self, minutes: int) -> Minute:
        if not (found := await self._minutes.read(minutes)):
            raise ConnectionError
        return together(found)

    def _durations(self, within: Minute, histogram: Histogram | None) -> Durations:
        """The current minute is not over, so that the rate is over what has passed of it."""
        seconds = max(1.0, self._now().timestamp() - within.start)
        if histogram is None or not histogram.count:
            return Durations(count=0, per_second=0, mean_ms=None, p50_ms=None, p95_ms=None, p99_ms=None)
        return Durations(
            count=histogram.count,
            per_second=histogram.count / seconds,
            mean_ms=1000 * histogram.seconds / histogram.count,
            p50_ms=_percentile_ms(histogram, 0.5),
            p95_ms=_percentile_ms(histogram, 0.95),
            p99_ms=_percentile_ms(histogram, 0.99),
        )


def _judged(
    nats: Part[ServerFigures],
    jetstream: Part[AccountFigures],
    streams: Part[tuple[StreamFigures, ...]],
    redis: Part[RedisFigures],
) -> tuple[Parts, tuple[str, ...]]:
    fullest = jetstream.figures.fullest if jetstream.figures is not None else 0.0
    missing = [each.name for each in streams.figures or () if each.needed and not each.present]
    faults = {
        f"NATS: {nats.error}": not nats.up,
        f"JetStream: {jetstream.error}": not jetstream.up,
        f"JetStream: {fullest:.0%} of a limit of the account is used": fullest > NEARLY_FULL,
        f"streams: {streams.error}": not streams.up,
        f"streams: {', '.join(missing)} missing": bool(missing),
        f"Redis: {redis.error}": not redis.up,
    }
    parts = Parts(
        nats=nats.up,
        jetstream=jetstream.up and fullest <= NEARLY_FULL,
        streams=streams.up and not missing,
        redis=redis.up,
    )
    return parts, tuple(words for words, is_so in faults.items() if is_so)


def _status(parts: Parts) -> Status:
    if not parts.nats:
        return "CRITICAL"
    return "OK" if parts.jetstream and parts.streams and parts.redis else "DEGRADED"


def _lookups(tally: Tally) -> Lookups:
    answered = tally.hits + tally.misses
    ratio = tally.hits / answered if answered else None
    return Lookups(hits=tally.hits, misses=tally.misses, errors=tally.errors, ratio=ratio)


def _percentile_ms(histogram: Histogram, share: float) -> float | None:
    seconds = histogram.percentile(share)
    return None if seconds is None else 1000 * seconds
