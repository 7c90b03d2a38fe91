"""A battle in words: each event of its stream as a line, and where the battle stood then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from memebattle.battle import events
from memebattle.battle.events import Happening
from memebattle.battle.fold import apply
from memebattle.battle.state import Battle


class Timeline:
    """Folds a battle and says what each event did, in plain text; names and prompts as people wrote them."""

    def __init__(self, code: str) -> None:
        self.battle = Battle(code)

    def tell(self, sequence: int, event: Happening) -> str:
        """The line of the next event; in brackets what came too late to count."""
        counts = apply(self.battle, sequence, event)
        said = _WORDS[event.type](self.battle, event)
        return f"{_clock(event.at)}  {said if counts else f'({said})'}"


def standing(battle: Battle) -> list[str]:
    """Who has how many points, the best first; a tie is said to be one."""
    order = sorted(battle.players(), key=lambda seat: (-battle.points[seat.id], seat.name))
    ranks = [battle.rank(seat.id) for seat in order]
    return [
        f"{rank}. {seat.name}: {battle.points[seat.id]} points{' (a tie)' if ranks.count(rank) > 1 else ''}"
        for rank, seat in zip(ranks, order, strict=True)
    ]


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]


def _name(battle: Battle, seat: str) -> str:
    found = battle.seats.get(seat)
    return found.name if found else "somebody"


def _maker(battle: Battle, entry: str) -> str:
    found = battle.entries.get(entry)
    return f"{_name(battle, found.seat)}'s meme" if found else "a meme"


def _painted(battle: Battle, event: events.Painted) -> str:
    entry = next((each for each in battle.entries.values() if each.request_id == event.request_id), None)
    whose = _maker(battle, entry.id) if entry else "a meme that was replaced"
    return f"{whose} is painted" if event.error is None else f"{whose} has no picture: {event.error}"


def _voted(battle: Battle, event: events.Voted) -> str:
    left, right = _maker(battle, event.left), _maker(battle, event.right)
    match event.choice:
        case "left":
            return f"{_name(battle, event.seat)} prefers {left} to {right}"
        case "right":
            return f"{_name(battle, event.seat)} prefers {right} to {left}"
    return f"{_name(battle, event.seat)} skips {left} and {right}"


def _duel_ended(battle: Battle, _event: events.DuelEnded) -> str:
    duel = battle.duel
    if duel is None or duel.winner is None:
        return "a match ends"
    return f"{_maker(battle, duel.winner)} wins the match{', after a tie' if duel.is_tie else ''}"


def _revealed(battle: Battle, event: events.RoundRevealed) -> str:
    board = battle.boards.get(event.round, [])
    best = [_maker(battle, line.entry) for line in board if line.rank == 1]
    return f"round {event.round} is revealed: {' and '.join(best) or 'nothing to judge'}"


_WORDS: Mapping[str, Callable[[Battle, Any], str]] = {
    "created": lambda battle, _: f"battle {battle.code} is opened",
    "joined": lambda battle, event: f"{_name(battle, event.seat)} joins",
    "round_started": lambda _, event: f"round {event.round}: {event.theme}",
    "prompts_closed": lambda _, event: f"no more prompts in round {event.round}",
    "voting_started": lambda _, event: f"round {event.round} is judged",
    "round_revealed": _revealed,
    "duel_started": lambda battle, event: (
        f"match {event.duel}: {_maker(battle, event.left)} against {_maker(battle, event.right)}"
    ),
    "duel_ended": _duel_ended,
    "finished": lambda battle, _: (
        f"the end: {_maker(battle, battle.champion)} is the champion" if battle.champion else "the end"
    ),
    "paused": lambda *_: "the host stops the clock",
    "resumed": lambda *_: "the clock runs again",
    "extended": lambda *_: "the host gives more time",
    "hidden": lambda battle, event: f"the host hides {_maker(battle, event.entry)}",
    "approved": lambda battle, event: f"the host shows {_maker(battle, event.entry)}",
    "kicked": lambda battle, event: f"the host sends {_name(battle, event.seat)} out",
    "entered": lambda battle, event: f"{_name(battle, event.seat)} writes: {event.prompt}",
    "painted": _painted,
    "voted": _voted,
}
