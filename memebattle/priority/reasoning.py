"""A score in words: one sentence for what decided it, one for what it rests on.

Nothing of what a requester wrote is repeated here, so that a reasoning can be logged, cached and shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from memebattle.priority.measures import Measures
from memebattle.priority.messages import Contribution, Origin, PriorityTask, UrgencyLevel

STARTING_POINTS = frozenset({"ordinary_job", "quadrant"})  # rows that say nothing about this task
EFFORTS = ((1, "up to an hour"), (8, "up to a day"), (40, "up to a week"), (160, "up to a month"))
NAMES = {
    "urgency": "urgency",
    "business_impact": "business impact",
    "risk": "risk",
    "role_weight": "the role of the requester",
    "time_sensitivity": "time",
    "effort_complexity": "effort",
    "reach": "reach",
    "impact": "impact per person",
    "confidence": "confidence",
    "effort": "effort",
}


def explain(
    task: PriorityTask, measures: Measures, level: UrgencyLevel, contributions: Sequence[Contribution]
) -> str:
    """What decided, how much time is left, and what nobody gave."""
    decided = " and ".join(
        f"{NAMES[row.factor]} ({row.points:.1f} points)" for row in _largest(contributions)
    )
    rests_on = "; ".join(_rests_on(task, measures))
    return f"{level}, mostly from {decided}; {measures.timing.words}. {rests_on}."


def listed(names: list[str]) -> str:
    """Names in a sentence: a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _largest(contributions: Iterable[Contribution]) -> list[Contribution]:
    """The two that moved the score most, up or down; of equals the one that is listed first."""
    told = [row for row in contributions if row.factor not in STARTING_POINTS]
    return sorted(told, key=lambda row: -abs(row.points))[:2]


def _rests_on(task: PriorityTask, measures: Measures) -> Iterator[str]:
    effort = _effort(measures.factors.effort_hours.value)
    yield f"The work takes {effort}{_WORKAROUND[task.workaround_available]}"
    if guessed := _named(measures, "llm"):
        yield f"guessed by a language model: {guessed}"
    if usual := _named(measures, "default"):
        yield f"not given, and taken as usual for the category: {usual}"


_WORKAROUND = {
    True: ", and a workaround is available",
    False: ", and there is no workaround",
    None: "",
}


def _named(measures: Measures, origin: Origin) -> str:
    factors = measures.factors
    named = {
        "business value": factors.business_value,
        "risk level": factors.risk_level,
        "effort": factors.effort_hours,
        "affected users": factors.affected_users,
    }
    return listed([name for name, factor in named.items() if factor.origin == origin])


def _effort(hours: float) -> str:
    return next((words for most, words in EFFORTS if hours <= most), "more than a month")
