"""The engine room: what heartbeats add up to, in examples and with random lives of workers."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from memebattle.memes.engine import NAMES, Engine, percentile, wish
from memebattle.memes.messages import Counters, WorkerHeartbeat


def beat(worker: str = "w1", answered: int = 0, **fields: Any) -> WorkerHeartbeat:
    said: dict[str, Any] = {
        "contexts": ["memes"],
        "state": "idle",
        "in_work": 0,
        "slots": 5,
        "started_at": 1.0,
    }
    return WorkerHeartbeat(
        worker_id=worker, counters=fields.pop("counters", Counters(answered=answered)), **said | fields
    )


def names(engine: Engine, at: float) -> list[str]:
    return [each.worker_id for each in engine.workers(at)]


def test_workers_are_there_until_three_seconds_of_silence() -> None:
    engine = Engine()
    engine.hear(beat("w2"), 0)
    engine.hear(beat("w1"), 2)

    assert names(engine, 3) == ["w1", "w2"]
    assert names(engine, 3.1) == ["w1"]
    assert names(engine, 5.1) == []


def test_who_leaves_is_there_while_it_finishes_and_gone_with_its_last_beat() -> None:
    engine = Engine()
    engine.hear(beat(state="leaving", in_work=2), 0)
    assert [each.state for each in engine.workers(0)] == ["leaving"]

    engine.hear(beat(state="leaving"), 1)
    assert names(engine, 1) == []


def test_totals_outlive_a_death_and_a_restart_under_the_same_name() -> None:
    engine, seen = Engine(), []
    for at, told in enumerate(
        [beat(answered=5), beat(answered=8), beat(answered=2, started_at=9.0), beat("w2", 4, state="leaving")]
    ):
        engine.hear(told, at)
        seen.append(engine.totals().answered)

    assert seen == [5, 8, 10, 14]
    assert engine.workers(60) == []
    assert engine.totals().answered == 14


def test_a_worker_that_was_out_of_reach_is_not_counted_twice() -> None:
    engine = Engine()
    engine.hear(beat(answered=5), 0)
    assert names(engine, 50) == []
    engine.hear(beat(answered=7), 100)

    assert engine.totals().answered == 7


def test_two_of_one_name_do_not_count_each_other_again() -> None:
    engine = Engine()
    for _ in range(5):
        engine.hear(beat(answered=5, started_at=1.0), 0)
        engine.hear(beat(answered=3, started_at=2.0), 0)

    assert engine.totals().answered == 8


def test_what_another_gateway_counted_before_is_not_lost() -> None:
    """It told 100; we came later and have heard 10 of them."""
    engine = Engine()
    engine.hear(beat(answered=10), 0)
    engine.hear_totals(Counters(answered=100, duplicates=7))
    engine.hear(beat(answered=12), 1)

    assert (engine.totals().answered, engine.totals().duplicates) == (102, 7)

    engine.hear_totals(Counters(answered=3))  # of one that came later than we
    assert engine.totals().answered == 12


def test_the_rate_is_that_of_five_seconds_and_begins_with_what_a_stranger_does_now() -> None:
    engine = Engine()
    for at in range(3):
        engine.hear(beat(answered=1000 + 10 * at), at)
    assert engine.per_second(2) == 4.0

    for at in range(3, 11):
        engine.hear(beat(answered=1000 + 10 * at), at)
    assert engine.per_second(10) == 12.0  # the beats at 5, 6, 7, 8, 9 and 10
    assert engine.per_second(12.5) == 6.0
    assert engine.per_second(30) == 0.0


def test_percentiles_are_those_of_half_a_minute() -> None:
    engine = Engine()
    engine.hear(beat(latencies_ms=[9000.0]), 0)
    engine.hear(beat(latencies_ms=[float(each) for each in range(1, 101)]), 20)

    assert engine.percentiles(30, (0.5, 0.95)) == [51.0, 96.0]
    assert engine.percentiles(30.1, (0.5, 0.95)) == [50.0, 95.0]
    assert engine.percentiles(50.1, (0.5, 0.95)) == [None, None]


@pytest.mark.parametrize(
    ("lag", "wished"), [(None, None), (0, 0), (1, 1), (5, 1), (6, 2), (50, 10), (51, 10), (9999, 10)]
)
def test_the_wish_is_keda_s(lag: int | None, wished: int | None) -> None:
    assert wish(lag, 5, 10) == wished


def test_a_percentile_is_one_of_the_values() -> None:
    assert [percentile([1.0, 2.0, 3.0, 4.0], share) for share in (0, 0.25, 0.5, 0.51, 1)] == [1, 1, 2, 3, 4]


@pytest.mark.parametrize("seed", range(20))
def test_totals_are_what_was_done_whoever_died_and_whatever_was_lost(seed: int) -> None:
    """Random workers work, beat, die, come again under their old names; some beats are lost or overtaken.

    The totals never fall, and with the last heartbeat of everybody they are exactly what was done.
    """
    rng, engine = Random(seed), Engine()
    alive = {f"w{number}": (0.0, Counters()) for number in range(4)}
    done, told, before = dict.fromkeys(NAMES, 0), Counters(), Counters()
    for at in range(400):
        name = rng.choice(sorted(alive))
        started, counters = alive[name]
        more = {each: rng.randint(0, 3) for each in NAMES}
        counters = Counters(**{each: getattr(counters, each) + more[each] for each in NAMES})
        done = {each: done[each] + more[each] for each in NAMES}
        overtaken = beat(name, started_at=started, counters=alive[name][1])
        alive[name] = started, counters
        dies = rng.random() < 0.1
        if dies or rng.random() < 0.7:
            engine.hear(beat(name, started_at=started, counters=counters), at)
        if rng.random() < 0.2:
            engine.hear(overtaken, at)
        if dies:
            alive[name] = float(at + 1), Counters()
        told, before = engine.totals(), told
        assert all(getattr(told, each) >= getattr(before, each) for each in NAMES)
    for name, (started, counters) in alive.items():
        engine.hear(beat(name, started_at=started, counters=counters), 400)

    assert engine.totals().model_dump() == done


def test_a_gateway_that_is_never_asked_remembers_no_more_than_it_needs() -> None:
    """Of several only one tells how the platform is; the others only listen, for months."""
    engine = Engine()
    for at in range(1000):
        engine.hear(beat(f"w{at}", answered=1), at)
        engine.hear(beat(answered=at), at)

    assert len(engine._answered) <= 6
    assert len(engine._here) <= 5
