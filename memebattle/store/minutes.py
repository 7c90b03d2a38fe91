"""Counts and durations of a minute, as they are kept in a hash that many processes add to.

    c:{name}           how much was counted
    s:{name}           seconds, added up
    b:{name}:{bound}   durations up to this many seconds, and above the bound before

Durations are kept as numbers per bucket, because buckets can be added up over replicas and minutes, and
percentiles cannot.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

# seconds; longer durations are counted as "inf"
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_BUCKETS = (*(f"{bound:g}" for bound in BOUNDS), "inf")


def bucket_of(seconds: float) -> str:
    """The bound that names where a duration is counted."""
    return _BUCKETS[bisect_left(BOUNDS, seconds)]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Durations, told apart by `BOUNDS`."""

    buckets: tuple[int, ...]
    """How many in each; the last one's were longer than all bounds."""
    seconds: float
    """All durations together."""

    @property
    def count(self) -> int:
        return sum(self.buckets)

    def percentile(self, share: float) -> float | None:
        """The seconds that this share of all, from 0 to 1, took at most; None when there are none.

        Within a bucket they are taken to lie evenly. It is never more than the last bound.
        """
        if not self.count:
            return None
        rank = share * self.count
        ends = list(accumulate(self.buckets))
        place = next(i for i, end in enumerate(ends) if end >= rank and self.buckets[i])
        if place == len(BOUNDS):
            return BOUNDS[-1]
        below = BOUNDS[place - 1] if place else 0.0
        within = (rank - (ends[place] - self.buckets[place])) / self.buckets[place]
        return below + (BOUNDS[place] - below) * within


@dataclass(frozen=True, slots=True)
class Minute:
    """What all replicas counted within one minute, or within several that follow each other."""

    start: int
    """Unix seconds."""
    counts: Mapping[str, float]
    durations: Mapping[str, Histogram]
    minutes: int = 1


def together(minutes: Sequence[Minute]) -> Minute:
    """One or more minutes that follow each other, as one."""
    counts: defaultdict[str, float] = defaultdict(float)
    durations: defaultdict[str, list[Histogram]] = defaultdict(list)
    for minute in minutes:
        for name, amount in minute.counts.items():
            counts[name] += amount
        for name, histogram in minute.durations.items():
            durations[name].append(histogram)
    summed = {name: _sum(histograms) for name, histograms in durations.items()}
    return Minute(minutes[0].start, dict(counts), summed, sum(minute.minutes for minute in minutes))


def _sum(histograms: Sequence[Histogram]) -> Histogram:
    buckets = zip(*(histogram.buckets for histogram in histograms), strict=True)
    return Histogram(tuple(map(sum, buckets)), sum(histogram.seconds for histogram in histograms))


def minute_of(unix_minute: int, fields: Mapping[str, float]) -> Minute:
    """Read a minute's hash; who sent it, and bounds of another version, are passed over."""
    counts, seconds = {}, {}
    buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * len(_BUCKETS))
    for field, amount in fields.items():
        kind, _, name = field.partition(":")
        if kind == "c":
            counts[name] = amount
        elif kind == "s":
            seconds[name] = amount
        elif kind == "b":
            name, _, bound = name.rpartition(":")
            if bound in _BUCKETS:
                buckets[name][_BUCKETS.index(bound)] = round(amount)
    durations = {name: Histogram(tuple(buckets[name]), total) for name, total in seconds.items()}
    return Minute(unix_minute * 60, counts, durations)


def summary_of(minute: Minute) -> bytes:
    """As JSON, with the percentiles that dashboards ask for."""
    durations = {
        name: {
            "count": histogram.count,
            "seconds": histogram.seconds,
            "p50": histogram.percentile(0.5),
            "p95": histogram.percentile(0.95),
        }
        for name, histogram in minute.durations.items()
    }
    figures = {"start": minute.start, "minutes": minute.minutes, "counts": minute.counts}
    return json.dumps(figures | {"durations": durations}).encode()
