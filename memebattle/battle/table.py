"""One battle as this process knows it: the fold so far, read on before it is trusted.

Several processes may look after the same battle. None of them leads: each reads what the stream has, works
out what is due, and offers it behind the fence of the last event it has read. One offer is taken; whoever
lost reads on and sees that it is done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from pydantic import ValidationError

from memebattle.battle import events
from memebattle.battle.events import Happening
from memebattle.battle.fold import apply
from memebattle.battle.pairing import by_strength
from memebattle.battle.state import Battle
from memebattle.bus.facts import PAGE, BattleLog, Fact, Stored
from memebattle.bus.refusals import Unavailable
from memebattle.kit.bell import Bell

log = logging.getLogger(__name__)

COURSE = "course"
GLANCE, LOOKS = 0.02, 100  # seconds between looks for what we stored ourselves, and how many
FRESH_ENOUGH = 10  # strengths are fitted anew after this share of more choices: one in so many


class Table:
    """A battle, and the way to its log. `changed` rings for every event, `told` for those we offered."""

    def __init__(self, code: str, facts: BattleLog) -> None:
        self.battle = Battle(code)
        self.changed, self.told = Bell(), Bell()
        self._facts = facts
        self._reading, self._wanted, self._done = asyncio.Lock(), 0, 0
        self._last: Happening | None = None  # of the course
        self._order: tuple[tuple[int, int], int, Mapping[str, float]] = ((0, 0), 0, {})

    async def catch_up(self, until: int = 0) -> None:
        """Read what is new; with `until`, until that event is there.

        Raises:
            Unavailable: the log is out of reach, or `until` is not to be seen in time.
        """
        await self._read_on()
        looks = 0
        while self.battle.sequence < until:  # a replica of the stream lags behind
            if looks == LOOKS:
                raise Unavailable("what was stored cannot be read yet")
            await asyncio.sleep(GLANCE)
            await self._read_on()
            looks += 1

    async def record(self, event: Happening) -> bool:
        """Offer an event and read on; whether it was taken.

        A choice or a seat that was taken before, by us on a first try for example, is not taken again.

        Raises:
            Unavailable: the log is out of reach.
        """
        known = self.battle.sequence
        taken = await self._facts.add(fact_of(self.battle, event))
        if taken is not None and taken <= known:
            self._start_over()
        await self.catch_up(taken or 0)
        # refused, and yet there: we have offered it before, and its acknowledgement was lost
        is_ours = taken is not None or self._last == event
        if is_ours:
            self.told.ring()
        return is_ours

    def order(self) -> Mapping[str, float]:
        """How strong the memes of this round look, from a moment ago; what came since is average."""
        battle = self.battle
        place, votes = (battle.round, battle.log_sequence), sum(battle.cast.values())
        at, then, found = self._order
        if at != place or votes - then > votes // FRESH_ENOUGH:
            found = by_strength(battle, found)
            self._order = (place, votes, found)
        return found

    async def _read_on(self) -> None:
        """Read once, from now on: of many who ask while another reads, one reads for all."""
        self._wanted += 1
        mine = self._wanted
        async with self._reading:
            if self._done < mine:
                begun = self._wanted
                await self._read()
                self._done = begun

    async def _read(self) -> None:
        """Page by page, so that trouble on the way does not cost what was read."""
        is_more = True
        while is_more:
            page = await self._facts.after(self.battle.code, self.battle.sequence)
            for stored in page:
                self._take(stored)
                self.changed.ring()
            is_more = len(page) == PAGE

    def _start_over(self) -> None:
        """The stream is another one than we have read: lost and put back, or an older copy of it."""
        log.warning("The log of a battle is not what it was", extra={"battle": self.battle.code})
        self.battle, self._last = Battle(self.battle.code), None

    def _take(self, stored: Stored) -> None:
        battle = self.battle
        event = read_or_none(battle.code, stored.body)
        if event is not None:
            apply(battle, stored.sequence, event)
        battle.sequence = stored.sequence
        if stored.kind == COURSE:  # what we cannot read may be fenced all the same
            battle.log_sequence, self._last = stored.sequence, event


def read_or_none(code: str, body: bytes) -> Happening | None:
    """An event; None when it is of nobody's making that we know, a later version's perhaps."""
    try:
        return events.read(body)
    except ValidationError:
        log.warning("An event of a battle cannot be read", extra={"battle": code})
        return None


def fact_of(battle: Battle, event: Happening) -> Fact:
    """Where an event belongs, and behind which fence."""
    code, body = battle.code, event.body()
    match event:
        case events.Created():
            return Fact(code, COURSE, "log", body, is_first=True)
        case events.Joined():
            return Fact(code, "seat", event.seat, body)
        case events.Entered():
            return Fact(code, "entry", f"{event.round}-{event.seat}", body, None, id=event.request_id)
        case events.Painted():
            return Fact(code, "meme", event.request_id, body)
        case events.Voted():
            return Fact(code, "vote", f"{event.match}_{event.seat}", body)
        case _:
            return Fact(code, COURSE, "log", body, after=battle.log_sequence)
