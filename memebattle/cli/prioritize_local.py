"""A task scored in this very process, with the code that workers use and without anything running."""

from __future__ import annotations

from datetime import datetime

from memebattle.priority.factors import missing
from memebattle.priority.messages import PriorityRequest, PriorityResult, ScoringModel
from memebattle.priority.naming import new_id
from memebattle.priority.ports import Guess
from memebattle.priority.results import result_of


def score_here(request: PriorityRequest, now: datetime, model: ScoringModel) -> PriorityResult:
    """What a worker without a language model would say at `now`; `model` is for tasks that name none."""
    guess = Guess(skipped="disabled" if missing(request.task) else "not_needed")
    return result_of(request, request.id or new_id(), guess, now, model)
