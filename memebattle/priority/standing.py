"""Where a task stands: what is stored about it, and what its gateway and its worker noted until then.

    the log        results, errors, suggestions and decisions: this counts
    a status       a worker's note that it has begun; only for a revision the log does not have yet
    a note         a gateway's note that it sent the task; the same

While NATS is away, a result that is still cached is better than no answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import Field, ValidationError

from memebattle.bus.entries import Entry, EntryKind, TaskLog
from memebattle.bus.messages import WireModel
from memebattle.bus.refusals import Unavailable
from memebattle.generation.ports import Cache
from memebattle.priority.known import Known, Note, ending
from memebattle.priority.messages import (
    PriorityError,
    PriorityOverride,
    PriorityResult,
    PriorityStatus,
    PrioritySuggestions,
    State,
    UrgencyLevel,
)
from memebattle.priority.ports import Documents
from memebattle.priority.rescoring import decided, stored

log = logging.getLogger(__name__)

PENDING: frozenset[State] = frozenset({"queued", "processing"})


class UnknownTask(Exception):
    """Nobody asked about this task here, or it was too long ago."""


class TaskState(WireModel):
    """Where a task stands, and what is known about it."""

    request_id: str = Field(examples=["ticket-4711"])
    revision: int = Field(1, description="The newest one")
    state: State = Field(description="Of the newest revision")
    urgency_level: UrgencyLevel | None = Field(None, description="What counts: as decided, else as scored")
    final_priority_score: float | None = Field(None, description="What counts: as decided, else as scored")
    result: PriorityResult | None = Field(None, description="Of the newest revision that has one")
    error: PriorityError | None = None
    suggestions: PrioritySuggestions | None = Field(None, description="To that result")
    override: PriorityOverride | None = Field(None, description="The last human decision, if it still counts")

    @property
    def is_pending(self) -> bool:
        """Whether something is still to come by itself."""
        return self.state in PENDING

    def decided(self, override: PriorityOverride) -> TaskState:
        """After this decision."""
        if self.result is None:
            return self.model_copy(update={"override": override})
        counts = stored(self.result)
        if override.action == "set":
            counts = decided(counts, override, self.result.task.category)
        return self.model_copy(
            update={
                "override": override,
                "urgency_level": counts.level,
                "final_priority_score": round(counts.score, 4),
            }
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """Reads where tasks stand. `connected` says whether NATS is in reach right now."""

    log: TaskLog
    documents: Documents
    asked: Cache
    connected: Callable[[], bool]

    def require_connection(self) -> None:
        """Refuse at once what would fail later.

        Raises:
            Unavailable: NATS is out of reach.
        """
        if not self.connected():
            raise Unavailable("NATS is out of reach")

    async def note(self, request_id: str, note: Note) -> None:
        """Remember that a task was sent."""
        await self.asked.put(_key(request_id), note.body())

    async def newest(self, request_id: str) -> Known | None:
        """The newest revision; while NATS is away, the newest that was noted."""
        note, entries = await asyncio.gather(self._noted(request_id), self._entries(request_id))
        ended = ending(entries)
        if note is None or (ended is not None and ended.revision > note.revision):
            return Known(ended.revision, ended) if ended is not None else None
        same = ended is not None and ended.revision == note.revision
        return Known(note.revision, ended if same else None, note)

    async def state(self, request_id: str) -> TaskState:
        """Where the task stands.

        Raises:
            UnknownTask: nobody asked about it.
            Unavailable: NATS is out of reach, and no result is cached.
        """
        state, _ = await self.look(request_id)
        return state

    async def look(self, request_id: str) -> tuple[TaskState, list[Entry]]:
        """The same with what the log has.

        Raises:
            UnknownTask: nobody asked about it.
            Unavailable: NATS is out of reach, and no result is cached.
        """
        note = await self._noted(request_id)
        if not self.connected():
            return await self._cached(request_id, note), []
        entries, status = await asyncio.gather(self.log.of(request_id), self._status(request_id))
        state = _with_newer(_stored(request_id, entries), request_id, note, status)
        if state is None:
            raise UnknownTask(f"nobody asked about {request_id} here lately")
        return state, entries

    async def _cached(self, request_id: str, note: Note | None) -> TaskState:
        result = _read(PriorityResult, await self.documents.get("result", f"by-id-{request_id}"))
        if result is None or (note is not None and note.revision > result.revision):
            raise Unavailable("NATS is out of reach")
        return _completed(result)

    async def _entries(self, request_id: str) -> list[Entry]:
        return await self.log.of(request_id) if self.connected() else []

    async def _noted(self, request_id: str) -> Note | None:
        return _read(Note, await self.asked.get(_key(request_id)))

    async def _status(self, request_id: str) -> PriorityStatus | None:
        return _read(PriorityStatus, await self.documents.get("temp", f"status-{request_id}"))


def _stored(request_id: str, entries: list[Entry]) -> TaskState | None:
    """As the log says."""
    last: dict[EntryKind, Entry] = {entry.kind: entry for entry in entries}
    if (end := ending(entries)) is None:
        return None
    state = _ended(request_id, end)
    suggestions, decision = last.get("suggestions"), last.get("override")
    if suggestions is not None and suggestions.revision == end.revision:
        state = state.model_copy(update={"suggestions": _read(PrioritySuggestions, suggestions.body)})
    override = _read(PriorityOverride, decision.body if decision is not None else None)
    if decision is None or override is None or (override.action == "withdraw" and decision.seq < end.seq):
        return state  # what was withdrawn comes back with a newer result
    return state.decided(override)


def _ended(request_id: str, end: Entry) -> TaskState:
    if end.kind == "response":
        result = _read(PriorityResult, end.body)
        if result is not None:
            return _completed(result)
        return TaskState(request_id=request_id, revision=end.revision, state="completed")
    error = _read(PriorityError, end.body)
    is_cancelled = error is not None and error.code == "cancelled"
    return TaskState(
        request_id=request_id,
        revision=end.revision,
        state="cancelled" if is_cancelled else "failed",
        error=error,
    )


def _completed(result: PriorityResult) -> TaskState:
    return TaskState(
        request_id=result.request_id,
        revision=result.revision,
        state="completed",
        urgency_level=result.urgency_level,
        final_priority_score=result.priority_metrics.final_priority_score,
        result=result,
    )


def _with_newer(
    stored: TaskState | None, request_id: str, note: Note | None, status: PriorityStatus | None
) -> TaskState | None:
    """Perhaps a newer revision is on its way than the one that is stored."""
    newest = max((each.revision for each in (stored, note, status) if each is not None), default=None)
    if newest is None or (stored is not None and stored.revision == newest):
        return stored
    has_begun = status is not None and status.revision == newest and status.state != "queued"
    # "processing" also when its worker is done: the log will show that in a moment
    state: State = "processing" if has_begun else "queued"
    base = stored or TaskState(request_id=request_id, state=state)
    return base.model_copy(update={"revision": newest, "state": state, "error": None})


def _read[M: WireModel](model: type[M], body: bytes | None) -> M | None:
    """What is kept, unless it is missing or of another version."""
    if body is None:
        return None
    try:
        return model.read(body)
    except ValidationError:
        log.warning("Not readable", extra={"model": model.__name__})
        return None


def _key(request_id: str) -> str:
    return f"prio-asked:{request_id}"
