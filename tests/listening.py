"""Both ends of a pod, for tests: a worker that stores and tells frames, and a client that reads events."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from memebattle.bus.chunklog import MemoryChunkLog
from memebattle.bus.frames import ChunkLog, Frame, LogAway, copy_headers_of
from memebattle.chat.connection import Connection
from memebattle.chat.events import position_of
from memebattle.chat.heard import Heard, heard_in
from memebattle.chat.messages import ChunkBatch, ResponseChunk
from memebattle.chat.reading import Shared
from memebattle.kit.metrics import Metrics
from memebattle.settings import ChatSettings, Settings
from tests.toys import Clock
from tests.waiting import wait_until

HELLO = ["1-0", "2-1", "3-2", "3-end"]  # the ids of `hello` in an empty stream
WHEN = datetime(2025, 11, 17, 20, 30, 5, 123000, tzinfo=UTC)
TIMES = ("connected", "ping")  # events that say when they were sent


@dataclass(frozen=True, slots=True)
class Event:
    """One event as a client parses it; `id` is None when it has none."""

    name: str
    id: str | None
    data: dict[str, Any]


def read_event(wire: bytes) -> Event:
    """Parse one encoded event."""
    fields: dict[str, str] = {}
    for line in wire.decode().removesuffix("\n\n").split("\n"):
        name, _, value = line.partition(": ")
        assert name not in fields, f"two lines of {name}"
        fields[name] = value
    return Event(fields["event"], fields.get("id"), json.loads(fields["data"]))


class Speaker:
    """A worker at one session: stores frames behind its last one. What it returns is what pods are told."""

    def __init__(self, log: MemoryChunkLog, session_id: str = "s1") -> None:
        self.log, self.session_id = log, session_id
        self.next_chunk: defaultdict[str, int] = defaultdict(int)

    async def say(
        self, *texts: str, message: str = "m1", final: bool = False, writer: str | None = None
    ) -> Heard:
        """Store one frame with a chunk for each text; a final one gets an empty last chunk."""
        chunks = self.chunks(*texts, message=message, final=final)
        last = await self.log.last(self.session_id)
        body = chunks[0] if len(chunks) == 1 else ChunkBatch(session_id=self.session_id, chunks=chunks)
        frame = Frame(
            self.session_id,
            message,
            body.body(),
            chunks[-1].chunk_id + 1,
            final,
            "digest",
            writer or f"writer-of-{message}",
            last.seq if last is not None else 0,
        )
        return told(replace(frame, seq=await self.log.append(frame)))

    def chunks(self, *texts: str, message: str = "m1", final: bool = False) -> list[ResponseChunk]:
        """Chunks that are stored nowhere."""
        parts = [*texts, *([""] if final else [])]
        first = self.next_chunk[message]
        self.next_chunk[message] += len(parts)
        return [
            ResponseChunk(
                session_id=self.session_id,
                message_id=message,
                chunk_id=first + number,
                chunk=text,
                is_final=final and number == len(parts) - 1,
                timestamp=WHEN,
            )
            for number, text in enumerate(parts)
        ]


class MoodyLog:
    """A log whose reads fail, hold or lag as a test wants it. They look first and hold their answer back.

    `calls` names the reads so far, `refused` counts those that failed. `failing` and `hold_at` name one that
    fails or is held, `is_away` and `may_answer` are for all.
    """

    def __init__(self, log: MemoryChunkLog) -> None:
        self.log = log
        self.max_payload = log.max_payload
        self.is_away = False
        self.failing: str | None = None
        self.hold_at: str | None = None
        self.lags = self.refused = 0
        self.calls: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def append(self, frame: Frame) -> int:
        return await self.log.append(frame)

    async def last(self, session_id: str, message_id: str | None = None) -> Frame | None:
        return await self._answer("last", await self.log.last(session_id, message_id))

    async def after(
        self, session_id: str, seq: int, limit: int, message_id: str | None = None
    ) -> list[Frame]:
        found = await self._answer("after", await self.log.after(session_id, seq, limit, message_id))
        if self.lags:
            self.lags -= 1
            return []
        return found

    async def at(self, seq: int) -> Frame | None:
        return await self._answer("at", await self.log.at(seq))

    async def span(self) -> tuple[int, int]:
        return await self._answer("span", await self.log.span())

    async def _answer[T](self, call: str, found: T) -> T:
        self.calls.append(call)
        if self.hold_at == call:
            self.may_answer.clear()
        await self.may_answer.wait()
        if self.is_away or self.failing == call:
            self.refused += 1
            raise LogAway("away")
        return found


def told(frame: Frame) -> Heard:
    """A stored frame as pods hear of it."""
    body = json.loads(frame.body)
    message = (ChunkBatch if "chunks" in body else ResponseChunk).model_validate(body)
    [heard] = heard_in(message, copy_headers_of(frame))
    return heard


@dataclass
class Room:
    """A pod without NATS: a log, and connections that share it."""

    log: ChunkLog = field(default_factory=MemoryChunkLog)
    env: dict[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    metrics: Metrics = field(default_factory=Metrics)
    left: list[str] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shared = Shared(
            "pod-1", self.log, self.metrics.chat, self.settings, self.clock, sleep=at_once, pause=0.01
        )

    @property
    def settings(self) -> ChatSettings:
        return Settings.from_env(self.env).chat

    def enter(self, session_id: str = "s1", last_event_id: str | None = None) -> Client:
        """A client that reads all it can."""
        start = position_of(last_event_id) if last_event_id else None
        client = Client(Connection(session_id, self.shared, start, self._leave))
        self.clients.append(client)
        return client

    async def _leave(self, connection: Connection) -> None:
        self.left.append(connection.id)

    def catch_ups(self) -> dict[str, int]:
        """How often connections read from the stream, by reason."""
        samples = next(iter(self.metrics.chat.catch_ups.collect())).samples
        return {each.labels["reason"]: int(each.value) for each in samples if each.name.endswith("_total")}


class Client:
    """Reads a connection in a task; `told` are its chunks and completions, `events` everything."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.events: list[Event] = []
        self.has_ended = False
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for wire in self.connection:
            self.events.append(read_event(wire))
            await self._may_read.wait()
        self.has_ended = True

    @property
    def told(self) -> list[Event]:
        return [event for event in self.events if event.name in {"chunk", "message_complete"}]

    @property
    def ids(self) -> list[str | None]:
        """The ids of what was told."""
        return [event.id for event in self.told]

    @property
    def text(self) -> str:
        return "".join(event.data["chunk"] for event in self.events if event.name == "chunk")

    def named(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]

    def hear(self, *heard: Heard) -> None:
        for each in heard:
            self.connection.offer(each)

    def stop_reading(self) -> None:
        self._may_read.clear()

    def go_on_reading(self) -> None:
        self._may_read.set()

    async def rests(self) -> None:
        """Wait until the connection has nothing to do, or has ended."""
        for _ in range(10_000):
            if self._task.done() or self.is_resting:
                break
            await asyncio.sleep(0)
        else:
            raise AssertionError(f"does not come to rest; events: {self.events[-5:]}")
        if self._task.done():
            await self._task

    @property
    def is_resting(self) -> bool:
        """Whether it waits for somebody to ring."""
        bell = self.connection._bell
        return bell._waiting is not None and not bell._waiting.done()

    async def ends(self) -> None:
        """Wait until the connection has said its last word."""
        await wait_until(self._task.done, "the connection to end")
        await self._task

    async def leaves(self) -> None:
        """Go without a word, as a client whose network is gone."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.connection.aclose()


async def at_once(_seconds: float) -> None:
    """Sleep for no time."""
    await asyncio.sleep(0)


async def turns(number: int) -> None:
    """Let others run so many times."""
    for _ in range(number):
        await asyncio.sleep(0)


async def eventually(condition: Callable[[], Any], description: str) -> None:
    """Like `wait_until`, for what needs no time but turns of the event loop."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError(description)


async def hello(log: MemoryChunkLog, session_id: str = "s1", message: str = "m1") -> list[Heard]:
    """An answer of three frames with four events."""
    speaker = Speaker(log, session_id)
    return [
        await speaker.say("Hel", message=message),
        await speaker.say("lo", message=message),
        await speaker.say(message=message, final=True),
    ]


async def after_a_restart(old: MemoryChunkLog) -> Speaker:
    """The stream has lost everything and counts from 1; the worker goes on where it was."""
    old.frames.clear()
    old._last = 0
    return Speaker(old)
