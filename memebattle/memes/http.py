"""The routes of memes: read, call, answer.

For clients that prefer HTTP, and for pages that missed an event. Errors are raised here and become problem
details (RFC 9457) in `gateway/errors.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from memebattle.bus.idempotency import Answer
from memebattle.bus.messages import TOKEN_PATTERN, decode
from memebattle.generation.gallery import Gallery
from memebattle.kit.http import body_as, the_wait
from memebattle.memes.asking import Asking
from memebattle.memes.messages import MemeError, MemeRequest, MemeResponse

# a picture never changes under its name
FOR_EVER = "public, max-age=31536000, immutable"


class Accepted(BaseModel):
    """The request is stored and will be answered."""

    request_id: str = Field(examples=["cat-on-mars-1"])
    status: Literal["accepted", "pending", "cancelling"] = Field(
        description="`accepted` just now, `pending` since before, `cancelling` on request"
    )


async def the_asking(request: Request) -> Asking:
    asking: Asking = request.app.state.asking
    return asking


async def the_gallery(request: Request) -> Gallery:
    gallery: Gallery = request.app.state.gallery
    return gallery


async def the_meme_request(request: Request) -> MemeRequest:
    """The body; parsed by the same rules as a NATS message, with a bounded depth.

    Raises:
        HTTPException: 400, not JSON.
        RequestValidationError: JSON, but no meme request.
    """
    return await body_as(MemeRequest, request, decode)


Memes = Annotated[Asking, Depends(the_asking)]
Pictures = Annotated[Gallery, Depends(the_gallery)]
RequestId = Annotated[str, Path(pattern=TOKEN_PATTERN, examples=["cat-on-mars-1"])]

STORED: dict[int | str, dict[str, Any]] = {
    200: {
        "model": MemeResponse | MemeError,
        "description": "The stored answer, of either kind",
    },
    202: {"model": Accepted, "description": "Not answered yet"},
}
BODY = {"required": True, "content": {"application/json": {"schema": MemeRequest.model_json_schema()}}}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "`wait=10`: hold the response up to 10 seconds for the answer (RFC 7240)",
    "schema": {"type": "string"},
}

router = APIRouter(tags=["memes"])


@router.post(
    "/api/memes",
    status_code=202,
    responses=STORED,
    openapi_extra={"requestBody": BODY, "parameters": [PREFER]},
)
async def ask_for_meme(
    asking: Memes,
    request: Annotated[MemeRequest, Depends(the_meme_request)],
    wait: Annotated[int, Depends(the_wait)],
    traceparent: Annotated[
        str | None, Header(description="The trace this request belongs to (W3C Trace Context)")
    ] = None,
) -> Response:
    """Ask for a meme; without `Prefer: wait` it is answered under the `Location`."""
    asked = await asking.ask(request, wait, traceparent)
    headers = {"Preference-Applied": f"wait={wait}"} if wait else {}
    if asked.answer is not None:
        return _stored(asked.answer, headers)
    headers["Location"] = f"/api/memes/{asked.request_id}"
    return _accepted(asked.request_id, "accepted", headers)


@router.get("/api/memes/{request_id}", responses=STORED)
async def look_for_answer(asking: Memes, request_id: RequestId) -> Response:
    """Look for the answer to a request."""
    if (answer := await asking.answer(request_id)) is not None:
        return _stored(answer)
    if await asking.pending(request_id):
        return _accepted(request_id, "pending", {"Retry-After": "1"})
    raise HTTPException(404, f"nobody asked for {request_id} here within the last 24 hours")


@router.delete("/api/memes/{request_id}", status_code=202, responses={202: {"model": Accepted}})
async def cancel_request(asking: Memes, request_id: RequestId) -> Response:
    """Stop a request; if nobody answered it yet, its answer will be the error `cancelled`."""
    await asking.cancel(request_id)
    return _accepted(request_id, "cancelling")


@router.head("/images/{sha256}.webp", include_in_schema=False)
@router.get(
    "/images/{sha256}.webp",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}}, 304: {"description": "You have it"}},
)
async def show_image(
    gallery: Pictures, request: Request, sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
) -> Response:
    """Show a finished picture by its SHA-256."""
    headers = {"ETag": f'"{sha256}"', "Cache-Control": FOR_EVER}
    if _has(request.headers.getlist("if-none-match"), sha256):
        return Response(status_code=304, headers=headers)
    if (meme := await gallery.image(sha256)) is None:
        raise HTTPException(404, "there is no such picture, or not any more", {"Cache-Control": "no-store"})
    return Response(meme.data, media_type="image/webp", headers=headers)


def _has(if_none_match: list[str], sha256: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in ",".join(if_none_match).split(",")]
    return f'"{sha256}"' in tags


def _stored(answer: Answer, headers: dict[str, str] | None = None) -> Response:
    """The answer as the workers wrote it, byte for byte."""
    return Response(answer.body, media_type="application/json", headers=headers)


def _accepted(request_id: str, status: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"request_id": request_id, "status": status}, 202, headers)
