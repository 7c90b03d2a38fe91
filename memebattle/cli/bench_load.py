"""The kinds of work a benchmark gives to a worker, and what is measured while it does them.

    cached      every picture is there already: what one message costs, and nothing else
    one by one  the same, the next request only after the answer to the last: the time one message takes
    coalesced   all requests at once over five new prompts and a slow provider: five calls, not a thousand
    uncached    every prompt is new: calls, decoding, encoding and storing pictures weigh most

Latencies are from publish to the republished answer, as a browser hears it. With many requests under way they
are mostly time spent in the queue; only `one by one` says how long one message takes.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from memebattle.cli.bench_stage import Provider, Stage
from memebattle.cli.client import MemeClient, Received, Via
from memebattle.cli.output import Problem

type Name = Literal["cached", "one by one", "coalesced", "uncached"]

CACHED_PROMPTS = 20
COALESCED_PROMPTS = 5
WINDOW = 64  # requests under way at a time, where it is not one or all
PATIENCE = 60.0  # seconds without any answer
SLOW = "200ms"


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of work. `prompts` distinct ones are asked for (None: all are); `window` requests at a time."""

    name: Name
    via: Via
    prompts: int | None
    window: int | None
    drawn_before: bool = False
    latency: str = "5ms"
    share: int = 1  # a picture takes longer than a message: measure one out of so many requests


WORKS = (
    Work("cached", "jetstream", CACHED_PROMPTS, WINDOW, drawn_before=True),
    Work("one by one", "core", CACHED_PROMPTS, 1, drawn_before=True),
    Work("coalesced", "jetstream", COALESCED_PROMPTS, None, latency=SLOW),
    Work("uncached", "jetstream", None, WINDOW, share=5),
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One work done by one contestant once. Times in seconds; `cpu` is the worker's, per request."""

    contestant: str
    work: Name
    requests: int
    rate: float
    p50: float
    p99: float
    cpu: float | None
    provider_calls: int
    ready: float


@dataclass(slots=True)
class Crowd:
    """Asks `window` at a time and waits for every answer."""

    client: MemeClient
    latencies: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _under_way: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=itertools.count)

    async def ask_all(self, prompts: list[str], via: Via, window: int) -> None:
        """Return when all are answered.

        Raises:
            Problem: an answer is an error, came twice, or did not come for a long time.
        """
        self.client.on_answer = self._hear
        self.latencies.clear()
        waiting = iter(prompts)

        async def one_after_the_other() -> None:
            for prompt in waiting:
                await self._ask(prompt, via)

        await asyncio.gather(*(one_after_the_other() for _ in range(min(window, len(prompts)))))
        self.client.answers.clear()
        self.check()

    def check(self) -> None:
        """Raise a `Problem` if something was heard that must not be."""
        if self.faults:
            raise Problem(self.faults[0])

    async def _ask(self, prompt: str, via: Via) -> None:
        request_id = f"bench-{next(self._ids)}"
        answered = self._under_way[request_id] = asyncio.get_running_loop().create_future()
        await self.client.ask(prompt, request_id=request_id, via=via, small_image=True)
        try:
            async with asyncio.timeout(PATIENCE):
                await answered
        except TimeoutError:
            raise Problem(f"no answer to {request_id} within {PATIENCE:g} s") from None

    def _hear(self, received: Received) -> None:
        # runs in the NATS client, which would only log what we raise
        answered = self._under_way.pop(received.request_id, None)
        if answered is None:
            self.faults.append(f"a second answer to {received.request_id}")
            return
        if not received.ok:
            self.faults.append(f"{received.request_id} ended in an error: {received.message['error']}")
        self.latencies.append(received.seconds)
        answered.set_result(None)


async def measure(
    work: Work, contestant: str, stage: Stage, provider: Provider, requests: int
) -> Measurement:
    """Warm the worker up, then let it do its work."""
    count = max(10, requests // work.share)
    async with MemeClient(stage.client).listening() as client:
        crowd = Crowd(client)
        await crowd.ask_all(_prompts("warm", CACHED_PROMPTS, CACHED_PROMPTS), "jetstream", WINDOW)
        await stage.drained()
        prompts = _prompts("warm" if work.drawn_before else "new", count, work.prompts)
        calls, cpu, started = await provider.calls(), stage.cpu_seconds(), time.perf_counter()
        await crowd.ask_all(prompts, work.via, work.window or count)
        seconds = time.perf_counter() - started
        await stage.drained()
        crowd.check()
    after = stage.cpu_seconds()
    return Measurement(
        contestant,
        work.name,
        count,
        rate=count / seconds,
        p50=statistics.median(crowd.latencies),
        p99=_percentile(crowd.latencies, 0.99),
        cpu=(after - cpu) / count if after is not None and cpu is not None else None,
        provider_calls=await provider.calls() - calls,
        ready=stage.ready_seconds,
    )


def _prompts(kind: str, count: int, distinct: int | None) -> list[str]:
    return [f"{kind} meme number {number % (distinct or count)}" for number in range(count)]


def _percentile(values: list[float], share: float) -> float:
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * len(ordered)))]
