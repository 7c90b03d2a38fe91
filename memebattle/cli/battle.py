"""`memebattle battle`: battles from their stream, as they stand, as they went, and to take home."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from memebattle.cli.connection import connected, nats_url
from memebattle.cli.output import Problem, console, emit, note

if TYPE_CHECKING:
    from nats.aio.client import Client

    from memebattle.battle.history import Part
    from memebattle.battle.state import Battle
    from memebattle.bus.battlelog import JetStreamBattleLog
    from memebattle.bus.facts import Stored

app = typer.Typer()
battle = typer.Typer(no_args_is_help=True, help="Battles: as they stand, as they went, and to take home.")
app.add_typer(battle, name="battle")

LONGEST_PAUSE = 5.0  # seconds that a replay is silent at most

Url = Annotated[str | None, typer.Option("--nats-url", help="NATS server [NATS_URL, else the running `up`]")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line")]
Code = Annotated[str, typer.Argument(help="The letters of the battle")]


class Table(StrEnum):
    """What an export has."""

    json = "json"
    entries = "entries"
    votes = "votes"
    players = "players"


@battle.command("ls")
def list_battles(url: Url = None, json: Json = False) -> None:
    """Every battle that the stream still has, the oldest first."""

    async def run() -> None:
        async with _log(url) as (log, codes):
            battles = [_folded(code, await log.after(code, 0)) for code in await codes()]
        for each in sorted(battles, key=lambda found: found.created_at):
            _tell_battle(each, json=json)
        note(f"{len(battles)} battles", quiet=json)

    asyncio.run(run())


@battle.command()
def show(code: Code, url: Url = None, json: Json = False) -> None:
    """One battle as it stands: players by points, memes of the round, the final."""

    async def run() -> None:
        from memebattle.battle import view
        from memebattle.cli.battle_timeline import standing
        from memebattle.kit.wall import milliseconds

        found = _folded(code.upper(), await _stored(code, url))
        if json:
            emit(view.for_screens(found, milliseconds()).model_dump(mode="json"))
            return
        _tell_battle(found, json=False)
        for line in standing(found):
            console().print(f"  {line}", markup=False)

    asyncio.run(run())


@battle.command()
def replay(
    code: Code,
    speed: Annotated[
        float, typer.Option(min=0, help="1 = as fast as it went, 10 = ten times, 0 = at once")
    ] = 0,
    url: Url = None,
    json: Json = False,
) -> None:
    """What happened in a battle, event by event; in brackets what came too late to count.

    Example: memebattle battle replay KBDF --speed 10
    """

    async def run() -> None:
        from memebattle.battle.table import read_or_none
        from memebattle.cli.battle_timeline import Timeline

        timeline, before = Timeline(code.upper()), None
        for each in await _stored(code, url):
            event = read_or_none(code, each.body)
            if event is None:
                continue
            if speed and before is not None:
                await asyncio.sleep(min(LONGEST_PAUSE, max(0, event.at - before) / 1000 / speed))
            before = event.at
            line = timeline.tell(each.sequence, event)
            if json:
                emit(
                    {
                        "sequence": each.sequence,
                        "phase": timeline.battle.phase,
                        **event.model_dump(mode="json"),
                    }
                )
            else:
                console().print(line, markup=False)

    asyncio.run(run())


@battle.command()
def export(
    code: Code,
    what: Annotated[Table, typer.Option(help="Everything as JSON, or one table as CSV")] = Table.json,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; else standard output")
    ] = None,
    url: Url = None,
) -> None:
    """What was revealed of a battle: players, memes, choices without names, results.

    Example: memebattle battle export KBDF --what votes -o votes.csv
    """

    async def run() -> None:
        from memebattle.battle.history import as_csv, history_of

        history = history_of(_folded(code.upper(), await _stored(code, url)))
        text = history.model_dump_json(indent=2) if what is Table.json else as_csv(history, _part(what))
        if output is None:
            typer.echo(text.rstrip("\n"))
        else:
            output.write_text(text, encoding="utf-8", newline="")
            note(f"wrote {output}")

    asyncio.run(run())


def _part(what: Table) -> Part:
    return cast("Part", what.value)


def _tell_battle(found: Battle, *, json: bool) -> None:
    players = sum(1 for _ in found.players())
    if json:
        facts = {"battle_id": found.code, "phase": found.phase, "round": found.round, "players": players}
        emit(
            facts | {"created_at": found.created_at, "events_to": found.sequence, "champion": found.champion}
        )
        return
    where = found.phase if found.phase in {"lobby", "finished"} else f"{found.phase} of round {found.round}"
    console().print(f"[bold]{found.code}[/]  {where}, {players} players")


def _folded(code: str, stored: list[Stored]) -> Battle:
    from memebattle.battle.fold import fold
    from memebattle.battle.table import read_or_none

    found = ((each.sequence, read_or_none(code, each.body)) for each in stored)
    return fold(code, [(sequence, event) for sequence, event in found if event is not None])


async def _stored(code: str, url: str | None) -> list[Stored]:
    """The events of a battle.

    Raises:
        Problem: there is none of that code.
    """
    from memebattle.bus.subjects import is_token

    if is_token(code):
        async with _log(url) as (log, _):
            if found := await log.after(code.upper(), 0):
                return found
    raise Problem(
        f"there is no battle {code}",
        why="a battle is kept for a week",
        do="`memebattle battle ls` lists them",
    )


class Codes:
    """Lists the battles of a stream."""

    def __init__(self, client: Client, stream: str, domain: str) -> None:
        self._client, self._stream, self._domain = client, stream, domain

    async def __call__(self) -> list[str]:
        from nats.js.errors import NotFoundError

        js = self._client.jetstream(timeout=5, **({"domain": self._domain} if self._domain else {}))
        try:
            info = await js.stream_info(self._stream, subjects_filter="battle.event.*.course.log")
        except NotFoundError as error:
            raise Problem(
                f"there is no stream {self._stream}", do="`memebattle streams apply` makes it"
            ) from error
        return sorted(subject.split(".")[2] for subject in info.state.subjects or {})


@contextlib.asynccontextmanager
async def _log(url: str | None) -> AsyncIterator[tuple[JetStreamBattleLog, Codes]]:
    """The log of battles, and a way to list them.

    Raises:
        Problem: it cannot be read.
    """
    from memebattle.bus.battlelog import JetStreamBattleLog
    from memebattle.bus.publishing import DurablePublisher
    from memebattle.bus.refusals import Unavailable
    from memebattle.kit.metrics import Metrics
    from memebattle.settings import Settings

    nats = Settings.from_env().nats
    async with connected(nats_url(url)) as client:
        publisher = DurablePublisher(lambda: client, Metrics())
        log = JetStreamBattleLog(
            publisher, lambda: client, nats.battle_stream, patience=20, domain=nats.jetstream_domain
        )
        try:
            yield log, Codes(client, nats.battle_stream, nats.jetstream_domain)
        except Unavailable as error:
            raise Problem(
                "the battles cannot be read",
                why=str(error),
                do="`memebattle streams apply` makes their stream",
            ) from error
