"""Other ways to order work: WSJF, RICE and the Eisenhower matrix, on the scale of the weighted score.

WSJF and RICE are ratios without an upper end. Both are read as odds against an ordinary job, which is put in
the middle of the scale: score = 10 x odds / (1 + odds). The order that the ratio gives is kept, a better
ratio never scores lower, and the levels have the same borders in every model.

Each method says how its score comes about as rows whose points add up to it. Not every row raises a score:
effort costs points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from memebattle.priority.factors import LEAST_EFFORT, Factor
from memebattle.priority.measures import MOST, Measures, confidence, contribution, reaches
from memebattle.priority.messages import Contribution

MIDDLE = MOST / 2


@dataclass(frozen=True, slots=True)
class Reckoning:
    """The rows whose points are the score, and how much of it rests on given values (0 to 1)."""

    contributions: tuple[Contribution, ...]
    confidence: float


ORDINARY_WSJF = 3.0  # halfway, in ratios, between the least and the most that can occur (0.3 and 30)


def wsjf(measures: Measures) -> Reckoning:
    """Weighted Shortest Job First: cost of delay over job size.

    Reinertsen, The Principles of Product Development Flow (2009), in the form of the Scaled Agile Framework
    (Leffingwell, 2011): the cost of delay is business value + time criticality + risk reduction, here impact,
    time and risk; the size is relative, here 1 + effort complexity (1 to 11).

    The three share the score that the task would have if it took no effort, in proportion; effort takes away
    what is lost to its size.
    """
    parts = {
        "business_impact": measures.impact,
        "time_sensitivity": measures.time,
        "risk": measures.risk,
    }
    delay = math.fsum(part.value for part in parts.values())
    effortless = _against(delay, ORDINARY_WSJF)
    lost = _against(delay / (1 + measures.complexity.value), ORDINARY_WSJF) - effortless
    rows = [contribution(name, part, effortless / delay) for name, part in parts.items()]
    effort = contribution("effort_complexity", measures.complexity, _ratio(lost, measures.complexity.value))
    sure = confidence((part.origin, 1) for part in (*parts.values(), measures.complexity))
    return Reckoning((*rows, effort), sure)


class _Ordinary(NamedTuple):
    """The job that RICE puts in the middle of the scale."""

    users: float = 100
    impact: float = 1.5
    hours: float = 40


ORDINARY_JOB = _Ordinary()
IMPACT_PER_VALUE = 0.3  # business value 10 is Intercom's 3, massive
DECADES = 3  # a thousand times the ordinary ratio makes the odds ten to one


def rice(measures: Measures) -> Reckoning:
    """RICE: reach x impact x confidence / effort (McBride, Intercom, 2018).

    Reach is the affected users, at least the one who asks. Impact is the business value on Intercom's scale
    up to 3. Confidence is what the other three rest on. Effort is in hours; the unit cancels out. Time, risk
    and role do not count, as the method has it.

    A product becomes a sum in logarithms. Each row says by how many powers of ten its factor is better
    (or, below zero, worse) than that of an ordinary job, which is worth 5; all rows have the same weight.
    """
    value, users, hours = (
        measures.factors.business_value,
        measures.factors.affected_users,
        measures.factors.effort_hours,
    )
    sure = confidence((factor.origin, 1) for factor in (value, users, hours))
    better = {
        "reach": Factor(math.log10(max(1.0, users.value) / ORDINARY_JOB.users), users.origin),
        "impact": Factor(math.log10(value.value * IMPACT_PER_VALUE / ORDINARY_JOB.impact), value.origin),
        "confidence": Factor(math.log10(sure), "derived"),
        "effort": Factor(math.log10(ORDINARY_JOB.hours / max(LEAST_EFFORT, hours.value)), hours.origin),
    }
    weight = _weight_of_a_decade(math.fsum(factor.value for factor in better.values()))
    rows = [contribution(name, factor, weight) for name, factor in better.items()]
    return Reckoning((contribution("ordinary_job", Factor(MIDDLE, "derived"), 1), *rows), sure)


class _Quadrant(NamedTuple):
    """Scores of one quadrant of the matrix, from `low` on, `width` points wide."""

    low: float
    width: float


DO, SCHEDULE, DELEGATE, DROP = (
    _Quadrant(6.5, 3.5),
    _Quadrant(5.25, 1.25),
    _Quadrant(4.0, 1.25),
    _Quadrant(0.0, 4.0),
)


def eisenhower(measures: Measures) -> Reckoning:
    """Urgent or not, important or not: four quadrants (Eisenhower, 1954; Covey, The 7 Habits, 1989).

    Time says how urgent it is; impact and risk, in equal parts, how important. From 5 on it is. Do is HIGH or
    CRITICAL; schedule and delegate are MEDIUM, what is important first; drop is LOW. Within its quadrant a
    task ranks by the sum of both.
    """
    importance = (measures.impact.value + measures.risk.value) / 2
    urgent, important = reaches(measures.time.value, MIDDLE), reaches(importance, MIDDLE)
    low, width = ((DELEGATE, DO) if urgent else (DROP, SCHEDULE))[important]
    weight = width / MOST
    base = low - weight * MIDDLE * (urgent + important)
    rows = (
        contribution("quadrant", Factor(base, "derived"), 1),
        contribution("time_sensitivity", measures.time, weight),
        contribution("business_impact", measures.impact, weight / 2),
        contribution("risk", measures.risk, weight / 2),
    )
    sure = confidence(((measures.time.origin, 2), (measures.impact.origin, 1), (measures.risk.origin, 1)))
    return Reckoning(rows, sure)


def _against(ratio: float, ordinary: float) -> float:
    return MOST * ratio / (ratio + ordinary)


def _ratio(points: float, value: float) -> float:
    return points / value if value else 0.0


def _weight_of_a_decade(decades: float) -> float:
    """Points per power of ten, so that 5 + decades x weight = 10 x odds / (1 + odds).

    With odds = e^z that is 5 x tanh(z/2) / z per z; at z = 0 the limit is 2.5.
    """
    per_decade = math.log(10) / DECADES
    z = decades * per_decade
    return per_decade * (MIDDLE * math.tanh(z / 2) / z if z else MIDDLE / 2)
