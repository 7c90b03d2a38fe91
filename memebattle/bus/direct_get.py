"""Batched direct get (ADR-31): many stored messages for one request. nats-py has no method for it.

The request names a first sequence, a subject and a number; the stored messages come back on an inbox, one by
one, then an empty message with status 204. Any replica may answer, so it works while a leader is elected, and
it may lag behind a moment. Nothing is left on the server when the reader dies.

Measured on a busy machine of two cores: 0.3 ms for one message, 50 microseconds each for 256. An ordered
consumer took 4 to 25 ms for one, and 100 microseconds each for 256. The server searches: a page of a memory
stream costs about 0.1 ms per 1000 messages of anybody between its first sequence and the end of the stream,
and nobody writes meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import APIError

STORED_AT = "Nats-Sequence"


@dataclass(frozen=True, slots=True)
class Batch:
    """Stored messages in a row, with the server's `Nats-` headers; `reached` is the last one's sequence."""

    messages: list[Msg]
    reached: int


@dataclass(frozen=True, slots=True)
class DirectGet:
    """Reads one stream, which has to have `allow_direct`. The caller bounds the time."""

    connection: Callable[[], Client]
    stream: str
    domain: str = ""  # of JetStream; empty = that of the server we are connected to

    async def last_sequence(self, subject: str, timeout: float) -> int:
        """The sequence of the subject's last message, 0 without one.

        Worth asking first: it is found by an index, while a memory stream searches all messages of everybody
        for a subject that it does not hold (measured: 7 ms for 100 000).

        Raises:
            nats.errors.Error: nobody answers.
        """
        question = json.dumps({"last_by_subj": subject}).encode()
        reply = await self.connection().request(self._address, question, timeout=timeout)
        return int((reply.headers or {}).get(STORED_AT, 0))

    async def batch(self, subject: str, first: int, limit: int, max_bytes: int) -> Batch | None:
        """Up to `limit` messages from sequence `first` on; None when there is none.

        `limit` is at least 1: for 0 the server sends one message, and no end. The message that crosses
        `max_bytes` is still sent.

        Raises:
            nats.errors.Error: the request was refused, or nobody answers. Silence is the caller's to bound.
        """
        return await self._ask(
            {"seq": first, "batch": limit, "max_bytes": max_bytes, "next_by_subj": subject}
        )

    async def last_of_each(self, subjects: list[str]) -> list[Msg]:
        """The last message of each of these subjects, by sequence; a subject without any has none.

        Raises:
            nats.errors.Error: the request was refused, or nobody answers. Silence is the caller's to bound.
        """
        found = await self._ask({"multi_last": subjects})
        return found.messages if found is not None else []

    async def _ask(self, wanted: dict[str, object]) -> Batch | None:
        client, messages = self.connection(), list[Msg]()
        end: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()

        async def on_reply(reply: Msg) -> None:
            headers = reply.headers or {}
            if STORED_AT in headers:  # a stored message, whatever status its own headers claim
                messages.append(reply)
            elif "Status" in headers and not end.done():
                end.set_result(headers)

        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox, cb=on_reply)
        try:
            await client.publish(self._address, json.dumps(wanted).encode(), inbox)
            headers = await end
        finally:
            with contextlib.suppress(nats.errors.Error, OSError):
                await subscription.unsubscribe()
        return _batch(messages, headers)

    @property
    def _address(self) -> str:
        api = f"$JS.{self.domain}.API" if self.domain else "$JS.API"
        return f"{api}.DIRECT.GET.{self.stream}"


def _batch(messages: list[Msg], end: dict[str, str]) -> Batch | None:
    match end["Status"]:
        case "204":  # end of batch
            return Batch(messages, int(end["Nats-Last-Sequence"]))
        case "404":  # no such message
            return None
        case status:  # 503: no such stream, or no direct get; 408: nonsense asked
            raise APIError(code=int(status), description="no messages")
