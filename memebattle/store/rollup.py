"""What happened lately on all replicas: counts and durations, added up by the minute.

    mb:metrics:ts_{unix minute}   hash, kept for a day
        c:..., s:..., b:...       what was counted (see `minutes.py`)
        n:{process}               the last batch of this process that is in here
    mb:stats:current              the last five minutes as JSON, for dashboards: one key to read

A process counts for itself and sends what it counted now and then. A batch whose answer was lost may have
been added or not, so it is sent again as it was, with its number, and added only where its number is new:
nothing is lost and nothing counted twice, however often Redis goes away. What is counted meanwhile waits, for
as long as minutes are kept. Lost is what a killed process had not sent, and what Redis itself loses.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from itertools import batched

from memebattle.store.minutes import Minute, bucket_of, minute_of, summary_of, together
from memebattle.store.redis import PREFIX, RedisStore, StoreAway

DAY = 24 * 3600.0  # seconds
RECENT = 5  # minutes that are current
SUMMARY_TTL = 300.0  # seconds
BATCH = 60  # minutes sent in one round trip: after an outage there may be many

# Arguments: process, number of its batch, milliseconds to keep the minute, and then fields with amounts.
_ADD = """
local sender = 'n:' .. ARGV[1]
if tonumber(redis.call('HGET', KEYS[1], sender) or 0) >= tonumber(ARGV[2]) then return 0 end
for i = 4, #ARGV, 2 do redis.call('HINCRBYFLOAT', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('HSET', KEYS[1], sender, ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
"""

type Fields = dict[str, float]  # amounts by field of a minute's hash


class _Counting:
    """What this process counted and has not sent. `clock`: unix seconds."""

    def __init__(self, clock: Callable[[], float], ttl: float) -> None:
        self._clock, self._ttl = clock, ttl
        self._counted: defaultdict[int, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))

    def add(self, name: str, amount: float = 1) -> None:
        """Count something.

        Raises:
            ValueError: the amount is no finite number.
        """
        self._note({f"c:{name}": amount})

    def observe(self, name: str, seconds: float) -> None:
        """Count something that took so long.

        Raises:
            ValueError: that is no finite number.
        """
        self._note({f"s:{name}": seconds, f"b:{name}:{bucket_of(seconds)}": 1})

    def _note(self, fields: Fields) -> None:
        if not all(map(math.isfinite, fields.values())):  # Redis would refuse the whole batch, for ever
            raise ValueError(f"this cannot be added up: {fields}")
        counted = self._counted[self._now()]
        for field, amount in fields.items():
            counted[field] += amount

    def _take(self) -> dict[int, Fields]:
        """Hand over what was counted, and begin anew."""
        taken: dict[int, Fields] = {minute: dict(fields) for minute, fields in self._counted.items()}
        self._counted.clear()
        return taken

    def _forget_old(self) -> None:
        for minute in [minute for minute in self._counted if minute * 60 <= self._clock() - self._ttl]:
            del self._counted[minute]

    def _now(self) -> int:
        return int(self._clock() // 60)

    def _last(self, minutes: int) -> range:
        return range(self._now() - minutes + 1, self._now() + 1)


class Rollup(_Counting):
    """Minutes that all replicas add to. `ttl`: seconds a minute is kept after something was added to it."""

    def __init__(self, store: RedisStore, clock: Callable[[], float] = time.time, ttl: float = DAY) -> None:
        super().__init__(clock, ttl)
        self._store, self._process = store, uuid.uuid4().hex[:16]
        self._add = store.client.register_script(_ADD)
        self._batch: dict[int, Fields] = {}  # sent, and not heard that it arrived
        self._number, self._flushing = 0, asyncio.Lock()

    async def flush(self) -> bool:
        """Send what was counted; whether it arrived. What did not is sent again by the next one."""
        async with self._flushing:
            self._forget_old()
            try:
                await self._send_batch()
                self._batch, self._number = self._take(), self._number + 1
                await self._send_batch()
            except StoreAway:
                return False
        with contextlib.suppress(StoreAway):
            await self._write_summary()
        return True

    async def keep_flushing(self, seconds: float) -> None:
        """Send now and then. Who stops this sends the rest with a last `flush`."""
        while True:
            await asyncio.sleep(seconds)
            await self.flush()

    async def read(self, minutes: int) -> list[Minute] | None:
        """The last minutes, oldest first, with the current one and empty ones; None when Redis is away."""
        try:
            return await self._read(minutes)
        except StoreAway:
            return None

    async def current(self) -> Minute | None:
        """The last five minutes as one; None when Redis is away."""
        minutes = await self.read(RECENT)
        return None if minutes is None else together(minutes)

    async def _send_batch(self) -> None:
        for minutes in list(batched(self._batch.items(), BATCH)):
            await self._store.do(partial(self._send, minutes))
            for minute, _ in minutes:
                del self._batch[minute]

    async def _send(self, minutes: Iterable[tuple[int, Fields]]) -> None:
        async with self._store.client.pipeline(transaction=False) as pipe:
            # loaded every time: Redis may have been restarted, and asking first is a round trip more
            pipe.script_load(_ADD)
            for minute, fields in minutes:
                amounts = [part for field in fields.items() for part in field]
                arguments = [self._process, self._number, round(self._ttl * 1000), *amounts]
                pipe.evalsha(self._add.sha, 1, _key(minute), *arguments)
            await pipe.execute()

    async def _read(self, minutes: int) -> list[Minute]:
        wanted = self._last(minutes)
        hashes: list[dict[bytes, bytes]] = await self._store.do(lambda: self._fetch(wanted))
        return [
            minute_of(minute, {field.decode(): float(amount) for field, amount in found.items()})
            for minute, found in zip(wanted, hashes, strict=True)
        ]

    async def _fetch(self, minutes: Iterable[int]) -> list[dict[bytes, bytes]]:
        async with self._store.client.pipeline(transaction=False) as pipe:
            for minute in minutes:
                pipe.hgetall(_key(minute))
            return await pipe.execute()

    async def _write_summary(self) -> None:
        summary = summary_of(together(await self._read(RECENT)))
        key, ttl_ms = f"{PREFIX}stats:current", round(SUMMARY_TTL * 1000)
        await self._store.do(lambda: self._store.client.set(key, summary, px=ttl_ms))


def _key(minute: int) -> str:
    return f"{PREFIX}metrics:ts_{minute}"


class MemoryRollup(_Counting):
    """The in-memory twin, for one process; it is never away."""

    def __init__(self, clock: Callable[[], float] = time.time, ttl: float = DAY) -> None:
        super().__init__(clock, ttl)
        self._kept: dict[int, tuple[float, Fields]] = {}

    async def flush(self) -> bool:
        for minute, fields in self._take().items():
            kept = self._live(minute)
            for field, amount in fields.items():
                kept[field] = kept.get(field, 0) + amount
            self._kept[minute] = (self._clock() + self._ttl, kept)
        return True

    async def read(self, minutes: int) -> list[Minute]:
        return [minute_of(minute, self._live(minute)) for minute in self._last(minutes)]

    async def current(self) -> Minute:
        return together(await self.read(RECENT))

    def _live(self, minute: int) -> Fields:
        expires, fields = self._kept.get(minute, (0.0, {}))
        return fields if expires > self._clock() else {}
