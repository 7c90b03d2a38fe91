"""Looking after many keys at once: count them, see what they are, find those that would stay, drop some.

Only our own keys are touched: a pattern begins with our prefix, letter for letter, or is refused. Redis
serves others meanwhile, because it is asked for some hundred keys at a time and frees memory beside its work.
A walk still passes every key of the database, so it is nothing for a health check.

Keys that come or go during a walk may be missed, and while Redis enlarges its table one may be seen twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from redis.asyncio.client import Pipeline

from memebattle.store.redis import PREFIX, RedisStore, StoreAway

BATCH = 500  # keys in one round trip
ALL = PREFIX + "*"


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was dropped, or would be."""

    keys: int
    bytes: int
    """The memory they took."""
    complete: bool
    """False when Redis went away on the way; what is counted here was dropped all the same."""


class Housekeeping:
    """Walks over our keys. None, or an incomplete end, says that Redis is away."""

    def __init__(self, store: RedisStore, batch: int = BATCH) -> None:
        self._store, self._batch = store, batch

    async def count(self, pattern: str) -> int | None:
        """How many keys match; None when Redis is away.

        Raises:
            ValueError: the pattern does not begin with our prefix, or ends there.
        """
        pattern = _ours(pattern)
        try:
            return sum([len(keys) async for keys in self._walk(pattern)])
        except StoreAway:
            return None

    async def delete(self, pattern: str, *, dry_run: bool = True) -> Deleted:
        """Drop the keys that match, or only say how many that would be.

        Raises:
            ValueError: the pattern does not begin with our prefix, or ends there.
        """
        pattern, number, size = _ours(pattern), 0, 0
        try:
            async for keys in self._walk(pattern):
                sizes = await self._of_each(keys, lambda pipe, key: pipe.memory_usage(key))
                there = sizes if dry_run else await self._of_each(keys, lambda pipe, key: pipe.unlink(key))
                number += sum(map(bool, there))
                size += sum(taken or 0 for taken, was in zip(sizes, there, strict=True) if was)
        except StoreAway:
            return Deleted(number, size, complete=False)
        return Deleted(number, size, complete=True)

    async def kinds(self) -> dict[str, int] | None:
        """How many keys there are of each kind, the word after our prefix; None when Redis is away."""
        kinds: Counter[str] = Counter()
        try:
            async for keys in self._walk(ALL):
                kinds.update(_kind(key) for key in keys)
        except StoreAway:
            return None
        return dict(kinds)

    async def without_ttl(self) -> list[str] | None:
        """Keys that would stay for ever: there should be none. None when Redis is away."""
        found: list[str] = []
        try:
            async for keys in self._walk(ALL):
                ttls = await self._of_each(keys, lambda pipe, key: pipe.pttl(key))
                found += [_text(key) for key, ttl in zip(keys, ttls, strict=True) if ttl == -1]
        except StoreAway:
            return None
        return found

    async def _walk(self, pattern: str) -> AsyncIterator[list[bytes]]:
        """The keys that match, some at a time.

        Raises:
            StoreAway: on the way.
        """
        cursor = 0
        while True:
            cursor, keys = await self._store.do(partial(self._scan, cursor, pattern))
            if keys:
                yield keys
            if not cursor:
                return

    async def _scan(self, cursor: int, pattern: str) -> Any:
        return await self._store.client.scan(cursor, match=pattern, count=self._batch)

    async def _of_each(self, keys: list[bytes], ask: Callable[[Pipeline, bytes], object]) -> list[int | None]:
        """What Redis answers for each key, in one round trip."""

        async def asked() -> list[int | None]:
            async with self._store.client.pipeline(transaction=False) as pipe:
                for key in keys:
                    ask(pipe, key)
                return await pipe.execute()

        answers: list[int | None] = await self._store.do(asked)
        return answers


def _ours(pattern: str) -> str:
    if not pattern.startswith(PREFIX) or pattern == PREFIX:
        raise ValueError(f"a pattern begins with {PREFIX!r} and goes on, {pattern!r} does not")
    return pattern


def _kind(key: bytes) -> str:
    return _text(key).removeprefix(PREFIX).partition(":")[0]


def _text(key: bytes) -> str:
    return key.decode(errors="replace")
