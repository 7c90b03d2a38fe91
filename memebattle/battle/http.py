"""The routes of battles, for those who look: read, call, answer. Who plays does so over NATS."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from memebattle.battle.history import BattleHistory, Part, as_csv
from memebattle.battle.messages import BattleView
from memebattle.battle.reading import BattleReading, TooManyWatchers, UnknownBattle
from memebattle.bus.messages import TOKEN_PATTERN
from memebattle.kit.http import schema_of, the_last_place
from memebattle.kit.sse import EventStream

# exception -> status, name of the problem, whether its message is for the client; as in `gateway/errors.py`
PROBLEMS: dict[type[Exception], tuple[int, str, bool]] = {
    UnknownBattle: (404, "unknown-battle", True),
    TooManyWatchers: (503, "busy", True),
}
FRESH = {"Cache-Control": "no-cache"}


async def the_battles(request: Request) -> BattleReading:
    battles: BattleReading = request.app.state.battles
    return battles


Battles = Annotated[BattleReading, Depends(the_battles)]
Code = Annotated[str, Path(pattern=TOKEN_PATTERN, description="The letters of the battle", examples=["KBDF"])]

STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `battle`, a BattleView with its `sequence` as id, and `ping`",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": "id: 1047\nevent: battle\ndata: "
                '{"battle_id":"KBDF","sequence":1047,"phase":"vote"}\n\n',
                "x-events": {"battle": schema_of(BattleView)},
            }
        },
    },
}

router = APIRouter(tags=["battles"])


@router.get("/api/battles/{code}", response_model=BattleView, response_model_exclude_none=True)
async def look(battles: Battles, code: Code, response: Response) -> BattleView:
    """Look how a battle stands: everything that everybody may see."""
    response.headers.update(FRESH)
    return await battles.view(code)


@router.get("/api/battles/{code}/events", status_code=200, response_class=EventStream, responses=STREAM)
async def listen(
    battles: Battles, code: Code, last_event: Annotated[int | None, Depends(the_last_place)]
) -> EventStream:
    """Follow a battle: how it stands now, and each time it changes."""
    return EventStream(await battles.watch(code, last_event or 0))


@router.get("/api/battles/{code}/export.json", response_model=BattleHistory, response_model_exclude_none=True)
async def export(battles: Battles, code: Code, response: Response) -> BattleHistory:
    """Take a battle home: players, memes, choices without names, results, the champion."""
    history = await battles.history(code)
    response.headers.update(FRESH | _attached(f"battle-{code}.json"))
    return history


@router.get(
    "/api/battles/{code}/export.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_table(
    battles: Battles,
    code: Code,
    what: Annotated[Part, Query(description="Which table of it")] = "entries",
) -> Response:
    """Take one table of it home, for a spreadsheet."""
    text = as_csv(await battles.history(code), what)
    headers = FRESH | _attached(f"battle-{code}-{what}.csv")
    return Response(text, media_type="text/csv", headers=headers)


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
