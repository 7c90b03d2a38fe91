"""The routes that look at all tasks together: read, call, answer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, Field

from memebattle.bus.messages import TOKEN_PATTERN, Token, WireModel, decode
from memebattle.kit.http import body_as, body_schema
from memebattle.priority import examples
from memebattle.priority.board import Ranking
from memebattle.priority.insight import History, Insight, UnknownTasks
from memebattle.priority.messages import (
    MAX_BATCH,
    AnyCase,
    Category,
    PriorityRequest,
    ScoringModel,
    UrgencyLevel,
)
from memebattle.priority.scoring import Weights
from memebattle.priority.simulation import Simulated

MAX_PAGE = 500
LAST_PLACE = 2**53  # every client can count that far
USUAL = Weights()


class SimulatedWeights(WireModel):
    """What each factor counts in the weighted model; all together 1."""

    urgency: float = Field(USUAL.urgency, ge=0, le=1)
    business_impact: float = Field(USUAL.business_impact, ge=0, le=1)
    risk: float = Field(USUAL.risk, ge=0, le=1)
    role_weight: float = Field(USUAL.role_weight, ge=0, le=1)
    time_sensitivity: float = Field(USUAL.time_sensitivity, ge=0, le=1)


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


class Simulation(WireModel):
    """Tasks to be scored in another way than they are."""

    tasks: tuple[Token | PriorityRequest, ...] = Field(
        min_length=1, max_length=MAX_BATCH, description="Tasks, and ids of tasks that are in the ranking"
    )
    model: Annotated[ScoringModel, BeforeValidator(_lower)] | None = Field(
        None, description="Missing: each task by its own model; with weights, the weighted one"
    )
    weights: SimulatedWeights | None = Field(
        None, description="Only for the weighted model; a weight that is missing is the usual one"
    )


class SimulatedRanking(BaseModel):
    """The tasks by their simulated scores, highest first."""

    items: list[Simulated]


async def the_insight(request: Request) -> Insight:
    insight: Insight = request.app.state.insight
    return insight


async def the_simulation(request: Request) -> Simulation:
    """The body.

    Raises:
        HTTPException: 400, not JSON.
        RequestValidationError: JSON, but no simulation.
    """
    return await body_as(Simulation, request, decode)


All = Annotated[Insight, Depends(the_insight)]
BODY = body_schema(
    Simulation,
    {
        "tasks": [examples.TASK, "ticket-4712"],
        "model": "weighted",
        "weights": {
            "urgency": 0.2,
            "business_impact": 0.25,
            "risk": 0.3,
            "role_weight": 0.15,
            "time_sensitivity": 0.1,
        },
    },
)
RANKED: dict[str, Any] = {
    "rank": 1,
    "request_id": "ticket-4711",
    "revision": 1,
    "title": examples.TASK["title"],
    "category": "INFRASTRUCTURE",
    "requester_role": "MANAGER",
    "urgency_level": "HIGH",
    "score": 8.4665,
    "effective_score": 8.5915,
    "waited_hours": 3.0,
    "overridden": False,
    "escalation_required": True,
    "contributions": examples.RESULT["contributions"],
}
SIMULATED: dict[str, Any] = {
    "index": 0,
    "request_id": "ticket-4711",
    "title": examples.TASK["title"],
    "model": "weighted",
    "rank": 1,
    "score": 8.3945,
    "urgency_level": "HIGH",
    "escalation_required": True,
    "ai_confidence": 1.0,
    "contributions": [
        {"factor": "urgency", "value": 8.52, "weight": 0.2, "points": 1.704, "origin": "derived"},
        {"factor": "business_impact", "value": 9.6021, "weight": 0.25, "points": 2.4005, "origin": "given"},
        {"factor": "risk", "value": 7.8, "weight": 0.3, "points": 2.34, "origin": "given"},
        {"factor": "role_weight", "value": 7.0, "weight": 0.15, "points": 1.05, "origin": "given"},
        {"factor": "time_sensitivity", "value": 9.0, "weight": 0.1, "points": 0.9, "origin": "given"},
    ],
    "present_rank": 2,
    "present_score": 8.4665,
    "present_level": "HIGH",
    "rank_change": 1,
}
STORED: dict[str, Any] = {
    "seq": 4711,
    "kind": "response",
    "request_id": "ticket-4711",
    "revision": 1,
    "data": examples.RESULT,
}


def shown(example: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """A good answer, as OpenAPI shows it."""
    return {200: {"content": {"application/json": {"example": example}}}}


router = APIRouter(tags=["prioritization"])


@router.get(
    "/api/v1/prioritization/ranking",
    response_model=Ranking,
    responses=shown({"total": 1, "truncated": False, "items": [RANKED]}),
)
async def rank(
    insight: All,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    offset: Annotated[int, Query(ge=0, le=LAST_PLACE)] = 0,
    level: Annotated[UrgencyLevel, AnyCase] | None = None,
    category: Annotated[Category, AnyCase] | None = None,
) -> Ranking:
    """See what is most urgent now, of all tasks that were scored within the last week."""
    return await insight.ranking(limit, offset, level, category)


@router.get(
    "/api/v1/prioritization/history",
    response_model=History,
    responses=shown({"items": [STORED], "after": 4711, "more": False}),
)
async def look_back(
    insight: All,
    after: Annotated[int, Query(ge=0, le=LAST_PLACE, description="Only what is behind this place")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    request_id: Annotated[
        str | None,
        Query(pattern=TOKEN_PATTERN, description="Only the results of this task", examples=["ticket-4711"]),
    ] = None,
) -> History:
    """Read what was stored about all tasks, oldest first: results, errors, suggestions, decisions."""
    return await insight.history(after, limit, request_id)


@router.post(
    "/api/v1/prioritization/simulate",
    response_model=SimulatedRanking,
    responses=shown({"items": [SIMULATED]}),
    openapi_extra={"requestBody": BODY},
)
async def simulate(insight: All, wanted: Annotated[Simulation, Depends(the_simulation)]) -> SimulatedRanking:
    """Try another model or other weights; nothing is stored, and no language model is asked."""
    try:
        weights = Weights(**wanted.weights.model_dump()) if wanted.weights is not None else None
        return SimulatedRanking(items=await insight.simulate(wanted.tasks, wanted.model, weights))
    except UnknownTasks as unknown:
        raise RequestValidationError(
            [_fault(("tasks", place), str(unknown)) for place in unknown.places]
        ) from unknown
    except ValueError as error:
        raise RequestValidationError([_fault(("weights",), str(error))]) from error


def _fault(location: tuple[str | int, ...], message: str) -> dict[str, Any]:
    return {"loc": location, "msg": message, "type": "value_error"}
