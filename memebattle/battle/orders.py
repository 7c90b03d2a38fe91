"""What a host may order, and the event that an order becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from memebattle.battle import course, events
from memebattle.battle.events import Happening
from memebattle.battle.messages import BattleHost, Code, HostAction
from memebattle.battle.state import Battle

type Order = Callable[[Battle, BattleHost, int], Happening | None]


class Refused(Exception):
    """What was asked for is not possible; the text is for whoever asked."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code: Code = code


def ordered(battle: Battle, asked: BattleHost, now: int) -> Happening | None:
    """The event of an order; None when it is carried out already.

    Raises:
        Refused: it cannot be, as things stand.
    """
    return _ORDERS[asked.action](battle, asked, now)


def _start(battle: Battle, _asked: BattleHost, now: int) -> Happening | None:
    if battle.phase != "lobby":
        return None
    if not any(battle.players()):
        raise Refused("not_now", "nobody has joined yet")
    return course.started(battle, now)


def _pause(battle: Battle, _asked: BattleHost, now: int) -> Happening | None:
    if battle.deadline is None:
        raise Refused("not_now", "no time is running")
    return None if battle.is_paused else events.Paused(at=now)


def _resume(battle: Battle, _asked: BattleHost, now: int) -> Happening | None:
    return None if battle.remaining is None else events.Resumed(at=now, deadline=now + battle.remaining)


def _extend(battle: Battle, asked: BattleHost, now: int) -> Happening | None:
    if battle.deadline is None:
        raise Refused("not_now", "no time is running")
    end = max(battle.deadline, now) if battle.remaining is None else now + battle.remaining
    return events.Extended(at=now, deadline=end + asked.seconds * 1000)


def _skip(battle: Battle, asked: BattleHost, now: int) -> Happening | None:
    if asked.deadline is not None and asked.deadline != battle.deadline:
        return None  # it has gone on by itself, and what comes now is not to be missed
    if battle.is_paused:
        raise Refused("not_now", "the clock is stopped: go on first")
    if (event := course.skipped(battle, now)) is None:
        raise Refused("not_now", "there is nothing to skip")
    return event


def _end(battle: Battle, _asked: BattleHost, now: int) -> Happening | None:
    return None if battle.phase == "finished" else events.Finished(at=now)


def _hide(battle: Battle, asked: BattleHost, now: int) -> Happening | None:
    return events.Hidden(at=now, entry=_known(asked.target, battle.entries))


def _approve(battle: Battle, asked: BattleHost, now: int) -> Happening | None:
    return events.Approved(at=now, entry=_known(asked.target, battle.entries))


def _kick(battle: Battle, asked: BattleHost, now: int) -> Happening | None:
    return events.Kicked(at=now, seat=_known(asked.target, battle.seats))


def _known(target: str | None, among: Mapping[str, object]) -> str:
    if target is None or target not in among:
        raise Refused("invalid", "that is not part of this battle")
    return target


_ORDERS: Mapping[HostAction, Order] = {
    "start": _start,
    "pause": _pause,
    "resume": _resume,
    "skip": _skip,
    "extend": _extend,
    "hide": _hide,
    "approve": _approve,
    "kick": _kick,
    "end": _end,
}
