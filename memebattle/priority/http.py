"""The routes that take tasks: read, call, answer.

Errors are raised here and become problem details (RFC 9457) in `gateway/errors.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from memebattle.bus.messages import TOKEN_PATTERN, decode
from memebattle.kit.http import body_as, body_schema, the_wait
from memebattle.priority import batch_http, examples, tasks_http, users_http
from memebattle.priority.desk_http import (
    Desk,
    LimitedRoute,
    RequestId,
    SessionHeader,
    TraceHeader,
    a_place,
    spend_one,
)
from memebattle.priority.messages import PriorityError, PriorityRequest, PriorityResult
from memebattle.priority.sending import Asked
from memebattle.priority.tasks_http import location_of


class Accepted(BaseModel):
    """The task is stored and will be scored."""

    request_id: str = Field(examples=["ticket-4711"])
    revision: int
    status: Literal["accepted"] = "accepted"


async def the_task(request: Request) -> PriorityRequest:
    """The body; parsed by the same rules as a NATS message, with a bounded depth.

    Raises:
        HTTPException: 400, not JSON.
        RequestValidationError: JSON, but no task.
    """
    return await body_as(PriorityRequest, request, decode)


async def the_named_task(
    task: Annotated[PriorityRequest, Depends(the_task)],
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            pattern=TOKEN_PATTERN,
            description="Stands in for a missing `id`",
            examples=["ticket-4711"],
        ),
    ] = None,
) -> PriorityRequest:
    """The body with the `Idempotency-Key` as its id, if it has none.

    Raises:
        RequestValidationError: it has another one.
    """
    if key is None:
        return task
    _require_same(task.id, key, "the Idempotency-Key")
    return task.model_copy(update={"id": key})


Task = Annotated[PriorityRequest, Depends(the_named_task)]
Wait = Annotated[int, Depends(the_wait)]

BODY = body_schema(PriorityRequest, examples.TASK)
PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "`wait=10`: hold the response up to 10 seconds for the result (RFC 7240)",
    "schema": {"type": "string"},
}
ANSWERED: dict[str, Any] = {
    **examples.shown(examples.RESULT, "The stored result, or the error in its place"),
    "model": PriorityResult | PriorityError,
    "headers": {
        "X-Cache": {
            "description": "`HIT`: nobody had to work for it; else `MISS`",
            "schema": {"type": "string"},
        },
        "X-Recorded": {
            "description": "`false`: NATS was away, so that status, ranking and history do not know it",
            "schema": {"type": "string"},
        },
    },
}
ASKED: dict[int | str, dict[str, Any]] = {
    200: ANSWERED,
    202: {**examples.shown(examples.ACCEPTED, "Not scored yet; see `Location`"), "model": Accepted},
}

taking = APIRouter(
    tags=["prioritization"],
    route_class=LimitedRoute,
    dependencies=[Depends(a_place), Depends(spend_one)],
)


@taking.post(
    "/api/v1/prioritization",
    status_code=202,
    responses=ASKED,
    openapi_extra={"requestBody": BODY, "parameters": [PREFER]},
)
async def ask(
    desk: Desk, task: Task, wait: Wait, session: SessionHeader = None, traceparent: TraceHeader = None
) -> Response:
    """Ask how urgent a task is; without `Prefer: wait` the answer is found under the `Location`."""
    return _asked(await desk.prioritising.ask(task, wait, session, traceparent), wait)


@taking.put(
    "/api/v1/prioritization/{request_id}",
    status_code=202,
    responses=ASKED,
    openapi_extra={"requestBody": BODY, "parameters": [PREFER]},
)
async def ask_again(
    desk: Desk,
    request_id: RequestId,
    task: Annotated[PriorityRequest, Depends(the_task)],
    wait: Wait,
    session: SessionHeader = None,
    traceparent: TraceHeader = None,
) -> Response:
    """Change a task: it is scored again, as its next revision. The same content changes nothing."""
    _require_same(task.id, request_id, "the path")
    return _asked(await desk.prioritising.ask_again(request_id, task, wait, session, traceparent), wait)


@taking.post(
    "/api/v1/prioritization/sync",
    status_code=200,
    responses={200: ANSWERED},
    openapi_extra={"requestBody": BODY},
)
async def ask_now(
    desk: Desk, task: Task, session: SessionHeader = None, traceparent: TraceHeader = None
) -> Response:
    """Ask and be answered at once, without a language model."""
    return _asked(await desk.prioritising.ask_now(task, session, traceparent), 0)


def _asked(asked: Asked, wait: int) -> Response:
    headers = {"Preference-Applied": f"wait={wait}"} if wait else {}
    if not asked.is_recorded:
        headers["X-Recorded"] = "false"
    if asked.answer is None:
        body = Accepted(request_id=asked.request_id, revision=asked.revision)
        headers["Location"] = location_of(asked.request_id)
        return JSONResponse(body.model_dump(), 202, headers)
    headers["X-Cache"] = "HIT" if asked.is_cached else "MISS"
    return Response(asked.answer, media_type="application/json", headers=headers)


def _require_same(found: str | None, expected: str, where: str) -> None:
    if found is not None and found != expected:
        fault = {"loc": ("id",), "msg": f"is another one than {where} says", "type": "id_mismatch"}
        raise RequestValidationError([fault])


router = APIRouter()
router.include_router(taking)
router.include_router(batch_http.router)
router.include_router(tasks_http.router)
router.include_router(users_http.router)
