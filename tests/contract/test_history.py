"""Conversations in Redis and in memory: what was said before the next question."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from memebattle.kit.metrics import Metrics
from memebattle.store.history import LIMIT, MemoryHistory, RedisHistory
from memebattle.store.redis import RedisStore
from tests.toys import Clock
from tests.waiting import wait_until

DAY, SHORT = 24 * 3600.0, 0.05  # seconds
TURNS = 3
HALF = 32 * 1024 - 100  # bytes; two such answers fit, a third does not


type History = MemoryHistory | RedisHistory


@dataclass(frozen=True, slots=True)
class Bench:
    """A history of so many turns, and a way to let seconds pass for it."""

    open: Callable[[int], History]
    later: Callable[[float], Awaitable[None]]


@pytest.fixture(params=["memory", "redis"])
def bench(request: pytest.FixtureRequest, clock: Clock) -> Bench:
    if request.param == "memory":

        async def pass_by(seconds: float) -> None:
            clock.now += seconds

        return Bench(lambda turns: MemoryHistory(turns, DAY, clock), pass_by)
    store: RedisStore = request.getfixturevalue("redis_store")

    async def age(seconds: float) -> None:
        """Redis's clock cannot be set; what is stored can be made to end sooner."""
        async for key in store.client.scan_iter():
            await store.client.pexpire(key, await store.client.pttl(key) - round(seconds * 1000))

    return Bench(lambda turns: RedisHistory(store, turns, DAY), age)


@pytest.fixture
def history(bench: Bench) -> History:
    return bench.open(TURNS)


async def test_what_was_said_is_recalled_in_its_order(history: History) -> None:
    await history.remember("s1", "m1", "Who are you?", "A cat.")
    await history.remember("s1", "m2", "What do you want?", "Your chair.")

    assert await history.recall("s1") == [("Who are you?", "A cat."), ("What do you want?", "Your chair.")]


async def test_a_new_session_has_no_past(history: History) -> None:
    await history.remember("s1", "m1", "Who are you?", "A cat.")

    assert await history.recall("s2") == []


async def test_any_text_comes_back_as_it_was(history: History) -> None:
    text = 'żółw "quoted" \\ \n\t\x00 \u2028 😀 {"message_id":"m2",'
    await history.remember("s1", "m1", text, text[::-1])

    assert await history.recall("s1") == [(text, text[::-1])]


async def test_half_a_surrogate_pair_becomes_a_question_mark(history: History) -> None:
    """A model that streams characters in halves may leave one; no provider would take it back."""
    await history.remember("s1", "m1", "Smile", "\ud83d")

    assert await history.recall("s1") == [("Smile", "?")]


async def test_the_oldest_exchange_goes_first(history: History) -> None:
    for number in range(5):
        await history.remember("s1", f"m{number}", f"q{number}", f"a{number}")

    assert await history.recall("s1") == [("q2", "a2"), ("q3", "a3"), ("q4", "a4")]


async def test_a_redelivered_request_writes_its_exchange_again(history: History) -> None:
    """The first try was cut short; the second one's answer is longer."""
    await history.remember("s1", "m1", "Who are you?", "A c")
    await history.remember("s1", "m1", "Who are you?", "A cat.")

    assert await history.recall("s1") == [("Who are you?", "A cat.")]


async def test_a_late_redelivery_stays_in_its_place(history: History) -> None:
    await history.remember("s1", "m1", "first", "a")
    await history.remember("s1", "m2", "second", "b")
    await history.remember("s1", "m1", "first", "aa")

    assert await history.recall("s1") == [("first", "aa"), ("second", "b")]


async def test_an_id_that_begins_like_another_is_another(history: History) -> None:
    await history.remember("s1", "m10", "tenth", "a")
    await history.remember("s1", "m1", "first", "b")

    assert await history.recall("s1") == [("tenth", "a"), ("first", "b")]


async def test_sessions_may_use_the_same_message_ids(history: History) -> None:
    await history.remember("s1", "m1", "one", "a")
    await history.remember("s2", "m1", "two", "b")

    assert await history.recall("s1") == [("one", "a")]
    assert await history.recall("s2") == [("two", "b")]


async def test_long_answers_push_out_old_ones_before_the_turns_do(history: History) -> None:
    """Two answers of nearly 32 KiB fit into 64 KiB, three do not."""
    await history.remember("s1", "m1", "q1", "a" * HALF)
    await history.remember("s1", "m2", "q2", "b" * HALF)
    assert [user for user, _ in await known(history)] == ["q1", "q2"]

    await history.remember("s1", "m3", "q3", "c" * HALF)
    assert [user for user, _ in await known(history)] == ["q2", "q3"]


async def test_an_exchange_that_grows_pushes_out_what_is_older(history: History) -> None:
    await history.remember("s1", "m1", "q1", "a" * HALF)
    await history.remember("s1", "m2", "q2", "b")
    await history.remember("s1", "m2", "q2", "b" * 2 * HALF)

    assert [user for user, _ in await known(history)] == ["q2"]


async def test_an_endless_answer_keeps_its_beginning(history: History) -> None:
    await history.remember("s1", "m1", "How many?", "1" * LIMIT)

    [(user, assistant)] = await known(history)
    assert user == "How many?"
    assert assistant == "1" * (LIMIT - len('{"message_id":"m1","user":"How many?","assistant":""}'))


@pytest.mark.parametrize("sign", ["x", "ż", "😀", '"', "\n", "\x00"])
async def test_the_limit_counts_bytes_of_json(bench: Bench, sign: str) -> None:
    """A character takes one to six bytes there; none is cut in two, and no room is wasted."""
    history = bench.open(TURNS)
    await history.remember("s1", "m1", "q", sign * LIMIT)

    [(user, assistant)] = await known(history)
    size = len(json.dumps(sign, ensure_ascii=False).encode()) - 2
    assert (user, set(assistant)) == ("q", {sign})
    assert len(assistant) == (LIMIT - len('{"message_id":"m1","user":"q","assistant":""}')) // size


async def test_an_endless_question_leaves_no_room_for_its_answer(history: History) -> None:
    await history.remember("s1", "m0", "before", "yes")
    await history.remember("s1", "m1", "?" * 10 * LIMIT, "No.")

    [(user, assistant)] = await known(history)
    assert (len(user), assistant) == (LIMIT - len('{"message_id":"m1","user":"","assistant":""}'), "")


async def test_forgetting_is_complete_and_of_one_session_only(history: History) -> None:
    await history.remember("s1", "m1", "one", "a")
    await history.remember("s2", "m2", "two", "b")
    await history.forget("s1")
    await history.forget("never-heard-of")

    assert await history.recall("s1") == []
    assert await history.recall("s2") == [("two", "b")]


async def test_a_conversation_ends_when_nothing_was_said_for_its_ttl(bench: Bench) -> None:
    history = bench.open(TURNS)
    await history.remember("s1", "m1", "one", "a")
    await bench.later(DAY - 60)
    await history.remember("s1", "m2", "two", "b")
    await bench.later(DAY - 60)
    assert await history.recall("s1") == [("one", "a"), ("two", "b")]

    await bench.later(60)
    assert await history.recall("s1") == []


async def test_a_new_conversation_does_not_bring_back_the_expired_one(bench: Bench) -> None:
    history = bench.open(TURNS)
    await history.remember("s1", "m1", "one", "a")
    await bench.later(DAY)
    await history.remember("s1", "m2", "two", "b")

    assert await history.recall("s1") == [("two", "b")]


async def test_no_turns_are_no_history(bench: Bench) -> None:
    """CHAT_HISTORY_TURNS=0."""
    history = bench.open(0)
    await history.remember("s1", "m1", "one", "a")

    assert await history.recall("s1") == []


async def test_without_turns_nothing_is_written(redis_store: RedisStore) -> None:
    await RedisHistory(redis_store, 0, DAY).remember("s1", "m1", "one", "a")

    assert await redis_store.client.keys() == []


async def test_what_is_not_recalled_any_more_is_not_kept_either(redis_store: RedisStore) -> None:
    history = RedisHistory(redis_store, TURNS, DAY)
    for number in range(5):
        await history.remember("s1", f"m{number}", f"q{number}", f"a{number}")

    assert await redis_store.client.llen("mb:history:s1") == TURNS


async def test_fewer_turns_than_were_kept_are_recalled(redis_store: RedisStore) -> None:
    """The setting was lowered while conversations were going on."""
    before = RedisHistory(redis_store, 3, DAY)
    for number in range(3):
        await before.remember("s1", f"m{number}", f"q{number}", f"a{number}")

    assert await RedisHistory(redis_store, 2, DAY).recall("s1") == [("q1", "a1"), ("q2", "a2")]


async def test_an_exchange_is_kept_as_json_within_the_limit(redis_store: RedisStore) -> None:
    await RedisHistory(redis_store, TURNS, DAY).remember("s1", "m1", "Ile?", "ż" * LIMIT)

    [kept] = await redis_store.client.lrange("mb:history:s1", 0, -1)
    assert list(json.loads(kept)) == ["message_id", "user", "assistant"]
    assert LIMIT - 1 <= len(kept) <= LIMIT


async def test_a_conversation_expires_by_itself(redis_store: RedisStore) -> None:
    await RedisHistory(redis_store, TURNS, SHORT).remember("s1", "m1", "one", "a")

    async def empty() -> bool:
        return not await redis_store.client.dbsize()

    await wait_until(empty, "the conversation to expire")


async def test_without_redis_nothing_is_known_and_nobody_waits(away: RedisStore, metrics: Metrics) -> None:
    """Only the first call touches the network: for half a second its failure stands for all."""
    history = RedisHistory(away, TURNS, DAY)
    await history.remember("s1", "m1", "one", "a")
    await history.forget("s1")

    assert await history.recall("s1") is None
    assert metrics.registry.get_sample_value("meme_generator_cache_errors_total") == 1


async def test_who_wants_no_history_does_not_ask_for_it(away: RedisStore, metrics: Metrics) -> None:
    history = RedisHistory(away, 0, DAY)
    await history.remember("s1", "m1", "one", "a")

    assert await history.recall("s1") == []
    assert metrics.registry.get_sample_value("meme_generator_cache_errors_total") == 0


async def known(history: History) -> list[tuple[str, str]]:
    """What was said in s1; it is not away."""
    pairs = await history.recall("s1")
    assert pairs is not None
    return pairs


async def test_one_message_s_exchange_can_be_left_out(history: History) -> None:
    """A worker that goes on with an answer must not read its beginning as something said before."""
    await history.remember("s1", "m1", "Who are you?", "A cat.")
    await history.remember("s1", "m10", "What do you want?", "Your chair.")
    await history.remember("s1", "m2", "Why?", "It is")

    assert await history.recall("s1", "m2") == [
        ("Who are you?", "A cat."),
        ("What do you want?", "Your chair."),
    ]
    assert await history.recall("s1", "m1") == [("What do you want?", "Your chair."), ("Why?", "It is")]
    assert len(await history.recall("s1") or ()) == 3
