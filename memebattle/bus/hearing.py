"""Core messages for somebody who is no handler: heard by one member of a group, past FastStream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from nats.aio.client import Client
from nats.aio.msg import Msg

LOOK = 0.1  # seconds between looks for a connection that is still being made


async def hear_as_group(
    connection: Callable[[], Client],
    connected: Callable[[], bool],
    subject: str,
    group: str,
    hear: Callable[[bytes], Awaitable[None]],
) -> None:
    """Call `hear` with each body, until cancelled. The client subscribes again after every reconnection."""
    while not connected():  # noqa: ASYNC110 - once in a process's life
        await asyncio.sleep(LOOK)

    async def on_message(message: Msg) -> None:
        await hear(message.data)

    subscription = await connection().subscribe(subject, queue=group, cb=on_message)
    try:
        await asyncio.Event().wait()
    finally:
        if connected():
            await subscription.unsubscribe()
