"""What a gateway answers, read with care: it may be no gateway, and what it says is shown to a person."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from memebattle.chat.events import MessageComplete
from memebattle.chat.messages import ResponseChunk
from memebattle.cli.foreign import printable_line
from memebattle.cli.output import USAGE, Problem
from memebattle.generation.providers._http import BodyRefused, httpx, read_body
from memebattle.generation.providers.event_stream import Event

MAX_BODY = 16 * 1024 * 1024  # bytes; a conversation of ten long answers is a few megabytes


class NotResumable(Exception):
    """What was missed of this answer is not kept any more; the message says why."""


class Lost(Exception):
    """This pod cannot tell us more; another may."""


def refusal(url: str, status: int, problem: Mapping[str, Any]) -> Exception:
    """What a status means to us."""
    detail = printable_line(str(problem.get("detail") or problem.get("title") or f"status {status}"))
    if status == 410:
        return NotResumable(detail)
    if status in {502, 503, 504}:
        return Lost(detail)
    if not str(problem.get("type", "")) and status == 404:
        return no_gateway(url)
    return Problem(f"the gateway refuses: {detail}", f"{url} answered with status {status}", code=USAGE)


def no_gateway(url: str) -> Problem:
    return Problem(f"{url} is no gateway of memebattle", "it answers, but not as one", "name one with --url")


async def problem_of(response: httpx.Response) -> dict[str, Any]:
    """Problem details (RFC 9457); empty when it is something else."""
    with contextlib.suppress(ValueError, BodyRefused):
        found = json.loads(await read_body(response, MAX_BODY))
        if isinstance(found, dict):
            return found
    return {}


async def body_of(response: httpx.Response) -> dict[str, Any]:
    url = str(response.url.copy_with(path="/", query=None)).rstrip("/")
    try:
        found = json.loads(await read_body(response, MAX_BODY))
    except (ValueError, BodyRefused):
        found = None
    if not isinstance(found, dict):
        raise no_gateway(url)
    return found


def read[M: (ResponseChunk, MessageComplete)](model: type[M], event: Event) -> M:
    try:
        return model.model_validate_json(event.data)
    except ValidationError as error:
        raise Problem(
            "the gateway sent something we cannot read", f"{event.event}: {error.error_count()} faults in it"
        ) from None


def reason_of(event: Event) -> str:
    with contextlib.suppress(ValueError, AttributeError):
        return printable_line(str(json.loads(event.data).get("reason")))
    return "the gateway does not say why"


def said(error: Exception) -> str:
    return printable_line(str(error)) or type(error).__name__
