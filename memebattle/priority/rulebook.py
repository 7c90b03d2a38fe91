"""The rules of scoring as data, for front ends that explain a score or let somebody play with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import get_args

from pydantic import BaseModel, Field

from memebattle.priority.factors import BOUNDS, USUAL
from memebattle.priority.measures import (
    DEADLINE_STEPS,
    MEETING_STEPS,
    NO_DATE,
    OVERDUE,
    RISK_IN_URGENCY,
    RISK_MULTIPLIER,
    ROLE_WEIGHT,
    TIME_IN_URGENCY,
    TRUST,
    Timing,
)
from memebattle.priority.messages import (
    MAX_BATCH,
    Category,
    Origin,
    RequesterRole,
    ScoringModel,
    UrgencyLevel,
)
from memebattle.priority.scoring import (
    ESCALATION,
    LEVELS,
    RULES,
    SLA_HOURS,
    SLA_MULTIPLIER,
    Weights,
)
from memebattle.settings import PrioritySettings


class Step(BaseModel):
    """How much time presses, from 0 to 10, when so many hours are left."""

    within_hours: float | None = Field(description="Null: more than in all the others")
    points: float
    words: str


class LevelRule(BaseModel):
    """A level, and the score it begins at."""

    level: UrgencyLevel
    from_score: float
    sla_hours: float = Field(description="Until it should be done, before the multiplier of the category")


class CategoryRule(BaseModel):
    """What a category does to a score, and what stands in for what is not given."""

    risk_multiplier: float
    sla_multiplier: float
    usual: Mapping[str, float]


class ScoringRules(BaseModel):
    """How tasks are scored here."""

    rules: int = Field(description="Raised with every change of a score")
    model: ScoringModel = Field(description="For tasks that name none")
    models: tuple[ScoringModel, ...]
    weights: Mapping[str, float] = Field(description="Of the weighted model")
    urgency: Mapping[str, float] = Field(description="What urgency is made of")
    levels: tuple[LevelRule, ...] = Field(description="The highest first")
    escalation_from: float = Field(description="SECURITY is escalated at HIGH already")
    roles: Mapping[RequesterRole, float] = Field(description="Twice this is the measure of the role")
    categories: Mapping[Category, CategoryRule]
    deadline: tuple[Step, ...]
    meeting: tuple[Step, ...]
    no_date: float
    overdue: float
    trust: Mapping[Origin, float] = Field(description="What a value counts for the confidence, by its origin")
    ageing_per_day: float = Field(description="Points a waiting task gains in the ranking")
    uses_ai: bool = Field(description="Whether a language model may fill in what is not given")
    max_batch: int


def rules_of(settings: PrioritySettings) -> ScoringRules:
    """The rules in use; they hold no secrets."""
    return ScoringRules(
        rules=RULES,
        model=settings.model,
        models=get_args(ScoringModel.__value__),
        weights=asdict(Weights()),
        urgency={"time_sensitivity": TIME_IN_URGENCY, "risk": RISK_IN_URGENCY},
        levels=tuple(_level(level, border) for level, border in (*LEVELS, ("LOW", 0.0))),
        escalation_from=ESCALATION,
        roles=ROLE_WEIGHT,
        categories={category: _category(category) for category in USUAL},
        deadline=tuple(_steps(DEADLINE_STEPS)),
        meeting=tuple(_steps(MEETING_STEPS)),
        no_date=NO_DATE.pressure,
        overdue=OVERDUE.pressure,
        trust=TRUST,
        ageing_per_day=settings.ageing,
        uses_ai=settings.use_ai,
        max_batch=MAX_BATCH,
    )


def _level(level: UrgencyLevel, border: float) -> LevelRule:
    return LevelRule(level=level, from_score=border, sla_hours=SLA_HOURS[level])


def _category(category: Category) -> CategoryRule:
    return CategoryRule(
        risk_multiplier=RISK_MULTIPLIER[category],
        sla_multiplier=SLA_MULTIPLIER[category],
        usual=dict(zip(BOUNDS, USUAL[category], strict=True)),
    )


def _steps(steps: Iterable[tuple[timedelta, Timing]]) -> Iterable[Step]:
    for within, timing in steps:
        hours = None if within == timedelta.max else within / timedelta(hours=1)
        yield Step(within_hours=hours, points=timing.pressure, words=timing.words)
