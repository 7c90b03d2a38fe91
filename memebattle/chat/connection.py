"""One SSE connection, and how it gets every chunk of its session in order, once.

A connection follows the chain of frames (`bus/frames.py`). A frame that was heard and follows the last one is
passed on; one that was seen is dropped; anything else is a hole, and the connection reads from the stream
until it has caught up. The same reading serves whoever comes late, comes back with a `Last-Event-ID`, was
slower than its bounded queue, or was away from NATS. It also happens once a minute when all is silent. So
nothing that is heard is ever needed, only faster.

    id: 1047-12     after chunk 12, in the frame with sequence 1047
    id: 1047-end    after the whole frame, its `message_complete` included

Chunks of services that store nothing have no id. They are passed on as they come, each once.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from typing import Self

from memebattle.bus.frames import Frame, LogAway
from memebattle.chat.events import Position, connected_event, gone_event, ping_event
from memebattle.chat.heard import Heard, heard_from
from memebattle.chat.reading import NOBODY, Gone, Shared, mark_of
from memebattle.kit.bell import Bell

LAGGING = 0.02  # seconds between looks at a replica that has not got what its leader has
LOOK_ROUND = 6  # silent heartbeats after which the stream is read, whatever was heard
OPEN_ANSWERS = 32  # remembered; one at a time is usual
ENDED_ANSWERS = 8  # remembered, so that repeats of chunks that are kept nowhere are noticed


class Connection:
    """One client of one session."""

    __slots__ = (
        "_behind",
        "_bell",
        "_closing",
        "_ended",
        "_events",
        "_has_settled",
        "_leave",
        "_mark",
        "_pod",
        "_queue",
        "_seq",
        "_silent",
        "_start",
        "_told",
        "_until",
        "id",
        "session_id",
    )

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
        self._seq, self._mark = 0, NOBODY  # the last frame that was passed on, and how to know it again
        self._told: dict[str, int | None] = {}  # open answers -> the chunk that comes next; None: not for us
        self._ended: tuple[str, ...] = ()
        self._queue: list[Heard] = []
        self._bell = Bell()
        self._behind: str | None = "connected"
        self._until = 0  # read up to this sequence
        self._has_settled = start is not None
        self._silent = 0
        self._closing = False
        self._events = self._all_events()

    def offer(self, heard: Heard) -> None:
        """Take what was heard; a full queue is emptied, and its content read from the stream later."""
        if len(self._queue) < self._pod.settings.connection_queue:
            self._queue.append(heard)
            self._bell.ring()
        else:
            self._queue.clear()
            self.look("slow_reader")

    def look(self, reason: str) -> None:
        """Something may have been missed: read the stream."""
        self._fall_behind(reason)
        self._bell.ring()

    def close(self) -> None:
        """End the events at the next opportunity."""
        self._closing = True
        self._bell.ring()

    def __aiter__(self) -> Self:
        """Every event, encoded, until the connection is closed or cannot go on."""
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._events)

    async def aclose(self) -> None:
        """The client has left, or is let go."""
        try:
            await self._events.aclose()
        finally:
            await self._leave(self)

    def _fall_behind(self, reason: str) -> None:
        if self._behind is None or reason == "reconnected":  # which also asks whether the stream began anew
            self._behind = reason

    async def _all_events(self) -> AsyncGenerator[bytes]:
        yield connected_event(self.session_id, self._pod.pod_id, resumed=self._start is not None)
        try:
            while not self._closing:
                self._bell.hush()  # before anything is looked at: what comes from here on rings again
                for event in await self._next_events():
                    yield event
        except Gone as gone:
            self._pod.metrics.not_resumable.inc()
            yield gone_event(self.session_id, str(gone))

    async def _next_events(self) -> Iterable[bytes]:
        """The next events; none when there was only something to find out."""
        if self._behind is not None or self._seq < self._until:
            return await self._catch_up()
        self._has_settled = True
        if self._queue:
            return self._take(self._queue.pop(0))
        if await self._bell.rung_within(self._pod.settings.heartbeat):
            return ()
        self._silent += 1
        if self._told or self._silent % LOOK_ROUND == 0:  # somebody was speaking, or we may have been deaf
            self.look("silence")
        return (ping_event(),)

    async def _catch_up(self) -> Iterable[bytes]:
        """The next step of reading from the stream. While it waits, new reasons to read may come."""
        reason, self._behind = self._behind, None
        try:
            if reason is not None:
                return await self._begin_to_read(reason)
            page = await self._pod.page(self.session_id, self._seq)
            if not page:  # a replica that lags behind its leader, or everything has just expired
                await self._pod.sleep(LAGGING)
                self._until = await self._pod.end(self.session_id)
            return self._read(page)
        except LogAway:
            if reason is not None:
                self._fall_behind(reason)
            return () if await self._bell.rung_within(self._pod.pause) else (ping_event(),)

    async def _begin_to_read(self, reason: str) -> Iterable[bytes]:
        """Find out where we are and how far to read."""
        end = await self._pod.end(self.session_id)
        is_doubtful = reason == "reconnected" or 0 < end < self._seq  # a session's frames never lead back
        if self._seq and is_doubtful and await self._pod.began_anew(self._seq, self._mark):
            self._seq = 0
        events = await self._resume(self._start) if self._start is not None else ()
        self._start, self._until = None, end
        self._pod.metrics.catch_ups.labels(reason).inc()
        return events

    async def _resume(self, start: Position) -> Iterable[bytes]:
        """Begin behind a position that the client has named; the rest of its frame.

        Raises:
            Gone: what follows it is not kept any more.
        """
        heard = await self._pod.at(self.session_id, start)
        self._seq = start.seq
        if heard is None:
            return ()
        self._note(heard, expected=0)
        return () if start.chunk_id is None else heard.events_from(start.chunk_id + 1)

    def _read(self, page: Iterable[Frame]) -> Iterator[bytes]:
        """Frames of the stream.

        Raises:
            Gone: there is a hole between what was passed on and the next one.
        """
        for frame in page:
            # whoever has just come takes the chain as it is, or a damaged one would send it away for ever
            if self._has_settled and self._seq and frame.previous not in {self._seq, 0}:
                raise Gone("some chunks are older than the stream keeps them")
            heard = heard_from(frame)
            if heard is not None:
                yield from self._pass(heard)
            self._seq, self._mark = frame.seq, mark_of(frame)

    def _take(self, heard: Heard) -> Iterable[bytes]:
        """Something that was heard: the next frame, an old one, or the sign of a hole."""
        frame = heard.frame
        if frame is None or frame.previous == self._seq or (frame.previous == 0 and frame.seq > self._seq):
            return self._pass(heard)
        if frame.seq > self._seq:
            self.look("gap")
        elif frame.previous == 0 and (frame.seq, mark_of(frame)) != (self._seq, self._mark):
            self.look("reconnected")  # a session's first frame: heard late, or the stream began anew
        return ()

    def _pass(self, heard: Heard) -> Iterable[bytes]:
        """What of it this client does not know yet."""
        expected = self._expected(heard)
        is_known = expected is not None and heard.last < expected
        self._note(heard, expected)
        return () if expected is None or is_known else heard.events_from(expected)

    def _expected(self, heard: Heard) -> int | None:
        """The chunk that comes next in this answer; None when the answer is not for this client.

        Raises:
            Gone: the chunks before it are lost.
        """
        expected = self._told.get(heard.message_id, 0)
        if heard.frame is None:
            return heard.last + 1 if heard.message_id in self._ended else expected
        if expected is None or heard.first <= expected:
            return expected
        if self._has_settled:
            raise Gone("some chunks of this answer are lost")
        return None  # its beginning is older than the stream: a rest without it helps nobody

    def _note(self, heard: Heard, expected: int | None) -> None:
        """Remember where we are now."""
        if heard.frame is not None:
            self._seq, self._mark = heard.frame.seq, mark_of(heard.frame)
        if expected is not None and heard.last < expected:
            return
        if heard.is_final:
            self._told.pop(heard.message_id, None)
            self._ended = (*self._ended, heard.message_id)[-ENDED_ANSWERS:]
        else:
            self._told[heard.message_id] = None if expected is None else heard.last + 1
            if len(self._told) > OPEN_ANSWERS:
                del self._told[next(iter(self._told))]
