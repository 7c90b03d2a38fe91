"""Request bodies by the rules of the wire: what arrives over HTTP is parsed like what arrives over NATS."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError


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
