"""Connections that try what they may do, and hear what the server says about it.

A refusal of nats-server arrives before the PONG of a following PING, so a flush is all the waiting there is.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import nats
from nats.aio.client import Client

from tests.integration.permissions import Check


@dataclass(slots=True)
class Visitor:
    """A connection and what the server complained about."""

    client: Client
    complaints: list[str]

    async def may(self, check: Check) -> bool:
        """Try it; whether the server let it pass."""
        self.complaints.clear()
        if check.verb == "publish":
            # nobody listens on this server and no stream is there: whatever passes changes nothing
            await self.client.publish(check.subject, b"?")
        else:
            subject, _, queue = check.subject.partition(" ")
            await self.client.subscribe(subject, queue=queue, cb=_ignore)
        await settled(self.client)
        return not any("permissions violation" in complaint for complaint in self.complaints)


@contextlib.asynccontextmanager
async def visiting(url: str, inbox: str = "_INBOX") -> AsyncIterator[Visitor]:
    """Connected for the length of the block."""
    complaints: list[str] = []

    async def note(error: Exception) -> None:
        complaints.append(str(error))

    client = await nats.connect(url, error_cb=note, allow_reconnect=False, inbox_prefix=inbox.encode())
    try:
        yield Visitor(client, complaints)
    finally:
        await client.close()


async def settled(client: Client) -> None:
    """Everything we said was heard, and everything said to us before is here."""
    await client.flush()  # nats-py sends this PING ahead of what is still in its buffer
    await client.flush()


def hello(credentials: dict[str, str]) -> bytes:
    """What a client says first, by hand: nats-py does not give its connection back after a refusal."""
    return b"CONNECT " + json.dumps({"verbose": False, **credentials}).encode() + b"\r\nPING\r\n"


async def _ignore(_: object) -> None:
    """Heard, and that is all."""
