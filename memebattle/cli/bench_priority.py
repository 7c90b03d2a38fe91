"""`memebattle bench priority`: what the migration from Redis Pub/Sub to NATS claimed, and what is measured.

Two contestants take turns in one run: memebattle, and priority over Redis Pub/Sub as it was before. What the
latter does and what it leaves out: benchmarks/README.md. Medians over the runs are shown, of losses the sum;
`--json` also gives every run.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from memebattle.cli.bench import _figure
from memebattle.cli.bench_chat_load import percentile
from memebattle.cli.bench_priority_load import PACE, WINDOW, Killing, Throughput, killed, throughput
from memebattle.cli.bench_priority_rest import Latency, Load, latency, load
from memebattle.cli.bench_priority_stage import BEFORE, CONTESTANTS, OURS, Stage, stages
from memebattle.cli.output import console, emit, note

MOST_ONE_BY_ONE = 500  # requests of which latencies are taken

HOW_TO_READ = f"""
Throughput: {WINDOW} tasks under way at a time. CPU and memory: of the worker.
Killed: {PACE} tasks per second; half way the worker is killed and started again.
REST: POST /api/v1/prioritization with Prefer: wait=10, one at a time.
Ratio: memebattle by Redis Pub/Sub. Quote ratios; the rest is this machine's."""


@dataclass(slots=True)
class Measured:
    """All that was measured, run by run; REST is memebattle's alone."""

    throughputs: list[Throughput] = field(default_factory=list)
    killings: list[Killing] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of every contestant that has it, every run of it."""

    section: str
    name: str
    unit: str
    runs: dict[str, list[float]]
    total: Callable[[list[float]], float] = statistics.median

    def of(self, contestant: str) -> float | None:
        """Of all runs together."""
        values = self.runs.get(contestant)
        return self.total(values) if values else None

    @property
    def ratio(self) -> float | None:
        """Ours by the other's; None when there is nothing to divide by."""
        ours, before = self.of(OURS), self.of(BEFORE)
        return ours / before if ours is not None and before else None


@dataclass(frozen=True, slots=True)
class Claim:
    """What was claimed of the migration, and what came out here."""

    about: str
    claimed: str
    measured: str


async def run(tasks: int, similar: float, runs: int, *, json: bool = False) -> None:
    """Measure and print.

    Raises:
        Problem: a result did not come, or the worker of before is not installed.
    """
    measured = await _measured(tasks, similar, runs, quiet=json)
    found = list(rows(measured))
    told = list(claims(found, measured, similar))
    if json:
        for row in found:
            emit(_as_data(row))
        for claim in told:
            emit({"claim": claim.about, "claimed": claim.claimed, "measured": claim.measured})
    else:
        _print(found, told, f"{tasks} tasks, medians of {runs} runs")


async def _measured(tasks: int, similar: float, runs: int, *, quiet: bool) -> Measured:
    measured = Measured()
    async with stages() as grounds:
        port = grounds[OURS].gateway_port
        for turn in range(1, runs + 1):
            for contestant in CONTESTANTS:
                note(f"run {turn} of {runs}: {tasks} tasks, {contestant}", quiet=quiet)
                measured.throughputs.append(await throughput(grounds[contestant], tasks, turn))
            note(f"run {turn} of {runs}: REST", quiet=quiet)
            measured.latencies.append(await latency(port, min(tasks, MOST_ONE_BY_ONE), turn))
            measured.loads.append(await load(port, tasks, similar, turn))
            note(f"run {turn} of {runs}: both workers are killed", quiet=quiet)
            measured.killings += await _killings(grounds, tasks, turn)
    return measured


async def _killings(grounds: dict[str, Stage], tasks: int, turn: int) -> list[Killing]:
    """Of both at the same time: what is lost is counted, and nothing is timed but the way back."""
    return await asyncio.gather(*(killed(stage, tasks, turn) for stage in grounds.values()))


def rows(measured: Measured) -> Iterator[Row]:
    """The table."""
    work, ends = measured.throughputs, measured.killings
    yield Row("one worker", "throughput", "tasks/s", _of_each(work, lambda each: each.rate))
    yield Row("one worker", "CPU/task", "ms", _of_each(work, lambda each: _scaled(each.cpu, 1e3)))
    yield Row("one worker", "memory", "MiB", _of_each(work, lambda each: _scaled(each.memory, 2**-20)))
    yield Row("one worker", "doubled", "", _of_each(work, lambda each: each.doubled), sum)
    sent = f"of {sum(each.sent for each in ends if each.contestant == OURS)}"
    yield Row("worker killed", "lost", sent, _of_each(ends, lambda each: each.lost), sum)
    yield Row("worker killed", "doubled", sent, _of_each(ends, lambda each: each.doubled), sum)
    yield Row("worker killed", "last result after", "s", _of_each(ends, lambda each: each.recovery))
    for name, values in (("uncached", _uncached), ("cached", _cached)):
        for share in (0.5, 0.95):
            taken = [percentile(values(each), share) * 1e3 for each in measured.latencies]
            yield Row("REST", f"{name} p{share * 100:.0f}", "ms", {OURS: taken})
    hits = [100 * each.hits / each.requests for each in measured.loads]
    yield Row("REST", "cache hits", "%", {OURS: hits})


def claims(found: list[Row], measured: Measured, similar: float) -> Iterator[Claim]:
    """What the document of the migration says, beside what is in these rows."""
    ours = {(row.section, row.name): row.of(OURS) or 0.0 for row in found}
    before = {(row.section, row.name): row.of(BEFORE) or 0.0 for row in found}
    cached, uncached = ours["REST", "cached p95"], ours["REST", "uncached p95"]
    yield Claim(
        "response time of cached results",
        "-50 %",
        f"{100 * (cached / uncached - 1):+.0f} % (p95 {_figure(cached)} instead of {_figure(uncached)} ms)",
    )
    hits = ours["REST", "cache hits"]
    yield Claim("cache hits", "~80 %", f"{hits:.1f} % of a load that is {similar:.0%} similar")
    rate, rate_before = ours["one worker", "throughput"], before["one worker", "throughput"]
    yield Claim("throughput", "10x", f"{rate / rate_before:.2f}x")
    yield Claim("messages per second", "millions", f"{_figure(rate)} tasks through one worker")
    memory, memory_before = ours["one worker", "memory"], before["one worker", "memory"]
    if memory and memory_before:
        told = f"{_figure(memory)} MiB beside {_figure(memory_before)} MiB for one worker"
        yield Claim("memory", "less", told)
    sent = sum(each.sent for each in measured.killings if each.contestant == OURS)
    lost, lost_before = ours["worker killed", "lost"], before["worker killed", "lost"]
    yield Claim(
        "delivery",
        "at least once",
        f"{lost:.0f} of {sent} lost beside {lost_before:.0f} of {sent}",
    )


def _of_each[Each: (Throughput, Killing)](
    measured: list[Each], value: Callable[[Each], float | None]
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for each in measured:
        if (figure := value(each)) is not None:
            found.setdefault(each.contestant, []).append(figure)
    return found


def _uncached(found: Latency) -> list[float]:
    return found.uncached


def _cached(found: Latency) -> list[float]:
    return found.cached


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _as_data(row: Row) -> dict[str, object]:
    figures = {each: row.of(each) for each in CONTESTANTS}
    return {
        "section": row.section,
        "measure": row.name,
        "unit": row.unit,
        **figures,
        "ratio": row.ratio,
        "runs": row.runs,
    }


def _print(found: list[Row], told: list[Claim], title: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, box=SIMPLE_HEAD)
    for heading in ("", "measure"):
        table.add_column(heading, no_wrap=True)
    for heading in (*CONTESTANTS, "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    last = ""
    for row in found:
        if last and row.section != last:
            table.add_section()
        figures = (row.of(contestant) for contestant in CONTESTANTS)
        shown = ("-" if value is None else _figure(value) for value in figures)
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else "-"
        section = row.section if row.section != last else ""
        table.add_row(section, f"{row.name} [dim]{row.unit}[/]", *shown, ratio)
        last = row.section
    console().print(table)
    console().print(HOW_TO_READ.strip(), style="dim", markup=False)
    console().print("\nClaimed of the migration, and measured here:")
    for claim in told:
        line = f"  {claim.about}: {claim.claimed} claimed, {claim.measured} measured"
        console().print(line, markup=False, soft_wrap=True)
