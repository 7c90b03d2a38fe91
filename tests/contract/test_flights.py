"""Single flight in Redis and in memory: one leads, the others wait for the landing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from memebattle.generation.ports import Flights
from memebattle.kit.metrics import Metrics
from memebattle.store import flights as flights_module
from memebattle.store.flights import MemoryFlights, RedisFlights
from memebattle.store.redis import RedisStore
from tests.waiting import wait_until

KEY = "mb:flight:cat"


@pytest.fixture
async def redis_flights(redis_store: RedisStore) -> RedisFlights:
    return RedisFlights(redis_store)


@pytest.fixture(params=["memory", "redis"])
def flights(request: pytest.FixtureRequest) -> Flights:
    if request.param == "memory":
        return MemoryFlights()
    return request.getfixturevalue("redis_flights")


async def test_the_first_leads_and_the_others_wait(flights: Flights) -> None:
    assert await flights.join("cat", "one") == "lead"
    assert await flights.join("cat", "two") == "wait"
    assert await flights.join("dog", "two") == "lead"


async def test_after_a_landing_the_next_one_leads(flights: Flights) -> None:
    await flights.join("cat", "one")
    await flights.land("cat", "one")

    assert await flights.join("cat", "two") == "lead"


async def test_a_failure_is_told_to_those_who_come_in_the_next_seconds(flights: Flights) -> None:
    """Without it every waiter would try the provider, one after another."""
    await flights.join("cat", "one")
    await flights.land("cat", "one", "a note")

    assert await flights.join("cat", "two") == "a note"
    assert await flights.join("cat", "three") == "a note"


async def test_only_the_leader_can_land(flights: Flights) -> None:
    await flights.join("cat", "one")
    await flights.land("cat", "stranger", "a note")

    assert await flights.join("cat", "two") == "wait"


async def test_a_landing_wakes_all_waiters(flights: Flights) -> None:
    await flights.join("cat", "one")
    waiters = [asyncio.create_task(flights.wait("cat", 30)) for _ in range(3)]
    await asyncio.sleep(0)
    await flights.land("cat", "one")

    async with asyncio.timeout(0.9):  # less than Redis's second look
        await asyncio.gather(*waiters)


async def test_a_wait_ends_by_itself(flights: Flights) -> None:
    await flights.join("cat", "one")

    async with asyncio.timeout(5):
        await flights.wait("cat", 0.01)


async def test_memory_forgets_a_failure_when_told_to() -> None:
    flights = MemoryFlights()
    await flights.join("cat", "one")
    await flights.land("cat", "one", "a note")
    flights.forget_failures()

    assert await flights.join("cat", "two") == "lead"


async def test_redis_forgets_a_failure_by_itself(
    redis_store: RedisStore, redis_flights: RedisFlights
) -> None:
    await redis_flights.join("cat", "one")
    await redis_flights.land("cat", "one", "a note")

    assert 0 < await redis_store.client.pttl(KEY) <= 3000


async def test_a_crashed_leader_s_flight_ends_with_its_lease(
    redis_store: RedisStore, redis_flights: RedisFlights
) -> None:
    await redis_flights.join("cat", "crashed")

    assert 9000 < await redis_store.client.pttl(KEY) <= 10000

    await redis_store.client.pexpire(KEY, 1)

    async def lead() -> bool:
        return await redis_flights.join("cat", "two") == "lead"

    await wait_until(lead, "the lease to run out")


async def test_the_leader_renews_its_lease_and_nobody_else_can(
    redis_store: RedisStore, redis_flights: RedisFlights
) -> None:
    await redis_flights.join("cat", "one")
    await redis_store.client.pexpire(KEY, 5000)
    await redis_flights.renew("cat", "stranger")

    assert await redis_store.client.pttl(KEY) <= 5000

    await redis_flights.renew("cat", "one")

    assert await redis_store.client.pttl(KEY) > 9000


@contextlib.asynccontextmanager
async def listening(flights: RedisFlights, store: RedisStore, listeners: int) -> AsyncIterator[None]:
    task = asyncio.create_task(flights.listen())

    async def subscribed() -> bool:
        return dict(await store.client.pubsub_numsub(flights_module.CHANNEL))[b"mb:flights"] >= listeners

    await wait_until(subscribed, "the subscription to the landings")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_landing_wakes_the_waiters_of_another_replica(redis_store: RedisStore) -> None:
    here, there = RedisFlights(redis_store), RedisFlights(redis_store)
    async with listening(there, redis_store, 1):
        await here.join("cat", "one")
        waiter = asyncio.create_task(there.wait("cat", 30))
        await asyncio.sleep(0)
        await here.land("cat", "one")

        async with asyncio.timeout(0.9):  # less than the second look
            await waiter


async def test_without_redis_everybody_leads_at_once(away: RedisStore, metrics: Metrics) -> None:
    flights = RedisFlights(away)

    assert await flights.join("cat", "one") == "lead"
    assert await flights.join("cat", "two") == "lead"

    await flights.renew("cat", "one")
    await flights.land("cat", "one", "a note")

    assert metrics.registry.get_sample_value("meme_generator_cache_errors_total") == 1
