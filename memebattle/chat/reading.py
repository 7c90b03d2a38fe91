"""How the connections of a pod read the stream: few at a time, and not while it is known to be away.

When NATS comes back, thousands of connections want to read at once, and the stream's writers wait for its
readers. While it is away, each would wait out the same timeout.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from memebattle.bus.frames import ChunkLog, Frame, LogAway
from memebattle.chat.events import Position
from memebattle.chat.heard import Heard, heard_from
from memebattle.kit.metrics import ChatMetrics
from memebattle.settings import ChatSettings

log = logging.getLogger(__name__)

PAGE = 100  # frames
READERS = 8  # reads at one time

type Mark = tuple[str, int]  # a try that wrote, and how far: no two frames have both in common

NOBODY: Mark = ("", 0)


class Gone(Exception):
    """What the client has missed is not kept any more: it cannot be resumed, and is not told again."""


@dataclass(slots=True)
class Shared:
    """What all connections of a pod have in common.

    `pause` is in seconds, between looks at a stream that does not answer.
    """

    pod_id: str
    log: ChunkLog
    metrics: ChatMetrics
    settings: ChatSettings
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    pause: float = 1.0
    _readers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READERS))
    _away_until: float = 0

    async def page(self, session_id: str, seq: int) -> list[Frame]:
        """Some frames of the session after `seq`; a replica may lag behind and have none.

        Raises:
            LogAway: the stream does not answer.
        """
        return await self._ask(lambda: self.log.after(session_id, seq, PAGE))

    async def end(self, session_id: str) -> int:
        """The sequence of the session's last frame, as the stream's leader knows it; 0 when there is none.

        Raises:
            LogAway: the stream does not answer.
        """
        last = await self._ask(lambda: self.log.last(session_id))
        return last.seq if last is not None else 0

    async def at(self, session_id: str, position: Position) -> Heard | None:
        """What the frame at a position says; None when it has expired, and nothing is known to be missing.

        Raises:
            Gone: it is none of ours, or what followed it may have expired too.
            LogAway: the stream does not answer.
        """
        frame = await self._ask(lambda: self.log.at(position.seq))
        if frame is not None:
            heard = heard_from(frame)
            if heard is None or heard.session_id != session_id or not _is_in(heard, position):
                raise Gone("this event id belongs to another session or an earlier life of the stream")
            return heard
        _, last = await self._ask(self.log.span)
        if position.seq > last:
            raise Gone("the stream began anew")
        if position.chunk_id is not None:
            raise Gone("the rest of this answer is older than the stream keeps it")
        return None

    async def began_anew(self, seq: int, mark: Mark) -> bool:
        """Whether the stream has lost its memory since it had the frame with this mark at `seq`.

        Raises:
            LogAway: the stream does not answer.
        """
        frame = await self._ask(lambda: self.log.at(seq))
        if frame is not None:
            return mark_of(frame) != mark
        _, last = await self._ask(self.log.span)
        return last < seq

    async def _ask[T](self, question: Callable[[], Awaitable[T]]) -> T:
        async with self._readers:
            if self.clock() < self._away_until:
                raise LogAway("the stream did not answer a moment ago")
            try:
                answer = await question()
            except LogAway as away:
                if not self._away_until:
                    log.warning("Cannot read the chunk stream: %s", away)
                self._away_until = self.clock() + self.pause
                raise
            self._away_until = 0
            return answer


def mark_of(frame: Frame) -> Mark:
    """By what a frame is known again: under its sequence there may be another one in a stream's next life."""
    return frame.writer, frame.next_chunk


def _is_in(heard: Heard, position: Position) -> bool:
    if position.chunk_id is None:
        return heard.is_final
    return heard.first <= position.chunk_id <= heard.last
