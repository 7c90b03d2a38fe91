"""What requests have in common: bodies by the rules of the wire, how long to wait, where to go on."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Header, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from memebattle.kit.sse import last_event_id

LONGEST_PLACE = 19  # digits of a sequence number
_WAIT = re.compile(r'^wait\s*=\s*"?(\d{1,9})"?\s*(;|$)', re.IGNORECASE)


async def the_wait(request: Request) -> int:
    """Seconds the client prefers to wait, as far as we go along with it."""
    most: float = request.app.state.max_wait
    return min(preferred_wait(request.headers.getlist("prefer")) or 0, int(most))


def preferred_wait(values: list[str]) -> int | None:
    """The `wait` of the `Prefer` headers, in seconds; a preference we cannot read is ignored (RFC 7240)."""
    for preference in ",".join(values).split(","):
        if (found := _WAIT.match(preference.strip())) is not None:
            return int(found[1])
    return None


def the_last_event_id(example: str) -> Callable[..., Awaitable[str | None]]:
    """A dependency: the id of the last event this client has seen; None when it begins."""

    async def found(
        header: str | None = Header(
            None,
            alias="Last-Event-ID",
            description="Go on behind this event; an EventSource that comes back says so by itself",
            examples=[example],
        ),
        query: str | None = Query(
            None,
            alias="last_event_id",
            description="The same, for a page that starts with an id; the header counts first",
            examples=[example],
        ),
    ) -> str | None:
        return last_event_id({"last-event-id": header or ""}, {"last_event_id": query or ""})

    return found


async def the_last_place(
    event_id: Annotated[str | None, Depends(the_last_event_id("1047"))],
) -> int | None:
    """The same where ids are places in a stream: the number.

    Raises:
        HTTPException: 400, that is no event id of ours.
    """
    if event_id is None:
        return None
    if not (event_id.isascii() and event_id.isdecimal() and len(event_id) <= LONGEST_PLACE):
        raise HTTPException(400, "Last-Event-ID: not an event id of ours")
    return int(event_id)


async def body_as[M: BaseModel](model: type[M], request: Request, decode: Any) -> M:
    """The body as `model`; `decode` parses JSON with a bounded depth.

    Raises:
        HTTPException: 400, not JSON.
        RequestValidationError: JSON, but not this model.
    """
    body = await request.body()
    try:
        data = decode(body)
    except ValueError as error:
        raise HTTPException(400, f"the body is not JSON: {error}") from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from error


def body_schema(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """The `requestBody` of a route that reads its body with `body_as`, for OpenAPI."""
    return {
        "required": True,
        "content": {"application/json": {"schema": schema_of(model), "example": example}},
    }


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model that FastAPI does not know, for OpenAPI.

    Its parts cannot be references into the document, so they are put in where they are named. No message of
    ours contains itself.
    """
    schema = model.model_json_schema()
    found: dict[str, Any] = _put_in(schema, schema.pop("$defs", {}))
    return found


def _put_in(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_put_in(each, parts) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if (reference := schema.get("$ref")) is not None:
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return {**_put_in(parts[reference.removeprefix("#/$defs/")], parts), **rest}
    return {name: _put_in(value, parts) for name, value in schema.items()}
