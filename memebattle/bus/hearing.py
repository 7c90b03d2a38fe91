"""Core messages for somebody who is no handler: heard by one member of a group, past FastStream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nats.aio.client import Client
from nats.aio.msg import Msg


async def hear_as_group(
    client: Client, subject: str, group: str, hear: Callable[[bytes], Awaitable[None]]
) -> None:
    """Call `hear` with each body for as long as the connection lives, over every reconnection."""

    async def on_message(message: Msg) -> None:
        await hear(message.data)

    await client.subscribe(subject, queue=group, cb=on_message)
    # twice: nats-py sends the PING of a flush ahead of what it has buffered, so the first is no barrier
    await client.flush()
    await client.flush()
