"""What priority keeps for a while: results, suggestions, sessions, statistics and passing notes, as bytes.

    mb:pr:{key}         kind "result"
    mb:suggest:{key}    kind "suggestions"
    mb:psession:{key}   kind "session"; what a client of REST did lately ("session:" belongs to chat)
    mb:stats:{key}      kind "stats"
    mb:temp:{key}       kind "temp"
    ...:{key}/items     a list of that kind, newest first; keys are tokens and digests, which have no slash

Every kind has its own time to live; 0 switches it off. Nothing here is needed for correctness: what cannot be
read is a miss, what cannot be written is forgotten, and so is what is too large.

Redis counts hits and misses of everything that anybody stores there, locks and limits included; these are
counted where they happen, by kind, and an error is told apart from a miss.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from redis.asyncio.client import Pipeline

from memebattle.store.redis import PREFIX, RedisStore, StoreAway

type Kind = Literal["result", "suggestions", "session", "stats", "temp"]

PREFIXES: Mapping[Kind, str] = {
    "result": "pr:",
    "suggestions": "suggest:",
    "session": "psession:",
    "stats": "stats:",
    "temp": "temp:",
}


@dataclass(frozen=True, slots=True)
class Counts:
    """How this process's lookups ended; of many keys at once, each is a lookup."""

    hits: int
    misses: int
    errors: int
    """Lookups that Redis did not answer."""


def _tell_nobody(kind: str, outcome: str) -> None:
    """Nobody listens."""


class RedisDocuments:
    """Documents that all replicas share.

    `ttls`: seconds by kind, a missing kind is switched off; `max_bytes`: of one value; `on_lookup`: told the
    kind and the outcome of every lookup: hit, miss or error.
    """

    def __init__(
        self,
        store: RedisStore,
        ttls: Mapping[Kind, float],
        max_bytes: int,
        on_lookup: Callable[[str, str], None] = _tell_nobody,
    ) -> None:
        self._store, self._ttls, self._max_bytes = store, ttls, max_bytes
        self._tally = _Tally(on_lookup)

    def counts(self) -> Mapping[Kind, Counts]:
        """Since this process began."""
        return self._tally.counts()

    async def get(self, kind: Kind, key: str) -> bytes | None:
        return (await self.get_many(kind, [key])).get(key)

    async def get_many(self, kind: Kind, keys: Iterable[str]) -> dict[str, bytes]:
        """Those that are there, in one round trip."""
        wanted = list(dict.fromkeys(keys))
        if not wanted or not self._on(kind):
            return {}
        names = [_name(kind, key) for key in wanted]
        values: Sequence[bytes | None] | None = await self._try(lambda: self._store.client.mget(names))
        if values is None:
            self._tally.note(kind, "error", len(wanted))
            return {}
        found = {key: value for key, value in zip(wanted, values, strict=True) if value is not None}
        self._tally.note_found(kind, len(found), len(wanted))
        return found

    async def put(self, kind: Kind, key: str, value: bytes) -> None:
        """Keep a value. One that is too large is not kept, nor is the one it would have replaced."""
        await self.put_many(kind, {key: value})

    async def put_many(self, kind: Kind, values: Mapping[str, bytes]) -> None:
        """Keep several, in one round trip."""
        if not values or not self._on(kind):
            return

        def add(pipe: Pipeline) -> None:
            for key, value in values.items():
                if len(value) > self._max_bytes:
                    pipe.unlink(_name(kind, key))
                else:
                    pipe.set(_name(kind, key), value, px=self._ttl_ms(kind))

        await self._try(lambda: self._send(add))

    async def delete(self, kind: Kind, key: str) -> None:
        """Forget the value and the list of this key; while Redis is away, they end with their TTL."""
        name = _name(kind, key)
        await self._try(lambda: self._store.client.unlink(name, _list_name(kind, key)))

    async def push(self, kind: Kind, key: str, value: bytes, limit: int) -> None:
        """Put a value before the others of a list, which keeps `limit` of them and lives on from now."""
        if len(value) > self._max_bytes or not self._on(kind):
            return
        name = _list_name(kind, key)

        def add(pipe: Pipeline) -> None:
            pipe.lpush(name, value)
            pipe.ltrim(name, 0, limit - 1)
            pipe.pexpire(name, self._ttl_ms(kind))

        # all or nothing: a list without a time to live would stay for ever
        await self._try(lambda: self._send(add, transaction=True))

    async def items(self, kind: Kind, key: str) -> list[bytes]:
        """What was pushed, newest first; an empty list is a miss."""
        if not self._on(kind):
            return []
        items: list[bytes] | None = await self._try(
            lambda: self._store.client.lrange(_list_name(kind, key), 0, -1)
        )
        if items is None:
            self._tally.note(kind, "error", 1)
            return []
        self._tally.note_found(kind, min(1, len(items)), 1)
        return items

    async def _send(self, add: Callable[[Pipeline], None], *, transaction: bool = False) -> object:
        async with self._store.client.pipeline(transaction=transaction) as pipe:
            add(pipe)
            return await pipe.execute()

    async def _try(self, operation: Callable[[], Awaitable[Any]]) -> Any:
        """What Redis says; None when it is away."""
        try:
            return await self._store.do(operation)
        except StoreAway:
            return None

    def _on(self, kind: Kind) -> bool:
        return self._ttls.get(kind, 0) > 0

    def _ttl_ms(self, kind: Kind) -> int:
        return max(1, round(self._ttls[kind] * 1000))


def _name(kind: Kind, key: str) -> str:
    return f"{PREFIX}{PREFIXES[kind]}{key}"


def _list_name(kind: Kind, key: str) -> str:
    return f"{_name(kind, key)}/items"


class _Tally:
    """Counts lookups and tells of them."""

    def __init__(self, on_lookup: Callable[[str, str], None]) -> None:
        self._on_lookup = on_lookup
        self._times: Counter[tuple[Kind, str]] = Counter()

    def counts(self) -> dict[Kind, Counts]:
        return {
            kind: Counts(*(self._times[kind, outcome] for outcome in ("hit", "miss", "error")))
            for kind in PREFIXES
        }

    def note_found(self, kind: Kind, found: int, wanted: int) -> None:
        self.note(kind, "hit", found)
        self.note(kind, "miss", wanted - found)

    def note(self, kind: Kind, outcome: str, times: int) -> None:
        self._times[kind, outcome] += times
        for _ in range(times):
            self._on_lookup(kind, outcome)


class MemoryDocuments:
    """The in-memory twin, for one process; it is never away."""

    def __init__(
        self,
        ttls: Mapping[Kind, float],
        max_bytes: int,
        on_lookup: Callable[[str, str], None] = _tell_nobody,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttls, self._max_bytes, self._clock = ttls, max_bytes, clock
        self._tally = _Tally(on_lookup)
        self._kept: dict[str, tuple[float, list[bytes]]] = {}  # a value is a list of one

    def counts(self) -> Mapping[Kind, Counts]:
        return self._tally.counts()

    async def get(self, kind: Kind, key: str) -> bytes | None:
        return (await self.get_many(kind, [key])).get(key)

    async def get_many(self, kind: Kind, keys: Iterable[str]) -> dict[str, bytes]:
        if self._ttls.get(kind, 0) <= 0:
            return {}
        wanted = dict.fromkeys(keys)
        found = {key: values[0] for key in wanted if (values := self._live(_name(kind, key)))}
        self._tally.note_found(kind, len(found), len(wanted))
        return found

    async def put(self, kind: Kind, key: str, value: bytes) -> None:
        await self.put_many(kind, {key: value})

    async def put_many(self, kind: Kind, values: Mapping[str, bytes]) -> None:
        for key, value in values.items():
            self._keep(kind, _name(kind, key), [value] if len(value) <= self._max_bytes else [])

    async def delete(self, kind: Kind, key: str) -> None:
        for name in (_name(kind, key), _list_name(kind, key)):
            self._kept.pop(name, None)

    async def push(self, kind: Kind, key: str, value: bytes, limit: int) -> None:
        if len(value) <= self._max_bytes:
            name = _list_name(kind, key)
            self._keep(kind, name, [value, *self._live(name)][:limit])

    async def items(self, kind: Kind, key: str) -> list[bytes]:
        if self._ttls.get(kind, 0) <= 0:
            return []
        items = self._live(_list_name(kind, key))
        self._tally.note_found(kind, min(1, len(items)), 1)
        return items

    def _keep(self, kind: Kind, name: str, values: list[bytes]) -> None:
        self._kept[name] = (self._clock() + self._ttls.get(kind, 0), values)

    def _live(self, name: str) -> list[bytes]:
        expires, values = self._kept.get(name, (0.0, []))
        return list(values) if expires > self._clock() else []
