"""The session registry in Redis and in memory: which pods hold connections of which session."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from memebattle.kit.metrics import Metrics
from memebattle.store.redis import RedisStore, StoreAway
from memebattle.store.sessions import BATCH, MemorySessions, RedisSessions
from tests.toys import Clock
from tests.waiting import wait_until

TTL, SHORT = 30.0, 0.05  # seconds
CROWD = [(f"s{number}", "c1") for number in range(2 * BATCH + 1)]


@dataclass(frozen=True, slots=True)
class Bench:
    """A registry, and a way to let seconds pass for it."""

    sessions: MemorySessions | RedisSessions
    later: Callable[[float], Awaitable[None]]


@pytest.fixture(params=["memory", "redis"])
def bench(request: pytest.FixtureRequest, clock: Clock) -> Bench:
    if request.param == "memory":

        async def pass_by(seconds: float) -> None:
            clock.now += seconds

        return Bench(MemorySessions(TTL, clock), pass_by)
    store: RedisStore = request.getfixturevalue("redis_store")

    async def age(seconds: float) -> None:
        """Redis's clock cannot be set; what is stored can be made older."""
        async for key in store.client.scan_iter():
            for member in await store.client.zrange(key, 0, -1):
                await store.client.zincrby(key, -seconds * 1000, member)
            await store.client.pexpire(key, await store.client.pttl(key) - round(seconds * 1000))

    return Bench(RedisSessions(store, TTL), age)


async def test_a_session_is_where_its_connections_are(bench: Bench) -> None:
    await bench.sessions.register("pod-a", [("s1", "c1"), ("s1", "c2"), ("s2", "c3")])
    await bench.sessions.register("pod-b", [("s1", "c4")])

    assert await bench.sessions.pods("s1") == {"pod-a", "pod-b"}
    assert await bench.sessions.pods("s2") == {"pod-a"}


async def test_nobody_is_connected_to_an_unknown_session(bench: Bench) -> None:
    """An empty set says that nobody listens; not to know is None."""
    assert await bench.sessions.pods("s1") == frozenset()


async def test_only_what_is_new_is_reported(bench: Bench) -> None:
    first = await bench.sessions.register("pod-a", [("s1", "c1"), ("s2", "c2")])
    again = await bench.sessions.register("pod-a", [("s1", "c1"), ("s2", "c2")])

    assert first == {"s1", "s2"}
    assert again == frozenset()


async def test_a_second_connection_is_new_although_its_session_is_not(bench: Bench) -> None:
    await bench.sessions.register("pod-a", [("s1", "c1"), ("s2", "c2")])

    assert await bench.sessions.register("pod-a", [("s1", "c1"), ("s1", "c3"), ("s2", "c2")]) == {"s1"}


async def test_the_same_connection_id_on_another_pod_is_another_connection(bench: Bench) -> None:
    await bench.sessions.register("pod-a", [("s1", "c1")])

    assert await bench.sessions.register("pod-b", [("s1", "c1")]) == {"s1"}


async def test_a_pod_leaves_with_its_last_connection(bench: Bench) -> None:
    await bench.sessions.register("pod-a", [("s1", "c1"), ("s1", "c2")])

    await bench.sessions.unregister("pod-a", "s1", "c1")
    assert await bench.sessions.pods("s1") == {"pod-a"}

    await bench.sessions.unregister("pod-a", "s1", "c2")
    assert await bench.sessions.pods("s1") == frozenset()


async def test_leaving_twice_or_for_another_pod_changes_nothing(bench: Bench) -> None:
    await bench.sessions.register("pod-a", [("s1", "c1"), ("s1", "c2")])
    await bench.sessions.unregister("pod-a", "s1", "c1")
    await bench.sessions.unregister("pod-a", "s1", "c1")
    await bench.sessions.unregister("pod-b", "s1", "c2")

    assert await bench.sessions.pods("s1") == {"pod-a"}


async def test_who_comes_back_is_new(bench: Bench) -> None:
    await bench.sessions.register("pod-a", [("s1", "c1")])
    await bench.sessions.unregister("pod-a", "s1", "c1")

    assert await bench.sessions.register("pod-a", [("s1", "c1")]) == {"s1"}


async def test_a_dead_pod_is_forgotten_while_the_session_lives_on_another(bench: Bench) -> None:
    await bench.sessions.register("dead", [("s1", "c1")])
    await bench.later(TTL / 2)
    await bench.sessions.register("alive", [("s1", "c2")])
    await bench.later(TTL / 2)

    assert await bench.sessions.pods("s1") == {"alive"}


async def test_a_refreshed_connection_outlives_its_first_end(bench: Bench) -> None:
    await bench.sessions.register("pod-a", [("s1", "c1")])
    await bench.later(TTL * 2 / 3)
    await bench.sessions.register("pod-a", [("s1", "c1")])
    await bench.later(TTL * 2 / 3)

    assert await bench.sessions.pods("s1") == {"pod-a"}


async def test_a_connection_that_had_expired_is_new(bench: Bench) -> None:
    """Its pod was not told what happened in the meantime, and must look."""
    await bench.sessions.register("slow", [("s1", "c1")])
    await bench.later(TTL / 2)
    await bench.sessions.register("alive", [("s1", "c2")])
    await bench.later(TTL / 2)

    assert await bench.sessions.register("slow", [("s1", "c1")]) == {"s1"}
    assert await bench.sessions.pods("s1") == {"slow", "alive"}


async def test_a_crowd_of_several_round_trips_is_complete(bench: Bench) -> None:
    ids = {session_id for session_id, _ in CROWD}

    assert await bench.sessions.register("pod-a", CROWD) == ids
    assert await bench.sessions.register("pod-a", CROWD) == frozenset()
    assert [await bench.sessions.pods(session_id) for session_id in ids] == [{"pod-a"}] * len(ids)


async def test_no_connections_are_nothing_to_tell(bench: Bench) -> None:
    assert await bench.sessions.register("pod-a", []) == frozenset()


async def test_entries_expire_by_redis_s_clock(redis_store: RedisStore) -> None:
    before = await unix_ms(redis_store)
    await RedisSessions(redis_store, TTL).register("pod-a", [("s1", "c1")])
    after = await unix_ms(redis_store)
    expires = await redis_store.client.zscore("mb:session:s1", "pod-a/c1")

    assert before + 30_000 <= expires <= after + 30_000
    assert 0 < await redis_store.client.pttl("mb:session:s1") <= 30_000


async def test_what_expired_is_removed_by_whoever_asks(redis_store: RedisStore) -> None:
    sessions = RedisSessions(redis_store, TTL)
    await sessions.register("pod-a", [("s1", "c1")])
    await redis_store.client.zadd("mb:session:s1", {"dead/c9": await unix_ms(redis_store) - 1})
    await sessions.pods("s1")

    assert await redis_store.client.zrange("mb:session:s1", 0, -1) == [b"pod-a/c1"]


async def test_nobody_has_to_ask_for_a_dead_pod_s_keys_to_go(redis_store: RedisStore) -> None:
    await RedisSessions(redis_store, SHORT).register("pod-a", [("s1", "c1")])

    async def empty() -> bool:
        return not await redis_store.client.dbsize()

    await wait_until(empty, "the session's key to expire")


async def test_a_pod_with_a_shorter_ttl_does_not_end_the_others_entries(redis_store: RedisStore) -> None:
    """While a deployment changes the TTL, pods of both kinds share sessions."""
    await RedisSessions(redis_store, TTL).register("old", [("s1", "c1")])
    young = RedisSessions(redis_store, SHORT)
    await young.register("young", [("s1", "c2")])

    async def the_old_one_alone() -> bool:
        return await young.pods("s1") == {"old"}

    await wait_until(the_old_one_alone, "the shorter entry to expire")


async def test_an_emptied_redis_is_filled_again_by_the_next_heartbeat(redis_store: RedisStore) -> None:
    """As after a restart: neither the entries nor the scripts are there."""
    sessions = RedisSessions(redis_store, TTL)
    await sessions.register("pod-a", [("s1", "c1")])
    await redis_store.client.flushall()
    await redis_store.client.script_flush()

    assert await sessions.register("pod-a", [("s1", "c1")]) == {"s1"}
    assert await sessions.pods("s1") == {"pod-a"}


async def test_without_redis_nobody_knows_and_nobody_waits(away: RedisStore, metrics: Metrics) -> None:
    """Only the first call touches the network: for half a second its failure stands for all."""
    sessions = RedisSessions(away, TTL)

    assert await sessions.register("pod-a", CROWD) is None
    assert await sessions.pods("s1") is None
    await sessions.unregister("pod-a", "s1", "c1")
    assert metrics.registry.get_sample_value("meme_generator_cache_errors_total") == 1


async def test_what_was_new_when_an_answer_got_lost_is_reported_later(redis_store: RedisStore) -> None:
    """Redis wrote it, so the next refresh finds it there; the pod has not looked yet what it missed."""
    sessions = RedisSessions(redis_store, TTL)
    with answers_lost(redis_store):
        assert await sessions.register("pod-a", [("s1", "c1")]) is None
    assert await sessions.pods("s1") == {"pod-a"}

    assert await sessions.register("pod-a", [("s2", "c2")]) == {"s2"}
    assert await sessions.register("pod-a", [("s1", "c1"), ("s2", "c2")]) == {"s1"}
    assert await sessions.register("pod-a", [("s1", "c1"), ("s2", "c2")]) == frozenset()


async def test_an_answer_lost_half_way_loses_nothing_of_the_first_half(redis_store: RedisStore) -> None:
    sessions = RedisSessions(redis_store, TTL)
    with answers_lost(redis_store, after=1):
        assert await sessions.register("pod-a", CROWD) is None

    assert await sessions.register("pod-a", CROWD) == {session_id for session_id, _ in CROWD}
    assert await sessions.register("pod-a", CROWD) == frozenset()


async def test_a_connection_that_left_is_not_kept_in_mind(redis_store: RedisStore) -> None:
    """Redis may be away for hours, while connections come and go."""
    sessions = RedisSessions(redis_store, TTL)
    with answers_lost(redis_store):
        await sessions.register("pod-a", [("s1", "c1"), ("s1", "c2")])
        await sessions.unregister("pod-a", "s1", "c1")

    assert sessions._untold == {("s1", "c2")}


@contextmanager
def answers_lost(store: RedisStore, *, after: int = 0) -> Iterator[None]:
    """Redis does what it is told; of what it says, only the first `after` answers arrive."""
    do, heard = store.do, itertools.count()

    async def do_unheard(operation: Callable[[], Awaitable[object]]) -> object:
        result = await do(operation)
        if next(heard) >= after:
            raise StoreAway("the answer was lost")
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "do", do_unheard)
        yield


async def unix_ms(store: RedisStore) -> int:
    """Redis's own clock."""
    seconds, micros = await store.client.time()
    return int(seconds) * 1000 + int(micros) // 1000
