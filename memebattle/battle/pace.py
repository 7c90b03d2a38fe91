"""How fast one may act: a bucket of tokens each, refilled as time goes by."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

REMEMBERED = 10_000


class Pace:
    """At most `burst` at once and `rate` per second of each; the least recently seen are forgotten."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, who: str) -> bool:
        """Take a token, if there is one."""
        now = self._clock()
        level, since = self._buckets.pop(who, (self._burst, now))
        level = min(self._burst, level + (now - since) * self._rate)
        self._buckets[who] = (level - 1 if level >= 1 else level, now)
        if len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        return level >= 1
