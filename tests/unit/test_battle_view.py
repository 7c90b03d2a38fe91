"""What may be seen of a battle, and when."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from typing import Any

import pytest

from memebattle.battle import view
from memebattle.battle.messages import BattleView
from tests.battles import HOST, Game, seat

EVERYBODY = range(1, 7)


def games(*, final: bool = True) -> list[Game]:
    """A battle of six, stopped in every phase."""
    found = list[Game]()

    def keep() -> None:
        copy = Game()
        copy.now = game.now
        for _, event in game.stored:
            assert copy.offer(event)
        found.append(copy)

    game = Game.opened(6, rounds=2, final=final)
    keep()
    game.order("start")
    for _ in range(2):
        game.enter(1)
        keep()
        for number in EVERYBODY:
            game.enter(number)
        game.go_on()
        game.paint(game.entry(2))
        keep()
        for number in EVERYBODY:
            game.paint(game.entry(number))
        game.go_on()
        keep()
        game.play_votes()
        keep()
        game.wait_out()
    while game.battle.phase != "finished":
        keep()
        game.wait_out()
    keep()
    return found


def both(game: Game) -> list[BattleView]:
    return [view.for_phones(game.battle, game.now), view.for_screens(game.battle, game.now)]


def test_the_phases_are_all_looked_at() -> None:
    assert [game.battle.phase for game in games()] == [
        "lobby", *["prompt", "paint", "vote", "reveal"] * 2, *["duel", "verdict"] * 3, "finished",
    ]  # fmt: skip


def test_nobody_is_told_who_made_what_before_the_reveal() -> None:
    """What all are told has neither a name nor a prompt, which its maker may have told a friend."""
    for game in games():
        stage = {name for duel in game.battle.duels[-1:] for name in (duel.left, duel.right)}
        for shown in both(game):
            for entry in shown.entries:
                if shown.phase in {"prompt", "paint", "vote"} or (
                    shown.phase in {"duel", "verdict"} and entry.id in stage
                ):
                    assert entry.seat is None
                    assert entry.prompt is None or shown.phase in {"duel", "verdict"}
        if game.battle.phase in {"prompt", "paint", "vote"}:
            prompts = {entry.prompt for entry in game.battle.entries_of_round()}
            assert not any(prompt in shown.body().decode() for shown in both(game) for prompt in prompts)


def test_nobody_is_told_secrets_ever() -> None:
    for game in games():
        for shown in both(game):
            text = shown.body().decode()
            assert game.battle.salt not in json.loads(text).values()
            assert '"salt"' not in text
            assert HOST not in text
            assert "request_id" not in text


def test_votes_are_told_when_a_match_has_ended() -> None:
    for game in games():
        for shown in both(game):
            for duel in shown.duels:
                told = (duel.winner, duel.votes_left, duel.votes_right)
                is_on = shown.phase == "duel" and duel == shown.duels[-1]
                assert (told == (None, None, None)) is is_on
            assert (shown.board == []) is (
                shown.phase not in {"reveal", "finished"}
                or (shown.phase == "finished" and len(shown.players) < 6)
            )


@pytest.mark.parametrize(("players", "matches"), [(6, 3), (4, 3), (3, 1)])
def test_how_many_matches_the_final_has_is_told_with_the_first_one(players: int, matches: int) -> None:
    """Two semi-finals and the last one among four memes, only that one among fewer."""
    game = Game.voting(players, rounds=1)
    game.play_votes()
    before = [shown.matches for shown in both(game)]
    game.wait_out()
    told = [shown.matches for shown in both(game)]

    assert game.battle.phase == "duel"
    assert (before, told) == ([0, 0], [matches, matches])


def test_what_follows_is_newer() -> None:
    shown = [view.for_phones(game.battle, game.now) for game in games()]

    assert all(one.sequence < other.sequence for one, other in pairwise(shown))


def test_a_question_is_two_pictures_and_their_words() -> None:
    """Who cannot see a picture judges what it is about; nobody is told whose it is."""
    game = Game.voting(3)
    shown = view.entry_in_question(game.entry(1)).model_dump(exclude_unset=True)

    entry = game.entry(1)
    assert shown == {"id": entry.id, "image_url": entry.image_url, "prompt": entry.prompt}


def big(phase: str) -> Game:
    """Three hundred players with long names and prompts."""
    game = Game.opened(rounds=1, max_players=300)
    for number in range(1, 301):
        game.join(number, f"a name of letters {number:03}")
    game.order("start")
    for number in range(1, 301):
        game.enter(number, f"{number} " + "word " * 39)
    if phase == "prompt":
        return game
    game.go_on()
    for number in range(1, 301):
        game.paint(game.entry(number))
    game.go_on()
    dice = random.Random(1)
    for each in list(game.battle.players())[:20]:
        one, other = dice.sample([entry for entry in game.battle.showable() if entry.seat != each.id], 2)
        first, second = sorted((one.id, other.id))
        game.vote(each.id, f"round1-{first}-{second}", first, second)
    for _ in range({"vote": 0, "reveal": 1, "duel": 2, "verdict": 3, "finished": 8}[phase]):
        game.wait_out()
        if game.battle.phase == "finished":
            break
    return game


@pytest.mark.parametrize("phase", ["prompt", "vote", "reveal", "duel", "verdict", "finished"])
def test_a_phone_is_told_little_however_many_play(phase: str) -> None:
    game = big(phase)
    shown = view.for_phones(game.battle, game.now)

    assert (shown.phase, shown.seats) == (phase, 300)
    assert len(shown.body()) < 3000


def test_a_phone_in_the_lobby_sees_who_came_last() -> None:
    game = Game.opened(30)
    shown = view.for_phones(game.battle, game.now)

    assert {each.seat for each in shown.players} == {seat(number) for number in range(23, 31)}
    assert shown.seats == 30


def test_makers_of_what_is_shown_are_named_from_the_reveal_on() -> None:
    for game in games():
        if game.battle.phase in {"reveal", "finished"}:
            for shown in both(game):
                assert {entry.seat for entry in shown.entries} <= {each.seat for each in shown.players}
                assert all(entry.prompt for entry in shown.entries)


def test_a_screen_sees_everything_that_is_painted() -> None:
    prompt, paint = games()[1:3]

    assert view.for_screens(prompt.battle, 0).entries == []
    shown = view.for_screens(paint.battle, 0)
    assert (len(shown.entries), sum(entry.image_url is not None for entry in shown.entries)) == (6, 1)
    assert (shown.entered, shown.painted) == (6, 1)


def test_what_waits_for_the_host_is_marked_and_what_is_hidden_is_gone() -> None:
    game = Game.opened(3, approve=True)
    game.order("start")
    game.play_prompts()
    game.order("hide", game.entry(1).id)
    game.order("approve", game.entry(2).id)
    shown = {entry.id: entry for entry in view.for_screens(game.battle, 0).entries}
    hidden, approved, waiting = (shown[game.entry(number).id] for number in (1, 2, 3))

    assert (hidden.image_url, hidden.is_waiting) == (None, False)
    assert (approved.image_url is not None, approved.is_waiting) == (True, False)
    assert (waiting.image_url is not None, waiting.is_waiting) == (True, True)


def test_ties_are_said_to_be_ties() -> None:
    game = Game.opened(2, rounds=1)
    game.order("start")
    game.play_prompts()
    shown = view.for_screens(game.battle, 0)

    assert [(line.rank, line.is_tied, line.is_close) for line in shown.board] == [(1, True, False)] * 2
    assert [each.rank for each in shown.players] == [1, 1]


def test_ranks_are_among_those_who_are_still_in() -> None:
    game = Game.voting(5, rounds=2)
    game.play_votes(lambda left, right: "left" if left < right else "right")
    best = view.for_screens(game.battle, 0).players[0]
    game.order("kick", best.seat)
    shown = view.for_screens(game.battle, 0).players

    assert [each.seat for each in shown if each.is_out] == [shown[-1].seat] == [best.seat]
    assert shown[0].rank == 1
    assert game.battle.rank(shown[0].seat) == 1
    assert best.seat not in {each.seat for each in view.for_phones(game.battle, 0).players}


def test_a_seat_is_told_its_line_of_the_board() -> None:
    game = Game.voting(4, rounds=1)
    assert view.for_seat(game.battle, seat(1)).standing is None
    game.play_votes()
    me = view.for_seat(game.battle, seat(1))

    assert me.standing is not None
    assert (me.standing.entry, me.standing.points) == (me.entry, me.points)
    assert me.points > 0
    assert (me.name, me.avatar) == (game.battle.seats[seat(1)].name, game.battle.seats[seat(1)].avatar)
    assert view.for_seat(game.battle, "stranger").standing is None


def test_how_many_are_done() -> None:
    game = Game.voting(5, rounds=1)
    assert view.for_phones(game.battle, 0).voters_done == 0
    game.play_votes()
    game.wait_out()
    duel = game.battle.duel
    assert duel is not None
    voter = next(
        each.id
        for each in game.battle.players()
        if each.id not in {game.battle.entries[name].seat for name in (duel.left, duel.right)}
    )
    game.vote(voter, "duel1", duel.left, duel.right)

    assert view.for_phones(game.battle, 0).voters_done == 1
    assert view.for_seat(game.battle, voter).has_chosen


def test_an_end_in_the_middle_of_a_round_shows_the_last_result() -> None:
    game = Game.voting(4, rounds=2)
    game.play_votes()
    game.wait_out()
    game.enter(1)
    game.order("end")
    shown: dict[str, Any] = view.for_screens(game.battle, 0).model_dump()

    assert shown["phase"] == "finished"
    assert shown["champion"] == shown["board"][0]["entry"]
    assert {line["entry"] for line in shown["board"]} <= {entry["id"] for entry in shown["entries"]}
    assert view.for_phones(game.battle, 0).champion == shown["champion"]


def test_who_was_ready_when_names_no_maker() -> None:
    """While prompts come in a screen shows who has handed in; pictures have to wait."""
    game = Game.opened(3)
    game.order("start")
    entry = game.enter(1)
    assert entry is not None
    game.paint(entry)
    shown = view.for_screens(game.battle, 0)

    assert [each.seat for each in shown.players if each.has_entered] == [seat(1)]
    assert (shown.entries, shown.painted) == ([], 1)
