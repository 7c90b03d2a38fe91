"""A whole battle with as many players as asked for, measured: who was lost, which votes, how late the news.

Everybody is in this one process, on a connection of their own; so is a host, who opens the battle and starts
it when all are in. In the middle of the first round a gateway or a worker may be killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from memebattle.battle import events
from memebattle.battle.options import Options
from memebattle.cli.battle_report import History, Report
from memebattle.cli.bots import MANNERS, Behaviour, Bot, names, play_all
from memebattle.cli.connection import connected
from memebattle.cli.output import Problem
from memebattle.cli.phones import NoReply, Phone, Way, phones

ROOM_TO_BREATHE = 60.0  # seconds that a battle may take beyond the sum of its deadlines
LOOK = 0.2


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play. `options` are the host's; `kill` is called in the middle of the first round's votes."""

    players: int
    options: Options
    behaviour: Behaviour = "eager"
    seed: int = 0
    kill: Callable[[], Sequence[str]] | None = None
    say: Callable[[str], None] = field(default=lambda _: None)

    @property
    def longest(self) -> float:
        """Seconds until the podium at the latest, once it is started."""
        options = self.options
        each = (options.prompt_seconds, options.paint_seconds, options.vote_seconds, options.reveal_seconds)
        duels = 3 * (options.duel_seconds + options.reveal_seconds)
        return (options.rounds * sum(each) + duels) * options.pace + ROOM_TO_BREATHE


def quick(players: int, rounds: int, votes: int) -> Options:
    """Rules for machines: they need no time to think, but pictures take their time."""
    return Options(
        rounds=rounds,
        prompt_seconds=15,
        paint_seconds=120,
        vote_seconds=45,
        reveal_seconds=3,
        duel_seconds=8,
        votes_per_round=votes,
        max_players=max(2, players),
    )


async def run(plan: Plan, way: Way, nats_url: str) -> Report:
    """Play it.

    Raises:
        Problem: nobody opens or starts a battle.
    """
    async with phones(way, plan.players + 1) as devices:
        host, *players = devices
        code = await opened(host, plan.options)
        plan.say(f"battle {code}: {plan.players} players over {way}")
        await asyncio.gather(*(phone.watch(code) for phone in devices))
        bots = bots_of(players, plan)
        playing = asyncio.create_task(play_all(bots, plan.longest + plan.players / 5))
        killed: list[str] = []
        async with _ended(playing):
            await _start(host, plan, playing)
            await _follow(host, plan, playing, killed)
        await playing
    return Report.of(await history(nats_url, code), bots, code, str(way), killed)


def bots_of(players: Sequence[Phone], plan: Plan) -> list[Bot]:
    """Each with its name, and chance of its own."""
    manners = MANNERS[plan.behaviour]
    pairs = zip(players, names(len(players)), strict=True)
    return [
        Bot(phone, name, Random(f"{plan.seed}-{number}"), manners)  # noqa: S311 - a game
        for number, (phone, name) in enumerate(pairs)
    ]


async def opened(host: Phone, options: Options) -> str:
    """The code of a new battle.

    Raises:
        Problem: nobody opens one.
    """
    try:
        reply = await host.command("create", options=options.model_dump(mode="json"))
    except NoReply as error:
        raise Problem(
            "no worker opens a battle", why=str(error), do="`memebattle up`, with `battle` in WORKER_CONTEXTS"
        ) from None
    if not reply.ok or reply.battle_id is None:
        raise Problem("the battle was not opened", why=reply.error or "", do="wait a moment and try again")
    return reply.battle_id


async def started(host: Phone) -> None:
    """Begin the first round.

    Raises:
        Problem: it cannot be.
    """
    reply = await host.command("host", action="start")
    if not reply.ok:
        raise Problem("the battle was not started", why=reply.error or "")


async def history(nats_url: str, code: str) -> History:
    """What the stream has of a battle; read as somebody who may."""
    from memebattle.bus.battlelog import JetStreamBattleLog
    from memebattle.bus.facts import everything
    from memebattle.bus.publishing import DurablePublisher
    from memebattle.kit.metrics import Metrics
    from memebattle.settings import Settings

    settings = Settings.from_env()
    async with connected(nats_url) as client:
        publisher = DurablePublisher(lambda: client, Metrics(), 1)
        domain = settings.nats.jetstream_domain
        battles = JetStreamBattleLog(
            publisher, lambda: client, settings.nats.battle_stream, patience=30, domain=domain
        )
        return [(each.sequence, events.read(each.body)) for each in await everything(battles, code)]


async def _start(host: Phone, plan: Plan, playing: asyncio.Task[None]) -> None:
    began = time.monotonic()
    while (view := host.view) is None or view.seats < plan.players:
        if playing.done() or time.monotonic() - began > ROOM_TO_BREATHE + plan.players / 5:
            break  # somebody does not come; the report will say who
        if not await host.news.rung_within(1):
            await host.look()
        host.news.hush()
    plan.say(f"{host.view.seats if host.view else 0} are in after {time.monotonic() - began:.1f} s")
    await started(host)


async def _follow(host: Phone, plan: Plan, playing: asyncio.Task[None], killed: list[str]) -> None:
    phase, wanted = "", plan.players * plan.options.votes_per_round // 4
    while not playing.done():
        view = host.view
        if view is not None and view.phase != phase:
            phase = view.phase
            plan.say(f"{phase} {view.round}" if phase in {"prompt", "paint", "vote", "reveal"} else phase)
        if plan.kill and not killed and view is not None and view.phase == "vote" and view.votes >= wanted:
            killed += plan.kill()
            plan.say(f"killed {', '.join(killed)}, {view.votes} votes after the round's beginning")
        await asyncio.wait([playing], timeout=LOOK)


@contextlib.asynccontextmanager
async def _ended(task: asyncio.Task[None]) -> AsyncIterator[None]:
    """Nobody plays on when the host is gone."""
    try:
        yield
    except BaseException:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
