"""`memebattle load memes` and `load battle`: many people at once, and whether anything was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from memebattle.cli.connection import connected, nats_url, running_stack
from memebattle.cli.output import FAILED, USAGE, Problem, console, emit, note

if TYPE_CHECKING:
    from memebattle.cli.battle_report import Report, Spread
    from memebattle.cli.load_memes import Answers

app = typer.Typer()
load = typer.Typer(no_args_is_help=True, help="Many people at once, and whether anything was lost.")
app.add_typer(load, name="load")

Url = Annotated[str | None, typer.Option("--nats-url", help="NATS server [NATS_URL, else the running `up`]")]
WsUrl = Annotated[str | None, typer.Option(help="NATS over WebSocket [the running `up`]")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object")]


@load.command()
def memes(
    count: Annotated[int, typer.Option(min=1, help="How many requests")] = 600,
    rate: Annotated[float, typer.Option(min=0.1, help="Requests per second")] = 50,
    prompts: Annotated[int, typer.Option(min=0, help="How many different ones; 0 = all are")] = 0,
    timeout: Annotated[float, typer.Option(help="Seconds to wait after the last request")] = 120,
    url: Url = None,
    json: Json = False,
) -> None:
    """Ask for many memes at a steady rate. Exit 1 unless each is answered once, with a picture.

    Example: memebattle load memes --count 600 --rate 50
    """
    answers = asyncio.run(_memes(count, rate, prompts, timeout, nats_url(url), quiet=json))
    if json:
        emit({**_plain(answers), "is_clean": answers.is_clean})
    else:
        _show_answers(answers)
    if not answers.is_clean:
        raise typer.Exit(FAILED)


async def _memes(count: int, rate: float, prompts: int, timeout: float, url: str, *, quiet: bool) -> Answers:
    from memebattle.cli.client import MemeClient
    from memebattle.cli.load_memes import Load

    note(f"{count} requests at {rate:g} per second", quiet=quiet)
    async with connected(url) as connection, MemeClient(connection).listening() as client:
        return await Load(count, rate, prompts, timeout).put_on(client)


@load.command()
def battle(
    players: Annotated[int, typer.Option(min=1, max=1000, help="How many")] = 200,
    rounds: Annotated[int, typer.Option(min=1, max=10, help="Rounds before the final")] = 2,
    votes: Annotated[int, typer.Option(min=1, max=20, help="Pairs that each is asked about in a round")] = 6,
    bots_behave: Annotated[str, typer.Option(help="eager, human or sleepy")] = "eager",
    kill_gateway: Annotated[
        bool, typer.Option("--kill-gateway", help="SIGKILL one of the running `up` in mid-round")
    ] = False,
    kill_worker: Annotated[
        bool, typer.Option("--kill-worker", help="SIGKILL one of the running `up` in mid-round")
    ] = False,
    tcp: Annotated[bool, typer.Option("--tcp", help="Over TCP as a developer, not like a browser")] = False,
    seed: Annotated[int, typer.Option(help="The same bots again")] = 0,
    url: Url = None,
    ws_url: WsUrl = None,
    json: Json = False,
) -> None:
    """Play a whole battle with simulated players. Exit 1 if a vote is lost or doubled, or a player lost.

    Each has a connection of its own, over WebSocket with the rights of a browser where `aiohttp` is
    installed. Votes are compared with what the stream has stored.

    Example: memebattle load battle --players 200 --kill-worker
    """
    from memebattle.cli.bots import MANNERS
    from memebattle.cli.load_battle import Plan, quick, run
    from memebattle.cli.phones import Way

    behaviour = next((each for each in MANNERS if each == bots_behave), None)
    if behaviour is None:
        raise Problem(f"no bot behaves {bots_behave!r}", do=f"one of {', '.join(MANNERS)}", code=USAGE)
    roles = [name for name, wanted in (("gateway", kill_gateway), ("worker", kill_worker)) if wanted]
    kill = _killer(roles) if roles else None
    plan = Plan(players, quick(players, rounds, votes), behaviour, seed, kill, partial(note, quiet=json))
    websocket = "" if tcp else ws_url or str(running_stack().get("ws_url") or "")
    report = asyncio.run(run(plan, Way.of(websocket, nats_url(url)), nats_url(url)))
    if json:
        emit(report.as_data())
    else:
        _show_report(report)
    if not report.is_clean:
        raise typer.Exit(FAILED)


def _killer(roles: Sequence[str]) -> Callable[[], Sequence[str]]:
    """What ends one process of each of these roles, of the running `up`.

    Raises:
        Problem: there is none.
    """
    from memebattle.cli.victims import victims_of

    victims = victims_of(running_stack(), roles)
    return lambda: [victim.kill() for victim in victims]


def _plain(answers: Answers) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(answers)


def _show_answers(answers: Answers) -> None:
    rate = answers.answered / answers.seconds if answers.seconds else 0.0
    rows = [
        (
            "answered",
            f"{answers.answered} of {answers.asked} in {answers.seconds:g} s, {rate:.1f} per second",
        ),
        ("errors", str(answers.errors)),
        ("from the cache", f"{answers.cached}, shared {answers.coalesced}"),
        ("second answers", str(answers.second_answers)),
        ("latency", _words(answers.latency)),
    ]
    _print(rows)


def _show_report(report: Report) -> None:
    votes = report.votes
    rows = [
        ("battle", f"{report.code}, over {report.way}"),
        ("players", f"{report.joined} of {report.players} joined, {len(report.lost_players)} lost"),
        ("memes", f"{report.painted} of {report.entries} prompts painted"),
        (
            "votes",
            f"{votes.sent} sent, {votes.acknowledged} acknowledged, {votes.refused} refused (too late)",
        ),
        ("", f"{votes.counted} counted by the stream, {votes.lost} lost, {votes.doubled} doubled"),
        *((f"reply to {verb}", _words(spread)) for verb, spread in report.replies.items()),
        ("sent again", ", ".join(f"{why}: {count}" for why, count in report.repeats.items()) or "nothing"),
        ("state update", _words(report.updates)),
        ("new phase", _words(report.turns)),
        ("ranking", "" if report.agreement is None else f"tau {report.agreement} with the hidden quality"),
        ("killed", ", ".join(report.killed) or "nobody"),
        *(
            ("phase" if not at else "", f"{title}: {took:g} s")
            for at, (title, took) in enumerate(report.phases)
        ),
    ]
    _print(rows)
    if report.lost_players:
        note(f"lost: {', '.join(report.lost_players[:10])}")


def _words(spread: Spread | None) -> str:
    if spread is None:
        return "none"
    return f"p50 {spread.p50:.0f} ms, p95 {spread.p95:.0f} ms, most {spread.most:.0f} ms  ({spread.count})"


def _print(rows: Sequence[tuple[str, str]]) -> None:
    from rich.table import Table

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in rows:
        table.add_row(f"[dim]{name}[/]", value)
    console().print(table)
