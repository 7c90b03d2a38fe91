"""Redis Pub/Sub channels, as the system before NATS used them: heard by whoever listens, kept by nobody.

Every replica hears every message, so what must happen once among them is agreed on by a mark in Redis.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection

from redis.exceptions import RedisError

from memebattle.store.redis import PREFIX, RedisStore, StoreAway

PAUSE = 0.5  # seconds until a Redis that was away is tried again
TRIES = 6  # of telling something; what nobody could be told for three seconds is lost, as ever on a channel
LISTEN = 30.0  # seconds of one look for messages

type Hear = Callable[[str, bytes], Awaitable[None]]


class RedisChannels:
    """Channels of the shared Redis."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def listen(self, channels: Collection[str], hear: Hear, ready: Callable[[], object]) -> None:
        """Call `hear` with channel and body, for ever, over every loss of Redis; `ready` when listening."""
        while True:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await self._listen_once(channels, hear, ready)
            await asyncio.sleep(PAUSE)

    async def tell(self, channel: str, body: bytes) -> bool:
        """Publish; False when Redis stays away. A busy one is tried again, and may say a thing twice."""
        for left in reversed(range(TRIES)):
            try:
                await self._store.do(lambda: self._store.client.publish(channel, body))
            except StoreAway:
                if left:
                    await asyncio.sleep(PAUSE)
            else:
                return True
        return False

    async def first(self, name: str, seconds: float) -> bool:
        """Whether this is the first one of that name within so many seconds; yes while Redis is away."""

        def mark() -> Awaitable[object]:
            return self._store.client.set(
                f"{PREFIX}temp:first:{name}", b"1", nx=True, px=round(seconds * 1000)
            )

        try:
            return bool(await self._store.do(mark))
        except StoreAway:
            return True

    async def _listen_once(self, channels: Collection[str], hear: Hear, ready: Callable[[], object]) -> None:
        async with self._store.client.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(*channels)
            ready()
            while True:
                message = await pubsub.get_message(timeout=LISTEN)
                if message is not None:
                    await hear(message["channel"].decode(), message["data"])


class MemoryChannels:
    """The in-memory twin: `say` is somebody else's publish, `told` is what we said."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bytes]] = []
        self._hear: dict[str, Hear] = {}
        self._marks: set[str] = set()

    async def listen(self, channels: Collection[str], hear: Hear, ready: Callable[[], object]) -> None:
        self._hear.update(dict.fromkeys(channels, hear))
        ready()
        await asyncio.Event().wait()

    async def say(self, channel: str, body: bytes) -> None:
        await self._hear[channel](channel, body)

    async def tell(self, channel: str, body: bytes) -> bool:
        self.told.append((channel, body))
        return True

    async def first(self, name: str, seconds: float) -> bool:  # noqa: ARG002 - the port's
        is_first = name not in self._marks
        self._marks.add(name)
        return is_first
