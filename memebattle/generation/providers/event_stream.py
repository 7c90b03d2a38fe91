"""`text/event-stream`, read as it comes: bytes in, events out, nothing kept that is not needed.

    async for event in events(response_bytes):
        print(event.event, event.id, event.data)

It follows the standard (https://html.spec.whatwg.org/multipage/server-sent-events.html, "Parsing an event
stream"): lines end with CR, LF or both, `data` lines are joined by LF, lines that start with a colon are
comments, an event that the stream ends in the middle of is dropped. Events are cut out of the bytes before
anything is decoded, so a character may be split over two reads.

What a server sends is foreign matter: one event has a longest length, and the stream too, if asked for.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass

MAX_EVENT_BYTES = 256 * 1024

_BOM = b"\xef\xbb\xbf"
_MILLISECONDS = re.compile(r"[0-9]{1,9}")


class StreamRefused(Exception):
    """The stream, or one event of it, is longer than we read."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `id` and `retry` (milliseconds) stay what they were until the server says otherwise."""

    data: str
    event: str = "message"
    id: str = ""
    retry: int | None = None


async def events(
    source: AsyncIterable[bytes], *, max_event: int = MAX_EVENT_BYTES, max_bytes: int | None = None
) -> AsyncGenerator[Event]:
    """The events of a stream of bytes, which stays the caller's to close.

    Args:
        source: reads of any size.
        max_event: bytes of one event, and of one comment.
        max_bytes: bytes of the whole stream; None for a stream that lives for ever.

    Raises:
        StreamRefused: over one of the two.
    """
    parser, received = _Parser(max_event), 0
    async for chunk in source:
        received += len(chunk)
        if max_bytes is not None and received > max_bytes:
            raise StreamRefused(f"the stream is longer than {max_bytes} bytes")
        for event in parser.feed(chunk):
            yield event


class _Parser:
    """Bytes of any cut in, whole events out."""

    def __init__(self, max_event: int) -> None:
        self._max_event = max_event
        self._rest = b""
        self._after_cr = False
        self._started = False
        self._id = ""
        self._retry: int | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that are complete with this chunk."""
        *blocks, self._rest = (self._rest + self._normal(chunk)).split(b"\n\n")
        if not blocks and len(self._rest) <= self._max_event:
            return []
        if any(len(block) > self._max_event for block in (*blocks, self._rest)):
            raise StreamRefused(f"an event is longer than {self._max_event} bytes")
        if not self._started:
            self._started, blocks[0] = True, blocks[0].removeprefix(_BOM)
        return [event for block in blocks if (event := self._event(block)) is not None]

    def _normal(self, chunk: bytes) -> bytes:
        """With LF for every end of a line; a CR that ends one read may belong to the LF of the next."""
        if not chunk:
            return chunk
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in chunk else chunk

    def _event(self, block: bytes) -> Event | None:
        text = block.decode("utf-8", "replace")
        if text.startswith("data: ") and "\n" not in text:  # nearly all of them, so they go the short way
            return Event(text[6:], "message", self._id, self._retry)
        kind, data = "message", []
        for line in text.split("\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                data.append(value)
            elif name == "event":
                kind = value or "message"
            elif name == "id" and "\0" not in value:
                self._id = value
            elif name == "retry" and _MILLISECONDS.fullmatch(value):
                self._retry = int(value)
        return Event("\n".join(data), kind, self._id, self._retry) if data else None
