"""How often somebody may ask: a sliding window, in Redis for all replicas and in memory for one process.

    mb:rate:{digest of who}   list of moments in Redis's microseconds, one for every unit spent, oldest first

A unit counts until exactly one window later, so no window of that length, wherever it begins, lets more than
the limit through; a counter for each fixed window would let nearly twice as much through around its edge. A
hit that is refused spends nothing: who keeps knocking is let in as soon as who waits.

One script looks and spends, by Redis's own clock, so replicas can neither race nor disagree about the time.
A list of numbers takes about an eighth of a sorted set: a caller who spends 10,000 units costs about 100 KiB,
one who is silent for a window costs nothing.

While Redis is away every process counts for itself, from nothing. Together they may then let through the
limit once per process, and once more around the change. A hit whose answer was lost may count twice.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from memebattle.store.redis import PREFIX, RedisStore, StoreAway

MICRO = 1_000_000  # microseconds per second

# Arguments: window in microseconds, limit, cost. Returns whether the hit was let through, the units spent,
# when the newest of them was, and of a refused hit when the last unit was that must leave the window first.
_HIT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local window, limit, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local spent = redis.call('LLEN', KEYS[1])
local low, high = 0, spent
while low < high do
  local middle = math.floor((low + high) / 2)
  if tonumber(redis.call('LINDEX', KEYS[1], middle)) <= now - window then low = middle + 1
  else high = middle end
end
if low > 0 then redis.call('LTRIM', KEYS[1], low, -1) end
spent = spent - low
local allowed, blocking = spent + cost <= limit, 0
if allowed then
  -- '%.0f', because Lua writes large numbers with an exponent; in portions, because its stack is small
  local left, moment = cost, string.format('%.0f', now)
  while left > 0 do
    local portion = {}
    for i = 1, math.min(left, 1000) do portion[i] = moment end
    redis.call('RPUSH', KEYS[1], unpack(portion))
    left = left - #portion
  end
  spent = spent + cost
  -- a millisecond more: the key must not go before its newest unit does
  redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000) + 1)
elseif cost <= limit then
  blocking = tonumber(redis.call('LINDEX', KEYS[1], spent + cost - limit - 1))
end
local newest = tonumber(redis.call('LINDEX', KEYS[1], -1) or 0)
return {allowed and 1 or 0, spent, newest, blocking, now}
"""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Whether a hit was let through, and what is left."""

    allowed: bool
    limit: int
    remaining: int
    """Units that may be spent at once now."""
    reset: float
    """Seconds until the whole limit is there again, if nothing more is spent."""
    retry_after: float | None
    """Seconds until the same hit would be let through: 0 when it was, None when it never will be."""


class MemoryRateLimiter:
    """The twin for one process.

    `window`: seconds; `room`: hits kept in mind over all callers. Beyond it, who spent nothing for longest is
    forgotten, and begins anew: a flood of made-up callers must not fill the memory.
    """

    def __init__(
        self, limit: int, window: float, *, room: int = 100_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._quota, self._clock = _Quota(limit, window), clock
        self._room, self._hits = room, 0
        self._logs: OrderedDict[str, _Log] = OrderedDict()  # who spent nothing for longest comes first

    async def hit(self, who: str, cost: int = 1) -> RateLimit:
        """Spend `cost` units, if that many are left.

        Raises:
            ValueError: the cost is less than 1.
        """
        quota, now = self._quota, self._clock()
        key = quota.key(who, cost)
        self._forget_until(now - quota.window)
        log = self._logs.get(key) or _Log()
        self._hits -= log.drop_until(now - quota.window)
        if (over := log.spent + cost - quota.limit) > 0:
            return quota.refused(cost, log.spent, log.newest - now, log.moment_of(over) - now)
        self._spend(key, log, now, cost)
        return quota.passed(log.spent)

    def _spend(self, key: str, log: _Log, now: float, cost: int) -> None:
        log.add(now, cost)
        self._logs[key] = log
        self._logs.move_to_end(key)
        self._hits += 1
        while self._hits > self._room and len(self._logs) > 1:
            self._drop_first()

    def _forget_until(self, moment: float) -> None:
        while self._logs and next(iter(self._logs.values())).newest <= moment:
            self._drop_first()

    def _drop_first(self) -> None:
        _, log = self._logs.popitem(last=False)
        self._hits -= len(log.hits)


class RedisRateLimiter:
    """One limit over all replicas. `window`: seconds.

    While Redis is away `on_away` is called for every hit and `fallback` decides; without one all passes but a
    cost above the limit.
    """

    def __init__(
        self,
        store: RedisStore,
        limit: int,
        window: float,
        fallback: MemoryRateLimiter | None = None,
        on_away: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._quota = store, _Quota(limit, window)
        self._fallback, self._on_away = fallback, on_away
        self._hit = store.client.register_script(_HIT)

    async def hit(self, who: str, cost: int = 1) -> RateLimit:
        """Spend `cost` units, if that many are left.

        Raises:
            ValueError: the cost is less than 1.
        """
        quota = self._quota
        key, arguments = PREFIX + quota.key(who, cost), [round(quota.window * MICRO), quota.limit, cost]
        try:
            passed, spent, newest, blocking, now = await self._store.do(lambda: self._hit([key], arguments))
        except StoreAway:
            return await self._without_redis(who, cost)
        if passed:
            return quota.passed(spent)
        return quota.refused(cost, spent, (newest - now) / MICRO, (blocking - now) / MICRO)

    async def _without_redis(self, who: str, cost: int) -> RateLimit:
        self._on_away()
        if self._fallback is not None:
            return await self._fallback.hit(who, cost)
        quota = self._quota
        return quota.passed(cost) if cost <= quota.limit else quota.refused(cost, 0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Quota:
    """What both limiters promise, and how they say it."""

    limit: int
    window: float

    def __post_init__(self) -> None:
        if self.limit < 1 or self.window <= 0:
            raise ValueError(f"{self.limit} in {self.window:g} seconds is no limit")

    def key(self, who: str, cost: int) -> str:
        """Names the caller without telling who it is; limits of different windows do not share a log.

        Raises:
            ValueError: the cost is less than 1.
        """
        if cost < 1:
            raise ValueError(f"a hit costs at least 1, not {cost}")
        name = f"{self.window:g} {who}".encode(errors="replace")
        return f"rate:{hashlib.sha256(name).hexdigest()[:32]}"

    def passed(self, spent: int) -> RateLimit:
        remaining = self.limit - spent
        return RateLimit(
            allowed=True, limit=self.limit, remaining=remaining, reset=self.window, retry_after=0.0
        )

    def refused(self, cost: int, spent: int, newest: float, blocking: float) -> RateLimit:
        """`newest`, `blocking`: moments of units, in seconds from now."""
        reset = max(0.0, newest + self.window) if spent else 0.0
        wait = max(0.0, blocking + self.window) if cost <= self.limit else None
        remaining = max(0, self.limit - spent)
        return RateLimit(allowed=False, limit=self.limit, remaining=remaining, reset=reset, retry_after=wait)


@dataclass(slots=True)
class _Log:
    """What one caller spent: moments with units, oldest first."""

    hits: deque[tuple[float, int]] = field(default_factory=deque)
    spent: int = 0

    @property
    def newest(self) -> float:
        return self.hits[-1][0] if self.hits else -math.inf

    def add(self, moment: float, cost: int) -> None:
        self.hits.append((moment, cost))
        self.spent += cost

    def drop_until(self, moment: float) -> int:
        """Forget what was spent until then; how many hits that were."""
        before = len(self.hits)
        while self.hits and self.hits[0][0] <= moment:
            self.spent -= self.hits.popleft()[1]
        return before - len(self.hits)

    def moment_of(self, unit: int) -> float:
        """When the oldest unit, the second oldest, ... was spent; -inf when there are fewer."""
        for moment, cost in self.hits:
            unit -= cost
            if unit <= 0:
                return moment
        return -math.inf
