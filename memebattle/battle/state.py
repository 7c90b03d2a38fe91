"""A battle as it stands, and what follows from that alone.

How events change it is `fold.py`'s, what should happen next `course.py`'s, what may be shown `view.py`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from memebattle.battle import events
from memebattle.battle.options import Options
from memebattle.battle.ranking import ROUNDED, Standing

type Phase = Literal["lobby", "prompt", "paint", "vote", "reveal", "duel", "verdict", "finished"]

FINALISTS = 4
DUEL = "duel"  # begins the names of the matches of the final


@dataclass(frozen=True, slots=True)
class Seat:
    """A player. Who joins late plays from the next round on, and votes at once."""

    id: str
    name: str
    avatar: int
    since_round: int  # the first one they may enter
    is_out: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A meme of this battle. Its id says nothing about its maker."""

    id: str
    round: int
    seat: str
    prompt: str
    request_id: str
    at: int  # milliseconds since 1970
    image_url: str | None = None
    error: str | None = None
    is_hidden: bool = False
    is_approved: bool = False

    @property
    def is_settled(self) -> bool:
        """Painted, or known not to be."""
        return self.image_url is not None or self.error is not None


@dataclass(frozen=True, slots=True)
class Duel:
    """A match of the final. `winner` is None until it has ended; after a tie the better seeded goes on."""

    number: int
    left: str
    right: str
    winner: str | None = None
    is_tie: bool = False

    @property
    def loser(self) -> str | None:
        if self.winner is None:
            return None
        return self.right if self.winner == self.left else self.left


@dataclass(slots=True)
class Battle:
    """Everything that is known of one battle. `sequence` is the place of the last event in the stream."""

    code: str
    host: str = ""
    salt: str = ""
    options: Options = field(default_factory=Options)
    phase: Phase = "lobby"
    round: int = 0
    theme: str = ""
    themes: list[str] = field(default_factory=list)
    deadline: int | None = None
    remaining: int | None = None  # milliseconds; set while the host has stopped the clock
    created_at: int = 0
    changed_at: int = 0
    sequence: int = 0
    log_sequence: int = 0  # of the last event of the course: what the next one is fenced with
    seats: dict[str, Seat] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)  # likenesses of those in use
    entries: dict[str, Entry] = field(default_factory=dict)
    votes: dict[str, dict[str, events.Voted]] = field(default_factory=dict)  # match -> voter -> choice
    cast: dict[str, int] = field(default_factory=dict)  # voter -> choices in this round
    games: dict[str, int] = field(default_factory=dict)  # entry of this round -> choices it was part of
    boards: dict[int, list[Standing]] = field(default_factory=dict)
    points: dict[str, int] = field(default_factory=dict)  # seat -> of all rounds, 500 for an average meme
    seeds: list[str] = field(default_factory=list)  # the finalists, the best first
    duels: list[Duel] = field(default_factory=list)

    @property
    def exists(self) -> bool:
        return bool(self.host)

    @property
    def is_paused(self) -> bool:
        return self.remaining is not None

    @property
    def duel(self) -> Duel | None:
        """The match that is on, or was last."""
        return self.duels[-1] if self.duels else None

    @property
    def matches(self) -> int:
        """How many matches the final has: two semi-finals come before the last one, or none; 0 before it."""
        if not self.seeds:
            return 0
        return 3 if len(self.seeds) == FINALISTS else 1

    def players(self) -> Iterator[Seat]:
        """Everybody who has not been sent out."""
        return (seat for seat in self.seats.values() if not seat.is_out)

    @property
    def is_full(self) -> bool:
        return sum(1 for _ in self.players()) >= self.options.max_players

    def competitors(self) -> list[Seat]:
        """Who may enter in this round."""
        return [seat for seat in self.players() if seat.since_round <= self.round]

    def entries_of_round(self, number: int | None = None) -> list[Entry]:
        wanted = self.round if number is None else number
        return [entry for entry in self.entries.values() if entry.round == wanted]

    def entry_of(self, seat: str) -> Entry | None:
        """What this seat has entered in this round."""
        return self.entries.get(entry_id(self.salt, self.round, seat))

    def showable(self, number: int | None = None) -> list[Entry]:
        """The entries of a round that may be seen and judged."""
        return [entry for entry in self.entries_of_round(number) if self.may_show(entry)]

    def may_show(self, entry: Entry) -> bool:
        allowed = entry.is_approved or not self.options.approve
        return bool(entry.image_url) and allowed and self.is_wanted(entry)

    def is_waiting(self, entry: Entry) -> bool:
        """Painted, and for the host to approve."""
        shown = replace(entry, is_approved=True)
        return self.options.approve and not entry.is_approved and self.may_show(shown)

    def choices(self, prefix: str) -> Iterator[tuple[str, str]]:
        """(winner, loser) of every choice in the matches that begin with `prefix`."""
        for match, by_voter in self.votes.items():
            if match.startswith(prefix):
                for vote in by_voter.values():
                    if vote.choice == "left":
                        yield vote.left, vote.right
                    elif vote.choice == "right":
                        yield vote.right, vote.left

    @property
    def champion(self) -> str | None:
        """The meme of the battle: who won the final, or else the last round, if one meme did."""
        if self.phase != "finished":
            return None
        if self.duel is not None and self.duel.number == self.matches:
            return self.duel.winner
        board = self.board
        is_shared = len(board) > 1 and board[0].rank == board[1].rank
        return board[0].entry if board and not is_shared else None

    @property
    def board(self) -> list[Standing]:
        """The result of the last round that has one, without what was taken off the screen since.

        While a round is revealed it is that one's, although nobody may have made anything.
        """
        for number in sorted(self.boards, reverse=True):
            standings = self.boards[number]
            found = [standing for standing in standings if self.may_show(self.entries[standing.entry])]
            if found or self.phase == "reveal":
                return found
        return []

    def pending(self) -> list[Entry]:
        """The memes that a picture may still come for in time."""
        if self.phase not in {"prompt", "paint", "vote"}:
            return []
        return [entry for entry in self.entries_of_round() if self.is_wanted(entry) and not entry.is_settled]

    def is_wanted(self, entry: Entry) -> bool:
        """Neither taken off the screen nor by somebody who was sent out."""
        seat = self.seats.get(entry.seat)
        return not entry.is_hidden and not (seat and seat.is_out)

    def rank(self, seat: str) -> int:
        """The place by points among all who are still in; equal points share one."""
        mine = self.points.get(seat, 0)
        return 1 + sum(self.points[each.id] > mine for each in self.players())


@lru_cache(maxsize=4096)
def entry_id(salt: str, number: int, seat: str) -> str:
    """The public name of what a seat enters in a round."""
    return hashlib.sha256(f"{salt}:{number}:{seat}".encode()).hexdigest()[:12]


def match_of(number: int, one: str, other: str) -> str:
    """The name of a pair in a round, whichever way round it is shown."""
    first, second = sorted((one, other))
    return f"{round_prefix(number)}{first}-{second}"


def round_prefix(number: int) -> str:
    return f"round{number}-"


def duel_match(number: int) -> str:
    return f"{DUEL}{number}"


def may_vote(battle: Battle, voter: str, match: str, left: str, right: str) -> bool:
    """Whether this choice would count now: in time, between two others' memes, and the voter's first."""
    seat, sides = battle.seats.get(voter), [battle.entries.get(name) for name in (left, right)]
    if seat is None or seat.is_out or left == right or voter in battle.votes.get(match, {}):
        return False
    if any(side is None or side.seat == voter or not battle.may_show(side) for side in sides):
        return False
    if battle.phase == "vote":
        asked = battle.cast.get(voter, 0) < battle.options.votes_per_round
        return asked and match == match_of(battle.round, left, right) and _are_of(battle, sides)
    duel = battle.duel
    on = battle.phase == "duel" and duel is not None and match == duel_match(duel.number)
    return on and duel is not None and {left, right} == {duel.left, duel.right}


def _are_of(battle: Battle, sides: list[Entry | None]) -> bool:
    return all(side is not None and side.round == battle.round for side in sides)


def seeded(battle: Battle) -> list[str]:
    """The finalists: the strongest memes of all rounds, one of each player, the best first."""
    standings = [standing for board in battle.boards.values() for standing in board]
    best: dict[str, str] = {}
    for standing in sorted(standings, key=lambda each: -round(each.strength, ROUNDED)):
        entry = battle.entries[standing.entry]
        if battle.may_show(entry):
            best.setdefault(entry.seat, entry.id)
    return list(best.values())[:FINALISTS]
