"""Frames: the pieces in which a chat answer is stored, and what each says of itself in its headers.

A worker stores every piece before it tells anybody; then the same bytes travel to the pods as Core messages.
Frames of one session form a chain: each names the stream sequence of the one before it. So a reader sees a
hole by `frame.previous != cursor` alone, and of two workers that believe to own a session only one can write.

Nothing here knows a broker: headers are mappings, and both directions are pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from memebattle.bus.subjects import CHAT_STREAM, fill, is_token

PREVIOUS, NEXT_CHUNK, FINAL = "Mb-Previous", "Mb-Next-Chunk", "Mb-Final"
DIGEST, WRITER = "Mb-Digest", "Mb-Writer"
SESSION, MESSAGE, SEQUENCE = "Mb-Session", "Mb-Message", "Mb-Sequence"
CONTENT_TYPE = "content-type"

HIGHEST_SEQUENCE = 2**64 - 1

_SESSION_SUBJECT, _, _ = CHAT_STREAM.rpartition(".")
_ROOT = CHAT_STREAM.partition("{")[0]
_BROKER_OR_OURS = ("Nats-", "Mb-")
_FLAGS = {"0": False, "1": True}


@dataclass(frozen=True, slots=True)
class Frame:
    """One stored piece of an answer: a ResponseChunk or a ChunkBatch as JSON bytes.

    `next_chunk` is the `chunk_id` that follows this frame's last one; `final` ends the answer. `digest` says
    what was asked, so that a reused message id is noticed; `writer` is a random token of the try that wrote
    it. `previous` is the sequence of the session's frame before it, 0 when none was retained; `seq` is its
    own, 0 until it is stored. `trace` are the request's tracing headers.
    """

    session_id: str
    message_id: str
    body: bytes
    next_chunk: int
    final: bool
    digest: str
    writer: str
    previous: int = 0
    seq: int = 0
    trace: Mapping[str, str] = field(default_factory=dict, compare=False)

    def repeats(self, other: Frame) -> bool:
        """Whether both are one frame of one try: that is how a lost acknowledgement is found again."""
        mine = (self.session_id, self.message_id, self.writer, self.previous, self.next_chunk)
        return mine == (other.session_id, other.message_id, other.writer, other.previous, other.next_chunk)


class Overtaken(Exception):
    """The session's last frame is another one than this was to follow: `last`, None when none is left."""

    def __init__(self, last: Frame | None) -> None:
        super().__init__(f"the last frame is {last.seq} of {last.message_id}" if last else "no frame is left")
        self.last = last


class LogAway(Exception):
    """The stream did not answer in time, or cannot at all. Whether a frame was stored is unknown."""


class ChunkLog(Protocol):
    """The frames of the last ten minutes, in order."""

    @property
    def max_payload(self) -> int:
        """Bytes one frame may have, headers included."""
        ...

    async def append(self, frame: Frame) -> int:
        """Store the frame after `frame.previous` and return its sequence.

        Appending the very same frame again is safe and finds the first one: do so after `LogAway`.

        Raises:
            Overtaken: the session's last frame is another one.
            LogAway: not stored within the publisher's budget, as far as we know.
            MessageTooLarge: over the server's limit.
        """
        ...

    async def last(self, session_id: str, message_id: str | None = None) -> Frame | None:
        """The last frame of a session or of one answer, as its leader knows it; None when none is retained.

        Raises:
            LogAway: the stream does not answer.
        """
        ...

    async def after(
        self, session_id: str, seq: int, limit: int, message_id: str | None = None
    ) -> list[Frame]:
        """Up to `limit` frames of the session, or of one answer, after `seq`; only an empty list is the end.

        A page also ends with the frame that completes 1 MiB. On a cluster it may lag behind for a moment. To
        find where an answer begins, name it: the stream has an index of answers, and searches for sessions.

        Raises:
            LogAway: the stream does not answer.
        """
        ...

    async def at(self, seq: int) -> Frame | None:
        """The frame of this sequence, of whatever session; None when it is not retained or no frame.

        Raises:
            LogAway: the stream does not answer.
        """
        ...

    async def span(self) -> tuple[int, int]:
        """The first and the last sequence retained, of all sessions; (0, last one given) when empty.

        Raises:
            LogAway: the stream does not answer.
        """
        ...


def subject_of(session_id: str, message_id: str | None = None) -> str:
    """Where an answer is stored; without a message, the filter for all of the session.

    Raises:
        InvalidToken: an id is not one token.
    """
    if message_id is None:
        return fill(_SESSION_SUBJECT, session_id=session_id) + ".>"
    return fill(CHAT_STREAM, session_id=session_id, message_id=message_id)


def headers_of(frame: Frame) -> dict[str, str]:
    """What is stored beside the body. The ids and the sequence are where it is stored."""
    return {
        **frame.trace,
        PREVIOUS: str(frame.previous),
        NEXT_CHUNK: str(frame.next_chunk),
        FINAL: "1" if frame.final else "0",
        DIGEST: frame.digest,
        WRITER: frame.writer,
        CONTENT_TYPE: "application/json",
    }


def frame_from(subject: str, headers: Mapping[str, object] | None, body: bytes, seq: int) -> Frame | None:
    """The stored message as a frame; None when it is somebody else's message, or nonsense."""
    session_id, _, message_id = subject.removeprefix(_ROOT).partition(".")
    if not subject.startswith(_ROOT):
        return None
    return _frame(session_id, message_id, headers or {}, body, seq)


def copy_headers_of(frame: Frame) -> dict[str, str]:
    """What travels with a Core copy of a stored frame: its subject names a pod, so the headers say it all."""
    return {
        **headers_of(frame),
        SESSION: frame.session_id,
        MESSAGE: frame.message_id,
        SEQUENCE: str(frame.seq),
    }


def frame_from_copy(headers: Mapping[str, object] | None, body: bytes) -> Frame | None:
    """The stored frame that a Core message is a copy of; None when it is no copy, or nonsense."""
    headers = headers or {}
    return _frame(
        _text(headers, SESSION), _text(headers, MESSAGE), headers, body, _number(headers, SEQUENCE) or 0
    )


def _frame(
    session_id: str, message_id: str, headers: Mapping[str, object], body: bytes, seq: int
) -> Frame | None:
    previous, next_chunk = _number(headers, PREVIOUS), _number(headers, NEXT_CHUNK)
    final = _FLAGS.get(_text(headers, FINAL))
    digest, writer = _text(headers, DIGEST), _text(headers, WRITER)
    if previous is None or next_chunk is None or final is None or not digest or not writer:
        return None
    if previous >= seq or not is_token(session_id) or not is_token(message_id):  # a chain leads back
        return None
    return Frame(
        session_id, message_id, body, next_chunk, final, digest, writer, previous, seq, _trace(headers)
    )


def _text(headers: Mapping[str, object], name: str) -> str:
    value = headers.get(name)
    # the standard library's parser gives an object instead of a string where bytes are not ASCII
    return value if isinstance(value, str) else ""


def _number(headers: Mapping[str, object], name: str) -> int | None:
    value = _text(headers, name)
    if not (value.isascii() and value.isdecimal() and len(value) <= len(str(HIGHEST_SEQUENCE))):
        return None
    return int(value)


def _trace(headers: Mapping[str, object]) -> dict[str, str]:
    """What is neither ours nor the broker's was the request's."""
    return {
        name: value
        for name, value in headers.items()
        if isinstance(value, str) and name != CONTENT_TYPE and not name.startswith(_BROKER_OR_OURS)
    }
