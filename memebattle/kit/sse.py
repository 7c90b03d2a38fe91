"""Server-sent events: how one is written (HTML standard, section 9.2), and a response that streams them.

A stream is open for hours and silent for most of them. What a short response may leave to chance has to be
right here: a client that has left is noticed although nothing is sent, a client that has stopped reading is
let go, the source is closed however the stream ends, and a silent stream costs one task beside its request's.

An event of the source is written as soon as it comes; keep-alives and the end are the source's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

log = logging.getLogger(__name__)

SEND_TIMEOUT = 15.0  # seconds; shorter than SHUTDOWN_GRACE, so that a stuck reader does not spend all of it
BURST = 64  # events; a source with much at hand and a client that reads fast would never let others run
KEEP_ALIVE = b":\n\n"  # a comment: no event for the client, but traffic for whatever lies between
HEADERS = {
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx would collect the events otherwise
}

# An ASGI extension of our server: a function that cuts the connection and throws away what is unsent. ASGI
# has none, and an ordinary close waits until a client that does not read has read.
DROP = "memebattle.drop"


@dataclass(frozen=True, slots=True)
class Event:
    """One event, as an EventSource dispatches it.

    `name` is its type ("message" when None), `id` what the client sends as `Last-Event-ID` when it comes back
    ("" makes it forget), `retry` the milliseconds it waits before that. Bytes of `data` are UTF-8.

    Raises:
        ValueError: a name or an id that would end its line, an id with NUL (clients ignore those), or a
            negative `retry`.
    """

    name: str | None
    data: str | bytes
    id: str | None = None
    retry: int | None = None

    def __post_init__(self) -> None:
        if self.name is not None and _breaks_line(self.name):
            raise ValueError(f"event name with a line break: {self.name!r}")
        if self.id is not None and (_breaks_line(self.id) or "\0" in self.id):
            raise ValueError(f"event id with a line break or NUL: {self.id!r}")
        if self.retry is not None and self.retry < 0:
            raise ValueError(f"negative retry: {self.retry}")

    def encode(self) -> bytes:
        """The event as it goes over the wire.

        The format knows three line ends (CRLF, LF, CR) and gives all of them back as LF. Half a surrogate
        pair, which a model that cuts its text anywhere may send, becomes a question mark.
        """
        # half a pair in a name or an id is our own mistake, and raises
        head = b"" if self.id is None else b"id: %s\n" % self.id.encode()
        if self.name is not None:
            head += b"event: %s\n" % self.name.encode()
        if self.retry is not None:
            head += b"retry: %d\n" % self.retry
        data = self.data if isinstance(self.data, bytes) else self.data.encode(errors="replace")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return b"%sdata: %s\n\n" % (head, data.replace(b"\n", b"\ndata: "))


def last_event_id(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """The id of the last event this client has seen; None when it has seen none.

    The header counts first. Only an EventSource that reconnects sends it, so a page that starts with an id
    puts it into the query as `last_event_id`, and the browser repeats that query for ever.
    """
    if value := headers.get("last-event-id"):
        with contextlib.suppress(UnicodeError):
            return value.encode("latin-1").decode()  # browsers send UTF-8, headers are read as Latin-1
        return value
    return query.get("last_event_id") or None


class EventStream(Response):
    """Streams `events` until they end, the client leaves, or one write is blocked for `send_timeout` seconds.

    The source may give encoded bytes, so that what goes to many clients is encoded once. Its `aclose` is
    called in every case. What it raises is raised: the client sees a response cut short and comes back.
    `on_stuck` is called when a write was blocked for too long.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncIterator[bytes | Event],
        status_code: int = 200,  # as a route's `response_class`, FastAPI looks for this default
        *,
        send_timeout: float = SEND_TIMEOUT,
        on_stuck: Callable[[], object] | None = None,
    ) -> None:
        self.status_code, self.background = status_code, None
        self.init_headers(HEADERS)
        self._events, self._send_timeout, self._on_stuck = events, send_timeout, on_stuck
        self._until_cut = asyncio.timeout(None)  # has no deadline until somebody cuts the stream
        self._writing_since: float | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._is_stuck = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["method"] == "HEAD":
                await send(self._start())
                await send(_body(b"", more=False))
            else:
                await self._stream(scope, receive, send)
        finally:
            if (close := getattr(self._events, "aclose", None)) is not None:
                await close()
        if self.background is not None:
            await self.background()

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        listening = asyncio.create_task(self._listen(receive))
        try:
            async with self._until_cut:
                await self._write_all(send)
        except TimeoutError:
            if not self._until_cut.expired():
                raise  # the source's own
            if self._is_stuck and (drop := scope.get("extensions", {}).get(DROP)) is not None:
                drop()
                await listening  # the server has to notice, or it complains about a response without an end
        finally:
            listening.cancel()
            if self._watch is not None:
                self._watch.cancel()

    async def _listen(self, receive: Receive) -> None:
        """Until the client is gone, or sends what it may not: no status can say so any more."""
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        except Exception as error:  # noqa: BLE001 - whatever it is, a stream that cannot listen must end
            log.warning("Stream ended by its request", extra={"error": repr(error)})
        self._cut()

    async def _write_all(self, send: Send) -> None:
        await self._write(send, self._start())
        # servers may wait for the first bytes of the body, and so do proxies
        await self._write(send, _body(KEEP_ALIVE))
        written = 0
        async for event in self._events:
            if self._until_cut.expired():
                return  # the source took the cancellation for a reason to say goodbye
            await self._write(send, _body(event if isinstance(event, bytes) else event.encode()))
            written += 1
            if written % BURST == 0:
                await asyncio.sleep(0)
        if not self._until_cut.expired():
            await self._write(send, _body(b"", more=False))

    async def _write(self, send: Send, message: Message) -> None:
        loop = asyncio.get_running_loop()
        self._writing_since = loop.time()
        if self._watch is None:
            self._watch = loop.call_later(self._send_timeout, self._look)
        await send(message)
        self._writing_since = None

    def _look(self) -> None:
        """Is the client stuck? One look for many writes: a timer for each costs a third of the write."""
        self._watch = None
        if self._writing_since is None:
            return
        loop = asyncio.get_running_loop()
        left = self._writing_since + self._send_timeout - loop.time()
        if left > 0:
            self._watch = loop.call_later(left, self._look)
        else:
            self._is_stuck = True
            if self._on_stuck is not None:
                self._on_stuck()
            self._cut()

    def _cut(self) -> None:
        if not self._until_cut.expired():
            self._until_cut.reschedule(0)

    def _start(self) -> Message:
        return {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}


def _body(chunk: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": chunk, "more_body": more}


def _breaks_line(text: str) -> bool:
    return "\n" in text or "\r" in text
