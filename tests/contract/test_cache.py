"""Caches in memory, in Redis, and one in front of the other."""

from __future__ import annotations

import pytest

from memebattle.generation.ports import Cache
from memebattle.kit.metrics import Metrics
from memebattle.store.cache import MemoryCache, RedisCache, TieredCache
from memebattle.store.redis import RedisStore
from tests.toys import Clock
from tests.waiting import wait_until

HOUR = 3600.0


def make(kind: str, request: pytest.FixtureRequest, ttl: float) -> Cache:
    clock = request.getfixturevalue("clock")
    if kind == "memory":
        return MemoryCache(ttl, clock=clock)
    far = RedisCache(request.getfixturevalue("redis_store"), ttl)
    return far if kind == "redis" else TieredCache(MemoryCache(ttl, clock=clock), far)


@pytest.fixture(params=["memory", "redis", "tiered"])
def cache(request: pytest.FixtureRequest) -> Cache:
    return make(request.param, request, HOUR)


@pytest.fixture(params=["memory", "redis", "tiered"])
def switched_off(request: pytest.FixtureRequest) -> Cache:
    """CACHE_TTL=0."""
    return make(request.param, request, 0)


async def test_what_was_put_is_found(cache: Cache) -> None:
    await cache.put("meme:1", b"\x00\xffpicture")

    assert await cache.get("meme:1") == b"\x00\xffpicture"
    assert await cache.get("meme:2") is None


async def test_the_last_value_stands(cache: Cache) -> None:
    await cache.put("meme:1", b"old")
    await cache.put("meme:1", b"new")

    assert await cache.get("meme:1") == b"new"


async def test_a_ttl_of_zero_keeps_nothing(switched_off: Cache) -> None:
    await switched_off.put("meme:1", b"picture")

    assert await switched_off.get("meme:1") is None


async def test_memory_forgets_after_its_ttl(clock: Clock) -> None:
    cache = MemoryCache(HOUR, clock=clock)
    await cache.put("meme:1", b"picture")
    clock.now += HOUR - 1

    assert await cache.get("meme:1") == b"picture"

    clock.now += 1

    assert await cache.get("meme:1") is None


async def test_redis_forgets_after_its_ttl(redis_store: RedisStore) -> None:
    cache = RedisCache(redis_store, 0.05)
    await cache.put("meme:1", b"picture")

    async def forgotten() -> bool:
        return await cache.get("meme:1") is None

    await wait_until(forgotten, "the key to expire")


async def test_memory_is_bounded_and_the_least_recently_used_goes_first(clock: Clock) -> None:
    cache = MemoryCache(HOUR, limit_bytes=10, clock=clock)
    await cache.put("a", b"1234")
    await cache.put("b", b"1234")
    await cache.get("a")
    await cache.put("c", b"1234")

    assert [await cache.get(key) for key in "abc"] == [b"1234", None, b"1234"]


async def test_replacing_a_value_does_not_count_it_twice(clock: Clock) -> None:
    cache = MemoryCache(HOUR, limit_bytes=10, clock=clock)
    for _ in range(5):
        await cache.put("a", b"1234")
    await cache.put("b", b"123456")

    assert (await cache.get("a"), await cache.get("b")) == (b"1234", b"123456")


async def test_a_value_over_the_bound_is_not_kept_and_pushes_nothing_out(clock: Clock) -> None:
    cache = MemoryCache(HOUR, limit_bytes=10, clock=clock)
    await cache.put("a", b"1234")
    await cache.put("huge", b"x" * 11)

    assert (await cache.get("a"), await cache.get("huge")) == (b"1234", None)


async def test_a_picture_of_another_replica_is_fetched_once(clock: Clock) -> None:
    near, far = MemoryCache(HOUR, clock=clock), MemoryCache(HOUR, clock=clock)
    await far.put("meme:1", b"picture")

    assert await TieredCache(near, far).get("meme:1") == b"picture"
    assert await near.get("meme:1") == b"picture"


async def test_without_redis_everything_is_a_miss_and_the_network_is_tried_once(
    away: RedisStore, metrics: Metrics
) -> None:
    cache = RedisCache(away, HOUR)
    await cache.put("meme:1", b"picture")

    assert await cache.get("meme:1") is None
    assert metrics.registry.get_sample_value("meme_generator_cache_errors_total") == 1
    assert metrics.registry.get_sample_value("memebattle_redis_up") == 0
    assert not away.up
