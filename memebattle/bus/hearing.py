"""Core messages for somebody who is no handler: heard by one of a group, or by all, past FastStream."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from memebattle.kit.bell import Bell

type Wait = Callable[[float], Awaitable[bool]]


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


class News(Protocol):
    """Somewhere to hear that there is news; what it is has to be looked up."""

    def heard(self, subject: str) -> AbstractAsyncContextManager[Wait]:
        """Listen; the yielded function says within so many seconds whether something was said.

        Raises:
            nats.errors.Error: NATS is out of reach.
        """
        ...


@dataclass(frozen=True, slots=True)
class CoreNews:
    """Plain subscriptions of this connection."""

    connection: Callable[[], Client]

    @contextlib.asynccontextmanager
    async def heard(self, subject: str) -> AsyncIterator[Wait]:
        """See the port."""
        bell = Bell()

        async def ring(_: Msg) -> None:
            bell.ring()

        subscription = await self.connection().subscribe(subject, cb=ring)
        try:
            yield _waiting(bell)
        finally:
            with contextlib.suppress(nats.errors.Error, OSError):  # the connection is gone, and it too
                await subscription.unsubscribe()


@dataclass(slots=True)
class MemoryNews:
    """The in-memory twin."""

    bells: dict[str, list[Bell]] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def heard(self, subject: str) -> AsyncIterator[Wait]:
        bell = Bell()
        self.bells.setdefault(subject, []).append(bell)
        try:
            yield _waiting(bell)
        finally:
            self.bells[subject].remove(bell)

    def say(self, subject: str) -> int:
        """Something was said; how many listen."""
        bells = self.bells.get(subject, [])
        for bell in bells:
            bell.ring()
        return len(bells)


def _waiting(bell: Bell) -> Wait:
    async def wait(seconds: float) -> bool:
        has_rung = await bell.rung_within(seconds)
        bell.hush()
        return has_rung

    return wait
