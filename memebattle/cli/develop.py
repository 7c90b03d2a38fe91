"""`memebattle spec`, `config`, `nats-config`, `bench` and `dev`."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Annotated

import typer

from memebattle.cli.output import Problem, console, emit, note

app = typer.Typer()
bench = typer.Typer(no_args_is_help=True, help="Measure; prints a table of ratios taken in one run.")
dev = typer.Typer(no_args_is_help=True, help="Tools for development.")
app.add_typer(bench, name="bench")
app.add_typer(dev, name="dev")


@app.command()
def spec(
    output: Annotated[Path, typer.Option(help="The project's root")] = Path(),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if something is not up to date")
    ] = False,
) -> None:
    """Write asyncapi/asyncapi.yaml, its page and its TypeScript types from the code.

    Example: memebattle spec --check
    """
    from memebattle.cli.spec import stale, write_all

    if check:
        if outdated := stale(output):
            raise Problem(f"not up to date: {', '.join(map(str, outdated))}", do="`memebattle spec`")
        note("up to date")
        return
    for path in write_all(output):
        console().print(f"wrote {path}")


@app.command()
def config(
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line")] = False,
) -> None:
    """Show every environment variable with its effective value; secrets are masked.

    Example: HF_MODEL=my/model memebattle config
    """
    import os

    from pydantic import SecretStr
    from rich.table import Table

    from memebattle.settings import Settings

    table = Table("variable", "value", "from", "meaning", box=None)
    for row, value in Settings.from_env().values():
        origin = "environment" if os.environ.get(row.name, "").strip() else "default"
        masked = isinstance(value, SecretStr)
        secret = value.get_secret_value() if masked else ""
        shown = _masked(secret) if masked else str(value).lower() if isinstance(value, bool) else str(value)
        if json:
            emit({"name": row.name, "value": shown, "from": origin, "meaning": row.meaning})
        else:
            table.add_row(f"[bold]{row.name}[/]", shown, f"[dim]{origin}[/]", row.meaning)
    if not json:
        console().print(table)


def _masked(secret: str) -> str:
    from memebattle.kit.logs import redacted

    if "://" in secret:
        return redacted(secret)
    return "***" if secret else ""


@app.command("nats-config")
def nats_config(
    output: Annotated[Path, typer.Option(help="Where to write the configuration")] = Path("nats.conf"),
    password: Annotated[list[str] | None, typer.Option(help="ROLE=PASSWORD; the others are made up")] = None,
) -> None:
    """Write a nats-server configuration with JetStream, WebSocket and our accounts, for containers.

    Example: memebattle nats-config --output .memebattle/nats.conf --password worker=s3cret
    """
    from memebattle.cli.local import ROLES, accounts, domain_option
    from memebattle.settings import Settings

    given = dict(pair.partition("=")[::2] for pair in password or [])
    if unknown := given.keys() - set(ROLES):
        raise Problem(f"no role {unknown.pop()!r}", do=f"one of {', '.join(ROLES)}", code=2)
    words = {role: given.get(role) or secrets.token_hex(12) for role in ROLES}
    domain = Settings.from_env().nats.jetstream_domain
    output.parent.mkdir(parents=True, exist_ok=True)
    output.touch(mode=0o600)
    output.write_text(
        "listen: 0.0.0.0:4222\nhttp: 0.0.0.0:8222\nmax_payload: 1048576\n"
        'jetstream { store_dir: "/data", max_mem: 512M, max_file: 10G, sync_interval: always'
        f"{domain_option(domain)} }}\n"
        'websocket { listen: "0.0.0.0:8080", no_tls: true, compression: true, no_auth_user: browser }\n'
        + accounts(words, domain)
    )
    for role, word in words.items():
        emit({"user": role, "password": word})
    note(f"wrote {output}")


@bench.command()
def memes(
    requests: Annotated[int, typer.Option(min=10, help="Requests per measurement")] = 1000,
    runs: Annotated[int, typer.Option(min=1, help="Measurements of each kind; medians are shown")] = 3,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line")] = False,
) -> None:
    """Throughput, latency, CPU per message and provider calls, beside a hand-written worker.

    Both speak the same protocol to the same servers and the same fake HuggingFace, one after the other in
    turn. Quote ratios: absolute figures are this machine's.

    Example: memebattle bench memes --requests 2000 --runs 5
    """
    from memebattle.cli.bench import run

    asyncio.run(run(requests, runs, json=json))


@bench.command("chat")
def bench_chat(
    sessions: Annotated[int, typer.Option(min=1, max=1000, help="Sessions that talk at one time")] = 10,
    seconds: Annotated[float, typer.Option(min=0.1, help="Length of one measurement")] = 2,
    runs: Annotated[int, typer.Option(min=1, help="Measurements of each kind; medians are shown")] = 3,
    idle: Annotated[int, typer.Option(min=0, help="Connections that only listen; 0 leaves them out")] = 1000,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line")] = False,
) -> None:
    """Latency, CPU and memory of streaming, with and without batches, beside a hand-written chat.

    The offline provider writes a token every 20 ms; the sessions listen at two gateways. Takes a minute.
    Quote ratios: absolute figures are this machine's.

    Example: memebattle bench chat --sessions 64 --seconds 10
    """
    from memebattle.cli.bench_chat import run

    asyncio.run(run(sessions, seconds, runs, idle, json=json))


@bench.command("priority")
def bench_priority(
    tasks: Annotated[int, typer.Option(min=20, help="Tasks per measurement")] = 2000,
    similar: Annotated[float, typer.Option(min=0, max=1, help="Share of a load that repeats others")] = 0.8,
    runs: Annotated[int, typer.Option(min=1, help="Measurements of each kind; medians are shown")] = 3,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line")] = False,
) -> None:
    """What the migration from Redis Pub/Sub to NATS claimed, beside what is measured.

    Throughput, CPU, losses when the worker is killed, response times with and without the cache. Takes about
    two minutes. Quote ratios: absolute figures are this machine's.

    Example: memebattle bench priority --similar 0.8 --tasks 2000
    """
    from memebattle.cli.bench_priority import run

    asyncio.run(run(tasks, similar, runs, json=json))


@dev.command("fake-hf")
def fake_hf(
    port: Annotated[int, typer.Option(help="Port on loopback; 0 = a free one")] = 8900,
    latency: Annotated[str, typer.Option(help="Time per picture: 800ms, 1.5s")] = "200ms",
    error_rate: Annotated[float, typer.Option(min=0, max=1, help="Share of calls that fail")] = 0.0,
    status: Annotated[int, typer.Option(help="Status of the failing ones")] = 503,
    noise: Annotated[bool, typer.Option("--noise", help="Large PNGs of noise instead of drawings")] = False,
) -> None:
    """A HuggingFace of your own, so that the real client runs without token and network.

    Example: memebattle dev fake-hf --latency 800ms --error-rate 0.1 --status 429
    then: HF_API_URL=http://127.0.0.1:8900/models/x IMAGE_PROVIDER=huggingface memebattle up
    """
    from memebattle.cli.fake_hf import FakeHuggingFace, Manners, serve

    def ready(fake: FakeHuggingFace) -> None:
        note(f"HF_API_URL={fake.url()}   (calls are counted at {fake.base_url}/_calls)")

    manners = Manners(_seconds(latency), error_rate, status, style="noise" if noise else "artist")
    asyncio.run(serve(manners, port=port, ready=ready))


@dev.command("fake-llm")
def fake_llm(
    port: Annotated[int, typer.Option(help="Port on loopback; 0 = a free one")] = 8901,
    latency: Annotated[str, typer.Option(help="Time before an answer: 800ms, 1.5s")] = "200ms",
    pace: Annotated[str, typer.Option(help="Time per token")] = "20ms",
) -> None:
    """An OpenAI and an Anthropic of your own, so that the real clients run without keys and network.

    Faults are asked for by a word in the message (`!429`, `!cut`, `!silence`) or by the model (`fake-429`).

    Example: memebattle dev fake-llm --latency 800ms --pace 50ms
    then: OPENAI_BASE_URL=http://127.0.0.1:8901/v1 memebattle up
    """
    from memebattle.cli.fake_llm import FakeLLM, Manners, serve
    from memebattle.cli.fake_llm.faults import FAULTS

    def ready(fake: FakeLLM) -> None:
        note(
            f"OPENAI_BASE_URL={fake.openai_url} ANTHROPIC_BASE_URL={fake.base_url} "
            f"CHAT_CUSTOM_URL={fake.openai_url}   (calls are counted at {fake.base_url}/_calls)"
        )
        note(f"faults: {' '.join(f'!{name}' for name in FAULTS)}")

    asyncio.run(serve(Manners(_seconds(latency), _seconds(pace)), port=port, ready=ready))


def _seconds(text: str) -> float:
    number = text.removesuffix("ms") if text.endswith("ms") else text.removesuffix("s")
    try:
        return float(number) / (1000 if text.endswith("ms") else 1)
    except ValueError:
        raise Problem(f"{text!r} is no time", do="like 800ms or 1.5s", code=2) from None
