"""Every error of the gateway as problem details (RFC 9457), in one place.

Services raise what happened; this table says what that is in HTTP. A client switches on `type`, a person
reads `detail`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import nats.errors
import nats.js.errors
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from memebattle.battle import http as battles
from memebattle.bus.publishing import MessageTooLarge, PublishFailed
from memebattle.bus.refusals import IdConflict, QueueFull, Unavailable
from memebattle.chat.asking import MemoryAway, UnknownMessage
from memebattle.chat.reading import Gone
from memebattle.chat.sessions import PodFull, SessionFull
from memebattle.priority import desk_http as priority

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = {"Retry-After": "2"}  # seconds
MAY_PASS = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}

# exception -> status, name of the problem, whether its message is for the client
PROBLEMS: dict[type[Exception], tuple[int, str, bool]] = {
    IdConflict: (409, "id-conflict", True),
    MessageTooLarge: (413, "content-too-large", False),
    QueueFull: (503, "queue-full", True),
    Gone: (410, "not-resumable", True),
    UnknownMessage: (404, "unknown-message", True),
    SessionFull: (429, "session-full", True),
    PodFull: (503, "pod-full", True),
    MemoryAway: (503, "memory-unavailable", True),
    **priority.PROBLEMS,
    **battles.PROBLEMS,
    Unavailable: (503, "nats-unavailable", True),
    PublishFailed: (503, "nats-unavailable", False),
    nats.errors.Error: (503, "nats-unavailable", False),
    nats.js.errors.Error: (503, "nats-unavailable", False),
    TimeoutError: (503, "nats-unavailable", False),
}


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = Field("about:blank", examples=["urn:memebattle:problem:queue-full"])
    title: str = Field(examples=["Service Unavailable"])
    status: int = Field(examples=[503])
    detail: str | None = Field(None, examples=["too many requests are waiting"])
    instance: str | None = Field(None, description="The path that was asked for")
    errors: list[dict[str, str]] | None = Field(None, description="What is wrong with which field")


class Application(FastAPI):
    """Its documents show a problem as one; as a route's model it would get the type of the answer."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return document


def install(app: FastAPI) -> None:
    """Answer every exception with its problem."""
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_bug)
    for kind in PROBLEMS:
        app.add_exception_handler(kind, _on_known)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses as OpenAPI shows them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def problem(
    status: int,
    detail: str | None = None,
    *,
    name: str | None = None,
    instance: str | None = None,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> JSONResponse:
    """A response that says what went wrong."""
    body = Problem(
        type=f"urn:memebattle:problem:{name}" if name else "about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=instance,
        errors=errors,
    )
    content = body.model_dump(exclude_none=True)
    return JSONResponse(content, status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)


async def _on_known(request: Request, error: Exception) -> JSONResponse:
    status, name, is_public = next(
        row for kind in type(error).__mro__ if (row := PROBLEMS.get(kind)) is not None
    )
    detail = str(error) if is_public else "NATS did not answer in time; try again"
    if not is_public:
        log.warning("Request failed", extra={"path": request.url.path, "error": repr(error)})
    headers = RETRY_AFTER if status in MAY_PASS else None
    return problem(status, detail, name=name, instance=request.url.path, headers=headers)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - by registration
    return problem(error.status_code, error.detail, instance=request.url.path, headers=error.headers)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - by registration
    faults = [{"pointer": _pointer(each["loc"]), "detail": str(each["msg"])} for each in error.errors()]
    detail = "; ".join(f"{fault['pointer']}: {fault['detail']}" for fault in faults[:3])
    return problem(422, detail, name="invalid-request", instance=request.url.path, errors=faults)


async def _on_bug(request: Request, error: Exception) -> JSONResponse:
    log.error("Bug in the gateway", exc_info=error, extra={"path": request.url.path})
    return problem(500, "this is our fault, and it is in the log", instance=request.url.path)


def _pointer(location: tuple[int | str, ...]) -> str:
    """A JSON pointer; the parts of a field name are escaped as RFC 6901 wants it."""
    return "#/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in location)
