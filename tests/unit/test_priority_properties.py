"""What must hold for the score of any task, shown with random ones and with exact arithmetic."""

from __future__ import annotations

import math
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest

from memebattle.priority.messages import PriorityTask
from tests.priority_tasks import (
    MODELS,
    NOW,
    hours_from_now,
    known,
    random_task,
    random_tasks,
    scored,
)


def exact(asked: PriorityTask, tenfolds: int) -> Fraction:
    """The definition once more, in exact fractions, for tasks with 10^tenfolds users."""
    multiplier = {
        "SECURITY": 15,
        "INFRASTRUCTURE": 13,
        "MEETING_PREP": 12,
        "SUPPORT": 10,
        "COMPLIANCE": 9,
        "DEVELOPMENT": 8,
        "MAINTENANCE": 7,
        "TRAINING": 6,
    }
    roles = {"CEO": 50, "CFO": 45, "CTO": 45, "MANAGER": 35, "IT_ADMIN": 30, "EMPLOYEE": 20}
    time = Fraction(max(_deadline_points(asked), _meeting_points(asked)))
    risk = min(Fraction(10), Fraction(str(asked.risk_level)) * multiplier[asked.category] / 10)
    impact = min(Fraction(10), Fraction(str(asked.business_value)) + tenfolds)
    urgency = min(Fraction(10), (6 * time + 4 * risk) / 10)
    role = Fraction(2 * roles.get(asked.requester_role, 25), 10)
    return (30 * urgency + 25 * impact + 20 * risk + 15 * role + 10 * time) / 100


def _deadline_points(asked: PriorityTask) -> int:
    if asked.deadline is None:
        return 2
    hours = (asked.deadline - NOW) / timedelta(hours=1)
    return 10 if hours < 0 else 9 if hours <= 2 else 7 if hours <= 8 else 5 if hours <= 48 else 3


def _meeting_points(asked: PriorityTask) -> int:
    if asked.meeting_time is None:
        return 2
    hours = (asked.meeting_time - NOW) / timedelta(hours=1)
    if hours < 0:
        return 10 if hours >= -24 else 2
    return 10 if hours <= 1 else 8 if hours <= 4 else 6 if hours <= 24 else 4


def test_floats_decide_as_exact_fractions_do() -> None:
    """A few of these tasks are exactly on a border, where sums of floats fall on either side."""
    rng, borders = Random(2), {Fraction(17, 2), Fraction(8), Fraction(13, 2), Fraction(4)}
    on_a_border = 0
    for _ in range(2000):
        tenfolds = rng.randint(0, 4)
        asked = random_task(rng).model_copy(
            update={
                "business_value": float(rng.randint(1, 10)),
                "risk_level": float(rng.randint(1, 10)),
                "affected_users_count": 10**tenfolds,
            }
        )
        found, total = scored(asked), exact(asked, tenfolds)
        level = "CRITICAL" if total >= 8.5 else "HIGH" if total >= 6.5 else "MEDIUM" if total >= 4 else "LOW"
        on_a_border += total in borders

        assert found.exact == pytest.approx(float(total), abs=1e-9)
        assert found.level == level
        assert found.escalate == (
            total >= 8 or (asked.category == "SECURITY" and level in {"HIGH", "CRITICAL"})
        )
    assert on_a_border > 0


@pytest.mark.parametrize("model", MODELS)
def test_scores_are_from_0_to_10_and_their_points_add_up(model) -> None:
    for asked in random_tasks(500):
        found = scored(asked, model)

        assert 0 <= found.exact <= 10 + 1e-9
        assert math.fsum(row.points for row in found.contributions) == pytest.approx(found.exact, abs=1e-9)
        assert all(
            row.points == pytest.approx(row.value * row.weight, abs=1e-9) for row in found.contributions
        )
        assert found.metrics.final_priority_score == pytest.approx(found.exact, abs=5e-5)
        assert 0 < found.confidence <= 1
        assert found.sla_hours > 0


@pytest.mark.parametrize("model", MODELS)
def test_the_same_task_always_has_the_same_score(model) -> None:
    for asked in random_tasks(100):
        assert scored(asked, model) == scored(PriorityTask.read(asked.body()), model)


MORE = {
    "business_value": (1, 2, 5.5, 9, 10),
    "risk_level": (1, 2, 5.5, 9, 10),
    "affected_users_count": (0, 1, 2, 10, 999, 10**6, 10**10),
    "requester_role": ("EMPLOYEE", "DEVELOPER", "IT_ADMIN", "MANAGER", "CTO", "CEO"),
    "deadline": tuple(map(hours_from_now, (None, 500, 48, 8, 2, -1))),
    "meeting_time": tuple(map(hours_from_now, (None, 500, 24, 4, 1, -1))),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("factor", MORE)
def test_more_of_a_factor_never_lowers_the_score(factor: str, model) -> None:
    for asked in random_tasks(100):
        totals = [scored(asked.model_copy(update={factor: more}), model).exact for more in MORE[factor]]

        assert all(later >= earlier - 1e-9 for earlier, later in pairwise(totals))


def test_in_the_weighted_model_every_factor_counts() -> None:
    for factor, (least, *_, most) in MORE.items():
        low, high = (scored(known(**{factor: value})).exact for value in (least, most))

        assert high > low


def test_the_ranking_does_not_depend_on_the_order_of_the_tasks() -> None:
    tasks = dict(enumerate(random_tasks(200)))

    def ranking(order: list[int]) -> list[int]:
        return sorted(order, key=lambda number: (-scored(tasks[number]).exact, number))

    shuffled = list(tasks)
    Random(3).shuffle(shuffled)

    assert ranking(shuffled) == ranking(list(tasks))
