"""Who is best, from choices between two: the Bradley-Terry model.

Each entry has a strength s, and i beats j with probability s_i / (s_i + s_j); `fitting.py` finds the
strengths that make the choices seen most likely. Every entry also plays half a win and half a loss against an
imaginary opponent of strength 1: without, an entry that never lost would be infinitely strong, and two groups
that never met could not be compared.

`benchmarks/battle_ranking.py` compares it with win rates and Elo over simulated battles.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from memebattle.battle.fitting import Tally, chance

CLOSE_ENOUGH, ROUNDED, TIED = 1e-6, 5, 1e-5  # of strengths
CALLABLE = 1.0  # standard errors between two strengths that are told apart


@dataclass(frozen=True, slots=True)
class Standing:
    """How one entry did. `strength` is ln s: 0 is average, +1 beats the average 73 times of 100."""

    entry: str
    rank: int  # 1 is best; equal records share one
    strength: float
    error: float  # standard error of the strength
    wins: int
    games: int
    is_close: bool = False  # too close to the next better one to be called

    @property
    def points(self) -> int:
        """Of 1000 matches against an average meme, how many it should win."""
        return round(1000 * chance(self.strength))


def strengths(
    entries: Sequence[str],
    choices: Iterable[tuple[str, str]],
    start: Mapping[str, float] | None = None,
    close_enough: float = CLOSE_ENOUGH,
) -> dict[str, float]:
    """The strength (ln s) of every entry, from (winner, loser) pairs; `start` is a guess to begin at."""
    fitted = Tally(entries, choices).fitted(start or {}, close_enough)
    return dict(zip(entries, fitted, strict=True))


def ranked(entries: Sequence[str], choices: Iterable[tuple[str, str]]) -> list[Standing]:
    """All entries, the best first; in doubt as they were given."""
    tally = Tally(entries, choices)
    fitted = tally.fitted({}, CLOSE_ENOUGH)
    errors = tally.errors(fitted)
    found: list[Standing] = []
    for number in sorted(range(len(entries)), key=lambda number: -round(fitted[number], ROUNDED)):
        above = found[-1] if found else None
        lead = above.strength - fitted[number] if above is not None else math.inf
        is_tied = abs(lead) < TIED
        is_near = above is not None and lead < CALLABLE * math.hypot(above.error, errors[number])
        found.append(
            Standing(
                entries[number],
                above.rank if above is not None and is_tied else len(found) + 1,
                fitted[number],
                errors[number],
                tally.wins[number],
                tally.games[number],
                is_near and not is_tied,
            )
        )
    return found
