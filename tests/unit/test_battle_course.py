"""How a battle goes from the lobby to the podium, with a clock that is told the time."""

from __future__ import annotations

import pytest

from memebattle.battle import course
from memebattle.battle.messages import HostAction
from memebattle.battle.orders import Refused
from memebattle.battle.state import duel_match, match_of
from memebattle.battle.themes import THEMES
from tests.battles import Game, seat


def phase(game: Game) -> str:
    return game.battle.phase


def test_nothing_is_due_in_a_lobby() -> None:
    game = Game.opened(3)
    game.wait(100_000)

    assert phase(game) == "lobby"


def test_a_battle_of_six_from_the_lobby_to_the_podium() -> None:
    game = Game.opened(6, rounds=2)
    game.order("start")
    phases = [phase(game)]
    for number in (1, 2):
        assert game.battle.round == number
        game.play_prompts()
        phases.append(phase(game))
        game.play_votes()
        phases.append(phase(game))
        game.wait_out()
    for _ in range(3):
        phases.append(phase(game))
        game.play_duel()
        phases.append(phase(game))
        game.wait_out()

    assert phases == ["prompt", *["vote", "reveal"] * 2, *["duel", "verdict"] * 3]
    assert phase(game) == "finished"
    assert game.battle.champion in {entry.id for entry in game.battle.entries.values()}
    assert sorted(game.battle.boards) == [1, 2]


def test_whoever_is_ready_does_not_wait_for_the_clock() -> None:
    game = Game.voting(4)
    before = game.now
    game.play_votes()

    assert phase(game) == "reveal"
    assert game.now == before


def test_the_whistle_ends_every_phase() -> None:
    game = Game.opened(3, rounds=1)
    game.order("start")
    for number in (1, 2):
        game.enter(number)
    game.wait(9.9)
    assert phase(game) == "prompt"
    game.wait(0.2)
    assert phase(game) == "paint"
    for number in (1, 2):
        game.paint(game.entry(number))
    game.go_on()
    assert phase(game) == "vote"  # of the third alone: the others have only one meme of somebody else
    game.wait_out()
    assert phase(game) == "reveal"
    game.wait_out()
    assert phase(game) == "duel"
    game.wait_out()
    assert phase(game) == "verdict"
    game.wait_out()
    assert phase(game) == "finished"


def test_a_picture_that_does_not_come_holds_nobody_up_for_long() -> None:
    game = Game.opened(4)
    game.order("start")
    for number in range(1, 5):
        game.enter(number)
    game.go_on()
    for number in (1, 2, 3):
        game.paint(game.entry(number))
    game.go_on()
    assert phase(game) == "paint"
    game.wait_out()

    assert phase(game) == "vote"
    assert {entry.seat for entry in game.battle.showable()} == {seat(1), seat(2), seat(3)}


def test_a_picture_that_failed_is_not_waited_for() -> None:
    game = Game.opened(4)
    game.order("start")
    for number in range(1, 5):
        game.enter(number)
    game.go_on()
    for number in range(1, 5):
        game.paint(game.entry(number), error="nsfw" if number == 4 else None)
    game.go_on()

    assert phase(game) == "vote"


@pytest.mark.parametrize("entered", [0, 1])
def test_a_round_with_nothing_to_compare_has_no_vote(entered: int) -> None:
    game = Game.opened(3, rounds=1)
    game.order("start")
    for number in range(1, entered + 1):
        game.enter(number)
    game.wait_out()
    for entry in game.battle.entries_of_round():
        game.paint(entry)
    game.go_on()

    assert phase(game) == "reveal"
    assert len(game.battle.boards[1]) == entered
    game.wait_out()
    assert phase(game) == "finished"


def test_two_players_alone_judge_nothing_and_end_all_the_same() -> None:
    game = Game.opened(2, rounds=2)
    game.order("start")
    game.play_prompts()
    assert phase(game) == "reveal"
    game.wait_out()
    assert (phase(game), game.battle.round) == ("prompt", 2)
    game.play_to_the_end()

    assert game.battle.duels == []
    assert [standing.rank for standing in game.battle.boards[1]] == [1, 1]


def test_three_memes_have_a_final_of_the_two_best_alone() -> None:
    game = Game.voting(3, rounds=1)
    game.play_votes()
    game.wait_out()
    seeds = [standing.entry for standing in game.battle.boards[1]][:2]
    game.play_duel()
    game.wait_out()

    assert phase(game) == "finished"
    assert [(duel.left, duel.right) for duel in game.battle.duels] == [tuple(seeds)]


def test_first_meets_fourth_and_second_meets_third_and_the_winners_meet() -> None:
    game = Game.voting(6, rounds=1)
    game.play_votes(lambda left, right: "left" if left < right else "right")
    game.wait_out()
    seeds = list(game.battle.seeds)
    for _ in range(3):
        game.play_duel(lambda left, right: "left" if left < right else "right")
        game.wait_out()

    sides = [(duel.left, duel.right) for duel in game.battle.duels]
    assert sides[:2] == [(seeds[0], seeds[3]), (seeds[1], seeds[2])]
    assert sides[2] == (min(sides[0]), min(sides[1]))
    assert game.battle.champion == min(sides[2])


def test_a_tie_is_said_to_be_one_and_the_better_seeded_goes_on() -> None:
    game = Game.voting(4, rounds=1)
    game.play_votes()
    game.wait_out()
    duel, seeds = game.battle.duel, game.battle.seeds
    assert duel is not None
    voters = [each.id for each in game.battle.players()]
    allowed = [who for who in voters if who not in {game.battle.entries[seeds[i]].seat for i in (0, 3)}]
    for voter, choice in zip(allowed, ("left", "right"), strict=True):
        game.vote(voter, duel_match(1), duel.left, duel.right, choice)  # type: ignore[arg-type]
    game.go_on()

    ended = game.battle.duels[0]
    assert (ended.winner, ended.is_tie) == (seeds[0], True)


def test_a_meme_that_is_hidden_in_its_duel_has_lost_it() -> None:
    game = Game.voting(5, rounds=1)
    game.play_votes()
    game.wait_out()
    duel = game.battle.duel
    assert duel is not None
    voter = next(
        each.id
        for each in game.battle.players()
        if each.id not in {game.battle.entries[name].seat for name in (duel.left, duel.right)}
    )
    game.vote(voter, duel_match(1), duel.left, duel.right, "left")
    game.order("hide", duel.left)
    game.go_on()

    ended = game.battle.duels[0]
    assert (ended.winner, ended.is_tie) == (duel.right, False)


def test_without_a_final_the_last_round_is_the_end() -> None:
    game = Game.voting(4, rounds=1, final=False)
    game.play_votes()
    game.wait_out()

    assert (phase(game), game.battle.duels) == ("finished", [])
    assert game.battle.champion == game.battle.boards[1][0].entry


def test_who_comes_late_votes_at_once_and_enters_the_next_round() -> None:
    game = Game.voting(3)
    game.join(9)
    first, second = (game.entry(number) for number in (1, 2))
    pair = tuple(sorted((first.id, second.id)))
    match = f"round1-{pair[0]}-{pair[1]}"
    game.vote(seat(9), match, first.id, second.id)
    assert seat(9) in game.battle.votes[match]
    assert game.enter(9) is None

    game.play_votes()
    game.wait_out()
    assert phase(game) == "prompt"
    assert game.enter(9) is not None


def test_who_comes_during_the_prompts_takes_part_at_once() -> None:
    game = Game.opened(2)
    game.order("start")
    game.join(3)

    assert game.enter(3) is not None
    assert len(game.battle.competitors()) == 3


@pytest.mark.parametrize("skipped", ["prompt", "paint", "vote", "reveal", "duel", "verdict"])
def test_skip_ends_this_phase_now_and_gives_the_next_one_its_full_time(skipped: str) -> None:
    game = Game.opened(4, rounds=1)
    game.order("start")
    for number in range(1, 5):
        game.enter(number)
    steps = ["paint", "vote", "reveal", "duel", "verdict", "duel"]
    lasts = {"paint": 10, "vote": 10, "reveal": 4, "duel": 5, "verdict": 2}
    seen = "prompt"
    for step in steps:
        if seen == "paint":
            for entry in game.battle.entries_of_round():
                game.paint(entry)
        assert game.order("skip")
        assert phase(game) == step
        assert game.battle.deadline == game.now + 1000 * lasts[step]
        if seen == skipped:
            return
        seen = step


def test_there_is_nothing_to_skip_in_a_lobby_or_at_the_end() -> None:
    game = Game.opened(3)
    with pytest.raises(Refused, match="nothing to skip"):
        game.order("skip")
    game.order("end")
    with pytest.raises(Refused, match="nothing to skip"):
        game.order("skip")
    assert not game.order("end")


def test_a_pause_keeps_what_time_is_left() -> None:
    game = Game.opened(3)
    game.order("start")
    game.wait(4)
    game.order("pause")
    game.wait(1000)
    assert (phase(game), game.battle.remaining) == ("prompt", 6000)
    assert game.enter(1) is None
    with pytest.raises(Refused, match="the clock is stopped"):
        game.order("skip")
    game.order("resume")
    game.wait(5.9)
    assert phase(game) == "prompt"
    game.wait(0.2)

    assert phase(game) == "reveal"  # nobody has handed in anything


def test_more_time_also_while_the_clock_is_stopped() -> None:
    game = Game.opened(3)
    with pytest.raises(Refused, match="no time is running"):
        game.order("extend")
    game.order("start")
    game.order("extend", seconds=20)
    assert game.battle.deadline == game.now + 30_000
    game.order("pause")
    game.order("extend", seconds=5)
    assert game.battle.remaining == 35_000
    game.order("resume")

    assert game.battle.deadline == game.now + 35_000


def test_orders_that_are_carried_out_already_change_nothing() -> None:
    game = Game.opened(3)
    assert not game.order("resume")
    with pytest.raises(Refused, match="no time is running"):
        game.order("pause")
    game.order("start")
    count = len(game.stored)

    assert not game.order("start")
    assert game.order("pause")
    assert not game.order("pause")
    assert len(game.stored) == count + 1


def test_nobody_starts_a_battle_without_players() -> None:
    with pytest.raises(Refused, match="nobody has joined"):
        Game.opened().order("start")


@pytest.mark.parametrize("action", ["hide", "approve", "kick"])
@pytest.mark.parametrize("target", [None, "nobody"])
def test_orders_about_what_is_not_there_are_refused(action: str, target: str | None) -> None:
    with pytest.raises(Refused, match="not part of this battle"):
        Game.opened(3).order(action, target)  # type: ignore[arg-type]


def test_who_is_sent_out_takes_what_they_made_along() -> None:
    game = Game.voting(4)
    theirs = game.entry(2)
    game.order("kick", seat(2))

    assert theirs.id not in {entry.id for entry in game.battle.showable()}
    assert seat(2) not in {each.id for each in game.battle.players()}
    game.play_votes()
    assert theirs.id not in {standing.entry for standing in game.battle.boards[1]}


def test_memes_wait_for_the_host_where_each_needs_to_be_approved() -> None:
    game = Game.opened(3, approve=True)
    game.order("start")
    game.play_prompts()
    assert phase(game) == "paint"
    assert [game.battle.is_waiting(entry) for entry in game.battle.entries_of_round()] == [True] * 3
    game.order("approve", game.entry(1).id)
    game.order("approve", game.entry(2).id)
    game.go_on()
    assert phase(game) == "paint"
    game.order("hide", game.entry(3).id)
    game.go_on()

    assert phase(game) == "vote"
    assert {entry.seat for entry in game.battle.showable()} == {seat(1), seat(2)}


def test_who_was_sent_out_is_not_waited_for_by_the_host_either() -> None:
    game = Game.opened(4, approve=True)
    game.order("start")
    game.play_prompts()
    for number in (1, 2, 3):
        game.order("approve", game.entry(number).id)
    game.order("kick", seat(4))
    game.go_on()

    assert phase(game) == "vote"


def test_the_host_s_themes_come_first_and_ours_repeat_only_after_all_were_seen() -> None:
    game = Game.opened(2, themes=["Cheese", "Trains"])
    themes = [course.theme_of(game.battle, number) for number in range(1, 3 + len(THEMES))]

    assert themes[:2] == ["Cheese", "Trains"]
    assert sorted(themes[2:]) == sorted(THEMES)


def test_a_slower_pace_stretches_every_time() -> None:
    game = Game.opened(3, pace=1.5)
    game.order("start")

    assert game.battle.deadline == game.now + 15_000


def test_what_the_host_did_not_wait_for_is_skipped_and_nothing_else() -> None:
    """The votes were in already when the order came: nobody is to miss the result."""
    game = Game.voting(4)
    seen = game.battle.deadline
    game.wait_out()
    assert phase(game) == "reveal"

    assert not game.order("skip", deadline=seen)
    assert phase(game) == "reveal"
    assert game.order("skip", deadline=game.battle.deadline)
    assert phase(game) == "prompt"


def test_a_seat_that_was_sent_out_is_free_for_somebody_else() -> None:
    game = Game.opened(2, max_players=2)
    game.join(3)
    assert seat(3) not in game.battle.seats
    game.order("kick", seat(2))
    game.join(4)

    assert [each.id for each in game.battle.players()] == [seat(1), seat(4)]


@pytest.mark.parametrize("action", ["kick", "hide"])
def test_nobody_waits_for_a_picture_that_will_not_be_shown(action: HostAction) -> None:
    game = Game.opened(4)
    game.order("start")
    for number in (1, 2, 3, 4):
        game.enter(number)
    game.go_on()
    for number in (1, 2, 3):
        game.paint(game.entry(number))
    game.go_on()
    assert phase(game) == "paint"
    game.order(action, seat(4) if action == "kick" else game.entry(4).id)
    game.go_on()

    assert phase(game) == "vote"
    assert game.battle.pending() == []


def test_after_the_votes_no_picture_is_looked_for() -> None:
    game = Game.opened(3)
    game.order("start")
    for number in (1, 2, 3):
        game.enter(number)
    for number in (1, 2):
        game.paint(game.entry(number))
    game.wait_out()
    assert (phase(game), len(game.battle.pending())) == ("paint", 1)
    game.wait_out()
    assert (phase(game), len(game.battle.pending())) == ("vote", 1)
    game.wait_out()

    assert (phase(game), game.battle.pending()) == ("reveal", [])


def test_choices_about_what_was_hidden_are_asked_for_anew() -> None:
    """Else a round is over for everybody who has seen the one that is gone."""
    game = Game.voting(5, votes_per_round=3)
    hidden = game.entry(5)
    for number in (1, 2, 3, 4):
        others = [game.entry(each).id for each in (1, 2, 3, 4) if each != number]
        for other in others:
            match = match_of(1, other, hidden.id)
            game.vote(seat(number), match, other, hidden.id)
    assert [game.battle.cast[seat(number)] for number in (1, 2, 3, 4)] == [3] * 4
    game.order("hide", hidden.id)
    game.go_on()

    assert phase(game) == "vote"
    assert game.battle.cast == {}
    game.play_votes()
    assert [game.battle.cast[seat(number)] for number in (1, 2, 3, 4)] == [3] * 4


def test_an_end_between_two_matches_makes_nobody_champion_of_the_final() -> None:
    """Whoever has won a semi-final has not won the battle; the last round says who did best."""
    game = Game.voting(4, rounds=1)
    game.play_votes()
    best = game.battle.board[0]
    game.wait_out()
    game.play_duel(lambda left, _: "right" if left == best.entry else "left")
    assert phase(game) == "verdict"
    game.order("end")

    assert game.battle.champion == best.entry


def test_where_nobody_could_judge_there_is_no_champion() -> None:
    game = Game.opened(2, rounds=1)
    game.order("start")
    game.play_prompts()
    game.play_to_the_end()

    assert [standing.rank for standing in game.battle.board] == [1, 1]
    assert game.battle.champion is None


def test_a_last_round_without_a_meme_takes_nothing_from_the_one_before() -> None:
    game = Game.voting(3, rounds=2, final=False)
    game.play_votes(lambda left, right: "left" if left < right else "right")
    best = game.battle.board[0]
    game.play_to_the_end()

    assert game.battle.boards[2] == []
    assert game.battle.champion == best.entry
