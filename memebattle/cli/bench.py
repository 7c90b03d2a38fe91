"""`memebattle bench memes`: our worker and one written by hand, in turn, on the same ground.

The figures that travel are the ratios: both sides are measured in one run, alternately, by the same client,
on servers that start empty for every single measurement. Medians over the runs are shown; `--json` also gives
every run, so that the spread can be judged. What the peer does and what it leaves out: benchmarks/README.md.
"""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass

from memebattle.cli.bench_load import WORKS, Measurement, Work, measure
from memebattle.cli.bench_stage import CONTESTANTS, OURS, PEER, Provider, provider, stage
from memebattle.cli.output import console, emit, note

CONCURRENCY = 16  # WORKER_CONCURRENCY of both


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of a measurement and how it is shown. `more_is_better` says which way the ratio points."""

    name: str
    unit: str
    of: Callable[[Measurement], float | None]
    more_is_better: bool = False


MEASURES = (
    Measure("throughput", "1/s", lambda run: run.rate, more_is_better=True),
    Measure("p50", "ms", lambda run: run.p50 * 1e3),
    Measure("p99", "ms", lambda run: run.p99 * 1e3),
    Measure("CPU/request", "ms", lambda run: run.cpu * 1e3 if run.cpu is not None else None),
    Measure("provider calls", "", lambda run: float(run.provider_calls)),
)
READY = Measure("ready after", "ms", lambda run: run.ready * 1e3)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both contestants, every run of it."""

    work: str
    via: str
    measure: Measure
    ours: list[float]
    peer: list[float]

    @property
    def ratio(self) -> float | None:
        """Ours by the peer's; None when there is nothing to divide by."""
        peer = statistics.median(self.peer)
        return statistics.median(self.ours) / peer if peer else None


async def run(requests: int, runs: int, *, json: bool = False, works: Sequence[Work] = WORKS) -> None:
    """Measure and print.

    Raises:
        Problem: a request was not answered, was answered twice, or the peer is not installed.
    """
    measured = [each async for each in _measured(requests, runs, works, quiet=json)]
    rows = list(_rows(measured))
    if json:
        for row in rows:
            emit(_as_data(row))
    else:
        _print(rows, requests, runs)


async def _measured(
    requests: int, runs: int, works: Sequence[Work], *, quiet: bool
) -> AsyncIterator[Measurement]:
    async with contextlib.AsyncExitStack() as stack:
        providers = {
            latency: await stack.enter_async_context(provider(latency))
            for latency in sorted({work.latency for work in works})
        }
        for turn in range(1, runs + 1):
            for work in works:
                for contestant in CONTESTANTS:
                    note(f"run {turn} of {runs}: {work.name}, {contestant}", quiet=quiet)
                    yield await _one(work, contestant, providers[work.latency], requests)


async def _one(work: Work, contestant: str, hf: Provider, requests: int) -> Measurement:
    async with stage(contestant, hf.url, CONCURRENCY) as ground:
        return await measure(work, contestant, ground, hf, requests)


def _rows(measured: list[Measurement]) -> Iterator[Row]:
    def values(figure: Measure, contestant: str, work: str | None) -> list[float]:
        chosen = [each for each in measured if each.contestant == contestant and work in {None, each.work}]
        return [value for value in map(figure.of, chosen) if value is not None]

    for work in WORKS:
        for figure in MEASURES:
            ours, peer = (values(figure, who, work.name) for who in CONTESTANTS)
            if ours and peer:
                yield Row(work.name, work.via, figure, ours, peer)
    yield Row("worker start", "", READY, values(READY, OURS, None), values(READY, PEER, None))


def _as_data(row: Row) -> dict[str, object]:
    return {
        "work": row.work,
        "via": row.via,
        "measure": row.measure.name,
        "unit": row.measure.unit,
        "more_is_better": row.measure.more_is_better,
        OURS: statistics.median(row.ours),
        PEER: statistics.median(row.peer),
        "ratio": row.ratio,
        "runs": {OURS: row.ours, PEER: row.peer},
    }


def _print(rows: list[Row], requests: int, runs: int) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(
        title=f"{requests} requests, medians of {runs} runs, {CONCURRENCY} in work at a time",
        caption="Ratio: ours by the hand-written one's. Throughput: more is better; the rest: less is better."
        " Quote ratios; absolute figures are this machine's.",
        box=SIMPLE_HEAD,
    )
    for heading in ("work", "measure"):
        table.add_column(heading, no_wrap=True)
    for heading in (*CONTESTANTS, "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    last = ""
    for row in rows:
        label = "" if row.work == last else f"{row.work} ({row.via})" if row.via else row.work
        measure = f"{row.measure.name} [dim]{row.measure.unit}[/]"
        figures = (_figure(statistics.median(side)) for side in (row.ours, row.peer))
        if last and label:
            table.add_section()
        table.add_row(label, measure, *figures, f"{row.ratio:.2f}" if row.ratio is not None else "-")
        last = row.work
    console().print(table)


def _figure(value: float) -> str:
    """Three digits that count."""
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"
