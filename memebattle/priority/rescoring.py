"""What a stored result says at another time than the one it was scored at, and what a person made of it.

Only time moves by itself: deadlines come closer, meetings pass. As long as time presses as it did, the stored
score stands as it is. Otherwise the task is scored again with the same measures of risk, impact and effort
and with their origins, so that what a language model guessed is kept and nobody is asked again. RICE does not
look at time, and a result whose measures are not all there cannot be scored again: both stand as stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from memebattle.priority.factors import Factor, Factors, complete
from memebattle.priority.measures import (
    DEADLINE_STEPS,
    MEETING_STEPS,
    MISSED_MEETING,
    MOST,
    RISK_MULTIPLIER,
    Timing,
    timing,
)
from memebattle.priority.messages import (
    Category,
    Contribution,
    Origin,
    PriorityOverride,
    PriorityResult,
    PriorityTask,
    ScoringModel,
    UrgencyLevel,
)
from memebattle.priority.methods import IMPACT_PER_VALUE, ORDINARY_JOB
from memebattle.priority.scoring import DECIMALS, LEVELS, escalates, level_of, score

DAY = timedelta(days=1)
LEAST_STEP = 10**-DECIMALS  # what tells two displayed scores apart


@dataclass(frozen=True, slots=True)
class Present:
    """What counts of a task at some time: score (0 to 10), level, and whether somebody has to be called."""

    score: float
    level: UrgencyLevel
    escalate: bool


def as_of(now: datetime, result: PriorityResult) -> tuple[Present, tuple[Contribution, ...]]:
    """The result at that time, and how its score comes about."""
    if stands(result, now):
        return stored(result), result.contributions
    found = score(result.task, factors_of(result), now, result.model)
    return Present(found.metrics.final_priority_score, found.level, found.escalate), found.contributions


def stored(result: PriorityResult) -> Present:
    """The result as it was stored."""
    return Present(
        result.priority_metrics.final_priority_score, result.urgency_level, result.escalation_required
    )


def moves(result: PriorityResult) -> bool:
    """Whether time may change it."""
    has_date = result.task.deadline is not None or result.task.meeting_time is not None
    return has_date and result.model != "rice" and bool(result.contributions)


def stands(result: PriorityResult, now: datetime) -> bool:
    """Whether time presses as it did."""
    pressure = result.priority_metrics.time_sensitivity
    return not moves(result) or timing(result.task, now).pressure == pressure


def holds_until(task: PriorityTask, now: datetime) -> datetime:
    """When time may press otherwise than it does now; at the latest a day later."""
    left: list[timedelta] = [DAY]
    if task.deadline is not None:
        left += _borders(task.deadline - now, DEADLINE_STEPS, timedelta(0))
    if task.meeting_time is not None:
        left += _borders(task.meeting_time - now, MEETING_STEPS, MISSED_MEETING)
    return now + min(each for each in left if each > timedelta(0))


def factors_of(result: PriorityResult, model: ScoringModel | None = None) -> Factors:
    """Factors that lead to the stored measures, for `model` or the one that was used.

    Business value and affected users are stored as one measure, their impact; here all of it is value, which
    is the same to every model but RICE. RICE gets what its own rows say; without them, what was given, and
    what is usual for the rest.
    """
    if (model or result.model) == "rice":
        return _factors_of_rice(result)
    task, stored, usual = result.task, result.priority_metrics, complete(result.task)
    impact = _measured(result, "business_impact", stored.business_impact, usual.business_value.origin)
    risk = _measured(result, "risk", stored.risk, usual.risk_level.origin)
    effort = _measured(result, "effort_complexity", stored.effort_complexity, usual.effort_hours.origin)
    return Factors(
        business_value=impact,
        affected_users=Factor(1, impact.origin),
        risk_level=Factor(risk.value / RISK_MULTIPLIER[task.category], risk.origin),
        effort_hours=Factor(2**effort.value - 1, effort.origin),
    )


def decided(found: Present, decision: PriorityOverride, category: Category) -> Present:
    """After a decision that sets something.

    A set score has the level that belongs to it, unless that was set too. A set level alone moves the score
    just as far as it must to be of that level.
    """
    points, level = decision.final_priority_score, decision.urgency_level
    if points is None:
        points = found.score if level is None else _within(level, found.score)
    level = level or level_of(points)
    return Present(points, level, escalates(_within(level, points), category))


def _borders(
    ahead: timedelta, steps: tuple[tuple[timedelta, Timing], ...], after: timedelta
) -> list[timedelta]:
    """How long it is until each step begins, and until the last one has passed."""
    begins = [ahead - within for within, _ in steps if within < timedelta.max]
    return [*begins, ahead + after + timedelta(microseconds=1)]


def _measured(result: PriorityResult, name: str, displayed: float, otherwise: Origin) -> Factor:
    """The exact measure and its origin where a row has it, else the displayed one."""
    row = next((row for row in result.contributions if row.factor == name), None)
    if row is None:
        return Factor(displayed, otherwise)
    return Factor(min(MOST, max(0.0, row.value)), row.origin)


def _factors_of_rice(result: PriorityResult) -> Factors:
    rows = {row.factor: row for row in result.contributions}
    if result.model != "rice" or not {"reach", "impact", "effort"} <= rows.keys():
        return complete(result.task)
    users, value, effort = rows["reach"], rows["impact"], rows["effort"]
    usual_value = ORDINARY_JOB.impact / IMPACT_PER_VALUE
    return Factors(
        business_value=Factor(usual_value * 10**value.value, value.origin),
        affected_users=Factor(ORDINARY_JOB.users * 10**users.value, users.origin),
        risk_level=complete(result.task).risk_level,
        effort_hours=Factor(ORDINARY_JOB.hours / 10**effort.value, effort.origin),
    )


def _within(level: UrgencyLevel, points: float) -> float:
    above = MOST
    for each, border in (*LEVELS, ("LOW", 0.0)):
        if each == level:
            return min(max(points, border), above)
        above = border - LEAST_STEP
    raise AssertionError(level)  # every level has its border
