"""WSJF, RICE and the Eisenhower matrix on the scale of the weighted score."""

from __future__ import annotations

import math
from typing import Any

import pytest

from memebattle.priority.factors import complete
from memebattle.priority.measures import Measures, confidence, measure
from memebattle.priority.methods import Reckoning, eisenhower, rice, wsjf
from memebattle.priority.scoring import score
from tests.priority_tasks import NOW, hours_from_now, known, random_tasks, scored, task

METHODS = (wsjf, rice, eisenhower)


def measured(**fields: Any) -> Measures:
    asked = known(**fields)
    return measure(asked, complete(asked), NOW)


def total(reckoning: Reckoning) -> float:
    return math.fsum(row.points for row in reckoning.contributions)


def rows(reckoning: Reckoning) -> dict[str, float]:
    return {row.factor: row.points for row in reckoning.contributions}


# ---------------------------------------------------------------- WSJF


@pytest.mark.parametrize(
    ("value", "risk", "users", "deadline_hours", "effort", "ratio"),
    [
        # cost of delay = impact + time + risk; size = 1 + log2(1 + hours)
        (5, 5, 10, None, 7, (6 + 2 + 5) / 4),
        (5, 5, 10, None, 1, (6 + 2 + 5) / 2),
        (10, 10, 1, -1, 1, (10 + 10 + 10) / 2),
        (1, 1, 0, None, 1023, (1 + 2 + 1) / 11),
        (8, 3, 100, 5, 31, (10 + 7 + 3) / 6),
    ],
)
def test_wsjf_is_the_cost_of_delay_over_the_size(value, risk, users, deadline_hours, effort, ratio) -> None:
    measures = measured(
        business_value=value,
        risk_level=risk,
        affected_users_count=users,
        deadline=hours_from_now(deadline_hours),
        estimated_effort_hours=effort,
    )

    assert total(wsjf(measures)) == pytest.approx(10 * ratio / (ratio + 3), abs=1e-9)


def test_wsjf_says_what_delay_costs_and_what_effort_takes_away() -> None:
    found = rows(wsjf(measured(estimated_effort_hours=7)))
    effortless = 10 * 13 / 16  # cost of delay 6 + 2 + 5 over a size of 1

    assert found["business_impact"] == pytest.approx(effortless * 6 / 13)
    assert found["time_sensitivity"] == pytest.approx(effortless * 2 / 13)
    assert found["risk"] == pytest.approx(effortless * 5 / 13)
    assert found["effort_complexity"] == pytest.approx(10 * 3.25 / 6.25 - effortless)


def test_wsjf_takes_the_short_job_first() -> None:
    totals = [
        total(wsjf(measured(estimated_effort_hours=hours))) for hours in (1e-300, 0.5, 8, 80, 800, 9000)
    ]

    assert totals == sorted(totals, reverse=True)


# ---------------------------------------------------------------- RICE


@pytest.mark.parametrize(
    ("users", "value", "effort", "times_the_ordinary"),
    [
        # an ordinary job: 100 people, impact 1.5 (business value 5), 40 hours
        (100, 5, 40, 1),
        (1000, 5, 40, 10),
        (100_000, 5, 40, 1000),
        (100, 10, 40, 2),
        (100, 5, 4, 10),
        (0, 5, 40, 0.01),
        (1, 1, 400, 0.01 * 0.2 * 0.1),
        (10**10, 10, 0.1, 1e8 * 2 * 400),
        (100, 5, 1e-300, 400),
    ],
)
def test_rice_is_reach_times_impact_over_effort(users, value, effort, times_the_ordinary) -> None:
    measures = measured(affected_users_count=users, business_value=value, estimated_effort_hours=effort)
    odds = times_the_ordinary ** (1 / 3)

    assert total(rice(measures)) == pytest.approx(10 * odds / (1 + odds), abs=1e-9)


def test_rice_puts_an_ordinary_job_in_the_middle_and_each_factor_in_powers_of_ten() -> None:
    found = rice(measured(affected_users_count=10_000, business_value=5, estimated_effort_hours=400))
    values = {row.factor: row.value for row in found.contributions}

    assert values == pytest.approx(
        {"ordinary_job": 5, "reach": 2, "impact": 0, "confidence": 0, "effort": -1}, abs=1e-12
    )
    assert rows(found)["reach"] == pytest.approx(-2 * rows(found)["effort"])
    assert total(found) > 5


def test_rice_has_a_weight_for_the_ordinary_job_too() -> None:
    ordinary, *factors = rice(
        measured(affected_users_count=100, business_value=5, estimated_effort_hours=40)
    ).contributions

    assert (ordinary.value, ordinary.points) == (5, 5)
    assert [row.weight for row in factors] == pytest.approx([2.5 * math.log(10) / 3] * 4)


def test_rice_believes_less_in_what_nobody_gave() -> None:
    asked = task(affected_users_count=100, business_value=5)
    guessed = measure(asked, complete(asked, {"estimated_effort_hours": 40}), NOW)
    given = measured(affected_users_count=100, business_value=5, estimated_effort_hours=40)

    assert rice(given).confidence == 1
    assert rice(guessed).confidence == pytest.approx((1 + 1 + 0.6) / 3)
    assert rows(rice(guessed))["confidence"] < 0
    assert total(rice(guessed)) < total(rice(given))


def test_rice_does_not_look_at_time_risk_and_role() -> None:
    plain = rice(measured())
    pressed = rice(measured(deadline=hours_from_now(-1), risk_level=10, requester_role="CEO"))

    assert plain == pressed


# ---------------------------------------------------------------- Eisenhower

NOT_YET, SOON = None, hours_from_now(5)  # time 2 and 7


@pytest.mark.parametrize(
    ("deadline", "value", "risk", "expected", "level"),
    [
        # from its quadrant's lowest score on, in proportion to urgent and important beyond 0 or 5
        (SOON, 8, 6, 6.5 + 3.5 * ((7 - 5) + (7 - 5)) / 10, "HIGH"),
        (hours_from_now(-1), 10, 10, 10, "CRITICAL"),
        (NOT_YET, 8, 6, 5.25 + 1.25 * (2 + (7 - 5)) / 10, "MEDIUM"),
        (SOON, 2, 4, 4 + 1.25 * ((7 - 5) + 3) / 10, "MEDIUM"),
        (NOT_YET, 2, 4, 4 * (2 + 3) / 10, "LOW"),
        (NOT_YET, 5, 5, 5.25 + 1.25 * 2 / 10, "MEDIUM"),
        (hours_from_now(48), 5, 5, 6.5, "HIGH"),
    ],
)
def test_the_matrix_has_four_quadrants(deadline, value, risk, expected, level) -> None:
    asked = known(deadline=deadline, business_value=value, risk_level=risk, affected_users_count=1)
    found = scored(asked, "eisenhower")

    assert found.exact == pytest.approx(expected, abs=1e-9)
    assert found.level == level


def test_what_is_important_goes_before_what_is_merely_urgent() -> None:
    important = total(eisenhower(measured(deadline=NOT_YET, business_value=5, risk_level=5)))
    urgent = total(eisenhower(measured(deadline=hours_from_now(-1), business_value=1, risk_level=1)))

    assert important > urgent


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize("method", METHODS)
def test_the_points_of_any_task_add_up_within_the_scale(method) -> None:
    for asked in random_tasks(500):
        reckoning = method(measure(asked, complete(asked), NOW))

        assert -1e-9 <= total(reckoning) <= 10 + 1e-9
        assert all(
            row.points == pytest.approx(row.value * row.weight, abs=1e-9) for row in reckoning.contributions
        )
        assert 0 < reckoning.confidence <= 1


@pytest.mark.parametrize("model", ["wsjf", "rice"])
def test_more_effort_never_raises_the_score(model) -> None:
    for asked in random_tasks(100):
        totals = [
            scored(asked.model_copy(update={"estimated_effort_hours": hours}), model).exact
            for hours in (0.01, 0.5, 8.0, 40.0, 9999.0)
        ]

        assert totals == sorted(totals, reverse=True)


def test_each_method_scores_in_its_own_way_and_shows_the_same_measures() -> None:
    asked = known(deadline=SOON, risk_level=8)
    found = [
        score(asked, complete(asked), NOW, model) for model in ("weighted", "wsjf", "rice", "eisenhower")
    ]

    assert len({each.exact for each in found}) == 4
    assert len({each.metrics.risk for each in found}) == 1


def test_confidence_is_a_share_of_the_weight() -> None:
    assert confidence([("given", 3), ("llm", 1)]) == pytest.approx((3 + 0.6) / 4)
    assert confidence([("default", 2)]) == pytest.approx(0.3)
