"""Request bodies by the rules of the wire: what arrives over HTTP is parsed like what arrives over NATS."""

from __future__ import annotations

import re
from typing import Any

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

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
