"""What is remembered of users, in Redis and in memory, and how they are forgotten."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from memebattle.kit.metrics import Metrics
from memebattle.store.profiles import LONGEST, OPT_OUT_TTL, MemoryProfiles, Profiles
from memebattle.store.redis import RedisStore
from tests.toys import Clock

HOUR = 3600.0
KEY = b"a key that replicas share"
ADA = {"role": "CTO", "timezone": "Europe/London"}


@dataclass(frozen=True, slots=True)
class Bench:
    """Profiles, and a way to let seconds pass for them."""

    profiles: MemoryProfiles | Profiles
    later: Callable[[float], Awaitable[None]]


@pytest.fixture(params=["memory", "redis"])
def bench(request: pytest.FixtureRequest, clock: Clock) -> Bench:
    if request.param == "memory":

        async def pass_by(seconds: float) -> None:
            clock.now += seconds

        return Bench(MemoryProfiles(HOUR, clock), pass_by)
    store: RedisStore = request.getfixturevalue("redis_store")

    async def age(seconds: float) -> None:
        """Redis's clock cannot be set; what is stored can be made to end sooner."""
        async for key in store.client.scan_iter():
            await store.client.pexpire(key, await store.client.pttl(key) - round(seconds * 1000))

    return Bench(Profiles(store, KEY, HOUR), age)


async def test_what_was_remembered_is_recalled(bench: Bench) -> None:
    assert await bench.profiles.remember("ada", ADA) == ADA
    assert await bench.profiles.recall("ada") == ADA
    assert await bench.profiles.recall("grace") is None


async def test_only_short_text_of_four_fields_is_kept(bench: Bench) -> None:
    kept = await bench.profiles.remember(
        "ada",
        {
            "role": " CTO ",
            "department": "x" * (LONGEST + 1),
            "timezone": 0,
            "language": "e\nn",
            "email": "ada@example.org",
            "opted_out": "1",
        },
    )

    assert kept == {"role": "CTO"}
    assert await bench.profiles.recall("ada") == {"role": "CTO"}


@pytest.mark.parametrize("nothing", [{}, {"email": "ada@example.org"}, {"role": "  "}])
async def test_nothing_worth_keeping_leaves_what_is_known(bench: Bench, nothing: dict[str, str]) -> None:
    await bench.profiles.remember("ada", ADA)

    assert await bench.profiles.remember("ada", nothing) == {}
    assert await bench.profiles.recall("ada") == ADA


async def test_what_is_new_is_put_beside_what_is_known(bench: Bench) -> None:
    await bench.profiles.remember("ada", ADA)
    await bench.profiles.remember("ada", {"role": "CEO", "language": "en"})

    assert await bench.profiles.recall("ada") == {
        "role": "CEO",
        "timezone": "Europe/London",
        "language": "en",
    }


async def test_a_profile_ends_when_nothing_was_remembered_for_its_time_to_live(bench: Bench) -> None:
    await bench.profiles.remember("ada", ADA)
    await bench.later(HOUR - 60)
    await bench.profiles.remember("ada", {"role": "CEO"})
    await bench.later(HOUR - 60)
    assert await bench.profiles.recall("ada") == ADA | {"role": "CEO"}

    await bench.later(60)
    assert await bench.profiles.recall("ada") is None


async def test_forgetting_is_complete_and_of_one_user_only(bench: Bench) -> None:
    await bench.profiles.remember("ada", ADA)
    await bench.profiles.remember("grace", {"role": "CFO"})

    assert await bench.profiles.forget("ada") is True
    assert await bench.profiles.forget("ada") is False
    assert await bench.profiles.recall("ada") is None
    assert await bench.profiles.recall("grace") == {"role": "CFO"}


async def test_who_opts_out_is_forgotten_and_not_remembered_again(bench: Bench) -> None:
    await bench.profiles.remember("ada", ADA)

    assert await bench.profiles.opt_out("ada")
    assert await bench.profiles.recall("ada") is None
    assert await bench.profiles.remember("ada", ADA) == {}
    assert await bench.profiles.recall("ada") is None


async def test_an_opt_out_is_of_one_user_only(bench: Bench) -> None:
    await bench.profiles.opt_out("ada")

    assert await bench.profiles.remember("grace", ADA) == ADA


async def test_forgetting_does_not_end_an_opt_out(bench: Bench) -> None:
    await bench.profiles.opt_out("ada")

    assert await bench.profiles.forget("ada") is False
    assert await bench.profiles.remember("ada", ADA) == {}


async def test_who_opts_in_again_begins_anew(bench: Bench) -> None:
    await bench.profiles.remember("ada", ADA)
    await bench.profiles.opt_out("ada")

    assert await bench.profiles.opt_in("ada")
    assert await bench.profiles.recall("ada") is None
    assert await bench.profiles.remember("ada", {"role": "CEO"}) == {"role": "CEO"}
    assert await bench.profiles.recall("ada") == {"role": "CEO"}


async def test_opting_in_without_having_opted_out_forgets_nothing(bench: Bench) -> None:
    await bench.profiles.remember("ada", ADA)
    await bench.profiles.opt_in("ada")

    assert await bench.profiles.recall("ada") == ADA


async def test_an_opt_out_lasts_400_days(bench: Bench) -> None:
    await bench.profiles.opt_out("ada")
    await bench.later(OPT_OUT_TTL - 60)
    assert await bench.profiles.remember("ada", ADA) == {}

    await bench.later(60)
    assert await bench.profiles.remember("ada", ADA) == ADA


async def test_who_it_is_is_not_written_down(redis_store: RedisStore) -> None:
    """The digest cannot be found by trying user ids without the key."""
    await Profiles(redis_store, KEY, HOUR).remember("ada@example.org", ADA)
    await Profiles(redis_store, b"another", HOUR).opt_out("ada@example.org")

    keys = await redis_store.client.keys()
    assert len(keys) == 2
    for key in keys:
        assert key.startswith(b"mb:user:")
        assert len(key) == len("mb:user:") + 32
        assert b"ada" not in key + b"".join((await redis_store.client.hgetall(key)).values())


async def test_replicas_with_one_key_share_what_they_remember(redis_store: RedisStore) -> None:
    await Profiles(redis_store, KEY, HOUR).remember("ada", ADA)

    assert await Profiles(redis_store, KEY, HOUR).recall("ada") == ADA
    assert await Profiles(redis_store, b"another", HOUR).recall("ada") is None


async def test_without_a_key_a_process_has_its_own_and_says_so_once(
    redis_store: RedisStore, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        one = Profiles(redis_store, b"", HOUR)
        await one.remember("ada", ADA)
        await one.remember("grace", ADA)
    assert [record.message[:29] for record in caplog.records] == ["there is no key for user data"]

    assert await one.recall("ada") == ADA
    assert await Profiles(redis_store, b"", HOUR).recall("ada") is None


async def test_fields_of_another_version_are_not_recalled(redis_store: RedisStore) -> None:
    profiles = Profiles(redis_store, KEY, HOUR)
    await profiles.remember("ada", ADA)
    [key] = await redis_store.client.keys()
    await redis_store.client.hset(key, "shoe_size", "38")

    assert await profiles.recall("ada") == ADA


async def test_without_redis_nothing_is_kept_and_no_promise_is_made(
    away: RedisStore, metrics: Metrics
) -> None:
    """Who wants to be forgotten must not hear that it was done."""
    profiles = Profiles(away, KEY, HOUR)

    assert await profiles.remember("ada", ADA) == {}
    assert await profiles.recall("ada") is None
    assert await profiles.forget("ada") is None
    assert await profiles.opt_out("ada") is False
    assert await profiles.opt_in("ada") is False
    assert metrics.registry.get_sample_value("meme_generator_cache_errors_total") == 1
