"""Battles as services without servers: replicas over one log in memory, a clock that is told the time."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from memebattle.battle.events import Choice
from memebattle.battle.hall import Hall
from memebattle.battle.messages import (
    BattleCreate,
    BattleEntry,
    BattleHost,
    BattleJoin,
    BattleLook,
    BattleQuestion,
    BattleReply,
    BattleView,
    BattleVote,
    PaintedNews,
    QuestionView,
    SeatView,
)
from memebattle.battle.moderation import WordList
from memebattle.battle.pace import Pace
from memebattle.battle.painting import MemoryPainter
from memebattle.battle.replies import Clerk
from memebattle.battle.service import BattleService
from memebattle.battle.state import Battle
from memebattle.bus.battlelog import MemoryBattleLog
from memebattle.bus.events import MemoryEvents
from memebattle.bus.facts import BattleLog
from memebattle.kit.metrics import Metrics
from tests.battles import SHORT
from tests.toys import Clock

TURNS = 60  # of the loop, until whatever was set going has come to rest
GENEROUS = 1_000_000.0


def token(who: int) -> str:
    return f"token-of-player-{who:04}"


HOST = token(0)


@dataclass(slots=True)
class Parlour:
    """One battle, any number of replicas. `at` of most methods is the replica that is asked."""

    replicas: list[BattleService]
    painter: MemoryPainter
    events: MemoryEvents
    log: BattleLog
    clock: Clock
    code: str = ""
    metrics: Metrics = field(default_factory=Metrics)

    @property
    def battle(self) -> Battle:
        """As the first replica knows it."""
        return self.replicas[0].hall._tables[self.code].battle

    async def open(self, players: int = 0, **options: Any) -> BattleReply:
        asked = BattleCreate.model_validate({"token": HOST, "options": SHORT | options})
        reply = good(await self.replicas[0].create(asked))
        self.code = str(reply.battle_id)
        for who in range(1, players + 1):
            good(await self.join(who))
        return reply

    async def join(self, who: int, name: str | None = None, at: int = 0) -> BattleReply:
        asked = BattleJoin(token=token(who), name=name or f"P{who}", avatar=who % 100)
        return await self.replicas[at].join(self.code, asked)

    async def enter(self, who: int, prompt: str = "", at: int = 0) -> BattleReply:
        asked = BattleEntry(token=token(who), prompt=prompt or f"the prompt of {who}")
        return await self.replicas[at].enter(self.code, asked)

    async def next(self, who: int, at: int = 0) -> BattleReply:
        return await self.replicas[at].question(self.code, BattleQuestion(token=token(who)))

    async def vote(
        self, who: int, question: QuestionView, choice: Choice = "left", at: int = 0, **changes: Any
    ) -> BattleReply:
        asked = BattleVote(
            token=token(who),
            match=question.match,
            left=question.left.id,
            right=question.right.id,
            choice=choice,
            ticket=question.ticket,
        )
        return await self.replicas[at].vote(self.code, asked.model_copy(update=changes))

    async def duel(self, who: int, choice: Choice = "left", at: int = 0) -> BattleReply:
        duel = self.battle.duel
        assert duel is not None
        asked = BattleVote(
            token=token(who), match=f"duel{duel.number}", left=duel.left, right=duel.right, choice=choice
        )
        return await self.replicas[at].vote(self.code, asked)

    async def order(self, action: str, who: int = 0, at: int = 0, **more: Any) -> BattleReply:
        asked = BattleHost.model_validate({"token": token(who), "action": action, **more})
        reply = await self.replicas[at].host(self.code, asked)
        await settle()
        return reply

    async def look(self, who: int | None = None, at: int = 0, *, whole: bool = False) -> BattleReply:
        asked = BattleLook(battle_id=self.code, token=None if who is None else token(who), whole=whole)
        return await self.replicas[at].look(asked)

    async def seen(self, at: int = 0, *, whole: bool = True) -> BattleView:
        view = good(await self.look(at=at, whole=whole)).view
        assert view is not None
        return view

    async def me(self, who: int, at: int = 0) -> SeatView:
        me = good(await self.look(who, at)).me
        assert me is not None
        return me

    async def paint_all(self, at: int = 0) -> None:
        """News of every picture that was asked for."""
        for request_id, _ in list(self.painter.asked):
            news = PaintedNews(request_id=request_id, image_url=f"/images/{request_id}.webp")
            await self.replicas[at].hall.heard(news)
        await settle()

    async def to_the_vote(self, players: int, **options: Any) -> None:
        await self.open(players, **options)
        good(await self.order("start"))
        for who in range(1, players + 1):
            good(await self.enter(who))
        await self.paint_all()
        assert (await self.seen()).phase == "vote"

    async def judge_all(self, players: int) -> int:
        """Everybody answers everything, each question at the next replica; how many choices that were."""
        count = 0
        for who in range(1, players + 1):
            question = (await self.next(who)).question
            while question is not None:
                at = count % len(self.replicas)
                question = good(await self.vote(who, question, at=at)).question
                count += 1
        await settle()
        return count

    async def pass_time(self, seconds: float) -> None:
        """Let it be later, and everybody notice."""
        self.clock.now += seconds
        for replica in self.replicas:
            for table in list(replica.hall._tables.values()):
                table.changed.ring()
        await settle()


@contextlib.asynccontextmanager
async def parlour(replicas: int = 1, log: BattleLog | None = None, **changes: Any) -> AsyncIterator[Parlour]:
    """`changes` are fields of the service."""
    clock, metrics, log = Clock(), Metrics(), log or MemoryBattleLog()
    painter, told = MemoryPainter(), MemoryEvents()
    room = Parlour([], painter, told, log, clock, metrics=metrics)
    for number in range(replicas):
        room.replicas.append(service(room, number, **changes))
    try:
        yield room
    finally:
        for replica in room.replicas:
            await replica.hall.aclose()


def service(room: Parlour, number: int = 0, **changes: Any) -> BattleService:
    """One more replica."""

    def now() -> int:
        return round(room.clock.now * 1000)

    pace = Pace(GENEROUS, GENEROUS, room.clock)
    hall = Hall(room.log, room.painter, room.events, room.metrics.battles, now, room.clock)
    parts: dict[str, Any] = {
        "moderator": WordList(),
        "clerk": Clerk(pace, pace, pace, room.metrics.battles, room.clock),
        "rng": random.Random(number),
        **changes,
    }
    return BattleService(hall, room.painter, now=now, **parts)


async def settle() -> None:
    """Until nothing happens any more that does not wait for time."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


def good(reply: BattleReply) -> BattleReply:
    assert reply.ok, (reply.code, reply.error)
    return reply
