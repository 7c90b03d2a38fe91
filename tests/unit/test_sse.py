"""Server-sent events: what goes over the wire, and a stream that is driven by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Self

import pytest
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

from memebattle.kit.sse import BURST, DROP, KEEP_ALIVE, Event, EventStream, last_event_id
from tests.waiting import wait_until

DISCONNECT = {"type": "http.disconnect"}
REQUEST = {"type": "http.request", "body": b"", "more_body": False}


@pytest.mark.parametrize(
    ("event", "wire"),
    [
        (Event(None, "hello"), b"data: hello\n\n"),
        (Event("said", "hello"), b"event: said\ndata: hello\n\n"),
        (Event("said", "hello", id="7"), b"id: 7\nevent: said\ndata: hello\n\n"),
        (Event(None, "", retry=2000), b"retry: 2000\ndata: \n\n"),
        (Event(None, "", id=""), b"id: \ndata: \n\n"),
        (Event(None, b'{"a":1}'), b'data: {"a":1}\n\n'),
        (Event(None, " indented"), b"data:  indented\n\n"),
        (Event(None, "one\ntwo"), b"data: one\ndata: two\n\n"),
        (Event(None, "one\r\ntwo\rthree\n"), b"data: one\ndata: two\ndata: three\ndata: \n\n"),
        (Event(None, b"one\r\ntwo"), b"data: one\ndata: two\n\n"),
        (Event("größe", "ü", id="ä"), "id: ä\nevent: größe\ndata: ü\n\n".encode()),
        (Event(None, "\u2028\x85\x0b\x0c"), "data: \u2028\x85\x0b\x0c\n\n".encode()),
        (Event(None, "half \ud83d"), b"data: half ?\n\n"),
    ],
)
def test_an_event_on_the_wire(event: Event, wire: bytes) -> None:
    """Every line of the data is a line; only CR and LF end one."""
    assert event.encode() == wire


@pytest.mark.parametrize(
    "data",
    [
        "x\n\nevent: admin\ndata: forged\n\n",
        "x\r\revent: admin\rdata: forged\r\r",
        "x\r\n\r\nid: 99\r\n\r\n",
        "\n: comment\nretry: 1\n",
        "\r",
        "",
    ],
)
def test_data_stays_data(data: str) -> None:
    """Whatever it says, the client sees one event, and in it the text with LF as its only line end."""
    text = data.replace("\r\n", "\n").replace("\r", "\n")

    assert as_a_browser_reads(Event("chat", data, id="1").encode()) == [("chat", text, "1")]
    assert as_a_browser_reads(Event("chat", data.encode(), id="1").encode()) == [("chat", text, "1")]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "a\nb"},
        {"name": "a\r"},
        {"id": "a\nb"},
        {"id": "\r"},
        {"id": "a\0b"},
        {"retry": -1},
    ],
)
def test_what_would_break_its_line_is_refused(fields: dict[str, Any]) -> None:
    """A name or an id is one line, and a client ignores an id with NUL."""
    with pytest.raises(ValueError, match=r"event name|event id|retry"):
        Event(**{"name": None, "data": "", **fields})


def test_a_keep_alive_is_no_event() -> None:
    """Not on its own, and not between two events."""
    wire = KEEP_ALIVE + Event(None, "one").encode() + KEEP_ALIVE + Event(None, "two").encode()

    assert as_a_browser_reads(wire) == [("message", "one", ""), ("message", "two", "")]


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({}, {}, None),
        ({"last-event-id": "7"}, {}, "7"),
        ({}, {"last_event_id": "5"}, "5"),
        ({"last-event-id": "7"}, {"last_event_id": "5"}, "7"),
        ({"last-event-id": ""}, {"last_event_id": "5"}, "5"),
        ({"last-event-id": ""}, {"last_event_id": ""}, None),
        ({"last-event-id": "größe".encode().decode("latin-1")}, {}, "größe"),
        ({"last-event-id": "gr\xf6\xdfe"}, {}, "größe"),
    ],
)
def test_the_last_event_id(headers: dict[str, str], query: dict[str, str], expected: str | None) -> None:
    """The header before the query, nothing for empty, and UTF-8 as browsers send it."""
    assert last_event_id(headers, query) == expected


async def test_the_client_sees_headers_before_there_is_an_event() -> None:
    """They go out with a first comment, while the source still waits; one task more than the request's."""
    async with Wire(Source()) as wire:
        await wait_until(lambda: len(wire.sent) == 2, "the first bytes")
        start, body = wire.sent
        tasks = len(asyncio.all_tasks())

    assert start["status"] == 200
    assert sorted(start["headers"]) == [
        (b"cache-control", b"no-store, no-transform"),
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"x-accel-buffering", b"no"),
    ]
    assert body == {"type": "http.response.body", "body": b":\n\n", "more_body": True}
    assert tasks == len(("this test", "the request", "the one that listens"))


async def test_a_stream_ends_with_its_source() -> None:
    """Events and encoded bytes alike; then the response is complete and the source closed."""
    source = Source(Event("said", "one"), b"data: two\n\n")
    source.ends()
    async with Wire(source) as wire:
        await wire.response

    assert wire.body == b":\n\nevent: said\ndata: one\n\ndata: two\n\n"
    assert wire.is_complete
    assert source.closed == 1


async def test_a_client_that_leaves_ends_a_silent_stream() -> None:
    """At once, without an error, and although nothing is written any more."""
    source = Source()
    async with Wire(source) as wire:
        await wait_until(lambda: len(wire.sent) == 2, "the stream is open")
        wire.receives.put_nowait(DISCONNECT)
        await wire.response

    assert source.closed == 1
    assert len(wire.sent) == 2


async def test_a_generator_cleans_up_when_the_client_leaves() -> None:
    """The usual kind of source: its `finally` has run when the response is over."""
    subscribed = {"me"}

    async def events() -> AsyncIterator[bytes]:
        try:
            await asyncio.Event().wait()
            yield b""
        finally:
            subscribed.discard("me")

    async with Wire(events()) as wire:
        await wait_until(lambda: len(wire.sent) == 2, "the stream is open")
        wire.receives.put_nowait(DISCONNECT)
        await wire.response

    assert subscribed == set()


async def test_the_body_of_the_request_is_not_its_end() -> None:
    """A stream may answer a POST."""
    source = Source()
    async with Wire(source) as wire:
        wire.receives.put_nowait(REQUEST)
        await wait_until(lambda: len(wire.sent) == 2 and wire.receives.empty(), "the body was read")
        source.gives(b"data: still here\n\n")
        await wait_until(lambda: len(wire.sent) == 3, "the event is written")


async def test_a_client_that_leaves_during_a_blocked_write_ends_the_stream() -> None:
    """Nobody waits for the timeout."""
    source = Source(b"data: big\n\n")
    async with Wire(source, send_timeout=3600) as wire:
        wire.block_at(3)
        await wire.blocked.wait()
        wire.receives.put_nowait(DISCONNECT)
        await wire.response

    assert source.closed == 1


async def test_a_client_that_does_not_read_is_dropped() -> None:
    """One blocked write; the server is asked to cut the connection, and may notice that it is cut."""
    source = Source(b"data: big\n\n", b"data: never\n\n")
    dropped: list[bool] = []

    def drop() -> None:
        dropped.append(True)
        wire.receives.put_nowait(DISCONNECT)

    async with Wire(source, send_timeout=0.02) as wire:
        wire.scope["extensions"] = {DROP: drop}
        wire.block_at(3)
        await wire.response

    assert dropped == [True]
    assert wire.receives.empty()
    assert source.closed == 1
    assert not wire.is_complete


async def test_a_server_that_cannot_drop_still_ends_the_stream() -> None:
    """The extension is ours; without it the source is closed all the same."""
    source = Source()
    async with Wire(source, send_timeout=0.02) as wire:
        wire.block_at(1)
        await wire.response

    assert source.closed == 1


async def test_every_write_has_the_whole_timeout() -> None:
    """A write that blocks late is not measured from the one before it, which the timer was set for."""
    source = Source(b"data: late\n\n")
    async with Wire(source, send_timeout=60) as wire:
        wire.block_at(3)
        await wire.blocked.wait()
        wire.blocked_for(59)
        patience = [not await wire.ends_now()]
        watch = wire.stream._watch
        wire.blocked_for(61)
        patience.append(not await wire.ends_now())

    assert watch is not None
    assert patience == [True, False]
    assert source.closed == 1


async def test_silence_is_no_blocked_write() -> None:
    """The timer of a write that went through finds nothing to do, and is set again by the next one."""
    source = Source()
    async with Wire(source, send_timeout=60) as wire:
        await wait_until(lambda: len(wire.sent) == 2, "the stream is open")
        wire.stream._look()
        timers = [wire.stream._watch]
        source.gives(b"data: still here\n\n")
        await wait_until(lambda: len(wire.sent) == 3, "the event is written")
        timers.append(wire.stream._watch)

    assert timers[0] is None
    assert timers[1] is not None
    assert timers[1].cancelled()  # with the stream


async def test_the_failure_of_a_source_is_not_hidden() -> None:
    """It is for the log of the server; the client sees a response without an end."""
    source = Source(b"data: so far\n\n", ZeroDivisionError())
    async with Wire(source) as wire:
        with pytest.raises(ZeroDivisionError):
            await wire.response

    assert source.closed == 1
    assert not wire.is_complete


async def test_a_timeout_of_the_source_is_its_own() -> None:
    """It is no client that does not read."""
    async with Wire(Source(TimeoutError("the store"))) as wire:
        with pytest.raises(TimeoutError, match="the store"):
            await wire.response


async def test_a_cancellation_closes_the_source() -> None:
    """A server that has waited long enough cancels the request, and must be heard."""
    source = Source()
    async with Wire(source) as wire:
        await wait_until(lambda: len(wire.sent) == 2, "the stream is open")
        wire.response.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wire.response

    assert source.closed == 1
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("last_words", [[b"data: bye\n\n"], []], ids=["goodbye", "silent end"])
async def test_a_source_that_makes_an_end_of_a_cancellation_speaks_to_nobody(last_words: list[bytes]) -> None:
    """The client has left: there is nothing to write and nothing to complete."""

    async def events() -> AsyncIterator[bytes]:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        for word in last_words:
            yield word

    async with Wire(events()) as wire:
        await wait_until(lambda: len(wire.sent) == 2, "the stream is open")
        wire.receives.put_nowait(DISCONNECT)
        await wire.response

    assert wire.body == b":\n\n"
    assert not wire.is_complete


async def test_a_source_that_never_waits_lets_others_run() -> None:
    """With a client that reads fast, nothing else would: not even the one that notices it leave."""

    async def events() -> AsyncIterator[bytes]:
        for _ in range(100 * BURST):
            yield b"data: x\n\n"

    async with Wire(events()) as wire:
        wire.receives.put_nowait(DISCONNECT)
        await wire.response

    assert wire.body.count(b"data: x") <= 2 * BURST


async def test_a_request_that_breaks_a_rule_ends_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    """The limit of a body raises where it is read, which is here; that is one line in the log."""
    source = Source()
    async with Wire(source) as wire:
        wire.receives.put_nowait(HTTPException(413, "too much"))
        await wire.response

    assert source.closed == 1
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "Stream ended by its request")
    ]


async def test_a_head_request_gets_the_headers_only() -> None:
    """It must not wait for an end that never comes."""
    source = Source()
    async with Wire(source, method="HEAD") as wire:
        await wire.response

    assert (wire.sent[0]["status"], wire.body, wire.is_complete) == (200, b"", True)
    assert source.closed == 1


async def test_what_the_framework_hangs_on_a_response_runs() -> None:
    """After the stream, as with every other response."""
    ran: list[str] = []
    source = Source()
    source.ends()
    async with Wire(source) as wire:
        wire.stream.background = BackgroundTask(lambda: ran.append("afterwards"))
        await wire.response

    assert ran == ["afterwards"]


class Source:
    """Events as they are put in; an exception is raised instead. Counts how often it was closed."""

    def __init__(self, *events: bytes | Event | Exception) -> None:
        self.closed = 0
        self._queue: asyncio.Queue[bytes | Event | Exception] = asyncio.Queue()
        for event in events:
            self.gives(event)

    def gives(self, event: bytes | Event | Exception) -> None:
        self._queue.put_nowait(event)

    def ends(self) -> None:
        self.gives(StopAsyncIteration())

    def __aiter__(self) -> Source:
        return self

    async def __anext__(self) -> bytes | Event:
        event = await self._queue.get()
        if isinstance(event, Exception):
            raise event
        return event

    async def aclose(self) -> None:
        self.closed += 1


class Wire:
    """The server's side of one response: what it was sent, and what it is told to hand in."""

    def __init__(self, source: Any, *, send_timeout: float = 60, method: str = "GET") -> None:
        self.scope: dict[str, Any] = {"type": "http", "method": method}
        self.stream = EventStream(source, send_timeout=send_timeout)
        self.sent: list[Any] = []
        self.receives: asyncio.Queue[Any] = asyncio.Queue()
        self.blocked = asyncio.Event()
        self._blocks_at = 0

    async def __aenter__(self) -> Self:
        self.response = asyncio.create_task(self.stream(self.scope, self._receive, self._send))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.response.cancel()
        await asyncio.gather(self.response, return_exceptions=True)

    def block_at(self, number: int) -> None:
        """The n-th message finds a full buffer."""
        self._blocks_at = number

    def blocked_for(self, seconds: float) -> None:
        """Pretend, and let the timer of the stream ring."""
        self.stream._writing_since = asyncio.get_running_loop().time() - seconds
        self.stream._look()

    async def ends_now(self) -> bool:
        """Whether the response is over, once everything that was ready has run."""
        for _ in range(10):
            await asyncio.sleep(0)
        return self.response.done()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def is_complete(self) -> bool:
        return self.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}

    async def _send(self, message: Any) -> None:
        if len(self.sent) + 1 == self._blocks_at:
            self.blocked.set()
            await asyncio.Event().wait()
        self.sent.append(message)

    async def _receive(self) -> Any:
        message = await self.receives.get()
        if isinstance(message, Exception):
            raise message
        return message


def as_a_browser_reads(wire: bytes) -> list[tuple[str, str, str]]:
    """The events (type, data, last event id) an EventSource dispatches: HTML standard, section 9.2.6."""
    events, name, data, last_id = [], "", "", ""
    for line in wire.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "" if not line:
                if data:
                    events.append((name or "message", data.removesuffix("\n"), last_id))
                name, data = "", ""
            case "event":
                name = value
            case "data":
                data += value + "\n"
            case "id" if "\0" not in value:
                last_id = value
    return events
