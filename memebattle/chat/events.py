"""What a client of `GET /api/sse` is sent, and where in its session an event stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, Field

from memebattle.chat.messages import ChunkError, ChunkMetadata, ResponseChunk, Timestamp, now
from memebattle.kit.sse import Event

RETRY = 1000  # milliseconds until an EventSource comes back

_POSITION = re.compile(r"([0-9]{1,19})-([0-9]{1,9}|end)")


@dataclass(frozen=True, slots=True)
class Position:
    """After chunk `chunk_id` of the frame `seq`; None: after the whole frame."""

    seq: int
    chunk_id: int | None


class Connected(BaseModel):
    """The first event: `resumed` says whether a `Last-Event-ID` was taken up."""

    session_id: str
    pod_id: str
    resumed: bool
    timestamp: Timestamp = Field(default_factory=now)


class MessageComplete(BaseModel):
    """After the last chunk of an answer."""

    session_id: str
    message_id: str
    chunks: int = Field(description="How many chunks the answer had, the final one included")
    metadata: ChunkMetadata | None = None
    error: ChunkError | None = None
    correlation_id: str | None = None
    timestamp: Timestamp = Field(default_factory=now)


class NotResumable(BaseModel):
    """The last event: what was missed is gone, so this connection cannot go on. Connect without an id."""

    session_id: str
    reason: str


class Ping(BaseModel):
    """Now and then, so that both sides know that the other one is there."""

    timestamp: datetime = Field(default_factory=now)


def position_of(event_id: str) -> Position:
    """Read an event id of ours.

    Raises:
        ValueError: it is none.
    """
    found = _POSITION.fullmatch(event_id)
    if found is None:
        raise ValueError("not an event id of ours")
    return Position(int(found[1]), None if found[2] == "end" else int(found[2]))


def connected_event(session_id: str, pod_id: str, *, resumed: bool) -> bytes:
    """`connected`, with the pause before an EventSource comes back."""
    body = Connected(session_id=session_id, pod_id=pod_id, resumed=resumed)
    return Event("connected", body.model_dump_json(), retry=RETRY).encode()


def chunk_event(chunk: ResponseChunk, seq: int | None) -> bytes:
    """`chunk`; without an id when it is kept nowhere."""
    return Event("chunk", chunk.body(), id=None if seq is None else f"{seq}-{chunk.chunk_id}").encode()


def complete_event(last: ResponseChunk, seq: int | None) -> bytes:
    """`message_complete`, after the final chunk; the same bytes on every pod."""
    body = MessageComplete(
        session_id=last.session_id,
        message_id=last.message_id,
        chunks=last.chunk_id + 1,
        metadata=last.metadata,
        error=last.error,
        correlation_id=last.correlation_id,
        timestamp=last.timestamp,
    )
    data = body.model_dump_json(exclude_none=True)
    return Event("message_complete", data, id=None if seq is None else f"{seq}-end").encode()


def gone_event(session_id: str, reason: str) -> bytes:
    """`not_resumable`; the empty id makes an EventSource forget where it was."""
    body = NotResumable(session_id=session_id, reason=reason)
    return Event("not_resumable", body.model_dump_json(), id="").encode()


def ping_event() -> bytes:
    """`ping`."""
    return Event("ping", Ping().model_dump_json()).encode()
