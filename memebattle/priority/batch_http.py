"""The route that takes many tasks at once."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError, model_validator

from memebattle.bus.messages import decode
from memebattle.kit.http import body_as, body_schema
from memebattle.priority import examples
from memebattle.priority.desk_http import Desk, LimitedRoute, SessionHeader, a_place, problem_of, spend
from memebattle.priority.limits import TooMany
from memebattle.priority.messages import MAX_BATCH, PriorityRequest
from memebattle.priority.sending import Asked
from memebattle.priority.tasks_http import location_of

log = logging.getLogger(__name__)


class Batch(BaseModel):
    """Tasks as they came; each is read by itself, so that one that is none stops no other."""

    tasks: list[Any] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _bare_list(cls, data: Any) -> Any:
        return {"tasks": data} if isinstance(data, list) else data


class PriorityBatch(BaseModel):
    """Up to 500 tasks; a list without `tasks` around it is read too."""

    tasks: list[PriorityRequest] = Field(min_length=1, max_length=MAX_BATCH)


class ItemProblem(BaseModel):
    """Why a task was not taken (RFC 9457)."""

    type: str
    status: int
    detail: str


class Item(BaseModel):
    """What became of one task."""

    request_id: str | None = Field(None, description="Missing when the task was refused and had none")
    status: Literal["accepted", "answered", "refused"]
    location: str | None = Field(None, description="Where its state is found")
    recorded: bool | None = Field(None, description="False: NATS was away, so that only this batch knows it")
    error: ItemProblem | None = None


class Items(BaseModel):
    """What became of the tasks, in their order."""

    items: list[Item]


async def the_batch(request: Request) -> list[Any]:
    """The tasks in the body, counted against the client's limit.

    Raises:
        HTTPException: 400, not JSON.
        RequestValidationError: JSON, but no batch.
        TooMany: over 500, or more than the client may ever send.
        RateLimited: more than the client may send now.
    """
    tasks = (await body_as(Batch, request, decode)).tasks
    if len(tasks) > MAX_BATCH:
        raise TooMany(f"{len(tasks)} tasks, and a batch may have {MAX_BATCH}")
    await spend(request, len(tasks))
    return tasks


router = APIRouter(tags=["prioritization"], route_class=LimitedRoute, dependencies=[Depends(a_place)])


@router.post(
    "/api/v1/prioritization/batch",
    status_code=202,
    responses={
        200: {
            **examples.shown(examples.BATCH_ITEMS, "All are answered or refused"),
            "model": Items,
        },
        202: {**examples.shown(examples.BATCH_ITEMS, "Some are accepted"), "model": Items},
    },
    openapi_extra={"requestBody": body_schema(PriorityBatch, examples.BATCH)},
)
async def ask_all(
    desk: Desk, tasks: Annotated[list[Any], Depends(the_batch)], session: SessionHeader = None
) -> Response:
    """Ask about up to 500 tasks. A refusal of one stops no other; the same id twice is one task."""
    read = [_read(task) for task in tasks]
    requests = [each for each in read if isinstance(each, PriorityRequest)]
    asked = iter(await desk.prioritising.ask_all(requests, session))
    items = list(_items(read, asked))
    status = 202 if any(item.status == "accepted" for item in items) else 200
    return JSONResponse(Items(items=items).model_dump(exclude_none=True), status)


def _items(read: Sequence[PriorityRequest | Item], asked: Iterator[Asked | BaseException]) -> Iterator[Item]:
    for each in read:
        yield _outcome(each.id, next(asked)) if isinstance(each, PriorityRequest) else each


def _read(task: Any) -> PriorityRequest | Item:
    try:
        return PriorityRequest.model_validate(task)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in faults[:3])
    request_id = task.get("id") if isinstance(task, dict) else None
    kind = "urn:memebattle:problem:invalid-request"
    return _refused(request_id if isinstance(request_id, str) else None, kind, 422, said)


def _outcome(request_id: str | None, asked: Asked | BaseException) -> Item:
    if isinstance(asked, Asked):
        return Item(
            request_id=asked.request_id,
            status="accepted" if asked.answer is None else "answered",
            location=location_of(asked.request_id),
            recorded=None if asked.is_recorded else False,
        )
    if (known := problem_of(asked)) is not None:
        return _refused(request_id, known["type"], known["status"], known["detail"])
    log.error("Bug in the gateway", exc_info=asked, extra={"request_id": request_id})
    return _refused(request_id, "about:blank", 500, "this is our fault, and it is in the log")


def _refused(request_id: str | None, kind: str, status: int, detail: str) -> Item:
    return Item(
        request_id=request_id,
        status="refused",
        error=ItemProblem(type=kind, status=status, detail=detail),
    )
