"""The crowd of `bench chat`: many sessions that ask and listen, and what they notice.

    idle       connections that only listen: what one costs a gateway in memory
    talking    every session asks, hears its answer to the end and asks again

Both speak HTTP as little as possible: this process shares its machine with those it measures. A chunk carries
the time at which its worker made it, in milliseconds cut off below; half of one is taken off each latency.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from memebattle.cli.bench_chat_stage import Stage, cpu_seconds, resident_bytes
from memebattle.cli.output import Problem

PATIENCE = 30.0  # seconds for one answer or one connection
CONNECTING = 100  # connections opened at a time
WARM_CONNECTIONS = 50  # before the first look at a gateway's memory
CUT_OFF = 0.0005  # seconds that a timestamp of whole milliseconds loses on average
SETTLING = 0.5  # seconds between the last connection and the look at the memory


@dataclass(frozen=True, slots=True)
class Talk:
    """What was measured while sessions talked. Times in seconds; CPU in seconds per chunk."""

    contestant: str
    chunks: int
    rate: float
    p50: float
    p99: float
    first_p50: float
    first_p99: float
    worker_cpu: float | None
    gateway_cpu: float | None


@dataclass(slots=True)
class Notes:
    """What all listeners heard."""

    latencies: list[float] = field(default_factory=list)
    first_chunks: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Listener(asyncio.Protocol):
    """One SSE connection. Nothing is kept but what is still incomplete."""

    def __init__(self, port: int, session_id: str, notes: Notes | None = None) -> None:
        self._port, self.session_id, self._notes = port, session_id, notes or Notes()
        loop = asyncio.get_running_loop()
        self.connected: asyncio.Future[None] = loop.create_future()
        self._complete: asyncio.Future[None] = loop.create_future()
        self._rest, self._expected, self._asked = b"", 0, 0.0

    async def open(self) -> None:
        """Return when the gateway says `connected`."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        self._transport = transport
        transport.write(f"GET /api/sse?session_id={self.session_id} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        await asyncio.wait_for(self.connected, PATIENCE)

    def close(self) -> None:
        self._transport.abort()

    async def ask(self, message: str) -> None:
        """Send a message to the same gateway; return when its answer is complete.

        Raises:
            Problem: it did not end, or a chunk was lost or came twice.
        """
        self._complete = asyncio.get_running_loop().create_future()
        self._expected, self._asked = 0, time.time()
        body = json.dumps({"session_id": self.session_id, "message": message}).encode()
        head = f"POST /api/chat HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"{head}Content-Type: application/json\r\nConnection: close\r\n\r\n".encode() + body)
        line = await reader.readline()
        writer.close()
        if b" 202 " not in line:
            raise Problem(f"a gateway refused a message: {line.decode(errors='replace').strip()}")
        try:
            await asyncio.wait_for(self._complete, PATIENCE)
        except TimeoutError:
            raise Problem(f"no complete answer within {PATIENCE:g} s") from None
        if self._notes.faults:
            raise Problem(self._notes.faults[0])

    def data_received(self, data: bytes) -> None:
        arrived = time.time()
        *events, self._rest = (self._rest + data).split(b"\n\n")
        for event in events:
            head, _, body = event.partition(b"data: ")
            if b"event: chunk\n" in head:
                self._hear(json.loads(body), arrived)
            elif b"event: message_complete\n" in head and not self._complete.done():
                self._complete.set_result(None)
            elif b"event: connected\n" in head and not self.connected.done():
                self.connected.set_result(None)

    def connection_lost(self, _: Exception | None) -> None:
        for waiting in (self.connected, self._complete):
            if not waiting.done():
                waiting.cancel()

    def _hear(self, chunk: dict[str, Any], arrived: float) -> None:
        if chunk["chunk_id"] != self._expected:
            self._notes.faults.append(f"chunk {chunk['chunk_id']} came, {self._expected} was to come")
        if not self._expected:
            self._notes.first_chunks.append(arrived - self._asked)
        self._expected = chunk["chunk_id"] + 1
        made = datetime.fromisoformat(chunk["timestamp"]).timestamp()
        self._notes.latencies.append(arrived - made - CUT_OFF)


async def talk(stage: Stage, sessions: int, seconds: float, run: int) -> Talk:
    """Let so many sessions talk for so long, spread over the gateways.

    Raises:
        Problem: an answer did not end, or was not whole.
    """
    notes = Notes()
    async with _listening(stage, sessions, f"run{run}", notes) as listeners:
        if run == 1:
            await asyncio.gather(*(each.ask("hello") for each in listeners))
            notes.latencies.clear()  # that was to warm up
            notes.first_chunks.clear()
        before = cpu_seconds(stage.worker), cpu_seconds(*stage.gateways)
        started = time.perf_counter()
        await asyncio.gather(*(_keep_asking(each, started + seconds) for each in listeners))
        taken = time.perf_counter() - started
        after = cpu_seconds(stage.worker), cpu_seconds(*stage.gateways)
    chunks = len(notes.latencies)
    worker_cpu, gateway_cpu = (
        (end - begin) / chunks if end is not None and begin is not None else None
        for begin, end in zip(before, after, strict=True)
    )
    return Talk(
        stage.contestant,
        chunks,
        chunks / taken,
        percentile(notes.latencies, 0.5),
        percentile(notes.latencies, 0.99),
        percentile(notes.first_chunks, 0.5),
        percentile(notes.first_chunks, 0.99),
        worker_cpu,
        gateway_cpu,
    )


async def idle_bytes(stage: Stage, gateway: int, connections: int) -> float | None:
    """Memory that one gateway takes for each connection that only listens, in bytes."""
    port, child = stage.ports[gateway], stage.gateways[gateway]
    async with contextlib.AsyncExitStack() as stack:
        warm = [Listener(port, f"warm-{gateway}-{number}") for number in range(WARM_CONNECTIONS)]
        await _open_all(stack, warm)
        before = resident_bytes(child)
        idle = [Listener(port, f"idle-{gateway}-{number}") for number in range(connections)]
        await _open_all(stack, idle)
        after = resident_bytes(child)
    return (after - before) / connections if after is not None and before is not None else None


@contextlib.asynccontextmanager
async def _listening(stage: Stage, sessions: int, prefix: str, notes: Notes) -> AsyncIterator[list[Listener]]:
    ports = itertools.cycle(stage.ports)
    listeners = [Listener(next(ports), f"{prefix}-{number}", notes) for number in range(sessions)]
    async with contextlib.AsyncExitStack() as stack:
        await _open_all(stack, listeners)
        yield listeners


async def _open_all(stack: contextlib.AsyncExitStack, listeners: list[Listener]) -> None:
    for start in range(0, len(listeners), CONNECTING):
        group = listeners[start : start + CONNECTING]
        await asyncio.gather(*(listener.open() for listener in group))
        for listener in group:
            stack.callback(listener.close)
    await asyncio.sleep(SETTLING)


async def _keep_asking(listener: Listener, until: float) -> None:
    for number in itertools.count(1):
        await listener.ask(f"a caption for my cat number {number} of {listener.session_id}")
        if time.perf_counter() >= until:
            return


def percentile(values: list[float], share: float) -> float:
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * len(ordered)))]
