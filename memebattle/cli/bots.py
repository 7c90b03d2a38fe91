"""Players that are nobody: each joins, writes prompts, judges by a taste that all of them share, and stays.

What a bot does follows from what its phone shows it, as a person's does. The taste is a hidden quality of
each meme, so that it can be said afterwards whether the ranking has found it.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from memebattle.battle.events import Choice
from memebattle.battle.messages import BattleView, DuelView, QuestionView
from memebattle.cli.phones import NoReply, Phone

type Behaviour = Literal["eager", "human", "sleepy"]

LOOK_AFTER = 5.0  # seconds without news
SHARPNESS = 8.0  # how clearly the better meme is preferred
SKIPPED = 0.02  # share of questions
FACES = 1000
FIRST = ("Ada", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ida", "Jon", "Kim", "Leo", "Mia", "Ned")
LAST = ("Byte", "Cron", "Diff", "Fork", "Grep", "Heap", "Join", "Kern", "Loop", "Mutex", "Node", "Ping")
SUBJECTS = ("a cat", "a dog", "a tired engineer", "a robot", "a penguin", "my manager", "a wizard", "a frog")
MOMENTS = (
    "when the deploy works | on Friday",
    "in a meeting that could | have been a mail",
    "on Mars | without Wi-Fi",
    "explaining recursion | by explaining recursion",
    "who found the bug | in the test",
    "at three in the morning | one more commit",
)


@dataclass(frozen=True, slots=True)
class Manners:
    """How a bot behaves: seconds that it thinks, and the share of chances that it lets pass."""

    least: float
    most: float
    absent: float = 0.0

    def pause(self, rng: Random) -> float:
        return rng.uniform(self.least, self.most)


MANNERS: Mapping[Behaviour, Manners] = {
    "eager": Manners(0.05, 0.5),
    "human": Manners(1.0, 4.0, absent=0.03),
    "sleepy": Manners(2.0, 9.0, absent=0.3),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """When a bot has something to do, it has to do it once: this names when."""

    phase: str
    round: int
    duel: int

    @classmethod
    def of(cls, view: BattleView) -> Moment:
        return cls(view.phase, view.round, len(view.duels))


@dataclass(slots=True)
class Bot:
    """One player. `sent`, `acknowledged` and `refused` are the matches it has voted in."""

    phone: Phone
    name: str
    rng: Random
    manners: Manners = MANNERS["eager"]
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    seat: str = ""
    entries: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    acknowledged: dict[str, Choice] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    has_finished: bool = False
    trouble: str = ""

    async def play(self) -> None:
        """Take a seat and stay until the podium."""
        try:
            if await self._join():
                await self._stay()
        except NoReply as error:
            self.trouble = str(error)

    async def _join(self) -> bool:
        reply = await self.phone.command("join", name=self.name, avatar=self.rng.randrange(FACES))
        self.seat = reply.me.seat if reply.me else ""
        self.trouble = reply.error or ""
        return reply.ok

    async def _stay(self) -> None:
        done: set[Moment] = set()
        while not self.has_finished:
            self.phone.news.hush()
            view = self.phone.view
            if view is not None and (moment := Moment.of(view)) not in done:
                done.add(moment)
                await self._act(view)
            elif not await self.phone.news.rung_within(LOOK_AFTER):
                await self.phone.look()

    async def _act(self, view: BattleView) -> None:
        match view.phase:
            case "finished":
                self.has_finished = True
            case "prompt" if self._takes_part():
                await self.sleep(self.manners.pause(self.rng))
                await self._enter(view)
            case "vote" if self._takes_part():
                await self._judge()
            case "duel" if self._takes_part():
                await self.sleep(self.manners.pause(self.rng))
                await self._take_sides(view.duels[-1])

    def _takes_part(self) -> bool:
        return self.rng.random() >= self.manners.absent

    async def _enter(self, view: BattleView) -> None:
        reply = await self.phone.command("enter", prompt=prompt_for(self.rng), round=view.round)
        if reply.me is not None and reply.me.entry is not None:
            self.entries.add(reply.me.entry)

    async def _judge(self) -> None:
        reply = await self.phone.command("next")
        while (question := reply.question) is not None and question.match not in self.sent:
            await self.sleep(self.manners.pause(self.rng))
            choice = self._choice(question)
            self.sent.add(question.match)
            reply = await self.phone.command(
                "vote",
                match=question.match,
                left=question.left.id,
                right=question.right.id,
                choice=choice,
                ticket=question.ticket,
            )
            self._note(question.match, choice, reply.error, ok=reply.ok)

    def _choice(self, question: QuestionView) -> Choice:
        if self.rng.random() < SKIPPED:
            return "skip"
        return chosen(question.left.id, question.right.id, self.rng)

    async def _take_sides(self, duel: DuelView) -> None:
        if {duel.left, duel.right} & self.entries:
            return
        match, choice = f"duel{duel.number}", chosen(duel.left, duel.right, self.rng)
        self.sent.add(match)
        reply = await self.phone.command("vote", match=match, left=duel.left, right=duel.right, choice=choice)
        self._note(match, choice, reply.error, ok=reply.ok)

    def _note(self, match: str, choice: Choice, error: str | None, *, ok: bool) -> None:
        if ok:
            self.acknowledged[match] = choice
        else:
            self.refused[match] = error or ""


def quality(entry: str) -> float:
    """How good a meme is, from 0 to 1; nobody but bots can tell."""
    return int.from_bytes(hashlib.blake2b(entry.encode(), digest_size=4).digest()) / 2**32


def chosen(left: str, right: str, rng: Random) -> Choice:
    """The better one, mostly: the closer the two are, the more often the other."""
    lead = quality(left) - quality(right)
    return "left" if rng.random() < 1 / (1 + math.exp(-SHARPNESS * lead)) else "right"


def prompt_for(rng: Random) -> str:
    """Something to draw that names nobody; hardly two of them are alike, so that few come from the cache."""
    return f"{rng.choice(SUBJECTS)} {rng.choice(MOMENTS)}, take {rng.randint(2, 9999)}"


def names(count: int) -> list[str]:
    """So many names, none twice."""
    plain = [f"{first} {last}" for last in LAST for first in FIRST]
    return [plain[number] if number < len(plain) else f"Bot {number}" for number in range(count)]


async def play_all(bots: list[Bot], until: float) -> None:
    """Let them play, until all have finished or so many seconds are over; who is late is left behind."""
    tasks = [asyncio.create_task(bot.play()) for bot in bots]
    try:
        await asyncio.wait(tasks, timeout=until)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
