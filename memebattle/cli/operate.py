"""`memebattle doctor`, `streams`, `dlq` and `replay`: what an operator reaches for."""

from __future__ import annotations

import asyncio
import contextlib
import json as jsonlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memebattle.cli.connection import connected, nats_url, redis_url
from memebattle.cli.output import Problem, console, emit, note, size

if TYPE_CHECKING:
    from nats.js import JetStreamContext
    from nats.js.api import RawStreamMsg

app = typer.Typer()
streams = typer.Typer(no_args_is_help=True, help="Streams and consumers, as the code declares them.")
dlq = typer.Typer(no_args_is_help=True, help="Messages that could not be served.")
app.add_typer(streams, name="streams")
app.add_typer(dlq, name="dlq")

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
    """Check NATS, JetStream, streams, Redis and the provider. Exit 1 if something must be mended.

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
            findings = await getattr(topology, verb)(client.jetstream(timeout=5))
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

    table = Table(
        Column("stream", no_wrap=True),
        "messages",
        "size",
        "retention",
        Column("consumer", no_wrap=True),
        "pending",
        "in work",
        "redelivered",
        box=None,
    )
    async with connected(url) as client:
        js = client.jetstream(timeout=5)
        for info in await js.streams_info():
            consumers = await js.consumers_info(str(info.config.name))
            row = {
                "stream": info.config.name,
                "messages": info.state.messages,
                "bytes": info.state.bytes,
                "retention": getattr(info.config.retention, "value", info.config.retention),
            }
            backlogs = [
                {
                    "consumer": consumer.name,
                    "pending": consumer.num_pending,
                    "in_work": consumer.num_ack_pending,
                    "redelivered": consumer.num_redelivered,
                }
                for consumer in consumers
            ]
            for found in backlogs or [dict.fromkeys(("consumer", "pending", "in_work", "redelivered"), "")]:
                if json:
                    emit(row | found)
                else:
                    shown = {**row, "bytes": size(info.state.bytes)} | found
                    table.add_row(*(str(value) for value in shown.values()))
    if not json:
        console().print(table)


@dlq.command("ls")
def list_dead_letters(url: Url = None, json: Json = False) -> None:
    """Every dead letter: number, reason, where it came from."""

    async def run() -> None:
        async with _stream(url, "dead_letter_stream") as (js, name):
            count = 0
            async for message in _messages(js, name):
                count += 1
                _tell_dead_letter(message, json=json)
            note(f"{count} dead letters", quiet=json)

    asyncio.run(run())


@dlq.command()
def show(number: Annotated[int, typer.Argument(help="From `dlq ls`")], url: Url = None) -> None:
    """One dead letter with its headers and its original bytes."""

    async def run() -> None:
        async with _stream(url, "dead_letter_stream") as (js, name):
            message = await _one(js, name, number)
            for header, value in sorted((message.headers or {}).items()):
                console().print(f"[dim]{header}:[/] ", end="")
                console().print(value, markup=False)
            console().print((message.data or b"").decode(errors="backslashreplace"), markup=False)

    asyncio.run(run())


@dlq.command()
def retry(
    number: Annotated[int, typer.Argument(help="From `dlq ls`")],
    id: Annotated[str | None, typer.Option("--id", help="New request id; else one is made")] = None,  # noqa: A002
    url: Url = None,
    json: Json = False,
) -> None:
    """Ask again, under a new id: the old one has its answer already, an error, and keeps it."""

    async def run() -> None:
        async with _stream(url, "dead_letter_stream") as (js, name):
            message = await _one(js, name, number)
            subject = (message.headers or {}).get("Mb-Subject", "meme.request")
            old, new = await _ask_again(js, subject, message.data or b"", id)
            await js.delete_msg(name, number)
        if json:
            emit({"number": number, "old_id": old, "id": new})
        else:
            console().print(f"asked again as [bold]{new}[/] [dim](was {old or 'without id'})[/]")

    asyncio.run(run())


@app.command()
def replay(
    since: Annotated[float | None, typer.Option(help="Requests of the last so many minutes")] = None,
    seq: Annotated[int | None, typer.Option(help="From this number of the log on")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many")] = 100,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show them")] = False,
    url: Url = None,
    json: Json = False,
) -> None:
    """Ask again what was asked before, each under a new id. The log keeps requests for a day.

    Example: memebattle replay --since 10 --dry-run
    """

    async def run() -> None:
        oldest = datetime.now(UTC) - timedelta(minutes=since) if since is not None else None
        async with _stream(url, "log_stream") as (js, name):
            count = 0
            async for message in _messages(js, name, first=seq):
                if count >= limit:
                    break
                if oldest is not None and message.time is not None and message.time < oldest:
                    continue
                count += 1
                old, new = _id_of(message.data or b""), None
                if not dry_run:
                    old, new = await _ask_again(
                        js, message.subject or "meme.request", message.data or b"", None
                    )
                _tell_replayed(message, old, new, json=json)
            note(f"{count} requests{' (not sent)' if dry_run else ' asked again'}", quiet=json)

    asyncio.run(run())


@contextlib.asynccontextmanager
async def _stream(url: str | None, setting: str) -> AsyncIterator[tuple[JetStreamContext, str]]:
    from nats.js.errors import NotFoundError, ServiceUnavailableError

    from memebattle.settings import Settings

    async with connected(nats_url(url)) as client:
        try:
            yield client.jetstream(timeout=5), getattr(Settings.from_env().nats, setting)
        except (NotFoundError, ServiceUnavailableError) as error:
            raise Problem("no such stream", str(error), "`memebattle streams apply`") from None


async def _messages(
    js: JetStreamContext, stream: str, first: int | None = None
) -> AsyncIterator[RawStreamMsg]:
    """What the stream holds now, oldest first."""
    from nats.js.errors import NotFoundError

    state = (await js.stream_info(stream)).state
    sequence = max(first or 0, state.first_seq)
    while sequence <= state.last_seq:
        try:
            message = await js.get_msg(stream, seq=sequence, subject=None)
        except NotFoundError:  # deleted or expired
            sequence += 1
            continue
        yield message
        sequence += 1


async def _one(js: JetStreamContext, stream: str, number: int) -> RawStreamMsg:
    from nats.js.errors import NotFoundError

    try:
        return await js.get_msg(stream, seq=number)
    except NotFoundError:
        raise Problem(f"there is no dead letter {number}", do="`memebattle dlq ls` lists them") from None


async def _ask_again(
    js: JetStreamContext, subject: str, body: bytes, new: str | None
) -> tuple[str | None, str]:
    """Publish a request under a new id; a body that is no object goes out as it was."""
    from memebattle.cli.client import new_id

    new = new or new_id()
    try:
        request = jsonlib.loads(body)
    except (ValueError, RecursionError):
        request = None
    old = request.get("id") if isinstance(request, dict) else None
    if isinstance(request, dict):
        body = jsonlib.dumps({**request, "id": new}).encode()
    await js.publish(subject, body, headers={"Nats-Msg-Id": new})
    return old, new


def _id_of(body: bytes) -> str | None:
    try:
        request = jsonlib.loads(body)
    except (ValueError, RecursionError):
        return None
    return request.get("id") if isinstance(request, dict) else None


def _tell_dead_letter(message: RawStreamMsg, *, json: bool) -> None:
    headers = message.headers or {}
    detail = {
        "number": message.seq,
        "reason": headers.get("Mb-Reason"),
        "detail": headers.get("Mb-Detail"),
        "subject": headers.get("Mb-Subject"),
        "deliveries": headers.get("Mb-Deliveries"),
        "bytes": len(message.data or b""),
    }
    if json:
        emit(detail)
        return
    console().print(f"[bold]{detail['number']:>5}[/] [yellow]{detail['reason']}[/] ", end="")
    console().print(
        f"{detail['detail']} ({detail['subject']}, {size(int(str(detail['bytes'])))})", markup=False
    )


def _tell_replayed(message: Any, old: str | None, new: str | None, *, json: bool) -> None:
    if json:
        emit({"number": message.seq, "old_id": old, "id": new})
        return
    console().print(f"[bold]{message.seq:>5}[/] {old or '-'} → {new or '-'}  ", end="")
    console().print((message.data or b"")[:100].decode(errors="replace"), markup=False)
