"""`memebattle bench chat`: what a chunk costs on its way from the worker to the client.

Three contestants take turns in one run: memebattle, memebattle that gathers chunks for 50 ms
(`CHAT_BATCH_MS`), and the least that streams, written by hand. What the last one does and what it leaves out:
benchmarks/README.md. Medians over the runs are shown; `--json` also gives every run.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from memebattle.cli.bench import _figure
from memebattle.cli.bench_chat_load import Talk, idle_bytes, talk
from memebattle.cli.bench_chat_stage import (
    BATCH_MS,
    BATCHED,
    CONTESTANTS,
    GATEWAYS,
    OURS,
    PEER,
    allow_connections,
    stages,
)
from memebattle.cli.output import console, emit, note

TOKEN_MS = 20  # a real model's pace

HOW_TO_READ = f"""
Ratio: memebattle by hand-written. Delivered: more is better; the rest: less.
Chunk latency: from the moment the worker made it to its arrival at the client.
memebattle stores it on the way. "batched" is memebattle with CHAT_BATCH_MS={BATCH_MS}:
the wait for a batch comes before that moment, and shows in the first chunk.
CPU: of the one worker, and of both gateways together.
Quote ratios; absolute figures are this machine's."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure and how it is shown."""

    name: str
    unit: str
    of: Callable[[Talk], float | None]


MEASURES = (
    Measure("chunks delivered", "1/s", lambda talked: talked.rate),
    Measure("first chunk p50", "ms", lambda talked: talked.first_p50 * 1e3),
    Measure("first chunk p99", "ms", lambda talked: talked.first_p99 * 1e3),
    Measure("chunk latency p50", "ms", lambda talked: talked.p50 * 1e3),
    Measure("chunk latency p99", "ms", lambda talked: talked.p99 * 1e3),
    Measure("worker CPU/chunk", "µs", lambda talked: _scaled(talked.worker_cpu, 1e6)),
    Measure("gateway CPU/chunk", "µs", lambda talked: _scaled(talked.gateway_cpu, 1e6)),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of every contestant that has it, every run of it."""

    name: str
    unit: str
    runs: dict[str, list[float]]

    def median(self, contestant: str) -> float | None:
        values = self.runs.get(contestant)
        return statistics.median(values) if values else None

    @property
    def ratio(self) -> float | None:
        """Ours by the peer's; None when there is nothing to divide by."""
        ours, peer = self.median(OURS), self.median(PEER)
        return ours / peer if ours is not None and peer else None


async def run(sessions: int, seconds: float, runs: int, idle: int, *, json: bool = False) -> None:
    """Measure and print.

    Raises:
        Problem: an answer was not whole, or the peer is not installed.
    """
    allowed = allow_connections(max(idle, sessions))
    if allowed < idle:
        note(f"the limit of open files allows {allowed} connections, not {idle} (`ulimit -Hn`)")
    idle, rows = min(idle, allowed), []
    memory: dict[str, list[float]] = {}
    talks: list[Talk] = []
    async with stages(TOKEN_MS, sessions) as grounds:
        for gateway in range(GATEWAYS) if idle else ():
            for contestant in (OURS, PEER):
                note(f"{idle} idle connections on gateway {gateway + 1}, {contestant}", quiet=json)
                found = await idle_bytes(grounds[contestant], gateway, idle)
                memory.setdefault(contestant, []).extend([] if found is None else [found / 1024])
        for turn in range(1, runs + 1):
            for contestant in CONTESTANTS:
                note(f"run {turn} of {runs}: {sessions} sessions, {contestant}", quiet=json)
                talks.append(await talk(grounds[contestant], sessions, seconds, turn))
    rows = [*_rows(talks), *([Row("memory/idle connection", "KiB", memory)] if memory else [])]
    if json:
        for row in rows:
            emit(_as_data(row))
    else:
        _print(rows, f"{sessions} sessions on {GATEWAYS} gateways, medians of {runs} runs of {seconds:g} s")


def _rows(talks: list[Talk]) -> Iterator[Row]:
    for measure in MEASURES:
        runs: dict[str, list[float]] = {}
        for talked in talks:
            if (value := measure.of(talked)) is not None:
                runs.setdefault(talked.contestant, []).append(value)
        if runs:
            yield Row(measure.name, measure.unit, runs)


def _as_data(row: Row) -> dict[str, object]:
    medians = {each: row.median(each) for each in CONTESTANTS}
    return {"measure": row.name, "unit": row.unit, **medians, "ratio": row.ratio, "runs": row.runs}


def _print(rows: list[Row], title: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, box=SIMPLE_HEAD)
    table.add_column("measure", no_wrap=True)
    for heading in (OURS, BATCHED, PEER, "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        medians = (row.median(contestant) for contestant in CONTESTANTS)
        figures = ("-" if value is None else _figure(value) for value in medians)
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else "-"
        table.add_row(f"{row.name} [dim]{row.unit}[/]", *figures, ratio)
    console().print(table)
    console().print(HOW_TO_READ.strip(), style="dim", markup=False)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
