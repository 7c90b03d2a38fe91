"""What the factors of a task say, each on one scale from 0 to 10.

All scoring models read these measures, so that they differ in how they weigh and in nothing else. Time is
counted in steps and the steps include their borders: "within 2 hours" holds for exactly two hours too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from memebattle.priority.factors import Factor, Factors
from memebattle.priority.messages import Category, Contribution, Origin, PriorityTask, RequesterRole

PLACES = 10  # of a number in a contribution; far finer than the tolerance of the borders
MOST = 10.0  # the upper end of every scale
TIME_IN_URGENCY, RISK_IN_URGENCY = 0.6, 0.4

RISK_MULTIPLIER: dict[Category, float] = {
    "SECURITY": 1.5,
    "INFRASTRUCTURE": 1.3,
    "MEETING_PREP": 1.2,
    "SUPPORT": 1.0,
    "COMPLIANCE": 0.9,
    "DEVELOPMENT": 0.8,
    "MAINTENANCE": 0.7,
    "TRAINING": 0.6,
}
ROLE_WEIGHT: dict[RequesterRole, float] = {
    "CEO": 5.0,
    "CFO": 4.5,
    "CTO": 4.5,
    "MANAGER": 3.5,
    "IT_ADMIN": 3.0,
    "CLIENT": 2.5,
    "DEVELOPER": 2.5,
    "EMPLOYEE": 2.0,
}
ROUNDING = 1e-9  # what sums of floats may be off by
TRUST: dict[Origin, float] = {"given": 1.0, "llm": 0.6, "default": 0.3}  # best first


@dataclass(frozen=True, slots=True)
class Timing:
    """How much time presses, from 0 to 10, and why in words."""

    pressure: float
    words: str


NO_DATE = Timing(2, "nothing says by when")
OVERDUE = Timing(10, "its time is up")
MEETING_STEPS = (
    (timedelta(hours=1), Timing(10, "its meeting is within an hour")),
    (timedelta(hours=4), Timing(8, "its meeting is within 4 hours")),
    (timedelta(hours=24), Timing(6, "its meeting is within a day")),
    (timedelta.max, Timing(4, "its meeting is more than a day away")),
)
DEADLINE_STEPS = (
    (timedelta(hours=2), Timing(9, "its deadline is within 2 hours")),
    (timedelta(hours=8), Timing(7, "its deadline is within 8 hours")),
    (timedelta(hours=48), Timing(5, "its deadline is within 2 days")),
    (timedelta.max, Timing(3, "its deadline is more than 2 days away")),
)
MISSED_MEETING = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Measures:
    """A task on scales from 0 to 10. `factors` and `timing` are what they were made from."""

    time: Factor
    risk: Factor
    impact: Factor
    role: Factor
    urgency: Factor
    complexity: Factor
    factors: Factors
    timing: Timing


def measure(task: PriorityTask, factors: Factors, now: datetime) -> Measures:
    """Put a task on the scales.

    Impact adds a point to the business value for every tenfold of affected users, and is as sure as the less
    sure of the two. Date and role are always given: saying nothing means that there is no date, and an
    employee.
    """
    pressed = timing(task, now)
    time = Factor(pressed.pressure, "given")
    risk = Factor(
        min(MOST, factors.risk_level.value * RISK_MULTIPLIER[task.category]), factors.risk_level.origin
    )
    urgency = min(MOST, TIME_IN_URGENCY * time.value + RISK_IN_URGENCY * risk.value)
    return Measures(
        time=time,
        risk=risk,
        impact=_impact(factors.business_value, factors.affected_users),
        role=Factor(2 * ROLE_WEIGHT[task.requester_role], "given"),
        urgency=Factor(urgency, "derived"),
        complexity=Factor(effort_complexity(factors.effort_hours.value), factors.effort_hours.origin),
        factors=factors,
        timing=pressed,
    )


def timing(task: PriorityTask, now: datetime) -> Timing:
    """Of deadline and meeting, the one that presses more.

    A deadline stays overdue for ever. A meeting that has begun counts as overdue for 24 hours, while there
    is something to make up for; afterwards it says nothing.
    """
    return max(_pressing(task, now), key=lambda each: each.pressure, default=NO_DATE)


def effort_complexity(hours: float) -> float:
    """About one point for each doubling: an hour is 1, a day (8 h) 3.2, a week (40 h) 5.4, half a year 10."""
    return min(MOST, math.log2(1 + hours))


def reaches(value: float, border: float) -> bool:
    """Whether a value is at the border or above it.

    A billionth below is at the border: 0.1 + 0.2 must not decide whether somebody is called at night.
    """
    return value >= border - ROUNDING


def less_sure(*origins: Origin) -> Origin:
    """What a value rests on that was made from several: as sure as the least sure of them."""
    return min(origins, key=lambda origin: TRUST[origin])


def confidence(shares: Iterable[tuple[Origin, float]]) -> float:
    """How much of a score rests on what somebody knows, from 0 to 1.

    Every share of the score's weight counts as much as its origin is trusted: given values in full, guesses
    of a language model 0.6, usual values of the category 0.3.
    """
    counted = [(TRUST[origin] * share, share) for origin, share in shares]
    return min(1.0, math.fsum(part for part, _ in counted) / math.fsum(share for _, share in counted))


def contribution(name: str, factor: Factor, weight: float) -> Contribution:
    """One row of the reckoning, without the noise of binary fractions: nobody reads 7.800000000000001."""
    return Contribution(
        factor=name,
        value=round(factor.value, PLACES),
        weight=weight,
        points=round(factor.value * weight, PLACES),
        origin=factor.origin,
    )


def _impact(value: Factor, users: Factor) -> Factor:
    points = value.value + math.log10(max(1.0, users.value))
    return Factor(min(MOST, points), less_sure(value.origin, users.origin))


def _pressing(task: PriorityTask, now: datetime) -> Iterator[Timing]:
    if task.deadline is not None:
        left = task.deadline - now
        yield OVERDUE if left < timedelta(0) else _step(DEADLINE_STEPS, left)
    if task.meeting_time is not None:
        left = task.meeting_time - now
        if left >= timedelta(0):
            yield _step(MEETING_STEPS, left)
        elif -left <= MISSED_MEETING:
            yield OVERDUE


def _step(steps: Iterable[tuple[timedelta, Timing]], left: timedelta) -> Timing:
    return next(step for within, step in steps if left <= within)
