"""What a worker says of itself, by a clock that the test moves."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from memebattle.bus.events import MemoryEvents
from memebattle.bus.messages import WireModel
from memebattle.kit.metrics import Metrics
from memebattle.memes.messages import WorkerHeartbeat
from memebattle.memes.pulse import Pulse
from tests.waiting import wait_until


@dataclass
class Desk:
    """Places to work at."""

    used: int = 0
    limit: int = 5


@dataclass
class World:
    metrics: Metrics
    desks: tuple[Desk, Desk] = field(default_factory=lambda: (Desk(), Desk(limit=2)))
    events: MemoryEvents = field(default_factory=MemoryEvents)
    time: float = 1000.0
    stopping: bool = False

    def pulse(self) -> Pulse:
        return Pulse(
            "worker-1",
            ("memes", "chat"),
            self.desks,
            self.metrics.memes,
            self.events,
            lambda: self.stopping,
            battles=lambda: ["WXYZ", "BCDF"],
            now=lambda: 1_795_212_000 + self.time,
            clock=lambda: self.time,
        )


@pytest.fixture
def world(metrics: Metrics) -> World:
    return World(metrics)


def test_a_worker_is_new_for_three_seconds_then_idle_or_busy_and_leaves_in_the_end(world: World) -> None:
    pulse, seen = world.pulse(), []
    for at, used, stopping in ((0, 0, False), (2.9, 1, False), (3, 0, False), (4, 2, False), (5, 2, True)):
        world.time, world.desks[0].used, world.stopping = 1000 + at, used, stopping
        seen.append(pulse.heartbeat().state)

    assert seen == ["new", "new", "idle", "busy", "leaving"]


def test_the_places_of_all_contexts_count(world: World) -> None:
    world.desks[0].used, world.desks[1].used = 3, 1
    beat = world.pulse().heartbeat()

    assert (beat.in_work, beat.slots, beat.contexts) == (4, 7, ["memes", "chat"])
    assert beat.battles == ["BCDF", "WXYZ"]


def test_counters_are_those_of_the_metrics_with_all_labels_together(world: World) -> None:
    memes = world.metrics.memes
    memes.requests.inc(7)
    memes.duplicates.labels("core_nats", "done").inc(2)
    memes.duplicates.labels("jetstream", "lease").inc(3)
    memes.provider_calls.labels("artist", "ok").inc(4)

    counters = world.pulse().heartbeat().counters

    assert (counters.answered, counters.duplicates, counters.provider_calls) == (7, 5, 4)
    assert (counters.errors, counters.cache_hits, counters.coalesced) == (0, 0, 0)


def test_latencies_are_told_once_and_no_more_than_a_hundred(world: World) -> None:
    for number in range(150):
        world.metrics.memes.took("core_nats", "ok", number / 1000)
    pulse = world.pulse()

    assert pulse.heartbeat().latencies_ms == [float(number) for number in range(50, 150)]
    assert pulse.heartbeat().latencies_ms == []


async def test_it_beats_at_once_when_told_to_hurry(world: World) -> None:
    pulse = world.pulse()
    async with pulse.beating():
        pulse.hurry()
        await wait_until(lambda: world.events.told, "the first heartbeat", timeout=0.9)

    (subject, beat) = world.events.told[0]
    assert subject == "worker.worker-1.heartbeat"
    assert isinstance(beat, WorkerHeartbeat)
    assert WorkerHeartbeat.read(beat.body()) == beat


async def test_a_beat_that_fails_is_not_the_last(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [OSError("once")]
    tell = MemoryEvents.tell

    async def failing(events: MemoryEvents, subject: str, message: WireModel) -> None:
        if failures:
            raise failures.pop()
        await tell(events, subject, message)

    monkeypatch.setattr(MemoryEvents, "tell", failing)
    pulse = world.pulse()
    async with pulse.beating():
        pulse.hurry()
        await wait_until(lambda: not failures, "the failure")
        pulse.hurry()
        await wait_until(lambda: world.events.told, "a heartbeat after it")

    assert "A heartbeat failed" in caplog.text
