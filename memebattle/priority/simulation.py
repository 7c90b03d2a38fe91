"""What another way of scoring would make of some tasks: arithmetic, and nothing else happens.

Waiting does not count here, because all of them would gain the same. Ranks are among the tasks that are
compared; of equals the one that was named first is first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from pydantic import Field

from memebattle.bus.messages import WireModel
from memebattle.priority.candidate import Candidate, Position
from memebattle.priority.factors import Factors, complete
from memebattle.priority.messages import (
    Contribution,
    PriorityRequest,
    PriorityTask,
    ScoringModel,
    UrgencyLevel,
)
from memebattle.priority.rescoring import Present, factors_of
from memebattle.priority.scoring import Score, Weights, score


class Simulated(WireModel):
    """What a task would score, beside what it scores now."""

    index: int = Field(description="Its place in the question, from 0 on")
    request_id: str | None = None
    title: str
    model: ScoringModel
    rank: int = Field(description="Among the tasks of this simulation, from 1 on")
    score: float
    urgency_level: UrgencyLevel
    escalation_required: bool
    ai_confidence: float = Field(description="Share of the score that rests on given values")
    contributions: tuple[Contribution, ...]
    present_rank: int
    present_score: float = Field(description="By its own model with the usual weights, or as decided")
    present_level: UrgencyLevel
    rank_change: int = Field(description="Places it would rise; below 0 it would fall")


@dataclass(frozen=True, slots=True)
class Case:
    """A task to compare: its own model, what it is scored from by a model, and what counts now."""

    request_id: str | None
    task: PriorityTask
    model: ScoringModel
    factors: Callable[[ScoringModel], Factors]
    present: Present


@dataclass(frozen=True, slots=True)
class _Trial:
    """A case and its other score."""

    index: int
    case: Case
    model: ScoringModel
    found: Score

    @property
    def points(self) -> float:
        return self.found.metrics.final_priority_score


def case_of(request: PriorityRequest, usual: ScoringModel, now: datetime) -> Case:
    """A task as somebody describes it; nobody is asked to guess what is missing."""
    model, factors = request.model or usual, complete(request)
    found = score(request, factors, now, model)
    present = Present(found.metrics.final_priority_score, found.level, found.escalate)
    return Case(request.id, request, model, lambda _: factors, present)


def known_case(candidate: Candidate, position: Position) -> Case:
    """A task of the ranking, with what was guessed when it was scored, and with what a person decided."""
    result = candidate.result()
    factors = partial(factors_of, result)
    return Case(candidate.request_id, result.task, result.model, factors, position.present)


def simulate(
    cases: Sequence[Case], now: datetime, model: ScoringModel | None = None, weights: Weights | None = None
) -> list[Simulated]:
    """Score the cases by `model`, highest first; None: each by its own, or by the weighted one with weights.

    Raises:
        ValueError: weights for a model that has none.
    """
    if weights is not None and model is None:
        model = "weighted"
    trials = [_try(index, case, now, model or case.model, weights) for index, case in enumerate(cases)]
    before = sorted(trials, key=lambda trial: (-trial.case.present.score, trial.index))
    ranks = {trial.index: rank for rank, trial in enumerate(before, 1)}
    after = sorted(trials, key=lambda trial: (-trial.points, trial.index))
    return [_simulated(trial, rank, ranks[trial.index]) for rank, trial in enumerate(after, 1)]


def _try(index: int, case: Case, now: datetime, model: ScoringModel, weights: Weights | None) -> _Trial:
    return _Trial(index, case, model, score(case.task, case.factors(model), now, model, weights))


def _simulated(trial: _Trial, rank: int, present_rank: int) -> Simulated:
    return Simulated(
        index=trial.index,
        request_id=trial.case.request_id,
        title=trial.case.task.title,
        model=trial.model,
        rank=rank,
        score=trial.points,
        urgency_level=trial.found.level,
        escalation_required=trial.found.escalate,
        ai_confidence=trial.found.confidence,
        contributions=trial.found.contributions,
        present_rank=present_rank,
        present_score=trial.case.present.score,
        present_level=trial.case.present.level,
        rank_change=present_rank - rank,
    )
