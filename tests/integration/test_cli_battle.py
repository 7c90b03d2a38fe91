"""`memebattle battle` on a real stream."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from memebattle.battle.table import fact_of
from memebattle.bus.battlelog import JetStreamBattleLog
from memebattle.bus.publishing import DurablePublisher
from memebattle.bus.streams import Topology
from memebattle.cli import battle
from memebattle.cli.local import NatsServer
from memebattle.cli.output import Problem
from memebattle.kit.metrics import Metrics
from memebattle.settings import Settings
from tests.battles import CODE, Game, finish, played

type Command = Callable[..., Any]


@pytest.fixture
async def game(developer: Client) -> Game:
    """A battle that is over, in the stream."""
    await Topology.of(Settings(), ["battle"]).apply(developer.jetstream())
    log = JetStreamBattleLog(DurablePublisher(lambda: developer, Metrics(), 5), lambda: developer, "BATTLES")
    found = played()
    finish(found)
    found.join(9)  # too late
    for _, event in found.stored:
        await log.add(replace(fact_of(found.battle, event), after=None, is_first=False))
    return found


@pytest.fixture
def command(nats_server: NatsServer, game: Game, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command as the developer and gives what it prints."""

    async def run(function: Callable[..., None], *arguments: Any, **options: Any) -> str:
        url = nats_server.url("developer")
        await asyncio.to_thread(function, *arguments, url=url, **options)
        return capsys.readouterr().out

    return run


async def test_battles_are_listed(command: Command, game: Game) -> None:
    (line,) = (await command(battle.list_battles, json=True)).splitlines()

    assert json.loads(line) | {"created_at": 0} == {
        "battle_id": CODE,
        "phase": "finished",
        "round": 1,
        "players": 5,
        "created_at": 0,
        "events_to": len(game.stored),
        "champion": game.battle.champion,
    }
    assert await command(battle.list_battles) == f"{CODE}  finished, 5 players\n"


async def test_a_battle_is_shown_by_points(command: Command) -> None:
    lines = (await command(battle.show, CODE.lower())).splitlines()
    shown = json.loads(await command(battle.show, CODE, json=True))

    assert len(lines) == 6
    assert lines[1].startswith("  1. P")
    assert (shown["phase"], len(shown["players"])) == ("finished", 5)


async def test_a_replay_tells_what_happened_in_order(command: Command, game: Game) -> None:
    lines = (await command(battle.replay, CODE)).splitlines()

    assert len(lines) == len(game.stored)
    assert lines[0].endswith(f"  battle {CODE} is opened")
    assert any(line.endswith("P1 writes: prompt of 1") for line in lines)
    assert lines[-2].endswith("'s meme is the champion")
    assert lines[-1].endswith("  (somebody joins)")
    events = [json.loads(line) for line in (await command(battle.replay, CODE, json=True)).splitlines()]
    assert [each["sequence"] for each in events] == list(range(1, len(game.stored) + 1))
    assert {each["phase"] for each in events} >= {"lobby", "prompt", "vote", "duel", "finished"}


async def test_a_battle_is_taken_home(command: Command, tmp_path: Path) -> None:
    history = json.loads(await command(battle.export, CODE))
    table = list(csv.DictReader(io.StringIO(await command(battle.export, CODE, what=battle.Table.votes))))
    await command(battle.export, CODE, what=battle.Table.entries, output=tmp_path / "entries.csv")

    assert (history["battle_id"], len(history["duels"])) == (CODE, 3)
    assert len(table) == sum(len(each["votes"]) for each in [*history["rounds"], *history["duels"]])
    assert (tmp_path / "entries.csv").read_text().count("\n") == 6


@pytest.mark.parametrize("code", ["ZZZZ", "a.b", "*", ""])
async def test_a_battle_that_is_not_there(command: Command, code: str) -> None:
    with pytest.raises(Problem, match="there is no battle"):
        await command(battle.show, code)
