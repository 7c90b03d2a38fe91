"""Scored tasks, the most urgent first: a table for people, JSON lines for programs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from memebattle.cli.foreign import printable_line
from memebattle.cli.output import emit
from memebattle.priority.messages import Contribution, PriorityError, PriorityResult

LARGEST = 3
COLOURS = {"CRITICAL": "bold red", "HIGH": "red", "MEDIUM": "yellow", "LOW": "green"}
SHORT = {
    "business_impact": "impact",
    "role_weight": "role",
    "time_sensitivity": "time",
    "effort_complexity": "effort",
    "ordinary_job": "ordinary",
}
CALL = "!: somebody has to be called, do not leave it in the queue"


def ranked(results: Iterable[PriorityResult]) -> list[PriorityResult]:
    """By score, the highest first; equal ones stay in their order. Scores count as they are, not rounded."""
    return sorted(results, key=lambda result: -math.fsum(row.points for row in result.contributions))


def emit_all(results: Sequence[PriorityResult], errors: Iterable[PriorityError]) -> None:
    """A JSON object per line: results with their rank, then errors."""
    for rank, result in enumerate(results, start=1):
        emit({"rank": rank, **result.model_dump(mode="json", exclude_none=True)})
    for error in errors:
        emit(error.model_dump(mode="json", exclude_none=True))


def show(console: Console, results: Sequence[PriorityResult], *, every: bool = False) -> None:
    """The table, as wide as it has to be; on a narrow terminal titles are shortened.

    `every` contribution is shown as it came about, instead of the points of the three largest.
    """
    table = Table(
        Column("", justify="right", no_wrap=True),
        Column("score", justify="right", no_wrap=True),
        Column("level", no_wrap=True),
        Column("task", no_wrap=True, overflow="ellipsis", ratio=1),
        Column("SLA", justify="right", no_wrap=True),
        Column("contributions", no_wrap=True, overflow="ellipsis"),
        box=None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for rank, result in enumerate(results, start=1):
        table.add_row(str(rank), *_cells(result, every=every))
    # a flexible column takes all there is, which is for terminals without room for whole titles
    table.expand = console.measure(table).maximum >= console.width
    console.print(table)
    if any(result.escalation_required for result in results):
        console.print(CALL, style="dim", markup=False)


def largest(contributions: Iterable[Contribution], count: int = LARGEST) -> list[Contribution]:
    """Those that moved the score most, up or down."""
    return sorted(contributions, key=lambda row: -abs(row.points))[:count]


def _cells(result: PriorityResult, *, every: bool) -> list[Text]:
    level = result.urgency_level + ("!" if result.escalation_required else "")
    told = _reckoning(result.contributions) if every else _points(result.contributions)
    return [
        Text(f"{result.priority_metrics.final_priority_score:.2f}"),
        Text(level, style=COLOURS[result.urgency_level]),
        Text(printable_line(result.task.title)),
        Text(_hours(result.estimated_resolution_hours)),
        Text(told, style="dim"),
    ]


def _points(contributions: Iterable[Contribution]) -> str:
    return " ".join(f"{_name(row)} {row.points:.1f}" for row in largest(contributions))


def _reckoning(contributions: Sequence[Contribution]) -> str:
    return "\n".join(
        f"{_name(row):<10}{row.value:5.2f} x {row.weight:5.2f} = {row.points:5.2f} {row.origin}"
        for row in contributions
    )


def _name(row: Contribution) -> str:
    return printable_line(SHORT.get(row.factor, row.factor))


def _hours(hours: float) -> str:
    """A time for people: 18 min, 2.8 h, 4.5 d."""
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.3g} h" if hours < 48 else f"{hours / 24:.3g} d"
