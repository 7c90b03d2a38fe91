"""`memebattle doctor` and `streams`: what an operator reaches for first."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated

import typer

from memebattle.cli.connection import connected, jetstream, nats_url, redis_url
from memebattle.cli.output import Problem, console, emit, size

app = typer.Typer()
streams = typer.Typer(no_args_is_help=True, help="Streams and consumers, as the code declares them.")
app.add_typer(streams, name="streams")

Url = Annotated[str | None, typer.Option("--nats-url", help="NATS server [NATS_URL, else the running `up`]")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line")]
COLOURS = {
    "pass": "green",
    "ok": "green",
    "created": "cyan",
    "updated": "cyan",
    "warn": "yellow",
    "drift": "yellow",
}


@app.command()
def doctor(url: Url = None, json: Json = False) -> None:
    """Check NATS, JetStream, streams, Redis and the providers. Exit 1 if something must be mended.

    Example: memebattle doctor
    """
    from memebattle.cli.doctor import examine
    from memebattle.settings import Settings

    async def run() -> bool:
        settings, healthy = Settings.from_env(), True
        redis = redis_url() or settings.redis.url.get_secret_value()
        async for check in examine(settings, nats_url(url), redis):
            healthy &= check.verdict != "fail"
            if json:
                emit(
                    {"name": check.name, "verdict": check.verdict, "finding": check.finding, "fix": check.fix}
                )
                continue
            colour = COLOURS.get(check.verdict, "red")
            fix = f"\n       [dim]→ {check.fix}[/]" if check.fix else ""
            console().print(
                f"[{colour}]{check.verdict}[/]   {check.name}: {check.finding}{fix}", soft_wrap=True
            )
        return healthy

    if not asyncio.run(run()):
        raise typer.Exit(1)


@streams.command()
def apply(url: Url = None, json: Json = False) -> None:
    """Create what is missing, update what drifted. Safe to repeat."""
    asyncio.run(_reconcile("apply", nats_url(url), json=json))


@streams.command()
def diff(url: Url = None, json: Json = False) -> None:
    """Say what differs from the declaration, change nothing. Exit 1 if anything does."""
    if not asyncio.run(_reconcile("diff", nats_url(url), json=json)):
        raise typer.Exit(1)


async def _reconcile(verb: str, url: str, *, json: bool) -> bool:
    from nats.js.errors import APIError

    from memebattle.bus.streams import Topology
    from memebattle.settings import Settings

    settings = Settings.from_env()
    topology = Topology.of(settings)
    async with connected(url, inbox_prefix=settings.nats.inbox_prefix) as client:
        try:
            findings = await getattr(topology, verb)(jetstream(client, settings))
        except APIError as error:
            raise Problem(
                f"the server refuses: {error.description}",
                why="some changes, such as retention, need the stream to be made anew",
                do="`memebattle streams diff` names the field",
            ) from None
    for finding in findings:
        if json:
            emit(
                {"kind": finding.kind, "name": finding.name, "action": finding.action, "drift": finding.drift}
            )
        else:
            colour = COLOURS.get(finding.action, "red")
            console().print(f"[{colour}]{finding.action:<8}[/] {str(finding).partition(': ')[0]}", end="")
            console().print(str(finding).partition(finding.action)[2], markup=False)
    return all(finding.action == "ok" for finding in findings)


@streams.command("ls")
def list_streams(url: Url = None, json: Json = False) -> None:
    """Every stream with its size, and every consumer with its backlog."""
    asyncio.run(_list_streams(nats_url(url), json=json))


async def _list_streams(url: str, *, json: bool) -> None:
    from rich.table import Column, Table

    from memebattle.settings import Settings

    number = partial(Column, justify="right", no_wrap=True)
    table = Table(
        Column("stream", no_wrap=True),
        number("messages"),
        number("size"),
        Column("consumer", no_wrap=True),
        number("pending"),
        number("in work"),
        number("retried"),
        box=None,
        padding=(0, 1, 0, 0),  # the longest names leave no room for more in 80 columns
        pad_edge=False,
    )
    async with connected(url) as client:
        js = jetstream(client, Settings.from_env())
        for info in await js.streams_info():
            consumers = await js.consumers_info(str(info.config.name))
            row = {
                "stream": info.config.name,
                "messages": info.state.messages,
                "bytes": info.state.bytes,
            }
            backlogs = [
                {
                    "consumer": consumer.name,
                    "pending": consumer.num_pending,
                    "in_work": consumer.num_ack_pending,
                    "redelivered": consumer.num_redelivered,
                }
                for consumer in consumers
                if not consumer.name.startswith("JS_SRC")  # the request log's own
            ]
            for found in backlogs or [dict.fromkeys(("consumer", "pending", "in_work", "redelivered"), "")]:
                if json:
                    emit(row | found)
                else:
                    shown = {**row, "bytes": size(info.state.bytes)} | found
                    table.add_row(*(str(value) for value in shown.values()))
    if not json:
        console().print(table)
