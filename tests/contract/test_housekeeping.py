"""Looking after many keys of a real Redis at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from memebattle.kit.metrics import Metrics
from memebattle.store.housekeeping import Deleted, Housekeeping
from memebattle.store.redis import RedisStore, StoreAway

RESULTS = [f"mb:pr:{number}" for number in range(120)]
OTHERS = ["mb:suggest:1", "mb:claim:{r1}", "mb:claim:{r1}:tries", "mb:solo", "other:pr:1", "xmb:pr:1"]


@pytest.fixture
async def store(redis_store: RedisStore) -> RedisStore:
    """A Redis that we share with others."""
    for key in RESULTS + OTHERS:
        await redis_store.client.set(key, b"x" * 100, ex=600)
    return redis_store


@pytest.fixture
def housekeeping(store: RedisStore) -> Housekeeping:
    return Housekeeping(store, batch=50)


async def test_what_matches_is_counted(housekeeping: Housekeeping) -> None:
    assert await housekeeping.count("mb:pr:*") == 120
    assert await housekeeping.count("mb:pr:1?") == 10
    assert await housekeeping.count("mb:claim:{r1}") == 1
    assert await housekeeping.count("mb:*") == 124
    assert await housekeeping.count("mb:nothing:*") == 0


@pytest.mark.parametrize(
    "pattern", ["", "*", "mb:", "mb*", "m?:pr:*", "[m]b:*", "other:*", "pr:*", " mb:*", "MB:*"]
)
async def test_a_pattern_that_is_not_ours_is_refused(
    away: RedisStore, metrics: Metrics, pattern: str
) -> None:
    """Before anybody asks Redis."""
    housekeeping = Housekeeping(away)
    with pytest.raises(ValueError, match="a pattern begins with 'mb:' and goes on"):
        await housekeeping.count(pattern)
    with pytest.raises(ValueError, match="a pattern begins with 'mb:' and goes on"):
        await housekeeping.delete(pattern, dry_run=False)

    assert metrics.registry.get_sample_value("meme_generator_cache_errors_total") == 0


async def test_a_dry_run_says_what_would_go_and_drops_nothing(
    housekeeping: Housekeeping, store: RedisStore
) -> None:
    rehearsed = await housekeeping.delete("mb:pr:*")

    assert (rehearsed.keys, rehearsed.complete) == (120, True)
    assert 120 * 100 < rehearsed.bytes < 120 * 1000
    assert await store.client.dbsize() == len(RESULTS + OTHERS)


async def test_what_matches_is_dropped_and_nothing_else(
    housekeeping: Housekeeping, store: RedisStore
) -> None:
    rehearsed = await housekeeping.delete("mb:pr:*")

    assert await housekeeping.delete("mb:pr:*", dry_run=False) == rehearsed
    assert sorted(await store.client.keys()) == sorted(key.encode() for key in OTHERS)
    assert await housekeeping.delete("mb:pr:*", dry_run=False) == Deleted(0, 0, complete=True)


async def test_even_everything_is_only_ours(housekeeping: Housekeeping, store: RedisStore) -> None:
    await housekeeping.delete("mb:*", dry_run=False)

    assert sorted(await store.client.keys()) == [b"other:pr:1", b"xmb:pr:1"]


async def test_keys_are_counted_by_their_kind(housekeeping: Housekeeping) -> None:
    assert await housekeeping.kinds() == {"pr": 120, "suggest": 1, "claim": 2, "solo": 1}


async def test_keys_that_would_stay_for_ever_are_found(housekeeping: Housekeeping, store: RedisStore) -> None:
    assert await housekeeping.without_ttl() == []

    await store.client.set("mb:pr:leaked", b"x")
    await store.client.set("other:leaked", b"x")
    assert await housekeeping.without_ttl() == ["mb:pr:leaked"]

    await store.client.delete("mb:pr:leaked", "other:leaked")


async def test_redis_is_asked_for_some_keys_at_a_time_and_never_for_all(
    housekeeping: Housekeeping, store: RedisStore
) -> None:
    await housekeeping.delete("mb:*", dry_run=False)

    statistics = await store.client.info("commandstats")
    assert statistics["cmdstat_scan"]["calls"] > 1
    assert statistics["cmdstat_unlink"]["calls"] == 124
    assert not {"cmdstat_keys", "cmdstat_del"} & statistics.keys()


async def test_a_key_that_goes_meanwhile_is_not_counted(
    housekeeping: Housekeeping, store: RedisStore
) -> None:
    """Somebody else drops it between the look at its size and its end."""
    do = store.do

    async def overtaken(operation: Callable[[], Awaitable[object]]) -> object:
        result = await do(operation)
        if (await store.client.info("commandstats")).get("cmdstat_memory|usage"):
            await store.client.delete("mb:pr:1")
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "do", overtaken)
        deleted = await housekeeping.delete("mb:pr:1", dry_run=False)

    assert deleted == Deleted(0, 0, complete=True)


async def test_redis_may_go_away_half_way(housekeeping: Housekeeping, store: RedisStore) -> None:
    """What was dropped until then is told."""
    do, asked = store.do, 0

    async def short_lived(operation: Callable[[], Awaitable[object]]) -> object:
        nonlocal asked
        asked += 1
        if asked > 4:  # in the second step; each asks for keys, for their sizes, and to drop them
            raise StoreAway("Redis went away")
        return await do(operation)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "do", short_lived)
        deleted = await housekeeping.delete("mb:pr:*", dry_run=False)

    assert not deleted.complete
    assert deleted.keys == 120 - len(await store.client.keys("mb:pr:*")) > 0


async def test_without_redis_nobody_knows(away: RedisStore, metrics: Metrics) -> None:
    """Only the first call touches the network."""
    housekeeping = Housekeeping(away)

    assert await housekeeping.count("mb:*") is None
    assert await housekeeping.kinds() is None
    assert await housekeeping.without_ttl() is None
    assert await housekeeping.delete("mb:*", dry_run=False) == Deleted(0, 0, complete=False)
    assert metrics.registry.get_sample_value("meme_generator_cache_errors_total") == 1
