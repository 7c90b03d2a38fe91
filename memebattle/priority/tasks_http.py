"""The routes of one task that was sent: where it stands, its events, and what people decide about it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from memebattle.bus.entries import Entry
from memebattle.bus.messages import TOKEN_PATTERN, decode
from memebattle.kit.http import body_as, body_schema, the_last_place
from memebattle.kit.sse import EventStream
from memebattle.priority import examples
from memebattle.priority.deciding import Decision
from memebattle.priority.desk_http import Desk, LimitedRoute, RequestId, a_place, has_tag, spend_one
from memebattle.priority.standing import TaskState


class Stopping(BaseModel):
    """What becomes of a task that is not wanted any more."""

    request_id: str
    status: Literal["cancelling", "withdrawn", "failed", "cancelled"]


class Submissions(BaseModel):
    """The tasks of a session, newest first."""

    session_id: str
    request_ids: list[str]


async def the_decision(request: Request) -> Decision:
    """The body.

    Raises:
        HTTPException: 400, not JSON.
        RequestValidationError: JSON, but no decision.
    """
    return await body_as(Decision, request, decode)


router = APIRouter(tags=["prioritization"])
reading = APIRouter(dependencies=[Depends(a_place)])
deciding = APIRouter(route_class=LimitedRoute, dependencies=[Depends(a_place), Depends(spend_one)])


@reading.get(
    "/api/v1/prioritization/status/{request_id}",
    responses={
        200: {**examples.shown(examples.STATE, "Where it stands"), "model": TaskState},
        304: {"description": "As you know it"},
    },
)
async def look(desk: Desk, request: Request, request_id: RequestId) -> Response:
    """Look where a task stands; while it is pending, `Retry-After` says when to look again."""
    state, entries = await desk.standing.look(request_id)
    headers = {"ETag": _tag(state, entries), "Cache-Control": "no-cache"}
    if state.is_pending:
        headers["Retry-After"] = "1"
    if has_tag(request.headers.getlist("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return _state(state, headers)


@router.get(
    "/api/v1/prioritization/{request_id}/events",
    status_code=200,
    response_class=EventStream,
    responses={
        200: {
            "description": "Events `status`, `result` or `error`, `suggestions`, `override`, `ping`",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": examples.EVENTS}},
        }
    },
)
async def listen(
    desk: Desk, request_id: RequestId, last_event: Annotated[int | None, Depends(the_last_place)]
) -> EventStream:
    """Follow a task: what is known, or what is behind `Last-Event-ID`, and all that comes."""
    return EventStream(await desk.events.watch(request_id, last_event))


@deciding.delete(
    "/api/v1/prioritization/{request_id}",
    status_code=202,
    responses={
        202: {
            **examples.shown({"request_id": "ticket-4711", "status": "cancelling"}, "It will be seen to"),
            "model": Stopping,
        }
    },
)
async def stop(desk: Desk, request_id: RequestId) -> Response:
    """Stop a task in work, or withdraw a scored one from the ranking; its score stays on record."""
    state = await desk.deciding.cancel(request_id)
    status: Any = {"queued": "cancelling", "processing": "cancelling", "completed": "withdrawn"}.get(
        state.state, state.state
    )
    return JSONResponse(Stopping(request_id=request_id, status=status).model_dump(), 202)


@deciding.patch(
    "/api/v1/prioritization/{request_id}",
    responses={200: {**examples.shown(examples.DECIDED, "As decided"), "model": TaskState}},
    openapi_extra={"requestBody": body_schema(Decision, examples.DECISION)},
)
async def decide(
    desk: Desk, request_id: RequestId, decision: Annotated[Decision, Depends(the_decision)]
) -> Response:
    """Decide how urgent a scored task really is; the score stays as it was, and the decision counts."""
    return _state(await desk.deciding.override(request_id, decision), {})


@reading.get(
    "/api/v1/sessions/{session_id}/prioritizations",
    responses={200: {**examples.shown(examples.MINE, "As far as remembered"), "model": Submissions}},
)
async def look_back(
    desk: Desk,
    session_id: Annotated[
        str, Path(pattern=TOKEN_PATTERN, description="As sent in `X-Session-Id`", examples=["sess_456"])
    ],
) -> Response:
    """List the tasks that were sent lately with this `X-Session-Id`, newest first."""
    found = Submissions(session_id=session_id, request_ids=await desk.prioritising.mine(session_id))
    return JSONResponse(found.model_dump())


def location_of(request_id: str) -> str:
    """Where a task's state is found."""
    return f"/api/v1/prioritization/status/{request_id}"


def _state(state: TaskState, headers: dict[str, str]) -> Response:
    return Response(state.body(), media_type="application/json", headers=headers)


def _tag(state: TaskState, entries: list[Entry]) -> str:
    place = max((entry.seq for entry in entries), default=0)
    return f'"{state.revision}-{state.state}-{place}"'


router.include_router(reading)
router.include_router(deciding)
