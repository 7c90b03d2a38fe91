"""The weighted score: every number of its definition, its borders and its words."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from memebattle.priority.advice import advise
from memebattle.priority.factors import complete
from memebattle.priority.scoring import (
    SLA_HOURS,
    SLA_MULTIPLIER,
    Weights,
    aged,
    escalates,
    level_of,
    score,
)
from tests.priority_tasks import (
    CATEGORIES,
    MODELS,
    NOW,
    hours_from_now,
    known,
    scored,
    task,
)

GOLDEN = (
    (
        "category",
        "role",
        "deadline_hours",
        "meeting_hours",
        "value",
        "risk",
        "users",
        "total",
        "level",
        "sla_hours",
        "escalate",
    ),
    [
        # T 9, R 10, B 10, A 10, U 5.4 + 4 = 9.4: 2.82 + 2.5 + 2 + 1.5 + 0.9
        ("SECURITY", "CEO", 1, None, 10, 10, 100_000, 9.72, "CRITICAL", 0.5, True),
        # T 2, R 1.5, B 1, A 4, U 1.2 + 0.6 = 1.8: 0.54 + 0.25 + 0.3 + 0.6 + 0.2
        ("SECURITY", "EMPLOYEE", None, None, 1, 1, 0, 1.89, "LOW", 36, False),
        # T 2, R 10, B 5, A 4, U 1.2 + 4 = 5.2: 1.56 + 1.25 + 2 + 0.6 + 0.2
        ("SECURITY", "EMPLOYEE", None, None, 5, 7, 1, 5.61, "MEDIUM", 12, False),
        # T 5, R 10, B 4, A 6, U 3 + 4 = 7: 2.1 + 1 + 2 + 0.9 + 0.5
        ("SECURITY", "IT_ADMIN", 24, None, 4, 9, 1, 6.5, "HIGH", 2, True),
        # T 10, R 7.5, B 7, A 7, U 6 + 3 = 9: 2.7 + 1.75 + 1.5 + 1.05 + 1
        ("SECURITY", "MANAGER", -1, None, 3, 5, 10_000, 8, "HIGH", 2, True),
        # T 9, R 9, B 7, A 9, U 5.4 + 3.6 = 9: 2.7 + 1.75 + 1.8 + 1.35 + 0.9
        ("SECURITY", "CFO", 1, None, 3, 6, 10_000, 8.5, "CRITICAL", 0.5, True),
        # T 2, R 4.5, B 2, A 10, U 1.2 + 1.8 = 3: 0.9 + 0.5 + 0.9 + 1.5 + 0.2
        ("SECURITY", "CEO", None, None, 1, 3, 10, 4, "MEDIUM", 12, False),
        # T 7, R 9.1, B 10, A 7, U 4.2 + 3.64 = 7.84: 2.352 + 2.5 + 1.82 + 1.05 + 0.7
        ("INFRASTRUCTURE", "MANAGER", 5, None, 8, 7, 100, 8.422, "HIGH", 2.8, True),
        # T 5, R 10, B 10, A 6, U 3 + 4 = 7: 2.1 + 2.5 + 2 + 0.9 + 0.5
        ("INFRASTRUCTURE", "IT_ADMIN", 24, None, 9, 9, 10, 8, "HIGH", 2.8, True),
        # T 10, R 10, B 7, A 5, U 6 + 4 = 10: 3 + 1.75 + 2 + 0.75 + 1
        ("INFRASTRUCTURE", "CLIENT", -1, None, 6, 9, 10, 8.5, "CRITICAL", 0.7, True),
        # T 10, R 6, B 7, A 10, U 6 + 2.4 = 8.4: 2.52 + 1.75 + 1.2 + 1.5 + 1
        ("MEETING_PREP", "CEO", None, 0.5, 6, 5, 10, 7.97, "HIGH", 1.2, False),
        # T 8, R 4.8, B 5, A 5, U 4.8 + 1.92 = 6.72: 2.016 + 1.25 + 0.96 + 0.75 + 0.8
        ("MEETING_PREP", "CLIENT", 72, 3, 5, 4, 1, 5.776, "MEDIUM", 7.2, False),
        # T 2, R 6, B 5, A 4, U 1.2 + 2.4 = 3.6: 1.08 + 1.25 + 1.2 + 0.6 + 0.2
        ("MEETING_PREP", "EMPLOYEE", None, -25, 5, 5, 1, 4.33, "MEDIUM", 7.2, False),
        # T 10, R 6, B 5, A 4, U 6 + 2.4 = 8.4: 2.52 + 1.25 + 1.2 + 0.6 + 1
        ("MEETING_PREP", "EMPLOYEE", None, -23, 5, 5, 1, 6.57, "HIGH", 1.2, False),
        # T 2, R 1, B 1, A 4, U 1.2 + 0.4 = 1.6: 0.48 + 0.25 + 0.2 + 0.6 + 0.2
        ("SUPPORT", "EMPLOYEE", None, None, 1, 1, 1, 1.73, "LOW", 72, False),
        # T 3, R 8, B 7, A 9, U 1.8 + 3.2 = 5: 1.5 + 1.75 + 1.6 + 1.35 + 0.3
        ("SUPPORT", "CTO", 72, None, 7, 8, 1, 6.5, "HIGH", 4, False),
        # T 3, R 8, B 7, A 9, U 1.8 + 3.2 = 5: 1.5 + 1.75 + 1.6 + 1.35 + 0.3
        ("SUPPORT", "CFO", 72, None, 3, 8, 10_000, 6.5, "HIGH", 4, False),
        # T 9, R 9, B 10, A 4, U 5.4 + 3.6 = 9: 2.7 + 2.5 + 1.8 + 0.6 + 0.9
        ("SUPPORT", "EMPLOYEE", 1, None, 6, 9, 10_000, 8.5, "CRITICAL", 1, True),
        # T 9, R 3, B 3, A 5, U 5.4 + 1.2 = 6.6: 1.98 + 0.75 + 0.6 + 0.75 + 0.9
        ("SUPPORT", "CLIENT", 2, None, 3, 3, 0, 4.98, "MEDIUM", 24, False),
        # T 9, R 9, B 8, A 4, U 5.4 + 3.6 = 9: 2.7 + 2 + 1.8 + 0.6 + 0.9
        ("COMPLIANCE", "EMPLOYEE", 1, None, 6, 10, 100, 8, "HIGH", 4.8, True),
        # T 5, R 7.2, B 10, A 9, U 3 + 2.88 = 5.88: 1.764 + 2.5 + 1.44 + 1.35 + 0.5
        ("COMPLIANCE", "CFO", 48, None, 7, 8, 1_000, 7.554, "HIGH", 4.8, False),
        # T 3, R 3.2, B 8, A 5, U 1.8 + 1.28 = 3.08: 0.924 + 2 + 0.64 + 0.75 + 0.3
        ("DEVELOPMENT", "DEVELOPER", 100, None, 5, 4, 1_000, 4.614, "MEDIUM", 36, False),
        # T 7, R 4.8, B 10, A 9, U 4.2 + 1.92 = 6.12: 1.836 + 2.5 + 0.96 + 1.35 + 0.7
        ("DEVELOPMENT", "CTO", 8, 24, 9, 6, 10_000_000, 7.346, "HIGH", 6, False),
        # T 7, R 7, B 5, A 7, U 4.2 + 2.8 = 7: 2.1 + 1.25 + 1.4 + 1.05 + 0.7
        ("MAINTENANCE", "MANAGER", 5, None, 4, 10, 10, 6.5, "HIGH", 8, False),
        # T 4, R 1.4, B 4, A 6, U 2.4 + 0.56 = 2.96: 0.888 + 1 + 0.28 + 0.9 + 0.4
        ("MAINTENANCE", "IT_ADMIN", None, 48, 3, 2, 10, 3.468, "LOW", 144, False),
        # T 4, R 1.2, B 3, A 4, U 2.4 + 0.48 = 2.88: 0.864 + 0.75 + 0.24 + 0.6 + 0.4
        ("TRAINING", "EMPLOYEE", None, 30, 2, 2, 10, 2.854, "LOW", 216, False),
        # T 10, R 6, B 10, A 10, U 6 + 2.4 = 8.4: 2.52 + 2.5 + 1.2 + 1.5 + 1
        ("TRAINING", "CEO", -100, None, 10, 10, 10_000_000_000, 8.72, "CRITICAL", 3, True),
    ],
)


@pytest.mark.parametrize(*GOLDEN)
def test_the_score_of_this_task_is(
    category, role, deadline_hours, meeting_hours, value, risk, users, total, level, sla_hours, escalate
) -> None:
    asked = known(
        category=category,
        requester_role=role,
        deadline=hours_from_now(deadline_hours),
        meeting_time=hours_from_now(meeting_hours),
        business_value=value,
        risk_level=risk,
        affected_users_count=users,
    )
    found = scored(asked)

    assert found.metrics.final_priority_score == total
    assert (found.level, found.escalate) == (level, escalate)
    assert found.sla_hours == pytest.approx(sla_hours, abs=1e-12)


# ---------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("deadline_hours", "expected"),
    [
        (None, 2),
        (-1e-6, 10),
        (-9999, 10),
        (0, 9),
        (2, 9),
        (2.001, 7),
        (8, 7),
        (8.001, 5),
        (48, 5),
        (48.001, 3),
    ],
)
def test_a_deadline_presses_the_more_the_nearer_it_is(deadline_hours: float, expected: float) -> None:
    asked = known(deadline=hours_from_now(deadline_hours))

    assert scored(asked).metrics.time_sensitivity == expected


@pytest.mark.parametrize(
    ("meeting_hours", "expected"),
    [
        (0, 10),
        (1, 10),
        (1.001, 8),
        (4, 8),
        (4.001, 6),
        (24, 6),
        (24.001, 4),
        (-0.1, 10),
        (-24, 10),
        (-24.01, 2),
    ],
)
def test_a_meeting_presses_until_a_day_after_it_began(meeting_hours: float, expected: float) -> None:
    asked = known(meeting_time=hours_from_now(meeting_hours))

    assert scored(asked).metrics.time_sensitivity == expected


def test_of_deadline_and_meeting_the_one_counts_that_presses_more() -> None:
    soon = known(deadline=hours_from_now(1), meeting_time=hours_from_now(30))
    later = known(deadline=hours_from_now(30), meeting_time=hours_from_now(1))
    long_past = known(deadline=hours_from_now(30), meeting_time=hours_from_now(-30))

    assert [scored(each).metrics.time_sensitivity for each in (soon, later, long_past)] == [9, 10, 5]


# ---------------------------------------------------------------- levels


@pytest.mark.parametrize(
    ("total", "level"),
    [
        (10, "CRITICAL"),
        (8.5, "CRITICAL"),
        (8.5 - 1e-10, "CRITICAL"),
        (8.49996, "HIGH"),
        (6.5, "HIGH"),
        (6.49999, "MEDIUM"),
        (4, "MEDIUM"),
        (3.99999, "LOW"),
        (0, "LOW"),
    ],
)
def test_the_borders_of_the_levels(total: float, level: str) -> None:
    assert level_of(total) == level


@pytest.mark.parametrize(
    ("total", "category", "expected"),
    [
        (8, "SUPPORT", True),
        (8 - 1e-10, "SUPPORT", True),
        (7.99999, "SUPPORT", False),
        (6.5, "SECURITY", True),
        (6.49999, "SECURITY", False),
    ],
)
def test_who_is_called(total: float, category, expected: bool) -> None:
    assert escalates(total, category) is expected


def test_the_level_is_that_of_the_exact_score_not_of_the_displayed_one() -> None:
    # the score of a CRITICAL golden row with risk 6 x 1.5 = 9, less 0.32 of 0.0001 in R
    found = scored(
        known(
            category="SECURITY",
            requester_role="CFO",
            deadline=hours_from_now(1),
            business_value=3,
            risk_level=6 - 0.0001 / 1.5,
            affected_users_count=10_000,
        )
    )

    assert found.exact == pytest.approx(8.5 - 0.000032, abs=1e-9)
    assert found.metrics.final_priority_score == 8.5
    assert found.level == "HIGH"


def test_every_level_and_category_has_its_service_level() -> None:
    assert set(SLA_MULTIPLIER) == set(CATEGORIES)
    assert list(SLA_HOURS) == ["CRITICAL", "HIGH", "MEDIUM", "LOW"]


# ---------------------------------------------------------------- where values are from


def test_everything_given_is_known_for_sure() -> None:
    found = scored(known())

    assert [row.origin for row in found.contributions] == ["derived", "given", "given", "given", "given"]
    assert found.confidence == 1


def test_a_guess_is_trusted_less_and_a_usual_value_least() -> None:
    asked = task(business_value=5, affected_users_count=3)
    guessed = score(asked, complete(asked, {"risk_level": 7}), NOW)
    usual = score(asked, complete(asked), NOW)

    assert [row.origin for row in guessed.contributions] == ["derived", "given", "llm", "given", "given"]
    # risk is 0.20 and 0.4 of the 0.30 of urgency: 0.32 of the score
    assert guessed.confidence == pytest.approx(0.68 + 0.32 * 0.6)
    assert usual.confidence == pytest.approx(0.68 + 0.32 * 0.3)


def test_impact_is_as_sure_as_the_less_sure_of_its_two_parts() -> None:
    asked = task(business_value=5, risk_level=5)
    rows = {row.factor: row for row in score(asked, complete(asked), NOW).contributions}

    assert rows["business_impact"].origin == "default"
    assert scored(asked).confidence == pytest.approx(0.75 + 0.25 * 0.3)


def test_nothing_given_is_mostly_assumed() -> None:
    # role 0.15 and time 0.10 + 0.6 x 0.30 are known: 0.43, the rest is usual
    assert scored(task()).confidence == pytest.approx(0.43 + 0.57 * 0.3)


# ---------------------------------------------------------------- words


def test_the_reasoning_says_what_decided_and_what_it_rests_on() -> None:
    asked = task(
        category="INFRASTRUCTURE",
        requester_role="MANAGER",
        deadline=hours_from_now(5),
        business_value=8,
        affected_users_count=100,
        workaround_available=False,
    )
    found = score(asked, complete(asked, {"risk_level": 7}), NOW)

    assert found.reasoning == (
        "HIGH, mostly from business impact (2.5 points) and urgency (2.4 points);"
        " its deadline is within 8 hours. The work takes up to a day, and there is no workaround;"
        " guessed by a language model: risk level; not given, and taken as usual for the category: effort."
    )


def test_the_reasoning_of_a_task_that_lacks_everything_names_it_all() -> None:
    assert scored(task()).reasoning.endswith(
        "nothing says by when. The work takes up to a day; not given, and taken as usual for the category:"
        " business value, risk level, effort and affected users."
    )


@pytest.mark.parametrize("model", MODELS)
def test_nothing_of_what_a_requester_wrote_is_repeated(model) -> None:
    asked = task(title="XYZZY", description="XYZZY", context="XYZZY", tags=["XYZZY"], requester_name="XYZZY")
    found = scored(asked, model)

    assert "xyzzy" not in f"{found} {advise(asked, found)}".lower()


def test_a_workaround_changes_the_words_and_not_the_score() -> None:
    without, with_one = (scored(known(workaround_available=answer)) for answer in (False, True))

    assert without.contributions == with_one.contributions
    assert without.reasoning != with_one.reasoning


# ---------------------------------------------------------------- ageing


def test_a_waiting_task_gains_points_day_by_day() -> None:
    assert aged(4.5, timedelta(hours=36), 1.0) == 6.0
    assert aged(4.5, timedelta(0), 1.0) == 4.5
    assert aged(4.5, timedelta(days=3), 0) == 4.5


def test_no_task_starves() -> None:
    least, most = aged(0, timedelta(days=30), 1.0), aged(10, timedelta(0), 1.0)

    assert least > most


def test_a_task_from_the_future_has_not_waited() -> None:
    assert aged(4.5, timedelta(days=-1), 1.0) == 4.5


# ---------------------------------------------------------------- weights


def test_other_weights_can_be_tried_out() -> None:
    asked = known(risk_level=9)
    found = score(asked, complete(asked), NOW, weights=Weights(0, 0, 1, 0, 0))

    assert found.exact == 9
    assert found.metrics.final_priority_score == 9


@pytest.mark.parametrize("weights", [(0.3, 0.25, 0.2, 0.15, 0.2), (0, 0, 0, 0, 0), (1, 1, 1, 1, 1)])
def test_weights_that_do_not_add_up_to_one_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="add up to"):
        Weights(*weights)


@pytest.mark.parametrize("wrong", [-0.5, math.nan])
def test_a_weight_below_zero_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="below 0: risk"):
        Weights(1.5, 0, wrong, 0, 0)


@pytest.mark.parametrize("model", ["wsjf", "rice", "eisenhower"])
def test_weights_for_a_model_that_has_none_are_refused(model) -> None:
    with pytest.raises(ValueError, match=f"{model} has none"):
        score(known(), complete(known()), NOW, model, Weights())
