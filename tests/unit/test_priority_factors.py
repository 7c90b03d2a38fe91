"""The four numbers of a task: given first, then guessed, then usual."""

from __future__ import annotations

import math
from typing import Any

import pytest

from memebattle.priority.factors import BOUNDS, LEAST_EFFORT, USUAL, Factor, complete, missing
from memebattle.priority.messages import PriorityTask
from tests.priority_tasks import CATEGORIES, KNOWN, ROLES, known, scored, task


def test_what_is_not_given_is_missing() -> None:
    assert missing(task()) == (
        "business_value",
        "risk_level",
        "estimated_effort_hours",
        "affected_users_count",
    )
    assert missing(task(risk_level=3, affected_users_count=0)) == ("business_value", "estimated_effort_hours")
    assert missing(known()) == ()


def test_what_is_given_wins_over_a_guess() -> None:
    factors = complete(known(risk_level=3, affected_users_count=0), dict.fromkeys(KNOWN, 9.0))

    assert factors.risk_level == Factor(3, "given")
    assert factors.affected_users == Factor(0, "given")


def test_a_guess_wins_over_what_is_usual() -> None:
    factors = complete(
        task(),
        {
            "business_value": 9,
            "risk_level": 2.5,
            "estimated_effort_hours": 12,
            "affected_users_count": 300,
            "color": 1,
        },
    )

    assert factors.business_value == Factor(9, "llm")
    assert factors.risk_level == Factor(2.5, "llm")
    assert factors.effort_hours == Factor(12, "llm")
    assert factors.affected_users == Factor(300, "llm")


def test_without_any_word_the_category_says_what_is_usual() -> None:
    factors = complete(task(category="INFRASTRUCTURE"))

    assert factors.business_value == Factor(6, "default")
    assert factors.risk_level == Factor(5, "default")
    assert factors.effort_hours == Factor(8, "default")
    assert factors.affected_users == Factor(50, "default")


@pytest.mark.parametrize(
    ("name", "guess", "kept"),
    [
        ("business_value", 11, 10),
        ("business_value", -3, 1),
        ("risk_level", 1e300, 10),
        ("risk_level", 0, 1),
        ("estimated_effort_hours", 0, LEAST_EFFORT),
        ("estimated_effort_hours", 1e9, 10_000),
        ("affected_users_count", -1, 0),
        ("affected_users_count", 1e30, 10_000_000_000),
    ],
)
def test_a_guess_beyond_the_bounds_counts_as_the_bound(name: str, guess: float, kept: float) -> None:
    factors = complete(task(), {name: guess})

    assert Factor(kept, "llm") in (
        factors.business_value,
        factors.risk_level,
        factors.effort_hours,
        factors.affected_users,
    )


@pytest.mark.parametrize(
    "guess", [math.nan, math.inf, -math.inf, 10**400, True, None, "7", "high", [7], {"value": 7}]
)
def test_a_guess_that_is_no_finite_number_is_ignored(guess: Any) -> None:
    assert complete(task(), dict.fromkeys(KNOWN, guess)) == complete(task())


@pytest.mark.parametrize("name", BOUNDS)
def test_the_bounds_of_guesses_are_those_of_the_message(name: str) -> None:
    for bound in BOUNDS[name]:
        task(**{name: bound})
    for beyond in (BOUNDS[name][0] - 1, BOUNDS[name][1] + 1):
        with pytest.raises(ValueError, match=name):
            task(**{name: beyond})


def test_every_category_has_usual_values_that_a_requester_could_give() -> None:
    assert set(USUAL) == set(CATEGORIES)
    for usual in USUAL.values():
        PriorityTask(title="A task", category="SUPPORT", **dict(zip(BOUNDS, usual, strict=True)))


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("role", ROLES)
def test_an_empty_form_gets_nobody_ahead(category: str, role: str) -> None:
    score = scored(task(category=category, requester_role=role))

    assert score.level in {"MEDIUM", "LOW"}
    assert not score.escalate
