"""The engine room: heartbeats of workers, folded into how the platform is.

Pure: time comes in with every call, in seconds of one clock. Counters only grow, whoever dies: what is added
to a total is by how much a worker's own counter has grown since its last heartbeat, and a worker that was
started anew under its old name begins at nothing.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from memebattle.memes.messages import Counters, WorkerHeartbeat

SILENCE = 3.0  # seconds without a heartbeat after which a worker is gone
RATE_WINDOW = 5.0  # seconds
LATENCY_WINDOW = 30.0  # seconds
MOST_LATENCIES = 10_000
REMEMBERED = 1000  # processes whose last counters are kept, in case they were only out of reach

NAMES = tuple(Counters.model_fields)


type _Process = tuple[str, float]  # a worker's name, and when this one of that name was started


@dataclass(slots=True)
class Engine:
    """The fold of all heartbeats."""

    _here: dict[str, tuple[float, WorkerHeartbeat]] = field(default_factory=dict)
    _known: OrderedDict[_Process, Mapping[str, int]] = field(default_factory=OrderedDict)
    _totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    _missed: dict[str, int] = field(default_factory=dict)
    _answered: deque[tuple[float, int]] = field(default_factory=deque)
    _latencies: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=MOST_LATENCIES))

    def hear(self, beat: WorkerHeartbeat, at: float) -> None:
        """Take a heartbeat."""
        self._count(beat, at)
        _forget(self._answered, at - RATE_WINDOW)  # of several gateways only one asks for the rate
        self._latencies.extend((at, each) for each in beat.latencies_ms)
        if beat.state == "leaving" and not beat.in_work:
            self._here.pop(beat.worker_id, None)
        else:
            self._here[beat.worker_id] = at, beat
            self._here = self._heard_lately(at)

    def hear_totals(self, totals: Counters) -> None:
        """Take what another gateway has counted: it may have heard workers that died before we came."""
        self._missed = {name: getattr(totals, name) - self._totals[name] for name in NAMES}

    def workers(self, at: float) -> list[WorkerHeartbeat]:
        """The last heartbeats of those that are there, by name."""
        self._here = self._heard_lately(at)
        return [self._here[name][1] for name in sorted(self._here)]

    def totals(self) -> Counters:
        """What all workers have done, the dead ones too."""
        missed = self._missed
        return Counters(**{name: own + max(0, missed.get(name, 0)) for name, own in self._totals.items()})

    def per_second(self, at: float) -> float:
        """Requests answered per second, of late."""
        _forget(self._answered, at - RATE_WINDOW)
        return round(sum(count for _, count in self._answered) / RATE_WINDOW, 1)

    def percentiles(self, at: float, shares: Iterable[float]) -> list[float | None]:
        """Milliseconds within which these shares of requests were answered, of late; None without any."""
        _forget(self._latencies, at - LATENCY_WINDOW)
        ordered = sorted(each for _, each in self._latencies)
        return [percentile(ordered, share) for share in shares]

    def _heard_lately(self, at: float) -> dict[str, tuple[float, WorkerHeartbeat]]:
        return {name: heard for name, heard in self._here.items() if at - heard[0] <= SILENCE}

    def _count(self, beat: WorkerHeartbeat, at: float) -> None:
        process = beat.worker_id, beat.started_at
        before, told = self._known.get(process), beat.counters.model_dump()
        latest = {name: max(told[name], (before or {}).get(name, 0)) for name in NAMES}
        grown = {name: latest[name] - (before or {}).get(name, 0) for name in NAMES}
        for name, count in grown.items():
            self._totals[name] += count
        if before is not None:  # what a stranger has done before is no work of this moment
            self._answered.append((at, grown["answered"]))
        self._known[process] = latest
        self._known.move_to_end(process)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def wish(lag: int | None, threshold: int, most: int) -> int | None:
    """How many workers KEDA's formula asks for; None while the lag is unknown."""
    return None if lag is None else min(most, math.ceil(lag / threshold))


def percentile(ordered: list[float], share: float) -> float | None:
    """The nearest rank among sorted values."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _forget[T](samples: deque[tuple[float, T]], until: float) -> None:
    while samples and samples[0][0] < until:
        samples.popleft()
