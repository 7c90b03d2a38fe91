"""A result made from a task: pure, the same in a worker and at the command line."""

from __future__ import annotations

from datetime import datetime

from memebattle.priority.advice import advise
from memebattle.priority.factors import complete
from memebattle.priority.messages import PriorityRequest, PriorityResult, ScoringModel
from memebattle.priority.ports import Guess
from memebattle.priority.scoring import score


def result_of(
    request: PriorityRequest,
    request_id: str,
    guess: Guess,
    now: datetime,
    model: ScoringModel,
    worker: str | None = None,
) -> PriorityResult:
    """What is said about a task at `now`; `model` is for one that names none, `guess` for missing factors."""
    task = request.task
    if task.created_at is None:
        task = task.model_copy(update={"created_at": now})
    chosen = request.model or model
    found = score(task, complete(task, guess.values), now, chosen)
    return PriorityResult(
        request_id=request_id,
        revision=request.revision,
        urgency_level=found.level,
        priority_metrics=found.metrics,
        reasoning=found.reasoning,
        ai_confidence=found.confidence,
        estimated_resolution_hours=found.sla_hours,
        escalation_required=found.escalate,
        suggestions=advise(task, found),
        contributions=found.contributions,
        model=chosen,
        ai_skipped=guess.skipped,
        task=task,
        processed_at=now,
        worker=worker,
    )
