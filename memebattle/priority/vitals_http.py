"""The routes of health, and the rules of scoring: read, call, answer.

An answer of health is 503 only when it is CRITICAL, and then it says why like any other.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from memebattle.priority.health import Detailed, MinutesReport, SystemReport, Verdict
from memebattle.priority.rulebook import ScoringRules, rules_of
from memebattle.priority.vitals import RECENT, Vitals

A_DAY = 24 * 60  # minutes; as long as they are kept
UNSTORED = {"Cache-Control": "no-store"}


async def the_vitals(request: Request) -> Vitals:
    vitals: Vitals = request.app.state.vitals
    return vitals


Signs = Annotated[Vitals, Depends(the_vitals)]
VERDICT: dict[str, Any] = {
    "status": "DEGRADED",
    "parts": {"nats": True, "jetstream": True, "streams": True, "redis": False},
    "reasons": ["Redis: no answer within 1 s"],
    "version": "0.1.0",
    "checked_at": "2026-11-22T15:30:00Z",
}
DETAILED: dict[str, Any] = {
    **VERDICT,
    "nats": {"up": True, "figures": {"version": "2.12.1", "round_trip_ms": 0.4, "reconnects": 0}},
    "jetstream": {
        "up": True,
        "figures": {
            "memory": 0,
            "storage": 73400320,
            "streams": 10,
            "consumers": 3,
            "max_memory": None,
            "max_storage": 10737418240,
            "max_streams": None,
            "max_consumers": None,
            "fullest": 0.0068,
        },
    },
    "streams": {
        "up": True,
        "figures": [
            {
                "name": "PRIORITY_REQUESTS",
                "needed": True,
                "present": True,
                "messages": 3,
                "bytes": 2048,
                "consumer": {"name": "priority-processor", "pending": 1, "in_work": 2, "redelivered": 0},
            }
        ],
    },
    "redis": {"up": False, "error": "no answer within 1 s", "figures": None},
    "cache": {"result": {"hits": 80, "misses": 20, "errors": 3, "ratio": 0.8}},
    "processing": {"up": False, "error": "ConnectionError", "figures": None},
}


def shown(model: type[Verdict], example: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """OK, DEGRADED and CRITICAL have the same form."""
    content = {"application/json": {"example": example}}
    critical = {**example, "status": "CRITICAL", "parts": {**example["parts"], "nats": False}}
    return {
        200: {"content": content},
        503: {
            "model": model,
            "description": "CRITICAL: NATS is away",
            "content": {"application/json": {"example": critical}},
        },
    }


router = APIRouter(tags=["health"])


@router.get("/api/v1/health", response_model=Verdict, responses=shown(Verdict, VERDICT))
async def health(vitals: Signs, response: Response) -> Verdict:
    """See whether priority works: OK, DEGRADED (something is missing) or CRITICAL (NATS is away)."""
    return _answered(response, await vitals.health())


@router.get("/api/v1/health/detailed", response_model=Detailed, responses=shown(Detailed, DETAILED))
async def health_in_detail(vitals: Signs, response: Response) -> Detailed:
    """See what that rests on: round trips, limits, streams, Redis, our cache, and how long tasks took."""
    return _answered(response, await vitals.detailed())


@router.get("/api/v1/health/metrics", response_model=MinutesReport)
async def recent_metrics(
    vitals: Signs,
    response: Response,
    minutes: Annotated[int, Query(ge=1, le=A_DAY, description="With the current one")] = RECENT,
) -> MinutesReport:
    """Read what all replicas counted in the last minutes, added up."""
    response.headers.update(UNSTORED)
    return await vitals.minutes(minutes)


@router.get("/api/v1/health/system", response_model=SystemReport)
async def this_process(vitals: Signs, response: Response) -> SystemReport:
    """See what this gateway takes of its machine."""
    response.headers.update(UNSTORED)
    return vitals.system()


@router.get("/api/v1/config/scoring", response_model=ScoringRules)
async def scoring_rules(request: Request) -> ScoringRules:
    """Read how tasks are scored here: weights, multipliers, levels and service levels."""
    return rules_of(request.app.state.wiring.settings.priority)


def _answered[V: Verdict](response: Response, verdict: V) -> V:
    response.headers.update(UNSTORED)
    if verdict.status == "CRITICAL":
        response.status_code = 503
    return verdict
