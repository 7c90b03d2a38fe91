"""Which pods hold a connection of which session, so that a chunk travels only to where it is read.

    mb:session:{id}   sorted set of "{pod}/{connection}", each scored with the unix millisecond it expires at

A pod refreshes its connections with every heartbeat; one that dies is forgotten when its entries expire.
Expiry is a score and not only the key's TTL, because a session may have connections on several pods. Time is
Redis's own (TIME in the scripts): the clocks of pods differ, and an entry must not live longer for it.

Every script touches one key, so no hash tag is needed to keep keys together. A refresh sends some hundreds of
them in one pipeline to one node; on a Redis cluster it would have to be split by the keys' nodes. A tag that
all sessions share would put them all on one node, which is what a cluster is meant to avoid.

The registry makes delivery cheaper, never possible: who hears that Redis is away broadcasts instead.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import batched

from memebattle.store.redis import PREFIX, RedisStore, StoreAway

BATCH = 250  # connections refreshed in one round trip; it holds the event loop for a few milliseconds

type Entry = tuple[str, str]  # a session's id and a connection's

_REFRESH = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local added = 0
for i = 2, #ARGV do added = added + redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
-- never shortened: while a deployment changes the TTL, other pods' entries live longer than ours
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return added
"""
_MEMBERS = """
local clock = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', clock[1] * 1000 + math.floor(clock[2] / 1000))
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""


class RedisSessions:
    """The registry that all pods share. `ttl`: seconds a connection stays registered without a refresh."""

    def __init__(self, store: RedisStore, ttl: float) -> None:
        self._store, self._ttl_ms = store, max(1, round(ttl * 1000))
        self._refresh = store.client.register_script(_REFRESH)
        self._members = store.client.register_script(_MEMBERS)
        self._untold: set[Entry] = set()

    async def register(self, pod_id: str, entries: Sequence[Entry]) -> frozenset[str] | None:
        """Add or refresh these connections; None when Redis is away.

        Returns the sessions of which a connection was new or had expired: while it was not registered,
        chunks may have gone elsewhere, and the pod must look what it missed. An entry whose refresh failed
        may have been written all the same, so the next success reports it too.
        """
        fresh: set[Entry] = set()
        for batch in batched(entries, BATCH):
            try:
                fresh |= await self._store.do(partial(self._refresh_batch, pod_id, batch))
            except StoreAway:
                self._untold |= fresh.union(batch)
                return None
        fresh |= self._untold.intersection(entries)
        self._untold.difference_update(entries)
        return frozenset(session for session, _ in fresh)

    async def unregister(self, pod_id: str, session_id: str, connection_id: str) -> None:
        """Forget a connection; when Redis is away, it expires.

        A refresh under way may write it once more. It expires then too, and its pod ignores what comes.
        """
        self._untold.discard((session_id, connection_id))
        key, member = _key(session_id), _member(pod_id, connection_id)
        try:
            await self._store.do(lambda: self._store.client.zrem(key, member))
        except StoreAway:
            return

    async def pods(self, session_id: str) -> frozenset[str] | None:
        """The pods that hold a connection now; None when Redis is away."""
        try:
            members: list[bytes] = await self._store.do(lambda: self._members([_key(session_id)]))
        except StoreAway:
            return None
        return frozenset(_pod(member.decode()) for member in members)

    async def _refresh_batch(self, pod_id: str, batch: Iterable[Entry]) -> set[Entry]:
        """Refresh in one round trip; the entries of sessions that got a new member."""
        connections: defaultdict[str, list[str]] = defaultdict(list)
        for session_id, connection_id in batch:
            connections[session_id].append(connection_id)
        async with self._store.client.pipeline(transaction=False) as pipe:
            # loaded every time: Redis may have been restarted, and asking first is a round trip more
            pipe.script_load(_REFRESH)
            for session_id, ids in connections.items():
                members = [_member(pod_id, connection_id) for connection_id in ids]
                pipe.evalsha(self._refresh.sha, 1, _key(session_id), self._ttl_ms, *members)
            _, *added = await pipe.execute()
        return {
            (session_id, connection_id)
            for (session_id, ids), count in zip(connections.items(), added, strict=True)
            if count
            for connection_id in ids
        }


def _key(session_id: str) -> str:
    return f"{PREFIX}session:{session_id}"


def _member(pod_id: str, connection_id: str) -> str:
    return f"{pod_id}/{connection_id}"


def _pod(member: str) -> str:
    # pod ids are tokens of subjects, in which no slash can be
    return member.partition("/")[0]


class MemorySessions:
    """The in-memory twin, for one process; it is never away."""

    def __init__(self, ttl: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl, self._clock = ttl, clock
        self._expiries: defaultdict[str, dict[str, float]] = defaultdict(dict)

    async def register(self, pod_id: str, entries: Sequence[Entry]) -> frozenset[str] | None:
        fresh = set()
        for session_id, connection_id in entries:
            live, member = self._live(session_id), _member(pod_id, connection_id)
            if member not in live:
                fresh.add(session_id)
            live[member] = self._clock() + self._ttl
        return frozenset(fresh)

    async def unregister(self, pod_id: str, session_id: str, connection_id: str) -> None:
        self._live(session_id).pop(_member(pod_id, connection_id), None)

    async def pods(self, session_id: str) -> frozenset[str] | None:
        return frozenset(_pod(member) for member in self._live(session_id))

    def _live(self, session_id: str) -> dict[str, float]:
        now, members = self._clock(), self._expiries[session_id]
        for member in [member for member, expires in members.items() if expires <= now]:
            del members[member]
        return members
