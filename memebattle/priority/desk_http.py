"""What the routes of priority share: whom they speak to, how they are limited, and what their refusals mean.

Routes that change something count against the rate limit, reading does not. All of them have a place only
while they work, except event streams.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Request
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from memebattle.bus.messages import TOKEN_PATTERN
from memebattle.bus.publishing import MessageTooLarge
from memebattle.bus.refusals import IdConflict, QueueFull, Unavailable
from memebattle.bus.tasks import AWAY
from memebattle.priority.deciding import NotScored
from memebattle.priority.desk import PriorityDesk
from memebattle.priority.limits import Busy, RateLimited, TooMany, headers_of
from memebattle.priority.sending import TooSlow
from memebattle.priority.standing import UnknownTask

RATE_HEADERS = "memebattle.rate_headers"  # in the ASGI scope


class ProfilesAway(Exception):
    """A promise about a person's data could not be kept, because the store is away."""


type Problem = tuple[int, str, bool]

# exception -> status, name of the problem, whether its message is for the client; as in `gateway/errors.py`
PROBLEMS: dict[type[Exception], Problem] = {
    UnknownTask: (404, "unknown-task", True),
    NotScored: (409, "not-scored", True),
    TooMany: (413, "too-many-tasks", True),
    RateLimited: (429, "rate-limited", True),
    Busy: (503, "busy", True),
    ProfilesAway: (503, "memory-unavailable", True),
    TooSlow: (504, "too-slow", True),
}
# what else may become of one task of a batch
ITEM_PROBLEMS: dict[type[Exception], Problem] = {
    IdConflict: (409, "id-conflict", True),
    MessageTooLarge: (413, "content-too-large", False),
    QueueFull: (503, "queue-full", True),
    Unavailable: (503, "nats-unavailable", True),
    **dict.fromkeys(AWAY, (503, "nats-unavailable", False)),
}


class LimitedRoute(APIRoute):
    """Says on every response, refusals too, what is left of the client's limit."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        found: dict[str, str] = scope.setdefault(RATE_HEADERS, {})

        async def send_with_limit(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(found)
            await send(message)

        await super().handle(scope, receive, send_with_limit)


async def the_desk(request: Request) -> PriorityDesk:
    desk: PriorityDesk = request.app.state.priority
    return desk


Desk = Annotated[PriorityDesk, Depends(the_desk)]


async def a_place(desk: Desk) -> AsyncIterator[None]:
    """A place among the requests in work.

    Raises:
        Busy: there is none.
    """
    with desk.admission.work.place():
        yield


async def spend(request: Request, cost: int) -> None:
    """Count tasks of this client against its limit.

    Raises:
        RateLimited: it sent as many as it may.
        TooMany: it never may send as many at once.
    """
    admission = (await the_desk(request)).admission
    limit = await admission.hit(_client_of(request), cost)
    headers: dict[str, str] = request.scope.setdefault(RATE_HEADERS, {})
    if limit is not None:
        headers.update(headers_of(limit))
    try:
        admission.require(limit, cost)
    except RateLimited as error:
        headers["Retry-After"] = str(error.retry_after)
        raise


async def spend_one(request: Request) -> None:
    """The same for one task, before it is read."""
    await spend(request, 1)


def problem_of(error: BaseException) -> dict[str, Any] | None:
    """The problem of one task of a batch; None for what nobody expects."""
    table = PROBLEMS | ITEM_PROBLEMS
    row = next((table[kind] for kind in type(error).__mro__ if kind in table), None)
    if row is None:
        return None
    status, name, is_public = row
    detail = str(error) if is_public else "NATS did not take it; try again"
    return {"type": f"urn:memebattle:problem:{name}", "status": status, "detail": detail}


def has_tag(if_none_match: Iterable[str], tag: str) -> bool:
    """Whether the client has this version."""
    tags = [each.strip().removeprefix("W/") for each in ",".join(if_none_match).split(",")]
    return tag in tags or "*" in tags


def _client_of(request: Request) -> str:
    # behind a proxy the server puts in what the proxy forwarded, if it trusts that proxy
    return request.client.host if request.client is not None else "unknown"


RequestId = Annotated[str, Path(pattern=TOKEN_PATTERN, description="The task", examples=["ticket-4711"])]
SessionHeader = Annotated[
    str | None,
    Header(
        alias="X-Session-Id",
        pattern=TOKEN_PATTERN,
        description="Lists this task under `/api/v1/sessions/{session_id}/prioritizations`",
        examples=["sess_456"],
    ),
]
TraceHeader = Annotated[
    str | None, Header(description="The trace this task belongs to (W3C Trace Context)", examples=[None])
]
