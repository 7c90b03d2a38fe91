"""The circuit breaker: when it opens, whom it lets through, and what closes it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from memebattle.priority.breaker import Breaker, BreakerOpen
from tests.toys import Clock


class Outage(Exception):
    """The provider failed."""


class Fault(Exception):
    """Something else went wrong."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(lambda error: isinstance(error, Outage), limit=5, pause=30, clock=clock)


def call(breaker: Breaker, error: Exception | None = None, times: int = 1) -> None:
    for _ in range(times):
        with contextlib.suppress(Outage, Fault), breaker.guard():
            if error is not None:
                raise error


def test_the_fifth_failure_in_a_row_opens_it(breaker: Breaker) -> None:
    call(breaker, Outage(), times=4)

    assert breaker.state == "closed"

    call(breaker, Outage())

    assert breaker.state == "open"


def test_a_success_between_them_starts_the_count_anew(breaker: Breaker) -> None:
    call(breaker, Outage(), times=4)
    call(breaker)
    call(breaker, Outage(), times=4)

    assert breaker.state == "closed"


def test_other_errors_neither_count_nor_start_the_count_anew(breaker: Breaker) -> None:
    call(breaker, Outage(), times=4)
    call(breaker, Fault(), times=9)

    assert breaker.state == "closed"

    call(breaker, Outage())

    assert breaker.state == "open"


def test_errors_are_handed_on(breaker: Breaker) -> None:
    with pytest.raises(Outage), breaker.guard():
        raise Outage


def test_nobody_passes_while_it_is_open(breaker: Breaker, clock: Clock) -> None:
    call(breaker, Outage(), times=5)
    clock.now += 29.9

    with pytest.raises(BreakerOpen):
        call(breaker)


def test_the_success_of_the_probe_closes_it(breaker: Breaker, clock: Clock) -> None:
    call(breaker, Outage(), times=5)
    clock.now += 30

    assert breaker.state == "half_open"

    call(breaker)

    assert breaker.state == "closed"

    call(breaker, Outage(), times=4)

    assert breaker.state == "closed"


def test_the_failure_of_the_probe_opens_it_for_as_long_again(breaker: Breaker, clock: Clock) -> None:
    call(breaker, Outage(), times=5)
    clock.now += 30
    call(breaker, Outage())
    clock.now += 29.9

    assert breaker.state == "open"

    clock.now += 0.1

    assert breaker.state == "half_open"


def test_only_one_passes_while_the_probe_is_under_way(breaker: Breaker, clock: Clock) -> None:
    call(breaker, Outage(), times=5)
    clock.now += 30
    with breaker.guard(), pytest.raises(BreakerOpen):
        call(breaker)

    call(breaker)

    assert breaker.state == "closed"


def test_a_refused_call_does_not_end_the_probe(breaker: Breaker, clock: Clock) -> None:
    """Two are refused, not only the first."""
    call(breaker, Outage(), times=5)
    clock.now += 30
    with breaker.guard():
        for _ in range(2):
            with pytest.raises(BreakerOpen):
                call(breaker)


@pytest.mark.parametrize("error", [Fault(), asyncio.CancelledError()], ids=["other error", "cancelled"])
def test_a_probe_without_a_verdict_makes_way_for_the_next(
    breaker: Breaker, clock: Clock, error: BaseException
) -> None:
    call(breaker, Outage(), times=5)
    clock.now += 30
    with pytest.raises(type(error)), breaker.guard():
        raise error

    assert breaker.state == "half_open"

    call(breaker)

    assert breaker.state == "closed"


def test_a_call_from_before_the_opening_does_not_close_it(breaker: Breaker) -> None:
    with breaker.guard():
        call(breaker, Outage(), times=5)

    assert breaker.state == "open"


def test_a_call_from_before_the_opening_does_not_prolong_it(breaker: Breaker, clock: Clock) -> None:
    with contextlib.suppress(Outage), breaker.guard():
        call(breaker, Outage(), times=5)
        clock.now += 20
        raise Outage
    clock.now += 10

    assert breaker.state == "half_open"
