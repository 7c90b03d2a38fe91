"""Many requests for memes at a steady rate, and what became of them: each answered once, and how fast."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from memebattle.cli.battle_report import Spread
from memebattle.cli.client import MemeClient, new_id

SLOTS = 64  # publishes under way at a time


@dataclass(frozen=True, slots=True)
class Answers:
    """What was asked for and what came. Milliseconds from publishing to the answer as everybody hears it."""

    asked: int
    answered: int
    errors: int
    cached: int
    coalesced: int
    second_answers: int
    seconds: float
    latency: Spread | None

    @property
    def is_clean(self) -> bool:
        """Whether each request has one answer, with a picture."""
        return self.answered == self.asked and not self.errors and not self.second_answers


@dataclass(frozen=True, slots=True)
class Load:
    """`count` requests at `rate` per second for `prompts` different prompts (0: all are)."""

    count: int
    rate: float
    prompts: int = 0
    timeout: float = 120.0

    async def put_on(
        self, client: MemeClient, said: Callable[[int], Any] = lambda _: None, name: str = "storm"
    ) -> Answers:
        """Ask, and wait for all answers; `said` hears how many are asked so far."""
        loop, ids = asyncio.get_running_loop(), [f"{name}-{new_id()}" for _ in range(self.count)]
        began, room = loop.time(), asyncio.Semaphore(SLOTS)

        async def ask(number: int) -> None:
            async with room:
                await client.ask(
                    self._prompt(name, number), request_id=ids[number], via="jetstream", small_image=True
                )

        async with asyncio.TaskGroup() as asking:
            for number in range(self.count):
                await asyncio.sleep(max(0.0, began + number / self.rate - loop.time()))
                asking.create_task(ask(number))
                said(number + 1)
        await client.answered(ids, self.timeout)
        return _answers(client, ids, loop.time() - began)

    def _prompt(self, name: str, number: int) -> str:
        return f"a meme of the {name}, number {number % self.prompts if self.prompts else number}"


def _answers(client: MemeClient, ids: list[str], seconds: float) -> Answers:
    first = [client.answers[each][0] for each in ids if each in client.answers]
    return Answers(
        asked=len(ids),
        answered=len(first),
        errors=sum(not each.ok for each in first),
        cached=sum(bool(each.message.get("cached")) for each in first),
        coalesced=sum(bool(each.message.get("coalesced")) for each in first),
        second_answers=sum(len(client.answers[each]) - 1 for each in ids if each in client.answers),
        seconds=round(seconds, 2),
        latency=Spread.of(each.seconds * 1000 for each in first),
    )
