"""What became of a battle that bots have played: their side of it, laid beside what the stream has stored.

A vote is counted when the fold of the stream has it, once, as it was cast. One that was acknowledged and is
not counted is lost; one that the stream has more than once is doubled. A player is lost who had a seat and
did not see the podium.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from memebattle.battle import events
from memebattle.battle.events import Happening
from memebattle.battle.fold import fold
from memebattle.battle.state import Battle
from memebattle.cli.bots import Bot, quality
from memebattle.memes.engine import percentile

type History = Sequence[tuple[int, Happening]]

TITLES = {
    "created": "lobby",
    "round_started": "round {round}: prompts",
    "prompts_closed": "round {round}: last pictures",
    "voting_started": "round {round}: votes",
    "round_revealed": "round {round}: result",
    "duel_started": "duel {duel}",
    "duel_ended": "duel {duel}: verdict",
    "finished": "podium",
}
SPOKEN = ("join", "enter", "next", "vote", "look", "host", "create")


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds: how many, the middle, the slow end."""

    count: int
    p50: float
    p95: float
    most: float

    @classmethod
    def of(cls, milliseconds: Iterable[float]) -> Spread | None:
        ordered = sorted(milliseconds)
        if not ordered:
            return None
        return cls(len(ordered), percentile(ordered, 0.5) or 0, percentile(ordered, 0.95) or 0, ordered[-1])


@dataclass(frozen=True, slots=True)
class Votes:
    """Sent by bots, acknowledged to them, refused (too late), and counted by the stream."""

    sent: int
    acknowledged: int
    refused: int
    counted: int
    lost: int
    doubled: int


@dataclass(frozen=True, slots=True)
class Report:
    """The whole of it. `phases` are (what, seconds); `agreement` is Kendall's tau with the hidden quality."""

    code: str
    way: str
    players: int
    joined: int
    lost_players: tuple[str, ...]
    entries: int
    painted: int
    votes: Votes
    replies: dict[str, Spread]
    updates: Spread | None
    turns: Spread | None
    phases: tuple[tuple[str, float], ...]
    repeats: dict[str, int]
    agreement: float | None
    killed: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nobody and nothing was lost, and nothing doubled."""
        return not (self.votes.lost or self.votes.doubled or self.lost_players or self.joined < self.players)

    @classmethod
    def of(cls, stored: History, bots: Sequence[Bot], code: str, way: str, killed: Sequence[str]) -> Report:
        """Lay the bots' side beside the stream's."""
        battle, moments = fold(code, stored), {sequence: event.at for sequence, event in stored}
        turns = {sequence: event.at for sequence, event in stored if is_turn(event)}
        return cls(
            code=code,
            way=way,
            players=len(bots),
            joined=sum(bot.seat in battle.seats for bot in bots),
            lost_players=tuple(bot.name for bot in bots if bot.seat and not bot.has_finished),
            entries=len(battle.entries),
            painted=sum(entry.image_url is not None for entry in battle.entries.values()),
            votes=votes_of(battle, stored, bots),
            replies=_replies(bots),
            updates=Spread.of(_delays(bots, moments)),
            turns=Spread.of(_delays(bots, turns)),
            phases=tuple(phases_of(stored)),
            repeats=dict(sum((bot.phone.repeats for bot in bots), Counter())),
            agreement=agreement(battle),
            killed=tuple(killed),
        )

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        from dataclasses import asdict

        return {**asdict(self), "is_clean": self.is_clean}


def votes_of(battle: Battle, stored: History, bots: Iterable[Bot]) -> Votes:
    """Each bot's votes beside those of the fold."""
    copies = Counter((event.seat, event.match) for _, event in stored if isinstance(event, events.Voted))
    sent = acknowledged = refused = lost = 0
    for bot in bots:
        sent, refused = sent + len(bot.sent), refused + len(bot.refused)
        acknowledged += len(bot.acknowledged)
        for match, choice in bot.acknowledged.items():
            counted = battle.votes.get(match, {}).get(bot.seat)
            lost += counted is None or counted.choice != choice
    counted_in_all = sum(len(by_voter) for by_voter in battle.votes.values())
    doubled = sum(count - 1 for count in copies.values())
    return Votes(sent, acknowledged, refused, counted_in_all, lost, doubled)


def phases_of(stored: History) -> Iterator[tuple[str, float]]:
    """What the battle did, and for how many seconds."""
    turns = [(event.at, title_of(event)) for _, event in stored if is_turn(event)]
    for (began, title), (ended, _) in pairwise(turns):
        yield title, round((ended - began) / 1000, 1)


def title_of(event: Happening) -> str:
    """A phase by the event that begins it."""
    title = TITLES[event.type]
    return title.format(**event.model_dump())


def is_turn(event: Happening) -> bool:
    """Whether a phase begins with it."""
    return event.type in TITLES


def agreement(battle: Battle) -> float | None:
    """Kendall's tau between the last board and the hidden quality: 1 is the same order, 0 is chance."""
    order = [standing.entry for standing in battle.boards.get(battle.round, [])]
    pairs = [(better, worse) for at, better in enumerate(order) for worse in order[at + 1 :]]
    if not pairs:
        return None
    right = sum(quality(better) > quality(worse) for better, worse in pairs)
    return round(2 * right / len(pairs) - 1, 2)


def _replies(bots: Iterable[Bot]) -> dict[str, Spread]:
    found: dict[str, list[float]] = {verb: [] for verb in SPOKEN}
    for bot in bots:
        for latency in bot.phone.latencies:
            found[latency.verb].append(latency.seconds * 1000)
    spreads = {verb: Spread.of(values) for verb, values in found.items()}
    return {verb: spread for verb, spread in spreads.items() if spread is not None}


def _delays(bots: Iterable[Bot], moments: dict[int, int]) -> Iterator[float]:
    """From each event to its first view at each phone that was there, in milliseconds."""
    for bot in bots:
        waiting = iter(sorted(moments.items()))
        event = next(waiting, None)
        first = bot.phone.arrivals[0][1] if bot.phone.arrivals else 0
        for arrived, sequence in bot.phone.arrivals:
            while event is not None and event[0] <= sequence:
                if event[0] >= first:  # what was there before it listened is no news
                    yield arrived - event[1]
                event = next(waiting, None)
