"""Chunks as a pod hears them, or as it reads them from the stream, with the events they become."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from memebattle.bus.frames import Frame, frame_from_copy
from memebattle.chat.events import chunk_event, complete_event
from memebattle.chat.messages import ChunkBatch, ResponseChunk, chunks_in, read_chunks


@dataclass(frozen=True)
class Heard:
    """Chunks of one answer, in order; `frame` says where they are kept, None when they are kept nowhere."""

    chunks: tuple[ResponseChunk, ...]
    frame: Frame | None

    @property
    def session_id(self) -> str:
        return self.chunks[0].session_id

    @property
    def message_id(self) -> str:
        return self.chunks[0].message_id

    @property
    def first(self) -> int:
        """The first chunk's id."""
        return self.chunks[0].chunk_id

    @property
    def last(self) -> int:
        """The last chunk's id."""
        return self.chunks[-1].chunk_id

    @property
    def is_final(self) -> bool:
        return self.chunks[-1].is_final

    def events_from(self, chunk_id: int) -> list[bytes]:
        """The events of this chunk and those after it; where the answer ends also its completion."""
        events = [event for number, event in self._chunk_events if number >= chunk_id]
        return [*events, self._completion] if self.is_final else events

    # encoded once for all connections

    @cached_property
    def _chunk_events(self) -> tuple[tuple[int, bytes], ...]:
        return tuple((chunk.chunk_id, chunk_event(chunk, self._seq)) for chunk in self.chunks)

    @cached_property
    def _completion(self) -> bytes:
        return complete_event(self.chunks[-1], self._seq)

    @property
    def _seq(self) -> int | None:
        return None if self.frame is None else self.frame.seq


def heard_in(message: ResponseChunk | ChunkBatch, headers: Mapping[str, object]) -> list[Heard]:
    """What a Core message says.

    Without the headers of a stored frame it is some other service's, which may put the chunks of several
    answers into one batch.
    """
    chunks = chunks_in(message)
    frame = frame_from_copy(headers, b"")
    if frame is not None and _are_of(chunks, frame):
        return [Heard(tuple(chunks), frame)]
    return [Heard(tuple(answer), None) for answer in _by_answer(chunks)]


def heard_from(frame: Frame) -> Heard | None:
    """What a stored frame says; None when that is nonsense."""
    try:
        chunks = read_chunks(frame.body)
    except ValueError:
        return None
    return Heard(tuple(chunks), frame) if _are_of(chunks, frame) else None


def _are_of(chunks: Iterable[ResponseChunk], frame: Frame) -> bool:
    return {(each.session_id, each.message_id) for each in chunks} == {(frame.session_id, frame.message_id)}


def _by_answer(chunks: Sequence[ResponseChunk]) -> Iterable[list[ResponseChunk]]:
    for _, answer in groupby(chunks, key=lambda chunk: (chunk.session_id, chunk.message_id)):
        yield list(answer)
