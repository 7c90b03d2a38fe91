"""`memebattle dlq` and `replay`: messages that get another chance, always under a new id.

The old id has its one answer already, an error perhaps, and keeps it. Memes and chat messages go back to the
subject they came from, so the new answer is heard where the old one was.
"""

from __future__ import annotations

import asyncio
import contextlib
import json as jsonlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memebattle.cli.connection import connected, jetstream, nats_url
from memebattle.cli.output import Problem, console, emit, note, size

if TYPE_CHECKING:
    from nats.js import JetStreamContext
    from nats.js.api import RawStreamMsg

app = typer.Typer()
dlq = typer.Typer(no_args_is_help=True, help="Messages that could not be served.")
app.add_typer(dlq, name="dlq")

Url = Annotated[str | None, typer.Option("--nats-url", help="NATS server [NATS_URL, else the running `up`]")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line")]


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
            headers = message.headers or {}
            subject = headers.get("Mb-Subject", "meme.request")
            old, new = await _ask_again(js, subject, message.data or b"", id)
            old = old or headers.get("Mb-Original-Nats-Msg-Id")
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
    """Ask again for memes that were asked for before, each under a new id. The log keeps requests for a day.

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
                subject, body = message.subject or "meme.request", message.data or b""
                old, new = _renamed(subject, body, "")[0], None
                if not dry_run:
                    old, new = await _ask_again(js, subject, body, None)
                _tell_replayed(message, old, new, json=json)
            note(f"{count} requests{' (not sent)' if dry_run else ' asked again'}", quiet=json)

    asyncio.run(run())


@contextlib.asynccontextmanager
async def _stream(url: str | None, setting: str) -> AsyncIterator[tuple[JetStreamContext, str]]:
    from nats.js.errors import NotFoundError, ServiceUnavailableError

    from memebattle.settings import Settings

    async with connected(nats_url(url)) as client:
        try:
            settings = Settings.from_env()
            yield jetstream(client, settings), getattr(settings.nats, setting)
        except (NotFoundError, ServiceUnavailableError) as error:
            raise Problem("no such stream", str(error), "`memebattle streams apply`") from None


async def _messages(
    js: JetStreamContext, stream: str, first: int | None = None
) -> AsyncIterator[RawStreamMsg]:
    """What the stream holds now, oldest first."""
    from nats.js.errors import NotFoundError

    state = (await js.stream_info(stream)).state
    sequence = max(first or 0, state.first_seq, 1)  # a stream that never had a message begins at 0
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
    """Publish a request under a new id; its old one and the new one."""
    from memebattle.cli.client import new_id

    new = new or new_id()
    old, body = _renamed(subject, body, new)
    await js.publish(subject, body, headers={"Nats-Msg-Id": new})
    return old, new


def _renamed(subject: str, body: bytes, new: str) -> tuple[str | None, bytes]:
    """A request's old id, and the request with a new one; a body that is no object stays as it was."""
    from memebattle.bus.subjects import CHAT_EXECUTE, pattern_of
    from memebattle.chat.messages import unwrapped

    field = "message_id" if pattern_of(subject) == CHAT_EXECUTE else "id"
    try:
        whole = jsonlib.loads(body)
    except (ValueError, RecursionError):
        return None, body
    request, _ = unwrapped(whole)
    if not isinstance(request, dict):
        return None, body
    old = request.get(field)
    request[field] = new  # inside of its TracedMessage, when it came in one
    return old, jsonlib.dumps(whole).encode()


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
