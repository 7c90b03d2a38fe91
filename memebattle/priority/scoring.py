"""How urgent a task is, from 0 to 10, and why: pure, deterministic, the time is given.

The weighted model is a weighted sum (Fishburn, 1967) of what service desks weigh since ITIL v2 (2000):
impact and urgency, with risk, role and time beside them. `methods.py` has the other models, `measures.py`
what all of them weigh. A workaround changes no score: it changes what to do, and so it is in the reasoning
and in the advice.

Levels and escalation are decided by the exact score, not by the displayed one with its 4 decimal places:
8.49996 is displayed as 8.5 and is HIGH. Borders are inclusive, and a billionth below one is at it, so that
the rounding of floats decides nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from memebattle.kit.text import composed
from memebattle.priority.factors import Factors
from memebattle.priority.measures import (
    MOST,
    RISK_IN_URGENCY,
    TIME_IN_URGENCY,
    Measures,
    confidence,
    contribution,
    measure,
    reaches,
    timing,
)
from memebattle.priority.messages import (
    Category,
    Contribution,
    PriorityMetrics,
    PriorityTask,
    ScoringModel,
    UrgencyLevel,
)
from memebattle.priority.methods import Reckoning, eisenhower, rice, wsjf
from memebattle.priority.reasoning import explain

RULES = 1  # raised with every change of a score or its words: what was cached before is not found any more
DECIMALS = 4  # of displayed numbers

LEVELS: tuple[tuple[UrgencyLevel, float], ...] = (("CRITICAL", 8.5), ("HIGH", 6.5), ("MEDIUM", 4.0))
ESCALATION = 8.0

SLA_HOURS: dict[UrgencyLevel, float] = {"CRITICAL": 1, "HIGH": 4, "MEDIUM": 24, "LOW": 72}
SLA_MULTIPLIER: dict[Category, float] = {
    "SECURITY": 0.5,
    "INFRASTRUCTURE": 0.7,
    "MEETING_PREP": 0.3,
    "SUPPORT": 1,
    "COMPLIANCE": 1.2,
    "DEVELOPMENT": 1.5,
    "MAINTENANCE": 2,
    "TRAINING": 3,
}


@dataclass(frozen=True, slots=True)
class Weights:
    """What each factor counts in the weighted model; other weights than the usual ones are for simulation.

    Raises:
        ValueError: a weight is below 0, or they do not add up to 1.
    """

    urgency: float = 0.30
    business_impact: float = 0.25
    risk: float = 0.20
    role_weight: float = 0.15
    time_sensitivity: float = 0.10

    def __post_init__(self) -> None:
        weights = {field.name: getattr(self, field.name) for field in fields(self)}
        if wrong := [name for name, weight in weights.items() if not weight >= 0]:
            raise ValueError(f"a weight is below 0: {', '.join(wrong)}")
        if not math.isclose(total := math.fsum(weights.values()), 1, rel_tol=0, abs_tol=1e-9):
            raise ValueError(f"the weights add up to {total:g}, not to 1")


@dataclass(frozen=True, slots=True)
class Score:
    """How urgent a task is, and why. `confidence` from 0 to 1, `sla_hours` until it should be done."""

    metrics: PriorityMetrics
    level: UrgencyLevel
    contributions: tuple[Contribution, ...]
    confidence: float
    sla_hours: float
    escalate: bool
    reasoning: str

    @property
    def exact(self) -> float:
        """The score before it was rounded for display: the sum of all points."""
        return _total(self.contributions)


def score(
    task: PriorityTask,
    factors: Factors,
    now: datetime,
    model: ScoringModel = "weighted",
    weights: Weights | None = None,
) -> Score:
    """Score a task as of `now` (with a time zone).

    Raises:
        ValueError: weights for a model that has none.
    """
    measures = measure(task, factors, now)
    reckoning = _reckon(measures, model, weights)
    total = _total(reckoning.contributions)
    level = level_of(total)
    return Score(
        metrics=_metrics(measures, total),
        level=level,
        contributions=reckoning.contributions,
        confidence=round(reckoning.confidence, DECIMALS),
        sla_hours=SLA_HOURS[level] * SLA_MULTIPLIER[task.category],
        escalate=escalates(total, task.category),
        reasoning=explain(task, measures, level, reckoning.contributions),
    )


def level_of(total: float) -> UrgencyLevel:
    """The level of an exact score."""
    return next((level for level, border in LEVELS if reaches(total, border)), "LOW")


def escalates(total: float, category: Category) -> bool:
    """Whether somebody has to be called: from 8 on, for security at HIGH already."""
    return reaches(total, ESCALATION) or (category == "SECURITY" and level_of(total) in {"HIGH", "CRITICAL"})


def aged(score: float, waited: timedelta, points_per_day: float) -> float:
    """What a waiting task is ranked by: its score and what it gained since it was created.

    Linear and without a cap, so that no stream of new tasks lets an old one starve (ageing, as schedulers of
    operating systems do it). A task from the future has not waited.
    """
    return score + points_per_day * max(0.0, waited / timedelta(days=1))


def content_digest(
    task: PriorityTask,
    model: ScoringModel,
    now: datetime,
    use_ai: bool,  # noqa: FBT001 - one of four parts of what is asked
) -> str:
    """Names what is asked, so that the same question is answered once: SHA-256, in hex.

    The person who asks does not matter (the role does), nor how the text is set: case, spaces, punctuation
    around words. Of deadline and meeting it is how much they press now, with what is overdue told apart from
    a meeting within the hour. Two tasks with one digest have the same score, down to the words.
    """
    asked = (
        RULES,
        *(normalised(text or "") for text in (task.title, task.description, task.context)),
        task.category,
        task.requester_role,
        task.business_value,
        task.risk_level,
        task.estimated_effort_hours,
        task.affected_users_count,
        task.workaround_available,
        sorted({normalised(tag) for tag in task.tags}),
        timing(task, now).words,
        model,
        use_ai,
    )
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


OPENING = "\"'`*_~([{<\u2018\u201a\u201c\u201e\u2039\u00ab\u00bf\u00a1\u300c\u300e"
CLOSING = "\"'`*_~)]}>\u2018\u2019\u201c\u201d\u203a\u00bb\u300d\u300f.,;:!?\u3001\u3002"
DASHES = "-\u2013\u2014"


def normalised(text: str) -> str:
    """Text as it is compared: what a reader would call the same sentence.

    Signs that carry a meaning stay: `C++` and `C#`, `-5` and `.net`, `$5` and `5 %` are words of their own.
    """
    folded = unicodedata.normalize("NFKC", composed(text)).casefold()
    words = (word.lstrip(OPENING).rstrip(CLOSING) for word in unicodedata.normalize("NFKC", folded).split())
    return " ".join(word for word in words if word.strip(DASHES))


def _reckon(measures: Measures, model: ScoringModel, weights: Weights | None) -> Reckoning:
    if model == "weighted":
        return _weighted(measures, weights or Weights())
    if weights is not None:
        raise ValueError(f"weights belong to the weighted model, {model} has none")
    return {"wsjf": wsjf, "rice": rice, "eisenhower": eisenhower}[model](measures)


def _weighted(measures: Measures, weights: Weights) -> Reckoning:
    """The sum of five weighted factors; time and risk count once more within urgency."""
    rows = (
        contribution("urgency", measures.urgency, weights.urgency),
        contribution("business_impact", measures.impact, weights.business_impact),
        contribution("risk", measures.risk, weights.risk),
        contribution("role_weight", measures.role, weights.role_weight),
        contribution("time_sensitivity", measures.time, weights.time_sensitivity),
    )
    shares = (
        (measures.time.origin, weights.time_sensitivity + TIME_IN_URGENCY * weights.urgency),
        (measures.risk.origin, weights.risk + RISK_IN_URGENCY * weights.urgency),
        (measures.impact.origin, weights.business_impact),
        (measures.role.origin, weights.role_weight),
    )
    return Reckoning(rows, confidence(shares))


def _metrics(measures: Measures, total: float) -> PriorityMetrics:
    return PriorityMetrics(
        urgency=_displayed(measures.urgency.value),
        business_impact=_displayed(measures.impact.value),
        risk=_displayed(measures.risk.value),
        role_weight=_displayed(measures.role.value),
        time_sensitivity=_displayed(measures.time.value),
        effort_complexity=_displayed(measures.complexity.value),
        final_priority_score=_displayed(total),
    )


def _displayed(value: float) -> float:
    return min(MOST, max(0.0, round(value, DECIMALS)))


def _total(contributions: tuple[Contribution, ...]) -> float:
    return math.fsum(row.points for row in contributions)
