"""Writes one answer, chunk by chunk: each is stored first and told afterwards.

The order matters. Were a chunk told first, a worker that died in between would leave clients with a chunk
that nobody can repeat, and its successor would say something else under the same number. The stream accepts a
frame only behind the one its writer has seen last, so of two workers that both believe to own an answer (one
was paused past the end of its lease) only one can go on.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import ValidationError

from memebattle.bus.frames import ChunkLog, Frame, LogAway, Overtaken
from memebattle.bus.outcome import Busy, Rejected
from memebattle.chat.ends import End
from memebattle.chat.messages import (
    ChunkBatch,
    ChunkError,
    ChunkMetadata,
    ChunkType,
    ResponseChunk,
    now,
    read_chunks,
)
from memebattle.chat.portions import groups, parts

PAGE = 200  # frames
STALE_READS, STALE_PAUSE = 20, 0.01  # looks at a replica that lags behind its leader, and seconds in between
LOOK_AGAIN = 0.5  # seconds until an answer that somebody else is writing is looked at again


class Teller(Protocol):
    """Sends stored frames to whom they concern. Never raises."""

    async def tell(self, frame: Frame) -> None: ...


class AnswerWriter:
    """The answer to one message of one session.

    `abandoned_after` is in seconds: an unfinished answer that nobody has added to for that long does not keep
    the session from its next one.
    """

    def __init__(
        self,
        session_id: str,
        message_id: str,
        digest: str,
        log: ChunkLog,
        teller: Teller,
        *,
        correlation_id: str | None = None,
        trace: Mapping[str, str] | None = None,
        abandoned_after: float = 600,
        now: Callable[[], datetime] = now,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._session_id, self._message_id, self._digest = session_id, message_id, digest
        self._log, self._teller = log, teller
        self._correlation_id, self._trace = correlation_id, trace or {}
        self._abandoned_after = timedelta(seconds=abandoned_after)
        self._now, self._sleep = now, sleep
        self._token = secrets.token_hex(8)
        self._previous = 0
        self._held: list[ResponseChunk] = []
        self._said: list[str] = []
        self.next_chunk = 0
        self.beginning_is_gone = False
        self.finished: Frame | None = None

    @property
    def said(self) -> str:
        """The text of this answer, by whomever; what is held included."""
        return "".join(self._said)

    async def open(self) -> None:
        """Find out where this answer stands: not begun, begun by somebody who died, or `finished`.

        Raises:
            Busy: the session is being told another answer; one at a time.
            Rejected: the message id was used for something else.
            LogAway: the stream does not answer.
        """
        own, last = await asyncio.gather(
            self._log.last(self._session_id, self._message_id), self._log.last(self._session_id)
        )
        if last is not None and last.message_id == self._message_id:
            own = last  # one look decides: a frame may have come between the two
        if own is not None and own.digest != self._digest:
            raise Rejected("id_conflict", f"{self._message_id} was used before for another message")
        if own is not None and own.final:
            self.finished = own
            return
        if last is not None and last.message_id != self._message_id and not self._is_over(last):
            raise Busy(LOOK_AGAIN)
        self._previous = last.seq if last is not None else 0
        if own is not None:
            await self._read_back(own)

    async def say(self, texts: Sequence[str], metadata: ChunkMetadata | None = None) -> None:
        """Store and tell text: each a chunk of its own, together in one frame.

        Raises:
            Busy: another worker goes on with this answer.
            LogAway: the stream does not answer.
        """
        self.hold(texts, metadata)
        try:
            await self._flush(final=False)
        except Overtaken as overtaken:
            raise Busy(LOOK_AGAIN) from overtaken

    def hold(self, texts: Sequence[str], metadata: ChunkMetadata | None = None) -> None:
        """Keep text for the frame that comes next."""
        for text in texts:
            for part in parts(text, self._log.max_payload):
                self._hold("content", part, metadata)
                self._said.append(part)

    async def finish(self, end: End) -> Frame | None:
        """Store and tell the final chunk; None, or the frame that had finished this answer before.

        Raises:
            Busy: another worker goes on with this answer.
            LogAway: the stream does not answer.
        """
        if self.finished is None:
            self._hold(end.chunk_type, "", end.metadata, end.error, is_final=True)
            try:
                await self._flush(final=True)
            except Overtaken as overtaken:
                last = overtaken.last
                if last is None or last.message_id != self._message_id or not last.final:
                    raise Busy(LOOK_AGAIN) from overtaken
                self.finished = last
        if self.finished is not None:
            await self._teller.tell(self.finished)  # whoever stored it may have died before telling
        return self.finished

    def unstored(self, end: End) -> Frame:
        """A final chunk that is kept nowhere, for a message that never became an answer."""
        self.next_chunk, self._held = 0, []
        self._hold(end.chunk_type, "", end.metadata, end.error, is_final=True)
        return self._frame(self._held, final=True)

    async def _flush(self, *, final: bool) -> None:
        held, self._held = self._held, []
        frames = list(groups(held, self._log.max_payload))
        for number, chunks in enumerate(frames, start=1):
            frame = self._frame(chunks, final=final and number == len(frames))
            await self._teller.tell(await self._stored(frame))

    async def _stored(self, frame: Frame) -> Frame:
        try:
            seq = await self._log.append(frame)
        except Overtaken as overtaken:
            if overtaken.last is not None or not frame.previous:
                raise
            # the stream has lost its memory; what we have to say goes on all the same
            frame = replace(frame, previous=0)
            seq = await self._log.append(frame)
        self._previous = seq
        return replace(frame, seq=seq)

    def _frame(self, chunks: Sequence[ResponseChunk], *, final: bool) -> Frame:
        alone = len(chunks) == 1
        body = chunks[0] if alone else ChunkBatch(session_id=self._session_id, chunks=list(chunks))
        return Frame(
            self._session_id,
            self._message_id,
            body.body(),
            chunks[-1].chunk_id + 1,
            final,
            self._digest,
            self._token,
            self._previous,
            trace=self._trace,
        )

    def _hold(
        self,
        chunk_type: ChunkType,
        text: str,
        metadata: ChunkMetadata | None,
        error: ChunkError | None = None,
        *,
        is_final: bool = False,
    ) -> None:
        chunk = ResponseChunk(
            session_id=self._session_id,
            message_id=self._message_id,
            chunk_id=self.next_chunk,
            chunk=text,
            chunk_type=chunk_type,
            is_final=is_final,
            metadata=metadata,
            error=error,
            timestamp=self._now(),
            correlation_id=self._correlation_id,
        )
        self._held.append(chunk)
        self.next_chunk += 1

    def _is_over(self, last: Frame) -> bool:
        if last.final:
            return True
        chunks = _chunks_of(last)
        return not chunks or self._now() - chunks[-1].timestamp > self._abandoned_after

    async def _read_back(self, own: Frame) -> None:
        """Learn what was said of this answer already, up to its last frame."""
        self.next_chunk, seq, looks, expected = own.next_chunk, 0, 0, 0
        while seq < own.seq:
            page = await self._log.after(self._session_id, seq, PAGE, self._message_id)
            for frame in page:
                chunks = _chunks_of(frame)
                self.beginning_is_gone |= not chunks or chunks[0].chunk_id != expected
                self._said += (each.chunk for each in chunks if each.chunk_type == "content")
                seq, expected = frame.seq, frame.next_chunk
            if not page:
                looks += 1
                if looks > STALE_READS:
                    raise LogAway("a replica lags behind")
                await self._sleep(STALE_PAUSE)


def _chunks_of(frame: Frame) -> list[ResponseChunk]:
    """The chunks of a stored frame; none when it speaks a language we do not know."""
    try:
        return read_chunks(frame.body)
    except ValidationError:
        return []
