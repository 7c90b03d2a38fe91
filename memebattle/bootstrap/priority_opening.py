"""How the things of priority are opened that both roles share."""

from __future__ import annotations

import asyncio
import contextlib

from memebattle.bootstrap.opening import DAY, ended
from memebattle.bootstrap.wiring import Wiring
from memebattle.priority.ports import Figures
from memebattle.store.documents import Kind, RedisDocuments
from memebattle.store.redis import RedisStore
from memebattle.store.rollup import Rollup

STATS_TTL = 300.0  # seconds
FLUSH = 5.0  # seconds between two additions to the figures of a minute


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
