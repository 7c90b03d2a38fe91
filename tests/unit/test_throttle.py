"""The adaptive throttle: its formula, its window, and what it does to a provider that is down."""

from __future__ import annotations

import random

import pytest

from memebattle.generation.ports import ProviderUnavailable
from memebattle.generation.throttle import Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fed(throttle: Throttle, *, accepted: int = 0, refused: int = 0) -> Throttle:
    for _ in range(accepted):
        throttle.record(accepted=True)
    for _ in range(refused):
        throttle.record(accepted=False)
    return throttle


@pytest.mark.parametrize(
    ("accepted", "refused", "expected"),
    [
        (0, 0, 0.0),
        (0, 1, 1 / 2),
        (0, 9, 9 / 10),
        (2, 8, 6 / 11),
        (5, 5, 0.0),
        (100, 3, 0.0),
    ],
)
def test_the_probability_is_the_formula(accepted: int, refused: int, expected: float, clock: Clock) -> None:
    throttle = fed(Throttle(clock=clock), accepted=accepted, refused=refused)

    assert throttle.refusal_probability() == pytest.approx(expected)


def test_a_provider_that_takes_half_of_the_requests_is_never_throttled(clock: Clock) -> None:
    throttle = fed(Throttle(clock=clock, rng=lambda: 0.0), accepted=10, refused=10)

    throttle.admit()


def test_what_is_older_than_the_window_is_forgotten(clock: Clock) -> None:
    throttle = fed(Throttle(clock=clock), refused=9)
    clock.now += 20
    fed(throttle, accepted=1)

    assert throttle.refusal_probability() == pytest.approx(8 / 11)

    clock.now += 10.5

    assert throttle.refusal_probability() == 0.0


def test_a_refusal_says_when_to_come_back_and_spreads_the_returns(clock: Clock) -> None:
    draws = iter([0.1, 0.0, 0.1, 0.5])
    throttle = fed(Throttle(clock=clock, rng=lambda: next(draws)), refused=9)

    with pytest.raises(ProviderUnavailable) as first:
        throttle.admit()
    with pytest.raises(ProviderUnavailable) as second:
        throttle.admit()

    assert (first.value.retry_after, second.value.retry_after) == (1.0, 3.0)
    assert first.value.retryable


def attempt(throttle: Throttle, *, up: bool) -> bool:
    """One call; True when it was sent."""
    try:
        throttle.admit()
    except ProviderUnavailable:
        return False
    throttle.record(accepted=up)
    return True


def test_of_300_tries_on_a_dead_provider_about_25_are_sent(clock: Clock) -> None:
    for seed in range(10):
        throttle = Throttle(clock=clock, rng=random.Random(seed).random)

        sent = sum(attempt(throttle, up=False) for _ in range(300))

        assert 15 <= sent <= 35


def test_the_trickle_notices_that_the_provider_is_back(clock: Clock) -> None:
    """Ten tries a second: everything is admitted again within a minute, without any reset."""
    throttle = Throttle(clock=clock, rng=random.Random(7).random)
    for _ in range(300):
        clock.now += 0.1
        attempt(throttle, up=False)

    for _ in range(600):
        clock.now += 0.1
        attempt(throttle, up=True)

    assert throttle.refusal_probability() == 0.0
