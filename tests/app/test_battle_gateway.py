"""Battles over HTTP, for those who only look: as they stand, as they change, and to take home."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from memebattle.battle import view
from memebattle.battle.messages import BattleView
from memebattle.battle.state import Battle
from memebattle.battle.table import fact_of
from tests.battles import CODE, Game, finish, played
from tests.desk import Desk, Listening, open_desk
from tests.waiting import wait_until

HEARD = f"battle.view.{CODE}"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with open_desk() as desk:
        yield desk


async def store(desk: Desk, game: Game) -> None:
    """What happened in the game since the last time, and news of it."""
    known = len(desk.facts.stored)
    for _, event in game.stored[known:]:
        await desk.facts.add(replace(fact_of(game.battle, event), after=None, is_first=False))
    desk.news.say(HEARD)


@contextlib.asynccontextmanager
async def watching(desk: Desk, last_event: str | None = None) -> AsyncIterator[Listening]:
    headers = {} if last_event is None else {"Last-Event-ID": last_event}
    listening = Listening(desk.app, headers, {}, f"/api/battles/{CODE}/events")
    await wait_until(lambda: listening.status, "a response")
    try:
        yield listening
    finally:
        await listening.leave()


def views(listening: Listening) -> list[BattleView]:
    return [BattleView.model_validate(each.data) for each in listening.events if each.name == "battle"]


async def test_a_battle_as_it_stands(desk: Desk) -> None:
    game = played()
    await store(desk, game)
    response = await desk.http.get(f"/api/battles/{CODE}")

    shown = BattleView.read(response.content)
    assert response.headers["cache-control"] == "no-cache"
    assert shown.body() == view.for_screens(game.battle, shown.now).body()
    assert "null" not in response.text


@pytest.mark.parametrize("path", ["", "/events", "/export.json", "/export.csv"])
async def test_a_battle_that_is_not_there_is_a_problem(desk: Desk, path: str) -> None:
    response = await desk.http.get(f"/api/battles/ZZZZ{path}")

    assert (response.status_code, response.json()["type"]) == (404, "urn:memebattle:problem:unknown-battle")


@pytest.mark.parametrize("path", ["", "/events", "/export.json", "/export.csv"])
async def test_while_nats_is_away_nobody_waits(desk: Desk, path: str) -> None:
    desk.is_connected = False
    response = await desk.http.get(f"/api/battles/{CODE}{path}")

    assert (response.status_code, response.headers["retry-after"]) == (503, "2")


async def test_what_is_no_code_is_invalid(desk: Desk) -> None:
    assert (await desk.http.get("/api/battles/a.b")).status_code == 422
    assert (await desk.http.get(f"/api/battles/{CODE}/export.csv?what=secrets")).status_code == 422
    headers = {"Last-Event-ID": "5-12"}
    assert (await desk.http.get(f"/api/battles/{CODE}/events", headers=headers)).status_code == 400


async def test_a_watcher_is_told_how_it_stands_and_what_changes(desk: Desk) -> None:
    game = Game.opened(2)
    await store(desk, game)
    async with watching(desk) as listening:
        await wait_until(lambda: len(views(listening)) == 1, "the first view")
        game.join(3)
        await store(desk, game)
        await wait_until(lambda: len(views(listening)) == 2, "the second view")
        game.order("start")
        await store(desk, game)
        await wait_until(lambda: views(listening)[-1].phase == "prompt", "the prompts")

    assert [each.seats for each in views(listening)] == [2, 3, 3]
    assert [int(each.id or 0) for each in listening.events if each.name == "battle"] == [3, 4, 5]


async def test_who_comes_back_is_told_only_what_is_new(desk: Desk) -> None:
    game = Game.opened(2)
    await store(desk, game)
    async with watching(desk, "3") as listening:
        await wait_until(lambda: desk.news.bells.get(HEARD), "somebody who listens")
        game.join(3)
        await store(desk, game)
        await wait_until(lambda: views(listening), "a view")
        assert [each.sequence for each in views(listening)] == [4]
    async with watching(desk, "9999999") as listening:  # of a stream that was there before this one
        await wait_until(lambda: views(listening), "a view")


async def test_watchers_are_let_go_when_the_gateway_stops() -> None:
    async with open_desk() as desk:
        await store(desk, Game.opened(2))
        listening = Listening(desk.app, {}, {}, f"/api/battles/{CODE}/events")
        await wait_until(lambda: views(listening), "a view")
        desk.app.state.wiring.health.stop()
        await listening.ends()
        assert desk.app.state.battles.watchers == 0

    assert desk.news.bells[HEARD] == []


async def test_only_so_many_watch(desk: Desk) -> None:
    await store(desk, Game.opened(2))
    desk.app.state.battles.watchers = 1000
    response = await desk.http.get(f"/api/battles/{CODE}/events")

    assert (response.status_code, response.json()["detail"]) == (
        503,
        "too many are watching over this gateway",
    )


async def test_a_silent_battle_pings(desk: Desk) -> None:
    desk.app.state.battles.heartbeat = 0.05
    await store(desk, Game.opened(2))
    async with watching(desk) as listening:
        await wait_until(lambda: sum(each.name == "ping" for each in listening.events) > 2, "pings")


async def test_a_battle_to_take_home(desk: Desk) -> None:
    game = played()
    finish(game)
    await store(desk, game)
    response = await desk.http.get(f"/api/battles/{CODE}/export.json")
    history = response.json()

    assert response.headers["content-disposition"] == f'attachment; filename="battle-{CODE}.json"'
    assert (history["battle_id"], history["phase"]) == (CODE, "finished")
    (played_round,) = history["rounds"]
    assert len(played_round["entries"]) == len(played_round["board"]) == 5
    assert len(played_round["votes"]) == sum(
        len(found) for match, found in game.battle.votes.items() if match.startswith("round")
    )
    assert len({vote["voter"] for vote in played_round["votes"]}) == 5
    assert [each["duel"]["number"] for each in history["duels"]] == [1, 2, 3]
    assert history["champion"]["id"] == game.battle.champion


async def test_nothing_is_exported_before_it_is_revealed(desk: Desk) -> None:
    game = Game.voting(4)
    await store(desk, game)
    text = (await desk.http.get(f"/api/battles/{CODE}/export.json")).text
    entry = game.entry(1)

    assert json.loads(text)["rounds"] == []
    assert entry.prompt not in text
    assert entry.id not in text


async def test_choices_lead_to_nobody(desk: Desk) -> None:
    game = played()
    await store(desk, game)
    votes = json.dumps((await desk.http.get(f"/api/battles/{CODE}/export.json")).json()["rounds"][0]["votes"])

    assert all(each not in votes for each in game.battle.seats)
    assert game.battle.salt not in votes


async def test_what_was_taken_off_is_not_taken_home(desk: Desk) -> None:
    game = played()
    hidden = game.entry(2)
    game.order("hide", hidden.id)
    await store(desk, game)
    text = (await desk.http.get(f"/api/battles/{CODE}/export.json")).text

    assert hidden.prompt not in text
    assert str(hidden.image_url) not in text


@pytest.mark.parametrize(("what", "rows"), [("entries", 5), ("votes", 30), ("players", 5)])
async def test_tables_for_a_spreadsheet(desk: Desk, what: str, rows: int) -> None:
    game = played()
    await store(desk, game)
    response = await desk.http.get(f"/api/battles/{CODE}/export.csv", params={"what": what})
    table = list(csv.DictReader(io.StringIO(response.text)))

    assert response.headers["content-type"].startswith("text/csv")
    assert len(table) == rows
    if what == "entries":
        assert [int(row["rank"]) for row in table] == sorted(int(row["rank"]) for row in table)


@pytest.mark.parametrize(
    "prompt", ["=1+1", "+cmd", "-2", "@SUM(A1)", '=HYPERLINK("x")', 'a "quote", and\nmore']
)
async def test_cells_are_text_and_never_formulas(desk: Desk, prompt: str) -> None:
    await store(desk, played(prompt=prompt))
    response = await desk.http.get(f"/api/battles/{CODE}/export.csv")
    cells = [row["prompt"] for row in csv.DictReader(io.StringIO(response.text, newline=""))]

    assert {cell.lstrip("'") for cell in cells} == {prompt}
    assert all(cell[0] not in "=+-@" for cell in cells)


async def test_all_who_watch_share_one_view_of_a_moment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand who come back at once read and fold a battle once, not a thousand times."""
    made, whole = [], view.for_screens

    def counted(battle: Battle, now: int) -> BattleView:
        made.append(battle.sequence)
        return whole(battle, now)

    monkeypatch.setattr(view, "for_screens", counted)
    game = played()
    await store(desk, game)
    async with contextlib.AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(watching(desk)) for _ in range(20)]
        for each in crowd:
            await wait_until(lambda each=each: views(each), "the first view")

    assert set(made) == {game.battle.sequence}
    assert len(made) <= 5
