"""`make scaling-rehearsal`: a queue of 600 requests, from no replica to ten and back, on this machine.

Real Helm installs the chart, KEDA's decisions scale it, and its pods are processes; see `stage.py`. One of
them is killed with -9 on the way, and the chart is upgraded meanwhile. Prints what KEDA saw and decided, and
fails if a request was lost or answered twice. Options: --requests, --max-replicas, --latency.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

from memebattle.cli.client import MemeClient
from tests.chart.autoscaling import Look
from tests.chart.rendering import CHART, NAME
from tests.chart.stage import Scene, stage, values
from tests.fleet import stored_answers
from tests.waiting import wait_until

WIDTH, BAR = 100, 36  # columns
PATIENCE = 240  # seconds for all answers
LINE_EVERY = 1.0  # seconds, where nothing is decided


@dataclass
class Timeline:
    """A line for every decision, and one a second, once the requests are queued."""

    requests: int
    console: Console = field(default_factory=lambda: Console(width=WIDTH, highlight=False))
    _began: float | None = None
    _shown_at: float = 0

    def head(self) -> None:
        """What the columns are."""
        columns = "     s    lag  formula  wanted  ready  answered  "
        self.console.print(f"{columns}{'backlog':<{BAR}}pods", style="bold")

    def show(self, look: Look, ready: int, answered: int) -> None:
        """What KEDA saw and decided."""
        self._began = look.at if self._began is None else self._began
        is_due = look.at - self._shown_at >= LINE_EVERY
        if not is_due and look.after == look.before:
            return
        self._shown_at = look.at
        lag = "?" if look.lag is None else str(look.lag)
        line = Text(f"{look.at - self._began:6.1f} {lag:>6} {look.formula:>8} {look.after:>7} ")
        line.append(f"{ready:>6} {answered:>9}  ")
        length = round((look.lag or 0) / self.requests * (BAR - 2))
        line.append(f"{'█' * length:<{BAR}}", "yellow")
        line.append("▪" * ready, "green")
        self.console.print(line, no_wrap=True, overflow="crop")

    def note(self, text: str) -> None:
        """Something that happened to the cluster."""
        self.console.print(f"        {text}", style="cyan")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the requests, and of the processes."""

    requests: int
    lost: int
    stored_twice: int
    heard_twice: int
    most: int
    killed: int
    graceful_exits: int
    failed_exits: int
    against_formula: int
    seconds: float

    @property
    def kept(self) -> bool:
        """Whether every promise held, and was tested at all."""
        broken = (self.lost, self.stored_twice, self.heard_twice, self.failed_exits, self.against_formula)
        return not any(broken) and self.killed > 0

    def lines(self) -> Iterator[str]:
        """For people."""
        yield (
            f"{self.requests} requests: {self.requests - self.lost} answered, {self.lost} lost, "
            f"{self.stored_twice} stored twice, {self.heard_twice} heard twice"
        )
        yield (
            f"up to {self.most} replicas, {self.against_formula} decisions against the formula; "
            f"{self.killed} killed, {self.graceful_exits} stopped with 0, {self.failed_exits} otherwise; "
            f"{self.seconds:.0f} s"
        )


async def rehearse(requests: int, max_replicas: int, latency: float, directory: Path) -> Outcome:
    """The whole story, once. `latency` in seconds."""
    started = time.monotonic()
    timeline = Timeline(requests)
    async with stage(directory) as scene, MemeClient(scene.developer).listening() as client:
        timeline.note("helm install --wait")
        await scene.helm.install(CHART, NAME, values(max_replicas=max_replicas, latency=latency), timeout=60)
        async with scene.autoscaled():
            await wait_until(lambda: scene.is_asleep, "nobody to be awake", 30)
        ids = [
            await client.ask(f"Meme number {number}", via="jetstream", small_image=True)
            for number in range(requests)
        ]
        timeline.note(f"{requests} requests are queued, and nobody is awake")
        timeline.head()
        scene.operator.on_look = lambda look: timeline.show(look, scene.ready, len(client.answers))
        async with scene.autoscaled():
            meanwhile = asyncio.create_task(_trouble(scene, client, timeline, max_replicas, latency))
            if lost := await client.answered(ids, PATIENCE):
                meanwhile.cancel()
            else:
                await meanwhile
                await wait_until(lambda: scene.is_asleep, "nobody to be awake", 60)
        stored = await stored_answers(scene.developer)
        exits = Counter((end.asked, end.code) for end in scene.node.exits if end.served)
        return Outcome(
            requests=requests,
            lost=len(lost),
            stored_twice=sum(count > 1 for count in stored.values()),
            heard_twice=sum(len(heard) > 1 for heard in client.answers.values()),
            most=max(look.after for look in scene.operator.looks),
            killed=exits[False, -9],
            graceful_exits=exits[True, 0],
            failed_exits=exits.total() - exits[False, -9] - exits[True, 0],
            against_formula=sum(not look.follows for look in scene.operator.looks),
            seconds=time.monotonic() - started,
        )


async def _trouble(
    scene: Scene, client: MemeClient, timeline: Timeline, max_replicas: int, latency: float
) -> None:
    """A third of the way: a pod dies, and somebody upgrades the chart."""
    await wait_until(lambda: len(client.answers) > timeline.requests / 3, "a third of the answers", PATIENCE)
    victim = next(pod for pod in scene.node.pods(NAME) if pod.is_ready)
    victim.kill()
    timeline.note(f"kill -9 {victim.name}")
    patient = values(max_replicas=max_replicas, latency=latency, cooldown=3)
    await scene.helm.upgrade(CHART, NAME, patient, timeout=60)
    timeline.note("helm upgrade: a longer cooldown")


async def main() -> int:
    """Run it, and say how it went."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=600)
    parser.add_argument("--max-replicas", type=int, default=10)
    parser.add_argument(
        "--latency", type=int, default=500, help="milliseconds that one picture takes at least"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="memebattle-scaling-", ignore_cleanup_errors=True) as directory:
        outcome = await rehearse(
            options.requests, options.max_replicas, options.latency / 1000, Path(directory)
        )
    console = Console(width=WIDTH, highlight=False)
    for line in outcome.lines():
        console.print(line, style="green" if outcome.kept else "red")
    return 0 if outcome.kept else 1


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except KeyboardInterrupt:
        sys.exit(130)
