"""The acts of `memebattle demo`: a battle among bots, a storm of requests, and workers that are killed."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from memebattle.battle.options import Options
from memebattle.cli.battle_report import Report
from memebattle.cli.bots import play_all
from memebattle.cli.children import Child
from memebattle.cli.client import MemeClient
from memebattle.cli.connection import connected
from memebattle.cli.load_battle import Plan, bots_of, history, opened, started
from memebattle.cli.load_memes import Answers, Load
from memebattle.cli.output import Problem
from memebattle.cli.phones import Phone, Way, phones

STORM_AFTER = 4.0  # seconds
STORM_RATE = 50.0  # requests per second
CHAOS_EVERY = 8.0  # seconds between two kills
PEOPLE_JOIN = 15.0  # seconds that bots wait in the lobby for people

type Say = Callable[[str], None]


@dataclass(slots=True)
class Acts:
    """What has happened in the acts so far."""

    say: Say
    killed: list[str] = field(default_factory=list)
    battles: list[Report] = field(default_factory=list)
    storm: Answers | None = None

    async def play(self, acts: Sequence[Coroutine[Any, Any, None]]) -> None:
        """All of them at once; one that fails says why and spoils none of the others."""
        await asyncio.gather(*(self._one(act) for act in acts))

    async def _one(self, act: Coroutine[Any, Any, None]) -> None:
        try:
            await act
        except Problem as problem:
            self.say(f"[red]✗[/] {problem.what} {problem.why}")

    async def host_battle(
        self, way: Way, nats_url: str, bots: int, join_url: Callable[[str], str], wait: float = PEOPLE_JOIN
    ) -> None:
        """A battle that bots play, and whoever comes in time."""
        plan = Plan(bots, lively(bots), behaviour="human")
        async with phones(way, bots + 1) as devices:
            host, *players = devices
            code = host.code = await opened(host, plan.options)
            self.say(f"[bold]battle {code}[/]: {bots} bots over {way}; join at [bold]{join_url(code)}[/]")
            await asyncio.gather(*(phone.watch(code) for phone in devices))
            crowd = bots_of(players, plan)
            playing = asyncio.create_task(play_all(crowd, plan.longest + wait))
            try:
                await asyncio.sleep(wait)
                await started(host)
                await _narrate(host, playing, self.say)
            finally:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
        report = Report.of(await history(nats_url, code), crowd, code, str(way), self.killed)
        self.battles.append(report)
        lost = report.votes.lost + report.votes.doubled + len(report.lost_players)
        self.say(f"battle {code} is over: {report.votes.counted} votes counted, {lost} lost or doubled")

    async def rage(self, nats_url: str, count: int, after: float = STORM_AFTER) -> None:
        """Many requests at once, to see the backlog grow and go."""
        await asyncio.sleep(after)
        self.say(f"[dim]storm:[/] {count} requests at {STORM_RATE:g} per second")
        async with connected(nats_url) as connection, MemeClient(connection).listening() as client:
            self.storm = await Load(count, STORM_RATE).put_on(client)
        self.say(f"[dim]storm:[/] {self.storm.answered} of {count} answered in {self.storm.seconds:.1f} s")

    async def break_things(self, workers: Sequence[Child], rng: Random, every: float = CHAOS_EVERY) -> None:
        """Kill a worker every few seconds; whoever watches the stack brings it back, or does not."""
        while True:
            await asyncio.sleep(every)
            alive = [worker for worker in workers if worker.running]
            if alive:
                victim = rng.choice(alive)
                victim.signal(signal.SIGKILL)
                self.killed.append(victim.name)
                self.say(f"[yellow]chaos:[/] killed {victim.name}")


def lively(players: int) -> Options:
    """A short battle that one can still take part in."""
    return Options(
        rounds=2,
        prompt_seconds=25,
        paint_seconds=40,
        vote_seconds=25,
        reveal_seconds=6,
        duel_seconds=10,
        votes_per_round=min(6, max(1, players)),
    )


async def _narrate(host: Phone, playing: asyncio.Task[None], say: Say) -> None:
    """Say when a new phase begins, until everybody has finished."""
    phase = ""
    while not playing.done():
        view = host.view
        if view is not None and view.phase != phase:
            phase = view.phase
            say(f"[dim]battle {host.code}:[/] {phase}{f' · {view.theme}' if phase == 'prompt' else ''}")
        host.news.hush()
        ringing = asyncio.create_task(host.news.rung_within(5))
        await asyncio.wait([ringing, playing], return_when=asyncio.FIRST_COMPLETED)
        ringing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ringing
