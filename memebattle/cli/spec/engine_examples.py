"""Examples of what is told about the platform: two workers, one of which has just come."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from memebattle.bus.messages import decode
from memebattle.cli.spec.chat_examples import Example
from memebattle.memes.messages import Counters, MemeStats, WorkerHeartbeat, WorkerVitals

STARTED_AT = 1795212000.0
COUNTERS = Counters(
    answered=412, errors=3, cache_hits=120, cache_misses=292, duplicates=398, coalesced=17, provider_calls=278
)


def _heartbeats() -> Iterator[Example]:
    beat = WorkerHeartbeat(
        worker_id="worker-1",
        contexts=["memes", "battle"],
        state="busy",
        in_work=3,
        slots=5,
        started_at=STARTED_AT,
        counters=COUNTERS,
        latencies_ms=[812.0, 45.5],
        battles=["QXTQ"],
    )
    yield {"name": "at work", "payload": decode(beat.body())}


def _stats() -> Iterator[Example]:
    stats = MemeStats(
        gateway="gateway-1",
        at=1795212060500,
        lag=12,
        wish=3,
        lag_threshold=5,
        max_replicas=10,
        workers=[
            WorkerVitals(worker_id="worker-1", state="busy", in_work=3, slots=5, age_s=60.5),
            WorkerVitals(worker_id="worker-2", state="new", in_work=0, slots=5, age_s=1.2),
        ],
        totals=COUNTERS,
        per_second=8.4,
        p50_ms=45.5,
        p95_ms=812.0,
        battles=1,
        redis_up=True,
    )
    yield {"name": "a backlog grows", "payload": decode(stats.body())}


ENGINE_EXAMPLES: dict[str, Callable[[], Iterator[Example]]] = {
    "WorkerHeartbeat": _heartbeats,
    "MemeStats": _stats,
}
