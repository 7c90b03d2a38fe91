"""What is known of a task when it is asked about again, and whether it is the same request.

A request is compared as its client sent it. What was filled in for it then (since when it waits, the role of
a remembered requester) may be filled in differently now, and makes no other request of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from memebattle.bus.entries import Entry
from memebattle.bus.messages import WireModel
from memebattle.priority.messages import PriorityRequest, PriorityResult, ScoringModel


class Note(WireModel):
    """What gateways remember of a task they sent. `digest` is that of the request as its client sent it."""

    digest: str
    revision: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """A task's newest revision: how it ended and what was noted when it was sent, as far as that is there."""

    revision: int
    ended: Entry | None = None
    note: Note | None = None

    @property
    def has_failed(self) -> bool:
        """Whether it ended without a score."""
        return self.ended is not None and self.ended.kind == "error"

    @property
    def since(self) -> datetime | None:
        """Since when the task waits."""
        result = _result(self.ended)
        if result is not None:
            return result.task.created_at
        return self.note.created_at if self.note is not None else None

    def is_same(self, request: PriorityRequest, model: ScoringModel) -> bool:
        """Whether this is what was asked then; `model` is used when a request names none.

        A stored result says what was asked, and counts more than a note. An error does not: without a note
        it is taken for ours if that cannot be ruled out.
        """
        if (result := _result(self.ended)) is not None and self.ended is not None:
            return self.ended.digest in {request.digest, _as_then(request, result, model).digest}
        if self.note is not None:
            return self.note.digest == request.digest
        return self.ended is not None and (self.ended.digest == request.digest or request.created_at is None)


def ending(entries: Iterable[Entry]) -> Entry | None:
    """The result or error among what the log has of a task."""
    return next((entry for entry in entries if entry.is_result), None)


def filled_in(
    request: PriorityRequest, *, model: ScoringModel, role: str | None, since: datetime
) -> PriorityRequest:
    """The request with what it left open. `role` is that of a requester who is remembered."""
    found: dict[str, object] = {"model": request.model or model, "created_at": request.created_at or since}
    if role is not None and wants_role(request):
        found["requester_role"] = role
    return request.model_copy(update=found)


def wants_role(request: PriorityRequest) -> bool:
    """Whether it names the requester and leaves their role open."""
    return request.requester_id is not None and "requester_role" not in request.model_fields_set


def _as_then(request: PriorityRequest, result: PriorityResult, model: ScoringModel) -> PriorityRequest:
    task = result.task
    since = task.created_at or result.processed_at
    return filled_in(request, model=model, role=task.requester_role, since=since)


def _result(entry: Entry | None) -> PriorityResult | None:
    if entry is None or entry.kind != "response":
        return None
    try:
        return PriorityResult.read(entry.body)
    except ValidationError:  # of another version
        return None
