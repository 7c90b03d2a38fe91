"""Claims in Redis and in memory: who works on which request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from memebattle.kit.claims import AlreadyDone, Claim, Claims, Taken, Unknown, Won
from memebattle.kit.metrics import Metrics
from memebattle.store.claims import MemoryClaims, RedisClaims
from memebattle.store.redis import RedisStore
from tests.toys import Clock
from tests.waiting import wait_until

LONG, SHORT = 30.0, 0.05  # seconds


@dataclass(frozen=True, slots=True)
class Bench:
    """Claims, and a way to let the lease of a request run out."""

    claims: Claims
    expire: Callable[[str], Awaitable[object]]

    async def win(self, request_id: str = "r1", lease: float = LONG) -> Won:
        return won(await self.claims.claim(request_id, lease))


def won(claim: Claim) -> Won:
    assert isinstance(claim, Won), claim
    return claim


@pytest.fixture(params=["memory", "redis"])
def bench(request: pytest.FixtureRequest, clock: Clock) -> Bench:
    if request.param == "memory":

        async def later(_: str) -> None:
            clock.now += SHORT + 0.001

        return Bench(MemoryClaims(clock), later)
    store: RedisStore = request.getfixturevalue("redis_store")

    async def gone(request_id: str) -> None:
        async def absent() -> bool:
            return not await store.client.exists(f"mb:claim:{{{request_id}}}")

        await wait_until(absent, "the lease to run out")

    return Bench(RedisClaims(store), gone)


async def test_the_first_wins_and_the_second_hears_how_long_it_may_take(bench: Bench) -> None:
    first = await bench.claims.claim("r1", LONG)
    second = await bench.claims.claim("r1", LONG)

    assert won(first).attempt == 1
    assert not won(first).cancelled
    assert isinstance(second, Taken)
    assert 0 < second.lease_left <= LONG


async def test_every_claim_has_a_token_of_its_own(bench: Bench) -> None:
    one, other = await bench.win("r1"), await bench.win("r2")

    assert one.token != other.token


async def test_what_was_answered_is_done_and_remembers_what_was_asked(bench: Bench) -> None:
    await bench.win()
    await bench.claims.done("r1", "digest-of-r1")

    assert await bench.claims.claim("r1", LONG) == AlreadyDone("digest-of-r1")


async def test_a_crashed_worker_s_claim_ends_with_its_lease_and_counts_as_a_try(bench: Bench) -> None:
    attempts = []
    for _ in range(3):
        attempts.append((await bench.win(lease=SHORT)).attempt)
        await bench.expire("r1")

    assert attempts == [1, 2, 3]


async def test_a_renewed_lease_outlives_its_first_end(bench: Bench) -> None:
    claim = await bench.win(lease=SHORT)
    await bench.claims.renew("r1", claim.token, LONG)

    taken = await bench.claims.claim("r1", LONG)

    assert isinstance(taken, Taken)
    assert SHORT < taken.lease_left <= LONG


async def test_a_lease_that_ran_out_cannot_be_renewed(bench: Bench) -> None:
    late = await bench.win(lease=SHORT)
    await bench.expire("r1")
    await bench.claims.renew("r1", late.token, LONG)

    assert won(await bench.claims.claim("r1", LONG)).attempt == 2


async def test_a_failed_try_is_given_back_and_counted(bench: Bench) -> None:
    claim = await bench.win()
    await bench.claims.release("r1", claim.token, refund=False)

    assert (await bench.win()).attempt == 2


async def test_a_wait_is_given_back_and_not_counted(bench: Bench) -> None:
    claim = await bench.win()
    await bench.claims.release("r1", claim.token, refund=True)

    assert (await bench.win()).attempt == 1


async def test_a_stranger_s_token_releases_and_renews_nothing(bench: Bench) -> None:
    await bench.win()
    await bench.claims.release("r1", "not-the-token", refund=True)
    await bench.claims.renew("r1", "not-the-token", SHORT)

    taken = await bench.claims.claim("r1", LONG)

    assert isinstance(taken, Taken)
    assert taken.lease_left > SHORT


async def test_the_former_holder_cannot_take_the_claim_from_the_new_one(bench: Bench) -> None:
    former = await bench.win(lease=SHORT)
    await bench.expire("r1")
    await bench.win()
    await bench.claims.release("r1", former.token, refund=True)

    assert isinstance(await bench.claims.claim("r1", LONG), Taken)


async def test_releasing_after_done_leaves_it_done(bench: Bench) -> None:
    claim = await bench.win()
    await bench.claims.done("r1", "digest")
    await bench.claims.release("r1", claim.token, refund=True)

    assert await bench.claims.claim("r1", LONG) == AlreadyDone("digest")


async def test_whoever_claims_a_cancelled_request_hears_of_it(bench: Bench) -> None:
    await bench.claims.cancel("r1")

    claim = won(await bench.claims.claim("r1", LONG))

    assert (claim.cancelled, claim.attempt) == (True, 1)
    assert isinstance(await bench.claims.claim("r1", LONG), Taken)


async def test_cancelling_work_in_progress_does_not_touch_the_claim(bench: Bench) -> None:
    await bench.win()
    await bench.claims.cancel("r1")

    assert isinstance(await bench.claims.claim("r1", LONG), Taken)


async def test_cancelling_what_was_answered_changes_nothing(bench: Bench) -> None:
    await bench.claims.done("r1", "digest")
    await bench.claims.cancel("r1")

    assert await bench.claims.claim("r1", LONG) == AlreadyDone("digest")


async def test_kinds_of_claims_share_nothing(redis_store: RedisStore) -> None:
    """Equal ids of a meme and of a chat message are two requests: their claims and tries stay apart."""
    memes, chat = RedisClaims(redis_store), RedisClaims(redis_store, "chat-claim")
    await memes.done("1", "digest-of-a-meme")
    message = won(await chat.claim("1", LONG))
    await chat.release("1", message.token, refund=False)

    assert won(await chat.claim("1", LONG)).attempt == 2
    assert await memes.claim("1", LONG) == AlreadyDone("digest-of-a-meme")
    assert set(await redis_store.client.keys()) == {
        b"mb:claim:{1}",
        b"mb:chat-claim:{1}",
        b"mb:chat-claim:{1}:tries",
    }


async def test_an_evicted_counter_leaves_no_key_behind_that_lives_for_ever(redis_store: RedisStore) -> None:
    """The counter may be evicted while its claim stays; the refund must not create it anew, without a TTL."""
    claims = RedisClaims(redis_store)
    claim = won(await claims.claim("r1", LONG))
    await redis_store.client.delete("mb:claim:{r1}:tries")
    await claims.release("r1", claim.token, refund=True)

    assert await redis_store.client.keys() == []


async def test_without_redis_nobody_knows_and_nobody_waits(away: RedisStore, metrics: Metrics) -> None:
    """The second call does not touch the network: for half a second the first failure stands for all."""
    claims = RedisClaims(away)

    assert await claims.claim("r1", LONG) == Unknown()

    attempts = metrics.registry.get_sample_value("meme_generator_cache_errors_total")
    await claims.renew("r1", "token", LONG)
    await claims.release("r1", "token", refund=True)
    await claims.done("r1", "digest")
    await claims.cancel("r1")

    assert await claims.claim("r1", LONG) == Unknown()
    assert metrics.registry.get_sample_value("meme_generator_cache_errors_total") == attempts == 1


async def test_half_a_second_later_it_tries_again(away: RedisStore, metrics: Metrics, clock: Clock) -> None:
    claims = RedisClaims(away)
    await claims.claim("r1", LONG)
    clock.now += 0.51
    await claims.claim("r1", LONG)

    assert metrics.registry.get_sample_value("meme_generator_cache_errors_total") == 2


async def test_closing_lets_a_release_on_its_way_arrive(redis_store: RedisStore) -> None:
    """A stopping worker gives its claims back last; nobody should have to wait for their leases."""
    claims = RedisClaims(redis_store)
    claim = won(await claims.claim("r1", LONG))
    releasing = asyncio.create_task(claims.release("r1", claim.token, refund=True))
    await asyncio.sleep(0)
    await redis_store.aclose()

    assert releasing.done()
