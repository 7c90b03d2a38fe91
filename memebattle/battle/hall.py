"""The battles this process looks after: each comes in when somebody asks for it, and leaves when nobody does.

For each of them run two small tasks. One sees to its course: it waits for the deadline or for news, and
offers what is due. The other tells phones and screens how it stands, no more often than they can use.

A process that dies takes nothing with it. Whoever plays asks again, any other one reads the log and goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from memebattle.battle import events, view
from memebattle.battle.course import due
from memebattle.battle.messages import PaintedNews
from memebattle.battle.missing import MissingPictures
from memebattle.battle.ports import Events, Painter
from memebattle.battle.table import Table
from memebattle.bus.facts import BattleLog
from memebattle.bus.refusals import Unavailable
from memebattle.bus.subjects import BATTLE_STAGE, BATTLE_VIEW, fill, is_token
from memebattle.kit.metrics import BattleMetrics

log = logging.getLogger(__name__)

NEWS_PAUSE = 0.3  # seconds between two views of one battle
REST = 3.0  # longest time that a battle is not looked at
IDLE = 900.0  # seconds that a battle stays without anybody asking for it


@dataclass(slots=True)
class Hall:
    """The battles of one process. `now` is in milliseconds since 1970, `clock` in seconds of any origin."""

    facts: BattleLog
    painter: Painter
    audience: Events
    metrics: BattleMetrics
    now: Callable[[], int]
    clock: Callable[[], float]
    after_trouble: float = 1.0  # seconds
    _tables: dict[str, Table] = field(default_factory=dict)
    _opening: dict[str, Table] = field(default_factory=dict)
    _asked: dict[str, float] = field(default_factory=dict)
    _tasks: dict[str, list[asyncio.Task[None]]] = field(default_factory=dict)

    @property
    def open_battles(self) -> int:
        return len(self._tables)

    @property
    def going_on(self) -> list[str]:
        """The codes of those that are not over."""
        return [code for code, table in self._tables.items() if table.battle.phase != "finished"]

    async def table(self, code: str) -> Table | None:
        """The battle as the stream has it now; None when there is none.

        Raises:
            Unavailable: the stream is out of reach.
        """
        if not is_token(code):
            return None
        # of many who ask for one that is not here yet, one reads it
        table = self._tables.get(code) or self._opening.setdefault(code, Table(code, self.facts))
        try:
            await table.catch_up()
        finally:
            self._opening.pop(code, None)
        return self._kept(table) if table.battle.exists else None

    async def opened(self, code: str, event: events.Created) -> Table | None:
        """A new battle; None when the code is in use.

        Raises:
            Unavailable: the stream is out of reach.
        """
        table = Table(code, self.facts)
        return self._kept(table) if await table.record(event) else None

    async def heard(self, news: PaintedNews) -> None:
        """A picture is there, or will never be.

        Raises:
            Unavailable: the stream is out of reach; the picture is looked for later.
        """
        table = self._tables.get(news.request_id.partition("-")[0])
        if table is not None and any(each.request_id == news.request_id for each in table.battle.pending()):
            await self._note_picture(table, news)

    def close(self) -> None:
        """Look after nothing any more; commands in work are finished."""
        for tasks in self._tasks.values():
            for task in tasks:
                task.cancel()

    async def aclose(self) -> None:
        """Leave all battles to the others."""
        tasks = [task for tasks in self._tasks.values() for task in tasks]
        self.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        self._tables.clear()

    def _kept(self, table: Table) -> Table:
        code = table.battle.code
        self._asked[code] = self.clock()
        known = self._tables.setdefault(code, table)
        if code not in self._tasks:
            self._tasks[code] = [
                asyncio.create_task(self._keep_going(known)),
                asyncio.create_task(self._keep_telling(known)),
            ]
            self.metrics.open.set(self.open_battles)
        return known

    async def _keep_going(self, table: Table) -> None:
        """Offer what is due, until nobody asks for this battle any more."""
        code, missing = table.battle.code, MissingPictures(self.painter, self.now)
        while self.clock() - self._asked[code] < IDLE:
            try:
                await self._go_on(table)
                async for news in missing.found(table.battle):
                    await self._note_picture(table, news)
            except Unavailable as error:
                log.warning("A battle has to wait: %s", error, extra={"battle": code})
                await asyncio.sleep(self.after_trouble)
            except Exception:  # the others look after it as well, and the next try may work
                log.exception("A battle cannot go on", extra={"battle": code})
                await asyncio.sleep(self.after_trouble)
        self._leave(code)

    async def _go_on(self, table: Table) -> None:
        table.changed.hush()
        event, known = due(table.battle, self.now()), table.battle.sequence
        if event is not None:
            if await table.record(event):
                log.info("Battle goes on", extra={"battle": table.battle.code, "event": event.type})
            elif table.battle.sequence == known:  # refused because of something that cannot be read yet
                await asyncio.sleep(self.after_trouble)
        elif not await table.changed.rung_within(self._patience(table)):
            await table.catch_up()

    def _patience(self, table: Table) -> float:
        """Seconds until something may be due without any news."""
        battle = table.battle
        if battle.deadline is None or battle.is_paused:
            return REST
        return min(REST, max(0.0, (battle.deadline - self.now()) / 1000))

    async def _note_picture(self, table: Table, news: PaintedNews) -> None:
        picture = events.Painted(
            at=self.now(), request_id=news.request_id, image_url=news.image_url, error=news.error
        )
        await table.record(picture)

    async def _keep_telling(self, table: Table) -> None:
        """Views for all, as often as they change and no more than a few times a second."""
        while True:
            if await table.told.rung_within(IDLE):
                table.told.hush()
                try:
                    await self._tell(table)
                except Exception:  # whoever missed a view asks for one
                    log.exception("A battle cannot be told", extra={"battle": table.battle.code})
                await asyncio.sleep(NEWS_PAUSE)

    async def _tell(self, table: Table) -> None:
        battle, now = table.battle, self.now()
        await self.audience.tell(fill(BATTLE_VIEW, battle_id=battle.code), view.for_phones(battle, now))
        await self.audience.tell(fill(BATTLE_STAGE, battle_id=battle.code), view.for_screens(battle, now))
        self.metrics.views.inc()

    def _leave(self, code: str) -> None:
        self._tables.pop(code, None)
        self._asked.pop(code, None)
        for task in self._tasks.pop(code, []):
            if task is not asyncio.current_task():
                task.cancel()
        self.metrics.open.set(self.open_battles)
