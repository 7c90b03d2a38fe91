"""A battle to take home: who played, who made what, what was chosen, who won.

Told is what was revealed: rounds that have a result, and matches that have ended. Choices are those of voters
without a name, the same voter under the same sign; what was taken off the screen has no picture and no words.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from memebattle.battle import view
from memebattle.battle.events import Choice
from memebattle.battle.messages import DuelView, EntryView, PlayerView, StandingView, Told
from memebattle.battle.state import Battle, Entry, duel_match, round_prefix

type Part = Literal["entries", "votes", "players"]

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would compute what begins so


class VoteRecord(Told):
    """A choice. `voter` is a sign of this battle that leads to nobody."""

    at: int = Field(description="Milliseconds since 1970")
    voter: str
    left: str
    right: str
    choice: Choice


class RoundRecord(Told):
    """A round that has a result."""

    round: int
    theme: str
    entries: list[EntryView]
    board: list[StandingView]
    votes: list[VoteRecord]


class DuelRecord(Told):
    """A match of the final that has ended."""

    duel: DuelView
    votes: list[VoteRecord]


class BattleHistory(Told):
    """Everything that may be told of a battle. `sequence` is the event it reaches to."""

    battle_id: str
    sequence: int
    created_at: int = Field(description="Milliseconds since 1970")
    phase: str
    players: list[PlayerView]
    rounds: list[RoundRecord]
    duels: list[DuelRecord]
    champion: EntryView | None = Field(None, description="The meme of the battle, at the end")


def history_of(battle: Battle) -> BattleHistory:
    """What was revealed so far."""
    champion = battle.champion
    return BattleHistory(
        battle_id=battle.code,
        sequence=battle.sequence,
        created_at=battle.created_at,
        phase=battle.phase,
        players=view.for_screens(battle, 0).players,
        rounds=[_round(battle, number) for number in sorted(battle.boards)],
        duels=[_duel(battle, duel) for duel in view.duels(battle) if duel.winner is not None],
        champion=_entry(battle, battle.entries[champion]) if champion else None,
    )


def as_csv(history: BattleHistory, part: Part) -> str:
    """One of its tables, for a spreadsheet; cells are text and never formulas."""
    rows = list(_TABLES[part](history))
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=_COLUMNS[part], restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _round(battle: Battle, number: int) -> RoundRecord:
    matches = (match for match in battle.votes if match.startswith(round_prefix(number)))
    return RoundRecord(
        round=number,
        theme=battle.themes[number - 1],
        entries=[_entry(battle, entry) for entry in battle.entries_of_round(number)],
        board=view.standings(battle.boards[number]),
        votes=_votes(battle, matches),
    )


def _duel(battle: Battle, duel: DuelView) -> DuelRecord:
    return DuelRecord(duel=duel, votes=_votes(battle, [duel_match(duel.number)]))


def _votes(battle: Battle, matches: Iterable[str]) -> list[VoteRecord]:
    found = (vote for match in matches for vote in battle.votes.get(match, {}).values())
    return [
        VoteRecord(
            at=vote.at,
            voter=_sign(battle, vote.seat),
            left=vote.left,
            right=vote.right,
            choice=vote.choice,
        )
        for vote in sorted(found, key=lambda vote: (vote.at, vote.match, vote.seat))
    ]


def _sign(battle: Battle, seat: str) -> str:
    return hmac.new(battle.salt.encode(), f"voter:{seat}".encode(), hashlib.sha256).hexdigest()[:8]


def _entry(battle: Battle, entry: Entry) -> EntryView:
    shown = battle.may_show(entry)
    return EntryView(
        id=entry.id,
        seat=entry.seat,
        image_url=entry.image_url if shown else None,
        prompt=entry.prompt if shown else None,
        error=entry.error,
    )


def _entry_rows(history: BattleHistory) -> Iterable[Mapping[str, Any]]:
    names = {player.seat: player.name for player in history.players}
    for played in history.rounds:
        lines = {line.entry: line for line in played.board}
        for entry in sorted(played.entries, key=lambda each: _place(lines.get(each.id))):
            line = lines.get(entry.id)
            yield {
                "round": played.round,
                "theme": played.theme,
                **(line.model_dump() if line else {}),
                "entry": entry.id,
                "player": names.get(entry.seat or "", ""),
                "prompt": entry.prompt,
                "image_url": entry.image_url,
                "is_champion": history.champion is not None and history.champion.id == entry.id,
            }


def _place(line: StandingView | None) -> float:
    return line.rank if line else float("inf")


def _vote_rows(history: BattleHistory) -> Iterable[Mapping[str, Any]]:
    for played in history.rounds:
        for vote in played.votes:
            yield {"match": f"round {played.round}", **vote.model_dump()}
    for match in history.duels:
        for vote in match.votes:
            yield {"match": f"duel {match.duel.number}", **vote.model_dump()}


def _player_rows(history: BattleHistory) -> Iterable[Mapping[str, Any]]:
    return (player.model_dump() for player in history.players)


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


_COLUMNS: Mapping[Part, list[str]] = {
    "entries": [
        "round", "theme", "rank", "points", "wins", "games", "player", "prompt", "image_url", "entry",
        "is_tied", "is_champion",
    ],
    "votes": ["match", "at", "voter", "left", "right", "choice"],
    "players": ["rank", "points", "name", "seat", "is_out"],
}  # fmt: skip
_TABLES = {"entries": _entry_rows, "votes": _vote_rows, "players": _player_rows}
