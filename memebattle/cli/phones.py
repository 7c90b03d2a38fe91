"""A phone in a battle, as the page would be it: a connection of its own, commands, and views as they come.

Over WebSocket as the browser user where `aiohttp` is installed, with no more rights than a page has; else
over TCP as a developer. A command that gets no reply is sent again until it gets one: what players send may
come twice, and of a host's orders only more time would be given twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import secrets
import time
import warnings
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memebattle.battle.messages import BattleReply, BattleView
from memebattle.bus.subjects import BATTLE_COMMAND, BATTLE_STATE, BATTLE_VIEW, fill
from memebattle.kit.bell import Bell

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

NEW = "new"  # in place of a code, to open a battle
REPLY_TIMEOUT = 5.0  # seconds
PATIENCE = 30.0  # seconds until a command is given up; more than a worker needs to be replaced
PAUSE = 0.3
TOO_FAST_PAUSE = 1.0


class NoReply(Exception):
    """Nobody has replied to a command for too long."""


@dataclass(frozen=True, slots=True)
class Way:
    """How phones reach the platform."""

    url: str
    is_web: bool

    @classmethod
    def of(cls, websocket_url: str, nats_url: str) -> Way:
        """Like a browser, if that is possible here."""
        if websocket_url and importlib.util.find_spec("aiohttp") is not None:
            return cls(websocket_url, is_web=True)
        return cls(nats_url, is_web=False)

    def __str__(self) -> str:
        return "WebSocket, as the browser user" if self.is_web else "TCP, as a developer"


@dataclass(slots=True)
class Latency:
    """A command that was replied to, with everything it took: seconds."""

    verb: str
    seconds: float


@dataclass(slots=True)
class Phone:
    """One device. `arrivals` are the views that brought news: when (ms since 1970), and up to which event."""

    connection: Client
    token: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    code: str = ""
    view: BattleView | None = None
    latencies: list[Latency] = field(default_factory=list)
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    repeats: Counter[str] = field(default_factory=Counter)  # commands sent again, by why
    news: Bell = field(default_factory=Bell)

    async def watch(self, code: str) -> None:
        """Hear how this battle stands, from now on."""
        self.code = code
        await self.connection.subscribe(fill(BATTLE_VIEW, battle_id=code), cb=self._hear)

    async def command(self, verb: str, **fields: Any) -> BattleReply:
        """Do something, until somebody has replied.

        Raises:
            NoReply: nobody has for half a minute.
        """
        subject = fill(BATTLE_COMMAND, battle_id=self.code or NEW, verb=verb)
        return await self._ask(verb, subject, {"token": self.token, **fields})

    async def look(self) -> BattleReply:
        """How it stands, for whoever may have missed something.

        Raises:
            NoReply: see `command`.
        """
        return await self._ask("look", BATTLE_STATE, {"token": self.token, "battle_id": self.code})

    async def _ask(self, verb: str, subject: str, fields: dict[str, Any]) -> BattleReply:
        body, began = json.dumps(fields).encode(), time.monotonic()
        while True:
            reply = await self._try(subject, body)
            if reply is not None and reply.code not in {"too_fast", "unavailable"}:
                self.latencies.append(Latency(verb, time.monotonic() - began))
                if reply.view is not None:
                    self._take(reply.view)
                return reply
            if time.monotonic() - began > PATIENCE:
                raise NoReply(f"{verb}: {reply.error if reply else 'no reply'}")
            self.repeats[(reply.code if reply else None) or "no_reply"] += 1
            await asyncio.sleep(PAUSE if reply is None else TOO_FAST_PAUSE)

    async def _try(self, subject: str, body: bytes) -> BattleReply | None:
        from nats.errors import Error

        try:
            reply = await self.connection.request(subject, body, timeout=REPLY_TIMEOUT)
        except (Error, TimeoutError, OSError):  # nobody there, or not any more: another one will be
            return None
        return BattleReply.read(reply.data)

    async def _hear(self, message: Msg) -> None:
        view = BattleView.read(message.data)
        if not self.arrivals or view.sequence > self.arrivals[-1][1]:
            self.arrivals.append((time.time() * 1000, view.sequence))
        self._take(view)

    def _take(self, view: BattleView) -> None:
        if self.view is None or view.sequence > self.view.sequence:
            self.view = view
            self.news.ring()


@contextlib.asynccontextmanager
async def phones(way: Way, count: int, at_once: int = 20) -> AsyncIterator[list[Phone]]:
    """So many connected phones, for the length of a block."""
    from nats.aio.client import Client

    room, clients = asyncio.Semaphore(at_once), [Client() for _ in range(count)]

    async def connect(client: Client) -> None:
        async with room:
            await client.connect(
                way.url,
                name="memebattle-phone",
                inbox_prefix=b"_INBOX",
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.5,  # type: ignore[arg-type] # it sleeps that long
                connect_timeout=10,
                error_cb=_ignore,
            )

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "parameter 'timeout'", DeprecationWarning)  # of nats-py
            await asyncio.gather(*(connect(client) for client in clients))
            yield [Phone(client) for client in clients]
    finally:
        await asyncio.gather(*(client.close() for client in clients if not client.is_closed))


async def _ignore(_: Exception) -> None:
    """nats-py reconnects; whoever waits for a reply asks again."""
