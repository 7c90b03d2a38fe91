"""Suggestions by rule: few, concrete, and the pressing ones first."""

from __future__ import annotations

from itertools import pairwise

import pytest

from memebattle.priority.advice import BY_CATEGORY, FIELDS, advise
from memebattle.priority.factors import BOUNDS
from memebattle.priority.messages import PriorityTask
from tests.priority_tasks import CATEGORIES, MODELS, hours_from_now, known, random_tasks, scored, task


def advice(asked: PriorityTask) -> str:
    return "\n".join(advise(asked, scored(asked)))


@pytest.mark.parametrize("model", MODELS)
def test_there_are_three_to_five_for_any_task_and_none_twice(model) -> None:
    for asked in random_tasks(300):
        found = advise(asked, scored(asked, model))

        assert 3 <= len(found) <= 5
        assert len(set(found)) == len(found)
        assert all(len(each) <= 200 and each.endswith(".") for each in found)


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_has_its_own(category) -> None:
    asked = known(category=category, business_value=1, risk_level=1)

    assert advise(asked, scored(asked))[0] == BY_CATEGORY[category][0]


def test_no_two_categories_say_the_same() -> None:
    said = sorted(each for suggestions in BY_CATEGORY.values() for each in suggestions)

    assert all(one != other for one, other in pairwise(said))


def test_the_most_pressing_comes_first() -> None:
    asked = known(category="SECURITY", risk_level=10, deadline=hours_from_now(-1), workaround_available=False)
    found = advise(asked, scored(asked))

    assert [each.split()[0] for each in found] == ["Call", "Begin", "Contain", "Look"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"risk_level": 10, "category": "SECURITY", "business_value": 10}, "person on duty"),
        ({"deadline": hours_from_now(-1)}, "Begin now"),
        ({"meeting_time": hours_from_now(1)}, "Begin now"),
        ({"deadline": hours_from_now(8)}, "time aside for it today"),
        ({"workaround_available": True}, "about the workaround"),
        ({"workaround_available": False}, "Look for a workaround"),
        ({"risk_level": 10, "business_value": 10, "requester_role": "CEO"}, "may be quicker"),
        ({"estimated_effort_hours": 40}, "Split it"),
        ({"estimated_effort_hours": 1, "business_value": 8}, "in one go"),
        ({"business_value": 8}, "Agree on a date"),
        ({"risk_level": None}, "Ask the requester for the risk of leaving it:"),
        (
            {"risk_level": None, "estimated_effort_hours": None, "affected_users_count": None},
            "for the risk of leaving it, an estimate of the effort and how many people are affected:",
        ),
    ],
)
def test_a_reason_brings_its_suggestion_and_goes_with_it(fields, expected: str) -> None:
    without = known(business_value=1, deadline=hours_from_now(1000), estimated_effort_hours=8)
    asked = known(**{"estimated_effort_hours": 8} | fields)

    assert expected in advice(asked)
    assert expected not in advice(without)


def test_every_field_that_may_be_missing_is_asked_for() -> None:
    assert set(FIELDS) == set(BOUNDS)
    for words in FIELDS.values():
        assert words in advice(task())


def test_a_task_of_little_weight_is_not_given_a_date() -> None:
    assert "Agree on a date" not in advice(known(business_value=1, risk_level=1))
