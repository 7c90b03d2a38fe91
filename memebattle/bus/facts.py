"""What a battle's log takes, as a vocabulary: facts, and where each belongs. Knows no broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

PAGE = 500  # facts that are read at one time


@dataclass(frozen=True, slots=True)
class Fact:
    """An event on its way into the log.

    `kind` and `key` are its place. `after` is the sequence of the last event that may be at that place, 0 for
    none, None for whatever is there. `is_first` asks for more: nothing of this battle may be there. Where no
    fence does it, `id` keeps one and the same fact from being stored again by a repetition.
    """

    battle: str
    kind: str
    key: str
    body: bytes
    after: int | None = 0
    is_first: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A fact as the log has it."""

    sequence: int
    kind: str
    body: bytes


class BattleLog(Protocol):
    """The stream of all battles."""

    async def add(self, fact: Fact) -> int | None:
        """Store it and return its sequence; None when the fence was closed: something is there already.

        Raises:
            Unavailable: the log is out of reach. Whether it was stored is unknown.
        """
        ...

    async def after(self, battle: str, sequence: int) -> list[Stored]:
        """What was stored of this battle behind a sequence, in order: the next `PAGE`, or what there is.

        Raises:
            Unavailable: the log is out of reach.
        """
        ...


async def everything(log: BattleLog, battle: str) -> list[Stored]:
    """All that was stored of a battle.

    Raises:
        Unavailable: the log is out of reach.
    """
    found, page = list[Stored](), await log.after(battle, 0)
    while page:
        found += page
        page = await log.after(battle, found[-1].sequence) if len(page) == PAGE else []
    return found
