"""The chunk log: frames of chat answers in a stream, ordered and fenced per session.

The fence is the one of `answers.py`, with a moving number: a frame is stored only if the session's last
message is the one it names (`Nats-Expected-Last-Subject-Sequence` on `chat.stream.{session_id}.>`). A refusal
is believed only after reading what is there: our own frame, whose acknowledgement was lost, counts as stored,
and messages that are no frames are passed over: they neither end an answer nor hide its frames.

Chunks are read in pages (`direct_get.py`), from any replica. Whoever writes looks at the leader.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import APIError, NotFoundError

from memebattle.bus.arbiter import WRONG_LAST_SEQUENCE
from memebattle.bus.direct_get import STORED_AT, DirectGet
from memebattle.bus.frames import (
    HIGHEST_SEQUENCE,
    Frame,
    LogAway,
    Overtaken,
    frame_from,
    headers_of,
    subject_of,
)
from memebattle.bus.publishing import DurablePublisher, MessageTooLarge, PublishFailed

NO_MESSAGE_FOUND = 10037
PAGE_FRAMES, PAGE_BYTES = 256, 1024 * 1024
APPEND_TRIES = 8  # strangers' messages that may come between two looks at a session's end
REPLICA_PAUSE = 0.02  # seconds until a replica that lags behind its leader is asked again


@dataclass(slots=True)
class JetStreamChunkLog:
    """The log in a real stream. `patience` is how many seconds one read may take."""

    publisher: DurablePublisher
    js: Callable[[], JetStreamContext]
    connection: Callable[[], Client]
    stream: str
    patience: float = 3.0
    domain: str = ""

    @property
    def max_payload(self) -> int:
        return self.publisher.max_payload

    async def append(self, frame: Frame) -> int:
        expected = frame.previous
        for _ in range(APPEND_TRIES):
            if (seq := await self._store(frame, expected)) is not None:
                return seq
            async with self._patience():
                last, expected = await self._newest(subject_of(frame.session_id))
            if last is not None and frame.repeats(last):
                return last.seq
            if (last.seq if last is not None else 0) != frame.previous:
                raise Overtaken(last)
        raise LogAway(f"{self.stream}: strangers keep writing into session {frame.session_id}")

    async def last(self, session_id: str, message_id: str | None = None) -> Frame | None:
        subject = subject_of(session_id, message_id)
        async with self._patience():
            return (await self._newest(subject))[0]

    async def after(
        self, session_id: str, seq: int, limit: int, message_id: str | None = None
    ) -> list[Frame]:
        subject, seq = subject_of(session_id, message_id), max(seq, 0)
        if limit < 1:
            return []
        async with self._patience():
            top = await self._direct().last_sequence(subject, self.patience)
            while seq < top:
                frames, seq = await self._page(subject, seq, limit)
                if frames:  # a page of strangers' messages is not the end
                    return frames
        return []

    async def at(self, seq: int) -> Frame | None:
        if not 0 < seq <= HIGHEST_SEQUENCE:
            return None
        async with self._patience():
            message = await self._get(seq=seq)
        return _of_stored(message) if message is not None else None

    async def span(self) -> tuple[int, int]:
        async with self._patience():
            state = (await self.js().stream_info(self.stream)).state
        return (state.first_seq if state.messages else 0), state.last_seq

    async def _store(self, frame: Frame, expected: int) -> int | None:
        """Its sequence; None when the session's last message is not `expected`."""
        headers = {
            **headers_of(frame),
            "Nats-Expected-Last-Subject-Sequence": str(expected),
            "Nats-Expected-Last-Subject-Sequence-Subject": subject_of(frame.session_id),
        }
        subject = subject_of(frame.session_id, frame.message_id)
        try:
            return (await self.publisher.publish(subject, frame.body, headers, self.stream)).seq
        except (PublishFailed, nats.errors.Error) as error:
            if isinstance(error, APIError) and error.err_code == WRONG_LAST_SEQUENCE:
                return None
            raise LogAway(f"{self.stream}: not stored: {error}") from error

    async def _newest(self, subject: str) -> tuple[Frame | None, int]:
        """The last frame here, and the last message's sequence: they differ where a stranger wrote last."""
        message = await self._get(subject=subject)
        if message is None:
            return None, 0
        frame, top = _of_stored(message), message.seq or 0
        return (frame or await self._beneath(subject, top)), top

    async def _beneath(self, subject: str, top: int) -> Frame | None:
        """The last frame under a stranger's message at `top`.

        There is no reading backwards, so all pages up to there are read.
        """
        found, seq = None, 0
        while seq < top:
            frames, seq = await self._page(subject, seq, PAGE_FRAMES)
            found = frames[-1] if frames else found
        return found

    async def _get(self, *, seq: int | None = None, subject: str | None = None) -> RawStreamMsg | None:
        """A message by its sequence, or the last one of a subject, from the stream's leader."""
        try:
            # not a direct get: a replica may lag behind the leader that just refused us
            return await self.js().get_msg(self.stream, seq, subject)
        except NotFoundError as error:
            if error.err_code != NO_MESSAGE_FOUND:  # the stream itself is not there
                raise
            return None

    async def _page(self, subject: str, seq: int, limit: int) -> tuple[list[Frame], int]:
        """The frames of the page after `seq`, and the sequence it reaches. There has to be something.

        A replica that does not have it lags behind, and another is asked.
        """
        while True:
            batch = await self._direct().batch(subject, seq + 1, limit, PAGE_BYTES)
            if batch is not None:
                found = (_of_reply(message) for message in batch.messages)
                return [frame for frame in found if frame is not None], batch.reached
            await asyncio.sleep(REPLICA_PAUSE)

    def _direct(self) -> DirectGet:
        return DirectGet(self.connection, self.stream, self.domain)

    @contextlib.asynccontextmanager
    async def _patience(self) -> AsyncIterator[None]:
        """Bound a read in time, and give its failures our name."""
        try:
            async with asyncio.timeout(self.patience):
                yield
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise LogAway(f"{self.stream}: {str(error) or 'no answer in time'}") from error


def _of_stored(message: RawStreamMsg) -> Frame | None:
    return frame_from(message.subject or "", message.headers, message.data or b"", message.seq or 0)


def _of_reply(message: Msg) -> Frame | None:
    headers = message.headers or {}
    return frame_from(headers["Nats-Subject"], headers, message.data, int(headers[STORED_AT]))


class MemoryChunkLog:
    """The in-memory twin: a list in order is a log, too."""

    def __init__(self, max_payload: int = 1024 * 1024) -> None:
        self.frames: list[Frame] = []
        self._max_payload, self._last = max_payload, 0

    @property
    def max_payload(self) -> int:
        return self._max_payload

    async def append(self, frame: Frame) -> int:
        subject, size = subject_of(frame.session_id, frame.message_id), _size(frame)
        if size > self._max_payload:
            raise MessageTooLarge(f"{subject}: {size} bytes, the log takes {self._max_payload}")
        last = await self.last(frame.session_id)
        if last is not None and frame.repeats(last):
            return last.seq
        if (last.seq if last is not None else 0) != frame.previous:
            raise Overtaken(last)
        self._last += 1
        self.frames.append(replace(frame, seq=self._last))
        return self._last

    async def last(self, session_id: str, message_id: str | None = None) -> Frame | None:
        return next(reversed(self._of(session_id, message_id)), None)

    async def after(
        self, session_id: str, seq: int, limit: int, message_id: str | None = None
    ) -> list[Frame]:
        page: list[Frame] = []
        for frame in self._of(session_id, message_id):
            if len(page) >= limit or sum(map(_size, page)) >= PAGE_BYTES:
                break
            page.extend([frame] if frame.seq > seq else [])
        return page

    async def at(self, seq: int) -> Frame | None:
        return next((frame for frame in self.frames if frame.seq == seq), None)

    async def span(self) -> tuple[int, int]:
        return (self.frames[0].seq if self.frames else 0), self._last

    def forget(self, before_seq: int) -> None:
        """What the stream does by itself after ten minutes."""
        self.frames = [frame for frame in self.frames if frame.seq >= before_seq]

    def _of(self, session_id: str, message_id: str | None) -> list[Frame]:
        subject_of(session_id, message_id)  # refuses the same ids
        return [
            frame
            for frame in self.frames
            if frame.session_id == session_id and message_id in {None, frame.message_id}
        ]


def _size(frame: Frame) -> int:
    return len(frame.body) + sum(len(name) + len(value) + 4 for name, value in headers_of(frame).items())
