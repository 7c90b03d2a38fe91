"""Battles on real servers: pictures by the artist, votes in the stream, and workers that die."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from pathlib import Path

import pytest
from nats.aio.client import Client

from memebattle.battle import events, view
from memebattle.battle.course import due
from memebattle.battle.fold import fold
from memebattle.battle.proofs import seat_of
from memebattle.battle.state import Battle
from memebattle.battle.table import Table
from memebattle.bus.battlelog import JetStreamBattleLog
from memebattle.bus.publishing import DurablePublisher
from memebattle.cli.local import NatsServer
from memebattle.kit.metrics import Metrics
from tests.fleet import Fleet, fleet
from tests.players import Table as Players
from tests.players import playing, stored_votes, token
from tests.waiting import wait_until

# nats-py says its WebSocket timeout in a form that aiohttp would rather not hear
pytestmark = pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float':DeprecationWarning")


@pytest.fixture
def battle_env(worker_env: dict[str, str]) -> dict[str, str]:
    return worker_env | {"WORKER_CONTEXTS": "memes,battle"}


@pytest.fixture
def log(developer: Client, metrics: Metrics) -> JetStreamBattleLog:
    return JetStreamBattleLog(DurablePublisher(lambda: developer, metrics, 5), lambda: developer, "BATTLES")


async def replayed(log: JetStreamBattleLog, code: str) -> Battle:
    return fold(code, [(each.sequence, events.read(each.body)) for each in await log.after(code, 0)])


async def all_counted_once(players: Players, developer: Client, log: JetStreamBattleLog) -> None:
    """Every choice that was acknowledged is in the stream, and counts, once."""
    stored, battle = await stored_votes(developer, players.code), await replayed(log, players.code)
    assert set(stored.values()) <= {1}
    for who, match in players.acknowledged:
        seat = seat_of(players.code, token(who))
        assert stored[f"{match}_{seat}"] == 1
        assert seat in battle.votes[match]
    assert sum(map(len, battle.votes.values())) >= len(set(players.acknowledged))


async def test_six_play_a_whole_battle_at_two_workers(
    battle_env: dict[str, str],
    tmp_path: Path,
    nats_server: NatsServer,
    developer: Client,
    log: JetStreamBattleLog,
) -> None:
    async with fleet(battle_env, tmp_path, 2) as workers, playing(nats_server) as players:
        await players.open()
        await players.start()
        await players.enter_all()
        await players.reach("vote")
        await players.judge_all()
        await players.reach("reveal", "duel")
        await players.play_final()
        await players.reach("finished")
        reply, battle = await players.look(1), await replayed(log, players.code)
        await wait_until(lambda: players.views[-1].phase == "finished", "the last view")
        await all_counted_once(players, developer, log)
        commands = await workers.metric("battles_commands_total", outcome="ok")
        counted = await workers.metric("battles_votes_total")
        logs = workers.logs()

    assert reply.view is not None
    assert reply.view.body() == view.for_screens(battle, reply.view.now).body()
    assert (reply.view.painted, reply.view.votes, len(reply.view.duels)) == (6, 6 * 6 + 3 * 4, 3)
    assert all(entry.image_url for entry in reply.view.entries)
    assert len({each.phase for each in players.views}) >= 4  # of the short ones a phone may see nothing
    assert counted == len(players.acknowledged)
    assert commands > counted
    assert [line for line in logs.splitlines() if "violation" in line.lower() or '"ERROR"' in line] == []


async def test_a_worker_dies_in_every_phase_and_nothing_is_lost(
    battle_env: dict[str, str],
    tmp_path: Path,
    nats_server: NatsServer,
    developer: Client,
    log: JetStreamBattleLog,
) -> None:
    """Each time the one that was asked last; at the end there was only one left for a moment, or none."""
    async with fleet(battle_env, tmp_path, 2) as workers, playing(nats_server) as players:
        await players.open()
        await kill(workers, 1)
        await players.start()
        assert (await players.command("enter", 1, prompt="A cat on Mars")).ok
        await kill(workers, 2)
        await players.enter_all(first=2)
        await kill(workers, 1)
        await players.reach("vote")
        await asyncio.gather(*(players.judge(who, 2) for who in range(1, 7)))
        await kill(workers, 2)
        await players.judge_all()
        await kill(workers, 1)
        await players.reach("duel")
        await players.judge_duel(first=5)
        await kill(workers, 2)
        await players.judge_duel()
        await players.reach("verdict", "duel")
        await kill(workers, 1)
        await players.play_final()
        await players.reach("finished")
        await all_counted_once(players, developer, log)
        kinds = Counter(json.loads(each.body)["type"] for each in await log.after(players.code, 0))

    assert len([match for _, match in players.acknowledged if match.startswith("round")]) == 6 * 6
    assert (kinds["joined"], kinds["painted"], kinds["prompts_closed"]) == (6, 6, 1)
    assert (kinds["duel_started"], kinds["duel_ended"], kinds["finished"]) == (3, 3, 1)


async def kill(workers: Fleet, number: int) -> None:
    """With no warning; another one comes in its place, and is not waited for."""
    child = workers.workers[number]
    child.signal(signal.SIGKILL)
    await wait_until(lambda: not child.running, "its end")
    await workers.start_one(number)


async def test_the_server_restarts_in_the_middle_of_a_round(
    battle_env: dict[str, str],
    tmp_path: Path,
    nats_server: NatsServer,
    developer: Client,
    log: JetStreamBattleLog,
) -> None:
    async with fleet(battle_env, tmp_path, 1), playing(nats_server, 4) as players:
        await players.open()
        await players.start()
        await players.enter_all()
        await players.reach("vote")
        await asyncio.gather(*(players.judge(who, 1) for who in range(1, 5)))
        await nats_server.child.stop()
        await nats_server.start()
        await players.judge_all()
        await players.reach("reveal", "duel")
        await players.play_final()
        await players.reach("finished")
        await wait_until(lambda: developer.is_connected, "the developer's reconnection")
        await all_counted_once(players, developer, log)

    assert len([match for _, match in players.acknowledged if match.startswith("round")]) == 4 * 3


async def test_another_connection_with_the_same_token_is_the_same_player(
    battle_env: dict[str, str], tmp_path: Path, nats_server: NatsServer
) -> None:
    async with fleet(battle_env | {"WORKER_CONTEXTS": "battle"}, tmp_path, 2), playing(nats_server) as first:
        await first.open()
        await first.start()
        assert (await first.command("enter", 2, prompt="A cat on Mars")).ok
        before = (await first.look(2)).me
        async with playing(nats_server) as second:
            second.code = first.code
            after = (await second.look(2)).me
            joined = await second.command("join", 2, name="Somebody else")
            host = await second.command("host", 0, action="pause")

    assert before == after == joined.me
    assert (host.ok, before is not None and before.prompt) == (True, "A cat on Mars")


async def test_fifty_racing_writers_append_one_event_per_step(
    battle_env: dict[str, str], tmp_path: Path, nats_server: NatsServer, log: JetStreamBattleLog
) -> None:
    async with (
        fleet(battle_env | {"WORKER_CONTEXTS": "battle"}, tmp_path, 1) as workers,
        playing(nats_server, 3) as players,
    ):
        await players.open(rounds=3)
        await players.start()
        await workers.stop()
        tables = [Table(players.code, log) for _ in range(50)]
        steps = 0
        while tables[0].battle.phase != "finished":
            await asyncio.gather(*(table.catch_up() for table in tables))
            late = (tables[0].battle.deadline or 0) + 1
            offers = [due(table.battle, late + number) for number, table in enumerate(tables)]
            taken = await asyncio.gather(
                *(table.record(offer) for table, offer in zip(tables, offers, strict=True) if offer)
            )
            assert sum(taken) == 1
            steps += 1
        course = [each for each in await log.after(players.code, 0) if each.kind == "course"]

    assert len(course) == 2 + steps  # created, the first round, and one for each step
    assert len({table.battle.sequence for table in tables}) == 1
