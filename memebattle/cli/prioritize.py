"""`memebattle prioritize`: a file of tasks in, a ranking with its reasons out."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from memebattle.cli.connection import connected, nats_url
from memebattle.cli.output import USAGE, Problem, console, note

if TYPE_CHECKING:
    from memebattle.cli.prioritize_client import Outcome
    from memebattle.priority.messages import PriorityRequest, ScoringModel

app = typer.Typer()


@app.command()
def prioritize(
    file: Annotated[str, typer.Argument(help="Tasks as .json, .jsonl or .csv; `-` is standard input")],
    model: Annotated[
        str | None, typer.Option(help="weighted, wsjf, rice or eisenhower; for every task, whatever it says")
    ] = None,
    contributions: Annotated[
        bool, typer.Option("--contributions", help="Show how every factor came about, not the three largest")
    ] = False,
    local: Annotated[
        bool, typer.Option("--local", help="Score here, with the same code; nothing needs to run")
    ] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for all results")] = 60,
    url: Annotated[
        str | None, typer.Option("--nats-url", help="NATS server [NATS_URL, else the running `up`]")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object per line, in the order of rank")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only results")] = False,
) -> None:
    """Score tasks and rank them. Exit 0 only if every task has a score.

    A CSV file names its fields in its header; title and category are needed. A task with an id keeps its
    score: asked again, it is not scored again; changed, it is scored as its next revision.

    Example: memebattle prioritize examples/tasks.csv --model wsjf

    or: echo '{"title": "VPN is down", "category": "infrastructure"}' | memebattle prioritize -
    """
    from memebattle.cli.prioritize_reading import read_tasks

    tasks = read_tasks(file, _model(model))
    if tasks.ignored:
        note(f"not known, and so ignored: {', '.join(tasks.ignored)}", quiet=quiet)
    if local:
        outcomes, missing = _score_here(tasks.requests), 0
    else:
        shown = sys.stderr.isatty() and not (json or quiet)
        outcomes, missing = asyncio.run(_ask(tasks.requests, nats_url(url), timeout, shown=shown))
    failed = _tell(outcomes, json=json, every=contributions)
    if missing:
        raise Problem(
            f"{missing} of {len(tasks.requests)} tasks have no result within {timeout:g} s",
            why="no worker took them, or they are still in work; they stay in the stream",
            do="`memebattle doctor`; tasks with an id can be asked about again",
        )
    raise typer.Exit(1 if failed else 0)


def _model(name: str | None) -> ScoringModel | None:
    from memebattle.priority.messages import ScoringModel

    known: tuple[ScoringModel, ...] = get_args(ScoringModel.__value__)
    for each in known:
        if each == name:
            return each
    if name is None:
        return None
    raise Problem(f"--model {name} is not known", do=", ".join(known), code=USAGE)


def _score_here(requests: list[PriorityRequest]) -> list[Outcome]:
    from memebattle.cli.prioritize_local import score_here
    from memebattle.settings import Settings

    now, model = datetime.now(UTC), Settings.from_env().priority.model
    return [score_here(request, now, model) for request in requests]


async def _ask(
    requests: list[PriorityRequest], url: str, timeout: float, *, shown: bool
) -> tuple[list[Outcome], int]:
    """What came in time, in the order of the file, and how many did not."""
    from memebattle.cli.prioritize_client import TaskClient
    from memebattle.settings import Settings

    with _progress(len(requests), shown=shown) as advance:
        async with connected(url) as connection:
            client = TaskClient(connection, Settings.from_env(), lambda _: advance())
            async with client.listening():
                ids = await client.ask(requests)
                missing = await client.answered(ids, timeout)
    return [client.outcomes[each] for each in ids if each in client.outcomes], len(missing)


@contextlib.contextmanager
def _progress(count: int, *, shown: bool) -> Iterator[Callable[[], None]]:
    """On standard error, gone at the end; the function is called for every result."""
    if not shown:
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("scored"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("scored", total=count)
        yield lambda: progress.advance(task)


def _tell(outcomes: list[Outcome], *, json: bool, every: bool) -> bool:
    """Show what there is; whether a task ended in an error."""
    from memebattle.cli.foreign import printable_line
    from memebattle.cli.prioritize_table import emit_all, ranked, show
    from memebattle.priority.messages import PriorityError, PriorityResult

    results = ranked(each for each in outcomes if isinstance(each, PriorityResult))
    errors = [each for each in outcomes if isinstance(each, PriorityError)]
    if json:
        emit_all(results, errors)
        return bool(errors)
    if results:
        show(console(), results, every=every)
    for error in errors:
        note(printable_line(f"{error.request_id} has no score: {error.code}: {error.error}"))
    return bool(errors)
