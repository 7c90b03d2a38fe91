"""The routes of what is remembered of users: a person may see it, change it, delete it and opt out of it."""

from __future__ import annotations

from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from memebattle.bus.messages import decode
from memebattle.kit.http import body_as, body_schema
from memebattle.priority import examples
from memebattle.priority.desk_http import Desk, LimitedRoute, ProfilesAway, a_place, spend_one
from memebattle.priority.messages import AnyCase, RequesterRole, Text

Short = Annotated[str, Text, Field(min_length=1, max_length=64)]


class Profile(BaseModel):
    """What may be remembered; other fields are not kept. `opt_out` stands alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    role: Annotated[RequesterRole, AnyCase] | None = Field(
        None, description="Used for tasks with this `requester_id` that name no role", examples=["MANAGER"]
    )
    department: Short | None = Field(None, examples=["Sales"])
    timezone: Short | None = Field(None, examples=["Europe/Berlin"])
    language: Short | None = Field(None, examples=["en"])
    opt_out: bool | None = Field(
        None, description="`true`: forget all and remember nothing from now on; `false`: take that back"
    )

    @property
    def fields(self) -> dict[str, object]:
        """What is to be remembered."""
        return self.model_dump(exclude={"opt_out"}, exclude_none=True)

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.opt_out is None) != bool(self.fields):
            raise ValueError("either opt_out, or at least one of role, department, timezone and language")
        return self


async def the_profile(request: Request) -> Profile:
    """The body.

    Raises:
        HTTPException: 400, not JSON.
        RequestValidationError: JSON, but no profile.
    """
    return await body_as(Profile, request, decode)


UserId = Annotated[
    str,
    Path(min_length=1, max_length=128, description="As in a task's `requester_id`", examples=["kim-17"]),
]
KNOWN: dict[int | str, dict[str, Any]] = {
    200: {**examples.shown(examples.PROFILE, "What is remembered"), "model": Profile}
}

router = APIRouter(tags=["users"])
reading = APIRouter(dependencies=[Depends(a_place)])
changing = APIRouter(route_class=LimitedRoute, dependencies=[Depends(a_place), Depends(spend_one)])


@changing.put(
    "/api/v1/users/{user_id}/cache",
    responses=KNOWN,
    openapi_extra={"requestBody": body_schema(Profile, examples.PROFILE)},
)
async def remember(
    desk: Desk, user_id: UserId, profile: Annotated[Profile, Depends(the_profile)]
) -> Response:
    """Remember something of a user, or opt out; the answer is what was kept, nothing for who opted out."""
    if profile.opt_out is None:
        return JSONResponse(await desk.profiles.remember(user_id, profile.fields))
    switch = desk.profiles.opt_out if profile.opt_out else desk.profiles.opt_in
    if not await switch(user_id):
        raise ProfilesAway("the memory of users is out of reach: nothing was changed, try again")
    return JSONResponse({"opt_out": profile.opt_out})


@reading.get("/api/v1/users/{user_id}/cache", responses=KNOWN)
async def recall(desk: Desk, user_id: UserId) -> Response:
    """Show all that is remembered of a user."""
    known = await desk.profiles.recall(user_id)
    if known is None:
        raise HTTPException(404, "nothing is remembered of this user")
    return JSONResponse(known, headers={"Cache-Control": "no-store"})


@changing.delete(
    "/api/v1/users/{user_id}/cache", status_code=204, responses={204: {"description": "It is forgotten"}}
)
async def forget(desk: Desk, user_id: UserId) -> Response:
    """Forget all that is remembered of a user; who opted out stays out."""
    if await desk.profiles.forget(user_id) is None:
        raise ProfilesAway("the memory of users is out of reach: nothing was forgotten, try again")
    return Response(status_code=204)


router.include_router(reading)
router.include_router(changing)
