"""Who sees to the course of a battle: any replica, each step once, whatever was missed."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest

from memebattle.battle import events
from memebattle.battle.course import due
from memebattle.battle.hall import IDLE
from memebattle.battle.messages import BattleView, PaintedNews
from memebattle.battle.options import Options
from memebattle.battle.state import Battle
from memebattle.battle.table import Table, fact_of
from memebattle.bus.battlelog import MemoryBattleLog
from memebattle.bus.facts import PAGE, Fact, Stored
from memebattle.bus.idempotency import Answer
from memebattle.bus.refusals import Unavailable
from memebattle.memes.messages import MemeError
from tests.parlour import Parlour, good, parlour, service, settle
from tests.waiting import wait_until


async def kinds(room: Parlour) -> Counter[str]:
    return Counter(json.loads(each.body)["type"] for each in await room.log.after(room.code, 0))


async def test_fifty_replicas_that_see_the_same_deadline_append_one_step() -> None:
    async with parlour(50) as room:
        await room.to_the_vote(4, rounds=1)
        await asyncio.gather(*(room.look(at=at) for at in range(50)))
        for _ in range(20):
            await room.pass_time(11)
        found = await kinds(room)

    once = ("prompts_closed", "voting_started", "round_revealed", "finished")
    assert [found[kind] for kind in once] == [1, 1, 1, 1]
    assert found["duel_started"] == found["duel_ended"] == 3


async def test_fifty_tables_that_offer_the_same_step_at_once() -> None:
    """Without any pause between reading and offering."""
    async with parlour() as room:
        await room.to_the_vote(4)
        code, now = room.code, round((room.clock.now + 60) * 1000)
        tables = [Table(code, room.log) for _ in range(50)]
        await asyncio.gather(*(table.catch_up() for table in tables))
        steps = [due(table.battle, now + number) for number, table in enumerate(tables)]
        taken = await asyncio.gather(
            *(table.record(step) for table, step in zip(tables, steps, strict=True) if step)
        )

        assert sum(taken) == 1
        assert (await kinds(room))["round_revealed"] == 1


async def test_a_replica_that_comes_later_goes_on_where_the_first_one_died() -> None:
    async with parlour() as room:
        await room.to_the_vote(4, rounds=1)
        await room.judge_all(4)
        await room.replicas[0].hall.aclose()
        room.replicas[0] = service(room)
        seen = await room.seen()
        assert (seen.phase, seen.votes) == ("reveal", 12)
        await room.pass_time(5)

        assert (await room.seen()).phase == "duel"


async def test_of_many_who_ask_for_a_battle_that_is_not_here_one_reads_it() -> None:
    log = CountingLog()
    async with parlour(2, log=log) as room:
        await room.open(3)
        log.read = 0
        await asyncio.gather(*(room.look(at=1) for _ in range(200)))

    assert log.read <= 5


class CountingLog(MemoryBattleLog):
    read = 0

    async def after(self, battle: str, sequence: int) -> list[Stored]:
        self.read += 1
        await asyncio.sleep(0)
        return await super().after(battle, sequence)


async def test_pictures_that_nobody_told_about_are_found() -> None:
    async with parlour() as room:
        await room.open(3)
        await room.order("start")
        for who in (1, 2, 3):
            good(await room.enter(who))
        await room.pass_time(1)
        assert (await room.seen()).painted == 0
        (first, _), (second, _), (third, _) = room.painter.asked
        url = json.dumps({"request_id": first, "image_url": "/images/1.webp", "image_data": "…"}).encode()
        room.painter.answers[first] = Answer(first, "response", url, "")
        error = MemeError(request_id=second, error="not that", code="nsfw", retryable=False)
        room.painter.answers[second] = Answer(second, "error", error.body(), "")
        await room.pass_time(3)
        await room.pass_time(0)
        seen = await room.seen()

        assert (seen.painted, sorted(filter(None, (each.error for each in seen.entries)))) == (
            2,
            ["not that"],
        )
        assert len(room.painter.asked) == 3
        for _ in range(6):
            await room.pass_time(1)
            await room.order("extend", seconds=60)
        assert len(room.painter.asked) == 3
        await room.pass_time(15)
        await room.pass_time(1)
        assert room.painter.asked[3:] == [(third, "the prompt of 3")]


async def test_news_of_pictures_that_are_not_waited_for_is_no_event() -> None:
    async with parlour(2) as room:
        await room.open(2)
        await room.order("start")
        good(await room.enter(1, "a cat"))
        good(await room.enter(1, "a dog"))
        await room.look(at=1)
        (cat, _), (dog, _) = room.painter.asked
        for request_id in (cat, "KBDF", "", "-", f"{room.code}-other", "cat-on-mars-1"):
            await room.replicas[0].hall.heard(PaintedNews(request_id=request_id, image_url="/x.webp"))
        assert (await kinds(room))["painted"] == 0
        for replica in room.replicas * 2:
            await replica.hall.heard(PaintedNews(request_id=dog, image_url="/x.webp"))

        assert (await kinds(room))["painted"] == 1
        assert (await room.seen(1)).painted == 1


async def test_phones_and_screens_are_told_after_what_was_done() -> None:
    async with parlour() as room:
        await room.open(3)
        await wait_until(lambda: len(room.events.told) >= 2, "the first views")
        subjects = {subject for subject, _ in room.events.told}
        assert subjects == {f"battle.view.{room.code}", f"battle.stage.{room.code}"}
        await room.order("start")
        await wait_until(lambda: told(room).phase == "prompt", "the view of the prompts")
        count = len(room.events.told)
        for who in (1, 2):
            good(await room.enter(who))
        await wait_until(lambda: told(room).entered == 2, "the view of what was handed in")

        assert len(room.events.told) - count <= 6  # not one for each


def told(room: Parlour) -> BattleView:
    view = room.events.told[-1][1]
    assert isinstance(view, BattleView)
    return view


async def test_a_battle_that_nobody_asks_for_is_let_go_and_comes_back() -> None:
    async with parlour() as room:
        await room.open(3)
        hall = room.replicas[0].hall
        await room.pass_time(IDLE + 1)
        assert hall.open_battles == 0
        assert room.metrics.battles.open._value.get() == 0

        assert (await room.seen()).seats == 3
        assert hall.open_battles == 1


class Moody(MemoryBattleLog):
    is_away = False

    async def after(self, battle: str, sequence: int) -> list[Stored]:
        if self.is_away:
            raise Unavailable("gone fishing")
        return await super().after(battle, sequence)


async def test_a_battle_waits_for_its_stream() -> None:
    log = Moody()
    async with parlour(log=log) as room:
        room.replicas[0].hall.after_trouble = 0.01
        await room.to_the_vote(3, rounds=1)
        log.is_away = True
        await room.pass_time(60)
        log.is_away = False

        await wait_until(lambda: room.battle.phase in {"reveal", "duel"}, "the battle to go on")


async def test_after_the_close_nothing_is_offered_and_commands_are_still_answered() -> None:
    async with parlour() as room:
        await room.to_the_vote(3)
        room.replicas[0].hall.close()
        await settle()
        before = (await room.seen()).sequence
        await room.pass_time(60)

        assert (await room.seen()).sequence == before
        assert (await room.join(9)).ok


async def test_what_a_later_version_writes_stops_nobody() -> None:
    """An event of the course that we cannot read is passed over, and fenced all the same."""
    async with parlour() as room:
        await room.open(3)
        battle = room.battle
        assert await room.log.add(Fact(room.code, "course", "log", b'{"type":"x"}', battle.log_sequence))
        good(await room.order("start"))

        assert (await room.seen()).phase == "prompt"


async def test_where_events_belong() -> None:
    async with parlour() as room:
        await room.open()
        places = {
            (fact.kind, fact.key, fact.after, fact.is_first)
            for event in (
                events.Joined(at=0, seat="s1", name="Ada", avatar=0),
                events.Entered(at=0, round=2, seat="s1", prompt="p", request_id="r1"),
                events.Painted(at=0, request_id="r1"),
                events.Voted(at=0, seat="s1", match="duel1", left="a", right="b", choice="left"),
                events.Kicked(at=0, seat="s1"),
            )
            for fact in [fact_of(room.battle, event)]
        }

    assert places == {
        ("seat", "s1", 0, False),
        ("entry", "2-s1", None, False),
        ("meme", "r1", 0, False),
        ("vote", "duel1_s1", 0, False),
        ("course", "log", 1, False),
    }


class Interrupted(MemoryBattleLog):
    """Gives one page at a time, and is away after each."""

    is_away = False

    async def after(self, battle: str, sequence: int) -> list[Stored]:
        self.is_away = not self.is_away
        if not self.is_away:
            raise Unavailable("gone fishing")
        return await super().after(battle, sequence)


async def test_trouble_while_a_long_battle_is_read_does_not_cost_what_was_read() -> None:
    log = Interrupted()
    created = events.Created(at=1, host="h", salt="s", options=Options())
    await log.add(fact_of(Battle("KBDF"), created))
    for number in range(2 * PAGE):
        await log.add(Fact("KBDF", "seat", f"s{number}", b"{}"))
    table, reached = Table("KBDF", log), list[int]()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await table.catch_up()
        reached.append(table.battle.sequence)
    await table.catch_up()

    assert reached == [PAGE, 2 * PAGE]
    assert (table.battle.exists, table.battle.sequence) == (True, 2 * PAGE + 1)


class Stubborn(MemoryBattleLog):
    """Takes no step of the course and does not say what is in its way."""

    offers = 0
    is_stubborn = False

    async def add(self, fact: Fact) -> int | None:
        if self.is_stubborn and fact.kind == "course":
            self.offers += 1
            return None
        return await super().add(fact)


async def test_a_step_that_is_refused_for_no_reason_is_not_offered_all_the_time() -> None:
    log = Stubborn()
    async with parlour(log=log) as room:
        await room.to_the_vote(3)
        log.is_stubborn = True
        await room.pass_time(60)
        await settle()
        offers = log.offers

    assert offers == 1


async def test_a_stream_that_was_lost_and_put_back_is_read_from_its_beginning() -> None:
    """Its numbers begin anew; a battle that is not in it any more is unknown, and nothing else is claimed."""
    log = MemoryBattleLog()
    async with parlour(log=log) as room:
        await room.to_the_vote(3)
        question = (await room.next(1)).question
        assert question is not None
        log.stored.clear()
        reply = await room.vote(1, question)
        looked = await room.look()

    assert (reply.ok, looked.code) == (False, "unknown_battle")
