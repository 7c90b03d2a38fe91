"""What a score is made from: four numbers about a task, and where each of them is from.

A requester who knows them gives them, and what is given always wins. What is missing may be guessed by a
language model; what nobody guessed stands in as the usual value of the category. The usual values are
moderate on purpose: nobody gets ahead by leaving the form empty, and no task is escalated merely because its
form was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from memebattle.priority.messages import Category, Origin, PriorityTask

LEAST_EFFORT = 0.1  # hours; nothing is done in less than six minutes

# the bounds of the fields in `PriorityTask`, for what was guessed
BOUNDS: dict[str, tuple[float, float]] = {
    "business_value": (1, 10),
    "risk_level": (1, 10),
    "estimated_effort_hours": (LEAST_EFFORT, 10_000),
    "affected_users_count": (0, 10_000_000_000),
}

# business value (1 to 10), risk level (1 to 10), effort in hours, affected users
USUAL: dict[Category, tuple[float, float, float, float]] = {
    "SECURITY": (6, 5, 4, 10),
    "INFRASTRUCTURE": (6, 5, 8, 50),
    "MEETING_PREP": (5, 3, 2, 5),
    "SUPPORT": (4, 3, 2, 1),
    "COMPLIANCE": (6, 5, 16, 10),
    "DEVELOPMENT": (5, 4, 24, 10),
    "MAINTENANCE": (4, 4, 4, 10),
    "TRAINING": (3, 2, 8, 10),
}


@dataclass(frozen=True, slots=True)
class Factor:
    """A number, and where it is from."""

    value: float
    origin: Origin


@dataclass(frozen=True, slots=True)
class Factors:
    """The four numbers of a task, none missing."""

    business_value: Factor
    risk_level: Factor
    effort_hours: Factor
    affected_users: Factor


def missing(task: PriorityTask) -> tuple[str, ...]:
    """The fields of the task that are not given; a language model may be asked for these."""
    return tuple(name for name in BOUNDS if getattr(task, name) is None)


def complete(task: PriorityTask, guesses: Mapping[str, float] | None = None) -> Factors:
    """Given values first, then guesses by the name of the field, then what is usual for the category.

    Guesses beyond the bounds of a field count as the bound; what is no finite number is ignored.
    """
    usual = dict(zip(BOUNDS, USUAL[task.category], strict=True))
    found = {name: _factor(task, name, guesses or {}, usual[name]) for name in BOUNDS}
    return Factors(
        business_value=found["business_value"],
        risk_level=found["risk_level"],
        effort_hours=found["estimated_effort_hours"],
        affected_users=found["affected_users_count"],
    )


def _factor(task: PriorityTask, name: str, guesses: Mapping[str, float], usual: float) -> Factor:
    given = getattr(task, name)
    if given is not None:
        return Factor(float(given), "given")
    guess = _finite(guesses.get(name))
    if guess is None:
        return Factor(float(usual), "default")
    least, most = BOUNDS[name]
    return Factor(float(min(most, max(least, guess))), "llm")


def _finite(guess: object) -> float | None:
    """The guess as a number; language models also answer with words, booleans and infinity."""
    if isinstance(guess, bool) or not isinstance(guess, int | float):
        return None
    try:
        number = float(guess)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
