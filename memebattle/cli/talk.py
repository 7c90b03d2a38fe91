"""`memebattle send`, `watch`, `tail` and `pub`."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memebattle.cli.connection import connected, jetstream, nats_url
from memebattle.cli.output import Problem, console, emit, note, size

if TYPE_CHECKING:
    from memebattle.cli.client import MemeClient, Received

app = typer.Typer()

Url = Annotated[str | None, typer.Option("--nats-url", help="NATS server [NATS_URL, else the running `up`]")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line")]
Timeout = Annotated[float, typer.Option(help="Seconds to wait")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only results")]


@app.command()
def send(
    prompt: Annotated[str, typer.Argument(help="What the meme is about; `top | bottom` sets both captions")],
    count: Annotated[int, typer.Option(min=1, help="Ask so many times, each with its own id")] = 1,
    via: Annotated[
        str, typer.Option(help="core, jetstream, or both (which is one request, published twice)")
    ] = "core",
    id: Annotated[str | None, typer.Option("--id", help="Request id; with --count a number is added")] = None,  # noqa: A002
    fast: Annotated[bool, typer.Option("--fast", help="Fewer inference steps")] = False,
    small: Annotated[bool, typer.Option("--small", help="512 instead of 1024 pixels")] = False,
    seed: Annotated[int | None, typer.Option(help="Same seed, same picture")] = None,
    save: Annotated[Path | None, typer.Option(help="Write the images into this directory")] = None,
    timeout: Timeout = 60,
    url: Url = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Ask for memes and wait for their answers. Exit 0 only if every request was answered with an image.

    Example: memebattle send "A cat wearing a space helmet on Mars" --save out
    """
    if via not in {"core", "jetstream", "both"}:
        raise Problem(f"--via {via} is not a way", do="core, jetstream or both", code=2)
    fields: dict[str, Any] = {"fast_mode": fast, "small_image": small}
    if seed is not None:
        fields["seed"] = seed
    ids = [f"{id}-{number}" if count > 1 else id for number in range(1, count + 1)] if id else [None] * count
    asyncio.run(_send(prompt, ids, via, fields, save, timeout, nats_url(url), json=json, quiet=quiet))


async def _send(
    prompt: str,
    ids: list[Any],
    via: Any,
    fields: dict[str, Any],
    save: Path | None,
    timeout: float,
    url: str,
    *,
    json: bool,
    quiet: bool,
) -> None:
    from memebattle.cli.client import MemeClient

    def tell(received: Received) -> None:
        if received.request_id in asked:
            _tell(received, save, json=json)

    asked: set[str] = set()
    async with connected(url) as connection, MemeClient(connection, on_answer=tell).listening() as client:
        for request_id in ids:
            asked.add(request_id or "")
            asked.add(await client.ask(prompt, request_id=request_id, via=via, **fields))
        wanted = sorted(asked - {""})
        with _progress(len(wanted), shown=not (json or quiet)):
            missing = await client.answered(wanted, timeout)
        missing = await _not_in_stream(client, missing, prompt)
    if missing:
        raise Problem(
            f"{len(missing)} of {len(wanted)} not answered within {timeout:g} s: {', '.join(missing[:5])}",
            why="no worker took them, or they are still in work; they stay in the stream",
            do="`memebattle doctor`, or wait and send the same --id again",
        )
    if any(not received.ok for each in wanted for received in client.answers[each]):
        raise typer.Exit(1)


async def _not_in_stream(client: MemeClient, missing: list[str], prompt: str) -> list[str]:
    """Those of `missing` that have no answer at all.

    An answer may have been given before we listened: the same id asked again is not answered again.
    """
    from nats.errors import Error
    from nats.js.errors import NotFoundError

    from memebattle.settings import Settings

    settings = Settings.from_env()
    stream, js = settings.nats.results_stream, jetstream(client.connection, settings)
    unanswered = []
    for request_id in missing:
        try:
            stored = await js.get_last_msg(stream, f"answers.meme.{request_id}.>")
        except (NotFoundError, Error, TimeoutError):
            unanswered.append(request_id)
            continue
        client.receive(stored.data or b"{}")
        if client.answers[request_id][0].message.get("prompt", prompt) != prompt.strip():
            raise Problem(
                f"the id {request_id} was used before, for another prompt",
                why="an id names one request and its one answer",
                do="send it with another --id, or without",
            )
    return unanswered


@contextlib.contextmanager
def _progress(count: int, *, shown: bool) -> Any:
    if not shown or count < 2:
        yield
        return
    with console(stderr=True).status(f"waiting for {count} answers"):
        yield


def _tell(received: Received, save: Path | None, *, json: bool) -> None:
    saved = received.save(save) if save and received.ok else None
    if json:
        emit({**received.summary(), **({"path": str(saved)} if saved else {})})
        return
    message = received.message
    if not received.ok:
        console().print(f"[red]✗[/] {received.request_id}  {message['code']}: ", end="")
        console().print(message["error"], markup=False, soft_wrap=True)
        return
    how = "cached" if message.get("cached") else "coalesced" if message.get("coalesced") else "drawn"
    where = f"  → {saved}" if saved else ""
    picture = f"{message['width']}x{message['height']} {size(len(received.image()))}"
    taken = f"  {received.seconds * 1000:.0f} ms" if received.seconds else ""
    console().print(
        f"[green]✓[/] {received.request_id}  {picture}  {how} by {message['provider']}{taken}{where}",
        soft_wrap=True,
    )


@app.command()
def watch(
    output_dir: Annotated[Path | None, typer.Option(help="Write the images here")] = None,
    timeout: Annotated[float | None, typer.Option(help="Stop after so many seconds")] = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Show every answer as it comes, until Ctrl-C.

    Example: memebattle watch --output-dir out
    """
    asyncio.run(_watch(output_dir, timeout, nats_url(url), json=json))


async def _watch(output_dir: Path | None, timeout: float | None, url: str, *, json: bool) -> None:
    from memebattle.cli.client import MemeClient

    def tell(received: Received) -> None:
        _tell(received, output_dir, json=json)

    async with connected(url) as connection, MemeClient(connection, on_answer=tell).listening():
        note("listening on meme.response and meme.response.error", quiet=json)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), timeout)


@app.command()
def tail(
    subject: Annotated[str, typer.Argument(help="May have wildcards")] = "meme.>",
    timeout: Annotated[float | None, typer.Option(help="Stop after so many seconds")] = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Show every message of a subject, until Ctrl-C.

    Example: memebattle tail 'meme.>'
    """

    async def run() -> None:
        async with connected(nats_url(url)) as connection:
            await connection.subscribe(subject, cb=show)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), timeout)

    async def show(message: Any) -> None:
        text = message.data.decode(errors="replace")
        if json:
            emit({"subject": message.subject, "headers": message.headers or {}, "body": text})
        else:
            short = text if len(text) <= 200 else f"{text[:200]}… ({size(len(message.data))})"
            console().print(f"[cyan]{message.subject}[/]  ", end="")
            console().print(short, markup=False)

    asyncio.run(run())


@app.command()
def pub(
    subject: Annotated[str, typer.Argument(help="Where to")],
    body: Annotated[str, typer.Argument(help="The message")],
    url: Url = None,
) -> None:
    """Publish one message, as it is.

    Example: memebattle pub meme.request "Hello JetStream"
    """

    async def run() -> None:
        async with connected(nats_url(url)) as connection:
            await connection.publish(subject, body.encode())
            await connection.flush()

    asyncio.run(run())
    note(f"published {size(len(body.encode()))} on {subject}")
