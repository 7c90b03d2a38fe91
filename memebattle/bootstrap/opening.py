"""How the things are opened that both roles share, each closed by the stack it was opened on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from memebattle.bootstrap.wiring import Wiring
from memebattle.bus.broker import HardenedBroker
from memebattle.generation.ports import Cache
from memebattle.settings import Settings
from memebattle.store.cache import MemoryCache, RedisCache, TieredCache
from memebattle.store.flights import RedisFlights
from memebattle.store.redis import RedisStore

MIB = 1024 * 1024
DAY = 24 * 3600.0  # seconds; as long as the streams keep requests and answers


@contextlib.asynccontextmanager
async def connecting(broker: HardenedBroker) -> AsyncIterator[None]:
    """Connect in the background for as long as it takes; disconnect at the end."""
    task = asyncio.create_task(broker.start())
    try:
        yield
    finally:
        await ended(task)
        await broker.stop()


async def open_store(stack: contextlib.AsyncExitStack, wiring: Wiring) -> RedisStore:
    """Redis, watched."""
    store = RedisStore(wiring.settings.redis, wiring.metrics)
    stack.push_async_callback(store.aclose)
    wiring.health.optional["redis"] = lambda: store.up
    stack.push_async_callback(ended, asyncio.create_task(store.keep_watch()))
    return store


def opened(store: RedisStore | None) -> RedisStore:
    """The store, which is opened whenever a part needs it."""
    assert store is not None  # noqa: S101 - see above
    return store


def open_flights(stack: contextlib.AsyncExitStack, store: RedisStore, lease: float) -> RedisFlights:
    """Flights, listening for landings."""
    flights = RedisFlights(store, lease)
    stack.push_async_callback(ended, asyncio.create_task(flights.listen()))
    return flights


def image_cache(settings: Settings, store: RedisStore) -> Cache:
    """Images, near and far."""
    ttl = settings.redis.cache_ttl
    near = MemoryCache(ttl, settings.redis.memory_cache_mb * MIB)
    return TieredCache(near, RedisCache(store, ttl))


def asked_cache(store: RedisStore) -> Cache:
    """Which requests were accepted here, for as long as they may be waiting."""
    return TieredCache(MemoryCache(DAY, 4 * MIB), RedisCache(store, DAY))


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a background task and wait for its end."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
