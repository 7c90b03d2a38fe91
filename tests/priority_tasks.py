"""Tasks for the tests of the scoring engine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, get_args

from memebattle.priority.factors import complete
from memebattle.priority.messages import Category, PriorityTask, RequesterRole, ScoringModel
from memebattle.priority.scoring import Score, score

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CATEGORIES: tuple[Category, ...] = get_args(Category.__value__)
ROLES: tuple[RequesterRole, ...] = get_args(RequesterRole.__value__)
MODELS: tuple[ScoringModel, ...] = get_args(ScoringModel.__value__)
KNOWN = {"business_value": 5, "risk_level": 5, "estimated_effort_hours": 8, "affected_users_count": 10}


def task(**fields: Any) -> PriorityTask:
    return PriorityTask.model_validate({"title": "A task", "category": "SUPPORT", **fields})


def known(**fields: Any) -> PriorityTask:
    """A task that lacks none of the four numbers."""
    return task(**KNOWN | fields)


def scored(asked: PriorityTask, model: ScoringModel = "weighted", now: datetime = NOW) -> Score:
    return score(asked, complete(asked), now, model)


def hours_from_now(hours: float | None) -> datetime | None:
    return None if hours is None else NOW + timedelta(hours=hours)


def random_tasks(count: int, seed: int = 1) -> Iterator[PriorityTask]:
    """All kinds of tasks, many of them on the borders of the steps of time."""
    rng = Random(seed)
    return (random_task(rng) for _ in range(count))


def random_task(rng: Random) -> PriorityTask:
    edges = (-1000, -24, -23.9, -1, 0, 0.5, 1, 2, 2.1, 4, 8, 9, 24, 25, 48, 49, 500)
    return task(
        category=rng.choice(CATEGORIES),
        requester_role=rng.choice(ROLES),
        deadline=hours_from_now(rng.choice((None, *edges))),
        meeting_time=hours_from_now(rng.choice((None, *edges))),
        business_value=rng.choice((None, rng.randint(1, 10), round(rng.uniform(1, 10), 2))),
        risk_level=rng.choice((None, rng.randint(1, 10), round(rng.uniform(1, 10), 2))),
        estimated_effort_hours=rng.choice(
            (None, 1e-300, 0.25, 8, 40, 10_000, round(rng.uniform(0.1, 400), 1))
        ),
        affected_users_count=rng.choice((None, 0, 1, 10 ** rng.randint(0, 10), rng.randint(0, 5000))),
        workaround_available=rng.choice((None, True, False)),
        tags=rng.sample(("vpn", "payroll", "board"), rng.randint(0, 3)),
    )
