"""Commands of a battle, over a log in memory, at one replica or several."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace

import pytest

from memebattle.battle.messages import BattleCreate, BattleEntry, BattleReply, PaintedNews
from memebattle.battle.pace import Pace
from memebattle.battle.replies import Clerk
from memebattle.bus.battlelog import MemoryBattleLog
from memebattle.bus.facts import Fact, Stored
from memebattle.bus.refusals import QueueFull, Unavailable
from memebattle.kit.metrics import Metrics
from tests.parlour import GENEROUS, HOST, Parlour, good, parlour, service, settle, token
from tests.toys import Clock


async def test_a_whole_battle_of_six_at_two_replicas() -> None:
    async with parlour(2) as room:
        await room.to_the_vote(6, rounds=1)
        count = await room.judge_all(6)
        seen = await room.seen()
        assert (seen.phase, seen.votes, count) == ("reveal", 36, 36)
        await room.pass_time(5)
        for number in (1, 2, 3):
            assert (await room.seen()).phase == "duel"
            replies = [await room.duel(who, at=who % 2) for who in range(1, 7)]
            assert sum(reply.ok for reply in replies) == 4
            await settle()
            assert len((await room.seen()).duels) == number
            await room.pass_time(3)
        seen = await room.seen(1)

    assert seen.phase == "finished"
    assert seen.champion == seen.duels[2].winner
    assert [each.votes_left for each in seen.duels] == [4, 4, 4]


async def test_the_host_is_whoever_opened_it_and_needs_no_seat() -> None:
    async with parlour() as room:
        reply = await room.open(2, themes=["Cheese"])
        assert reply.me is not None
        assert (reply.me.is_host, reply.me.is_player) == (True, False)
        assert not (await room.me(1)).is_host
        seen = good(await room.order("start")).view

    assert seen is not None
    assert (seen.phase, seen.theme, seen.options.themes) == ("prompt", "Cheese", ())


async def test_a_device_gets_its_seat_back_whatever_it_calls_itself() -> None:
    async with parlour(2) as room:
        await room.open()
        first = good(await room.join(1, "Ada"))
        again = good(await room.join(1, "Bob", at=1))

        assert first.me is not None
        assert again.me is not None
        assert (again.me.seat, again.me.name) == (first.me.seat, "Ada")
        assert len((await room.seen()).players) == 1


@pytest.mark.parametrize("name", ["Ada", "ADA", "\u0410da", "A d a", "Äda", "A\u200bda", "ada!"])
async def test_names_that_look_alike_are_taken(name: str) -> None:
    async with parlour() as room:
        await room.open()
        good(await room.join(1, "Ada"))
        reply = await room.join(2, name)

        assert (reply.code, (await room.join(2, "Adam")).ok) == ("taken", True)


async def test_two_of_a_name_in_the_same_moment_are_told_apart() -> None:
    async with parlour(2) as room:
        await room.open()
        await room.look(at=1)
        await asyncio.gather(room.join(1, "Ada", at=0), room.join(2, "ada", at=1))
        names = {each.name for each in (await room.seen()).players}

    # whichever replica came second either refused, or the fold gave a number
    assert names in ({"Ada"}, {"ada"}, {"Ada", "ada 2"}, {"Ada 2", "ada"})


async def test_when_all_seats_are_taken_nobody_comes_in() -> None:
    async with parlour(2) as room:
        await room.open(max_players=20)
        await room.look(at=1)
        replies = await asyncio.gather(*(room.join(who, at=who % 2) for who in range(1, 1001)))
        seen = await room.seen()

    assert sum(reply.ok for reply in replies) == seen.seats == 20
    assert {reply.code for reply in replies if not reply.ok} == {"full"}


async def test_the_operator_s_limit_of_seats_counts() -> None:
    async with parlour(max_players=3) as room:
        await room.open(3, max_players=1000)

        assert (await room.join(4)).code == "full"
        assert (await room.seen()).options.max_players == 3


async def test_a_prompt_is_painted_and_a_later_one_replaces_it() -> None:
    async with parlour() as room:
        await room.open(2)
        assert (await room.enter(1)).code == "not_now"
        await room.order("start")
        first = good(await room.enter(1, "a cat")).me
        second = good(await room.enter(1, "a dog")).me
        again = good(await room.enter(1, "a dog")).me

        assert first is not None
        assert second is not None
        assert (second.prompt, again) == ("a dog", second)
        assert [prompt for _, prompt in room.painter.asked] == ["a cat", "a dog"]
        assert [name for name, _ in room.painter.asked] == [first.request_id, second.request_id]
        assert room.painter.cancelled == [first.request_id]
        await room.paint_all()
        seen = await room.seen()
        assert (seen.entered, seen.painted) == (1, 1)


async def test_a_picture_that_is_there_is_not_called_off() -> None:
    async with parlour() as room:
        await room.open(2)
        await room.order("start")
        good(await room.enter(1, "a cat"))
        await room.paint_all()
        good(await room.enter(1, "a dog"))

        assert [prompt for _, prompt in room.painter.asked] == ["a cat", "a dog"]
        assert room.painter.cancelled == []


async def test_a_prompt_that_could_not_be_painted_may_be_tried_again() -> None:
    """In the same words, although the same words are otherwise a message that came twice."""
    async with parlour() as room:
        await room.open(2)
        await room.order("start")
        first = good(await room.enter(1, "a cat")).me
        assert first is not None
        news = PaintedNews(request_id=str(first.request_id), error="the model timed out")
        await room.replicas[0].hall.heard(news)
        second = good(await room.enter(1, "a cat")).me

        assert second is not None
        assert second.request_id != first.request_id
        assert [prompt for _, prompt in room.painter.asked] == ["a cat", "a cat"]


async def test_a_prompt_for_another_round_is_refused() -> None:
    async with parlour() as room:
        await room.open(2)
        await room.order("start")
        late = BattleEntry(token=token(1), prompt="a cat", round=2)
        reply = await room.replicas[0].enter(room.code, late)
        assert (reply.code, reply.error) == ("not_now", "that was for another round")

        assert good(await room.replicas[0].enter(room.code, late.model_copy(update={"round": 1}))).me


async def test_a_skip_that_comes_too_late_skips_nothing() -> None:
    """Another replica has ended the votes in this very moment."""
    log = RacingLog()
    async with parlour(log=log) as room:
        await room.to_the_vote(4)
        log.is_racing = True
        good(await room.order("skip"))
        seen = await room.seen()

    assert (log.is_racing, seen.phase) == (False, "reveal")


class RacingLog(MemoryBattleLog):
    """Somebody else is a millisecond faster with the next step."""

    is_racing = False

    async def add(self, fact: Fact) -> int | None:
        if self.is_racing and fact.kind == "course":
            self.is_racing = False
            theirs = json.loads(fact.body)
            await super().add(replace(fact, body=json.dumps(theirs | {"at": theirs["at"] - 1}).encode()))
        return await super().add(fact)


async def test_a_defect_is_counted() -> None:
    """The alert about commands that cannot be carried out has to see it."""

    class Broken:
        def objection(self, text: str, level: str) -> str | None:
            raise ZeroDivisionError(text, level)

    async with parlour(moderator=Broken()) as room:
        await room.open()
        with pytest.raises(ZeroDivisionError):
            await room.join(1)

        assert _count(room, "join", "broken") == 1


async def test_a_prompt_after_the_whistle_is_too_late() -> None:
    async with parlour() as room:
        await room.open(3)
        await room.order("start")
        good(await room.enter(1))
        room.clock.now += 60
        await room.pass_time(0)

        assert (await room.enter(2)).code == "not_now"


async def test_a_full_queue_loses_no_prompt() -> None:
    async with parlour() as room:
        await room.open(2)
        await room.order("start")

        async def refuse(request_id: str, prompt: str) -> None:
            raise QueueFull(f"{request_id} {prompt}")

        asked, room.replicas[0].painter = room.painter, type("Full", (), {"ask": staticmethod(refuse)})()
        me = good(await room.enter(1)).me
        await room.pass_time(25)  # the hall looks for it and asks again
        await room.pass_time(1)

    assert me is not None
    assert [name for name, _ in asked.asked] == [me.request_id]


async def test_a_choice_counts_once_whoever_is_asked() -> None:
    async with parlour(2) as room:
        await room.to_the_vote(4)
        question = good(await room.next(1)).question
        assert question is not None
        replies = await asyncio.gather(
            *(room.vote(1, question, choice, at=at) for at in (0, 1) for choice in ("left", "right"))
        )

        assert all(reply.ok for reply in replies)
        assert (await room.seen()).votes == (await room.seen(1)).votes == 1
        assert (await room.me(1)).votes_cast == 1
        counted = room.metrics.battles.votes._value.get()
        assert counted == 1


async def test_after_a_choice_comes_the_next_question() -> None:
    async with parlour() as room:
        await room.to_the_vote(4)
        question = good(await room.next(1)).question
        assert question is not None
        following = good(await room.vote(1, question, "skip")).question

        assert following is not None
        assert (question.number, following.number, following.of) == (1, 2, 3)
        assert {question.match} != {following.match}


async def test_a_choice_that_nobody_asked_for_is_refused() -> None:
    async with parlour() as room:
        await room.to_the_vote(5)
        question, of_another = good(await room.next(1)).question, good(await room.next(2)).question
        assert question is not None
        assert of_another is not None
        mine = (await room.me(1)).entry

        assert (await room.vote(1, question, ticket="")).code == "invalid"
        assert (await room.vote(1, question, ticket=of_another.ticket)).code == "invalid"
        assert (await room.vote(3, question)).code in {"invalid", "not_now"}  # somebody else's ticket
        assert (await room.vote(1, question, left=mine)).code == "not_now"
        assert (await room.vote(1, question, match="duel1")).code == "not_now"
        assert (await room.vote(1, question, match="round9-a-b")).code == "not_now"
        assert (await room.vote(1, question, right=question.left.id)).code == "not_now"
        assert (await room.seen()).votes == 0


async def test_nobody_on_stage_judges_their_own_duel() -> None:
    async with parlour() as room:
        await room.to_the_vote(5, rounds=1)
        await room.judge_all(5)
        await room.pass_time(5)
        duel = room.battle.duel
        assert duel is not None
        seats = {room.battle.entries[name].seat for name in (duel.left, duel.right)}
        for who in range(1, 6):
            me = await room.me(who)
            reply = await room.duel(who)
            assert reply.ok is (me.seat not in seats)
            assert me.is_on_stage is (me.seat in seats)


@pytest.mark.parametrize(
    "action", ["start", "pause", "resume", "skip", "extend", "end", "kick", "hide", "approve"]
)
async def test_only_the_host_orders(action: str) -> None:
    async with parlour() as room:
        await room.open(2)
        before = (await room.seen()).sequence

        assert (await room.order(action, who=1, target=(await room.me(2)).seat)).code == "not_host"
        assert (await room.seen()).sequence == before


async def test_who_was_sent_out_is_told_so_and_does_nothing_more() -> None:
    async with parlour() as room:
        await room.to_the_vote(4)
        question = good(await room.next(2)).question
        assert question is not None
        good(await room.order("kick", target=(await room.me(2)).seat))

        assert (await room.join(2)).code == "not_now"
        assert (await room.vote(2, question)).code == "unknown_seat"
        assert (await room.next(2)).code == "unknown_seat"
        me = await room.me(2)
        assert not me.is_player
        assert [each.is_out for each in (await room.seen()).players if each.seat == me.seat] == [True]


async def test_strangers_may_look_and_nothing_else() -> None:
    async with parlour() as room:
        await room.to_the_vote(3)

        assert (await room.next(99)).code == "unknown_seat"
        assert (await room.enter(99)).code == "unknown_seat"
        reply = good(await room.look(99))
        assert reply.me is not None
        assert (reply.me.is_player, reply.question) == (False, None)
        assert good(await room.look()).me is None


@pytest.mark.parametrize("code", ["ZZZZ", "", "a.b", "*", ">", "x" * 100, "новый"])
async def test_a_battle_that_is_not_there(code: str) -> None:
    async with parlour() as room:
        room.code = code
        replies = [await room.join(1), await room.enter(1), await room.next(1), await room.order("start")]

    assert {reply.code for reply in replies} == {"unknown_battle"}


async def test_words_that_are_not_wanted() -> None:
    async with parlour() as room:
        bad = BattleCreate.model_validate({"token": HOST, "options": {"themes": ["sh1t happens"]}})
        assert (await room.replicas[0].create(bad)).code == "refused_words"
        await room.open(1, moderation="strict")
        assert (await room.join(2, "F\u03c5ck")).code == "refused_words"
        await room.order("start")
        reply = await room.enter(1, "what an idiot")

    assert reply.code == "refused_words"
    assert reply.error == "please say it without 'idiot': children may be watching"


async def test_text_stays_text() -> None:
    markup = "<img src=x onerror=alert(1)>"
    async with parlour() as room:
        await room.open()
        good(await room.join(1, markup[:24]))
        await room.order("start")
        good(await room.enter(1, markup))
        name = (await room.seen()).players[0].name

        assert (name, (await room.me(1)).prompt) == (markup[:24], markup)


async def test_nobody_takes_more_than_their_share() -> None:
    clock, metrics = Clock(), Metrics()
    slow = Pace(1, 2, clock)
    clerk = Clerk(Pace(GENEROUS, GENEROUS, clock), Pace(1, 1, clock), slow, metrics.battles, clock)
    async with parlour(clerk=clerk) as room:
        await room.open(2)
        assert (await room.replicas[0].create(BattleCreate(token=HOST))).code == "too_fast"
        await room.order("start")
        replies = [await room.enter(1, f"prompt {number}") for number in range(4)]
        clock.now += 1

        assert [reply.code for reply in replies] == [None, None, "too_fast", "too_fast"]
        assert (await room.enter(1, "another")).ok


@dataclass
class MoodyLog(MemoryBattleLog):
    """A log that is away when told so."""

    is_away: bool = False
    deaf: list[str] = field(default_factory=list)  # what it stores without saying so

    async def add(self, fact: Fact) -> int | None:
        if self.is_away:
            raise Unavailable("gone fishing")
        stored = await super().add(fact)
        return None if fact.kind in self.deaf else stored

    async def after(self, battle: str, sequence: int) -> list[Stored]:
        if self.is_away:
            raise Unavailable("gone fishing")
        return await super().after(battle, sequence)


async def test_while_the_stream_is_away_everybody_is_told_so() -> None:
    log = MoodyLog()
    async with parlour(log=log) as room:
        await room.open(2)
        log.is_away = True
        replies = [
            await room.join(3),
            await room.look(1),
            await room.order("start"),
            await room.replicas[0].create(BattleCreate(token=HOST)),
        ]
        log.is_away = False

        assert {reply.code for reply in replies} == {"unavailable"}
        assert (await room.order("start")).ok
    assert _count(room, "host", "unavailable") == 1
    assert _count(room, "host", "ok") == 1


async def test_an_order_whose_acknowledgement_was_lost_is_carried_out_once() -> None:
    log = MoodyLog()
    async with parlour(log=log) as room:
        await room.to_the_vote(4)
        log.deaf = ["course"]
        good(await room.order("extend", seconds=60))
        log.deaf = []
        kinds = [fact.body for fact in log.stored if b'"extended"' in fact.body]

    assert len(kinds) == 1


async def test_a_code_in_use_is_not_given_again() -> None:
    async with parlour() as room:
        await room.open()
        first = room.code
        other = service(room, 0)  # draws the same codes in the same order
        room.replicas.append(other)
        reply = good(await other.create(BattleCreate(token=token(1))))

        assert reply.battle_id != first
        assert len(str(reply.battle_id)) == 4


async def test_when_no_code_is_free_nobody_waits_for_ever() -> None:
    class Stuck:
        def choices(self, letters: str, k: int) -> list[str]:
            return ["B"] * k

    async with parlour(rng=Stuck()) as room:
        await room.open()
        reply = await room.replicas[0].create(BattleCreate(token=HOST))

    assert reply.code == "unavailable"


async def test_looking_tells_a_late_comer_what_to_judge() -> None:
    async with parlour() as room:
        await room.to_the_vote(4)
        good(await room.join(9))
        reply = good(await room.look(9))

        assert reply.question is not None
        assert (await room.enter(9)).code == "not_now"


async def test_a_lost_reply_is_made_up_for_by_asking_again() -> None:
    async with parlour() as room:
        await room.to_the_vote(4)
        question = good(await room.next(1)).question
        assert question is not None
        good(await room.vote(1, question))
        again = good(await room.vote(1, question, "right"))

        assert again.me is not None
        assert again.me.votes_cast == 1
        assert room.battle.votes[question.match][again.me.seat].choice == "left"


def _count(room: Parlour, verb: str, outcome: str) -> float:
    return float(room.metrics.battles.commands.labels(verb, outcome)._value.get())


async def test_a_reply_says_nothing_of_what_there_is_not() -> None:
    async with parlour() as room:
        await room.open(1)
        body = (await room.look(1)).model_dump_json()

    assert "null" not in body
    assert BattleReply.model_validate_json(body).ok
