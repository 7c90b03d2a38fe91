"""Battles for those who only look, over HTTP: each view follows from the stream, whoever serves the battle.

A watcher is told how it stands as it changes. What is heard only says when to look, so nothing is lost that
was not heard; whoever comes back with the id of the last view gets the next one. Nothing is kept for them.
All who watch a battle share one reading of it, and one view of a moment.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from memebattle.battle import view
from memebattle.battle.history import BattleHistory, history_of
from memebattle.battle.messages import BattleView
from memebattle.battle.table import Table
from memebattle.bus.facts import BattleLog
from memebattle.bus.hearing import News
from memebattle.bus.refusals import Unavailable
from memebattle.bus.subjects import BATTLE_VIEW, fill, is_token
from memebattle.kit.sse import Event
from memebattle.kit.watch import Watch

KEPT = 32  # battles that were read and are not watched
MOST_WATCHERS = 1000
RETRY = 1000  # milliseconds until an EventSource comes back
HEARTBEAT = 10.0  # seconds
LOOK = 2.0  # seconds between looks where nothing is heard
PAUSE = 0.3  # seconds between two views

type OnStop = Callable[[Callable[[], None]], Callable[[], object]]


class UnknownBattle(Exception):
    """There is no battle of that code, or none any more."""


class TooManyWatchers(Exception):
    """So many look that one more would be too much for this process."""


@dataclass(slots=True)
class BattleReading:
    """Reads battles. `now` is in milliseconds since 1970; `on_stop` is `Health.on_stop`."""

    facts: BattleLog
    news: News
    now: Callable[[], int]
    on_stop: OnStop
    connected: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    heartbeat: float = HEARTBEAT
    pause: float = PAUSE
    watchers: int = 0
    _known: weakref.WeakValueDictionary[str, Table] = field(default_factory=weakref.WeakValueDictionary)
    _kept: OrderedDict[str, Table] = field(default_factory=OrderedDict)
    _told: weakref.WeakKeyDictionary[Table, _Told] = field(default_factory=weakref.WeakKeyDictionary)

    async def view(self, code: str) -> BattleView:
        """How it stands, with everything that everybody may see.

        Raises:
            UnknownBattle: there is none of that code.
            Unavailable: NATS is out of reach.
        """
        return view.for_screens((await self._table(code)).battle, self.now())

    async def history(self, code: str) -> BattleHistory:
        """What was revealed so far.

        Raises:
            UnknownBattle: there is none of that code.
            Unavailable: NATS is out of reach.
        """
        return history_of((await self._table(code)).battle)

    async def watch(self, code: str, seen: int = 0) -> BattleWatch:
        """Follow a battle from behind a view, or from now; close it with its `aclose`.

        Raises:
            UnknownBattle: there is none of that code.
            Unavailable: NATS is out of reach.
            TooManyWatchers: not one more.
        """
        if self.watchers >= MOST_WATCHERS:
            raise TooManyWatchers("too many are watching over this gateway")
        return BattleWatch(await self._table(code), self, seen)

    async def latest(self, table: Table, seen: int) -> Event | None:
        """How it stands, if that is not what was seen.

        Raises:
            Unavailable: NATS is out of reach.
        """
        await self._caught_up(table)
        battle, at = table.battle, self.clock()
        if battle.sequence == seen or not battle.exists:
            return None
        told = self._told.get(table)
        if told is None or told.sequence != battle.sequence or at - told.at > self.pause:
            body = view.for_screens(battle, self.now()).body()
            event = Event("battle", body, id=str(battle.sequence))
            told = self._told[table] = _Told(battle.sequence, at, event)
        return told.event

    async def _table(self, code: str) -> Table:
        if not is_token(code):
            raise UnknownBattle("there is no battle of that code")
        table = self._known.setdefault(code, Table(code, self.facts))
        await self._caught_up(table)
        if not table.battle.exists:
            raise UnknownBattle("there is no battle of that code")
        self._keep(table)
        return table

    async def _caught_up(self, table: Table) -> None:
        if not self.connected():
            raise Unavailable("NATS is out of reach")
        await table.catch_up()

    def _keep(self, table: Table) -> None:
        self._kept[table.battle.code] = table
        self._kept.move_to_end(table.battle.code)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Told:
    """A view of a moment, by `BattleReading.clock`, for all who watch."""

    sequence: int
    at: float
    event: Event


class BattleWatch(Watch):
    """One client that follows one battle: every view, until the process stops."""

    def __init__(self, table: Table, shared: BattleReading, seen: int) -> None:
        super().__init__()
        self._table, self._shared, self._seen = table, shared, seen
        self.leaving.callback(shared.on_stop(self.close))
        self.leaving.callback(self._leave)
        shared.watchers += 1

    def _leave(self) -> None:
        self._shared.watchers -= 1

    async def events(self) -> AsyncGenerator[Event]:
        shared = self._shared
        async with shared.news.heard(fill(BATTLE_VIEW, battle_id=self._table.battle.code)) as heard:
            said = shared.clock()
            yield Event("ping", "{}", retry=RETRY)
            while not self.is_closing:
                if (event := await self._news()) is not None:
                    yield event
                    said = shared.clock()
                    await self.sound(_nothing, shared.pause)
                elif shared.clock() >= said + shared.heartbeat:
                    yield Event("ping", "{}")
                    said = shared.clock()
                else:
                    await self.sound(heard, min(LOOK, shared.heartbeat))

    async def _news(self) -> Event | None:
        """How it stands, if that is news."""
        try:
            event = await self._shared.latest(self._table, self._seen)
        except Unavailable:
            return None  # not now; what is missing now is told later
        if event is not None and event.id is not None:
            self._seen = int(event.id)
        return event


async def _nothing(seconds: float) -> bool:
    await asyncio.sleep(seconds)
    return False
