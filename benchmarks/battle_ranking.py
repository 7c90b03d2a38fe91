"""How well do votes find the best meme? Our pairing and ranking beside simpler ones, over simulated battles.

    python -m benchmarks.battle_ranking --battles 200

Every meme has a hidden quality; a voter prefers the better one with the chance that Bradley and Terry give
it. Printed: how often the truly best meme comes out first, how often it is on the podium, and how far the
whole order agrees with the truth (Kendall's tau: 1 is the same order, 0 is chance).
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from memebattle.battle import events
from memebattle.battle.fold import apply
from memebattle.battle.options import Options
from memebattle.battle.pairing import by_strength, next_pair
from memebattle.battle.ranking import ranked
from memebattle.battle.state import Battle

type Choices = list[tuple[str, str]]  # (winner, loser)
type Order = list[str]  # the best first

SIZES = ((8, 6, 5), (12, 10, 6), (24, 20, 8))  # memes, voters, votes of each


@dataclass(frozen=True, slots=True)
class Truth:
    """What nobody sees."""

    quality: dict[str, float]
    rng: random.Random

    @property
    def memes(self) -> list[str]:
        return list(self.quality)

    def winner(self, one: str, other: str) -> tuple[str, str]:
        chance = 1 / (1 + math.exp(self.quality[other] - self.quality[one]))
        return (one, other) if self.rng.random() < chance else (other, one)


def swiss(truth: Truth, voters: int, votes: int) -> Choices:
    """As `battle/pairing.py` asks."""
    battle, sequence = Battle("SIM"), 0

    def happens(event: events.Happening) -> None:
        nonlocal sequence
        sequence += 1
        apply(battle, sequence, event)

    happens(events.Created(at=0, host="h", salt="s", options=Options(votes_per_round=votes)))
    for name in (*truth.memes, *(f"voter{number}" for number in range(voters))):
        happens(events.Joined(at=0, seat=name, name=name, avatar=0))
    happens(events.RoundStarted(at=0, round=1, theme="", deadline=1))
    for name in truth.memes:
        happens(events.Entered(at=0, round=1, seat=name, prompt=name, request_id=name))
        happens(events.Painted(at=0, request_id=name, image_url="/i"))
    happens(events.VotingStarted(at=0, round=1, deadline=1))
    maker = {entry.id: entry.seat for entry in battle.entries.values()}
    for _ in range(votes):
        order = by_strength(battle)
        for number in range(voters):
            pair = next_pair(battle, f"voter{number}", order)
            if pair is None:
                continue
            won, _lost = truth.winner(maker[pair.left], maker[pair.right])
            choice: events.Choice = "left" if won == maker[pair.left] else "right"
            happens(
                events.Voted(
                    at=0,
                    seat=f"voter{number}",
                    match=pair.match,
                    left=pair.left,
                    right=pair.right,
                    choice=choice,
                )
            )
    return [(maker[won], maker[lost]) for won, lost in battle.choices("round1-")]


def at_random(truth: Truth, voters: int, votes: int) -> Choices:
    """Any two."""
    pairs = (truth.rng.sample(truth.memes, 2) for _ in range(voters * votes))
    return [truth.winner(one, other) for one, other in pairs]


def bradley_terry(memes: Sequence[str], choices: Choices) -> Order:
    return [standing.entry for standing in ranked(memes, choices)]


def win_rate(memes: Sequence[str], choices: Choices) -> Order:
    won = {meme: sum(winner == meme for winner, _ in choices) for meme in memes}
    played = {meme: sum(meme in pair for pair in choices) for meme in memes}
    return sorted(memes, key=lambda meme: -(won[meme] + 1) / (played[meme] + 2))


def elo(memes: Sequence[str], choices: Choices) -> Order:
    rating = dict.fromkeys(memes, 1500.0)
    for winner, loser in choices:
        gain = 32 * (1 - 1 / (1 + 10 ** ((rating[loser] - rating[winner]) / 400)))
        rating[winner] += gain
        rating[loser] -= gain
    return sorted(memes, key=lambda meme: -rating[meme])


METHODS: dict[str, tuple[Callable[..., Choices], Callable[..., Order]]] = {
    "Swiss pairs, Bradley-Terry (ours)": (swiss, bradley_terry),
    "random pairs, Bradley-Terry": (at_random, bradley_terry),
    "random pairs, Elo": (at_random, elo),
    "random pairs, win rate": (at_random, win_rate),
}


def agreement(order: Order, quality: dict[str, float]) -> float:
    """Kendall's tau."""
    pairs = [(one, other) for place, one in enumerate(order) for other in order[place + 1 :]]
    return sum(1 if quality[one] > quality[other] else -1 for one, other in pairs) / len(pairs)


def measured(name: str, size: tuple[int, int, int], battles: int) -> tuple[float, float, float]:
    """Shares of battles whose best meme came first, came among three, and the mean agreement."""
    ask, judge = METHODS[name]
    memes, voters, votes = size
    first = podium = 0
    total = 0.0
    for truth in _truths(memes, battles):
        order = judge(truth.memes, ask(truth, voters, votes))
        best = max(truth.quality, key=lambda meme: truth.quality[meme])
        first += order[0] == best
        podium += best in order[:3]
        total += agreement(order, truth.quality)
    return first / battles, podium / battles, total / battles


def _truths(memes: int, battles: int) -> Iterator[Truth]:
    """The same battles for every method."""
    for seed in range(battles):
        rng = random.Random(seed)
        yield Truth({f"meme{number}": rng.gauss(0, 1) for number in range(memes)}, rng)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--battles", type=int, default=200, help="simulated battles of each kind")
    battles = parser.parse_args().battles
    table = Table("memes, voters, votes", "method", "best first", "best of three", "agreement")
    for size in SIZES:
        for name in METHODS:
            first, podium, tau = measured(name, size, battles)
            table.add_row(", ".join(map(str, size)), name, f"{first:.2f}", f"{podium:.2f}", f"{tau:.2f}")
        table.add_section()
    Console().print(table)


if __name__ == "__main__":
    main()
