"""Which two memes somebody is asked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

from memebattle.battle.events import Choice
from memebattle.battle.pairing import next_pair, questions_for, voters_left
from tests.battles import Game, seat

SIDES: list[Choice] = ["left", "right"]


def smaller(left: str, right: str) -> Choice:
    return "left" if left < right else "right"


def asked(game: Game, better: Callable[[str, str], Choice] = smaller) -> list[tuple[str, str, str]]:
    """(voter, left, right) of a whole round; voters take turns, and all choose the smaller name."""
    found, busy = list[tuple[str, str, str]](), True
    while busy:
        busy = False
        for each in list(game.battle.players()):
            if (pair := next_pair(game.battle, each.id)) is not None:
                game.vote(each.id, pair.match, pair.left, pair.right, better(pair.left, pair.right))
                found.append((each.id, pair.left, pair.right))
                busy = True
    return found


def test_nobody_judges_their_own_and_nobody_sees_a_pair_twice() -> None:
    game = Game.voting(9)
    found = asked(game)

    assert len(found) == 9 * 6
    assert all(game.battle.entries[name].seat != voter for voter, *sides in found for name in sides)
    assert max(Counter((voter, *sorted(sides)) for voter, *sides in found).values()) == 1


def test_games_are_shared_out_evenly_where_all_are_equally_good() -> None:
    game, dice = Game.voting(12), Random(1)
    found = asked(game, lambda *_: dice.choice(SIDES))
    games = Counter(name for _, *sides in found for name in sides)

    assert len(games) == 12
    assert max(games.values()) - min(games.values()) <= 4


def test_memes_of_the_same_strength_meet() -> None:
    """Neighbours in the final order met more often than strangers."""
    game = Game.voting(16)
    found = asked(game)
    order = sorted(entry.id for entry in game.battle.showable())  # the smaller name always won
    apart = [abs(order.index(left) - order.index(right)) for _, left, right in found]

    assert sum(apart[len(apart) // 2 :]) < sum(apart[: len(apart) // 2])


def test_every_replica_asks_the_same() -> None:
    game = Game.voting(7)
    replica = game.replayed()

    assert [next_pair(game.battle, seat(number)) for number in range(1, 8)] == [
        next_pair(replica, seat(number)) for number in range(1, 8)
    ]


def test_sides_are_drawn_so_that_neither_is_better() -> None:
    game = Game.voting(20)
    found = asked(game)
    left_is_smaller = sum(left < right for _, left, right in found)

    assert 0.35 < left_is_smaller / len(found) < 0.65


def test_with_few_memes_all_pairs_are_asked_and_then_no_more() -> None:
    game = Game.voting(4)
    found = asked(game)

    assert len(found) == 4 * 3
    assert list(voters_left(game.battle)) == []
    assert [next_pair(game.battle, seat(number)) for number in range(1, 5)] == [None] * 4


def test_a_voter_without_a_meme_is_asked_about_all() -> None:
    game = Game.voting(3)
    game.join(9)
    pairs = {tuple(sorted(sides)) for voter, *sides in asked(game) if voter == seat(9)}

    assert len(pairs) == 3


def test_voters_are_told_how_many_questions_there_are() -> None:
    few, many = Game.voting(4), Game.voting(9)
    few.join(9)

    assert questions_for(few.battle, seat(1)) == 3  # pairs of the three others
    assert questions_for(few.battle, seat(9)) == 6  # who made none judges all four
    assert questions_for(many.battle, seat(1)) == many.battle.options.votes_per_round


def test_who_was_asked_enough_is_asked_no_more() -> None:
    game = Game.voting(8, votes_per_round=2)

    assert Counter(voter for voter, *_ in asked(game)) == dict.fromkeys(map(seat, range(1, 9)), 2)


def test_what_is_hidden_or_not_painted_is_not_asked_about() -> None:
    game = Game.voting(5)
    gone = game.entry(3).id
    game.order("hide", gone)

    assert all(gone not in sides for _, *sides in asked(game))


def test_strengths_of_a_moment_ago_may_be_given() -> None:
    game = Game.voting(6)
    names = [entry.id for entry in game.battle.showable()]
    order = {name: float(number) for number, name in enumerate(names)}
    pair = next_pair(game.battle, "somebody", order)

    assert pair is not None
    assert abs(names.index(pair.left) - names.index(pair.right)) == 1
