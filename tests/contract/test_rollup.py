"""Minutes that all replicas add to, in Redis and in memory."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from memebattle.kit.metrics import Metrics
from memebattle.store.minutes import Minute
from memebattle.store.redis import RedisStore, StoreAway
from memebattle.store.rollup import BATCH, DAY, MemoryRollup, Rollup
from tests.toys import Clock
from tests.waiting import wait_until

NOW = 1_795_271_430.0  # half past a minute
START = 1_795_271_400  # of that minute

type AnyRollup = MemoryRollup | Rollup


@pytest.fixture
def clock() -> Clock:
    """Unix time."""
    return Clock(NOW)


@pytest.fixture(params=["memory", "redis"])
def rollup(request: pytest.FixtureRequest, clock: Clock) -> AnyRollup:
    if request.param == "memory":
        return MemoryRollup(clock)
    return Rollup(request.getfixturevalue("redis_store"), clock)


async def counts(rollup: AnyRollup, minutes: int = 1) -> list[dict[str, float]]:
    """What was counted in each of the last minutes; Redis is not away."""
    read = await rollup.read(minutes)
    assert read is not None
    return [dict(minute.counts) for minute in read]


async def test_what_was_counted_is_read_when_it_was_sent(rollup: AnyRollup) -> None:
    rollup.add("submitted")
    rollup.add("submitted", 2)
    rollup.add("cost", 0.5)
    assert await counts(rollup) == [{}]

    assert await rollup.flush()
    assert await counts(rollup) == [{"submitted": 3, "cost": 0.5}]


async def test_sending_again_adds_only_what_is_new(rollup: AnyRollup) -> None:
    rollup.add("submitted")
    await rollup.flush()
    await rollup.flush()
    rollup.add("submitted")
    await rollup.flush()

    assert await counts(rollup) == [{"submitted": 2}]


async def test_everything_is_counted_in_the_minute_it_happened(rollup: AnyRollup, clock: Clock) -> None:
    rollup.add("submitted", 1)
    clock.now += 2 * 60
    rollup.add("submitted", 2)
    await rollup.flush()
    read = await rollup.read(4)

    assert read is not None
    assert [minute.start for minute in read] == [START - 60, START, START + 60, START + 120]
    assert await counts(rollup, 4) == [{}, {"submitted": 1}, {}, {"submitted": 2}]


async def test_durations_are_told_by_their_percentiles(rollup: AnyRollup) -> None:
    for _ in range(9):
        rollup.observe("scored", 0.002)
    rollup.observe("scored", 4)
    await rollup.flush()
    current = await rollup.current()

    assert current is not None
    scored = current.durations["scored"]
    assert (scored.count, scored.seconds) == (10, pytest.approx(4.018))
    assert scored.percentile(0.5) == pytest.approx(0.001 + 0.0015 * 5 / 9)
    assert scored.percentile(0.95) == pytest.approx(3.75)


async def test_current_are_the_last_five_minutes(rollup: AnyRollup, clock: Clock) -> None:
    for amount in (1, 10, 100, 1000, 10_000, 100_000):
        rollup.add("submitted", amount)
        clock.now += 60
    clock.now -= 60
    await rollup.flush()
    current = await rollup.current()

    assert current == Minute(START + 60, {"submitted": 111_110}, {}, minutes=5)


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), -float("inf")])
async def test_what_cannot_be_added_up_is_refused(clock: Clock, amount: float) -> None:
    """Redis would refuse it too, and with it everything else of its batch, again and again."""
    rollup = MemoryRollup(clock)
    with pytest.raises(ValueError, match="cannot be added up"):
        rollup.add("cost", amount)
    with pytest.raises(ValueError, match="cannot be added up"):
        rollup.observe("scored", amount)
    await rollup.flush()

    assert await rollup.read(1) == [Minute(START, {}, {})]


async def test_memory_forgets_a_minute_a_day_later(clock: Clock) -> None:
    rollup = MemoryRollup(clock)
    rollup.add("submitted")
    await rollup.flush()
    clock.now += DAY - 60
    assert (await counts(rollup, 1440))[0] == {"submitted": 1}

    clock.now += 60
    assert (await counts(rollup, 1441))[0] == {}


async def test_minutes_are_kept_for_a_day_and_the_summary_for_five_minutes(
    redis_store: RedisStore, clock: Clock
) -> None:
    rollup = Rollup(redis_store, clock)
    rollup.add("submitted")
    await rollup.flush()
    minute = f"mb:metrics:ts_{START // 60}"

    assert set(await redis_store.client.keys()) == {minute.encode(), b"mb:stats:current"}
    assert DAY - 60 < await redis_store.client.ttl(minute) <= DAY
    assert 240 < await redis_store.client.ttl("mb:stats:current") <= 300


async def test_dashboards_read_one_key(redis_store: RedisStore, clock: Clock) -> None:
    rollup = Rollup(redis_store, clock)
    rollup.add("submitted")
    rollup.observe("scored", 0.75)
    await rollup.flush()

    assert json.loads(await redis_store.client.get("mb:stats:current")) == {
        "start": START - 240,
        "minutes": 5,
        "counts": {"submitted": 1},
        "durations": {"scored": {"count": 1, "seconds": 0.75, "p50": 0.75, "p95": 0.975}},
    }


async def test_replicas_add_to_the_same_minutes(redis_store: RedisStore, clock: Clock) -> None:
    replicas = [Rollup(redis_store, clock) for _ in range(3)]
    for replica in replicas:
        replica.add("submitted")
    await asyncio.gather(*(replica.flush() for replica in replicas))

    assert await counts(replicas[0]) == [{"submitted": 3}]


async def test_two_flushes_at_once_send_once(redis_store: RedisStore, clock: Clock) -> None:
    rollup = Rollup(redis_store, clock)
    rollup.add("submitted")

    assert await asyncio.gather(rollup.flush(), rollup.flush()) == [True, True]
    assert await counts(rollup) == [{"submitted": 1}]


async def test_what_was_added_although_the_answer_got_lost_is_not_added_twice(
    redis_store: RedisStore, clock: Clock
) -> None:
    rollup = Rollup(redis_store, clock)
    rollup.add("submitted")
    with answers_lost(redis_store):
        assert not await rollup.flush()
        assert not await rollup.flush()
    rollup.add("submitted", 10)

    assert await rollup.flush()
    assert await counts(rollup) == [{"submitted": 11}]


async def test_what_did_not_arrive_is_sent_again(redis_store: RedisStore, clock: Clock) -> None:
    """Redis is away for minutes; what happened in them is told afterwards."""
    rollup = Rollup(redis_store, clock)
    with redis_away(redis_store):
        for _ in range(3):
            rollup.add("submitted")
            assert not await rollup.flush()
            clock.now += 60

    assert await rollup.flush()
    assert await counts(rollup, 4) == [{"submitted": 1}] * 3 + [{}]


async def test_an_answer_lost_half_way_doubles_nothing_of_the_first_half(
    redis_store: RedisStore, clock: Clock
) -> None:
    """After a long outage there are more minutes than one round trip takes."""
    rollup = Rollup(redis_store, clock)
    for _ in range(2 * BATCH + 1):
        rollup.add("submitted")
        clock.now += 60
    with answers_lost(redis_store, after=1):
        assert not await rollup.flush()

    assert await rollup.flush()
    assert await counts(rollup, 2 * BATCH + 2) == [{"submitted": 1}] * (2 * BATCH + 1) + [{}]


async def test_a_flush_that_was_cancelled_is_made_up_for(redis_store: RedisStore, clock: Clock) -> None:
    rollup = Rollup(redis_store, clock)
    rollup.add("submitted")
    flushing = asyncio.create_task(rollup.flush())
    await asyncio.sleep(0)
    flushing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await flushing

    assert await rollup.flush()
    assert await counts(rollup) == [{"submitted": 1}]


async def test_an_emptied_redis_is_added_to_again(redis_store: RedisStore, clock: Clock) -> None:
    """As after a restart: neither the minutes nor the script are there."""
    rollup = Rollup(redis_store, clock)
    rollup.add("submitted")
    await rollup.flush()
    await redis_store.client.flushall()
    await redis_store.client.script_flush()
    rollup.add("submitted")

    assert await rollup.flush()
    assert await counts(rollup) == [{"submitted": 1}]


async def test_what_waits_for_redis_is_bounded(redis_store: RedisStore, clock: Clock) -> None:
    """Minutes older than a day would be dropped by Redis too."""
    rollup = Rollup(redis_store, clock)
    with redis_away(redis_store):
        for _ in range(10):
            rollup.add("submitted")
            await rollup.flush()
            clock.now += DAY / 2

    assert len(rollup._batch) == 1  # the first one may have arrived
    assert len(rollup._counted) == 2


async def test_a_lost_summary_is_no_lost_count(redis_store: RedisStore, clock: Clock) -> None:
    """It is written anew by whoever sends next."""
    rollup = Rollup(redis_store, clock)
    rollup.add("submitted")
    with answers_lost(redis_store, after=1):
        assert await rollup.flush()

    assert await counts(rollup) == [{"submitted": 1}]


async def test_it_sends_by_itself(redis_store: RedisStore, clock: Clock) -> None:
    rollup = Rollup(redis_store, clock)
    rollup.add("submitted")
    flushing = asyncio.create_task(rollup.keep_flushing(0.01))

    async def arrived() -> bool:
        return await counts(rollup) == [{"submitted": 1}]

    await wait_until(arrived, "the count to be sent")
    flushing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await flushing


async def test_without_redis_nobody_knows_and_everything_waits(away: RedisStore, metrics: Metrics) -> None:
    """Only the first call touches the network."""
    rollup = Rollup(away)
    rollup.add("submitted")

    assert await rollup.flush() is False
    assert await rollup.read(1) is None
    assert await rollup.current() is None
    assert metrics.registry.get_sample_value("meme_generator_cache_errors_total") == 1


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


@contextmanager
def redis_away(store: RedisStore) -> Iterator[None]:
    """Nothing reaches Redis."""

    async def do_nothing(_: Callable[[], Awaitable[object]]) -> object:
        raise StoreAway("Redis is away")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "do", do_nothing)
        yield
