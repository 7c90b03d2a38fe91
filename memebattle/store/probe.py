"""How Redis is, measured now. Keys are counted by Redis itself: nobody looks through them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from memebattle.kit.figures import RedisFigures
from memebattle.store.redis import RedisStore


@dataclass(frozen=True, slots=True)
class RedisProbe:
    """Measures the Redis behind a store."""

    store: RedisStore
    clock: Callable[[], float] = time.perf_counter

    async def look(self) -> RedisFigures:
        """What it says about itself.

        Raises:
            StoreAway: it does not answer in time.
        """
        began = self.clock()
        await self.store.do(self.store.client.ping)
        seconds = self.clock() - began
        info = await self.store.do(lambda: self.store.client.info("server", "memory", "keyspace"))
        database = self.store.client.connection_pool.connection_kwargs.get("db", 0)
        return _figures(info, database, seconds * 1000)


def _figures(info: Mapping[str, Any], database: int, ping_ms: float) -> RedisFigures:
    return RedisFigures(
        product=str(info.get("server_name", "redis")),
        # the others say which version of Redis they stand in for, too
        version=str(info.get("valkey_version") or info["redis_version"]),
        ping_ms=ping_ms,
        uptime_seconds=info["uptime_in_seconds"],
        used_memory=info["used_memory"],
        max_memory=info["maxmemory"] or None,
        keys=info.get(f"db{database}", {}).get("keys", 0),
    )


class MemoryRedisProbe:
    """The in-memory twin: all is well, or it fails."""

    def __init__(self) -> None:
        self.failure: Exception | None = None

    async def look(self) -> RedisFigures:
        if self.failure is not None:
            raise self.failure
        return RedisFigures(
            product="valkey",
            version="9.0.0",
            ping_ms=0.3,
            uptime_seconds=60,
            used_memory=1024 * 1024,
            max_memory=None,
            keys=0,
        )
