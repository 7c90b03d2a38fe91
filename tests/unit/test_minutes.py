"""Counts and durations of minutes: how they are read, added up and told."""

from __future__ import annotations

import json
from random import Random

import pytest

from memebattle.store.minutes import BOUNDS, Histogram, bucket_of, minute_of, summary_of, together


def histogram(*durations: float) -> Histogram:
    fields = {"s:x": sum(durations)}
    for seconds in durations:
        field = f"b:x:{bucket_of(seconds)}"
        fields[field] = fields.get(field, 0) + 1
    return minute_of(0, fields).durations["x"]


@pytest.mark.parametrize(
    ("seconds", "bound"),
    [(0, "0.001"), (0.001, "0.001"), (0.0011, "0.0025"), (1, "1"), (1.5, "2.5"), (60, "60"), (61, "inf")],
)
def test_a_duration_is_counted_by_the_bound_it_does_not_exceed(seconds: float, bound: str) -> None:
    assert bucket_of(seconds) == bound


def test_a_minute_is_read_from_its_hash() -> None:
    fields = {"c:hits": 3.0, "c:a:b": 1.0, "s:x": 0.75, "b:x:0.5": 2.0, "b:x:inf": 1.0}
    minute = minute_of(100, fields)

    assert (minute.start, minute.minutes) == (6000, 1)
    assert minute.counts == {"hits": 3, "a:b": 1}
    assert minute.durations == {"x": Histogram((0,) * 8 + (2,) + (0,) * 6 + (1,), 0.75)}
    assert minute.durations["x"].count == 3


def test_what_another_version_wrote_is_passed_over() -> None:
    minute = minute_of(100, {"n:process": 7.0, "q:new": 1.0, "s:x": 2.0, "b:x:0.7": 4.0, "b:x:1": 1.0})

    assert minute.counts == {}
    assert minute.durations["x"].count == 1


def test_the_median_lies_where_half_of_all_are_below() -> None:
    """Four between 0.5 and 1 second are taken to lie evenly: half of them is in the middle."""
    assert histogram(0.6, 0.7, 0.8, 0.9).percentile(0.5) == pytest.approx(0.75)
    assert histogram(0.6, 0.7, 0.8, 0.9).percentile(1) == pytest.approx(1)
    assert histogram(0.6, 0.7, 0.8, 0.9).percentile(0) == pytest.approx(0.5)


def test_a_percentile_skips_empty_buckets() -> None:
    """Nine fast ones and a slow one: the 95th lies in the middle of the slow one's bucket."""
    durations = histogram(*[0.002] * 9, 4.0)

    assert durations.percentile(0.9) == pytest.approx(0.0025)
    assert durations.percentile(0.95) == pytest.approx(3.75)


def test_what_took_longer_than_all_bounds_is_told_as_the_last_one() -> None:
    assert histogram(100, 200).percentile(0.5) == BOUNDS[-1]


def test_nothing_has_no_percentiles() -> None:
    assert Histogram((0,) * 16, 0.0).percentile(0.5) is None


@pytest.mark.parametrize("seed", range(20))
def test_a_percentile_is_in_the_bucket_of_the_true_one(seed: int) -> None:
    dice = Random(seed)
    durations = sorted(dice.lognormvariate(-2, 2) for _ in range(dice.randint(1, 200)))
    for share in (0.01, 0.5, 0.95, 1):
        true = durations[max(0, -int(-share * len(durations) // 1) - 1)]
        told = histogram(*durations).percentile(share)

        assert told is not None
        assert bucket_of(told) == bucket_of(min(true, BOUNDS[-1]))


def test_percentiles_grow_with_the_share() -> None:
    dice = Random(1)
    durations = histogram(*(dice.lognormvariate(-2, 2) for _ in range(100)))
    told = [durations.percentile(percent / 100) or 0 for percent in range(101)]

    assert told == sorted(told)


def test_minutes_are_added_up() -> None:
    """A name need not be in all of them."""
    minutes = [
        minute_of(100, {"c:hits": 3.0, "s:x": 1.5, "b:x:1": 2.0}),
        minute_of(101, {}),
        minute_of(102, {"c:hits": 1.0, "c:misses": 0.5, "s:x": 3.0, "b:x:1": 1.0, "b:x:5": 1.0, "s:y": 0.0}),
    ]
    summed = together(minutes)

    assert (summed.start, summed.minutes) == (6000, 3)
    assert summed.counts == {"hits": 4, "misses": 0.5}
    assert (summed.durations["x"].count, summed.durations["x"].seconds) == (4, 4.5)
    assert summed.durations["x"].percentile(0.5) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert summed.durations["y"].count == 0


def test_a_summary_is_json_with_percentiles() -> None:
    minute = minute_of(100, {"c:hits": 3.0, "s:x": 3.0, "b:x:1": 4.0, "s:y": 0.0})

    assert json.loads(summary_of(minute)) == {
        "start": 6000,
        "minutes": 1,
        "counts": {"hits": 3},
        "durations": {
            "x": {"count": 4, "seconds": 3, "p50": 0.75, "p95": 0.975},
            "y": {"count": 0, "seconds": 0, "p50": None, "p95": None},
        },
    }
