"""The log of battles in a real stream and in memory: who comes first is in, and all is read in order."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from memebattle.bus.battlelog import JetStreamBattleLog, MemoryBattleLog
from memebattle.bus.facts import PAGE, BattleLog, Fact, Stored, everything
from memebattle.bus.publishing import DurablePublisher
from memebattle.bus.refusals import Unavailable
from memebattle.bus.subjects import InvalidToken
from memebattle.kit.metrics import Metrics
from tests.contract.conftest import Bus

STREAM = "BATTLES"


@pytest.fixture
def real(bus: Bus) -> JetStreamBattleLog:
    return JetStreamBattleLog(bus.publisher, lambda: bus.client, STREAM)


@pytest.fixture(params=["memory", "jetstream"])
def log(request: pytest.FixtureRequest) -> BattleLog:
    return MemoryBattleLog() if request.param == "memory" else request.getfixturevalue("real")


def a_fact(
    body: bytes = b"{}", kind: str = "vote", key: str = "m1_s1", battle: str = "KBDF", after: int | None = 0
) -> Fact:
    return Fact(battle, kind, key, body, after)


async def test_a_battle_nobody_opened_is_empty(log: BattleLog) -> None:
    assert await log.after("KBDF", 0) == []


async def test_facts_come_back_in_order_and_from_any_place_on(log: BattleLog) -> None:
    assert await log.add(a_fact(b"1", "course", "log")) == 1
    assert await log.add(a_fact(b"2")) == 2
    assert await log.add(a_fact(b"3", key="m1_s2")) == 3

    everything = [Stored(1, "course", b"1"), Stored(2, "vote", b"2"), Stored(3, "vote", b"3")]
    assert await log.after("KBDF", 0) == everything
    assert await log.after("KBDF", 1) == everything[1:]
    assert await log.after("KBDF", 3) == []


async def test_a_place_is_taken_once(log: BattleLog) -> None:
    await log.add(a_fact(b"first"))

    assert await log.add(a_fact(b"second")) is None
    assert [each.body for each in await log.after("KBDF", 0)] == [b"first"]


async def test_of_many_who_race_one_is_in(log: BattleLog) -> None:
    found = await asyncio.gather(*(log.add(a_fact(b"%d" % number)) for number in range(50)))

    assert [each for each in found if each is not None] == [1]


async def test_the_next_one_has_to_know_the_last_one(log: BattleLog) -> None:
    first = await log.add(a_fact(b"1", "course", "log"))
    await log.add(a_fact(b"elsewhere"))
    assert await log.add(a_fact(b"2", "course", "log", after=0)) is None
    second = await log.add(a_fact(b"2", "course", "log", after=first))
    assert second == 3

    assert await log.add(a_fact(b"3", "course", "log", after=first)) is None
    assert await log.add(a_fact(b"3", "course", "log", after=second)) == 4


async def test_without_a_fence_the_last_one_is_simply_there_as_well(log: BattleLog) -> None:
    assert [await log.add(a_fact(after=None)) for _ in range(3)] == [1, 2, 3]


async def test_without_a_fence_the_id_tells_a_repetition(log: BattleLog) -> None:
    """It is where it was, and undoes nothing that came after it."""
    first, second = (replace(a_fact(after=None), body=body, id=body.decode()) for body in (b"1", b"2"))

    assert [await log.add(fact) for fact in (first, second, first)] == [1, 2, 1]
    assert [each.body for each in await log.after("KBDF", 0)] == [b"1", b"2"]


async def test_a_battle_is_opened_only_where_nothing_is(log: BattleLog) -> None:
    opening = replace(a_fact(b"opened", "course", "log"), is_first=True)
    await log.add(a_fact(battle="OTHR"))
    assert await log.add(opening) == 2
    assert await log.add(opening) is None
    assert await log.add(replace(opening, battle="OTHR")) is None


async def test_battles_do_not_see_each_other(log: BattleLog) -> None:
    await log.add(a_fact(b"1"))
    await log.add(a_fact(b"2", battle="KBDFX"))

    assert [each.body for each in await log.after("KBDF", 0)] == [b"1"]


@pytest.mark.parametrize("name", ["", "a.b", "*", ">", "a b", "x" * 65])
async def test_only_tokens_name_a_battle(log: BattleLog, name: str) -> None:
    with pytest.raises(InvalidToken):
        await log.add(a_fact(battle=name))
    with pytest.raises(InvalidToken):
        await log.add(a_fact(key=name))
    with pytest.raises(InvalidToken):
        await log.after(name, 0)


async def test_more_than_a_page_is_read_page_by_page(log: BattleLog) -> None:
    count = PAGE + 3
    await asyncio.gather(*(log.add(a_fact(key=f"k{number}")) for number in range(count)))
    await log.add(a_fact(battle="OTHR"))

    pages = [await log.after("KBDF", reached) for reached in (0, PAGE, count)]
    assert [len(page) for page in pages] == [PAGE, 3, 0]
    assert [each.sequence for each in await everything(log, "KBDF")] == list(range(1, count + 1))


async def test_exactly_a_page_is_read_too(log: BattleLog) -> None:
    await asyncio.gather(*(log.add(a_fact(key=f"k{number}")) for number in range(PAGE)))

    assert len(await everything(log, "KBDF")) == PAGE


@pytest.fixture
def hasty(bus: Bus, metrics: Metrics) -> JetStreamBattleLog:
    """A log that gives up soon."""
    publisher = DurablePublisher(lambda: bus.client, metrics, budget=0.1)
    return JetStreamBattleLog(publisher, lambda: bus.client, STREAM, patience=0.1)


async def all_fail(log: BattleLog) -> None:
    with pytest.raises(Unavailable):
        await asyncio.wait_for(log.add(a_fact()), 5)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(log.after("KBDF", 0), 5)


async def test_without_the_stream_the_log_is_away(bus: Bus, hasty: JetStreamBattleLog) -> None:
    await bus.js().delete_stream(STREAM)

    await all_fail(hasty)


async def test_without_a_connection_the_log_is_away(bus: Bus, hasty: JetStreamBattleLog) -> None:
    await bus.client.close()

    await all_fail(hasty)


async def test_a_stream_that_refuses_for_good_is_away(bus: Bus, hasty: JetStreamBattleLog) -> None:
    config = (await bus.js().stream_info(STREAM)).config
    await bus.js().update_stream(replace(config, max_msg_size=200))

    with pytest.raises(Unavailable, match="did not take it"):
        await hasty.add(a_fact(b"x" * 300))
