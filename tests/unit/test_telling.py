"""Which gateway tells how the platform is, and what it says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from memebattle.bus.events import MemoryEvents
from memebattle.memes.messages import MemeStats
from memebattle.memes.telling import Scaling, Teller
from tests.unit.test_engine import beat


@dataclass
class World:
    """A clock, a backlog and a wire for gateways that hear each other."""

    time: float = 100.0
    lag: int | None = 12
    redis_up: bool = True
    tellers: list[Teller] = field(default_factory=list)
    wires: list[MemoryEvents] = field(default_factory=list)

    def join(self, gateway: str) -> Teller:
        async def lag() -> int | None:
            return self.lag

        self.wires.append(MemoryEvents())
        teller = Teller(
            gateway,
            Scaling(5, 10),
            self.wires[-1],
            lag,
            lambda: self.redis_up,
            now=lambda: 1_795_212_000 + self.time,
            clock=lambda: self.time,
        )
        self.tellers.append(teller)
        return teller

    async def tick(self, *alive: Teller) -> list[str]:
        """Half a second later; who told something to everybody."""
        self.time += 0.5
        said = []
        for teller in alive:
            wire = self.wires[self.tellers.index(teller)]
            await teller.tell()
            for _, stats in wire.told:
                assert isinstance(stats, MemeStats)
                said.append(stats.gateway)
                for other in alive:
                    other.hear_gateway(stats)
            wire.told.clear()
        return said


@pytest.fixture
def world() -> World:
    return World()


async def test_one_alone_listens_first_and_then_tells(world: World) -> None:
    teller = world.join("g1")

    assert [await world.tick(teller) for _ in range(5)] == [[], [], [], ["g1"], ["g1"]]


async def test_of_several_only_the_smallest_tells(world: World) -> None:
    three = [world.join(name) for name in ("g3", "g1", "g2")]
    told = [await world.tick(*three) for _ in range(12)]

    assert told[:3] == [[], [], []]
    assert set(told[3]) <= {"g1", "g2", "g3"}  # those who came together may speak up together, once
    assert told[4:] == [["g1"]] * 8


async def test_the_next_goes_on_when_it_dies_and_gives_way_when_it_is_back(world: World) -> None:
    first, second = world.join("g1"), world.join("g2")
    for _ in range(6):
        await world.tick(first, second)
    alone = [await world.tick(second) for _ in range(6)]
    back = world.join("g1")
    together = [await world.tick(second, back) for _ in range(8)]

    assert alone == [[], [], [], ["g2"], ["g2"], ["g2"]]
    assert together[:3] == [["g2"]] * 3
    assert together[4:] == [["g1"]] * 4


async def test_totals_go_on_where_the_one_before_stopped(world: World) -> None:
    first, late = world.join("g1"), world.join("g2")
    first.hear_worker(beat("gone", 40))
    late.hear_gateway(await first.stats())
    for teller in (first, late):
        teller.hear_worker(beat("w1", 2))

    assert (await late.stats()).totals == (await first.stats()).totals


async def test_what_it_says(world: World) -> None:
    teller = world.join("g1")
    fields = {"in_work": 3, "state": "busy", "started_at": 1_795_212_040.0}
    teller.hear_worker(beat("w1", 10, battles=["BCDF", "WXYZ"], latencies_ms=[10.0, 30.0], **fields))
    teller.hear_worker(beat("w2", 5, battles=["BCDF"]))
    stats = await teller.stats()

    assert (stats.gateway, stats.at, stats.lag, stats.wish) == ("g1", 1_795_212_100_000, 12, 3)
    assert (stats.lag_threshold, stats.max_replicas, stats.battles) == (5, 10, 2)
    assert (stats.p50_ms, stats.p95_ms, stats.redis_up) == (10.0, 30.0, True)
    assert stats.totals.answered == 15
    assert stats.workers[0].model_dump() == {
        "worker_id": "w1",
        "state": "busy",
        "in_work": 3,
        "slots": 5,
        "age_s": 60.0,
    }


async def test_what_is_not_known_is_said_to_be_so(world: World) -> None:
    world.lag, world.redis_up = None, False
    said = json.loads((await world.join("g1").stats()).body())

    assert (said["lag"], said["wish"], said["p95_ms"], said["redis_up"]) == (None, None, None, False)
    assert said["workers"] == []
