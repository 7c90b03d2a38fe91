"""Documents in Redis and in memory: results, suggestions, sessions, statistics and passing notes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import pytest

from memebattle.kit.metrics import Metrics
from memebattle.store.documents import PREFIXES, Counts, Kind, MemoryDocuments, RedisDocuments
from memebattle.store.redis import RedisStore
from tests.toys import Clock

HOUR = 3600.0
TTLS: Mapping[Kind, float] = {
    "result": HOUR,
    "suggestions": 2 * HOUR,
    "session": HOUR,
    "stats": HOUR,
    "temp": 0,
}
MAX = 100  # bytes of a value

type Documents = MemoryDocuments | RedisDocuments


@dataclass(frozen=True, slots=True)
class Bench:
    """Documents, a way to let seconds pass for them, and what was told of lookups."""

    documents: Documents
    later: Callable[[float], Awaitable[None]]
    told: list[tuple[str, str]]


@pytest.fixture(params=["memory", "redis"])
def bench(request: pytest.FixtureRequest, clock: Clock) -> Bench:
    told: list[tuple[str, str]] = []

    def tell(kind: str, outcome: str) -> None:
        told.append((kind, outcome))

    if request.param == "memory":

        async def pass_by(seconds: float) -> None:
            clock.now += seconds

        return Bench(MemoryDocuments(TTLS, MAX, tell, clock), pass_by, told)
    store: RedisStore = request.getfixturevalue("redis_store")

    async def age(seconds: float) -> None:
        """Redis's clock cannot be set; what is stored can be made to end sooner."""
        async for key in store.client.scan_iter():
            await store.client.pexpire(key, await store.client.pttl(key) - round(seconds * 1000))

    return Bench(RedisDocuments(store, TTLS, MAX, tell), age, told)


@pytest.fixture
def documents(bench: Bench) -> Documents:
    return bench.documents


async def test_what_was_put_is_found(documents: Documents) -> None:
    await documents.put("result", "t1", b'{"score":\xff}\x00')

    assert await documents.get("result", "t1") == b'{"score":\xff}\x00'
    assert await documents.get("result", "t2") is None


async def test_the_last_value_stands(documents: Documents) -> None:
    await documents.put("result", "t1", b"old")
    await documents.put("result", "t1", b"new")

    assert await documents.get("result", "t1") == b"new"


async def test_an_empty_value_is_a_value(documents: Documents) -> None:
    await documents.put("result", "t1", b"")

    assert await documents.get("result", "t1") == b""


async def test_kinds_share_nothing(documents: Documents) -> None:
    await documents.put("result", "t1", b"a result")
    await documents.put("suggestions", "t1", b"a suggestion")
    await documents.delete("result", "t1")

    assert await documents.get("result", "t1") is None
    assert await documents.get("suggestions", "t1") == b"a suggestion"


async def test_every_kind_has_its_own_time_to_live(bench: Bench) -> None:
    await bench.documents.put("result", "t1", b"short")
    await bench.documents.put("suggestions", "t1", b"long")
    await bench.later(HOUR)

    assert await bench.documents.get("result", "t1") is None
    assert await bench.documents.get("suggestions", "t1") == b"long"


async def test_many_are_found_at_once(documents: Documents) -> None:
    await documents.put_many("result", {"t1": b"one", "t2": b"two", "t3": b"three"})

    assert await documents.get_many("result", ["t3", "t1", "t9"]) == {"t3": b"three", "t1": b"one"}
    assert await documents.get_many("result", []) == {}


async def test_putting_nothing_is_nothing(documents: Documents) -> None:
    await documents.put_many("result", {})

    assert documents.counts()["result"] == Counts(0, 0, 0)


async def test_a_value_that_is_too_large_is_not_kept_nor_is_the_one_before(documents: Documents) -> None:
    """The old value would be a wrong one from now on."""
    await documents.put("result", "t1", b"old")
    await documents.put_many("result", {"t1": b"x" * (MAX + 1), "t2": b"x" * MAX})

    assert await documents.get_many("result", ["t1", "t2"]) == {"t2": b"x" * MAX}


async def test_a_kind_without_a_time_to_live_is_switched_off(bench: Bench) -> None:
    """Nothing is kept, and nobody counts misses of what nobody keeps."""
    await bench.documents.put("temp", "n1", b"note")
    await bench.documents.push("temp", "n1", b"note", 10)

    assert await bench.documents.get("temp", "n1") is None
    assert await bench.documents.items("temp", "n1") == []
    assert bench.documents.counts()["temp"] == Counts(0, 0, 0)
    assert bench.told == []


async def test_lookups_are_counted_by_kind_and_told(bench: Bench) -> None:
    await bench.documents.put("result", "t1", b"one")
    await bench.documents.get("result", "t1")
    await bench.documents.get_many("result", ["t1", "t1", "t2", "t3"])
    await bench.documents.get("suggestions", "t1")

    assert bench.documents.counts() == {
        "result": Counts(hits=2, misses=2, errors=0),
        "suggestions": Counts(hits=0, misses=1, errors=0),
        "session": Counts(0, 0, 0),
        "stats": Counts(0, 0, 0),
        "temp": Counts(0, 0, 0),
    }
    assert sorted(bench.told) == [("result", "hit")] * 2 + [("result", "miss")] * 2 + [
        ("suggestions", "miss")
    ]


async def test_the_newest_of_a_list_comes_first_and_the_oldest_goes(documents: Documents) -> None:
    for number in range(5):
        await documents.push("session", "ada", f"t{number}".encode(), 3)

    assert await documents.items("session", "ada") == [b"t4", b"t3", b"t2"]
    assert await documents.items("session", "grace") == []
    assert documents.counts()["session"] == Counts(hits=1, misses=1, errors=0)


async def test_a_list_ends_when_nothing_was_pushed_for_its_time_to_live(bench: Bench) -> None:
    await bench.documents.push("session", "ada", b"t1", 10)
    await bench.later(HOUR - 60)
    await bench.documents.push("session", "ada", b"t2", 10)
    await bench.later(HOUR - 60)
    assert await bench.documents.items("session", "ada") == [b"t2", b"t1"]

    await bench.later(60)
    assert await bench.documents.items("session", "ada") == []


async def test_what_is_too_large_does_not_get_into_a_list(documents: Documents) -> None:
    await documents.push("session", "ada", b"t1", 10)
    await documents.push("session", "ada", b"x" * (MAX + 1), 10)

    assert await documents.items("session", "ada") == [b"t1"]


async def test_a_value_and_a_list_of_one_key_do_not_disturb_each_other(documents: Documents) -> None:
    await documents.put("session", "ada", b"value")
    await documents.push("session", "ada", b"t1", 10)
    assert await documents.get("session", "ada") == b"value"
    assert await documents.items("session", "ada") == [b"t1"]

    await documents.delete("session", "ada")
    assert await documents.get("session", "ada") is None
    assert await documents.items("session", "ada") == []


async def test_forgetting_what_is_not_there_is_nothing(documents: Documents) -> None:
    await documents.delete("result", "never-heard-of")


async def test_every_kind_has_its_own_keys(redis_store: RedisStore) -> None:
    documents = RedisDocuments(redis_store, dict.fromkeys(PREFIXES, HOUR), MAX)
    for kind in PREFIXES:
        await documents.put(kind, "k", b"value")
    await documents.push("session", "k", b"item", 1)

    assert set(await redis_store.client.keys()) == {
        b"mb:pr:k",
        b"mb:suggest:k",
        b"mb:psession:k",
        b"mb:psession:k/items",
        b"mb:stats:k",
        b"mb:temp:k",
    }


async def test_many_take_one_round_trip(redis_store: RedisStore) -> None:
    documents = RedisDocuments(redis_store, TTLS, MAX)
    keys, trips = [f"t{number}" for number in range(100)], 0
    do = redis_store.do

    async def counted(operation: Callable[[], Awaitable[object]]) -> object:
        nonlocal trips
        trips += 1
        return await do(operation)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redis_store, "do", counted)
        await documents.put_many("result", dict.fromkeys(keys, b"value"))
        found = await documents.get_many("result", keys)

    assert (len(found), trips) == (100, 2)
    statistics = await redis_store.client.info("commandstats")
    assert (statistics["cmdstat_mget"]["calls"], "cmdstat_get" in statistics) == (1, False)


async def test_without_redis_every_lookup_is_an_error_and_no_miss(away: RedisStore, metrics: Metrics) -> None:
    """Nothing fails, and only the first call touches the network."""
    told: list[tuple[str, str]] = []
    documents = RedisDocuments(away, TTLS, MAX, lambda kind, outcome: told.append((kind, outcome)))
    await documents.put("result", "t1", b"one")
    await documents.push("session", "ada", b"t1", 10)
    await documents.delete("result", "t1")

    assert await documents.get("result", "t1") is None
    assert await documents.get_many("result", ["t1", "t2"]) == {}
    assert await documents.items("session", "ada") == []
    assert documents.counts()["result"] == Counts(hits=0, misses=0, errors=3)
    assert documents.counts()["session"] == Counts(hits=0, misses=0, errors=1)
    assert told == [("result", "error")] * 3 + [("session", "error")]
    assert metrics.registry.get_sample_value("meme_generator_cache_errors_total") == 1
