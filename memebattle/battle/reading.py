"""Battles for those who only look, over HTTP: each view follows from the stream, whoever serves the battle.

A watcher is told how it stands as it changes. What is heard only says when to look, so nothing is lost that
was not heard; whoever comes back with the id of the last view gets the next one. Nothing is kept for them.
"""

from __future__ import annotations

import asyncio
import time
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

KEPT = 32  # battles that were read
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
    _tables: OrderedDict[str, Table] = field(default_factory=OrderedDict)

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
        await self._table(code)
        return BattleWatch(code, self, seen)

    async def _table(self, code: str) -> Table:
        if not self.connected():
            raise Unavailable("NATS is out of reach")
        if not is_token(code):
            raise UnknownBattle("there is no battle of that code")
        table = self._tables.get(code) or Table(code, self.facts)
        await table.catch_up()
        if not table.battle.exists:
            raise UnknownBattle("there is no battle of that code")
        self._keep(table)
        return table

    def _keep(self, table: Table) -> None:
        self._tables[table.battle.code] = table
        self._tables.move_to_end(table.battle.code)
        if len(self._tables) > KEPT:
            self._tables.popitem(last=False)


class BattleWatch(Watch):
    """One client that follows one battle: every view, until the process stops."""

    def __init__(self, code: str, shared: BattleReading, seen: int) -> None:
        super().__init__()
        self._code, self._shared, self._seen = code, shared, seen
        self.leaving.callback(shared.on_stop(self.close))
        self.leaving.callback(self._leave)
        shared.watchers += 1

    def _leave(self) -> None:
        self._shared.watchers -= 1

    async def events(self) -> AsyncGenerator[Event]:
        shared = self._shared
        async with shared.news.heard(fill(BATTLE_VIEW, battle_id=self._code)) as heard:
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
            shown = await self._shared.view(self._code)
        except (Unavailable, UnknownBattle):
            return None  # not now; what is missing now is told later
        if shown.sequence == self._seen:
            return None
        self._seen = shown.sequence
        return Event("battle", shown.body(), id=str(shown.sequence))


async def _nothing(seconds: float) -> bool:
    await asyncio.sleep(seconds)
    return False
