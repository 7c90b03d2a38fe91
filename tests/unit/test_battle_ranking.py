"""Strengths from choices between two."""

from __future__ import annotations

import math
import random

import pytest

from memebattle.battle.ranking import ranked, strengths


def choices(entries: list[str], games: int, seed: int) -> list[tuple[str, str]]:
    """Random pairs; of two the later name is better, and the more so the further it is away."""
    dice, found = random.Random(seed), list[tuple[str, str]]()
    for _ in range(games):
        one, other = dice.sample(entries, 2)
        chance = 1 / (1 + math.exp(0.9 * (entries.index(other) - entries.index(one))))
        found.append((one, other) if dice.random() < chance else (other, one))
    return found


def test_the_order_behind_many_choices_is_found() -> None:
    entries = [f"e{number}" for number in range(8)]
    found = ranked(entries, choices(entries, 4000, 1))

    assert [standing.entry for standing in found] == entries[::-1]
    assert [standing.rank for standing in found] == list(range(1, 9))


def test_strengths_are_those_that_make_the_choices_most_likely() -> None:
    """At the maximum, wins seen and wins expected are equal, the imaginary opponent's included."""
    entries = [f"e{number}" for number in range(6)]
    seen = choices(entries, 120, 2)
    found = strengths(entries, seen)
    for entry in entries:
        won = sum(winner == entry for winner, _ in seen) + 0.5
        expected = 1 / (1 + math.exp(-found[entry]))
        for winner, loser in seen:
            if entry in (winner, loser):
                other = loser if entry == winner else winner
                expected += 1 / (1 + math.exp(found[other] - found[entry]))
        assert won == pytest.approx(expected, abs=1e-3)


def test_what_is_equal_shares_a_rank_and_the_next_one_is_left_out() -> None:
    cycle = [("a", "b"), ("b", "c"), ("c", "a")]
    found = ranked(["a", "b", "c", "d"], [*cycle, ("a", "d"), ("b", "d"), ("c", "d")])

    assert [(standing.entry, standing.rank) for standing in found] == [("a", 1), ("b", 1), ("c", 1), ("d", 4)]
    assert [standing.is_close for standing in found][1:3] == [False, False]  # a tie is not "too close"


def test_without_any_choice_all_are_average_and_equal() -> None:
    found = ranked(["b", "a"], [])

    assert [(each.entry, each.rank, each.points, each.games) for each in found] == [
        ("b", 1, 500, 0),
        ("a", 1, 500, 0),
    ]


def test_nobody_is_infinitely_good_or_bad() -> None:
    found = ranked(["a", "b"], [("a", "b")] * 1000)

    assert 0 < found[1].points < found[0].points < 1000
    assert math.isfinite(found[0].error)


def test_groups_that_never_met_can_be_compared() -> None:
    """Two who won all of three matches, in worlds apart, are equally good."""
    found = {
        each.entry: each
        for each in ranked(["a", "b", "x", "y", "z"], [("a", "b")] * 3 + [("x", "y")] * 3 + [("z", "z")])
    }

    assert found["a"].rank == found["x"].rank == 1
    assert found["b"].rank == found["y"].rank == 4
    assert (found["z"].rank, found["z"].points, found["z"].games) == (3, 500, 0)


def test_few_choices_are_too_few_to_call() -> None:
    few = ranked(["a", "b"], [("a", "b"), ("b", "a"), ("a", "b")])
    many = ranked(["a", "b"], [("a", "b"), ("b", "a"), ("a", "b")] * 30)

    assert few[1].is_close
    assert not few[0].is_close
    assert not many[1].is_close
    assert many[1].error < few[1].error


def test_choices_about_what_is_not_judged_any_more_do_not_count() -> None:
    assert ranked(["a", "b"], [("a", "gone"), ("gone", "b"), ("a", "b")]) == ranked(["a", "b"], [("a", "b")])


def test_the_order_of_the_choices_does_not_matter() -> None:
    entries = [f"e{number}" for number in range(10)]
    seen = choices(entries, 60, 3)
    random.Random(4).shuffle(shuffled := list(seen))

    assert [each.entry for each in ranked(entries, seen)] == [
        each.entry for each in ranked(entries, shuffled)
    ]


def test_a_guess_to_begin_at_leads_to_the_same_place() -> None:
    entries = [f"e{number}" for number in range(6)]
    seen = choices(entries, 50, 5)
    cold, warm = strengths(entries, seen), strengths(entries, seen, dict.fromkeys(entries, 2.0))

    assert warm == pytest.approx(cold, abs=1e-3)


def test_winning_more_never_hurts() -> None:
    entries = [f"e{number}" for number in range(5)]
    for seed in range(20):
        seen = choices(entries, 25, seed)
        before, after = strengths(entries, seen), strengths(entries, [*seen, ("e0", "e1")])
        assert after["e0"] > before["e0"]
        assert after["e1"] < before["e1"]
