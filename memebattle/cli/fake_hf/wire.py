"""Just enough HTTP/1.1 for a fake provider, with the socket within reach.

The fake has to misbehave on the wire (drip, reset, announce gigabytes), which no web framework lets one do.
So this is the protocol itself over asyncio streams: keep-alive, `Content-Length` bodies, nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import responses
from typing import Any

MAX_REQUEST_BYTES = 1024 * 1024

type Respond = Callable[["Exchange"], Awaitable[None]]


class MalformedRequest(Exception):
    """Not HTTP, or more of it than we read."""


@dataclass(slots=True)
class Exchange:
    """One request and the means to answer it. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    keep_alive: bool = True

    async def answer(
        self, status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """A proper response."""
        lines = {"content-type": content_type, "content-length": str(len(body)), **(headers or {})}
        await self.head(status, lines)
        await self.send(body)

    async def answer_json(self, status: int, document: Any, headers: Mapping[str, str] | None = None) -> None:
        """A proper response with a JSON document."""
        await self.answer(status, json.dumps(document).encode(), "application/json", headers)

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        """The status line and the headers, whatever they promise."""
        lines = [f"HTTP/1.1 {status} {phrase(status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def send(self, data: bytes) -> None:
        """Raw bytes; raises ConnectionError once the client is gone."""
        self.writer.write(data)
        await self.writer.drain()

    async def until_gone(self) -> None:
        """Wait for the client to hang up. What it sends meanwhile is lost."""
        self.keep_alive = False
        while await self.reader.read(65536):
            pass

    def reset(self) -> None:
        """Slam the door: the client sees a TCP reset instead of an end."""
        self.keep_alive = False
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def phrase(status: int) -> str:
    """What a status is called; also for numbers nobody has given a name."""
    return responses.get(status, "Unheard Of")


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, respond: Respond) -> None:
    """Answer a connection's requests one after the other until either side has enough."""
    try:
        while exchange := await _read(reader, writer):
            await respond(exchange)
            if not exchange.keep_alive:
                break
    except MalformedRequest as error:
        refusal = Exchange("", "", {}, b"", reader, writer)
        with contextlib.suppress(ConnectionError):
            await refusal.answer_json(HTTPStatus.BAD_REQUEST, {"error": str(error)}, {"connection": "close"})
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # clients hang up in the middle; that is what deadlines do
    except asyncio.CancelledError:
        writer.transport.abort()  # a polite close waits for a client that may never read the rest
        raise
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange | None:
    """The next request, or None when the client has said everything."""
    line = await _line(reader)
    if not line:
        return None
    words = line.split(" ")
    if len(words) != 3:
        raise MalformedRequest("not an HTTP request line")
    headers: dict[str, str] = {}
    while line := await _line(reader):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_REQUEST_BYTES or "transfer-encoding" in headers:
        raise MalformedRequest("the body needs a Content-Length of at most 1 MiB")
    body = await reader.readexactly(int(length))
    keep_alive = headers.get("connection", "").lower() != "close"
    return Exchange(words[0], words[1], headers, body, reader, writer, keep_alive)


async def _line(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readline()).decode("latin-1").strip("\r\n")
    except ValueError:  # how a stream reader says that a line is longer than its buffer
        raise MalformedRequest("a header line is too long") from None
