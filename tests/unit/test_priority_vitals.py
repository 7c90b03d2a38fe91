"""Health: what is measured, what that means, and that one dead part delays no other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from memebattle.bus.probe import MemoryNatsProbe
from memebattle.kit.figures import RedisFigures
from memebattle.priority.ports import Kind
from memebattle.priority.vitals import Vitals
from memebattle.store.documents import Counts
from memebattle.store.minutes import Minute
from memebattle.store.probe import MemoryRedisProbe
from memebattle.store.rollup import MemoryRollup
from tests.toys import Clock

NEEDED = {"REQUESTS": True, "RESULTS": True, "EVENTS": False}
NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)


class Documents:
    """Documents that were looked up."""

    def counts(self) -> Mapping[Kind, Counts]:
        return {"result": Counts(hits=8, misses=2, errors=5), "temp": Counts(0, 0, 1)}


class AwayMinutes:
    """A rollup whose Redis is away."""

    async def read(self, minutes: int) -> list[Minute] | None:
        return None


class CountedProbe(MemoryRedisProbe):
    """Counts how often it looks."""

    looks = 0

    async def look(self) -> RedisFigures:
        self.looks += 1
        return await super().look()


@dataclass
class Ward:
    """Vitals over twins, to be broken."""

    nats: MemoryNatsProbe = field(default_factory=lambda: MemoryNatsProbe(NEEDED))
    redis: CountedProbe = field(default_factory=CountedProbe)
    rollup: MemoryRollup = field(default_factory=lambda: MemoryRollup(NOW.timestamp))
    clock: Clock = field(default_factory=Clock)
    is_connected: bool = True
    limit: float = 30.0

    def vitals(self, minutes: AwayMinutes | None = None) -> Vitals:
        return Vitals(
            self.nats,
            self.redis,
            Documents(),
            minutes or self.rollup,
            lambda: self.is_connected,
            now=lambda: NOW,
            clock=self.clock,
            limit=self.limit,
        )


@pytest.fixture
def ward() -> Ward:
    return Ward()


async def test_all_is_well(ward: Ward) -> None:
    found = await ward.vitals().health()

    assert found.status == "OK"
    assert found.parts.model_dump() == {"nats": True, "jetstream": True, "streams": True, "redis": True}
    assert (found.reasons, found.checked_at) == ((), NOW)


async def test_without_nats_it_is_critical_and_nobody_asks(ward: Ward) -> None:
    ward.is_connected = False
    ward.nats.held = {part: asyncio.Event() for part in ("server", "account", "streams")}
    found = await ward.vitals().detailed()

    assert (found.status, found.parts.nats, found.parts.redis) == ("CRITICAL", False, True)
    assert found.nats.error == found.jetstream.error == found.streams.error == "not connected"


async def test_a_server_that_does_not_answer_is_critical_too(ward: Ward) -> None:
    ward.nats.failures["server"] = ConnectionResetError("10.0.0.7 went away")
    found = await ward.vitals().detailed()

    assert found.status == "CRITICAL"
    assert found.reasons == ("NATS: ConnectionResetError",)  # no addresses


@pytest.mark.parametrize(
    ("broken", "part", "reason"),
    [
        ({"failures": {"account": OSError()}}, "jetstream", "JetStream: OSError"),
        ({"fullest": 0.91}, "jetstream", "JetStream: 91% of a limit of the account is used"),
        ({"failures": {"streams": OSError()}}, "streams", "streams: OSError"),
        ({"missing": {"RESULTS", "EVENTS"}}, "streams", "streams: RESULTS missing"),
    ],
)
async def test_what_is_wrong_with_jetstream_degrades(
    ward: Ward, broken: dict[str, object], part: str, reason: str
) -> None:
    for name, value in broken.items():
        setattr(ward.nats, name, value)
    found = await ward.vitals().health()

    assert (found.status, found.reasons) == ("DEGRADED", (reason,))
    assert [name for name, is_well in found.parts if not is_well] == [part]


async def test_at_the_border_and_without_a_stream_of_others_all_is_well(ward: Ward) -> None:
    ward.nats.fullest, ward.nats.missing = 0.9, {"EVENTS"}

    assert (await ward.vitals().health()).status == "OK"


async def test_without_redis_it_is_degraded(ward: Ward) -> None:
    ward.redis.failure = OSError()
    found = await ward.vitals(AwayMinutes()).detailed()

    assert (found.status, found.reasons) == ("DEGRADED", ("Redis: OSError",))
    assert (found.processing.up, found.processing.figures) == (False, None)
    assert found.cache["result"].hits == 8  # our own counting needs no Redis


async def test_one_dead_part_delays_no_other(ward: Ward) -> None:
    """All hang at once, each for its own limit: it takes one limit, not four."""
    ward.limit = 0.05
    ward.nats.held = {part: asyncio.Event() for part in ("account", "streams")}
    async with asyncio.timeout(5):
        found = await ward.vitals().detailed()

    assert (found.nats.up, found.redis.up) == (True, True)
    assert found.jetstream.error == found.streams.error == "no answer within 0.05 s"


async def test_parts_are_measured_at_the_same_time(ward: Ward) -> None:
    """The first one ends when the last one has begun."""
    gate = asyncio.Event()
    ward.nats.held["server"] = gate

    class Opening(CountedProbe):
        async def look(self) -> RedisFigures:
            gate.set()
            return await super().look()

    ward.redis = Opening()
    assert (await ward.vitals().health()).status == "OK"


async def test_who_asks_often_asks_nobody_else_more_often(ward: Ward) -> None:
    vitals = ward.vitals()
    await asyncio.gather(*(vitals.health() for _ in range(50)))
    await vitals.detailed()
    assert ward.redis.looks == 1

    ward.clock.now += 1
    await vitals.health()
    assert ward.redis.looks == 2


async def test_lookups_are_our_own_by_kind(ward: Ward) -> None:
    cache = (await ward.vitals().detailed()).cache

    assert cache["result"].model_dump() == {"hits": 8, "misses": 2, "errors": 5, "ratio": 0.8}
    assert cache["temp"].ratio is None


async def test_processing_is_what_all_replicas_counted_in_five_minutes(ward: Ward) -> None:
    """30 seconds of the fifth minute have passed: 270 in all."""
    for milliseconds in [4] * 90 + [2000] * 10:
        ward.rollup.observe("processing", milliseconds / 1000)
    await ward.rollup.flush()
    figures = (await ward.vitals().detailed()).processing.figures

    assert figures is not None
    assert figures.count == 100
    assert figures.per_second == pytest.approx(100 / 270)
    assert figures.mean_ms == pytest.approx(203.6)
    assert figures.p50_ms is not None
    assert 2.5 <= figures.p50_ms <= 5
    assert figures.p95_ms is not None
    assert 1000 <= figures.p95_ms <= 2500


async def test_without_work_there_is_no_percentile(ward: Ward) -> None:
    """Zero would be a lie."""
    figures = (await ward.vitals().detailed()).processing.figures

    assert figures is not None
    assert (figures.count, figures.per_second, figures.p50_ms, figures.p95_ms) == (0, 0, None, None)


async def test_minutes_are_added_up(ward: Ward) -> None:
    ward.rollup.add("tasks", 3)
    ward.rollup.observe("processing", 0.2)
    await ward.rollup.flush()
    found = await ward.vitals().minutes(2)

    assert (found.available, found.minutes, found.counts) == (True, 2, {"tasks": 3})
    assert found.since == datetime(2026, 11, 21, 11, 59, tzinfo=UTC)
    assert found.durations["processing"].per_second == pytest.approx(1 / 90)


async def test_minutes_that_are_out_of_reach_are_not_zero(ward: Ward) -> None:
    found = await ward.vitals(AwayMinutes()).minutes(5)

    assert (found.available, found.since, found.counts) == (False, None, {})


def test_a_process_says_what_it_takes(ward: Ward) -> None:
    vitals = ward.vitals()
    ward.clock.now += 7
    found = vitals.system()

    assert found.uptime_seconds == 7
    assert found.memory_mb > 10
    assert found.cpu_seconds > 0
    assert found.threads >= 1
