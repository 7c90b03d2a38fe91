"""`memebattle up` and `memebattle demo`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memebattle.cli.output import Problem, note
from memebattle.cli.supervisor import Plan, Stack, running

if TYPE_CHECKING:
    from memebattle.cli.show import Wishes

app = typer.Typer()

Port = int | None
HttpPort = Annotated[Port, typer.Option(help="Port of the page and REST; 0 = a free one [8000]")]
NatsPort = Annotated[Port, typer.Option(help="Port of NATS [4222]")]
WsPort = Annotated[Port, typer.Option(help="Port of NATS over WebSocket [8080]")]
MonitorPort = Annotated[Port, typer.Option(help="Port of NATS monitoring [8222]")]
RedisPort = Annotated[Port, typer.Option(help="Port of Valkey [6379]")]
MetricsPort = Annotated[Port, typer.Option(help="Port of the first worker's metrics [9090]")]
Workers = Annotated[int, typer.Option(min=1, max=32, help="How many workers")]
Gateways = Annotated[
    int, typer.Option(min=1, max=16, help="How many gateways, on consecutive ports; each is a pod of chat")
]
DataDir = Annotated[Path | None, typer.Option(help="Keep streams and logs here; else in a temporary place")]
NatsUrl = Annotated[str | None, typer.Option(help="Use this NATS instead of starting one")]
RedisUrl = Annotated[str | None, typer.Option(help="Use this Redis instead of starting one")]
Seconds = Annotated[float | None, typer.Option(help="Stop by itself after so many seconds")]
ReadyFile = Annotated[
    Path | None, typer.Option(help="Write a JSON object with all addresses here when ready")
]
Restart = Annotated[bool, typer.Option("--restart", help="Start a worker again when it dies")]
NoOpen = Annotated[bool, typer.Option("--no-open", help="Do not open a browser")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say only what goes wrong")]
Lan = Annotated[bool, typer.Option("--lan", help="Let phones in: page and WebSocket listen on all addresses")]
Players = Annotated[int, typer.Option(min=2, max=200, help="How many bots play, with --bots")]
Bots = Annotated[bool, typer.Option("--bots", help="Open a battle that bots play; you may join it")]
Storm = Annotated[int, typer.Option(min=0, help="Ask for so many memes at once, after a few seconds")]
Chaos = Annotated[bool, typer.Option("--chaos", help="Kill a worker every few seconds")]


@app.command()
def up(
    http_port: HttpPort = None,
    nats_port: NatsPort = None,
    ws_port: WsPort = None,
    monitor_port: MonitorPort = None,
    redis_port: RedisPort = None,
    metrics_port: MetricsPort = None,
    workers: Workers = 1,
    gateways: Gateways = 1,
    data_dir: DataDir = None,
    nats_url: NatsUrl = None,
    redis_url: RedisUrl = None,
    seconds: Seconds = None,
    ready_file: ReadyFile = None,
    restart: Restart = False,
    no_open: NoOpen = True,  # noqa: ARG001 - `up` and `demo` take the same options
    quiet: Quiet = False,
) -> None:
    """Start NATS, Valkey, workers and a gateway here, and keep them until Ctrl-C.

    Settings come from the environment as everywhere (`memebattle config`). Other commands of yours find this
    stack by themselves.

    Example: memebattle up --workers 3 --ready-file /tmp/ready.json
    """
    plan = Plan(
        workers, http_port, nats_port, ws_port, monitor_port, redis_port, metrics_port,
        data_dir, nats_url, redis_url, restart, gateways=gateways,
    )  # fmt: skip
    _run(_up(plan, seconds, ready_file, quiet=quiet))


@app.command()
def demo(
    http_port: HttpPort = None,
    nats_port: NatsPort = None,
    ws_port: WsPort = None,
    monitor_port: MonitorPort = None,
    redis_port: RedisPort = None,
    metrics_port: MetricsPort = None,
    workers: Workers = 2,
    gateways: Gateways = 1,
    data_dir: DataDir = None,
    nats_url: NatsUrl = None,
    redis_url: RedisUrl = None,
    seconds: Seconds = None,
    ready_file: ReadyFile = None,
    restart: Restart = True,
    no_open: NoOpen = False,
    players: Players = 6,
    bots: Bots = False,
    storm: Storm = 0,
    chaos: Chaos = False,
    lan: Lan = False,
    quiet: Quiet = False,
) -> None:
    """Show memebattle on this machine: no Docker, no token, no network.

    Starts everything, opens the page, asks for a few memes and shows what happens on the way. With --bots one
    person sees a whole battle; with --lan others play along on their phones.

    Example: memebattle demo --players 6 --bots --storm 200 --chaos
    """
    from memebattle.cli.lan import lan_address
    from memebattle.cli.show import Wishes

    plan = Plan(
        workers, http_port, nats_port, ws_port, monitor_port, redis_port, metrics_port,
        data_dir, nats_url, redis_url, restart, logs_to_files=True, gateways=gateways,
        lan=lan_address() if lan else "", environment={"LOCAL_LATENCY_MS": "400"},
    )  # fmt: skip
    wishes = Wishes(players if bots else 0, storm, chaos=chaos)
    _run(_demo(plan, wishes, seconds, ready_file, open_browser=not no_open, quiet=quiet))


def _run(work: Coroutine[None, None, None]) -> None:
    from memebattle.cli.children import CannotStart

    try:
        asyncio.run(_interruptible(work))
    except CannotStart as error:
        what, _, why = str(error).partition("\n")
        raise Problem(what, why, "`--nats-port 0` and the like take free ports") from None


async def _interruptible(work: Coroutine[None, None, None]) -> None:
    """Ctrl-C and SIGTERM cancel the work, once; how it ends its children then is up to it."""
    main, loop = asyncio.ensure_future(work), asyncio.get_running_loop()
    interrupted = asyncio.Event()

    def interrupt() -> None:
        if not interrupted.is_set():
            interrupted.set()
            main.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        await main
    except asyncio.CancelledError:
        if not interrupted.is_set():
            raise


async def _up(plan: Plan, seconds: float | None, ready_file: Path | None, *, quiet: bool) -> None:
    async with running(plan, note, ready_file) as stack:
        note(_addresses(stack), quiet=quiet)
        await _hold(stack, seconds)


async def _demo(
    plan: Plan,
    wishes: Wishes,
    seconds: float | None,
    ready_file: Path | None,
    *,
    open_browser: bool,
    quiet: bool,
) -> None:
    from memebattle.cli.show import Show

    async with running(plan, note, ready_file) as stack:
        show = Show(stack, wishes, quiet=quiet)
        show.welcome()
        if open_browser:
            _open(stack.http_url)
        acting = asyncio.create_task(show.run())
        try:
            await _hold(stack, seconds)
        finally:
            acting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await acting
            show.goodbye()


async def _hold(stack: Stack, seconds: float | None) -> None:
    """Until the time is up, or a part that everything depends on is gone."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stack.watch(), seconds)


def _addresses(stack: Stack) -> str:
    lines = [("page", stack.http_url)]
    lines += [(child.name, url) for child, url in zip(stack.gateways[1:], stack.http_urls[1:], strict=True)]
    lines += [("NATS", stack.nats_url), ("Redis", stack.redis_url)]
    if stack.nats is not None:
        lines += [("WebSocket", stack.nats.websocket_url), ("monitoring", stack.nats.monitor_url)]
    lines += [("metrics", f"http://127.0.0.1:{port}/metrics") for port in stack.metrics_ports]
    return "ready\n" + "\n".join(f"  {name:<11}{url}" for name, url in lines)


def _open(url: str) -> None:
    import os
    import sys
    import webbrowser

    if sys.stdout.isatty() and (sys.platform != "linux" or os.environ.get("DISPLAY")):
        webbrowser.open(url)
