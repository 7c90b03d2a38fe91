"""Rate limits in Redis and in memory: how often somebody may ask."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from memebattle.kit.metrics import Metrics
from memebattle.store.ratelimit import MICRO, MemoryRateLimiter, RateLimit, RedisRateLimiter
from memebattle.store.redis import RedisStore
from tests.toys import Clock
from tests.waiting import wait_until

WINDOW, SHORT = 60.0, 0.05  # seconds
SLACK = 5.0  # seconds that a slow machine may take for a test, in which Redis's clock goes on

type Limiter = MemoryRateLimiter | RedisRateLimiter


@dataclass(frozen=True, slots=True)
class Bench:
    """Limiters of one store, and a way to let seconds pass for what they keep."""

    open: Callable[[int], Limiter]
    later: Callable[[float], Awaitable[None]]
    last: Callable[[], Awaitable[float]]
    """When the newest unit was spent, in seconds."""


@pytest.fixture(params=["memory", "redis"])
def bench(request: pytest.FixtureRequest, clock: Clock) -> Bench:
    if request.param == "memory":
        return memory_bench(clock)
    return redis_bench(request.getfixturevalue("redis_store"))


def memory_bench(clock: Clock) -> Bench:
    async def pass_by(seconds: float) -> None:
        clock.now += seconds

    async def now() -> float:
        return clock.now

    return Bench(lambda limit: MemoryRateLimiter(limit, WINDOW, clock=clock), pass_by, now)


def redis_bench(store: RedisStore) -> Bench:
    """Redis's clock cannot be set; what is stored can be made older."""
    passed = 0.0

    async def age(seconds: float) -> None:
        nonlocal passed
        passed += seconds
        for key in await store.client.keys():
            moments = [int(moment) for moment in await store.client.lrange(key, 0, -1)]
            ttl = await store.client.pttl(key) - round(seconds * 1000)
            async with store.client.pipeline() as pipe:
                pipe.delete(key)
                pipe.rpush(key, *(moment - round(seconds * MICRO) for moment in moments))
                pipe.pexpire(key, ttl)
                await pipe.execute()

    async def newest() -> float:
        [key] = await store.client.keys()
        return int(await store.client.lindex(key, -1)) / MICRO + passed

    return Bench(lambda limit: RedisRateLimiter(store, limit, WINDOW), age, newest)


async def hits(limiter: Limiter, *costs: int) -> list[bool]:
    return [(await limiter.hit("ada", cost)).allowed for cost in costs]


async def test_as_many_as_the_limit_pass(bench: Bench) -> None:
    limiter = bench.open(3)
    verdicts = [await limiter.hit("ada") for _ in range(4)]

    assert [verdict.allowed for verdict in verdicts] == [True, True, True, False]
    assert [verdict.remaining for verdict in verdicts] == [2, 1, 0, 0]
    assert {verdict.limit for verdict in verdicts} == {3}


async def test_everybody_has_a_limit_of_their_own(bench: Bench) -> None:
    limiter = bench.open(1)

    assert (await limiter.hit("ada")).allowed
    assert (await limiter.hit("grace")).allowed
    assert not (await limiter.hit("ada")).allowed


async def test_a_unit_counts_for_one_window(bench: Bench) -> None:
    limiter = bench.open(2)
    assert await hits(limiter, 1) == [True]
    await bench.later(WINDOW / 2)
    assert await hits(limiter, 1, 1) == [True, False]

    await bench.later(WINDOW / 2)
    assert await hits(limiter, 1, 1) == [True, False]


async def test_no_moment_of_a_minute_is_better_than_another(bench: Bench) -> None:
    """Windows that begin with every minute would let a second load through when the next one begins."""
    limiter = bench.open(5)
    await hits(limiter, 5)
    for _ in range(5):
        await bench.later((WINDOW - SLACK) / 5)
        assert await hits(limiter, 1) == [False]


async def test_who_keeps_knocking_is_let_in_as_soon_as_who_waits(bench: Bench) -> None:
    limiter = bench.open(1)
    await hits(limiter, 1)
    await bench.later(WINDOW - SLACK)
    assert await hits(limiter, 1, 1, 1) == [False] * 3
    await bench.later(SLACK)

    assert await hits(limiter, 1) == [True]


async def test_a_refused_hit_hears_how_long_to_wait(bench: Bench) -> None:
    limiter = bench.open(2)
    await hits(limiter, 1)
    await bench.later(20)
    await hits(limiter, 1)
    await bench.later(10)
    refused = await limiter.hit("ada")

    assert refused.retry_after is not None
    assert WINDOW - 30 - SLACK < refused.retry_after <= WINDOW - 30
    assert WINDOW - 10 - SLACK < refused.reset <= WINDOW - 10

    await bench.later(refused.retry_after)
    assert await hits(limiter, 1) == [True]


async def test_a_costly_hit_waits_for_more_units(bench: Bench) -> None:
    limiter = bench.open(3)
    for _ in range(3):
        await hits(limiter, 1)
        await bench.later(10)
    refused = await limiter.hit("ada", 2)

    assert (refused.allowed, refused.remaining) == (False, 0)
    assert refused.retry_after is not None
    assert WINDOW - 20 - SLACK < refused.retry_after <= WINDOW - 20

    await bench.later(refused.retry_after)
    assert await hits(limiter, 2) == [True]


async def test_a_hit_that_passed_need_not_wait(bench: Bench) -> None:
    assert await bench.open(3).hit("ada", 2) == RateLimit(True, 3, 1, WINDOW, 0.0)


async def test_a_costly_hit_passes_whole_or_not_at_all(bench: Bench) -> None:
    assert await hits(bench.open(5), 4, 2, 1, 1) == [True, False, True, False]


async def test_a_cost_above_the_limit_never_passes_and_says_so(bench: Bench) -> None:
    limiter = bench.open(5)

    assert await limiter.hit("ada", 6) == RateLimit(False, 5, 5, 0.0, None)
    assert await hits(limiter, 5) == [True]


async def test_a_hit_costs_something(bench: Bench) -> None:
    with pytest.raises(ValueError, match="at least 1, not 0"):
        await bench.open(5).hit("ada", 0)
    with pytest.raises(ValueError, match="at least 1, not -1"):
        await bench.open(5).hit("ada", -1)


async def test_a_whole_large_limit_can_be_spent_at_once(bench: Bench) -> None:
    limiter = bench.open(10_000)

    assert await hits(limiter, 9_999, 2, 1, 1) == [True, False, True, False]


@pytest.mark.parametrize(("limit", "window"), [(0, 60), (-1, 60), (1, 0)])
async def test_what_is_no_limit_is_refused(redis_store: RedisStore, limit: int, window: float) -> None:
    with pytest.raises(ValueError, match="is no limit"):
        MemoryRateLimiter(limit, window)
    with pytest.raises(ValueError, match="is no limit"):
        RedisRateLimiter(redis_store, limit, window)


@pytest.mark.parametrize("seed", range(3))
async def test_no_window_lets_more_than_the_limit_through(bench: Bench, seed: int) -> None:
    """Hits at random: bursts, pauses, some costly. Every window ends with a hit that fills it most."""
    dice, limiter, passed = random.Random(seed), bench.open(7), []
    for _ in range(80):
        if dice.random() < 0.5:
            await bench.later(dice.choice([1, 7, 13, 29]))
        cost = dice.choice([1, 1, 1, 2, 5])
        if (await limiter.hit("ada", cost)).allowed:
            passed.append((await bench.last(), cost))

    microsecond = 1e-6
    for end, _ in passed:
        within = [cost for moment, cost in passed if end - WINDOW + microsecond < moment <= end]
        assert sum(within) <= 7


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_fits_into_the_window_passes(seed: int, clock: Clock) -> None:
    """Neither too much nor too little: the twin does what a list of everything that passed says."""
    dice, limiter = random.Random(seed), MemoryRateLimiter(7, WINDOW, clock=clock)
    passed: list[tuple[float, int]] = []
    for _ in range(300):
        clock.now += dice.choice([0, 0, 0.5, 1, 7, 13.25, 30, 60, 61])
        cost = dice.choice([1, 1, 1, 2, 5])
        counting = sum(cost for moment, cost in passed if moment > clock.now - WINDOW)
        verdict = await limiter.hit("ada", cost)

        assert verdict.allowed == (counting + cost <= 7)
        assert verdict.remaining == 7 - counting - cost * verdict.allowed
        if verdict.allowed:
            passed.append((clock.now, cost))


async def test_a_burst_lets_exactly_the_limit_through(redis_store: RedisStore) -> None:
    """A thousand at once, through two limiters as on two replicas."""
    limiters = [RedisRateLimiter(redis_store, 100, WINDOW) for _ in range(2)]
    verdicts = await asyncio.gather(*(limiters[number % 2].hit("ada") for number in range(1000)))

    passed = [verdict.remaining for verdict in verdicts if verdict.allowed]
    assert sorted(passed) == list(range(100))


async def test_who_asked_is_not_written_down(redis_store: RedisStore) -> None:
    await RedisRateLimiter(redis_store, 3, WINDOW).hit("ada@example.org")

    [key] = await redis_store.client.keys()
    assert key.startswith(b"mb:rate:")
    assert len(key) == len("mb:rate:") + 32
    assert b"ada" not in key + b"".join(await redis_store.client.lrange(key, 0, -1))


async def test_a_key_lives_until_its_newest_unit_has_left_the_window(redis_store: RedisStore) -> None:
    await RedisRateLimiter(redis_store, 3, WINDOW).hit("ada")

    [key] = await redis_store.client.keys()
    expires, [moment] = await redis_store.client.pexpiretime(key), await redis_store.client.lrange(key, 0, -1)
    assert 0 <= expires * 1000 - (int(moment) + WINDOW * MICRO) <= 2000


async def test_who_is_silent_for_a_window_costs_nothing(redis_store: RedisStore) -> None:
    await RedisRateLimiter(redis_store, 3, SHORT).hit("ada")

    async def empty() -> bool:
        return not await redis_store.client.dbsize()

    await wait_until(empty, "the caller's key to expire")


async def test_units_that_left_the_window_are_not_kept(redis_store: RedisStore) -> None:
    """A caller who never pauses has a key that never expires."""
    bench = redis_bench(redis_store)
    for _ in range(10):
        await hits(bench.open(3), 1)
        await bench.later(WINDOW / 3)

    [key] = await redis_store.client.keys()
    assert await redis_store.client.llen(key) == 3


async def test_a_large_limit_takes_little_memory(redis_store: RedisStore) -> None:
    await RedisRateLimiter(redis_store, 10_000, WINDOW).hit("ada", 10_000)

    [key] = await redis_store.client.keys()
    assert await redis_store.client.memory_usage(key, samples=0) < 150_000


async def test_limits_of_different_windows_do_not_share_what_was_spent(redis_store: RedisStore) -> None:
    """The shorter one would forget what the longer one still counts."""
    long, short = RedisRateLimiter(redis_store, 1, WINDOW), RedisRateLimiter(redis_store, 1, SHORT)
    await hits(long, 1)

    async def short_passes_again() -> bool:
        return await hits(short, 1) == [True]

    assert await short_passes_again()
    await wait_until(short_passes_again, "the short window to pass")
    assert await hits(long, 1) == [False]


async def test_a_lowered_limit_counts_what_was_spent_before(redis_store: RedisStore) -> None:
    """A deployment changes the limit of who had nearly reached the old one."""
    bench = redis_bench(redis_store)
    await hits(bench.open(5), 2)
    await bench.later(20)
    await hits(bench.open(5), 3)
    refused = await bench.open(2).hit("ada")

    assert (refused.allowed, refused.remaining) == (False, 0)
    assert refused.retry_after is not None
    assert WINDOW - SLACK < refused.retry_after <= WINDOW


async def test_an_emptied_redis_counts_anew(redis_store: RedisStore) -> None:
    """As after a restart: neither what was spent nor the script is there."""
    limiter = RedisRateLimiter(redis_store, 1, WINDOW)
    await hits(limiter, 1)
    await redis_store.client.flushall()
    await redis_store.client.script_flush()

    assert await hits(limiter, 1, 1) == [True, False]


async def test_without_redis_every_process_counts_for_itself(
    away: RedisStore, metrics: Metrics, clock: Clock
) -> None:
    """Everybody hears of it; only the first call touches the network."""
    told: list[str] = []
    limiter = RedisRateLimiter(
        away, 2, WINDOW, MemoryRateLimiter(2, WINDOW, clock=clock), lambda: told.append("away")
    )

    assert await hits(limiter, 1, 1, 1) == [True, True, False]
    assert told == ["away"] * 3
    assert metrics.registry.get_sample_value("meme_generator_cache_errors_total") == 1


async def test_without_redis_and_fallback_all_passes_but_what_never_would(away: RedisStore) -> None:
    limiter = RedisRateLimiter(away, 2, WINDOW)

    assert await hits(limiter, 1, 1, 1, 2) == [True] * 4
    assert await limiter.hit("ada", 3) == RateLimit(False, 2, 2, 0.0, None)


async def test_a_flood_of_made_up_callers_does_not_fill_the_memory(clock: Clock) -> None:
    """Who spent nothing for longest is forgotten first."""
    limiter = MemoryRateLimiter(2, WINDOW, room=4, clock=clock)
    for who in ("ada", "grace", "grace", "ada", "joan", "joan"):
        await limiter.hit(who)

    assert (len(limiter._logs), limiter._hits) == (2, 4)
    assert [(await limiter.hit(who)).allowed for who in ("ada", "joan")] == [False] * 2
    assert (await limiter.hit("grace", 2)).allowed


async def test_a_caller_who_never_pauses_needs_no_more_room(clock: Clock) -> None:
    limiter = MemoryRateLimiter(3, WINDOW, clock=clock)
    for _ in range(10):
        await hits(limiter, 1)
        clock.now += WINDOW / 2

    assert limiter._hits == sum(len(log.hits) for log in limiter._logs.values()) == 2


async def test_memory_keeps_nobody_whose_window_is_over(clock: Clock) -> None:
    limiter = MemoryRateLimiter(3, WINDOW, clock=clock)
    for number in range(50):
        await limiter.hit(f"caller {number}")
    clock.now += WINDOW
    await limiter.hit("ada")

    assert len(limiter._logs) == limiter._hits == 1


async def test_one_caller_s_full_limit_is_never_forgotten_for_want_of_room(clock: Clock) -> None:
    limiter = MemoryRateLimiter(10, WINDOW, room=3, clock=clock)

    assert await hits(limiter, *[1] * 11) == [True] * 10 + [False]
