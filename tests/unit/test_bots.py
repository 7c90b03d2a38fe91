"""Simulated players: what each does at which sight, and what is said about them afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from memebattle.battle import events
from memebattle.battle.messages import BattleReply, BattleView, DuelView, EntryView, QuestionView, SeatView
from memebattle.battle.options import Options
from memebattle.cli import phones
from memebattle.cli.battle_report import Report, Spread, phases_of
from memebattle.cli.bots import MANNERS, Bot, chosen, names, prompt_for, quality
from memebattle.cli.phones import NoReply, Phone, Way
from memebattle.kit.bell import Bell

CODE = "BCDF"


def view(phase: Any, sequence: int, **fields: Any) -> BattleView:
    said = {"round": 1, "rounds": 1, "now": 0, "options": Options(), "theme": "cats"}
    return BattleView(battle_id=CODE, sequence=sequence, phase=phase, **said | fields)


@dataclass
class ScriptedPhone:
    """A phone that shows one view after the other, and replies as told."""

    views: list[BattleView]
    replies: dict[str, list[BattleReply]] = field(default_factory=dict)
    done: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    news: Bell = field(default_factory=Bell)
    looked: int = 0

    @property
    def view(self) -> BattleView:
        return self.views[0]

    async def command(self, verb: str, **fields: Any) -> BattleReply:
        self.done.append((verb, fields))
        if verb in self.silent:
            raise NoReply(f"{verb}: no reply")
        waiting = self.replies.get(verb, [])
        return waiting.pop(0) if waiting else BattleReply(ok=True, me=SeatView(seat="me", entry="mine"))

    async def look(self) -> BattleReply:
        self.looked += 1
        return BattleReply(ok=True)

    def turn(self) -> None:
        """The next view comes."""
        if len(self.views) > 1:
            del self.views[0]
            self.news.ring()


def bot(phone: ScriptedPhone, seed: int = 1, absent: float = 0.0) -> Bot:
    async def sleep(_: float) -> None:
        """Thinks no time at all."""

    manners = MANNERS["eager"] if not absent else MANNERS["sleepy"].__class__(0, 0, absent)
    found: Any = phone
    return Bot(found, "Ada", Random(seed), manners, sleep)


def question(number: int) -> QuestionView:
    left, right = EntryView(id=f"l{number}"), EntryView(id=f"r{number}")
    return QuestionView(match=f"m{number}", left=left, right=right, ticket=f"t{number}", number=number, of=2)


async def played(phone: ScriptedPhone, player: Bot, turns: int) -> None:
    """Let it act on one view after the other."""
    act: Callable[[BattleView], Any] = player._act
    await player._join()
    for _ in range(turns):
        await act(phone.view)
        phone.turn()


async def test_it_enters_judges_what_it_is_asked_takes_sides_and_ends_at_the_podium() -> None:
    duel = view("duel", 4, duels=[DuelView(number=1, left="l9", right="r9")])
    phone = ScriptedPhone([view("prompt", 2), view("vote", 3), duel, view("finished", 5)])
    phone.replies["next"] = [BattleReply(ok=True, question=question(1))]
    phone.replies["vote"] = [BattleReply(ok=True, question=question(2)), BattleReply(ok=True)]
    player = bot(phone)
    await played(phone, player, 4)

    assert [verb for verb, _ in phone.done] == ["join", "enter", "next", "vote", "vote", "vote"]
    assert (player.seat, player.entries, player.has_finished) == ("me", {"mine"}, True)
    assert player.sent == set(player.acknowledged) == {"m1", "m2", "duel1"}
    assert phone.done[3][1]["ticket"] == "t1"


async def test_it_does_not_judge_its_own_meme_in_a_duel() -> None:
    duel = view("duel", 4, duels=[DuelView(number=1, left="mine", right="r9")])
    phone = ScriptedPhone([view("prompt", 2), duel])
    player = bot(phone)
    await played(phone, player, 2)

    assert player.sent == set()


async def test_a_vote_that_comes_too_late_is_refused_and_not_acknowledged() -> None:
    phone = ScriptedPhone([view("vote", 3)])
    phone.replies["next"] = [BattleReply(ok=True, question=question(1))]
    phone.replies["vote"] = [BattleReply.refusal("not_now", "too late")]
    player = bot(phone)
    await played(phone, player, 1)

    assert (player.sent, player.acknowledged, player.refused) == ({"m1"}, {}, {"m1": "too late"})


async def test_who_is_absent_does_nothing_but_stays() -> None:
    phone = ScriptedPhone([view("prompt", 2), view("vote", 3), view("finished", 4)])
    player = bot(phone, absent=1.0)
    await played(phone, player, 3)

    assert [verb for verb, _ in phone.done] == ["join"]
    assert player.has_finished


async def test_each_moment_is_acted_on_once_and_silence_makes_it_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same phase told twice is no second chance; without any news the bot asks."""
    monkeypatch.setattr("memebattle.cli.bots.LOOK_AFTER", 0.001)
    phone = ScriptedPhone([view("prompt", 2), view("prompt", 3), view("finished", 4)])
    look = phone.look

    async def look_and_turn() -> BattleReply:
        phone.turn()
        return await look()

    phone.look = look_and_turn  # type: ignore[method-assign]
    player = bot(phone)
    await player.play()

    assert [verb for verb, _ in phone.done] == ["join", "enter"]
    assert phone.looked == 2


async def test_a_bot_whose_commands_nobody_replies_to_says_so_and_is_lost() -> None:
    phone = ScriptedPhone([view("prompt", 2)], silent={"enter"})
    player = bot(phone)
    await player.play()

    assert (player.trouble, player.has_finished) == ("enter: no reply", False)


def test_the_better_meme_is_preferred_the_more_clearly_the_better_it_is() -> None:
    ordered, rng = sorted((f"e{number}" for number in range(200)), key=quality), Random(3)
    worst, middle, best = ordered[0], ordered[100], ordered[-1]

    def share(left: str, right: str) -> float:
        return sum(chosen(left, right, rng) == "left" for _ in range(500)) / 500

    assert share(best, worst) > 0.98
    assert 0.5 < share(middle, ordered[95]) < 0.75
    assert share(worst, middle) < 0.1


def test_names_and_prompts_are_fit_for_a_battle() -> None:
    assert len(set(names(300))) == 300
    assert max(map(len, names(1000))) <= events.MAX_NAME
    rng = Random(1)
    prompts = [prompt_for(rng) for _ in range(400)]
    assert max(map(len, prompts)) <= events.MAX_PROMPT
    assert len(set(prompts)) >= 399


class Refusing:
    """A connection whose requests get no reply at first."""

    def __init__(self, replies: list[BattleReply | None]) -> None:
        self.replies, self.asked = replies, list[tuple[str, Any]]()

    async def request(self, subject: str, body: bytes, timeout: float) -> Any:
        self.asked.append((subject, json.loads(body)))
        reply = self.replies.pop(0)
        if reply is None:
            raise TimeoutError
        return type("Message", (), {"data": reply.body()})


async def test_a_phone_sends_a_command_again_until_it_is_replied_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phones, "PAUSE", 0)
    monkeypatch.setattr(phones, "TOO_FAST_PAUSE", 0)
    busy, fine = BattleReply.refusal("too_fast", "slower"), BattleReply(ok=True, view=view("lobby", 7))
    client: Any = Refusing([None, busy, fine])
    phone = Phone(client, token="t" * 24, code=CODE)

    reply = await phone.command("join", name="Ada", avatar=1)

    assert reply.ok
    assert (
        client.asked == [(f"battle.command.{CODE}.join", {"token": "t" * 24, "name": "Ada", "avatar": 1})] * 3
    )
    assert phone.repeats == {"no_reply": 1, "too_fast": 1}
    assert phone.view == fine.view
    assert [each.verb for each in phone.latencies] == ["join"]


async def test_a_phone_gives_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phones, "PATIENCE", 0)
    client: Any = Refusing([None])

    with pytest.raises(NoReply, match="join: no reply"):
        await Phone(client, code=CODE).command("join", name="Ada", avatar=1)


def test_phones_are_browsers_where_they_can_be() -> None:
    assert Way.of("ws://here", "nats://here") == Way("ws://here", is_web=True)
    assert Way.of("", "nats://here") == Way("nats://here", is_web=False)


class TestReport:
    """Two bots, a stream, and everything that may be wrong between them."""

    HISTORY: tuple[events.Happening, ...] = (
        events.Created(at=1000, host="host", salt="s", options=Options(rounds=1)),
        *(events.Joined(at=1100, seat=seat, name=seat, avatar=0) for seat in ("a", "b", "c")),
        events.RoundStarted(at=2000, round=1, theme="t", deadline=9000),
        *(
            events.Entered(at=2100, round=1, seat=seat, prompt="p", request_id=f"r{seat}")
            for seat in ("b", "c")
        ),
        *(events.Painted(at=2200, request_id=f"r{seat}", image_url="/i") for seat in ("b", "c")),
        events.VotingStarted(at=3000, round=1, deadline=9000),
    )

    def stored(self, *more: events.Happening) -> list[tuple[int, events.Happening]]:
        return list(enumerate((*self.HISTORY, *more), start=1))

    def vote(self) -> events.Voted:
        from memebattle.battle.state import entry_id, match_of

        left, right = entry_id("s", 1, "b"), entry_id("s", 1, "c")
        return events.Voted(
            at=3500, seat="a", match=match_of(1, left, right), left=left, right=right, choice="left"
        )

    def bot(self, seat: str, arrivals: list[tuple[float, int]] | None = None) -> Bot:
        phone: Any = Phone(None, arrivals=arrivals or [])  # type: ignore[arg-type]
        return Bot(phone, seat, Random(1), seat=seat, has_finished=True)

    def test_a_vote_that_is_stored_as_it_was_cast_is_counted(self) -> None:
        vote, voter = self.vote(), self.bot("a")
        voter.sent, voter.acknowledged = {vote.match}, {vote.match: "left"}
        report = Report.of(self.stored(vote), [voter], CODE, "TCP", [])

        assert (report.votes.acknowledged, report.votes.counted, report.votes.lost) == (1, 1, 0)
        assert report.is_clean

    @pytest.mark.parametrize("fault", ["lost", "changed", "doubled", "no seat", "not there at the end"])
    def test_whatever_went_wrong_is_noticed(self, fault: str) -> None:
        vote, voter = self.vote(), self.bot("nobody" if fault == "no seat" else "a")
        voter.has_finished = fault != "not there at the end"
        voter.acknowledged = {vote.match: "right" if fault == "changed" else "left"}
        votes = {"lost": [], "doubled": [vote, vote]}.get(fault, [vote])
        report = Report.of(self.stored(*votes), [voter], CODE, "TCP", [])

        assert not report.is_clean

    def test_news_are_timed_from_the_event_to_the_first_view_that_has_it(self) -> None:
        """Events 5 (2000), 6 and 7 (2100) come together at 2150; what was before it listened is no news."""
        voter = self.bot("a", [(2005.0, 5), (2150.0, 7)])
        report = Report.of(self.stored(), [voter], CODE, "TCP", [])

        assert report.updates == Spread(3, 50.0, 50.0, 50.0)
        assert report.turns == Spread(1, 5.0, 5.0, 5.0)

    def test_phases_have_their_names_and_seconds(self) -> None:
        assert list(phases_of(self.stored())) == [("lobby", 1.0), ("round 1: prompts", 1.0)]
