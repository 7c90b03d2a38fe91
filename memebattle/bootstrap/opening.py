"""How the things are opened that both roles share, each closed by the stack it was opened on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from memebattle.bootstrap.wiring import Wiring
from memebattle.bus.broker import HardenedBroker
from memebattle.generation.ports import Cache
from memebattle.priority.ports import Figures
from memebattle.settings import Settings
from memebattle.store.cache import MemoryCache, RedisCache, TieredCache
from memebattle.store.documents import Kind, RedisDocuments
from memebattle.store.flights import RedisFlights
from memebattle.store.redis import RedisStore
from memebattle.store.rollup import Rollup

MIB = 1024 * 1024
STATS_TTL = 300.0  # seconds
FLUSH = 5.0  # seconds between two additions to the figures of a minute
DAY = 24 * 3600.0  # seconds; as long as the streams keep requests and answers


def open_rollup(stack: contextlib.AsyncExitStack, wiring: Wiring, store: RedisStore) -> Rollup:
    """Figures by the minute over all replicas; the last ones are sent when the stack closes."""
    rollup = Rollup(store, ttl=wiring.settings.cache.metrics_ttl)
    stack.push_async_callback(rollup.flush)
    stack.push_async_callback(ended, asyncio.create_task(rollup.keep_flushing(FLUSH)))
    return rollup


def open_documents(wiring: Wiring, store: RedisStore, figures: Figures) -> RedisDocuments:
    """What priority caches; `CACHE_ENABLED=false` keeps notes of where a task stands, and nothing else."""
    cache, metrics = wiring.settings.cache, wiring.metrics.priority
    cached: dict[Kind, float] = {
        "result": cache.results_ttl,
        "suggestions": cache.suggestions_ttl,
        "session": cache.sessions_ttl,
    }
    ttls: dict[Kind, float] = {**(cached if cache.enabled else {}), "stats": STATS_TTL, "temp": DAY}

    def count(kind: str, outcome: str) -> None:
        metrics.cache_lookups.labels(kind, outcome).inc()
        figures.add(f"{kind}_{outcome}")

    return RedisDocuments(store, ttls, cache.max_size, on_lookup=count)


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
