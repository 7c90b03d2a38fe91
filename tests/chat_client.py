"""A client of `GET /api/sse` that writes down all it is sent, and says what is wrong with it.

    listener = await Listener("s1").connect(port)
    await listener.complete("m1")
    assert listener.faults() == []

HTTP is read by hand, chunk by chunk: so a test can stop reading, hang up without a word, and tell a stream
that was ended in order from one that was cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Self

from tests.waiting import wait_until


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it was dispatched; `id` is None when it came without."""

    name: str
    id: str | None
    data: dict[str, Any]


@dataclass(slots=True)
class Answer:
    """What was heard of one message, over all connections of a listener."""

    chunks: list[dict[str, Any]] = field(default_factory=list)
    completions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(chunk["chunk"] for chunk in self.chunks)

    @property
    def final(self) -> dict[str, Any]:
        """The last chunk of a complete answer."""
        (final,) = [chunk for chunk in self.chunks if chunk["is_final"]]
        return final

    @property
    def end(self) -> tuple[str | None, str | None]:
        """(finish reason, error code) of a complete answer."""
        return self.final.get("metadata", {}).get("finish_reason"), self.final.get("error", {}).get("code")

    def faults(self) -> list[str]:
        """Every chunk once and in order, the last one final, one completion that counts right: or why not."""
        found = []
        ids = [chunk["chunk_id"] for chunk in self.chunks]
        if ids != list(range(len(ids))):
            found.append(f"chunk ids {ids}")
        finals = [chunk["chunk_id"] for chunk in self.chunks if chunk["is_final"]]
        if finals != ids[-1:]:
            found.append(f"final chunks {finals} of {len(ids)}")
        if [each["chunks"] for each in self.completions] != [len(ids)]:
            found.append(f"{len(self.completions)} completions for {len(ids)} chunks")
        return found


class Listener:
    """One client of one session. It comes back as often as it likes, with the id of its last event."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.events: list[Event] = []
        self.answers: dict[str, Answer] = {}
        self.last_id: str | None = None
        self.status = 0
        self.ended_in_order = False
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._may_read = asyncio.Event()
        self._may_read.set()

    async def connect(self, port: int, *, last_id: str | None = None, receive_buffer: int = 0) -> Self:
        """Connect and wait for `connected`: from then on the registry knows this connection.

        A status other than 200 is kept in `status`. `receive_buffer` bounds the bytes that the kernel takes
        for a client that does not read.
        """
        await self.leave()
        seen, self.ended_in_order = len(self.events), False
        reader = await self._open(port, last_id, receive_buffer)
        self.status = int((await reader.readuntil(b"\r\n\r\n")).split()[1])
        if self.status == 200:
            self._reading = asyncio.create_task(self._read(reader))
            await wait_until(lambda: len(self.events) > seen, f"{self.session_id} to be connected")
            assert self.events[seen].name == "connected"
        return self

    async def come_back(self, port: int) -> Self:
        """Connect again as an EventSource does: with the id of the last event."""
        return await self.connect(port, last_id=self.last_id)

    async def leave(self) -> None:
        """Hang up without a word."""
        if self._writer is not None:
            self._writer.transport.abort()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None

    async def closed(self, timeout: float = 10) -> bool:
        """Wait until the other side has ended the stream; whether it did so in order."""
        assert self._reading is not None
        async with asyncio.timeout(timeout):
            await self._reading
        return self.ended_in_order

    @property
    def is_open(self) -> bool:
        return self._reading is not None and not self._reading.done()

    def stop_reading(self) -> None:
        """Read nothing more, and stay connected."""
        self._may_read.clear()

    def go_on_reading(self) -> None:
        self._may_read.set()

    def answer(self, message_id: str) -> Answer:
        """What was heard of a message so far."""
        return self.answers.get(message_id, Answer())

    async def heard(self, message_id: str, chunks: int, timeout: float = 15) -> None:
        """Wait until so many chunks of the answer have come."""
        await wait_until(
            lambda: len(self.answer(message_id).chunks) >= chunks,
            f"{chunks} chunks of {message_id}, there are {len(self.answer(message_id).chunks)}",
            timeout,
        )

    async def complete(self, *message_ids: str, timeout: float = 20) -> None:
        """Wait for `message_complete` of each."""
        await wait_until(
            lambda: all(self.answer(message_id).completions for message_id in message_ids),
            f"session {self.session_id} to hear the end of {', '.join(message_ids)}",
            timeout,
        )

    def faults(self) -> list[str]:
        """All that is wrong with what came; empty when every answer is exact."""
        found = [
            f"{message_id}: {fault}"
            for message_id, answer in self.answers.items()
            for fault in answer.faults()
        ]
        found += [f"{event.name}: {event.data}" for event in self.events if event.name == "not_resumable"]
        ids = Counter(event.id for event in self.events if event.id is not None)
        found += [f"event {event_id} came {times} times" for event_id, times in ids.items() if times > 1]
        of_others = {
            event.data["session_id"] for event in self.events if event.name in {"chunk", "message_complete"}
        } - {self.session_id}
        return found + [f"chunks of session {each}" for each in sorted(of_others)]

    def told(self) -> list[tuple[str | None, dict[str, Any]]]:
        """Chunks and completions with their ids: what two listeners of a session have in common.

        Completions are stamped when they are sent, so their time is left out.
        """
        told = []
        for event in self.events:
            if event.name == "chunk":
                told.append((event.id, event.data))
            elif event.name == "message_complete":
                told.append((event.id, {k: v for k, v in event.data.items() if k != "timestamp"}))
        return told

    async def _open(self, port: int, last_id: str | None, receive_buffer: int) -> asyncio.StreamReader:
        ours = socket.socket()
        if receive_buffer:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        ours.setblocking(False)
        await asyncio.get_running_loop().sock_connect(ours, ("127.0.0.1", port))
        reader, self._writer = await asyncio.open_connection(sock=ours, limit=4096)
        resume = "" if last_id is None else f"Last-Event-ID: {last_id}\r\n"
        head = f"GET /api/sse?session_id={self.session_id} HTTP/1.1\r\nHost: gateway\r\n{resume}\r\n"
        self._writer.write(head.encode())
        return reader

    async def _read(self, reader: asyncio.StreamReader) -> None:
        unfinished = b""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async for chunk in _body(reader):
                await self._may_read.wait()
                *blocks, unfinished = (unfinished + chunk).split(b"\n\n")
                for block in blocks:
                    self._dispatch(block.decode())
            self.ended_in_order = True

    def _dispatch(self, block: str) -> None:
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(": ")
            if name in fields:
                fields[name] += f"\n{value}"
            elif name in {"id", "event", "data"}:
                fields[name] = value
        if "data" not in fields:
            return  # a comment
        event = Event(fields["event"], fields.get("id"), json.loads(fields["data"]))
        self.events.append(event)
        self.last_id = event.id if event.id is not None else self.last_id
        if event.name in {"chunk", "message_complete"}:
            answer = self.answers.setdefault(event.data["message_id"], Answer())
            (answer.chunks if event.name == "chunk" else answer.completions).append(event.data)


async def _body(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The chunks of a chunked body.

    Raises:
        asyncio.IncompleteReadError: the connection ended before the body did.
    """
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield (await reader.readexactly(size + 2))[:-2]
