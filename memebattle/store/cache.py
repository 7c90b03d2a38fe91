"""Bytes by key: in process, in Redis, or both in front of each other.

A cache never fails a request: what cannot be read is a miss, what cannot be written is forgotten.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from memebattle.store.redis import PREFIX, RedisStore, StoreAway


class MemoryCache:
    """The twin for tests and the tier in front of Redis: least recently used goes first, sizes in bytes."""

    def __init__(
        self,
        ttl: float,
        limit_bytes: int = 64 * 1024 * 1024,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttl, self._limit, self._clock = ttl, limit_bytes, clock
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._size = 0

    async def get(self, key: str) -> bytes | None:
        expires, value = self._entries.get(key, (0.0, b""))
        if expires <= self._clock():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return value

    async def put(self, key: str, value: bytes) -> None:
        self._drop(key)
        if len(value) > self._limit or self._ttl <= 0:
            return
        self._entries[key] = (self._clock() + self._ttl, value)
        self._size += len(value)
        while self._size > self._limit:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: str) -> None:
        _, value = self._entries.pop(key, (0.0, b""))
        self._size -= len(value)


class RedisCache:
    """Shared by all replicas."""

    def __init__(self, store: RedisStore, ttl: float) -> None:
        self._store, self._ttl = store, ttl

    async def get(self, key: str) -> bytes | None:
        if self._ttl <= 0:
            return None
        try:
            value: bytes | None = await self._store.do(lambda: self._store.client.get(PREFIX + key))
        except StoreAway:
            return None
        return value

    async def put(self, key: str, value: bytes) -> None:
        if self._ttl <= 0:
            return
        try:
            await self._store.do(
                lambda: self._store.client.set(PREFIX + key, value, px=max(1, round(self._ttl * 1000)))
            )
        except StoreAway:
            return


class TieredCache:
    """Memory in front of Redis; `near` is filled on the way back."""

    def __init__(self, near: MemoryCache, far: RedisCache | MemoryCache) -> None:
        self._near, self._far = near, far

    async def get(self, key: str) -> bytes | None:
        if (value := await self._near.get(key)) is not None:
            return value
        if (value := await self._far.get(key)) is not None:
            await self._near.put(key, value)
        return value

    async def put(self, key: str, value: bytes) -> None:
        await self._near.put(key, value)
        await self._far.put(key, value)
