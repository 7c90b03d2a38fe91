"""`memebattle top`: how the platform is, as it changes."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memebattle.cli.connection import connected, jetstream, nats_url
from memebattle.cli.output import Problem, console, emit

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from rich.console import RenderableType

    from memebattle.memes.messages import MemeStats, WorkerVitals

app = typer.Typer()

PATIENCE = 6.0  # seconds until somebody must have told something; a gateway listens for two before it tells
INTERVAL = 0.5
QUIET_AFTER = 3.0  # seconds without news, after which it is said to be old
FACES = {"new": "cyan", "idle": "dim", "busy": "green", "leaving": "yellow"}


@dataclass(slots=True)
class Picture:
    """What is known now. `heard` is when the last stats came, by the loop's clock."""

    stats: MemeStats | None = None
    heard: float = 0.0
    consumers: list[dict[str, Any]] = field(default_factory=list)
    dead_letters: int | None = None

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        return {
            "stats": self.stats.model_dump() if self.stats else None,
            "consumers": self.consumers,
            "dead_letters": self.dead_letters,
        }


@app.command()
def top(
    once: Annotated[bool, typer.Option("--once", help="Show it once and leave")] = False,
    url: Annotated[
        str | None, typer.Option("--nats-url", help="NATS server [NATS_URL, else the running `up`]")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each look")] = False,
) -> None:
    """Show backlog, workers, rates, latencies and dead letters, twice a second; `q` leaves.

    A gateway tells (`meme.stats`); the backlogs are those of the consumers themselves.

    Example: memebattle top --once --json
    """
    asyncio.run(_top(nats_url(url), once=once, json=json))


async def _top(url: str, *, once: bool, json: bool) -> None:
    async with connected(url) as client, _watching(client) as picture:
        if once or json:
            await _first(picture)
        if once:
            emit(picture.as_data()) if json else console().print(drawn(picture, age=0.0))
        elif json:
            await _print_on(picture)
        else:
            await _show(picture)


async def _print_on(picture: Picture) -> None:
    while True:
        emit(picture.as_data())
        await asyncio.sleep(INTERVAL)


async def _show(picture: Picture) -> None:
    """Draw until `q` or Ctrl-C."""
    from rich.live import Live

    loop, left = asyncio.get_running_loop(), asyncio.Event()
    with _keys(left), Live(console=console(), screen=sys.stdout.isatty(), auto_refresh=False) as live:
        while not left.is_set():
            live.update(drawn(picture, age=loop.time() - picture.heard), refresh=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(left.wait(), INTERVAL)


@contextlib.contextmanager
def _keys(left: asyncio.Event) -> Iterator[None]:
    """Hear `q` from a terminal, as it is typed."""
    if not sys.stdin.isatty():
        yield
        return
    import termios
    import tty

    loop, before = asyncio.get_running_loop(), termios.tcgetattr(sys.stdin)

    def typed() -> None:
        if sys.stdin.read(1) in {"q", "Q"}:
            left.set()

    tty.setcbreak(sys.stdin)
    loop.add_reader(sys.stdin, typed)
    try:
        yield
    finally:
        loop.remove_reader(sys.stdin)
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextlib.asynccontextmanager
async def _watching(client: Client) -> AsyncIterator[Picture]:
    """A picture that is kept up to date during the block."""
    from memebattle.bus.subjects import MEME_STATS
    from memebattle.memes.messages import MemeStats

    picture, loop = Picture(), asyncio.get_running_loop()

    async def hear(message: Msg) -> None:
        picture.stats, picture.heard = MemeStats.read(message.data), loop.time()

    await client.subscribe(MEME_STATS, cb=hear)
    await _look(client, picture)
    looking = asyncio.create_task(_keep_looking(client, picture))
    try:
        yield picture
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def _keep_looking(client: Client, picture: Picture) -> None:
    while True:
        await asyncio.sleep(1)
        await _look(client, picture)


async def _look(client: Client, picture: Picture) -> None:
    """Ask the consumers for their backlogs, and the stream of dead letters for its size."""
    from nats.errors import Error
    from nats.js.errors import Error as JetStreamError

    from memebattle.bus.streams import Topology
    from memebattle.settings import Settings

    settings = Settings.from_env()
    js, rows = jetstream(client, settings), []
    with contextlib.suppress(Error, JetStreamError, TimeoutError):
        for stream, config in Topology.of(settings).consumers:
            info = await js.consumer_info(stream, str(config.durable_name))
            rows.append(
                {
                    "stream": stream,
                    "consumer": info.name,
                    "pending": info.num_pending,
                    "in_work": info.num_ack_pending,
                    "redelivered": info.num_redelivered,
                }
            )
        picture.consumers = rows
        picture.dead_letters = (await js.stream_info(settings.nats.dead_letter_stream)).state.messages


async def _first(picture: Picture) -> None:
    """Wait for the first stats.

    Raises:
        Problem: nobody tells anything.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while picture.stats is None:
        if loop.time() > deadline:
            raise Problem(
                f"nobody told anything within {PATIENCE:g} s",
                why="a gateway tells how the platform is, on `meme.stats`",
                do="`memebattle doctor`, or start a gateway",
            )
        await asyncio.sleep(0.02)


def drawn(picture: Picture, age: float) -> RenderableType:
    """The whole picture; `age` is how many seconds ago the last stats came."""
    from rich.console import Group
    from rich.text import Text

    stats = picture.stats
    if stats is None:
        return Group(Text("listening for a gateway ...", style="dim"), _consumers(picture))
    old = Text(f"nothing new for {age:.0f} s", style="yellow") if age > QUIET_AFTER else Text("")
    return Group(_figures(stats), old, _workers(stats), Text(""), _consumers(picture))


def _figures(stats: MemeStats) -> RenderableType:
    from rich.table import Table

    totals, table = stats.totals, Table.grid(padding=(0, 3))
    looked = totals.cache_hits + totals.cache_misses
    hits = f"{totals.cache_hits / looked:.0%}" if looked else "-"
    wish = "-" if stats.wish is None else f"{stats.wish} of {stats.max_replicas}"
    rows = (
        ("backlog", _or_dash(stats.lag), "KEDA wants", wish, "battles", str(stats.battles)),
        ("per second", f"{stats.per_second:g}", "p50", _ms(stats.p50_ms), "p95", _ms(stats.p95_ms)),
        ("answered", f"{totals.answered:,}", "failed tries", f"{totals.errors:,}", "from the cache", hits),
        (
            "duplicates", f"{totals.duplicates:,}",
            "shared", f"{totals.coalesced:,}",
            "drawn", f"{totals.provider_calls:,}",
        ),
    )  # fmt: skip
    for row in rows:
        table.add_row(
            *(f"[dim]{each}[/]" if at % 2 == 0 else f"[bold]{each}[/]" for at, each in enumerate(row))
        )
    table.add_row(
        "[dim]told by[/]", stats.gateway, "[dim]Redis[/]", "up" if stats.redis_up else "[red]away[/]"
    )
    return table


def _workers(stats: MemeStats) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    if not stats.workers:
        return Text("no worker", style="yellow")
    table = Table("worker", "state", "work", "for", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for worker in stats.workers:
        colour = FACES[worker.state]
        table.add_row(worker.worker_id, f"[{colour}]{worker.state}[/]", _slots(worker), _age(worker.age_s))
    return table


def _consumers(picture: Picture) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("consumer", "pending", "in work", "retried"):
        table.add_column(name, justify="left" if name == "consumer" else "right")
    for row in picture.consumers:
        table.add_row(
            row["consumer"], *(_or_dash(row[name]) for name in ("pending", "in_work", "redelivered"))
        )
    table.add_row("[dim]dead letters[/]", _or_dash(picture.dead_letters))
    return table


def _slots(worker: WorkerVitals) -> str:
    return f"{'■' * min(worker.in_work, 10)} {worker.in_work} of {worker.slots}".strip()


def _age(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes}:{rest:02}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} ms"


def _or_dash(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
