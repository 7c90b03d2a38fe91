"""People at a battle, over WebSocket as browsers come, who ask again when nobody answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from memebattle.battle.messages import BattleReply, BattleView
from memebattle.cli.local import NatsServer
from tests.waiting import wait_until

QUICK = {
    "rounds": 1,
    "prompt_seconds": 30,
    "paint_seconds": 60,
    "vote_seconds": 60,
    "reveal_seconds": 1,
    "duel_seconds": 60,
}
ONE_TRY, PATIENCE = 2.0, 30.0  # seconds
TRY_AGAIN = {"unavailable", "too_fast"}


def token(who: int) -> str:
    return f"token-of-player-{who:04}"


@dataclass(slots=True)
class Table:
    """Everybody at one battle; 0 is the host, who does not play."""

    client: Client
    players: int
    code: str = ""
    views: list[BattleView] = field(default_factory=list)
    acknowledged: list[tuple[int, str]] = field(default_factory=list)  # choices: who, and in which match

    async def ask(self, subject: str, **fields: Any) -> BattleReply:
        """Ask until somebody answers, as a page does."""
        body = json.dumps(fields).encode()

        async def answered() -> BattleReply | None:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                reply = BattleReply.read((await self.client.request(subject, body, timeout=ONE_TRY)).data)
                return None if reply.code in TRY_AGAIN else reply
            return None

        found: BattleReply = await wait_until(answered, f"an answer on {subject}", PATIENCE)
        return found

    async def command(self, verb: str, who: int = 0, **fields: Any) -> BattleReply:
        return await self.ask(f"battle.command.{self.code or 'new'}.{verb}", token=token(who), **fields)

    async def look(self, who: int = 0) -> BattleReply:
        return await self.ask("battle.state", battle_id=self.code, token=token(who), whole=True)

    async def open(self, **options: Any) -> None:
        reply = await self.command("create", options=QUICK | options)
        self.code = str(reply.battle_id)
        await self.client.subscribe(f"battle.view.{self.code}", cb=self._hear)
        for who in range(1, self.players + 1):
            assert (await self.command("join", who, name=f"P{who}", avatar=who)).ok

    async def start(self) -> None:
        assert (await self.command("host", action="start")).ok

    async def enter_all(self, first: int = 1) -> None:
        for who in range(first, self.players + 1):
            reply = await self.command("enter", who, prompt=f"A cat number {who} | of {self.code}")
            assert reply.ok, reply

    async def phase(self) -> str:
        view = (await self.look()).view
        assert view is not None
        return view.phase

    async def reach(self, *phases: str, timeout: float = 30) -> None:
        async def reached() -> bool:
            return await self.phase() in phases

        await wait_until(reached, f"the battle to be in {' or '.join(phases)}", timeout)

    async def judge(self, who: int, most: int = 20) -> None:
        """Answer what is asked, at most so often; the smaller name wins."""
        question = (await self.command("next", who)).question
        while question is not None and most > 0:
            left, right = question.left.id, question.right.id
            reply = await self.command(
                "vote",
                who,
                match=question.match,
                left=left,
                right=right,
                choice="left" if left < right else "right",
                ticket=question.ticket,
            )
            if not reply.ok:
                return
            self.acknowledged.append((who, question.match))
            question, most = reply.question, most - 1

    async def judge_all(self) -> None:
        await asyncio.gather(*(self.judge(who) for who in range(1, self.players + 1)))

    async def judge_duel(self, first: int = 1) -> None:
        """Everybody who may."""
        view = (await self.look()).view
        assert view is not None
        duel = view.duels[-1]
        for who in range(first, self.players + 1):
            match = f"duel{duel.number}"
            reply = await self.command(
                "vote", who, match=match, left=duel.left, right=duel.right, choice="left"
            )
            if reply.ok:
                self.acknowledged.append((who, match))

    async def play_final(self) -> None:
        """To the end, from the reveal of the last round on."""
        for _ in range(3):
            await self.reach("duel", "finished")
            if await self.phase() == "finished":
                return
            await self.judge_duel()
            await self.reach("verdict", "finished")
            await self.reach("duel", "finished")

    async def _hear(self, message: Msg) -> None:
        self.views.append(BattleView.read(message.data))


@contextlib.asynccontextmanager
async def playing(server: NatsServer, players: int = 6) -> AsyncIterator[Table]:
    """A table of browsers: nobody says who they are."""
    url = f"ws://127.0.0.1:{server.websocket_port}"

    async def ignore(error: Exception) -> None:
        """A server that restarts is not there for a moment."""

    client = await nats.connect(url, max_reconnect_attempts=-1, reconnect_time_wait=0.05, error_cb=ignore)
    try:
        yield Table(client, players)
    finally:
        await client.close()


async def stored_votes(developer: Client, code: str) -> dict[str, int]:
    """`{match}_{seat}` -> how often the stream has it; more than once must never be."""
    info = await developer.jetstream(timeout=5).stream_info(
        "BATTLES", subjects_filter=f"battle.event.{code}.vote.>"
    )
    return {subject.split(".")[4]: count for subject, count in (info.state.subjects or {}).items()}
