"""What each event does to a battle, in the order of the stream.

`apply` takes what counts and passes over what does not (a vote after the whistle, a prompt of somebody who
was sent out). It knows no clock and no chance, so that a server, a replay and a test that read the same
events see the same battle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from memebattle.battle import events
from memebattle.battle.events import Happening
from memebattle.battle.names import likeness, unlike
from memebattle.battle.ranking import ranked
from memebattle.battle.state import (
    DUEL,
    FINALISTS,
    Battle,
    Duel,
    Entry,
    Seat,
    duel_match,
    entry_id,
    may_vote,
    round_prefix,
    seeded,
)


def fold(code: str, stored: Iterable[tuple[int, Happening]]) -> Battle:
    """The battle that these events make."""
    battle = Battle(code)
    for sequence, event in stored:
        apply(battle, sequence, event)
    return battle


def apply(battle: Battle, sequence: int, event: Happening) -> bool:
    """Take the next event of the stream; whether it counts."""
    if sequence <= battle.sequence:
        return False
    battle.sequence, battle.changed_at = sequence, max(battle.changed_at, event.at)
    if event.type in _COURSE:
        battle.log_sequence = sequence
    if not battle.exists and event.type != "created":
        return False
    return _TAKES[event.type](battle, event)


def _created(battle: Battle, event: events.Created) -> bool:
    if battle.exists:
        return False
    battle.host, battle.salt, battle.options = event.host, event.salt, event.options
    battle.created_at = event.at
    return True


def _joined(battle: Battle, event: events.Joined) -> bool:
    if event.seat in battle.seats or battle.is_full or battle.phase == "finished":
        return False
    since = battle.round if battle.phase == "prompt" else battle.round + 1
    name = unlike(event.name, battle.names)  # two of a name, at two replicas in the same moment
    battle.seats[event.seat] = Seat(event.seat, name, event.avatar, since)
    battle.names.add(likeness(name))
    battle.points[event.seat] = 0
    return True


def _round_started(battle: Battle, event: events.RoundStarted) -> bool:
    battle.phase, battle.round, battle.theme = "prompt", event.round, event.theme
    battle.themes.append(event.theme)
    battle.cast, battle.games = {}, {}
    return _until(battle, event.deadline)


def _prompts_closed(battle: Battle, event: events.PromptsClosed) -> bool:
    battle.phase = "paint"
    return _until(battle, event.deadline)


def _voting_started(battle: Battle, event: events.VotingStarted) -> bool:
    battle.phase = "vote"
    return _until(battle, event.deadline)


def _round_revealed(battle: Battle, event: events.RoundRevealed) -> bool:
    battle.phase = "reveal"
    names = [entry.id for entry in battle.showable()]
    board = battle.boards[battle.round] = ranked(names, battle.choices(round_prefix(battle.round)))
    for standing in board:
        battle.points[battle.entries[standing.entry].seat] += standing.points
    return _until(battle, event.deadline)


def _duel_started(battle: Battle, event: events.DuelStarted) -> bool:
    if not battle.seeds:
        battle.seeds = seeded(battle)
    battle.phase = "duel"
    battle.duels.append(Duel(event.duel, event.left, event.right))
    return _until(battle, event.deadline)


def _duel_ended(battle: Battle, event: events.DuelEnded) -> bool:
    duel = battle.duel
    if duel is None:
        return False
    won = [winner for winner, _ in battle.choices(duel_match(duel.number))]
    sides = (duel.left, duel.right)
    # what was taken off the screen loses; after a tie the better seeded goes on
    standing = {
        side: (battle.may_show(battle.entries[side]), won.count(side), -_seed(battle, side)) for side in sides
    }
    is_tie = standing[duel.left][:2] == standing[duel.right][:2]
    battle.duels[-1] = replace(duel, winner=max(sides, key=standing.__getitem__), is_tie=is_tie)
    battle.phase = "verdict"
    return _until(battle, event.deadline)


def _finished(battle: Battle, _event: events.Finished) -> bool:
    battle.phase, battle.deadline, battle.remaining = "finished", None, None
    return True


def _paused(battle: Battle, event: events.Paused) -> bool:
    if battle.is_paused or battle.deadline is None:
        return False
    battle.remaining = max(0, battle.deadline - event.at)
    return True


def _resumed(battle: Battle, event: events.Resumed) -> bool:
    return battle.is_paused and _until(battle, event.deadline)


def _extended(battle: Battle, event: events.Extended) -> bool:
    if battle.deadline is None:
        return False
    if battle.is_paused:
        battle.remaining = max(0, event.deadline - event.at)
    battle.deadline = event.deadline
    return True


def _until(battle: Battle, deadline: int) -> bool:
    battle.deadline, battle.remaining = deadline, None
    return True


def _hidden(battle: Battle, event: events.Hidden) -> bool:
    return _change_entry(battle, event.entry, is_hidden=True) and _recounted(battle)


def _approved(battle: Battle, event: events.Approved) -> bool:
    return _change_entry(battle, event.entry, is_approved=True)


def _kicked(battle: Battle, event: events.Kicked) -> bool:
    if event.seat not in battle.seats:
        return False
    battle.seats[event.seat] = replace(battle.seats[event.seat], is_out=True)
    return _recounted(battle)


def _entered(battle: Battle, event: events.Entered) -> bool:
    seat = battle.seats.get(event.seat)
    in_time = battle.phase == "prompt" and event.round == battle.round and not battle.is_paused
    if seat is None or seat.is_out or seat.since_round > event.round or not in_time:
        return False
    name = entry_id(battle.salt, event.round, event.seat)
    known = battle.entries.get(name)
    if known is not None and known.request_id == event.request_id:
        return False  # the same message again: its acknowledgement was lost
    battle.entries[name] = Entry(name, event.round, event.seat, event.prompt, event.request_id, event.at)
    return True


def _painted(battle: Battle, event: events.Painted) -> bool:
    for entry in battle.entries.values():
        if entry.request_id == event.request_id and not entry.is_settled:
            return _change_entry(battle, entry.id, image_url=event.image_url, error=event.error)
    return False


def _voted(battle: Battle, event: events.Voted) -> bool:
    if not may_vote(battle, event.seat, event.match, event.left, event.right):
        return False
    battle.votes.setdefault(event.match, {})[event.seat] = event
    _count(battle, event)
    return True


def _count(battle: Battle, vote: events.Voted) -> None:
    battle.cast[vote.seat] = battle.cast.get(vote.seat, 0) + 1
    if vote.choice != "skip":
        for side in (vote.left, vote.right):
            battle.games[side] = battle.games.get(side, 0) + 1


def _recounted(battle: Battle) -> bool:
    """Choices about what is not shown any more count as nobody's share: others are asked for instead."""
    battle.cast, battle.games = {}, {}
    of_now = (round_prefix(battle.round), DUEL)
    for match, by_voter in battle.votes.items():
        for vote in by_voter.values():
            sides = (battle.entries[vote.left], battle.entries[vote.right])
            if match.startswith(of_now) and all(map(battle.may_show, sides)):
                _count(battle, vote)
    return True


def _change_entry(battle: Battle, name: str, **changes: object) -> bool:
    if name not in battle.entries:
        return False
    battle.entries[name] = replace(battle.entries[name], **changes)  # type: ignore[arg-type]
    return True


def _seed(battle: Battle, entry: str) -> int:
    return battle.seeds.index(entry) if entry in battle.seeds else FINALISTS


_TAKES: dict[str, Callable[[Battle, Any], bool]] = {
    "created": _created,
    "joined": _joined,
    "round_started": _round_started,
    "prompts_closed": _prompts_closed,
    "voting_started": _voting_started,
    "round_revealed": _round_revealed,
    "duel_started": _duel_started,
    "duel_ended": _duel_ended,
    "finished": _finished,
    "paused": _paused,
    "resumed": _resumed,
    "extended": _extended,
    "hidden": _hidden,
    "approved": _approved,
    "kicked": _kicked,
    "entered": _entered,
    "painted": _painted,
    "voted": _voted,
}
_COURSE = set(_TAKES) - {"joined", "entered", "painted", "voted"}
