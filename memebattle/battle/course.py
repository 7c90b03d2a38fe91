"""How a battle goes on: what is due, given what has happened and what time it is.

`due` is a pure function. Every replica that looks after a battle asks it and offers the answer to the stream,
which takes one; so no replica leads, and none is missed. Deadlines are the server's, in milliseconds since
1970; who has time left, and nothing more to do, does not hold up the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from memebattle.battle import events
from memebattle.battle.events import Happening
from memebattle.battle.pairing import voters_left
from memebattle.battle.state import FINALISTS, Battle, Duel, Phase, duel_match, may_vote, seeded
from memebattle.battle.themes import THEMES

type Step = Callable[[Battle, int], Happening | None]

ENOUGH_TO_COMPARE = 2
VERDICT_SHARE = 2  # a verdict stands half as long as the result of a round


def due(battle: Battle, now: int) -> Happening | None:
    """The next event of the course, or None while there is something to wait for."""
    if battle.is_paused:
        return None
    step = _STEPS.get(battle.phase)
    return step(battle, now) if step else None


def skipped(battle: Battle, now: int) -> Happening | None:
    """What the host gets by not waiting any longer."""
    step = _STEPS.get(battle.phase)
    return step(replace(battle, deadline=now), now) if step else None


def started(battle: Battle, now: int) -> Happening:
    """The next round, with its theme."""
    options, number = battle.options, battle.round + 1
    return events.RoundStarted(
        at=now,
        round=number,
        theme=theme_of(battle, number),
        deadline=now + options.milliseconds(options.prompt_seconds),
    )


def theme_of(battle: Battle, number: int) -> str:
    """The host's themes in their order, then ours by lot, none twice before all were seen."""
    own = battle.options.themes
    if number <= len(own):
        return own[number - 1]
    deck = sorted(THEMES, key=lambda theme: hashlib.blake2b(f"{battle.salt}{theme}".encode()).digest())
    return deck[(number - len(own) - 1) % len(deck)]


def _is_over(battle: Battle, now: int) -> bool:
    return battle.deadline is not None and now >= battle.deadline


def _after_prompts(battle: Battle, now: int) -> Happening | None:
    competitors = battle.competitors()
    all_in = bool(competitors) and all(battle.entry_of(seat.id) for seat in competitors)
    if not all_in and not _is_over(battle, now):
        return None
    options = battle.options
    return events.PromptsClosed(
        at=now, round=battle.round, deadline=now + options.milliseconds(options.paint_seconds)
    )


def _after_painting(battle: Battle, now: int) -> Happening | None:
    is_open = bool(battle.pending()) or any(map(battle.is_waiting, battle.entries_of_round()))
    if is_open and not _is_over(battle, now):
        return None
    if len(battle.showable()) < ENOUGH_TO_COMPARE or not _somebody_can_judge(battle):
        return _reveal(battle, now)
    options = battle.options
    return events.VotingStarted(
        at=now, round=battle.round, deadline=now + options.milliseconds(options.vote_seconds)
    )


def _somebody_can_judge(battle: Battle) -> bool:
    return next(voters_left(battle), None) is not None


def _after_votes(battle: Battle, now: int) -> Happening | None:
    if _is_over(battle, now) or not _somebody_can_judge(battle):
        return _reveal(battle, now)
    return None


def _reveal(battle: Battle, now: int) -> Happening:
    options = battle.options
    return events.RoundRevealed(
        at=now, round=battle.round, deadline=now + options.milliseconds(options.reveal_seconds)
    )


def _after_reveal(battle: Battle, now: int) -> Happening | None:
    if not _is_over(battle, now):
        return None
    if battle.round < battle.options.rounds:
        return started(battle, now)
    return _next_duel(battle, now)


def _after_duel(battle: Battle, now: int) -> Happening | None:
    duel = battle.duel
    if duel is None or not (_is_over(battle, now) or not _voters_left(battle, duel)):
        return None
    options = battle.options
    shown = options.milliseconds(options.reveal_seconds) // VERDICT_SHARE
    return events.DuelEnded(at=now, duel=duel.number, deadline=now + shown)


def _voters_left(battle: Battle, duel: Duel) -> bool:
    match = duel_match(duel.number)
    return any(may_vote(battle, seat.id, match, duel.left, duel.right) for seat in battle.players())


def _after_verdict(battle: Battle, now: int) -> Happening | None:
    return _next_duel(battle, now) if _is_over(battle, now) else None


def _next_duel(battle: Battle, now: int) -> Happening:
    pair = _next_pairing(battle)
    if pair is None:
        return events.Finished(at=now)
    options = battle.options
    return events.DuelStarted(
        at=now,
        duel=len(battle.duels) + 1,
        left=pair[0],
        right=pair[1],
        deadline=now + options.milliseconds(options.duel_seconds),
    )


def _next_pairing(battle: Battle) -> tuple[str, str] | None:
    """First against fourth, second against third, then the winners; with fewer only the last match."""
    seeds = battle.seeds or seeded(battle)
    if not battle.options.final or len(seeds) < ENOUGH_TO_COMPARE or not _is_judgeable(battle, seeds):
        return None
    played = len(battle.duels)
    if len(seeds) < FINALISTS:
        return (seeds[0], seeds[1]) if played == 0 else None
    first, second = ((seeds[0], seeds[3]), (seeds[1], seeds[2]))
    match played:
        case 0:
            return first
        case 1:
            return second
        case 2:
            one, other = (duel.winner or duel.left for duel in battle.duels)
            return one, other
    return None


def _is_judgeable(battle: Battle, seeds: Sequence[str]) -> bool:
    """Whether anybody is left to choose between the two best."""
    makers = {battle.entries[name].seat for name in seeds[:2]}
    return any(seat.id not in makers for seat in battle.players())


_STEPS: Mapping[Phase, Step] = {
    "prompt": _after_prompts,
    "paint": _after_painting,
    "vote": _after_votes,
    "reveal": _after_reveal,
    "duel": _after_duel,
    "verdict": _after_verdict,
}
