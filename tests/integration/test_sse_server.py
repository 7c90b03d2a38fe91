"""Event streams under the gateway's server, as a process of its own: what only real sockets can show."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from memebattle.cli.children import Child, listening, stopping
from memebattle.cli.ports import free_port
from tests.waiting import wait_until

PROMPTLY = 5.0  # seconds; the toy's grace period is 30
BYE = b"event: bye\ndata: \n\n"


@dataclass
class Stream:
    """A client of one stream, on a plain socket: it reads when told to."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    headers: dict[str, str]

    async def next(self) -> bytes:
        """What one write of the server brought (one chunk of the transfer coding); empty at the end."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        chunk = await self.reader.readexactly(size + 2)
        return chunk[:-2]

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass
class Toy:
    """The toy process and its clients."""

    child: Child
    port: int
    clients: list[Stream] = field(default_factory=list)

    async def open(
        self, path: str = "/events", method: str = "GET", headers: str = "", body: bytes = b""
    ) -> Stream:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: toy\r\n{headers}\r\n".encode() + body)
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        assert status == "HTTP/1.1 200 OK"
        stream = Stream(reader, writer, dict(line.split(": ", 1) for line in lines if line))
        self.clients.append(stream)
        return stream

    async def say(self, text: str) -> None:
        await self.open("/say", "POST", f"Content-Length: {len(text)}\r\n", text.encode())

    async def has_open(self, streams: int) -> bool:
        stream = await self.open("/open", headers="Connection: close\r\n")
        return int(await stream.reader.read()) == streams

    async def stop_promptly(self) -> int:
        """SIGTERM, and the exit code; it fails when the process takes its time."""
        async with asyncio.timeout(PROMPTLY):
            return await self.child.stop(patience=2 * PROMPTLY)

    @property
    def log(self) -> str:
        return self.child.last_words(1000)


@contextlib.asynccontextmanager
async def running(tmp_path: Path, *flags: str) -> AsyncIterator[Toy]:
    port = free_port()
    argv = [sys.executable, "-m", "tests.integration.streams", str(port), *flags]
    toy = Toy(Child("streams", argv, log=tmp_path / "streams.log"), port)
    async with stopping(toy.child):
        await toy.child.start()
        await listening(port, toy.child)
        yield toy
        for stream in toy.clients:
            await stream.close()
        toy.child.signal(signal.SIGKILL)  # whether it stops in time is for the tests to say


@pytest.fixture(params=["uvloop", "asyncio"])
async def toy(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Toy]:
    """On both event loops."""
    async with running(tmp_path, request.param) as toy:
        yield toy


@pytest.fixture
async def dressed(tmp_path: Path) -> AsyncIterator[Toy]:
    """With everything around it that the gateway has."""
    async with running(tmp_path, "dressed") as toy:
        yield toy


async def test_nothing_on_the_way_keeps_or_changes_a_stream(dressed: Toy) -> None:
    """The client sees the headers before anything was said, and then each event as it comes."""
    stream = await dressed.open(headers="Accept-Encoding: gzip\r\n")
    chunks = [await stream.next()]
    for text in ("one", "two"):
        await dressed.say(text)
        chunks.append(await stream.next())

    assert chunks == [b":\n\n", b"event: said\ndata: one\n\n", b"event: said\ndata: two\n\n"]
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["cache-control"] == "no-store, no-transform"
    assert stream.headers["x-accel-buffering"] == "no"
    assert stream.headers["x-content-type-options"] == "nosniff"
    assert {"content-encoding", "content-length"}.isdisjoint(stream.headers)


async def test_a_client_that_goes_on_sending_is_cut_off(dressed: Toy) -> None:
    """A body has its limit, also when the answer has begun; nobody gets to fill our log with tracebacks."""
    stream = await dressed.open(headers="Transfer-Encoding: chunked\r\n")
    await stream.next()
    stream.writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n" + b"1\r\nx\r\n")
    rest = await stream.reader.read()

    assert rest == b""
    await wait_until(lambda: dressed.has_open(0), "the stream is closed")
    assert "Traceback" not in dressed.log


async def test_a_source_that_fails_cuts_its_response_short(dressed: Toy) -> None:
    """The client sees that this was not the end, so it comes back; we find the reason in the log."""
    stream = await dressed.open("/broken")
    seen = [await stream.next(), await stream.next()]
    rest = await stream.reader.read()

    assert seen == [b":\n\n", b"data: so far\n\n"]
    assert rest == b""
    assert "ZeroDivisionError" in dressed.log


async def test_a_client_that_leaves_is_noticed_although_nothing_is_sent(toy: Toy) -> None:
    """The source is closed, and the log has nothing to say about it."""
    stream = await toy.open()
    await wait_until(lambda: toy.has_open(1), "the stream is open")
    await stream.close()

    await wait_until(lambda: toy.has_open(0), "the stream is closed", timeout=2)
    assert toy.log == ""


async def test_a_stop_ends_open_streams_at_once(toy: Toy) -> None:
    """Each says goodbye and ends in order; the process is gone long before its grace period, with code 0."""
    streams = [await toy.open() for _ in range(20)]
    await toy.open("/open")  # kept alive by both sides
    for stream in streams:
        await stream.next()

    code = await toy.stop_promptly()
    ends = [(await stream.next(), await stream.next()) for stream in streams]

    assert code == 0
    assert ends == [(BYE, b"")] * 20
    assert toy.log == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_waits_for_nobody(toy: Toy, number: signal.Signals) -> None:
    """Whichever it is, it ends the process; the first was heard, and waited for a stream without end."""
    await toy.open("/stubborn")
    polite = await toy.open()
    await polite.next()
    toy.child.signal(number)
    goodbye = await polite.next()
    toy.child.signal(number)

    async with asyncio.timeout(PROMPTLY):
        code = await toy.child.stop(patience=2 * PROMPTLY)

    assert (goodbye, code) == (BYE, 128 + number)


async def test_a_reader_that_stops_reading_is_let_go_while_others_go_on(toy: Toy) -> None:
    """Its connection too: a stop would wait for one that is only being closed."""
    reading, _ = await toy.open(), await toy.open("/flood")
    await reading.next()
    await wait_until(lambda: toy.has_open(2), "both streams are open")
    await wait_until(lambda: toy.has_open(1), "the flood has ended")
    await toy.say("still here")
    heard = await reading.next()
    code = await toy.stop_promptly()

    assert heard == b"event: said\ndata: still here\n\n"
    assert code == 0
    assert toy.log == ""
