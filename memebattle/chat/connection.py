"""One SSE connection, and how it gets every chunk of its session in order, once.

A connection follows the chain of frames (`bus/frames.py`). A frame that was heard and follows the last one is
passed on; one that was seen is dropped; anything else is a hole, and the connection reads from the stream
until it has caught up. The same reading serves whoever comes late, comes back with a `Last-Event-ID`, was
slower than its bounded queue, or was away from NATS. So nothing that is heard is ever needed, only faster.

    id: 1047-12     after chunk 12, in the frame with sequence 1047
    id: 1047-end    after the whole frame, its `message_complete` included
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from memebattle.bus.frames import ChunkLog, Frame, LogAway
from memebattle.chat.events import (
    Position,
    chunk_event,
    complete_event,
    connected_event,
    gone_event,
    ping_event,
)
from memebattle.chat.messages import ResponseChunk, read_chunks
from memebattle.kit.metrics import ChatMetrics
from memebattle.settings import ChatSettings

log = logging.getLogger(__name__)

PAGE = 100  # frames
READERS = 8  # pages read at one time: the stream's writers wait for its readers
LAGGING = 0.02  # seconds between looks at a replica that has not got what its leader has
AWAY = 1.0  # seconds between looks at a stream that does not answer


class Gone(Exception):
    """What the client has missed is not kept any more: it cannot be resumed, and is not told again."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all connections of a pod have in common."""

    pod_id: str
    log: ChunkLog
    metrics: ChatMetrics
    settings: ChatSettings
    readers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READERS))

    async def frame_at(self, session_id: str, position: Position) -> Frame | None:
        """The frame at a position; None when it has expired and nothing after it is missing.

        Raises:
            Gone: it is not of this session, or what followed it may have expired too.
            LogAway: the stream does not answer.
        """
        frame = await self.log.at(position.seq)
        if frame is not None:
            if frame.session_id != session_id:
                raise Gone("this event id belongs to another session or an earlier life of the stream")
            return frame
        _, last = await self.log.span()
        if position.seq > last:
            raise Gone("the stream began anew")
        if position.chunk_id is not None:
            raise Gone("the rest of this answer is older than the stream keeps it")
        return None


@dataclass(frozen=True)
class Heard:
    """Chunks as they arrived; `frame` says where they are kept, None when they are kept nowhere."""

    chunks: tuple[ResponseChunk, ...]
    frame: Frame | None

    @cached_property
    def events(self) -> tuple[tuple[int | None, bytes], ...]:
        """(chunk id, encoded event), made once for all connections; the completion comes last, as None."""
        seq = self.frame.seq if self.frame else None
        events: list[tuple[int | None, bytes]] = [
            (chunk.chunk_id, chunk_event(chunk, seq)) for chunk in self.chunks
        ]
        if self.chunks[-1].is_final:
            events.append((None, complete_event(self.chunks[-1], seq)))
        return tuple(events)

    @property
    def session_id(self) -> str:
        return self.chunks[0].session_id

    @property
    def message_id(self) -> str:
        return self.chunks[0].message_id


class Connection:
    """One client of one session."""

    def __init__(
        self,
        session_id: str,
        shared: Shared,
        start: Position | None,
        leave: Callable[[Connection], Awaitable[None]],
    ) -> None:
        self.id = secrets.token_hex(6)
        self.session_id = session_id
        self._pod, self._start, self._leave = shared, start, leave
        self._seq = 0
        self._told: dict[str, int] = {}  # open answers -> the chunk that comes next
        self._queue: deque[Heard] = deque()
        self._wake = asyncio.Event()
        self._behind: str | None = "connected"
        self._closing = False
        self._events = self._all_events()

    def offer(self, heard: Heard) -> None:
        """Take what was heard; a full queue is emptied, and its content read from the stream later."""
        if len(self._queue) >= self._pod.settings.connection_queue:
            self._queue.clear()
            self._behind = "slow_reader"
        else:
            self._queue.append(heard)
        self._wake.set()

    def look(self, reason: str) -> None:
        """Something may have been missed: read the stream."""
        if self._behind is None or reason == "reconnected":  # which also asks whether the stream began anew
            self._behind = reason
        self._wake.set()

    def close(self) -> None:
        """End the events at the next opportunity."""
        self._closing = True
        self._wake.set()

    def __aiter__(self) -> Self:
        """Every event, encoded, until the connection is closed or cannot go on."""
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._events)

    async def aclose(self) -> None:
        """The client has left, or is let go."""
        await self._events.aclose()
        await self._leave(self)

    async def _all_events(self) -> AsyncGenerator[bytes]:
        yield connected_event(self.session_id, self._pod.pod_id, resumed=self._start is not None)
        try:
            while not self._closing:
                async for event in self._next_events():
                    yield event
        except Gone as gone:
            self._pod.metrics.not_resumable.inc()
            yield gone_event(self.session_id, str(gone))

    async def _next_events(self) -> AsyncIterator[bytes]:
        if self._behind is not None:
            async for event in self._catch_up():
                yield event
        elif self._queue:
            for event in self._take(self._queue.popleft()):
                yield event
        elif not await self._woken(self._pod.settings.heartbeat):
            yield ping_event()
            if self._told:
                self.look("silence")  # somebody was speaking

    async def _woken(self, seconds: float) -> bool:
        self._wake.clear()
        if self._queue or self._behind or self._closing:
            return True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
            return True
        return False

    async def _catch_up(self) -> AsyncIterator[bytes]:
        """Read from the stream until its leader has nothing more, or it does not answer."""
        reason, self._behind = self._behind or "gap", None
        self._pod.metrics.catch_ups.labels(reason).inc()
        try:
            if reason == "reconnected":
                await self._notice_a_new_stream()
            if self._start is not None:
                for event in await self._resume(self._start):
                    yield event
                self._start = None
            while True:
                async with self._pod.readers:
                    page = await self._pod.log.after(self.session_id, self._seq, PAGE)
                for frame in page:
                    for event in self._read(frame):
                        yield event
                if not page and await self._is_level():
                    return
        except LogAway as away:
            log.warning("Cannot read the chunk stream: %s", away)
            yield ping_event()
            self.look(reason)
            await asyncio.sleep(AWAY)

    async def _is_level(self) -> bool:
        last = await self._pod.log.last(self.session_id)
        if last is None or last.seq <= self._seq:
            return True
        await asyncio.sleep(LAGGING)
        return False

    async def _resume(self, start: Position) -> list[bytes]:
        """Begin behind a position that the client has named.

        Raises:
            Gone: what follows it is not kept any more.
        """
        frame = await self._pod.frame_at(self.session_id, start)
        self._seq = start.seq
        if frame is None or start.chunk_id is None:
            return []
        heard = Heard(tuple(read_chunks(frame.body)), frame)
        self._note(heard)
        return [event for chunk_id, event in heard.events if chunk_id is None or chunk_id > start.chunk_id]

    def _read(self, frame: Frame) -> list[bytes]:
        """A frame of the stream; a hole before it cannot be mended."""
        if self._seq and frame.previous not in {self._seq, 0}:
            raise Gone("some chunks are older than the stream keeps them")
        heard = Heard(tuple(read_chunks(frame.body)), frame)
        return self._pass(heard)

    def _take(self, heard: Heard) -> list[bytes]:
        """Something that was heard: the next frame, an old one, or the sign of a hole."""
        frame = heard.frame
        if frame is None:  # kept nowhere, so there is no chain to follow
            self._told.setdefault(heard.message_id, heard.chunks[0].chunk_id)
            return self._pass(heard)
        if frame.previous == self._seq or (frame.previous == 0 and frame.seq > self._seq):
            return self._pass(heard)
        if frame.seq > self._seq or frame.previous == 0:  # the latter: a stream that began anew
            self._behind = "gap" if frame.previous else "reconnected"
        return []

    def _pass(self, heard: Heard) -> list[bytes]:
        expected = self._told.get(heard.message_id, 0)
        first = heard.chunks[0].chunk_id
        if first > expected:
            if heard.message_id in self._told:
                raise Gone("some chunks of this answer are lost")
            # the beginning of this answer is older than the stream: a rest without it helps nobody
            self._seq = heard.frame.seq if heard.frame else self._seq
            return []
        self._note(heard)
        return [event for chunk_id, event in heard.events if chunk_id is None or chunk_id >= expected]

    def _note(self, heard: Heard) -> None:
        if heard.frame is not None:
            self._seq = heard.frame.seq
        if heard.chunks[-1].is_final:
            self._told.pop(heard.message_id, None)
        else:
            self._told[heard.message_id] = heard.chunks[-1].chunk_id + 1

    async def _notice_a_new_stream(self) -> None:
        _, last = await self._pod.log.span()
        if last < self._seq:
            self._seq = 0
