"""Which two memes somebody is asked about next: Swiss pairing.

Memes of about the same strength meet, because only such a choice tells much; memes that were seen little come
first. Nobody judges their own, and nobody sees a pair twice. All of it follows from the battle and the voter,
so every replica asks the same question; which of the two stands left is drawn from their names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from memebattle.battle.ranking import strengths
from memebattle.battle.state import Battle, match_of, round_prefix

NEIGHBOURS = 3  # ranks apart that two memes may be, as long as such a pair is left
ROUGHLY = 0.01  # strength; finer than what a choice more would change
EVENNESS = 2.0  # how many games one unit of strength is worth


@dataclass(frozen=True, slots=True)
class Pair:
    """A question to one voter."""

    match: str
    left: str
    right: str


def next_pair(battle: Battle, voter: str, order: Mapping[str, float] | None = None) -> Pair | None:
    """What to ask next; None when this voter has been asked enough, or there is nothing left to ask.

    `order` are strengths of a moment ago, for who asks often.
    """
    if battle.cast.get(voter, 0) >= battle.options.votes_per_round:
        return None
    order = by_strength(battle) if order is None else order
    names = [entry.id for entry in battle.showable() if entry.seat != voter]
    ranks = sorted(names, key=lambda name: (order.get(name, 0.0), name))
    for reach in (NEIGHBOURS, len(ranks)):
        for _, one, other in sorted(_costs(battle, voter, ranks, order, reach)):
            match = match_of(battle.round, one, other)
            if voter not in battle.votes.get(match, {}):
                left, right = (one, other) if _drawn(voter, one, other, "side") < 0.5 else (other, one)  # noqa: PLR2004 - a coin
                return Pair(match, left, right)
    return None


def _costs(
    battle: Battle, voter: str, ranks: Sequence[str], order: Mapping[str, float], reach: int
) -> Iterator[tuple[float, str, str]]:
    """Pairs at most `reach` ranks apart, and how little there is to learn from them; equal ones by lot."""
    games = battle.games
    strength = [order.get(name, 0.0) for name in ranks]
    worth = [games.get(name, 0) + _drawn(voter, name) for name in ranks]
    for place, one in enumerate(ranks):
        for further in range(place + 1, min(place + 1 + reach, len(ranks))):
            apart = strength[further] - strength[place]
            yield worth[place] + worth[further] + EVENNESS * apart, one, ranks[further]


def questions_for(battle: Battle, voter: str) -> int:
    """How many pairs this voter is asked about in this round."""
    others = sum(entry.seat != voter for entry in battle.showable())
    return min(battle.options.votes_per_round, _pairs_of(others))


def voters_left(battle: Battle) -> Iterator[str]:
    """Who still has something to judge in this round."""
    makers = {entry.seat for entry in battle.showable()}
    most, total, cast = battle.options.votes_per_round, len(makers), battle.cast
    for seat in battle.players():
        others = total - (seat.id in makers)
        if cast.get(seat.id, 0) < min(most, _pairs_of(others)):
            yield seat.id


def _pairs_of(memes: int) -> int:
    return memes * (memes - 1) // 2


def by_strength(battle: Battle, start: Mapping[str, float] | None = None) -> dict[str, float]:
    """How strong each meme of the round looks so far."""
    names = [entry.id for entry in battle.showable()]
    return strengths(names, battle.choices(round_prefix(battle.round)), start, ROUGHLY)


def _drawn(*of: str) -> float:
    """A number from 0 to 1 that looks drawn by lot and is always the same."""
    digest = hashlib.blake2b(":".join(of).encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 2**32
