"""The routes of health and of the rules of scoring."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from memebattle.gateway import errors
from memebattle.priority import vitals_http
from memebattle.priority.health import Detailed
from memebattle.priority.scoring import Weights, level_of
from memebattle.settings import Settings
from tests.priority_tasks import CATEGORIES, MODELS, ROLES
from tests.unit.test_priority_vitals import Ward

API = "/api/v1"


@pytest.fixture
def ward() -> Ward:
    return Ward()


@pytest.fixture
def app(ward: Ward) -> FastAPI:
    app = errors.Application(title="test")
    app.include_router(vitals_http.router, responses=errors.responses(422))
    app.state.vitals = ward.vitals()
    app.state.wiring = SimpleNamespace(settings=Settings.from_env({"PRIORITY_MODEL": "wsjf"}))
    errors.install(app)
    return app


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client


async def test_health_is_short(http: httpx.AsyncClient) -> None:
    response = await http.get(f"{API}/health")

    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    assert response.json()["status"] == "OK"
    assert set(response.json()) == {"status", "parts", "reasons", "version", "checked_at"}


async def test_only_critical_is_503(ward: Ward, http: httpx.AsyncClient) -> None:
    ward.redis.failure = OSError()
    degraded = [await http.get(f"{API}/health{each}") for each in ("", "/detailed")]
    assert [(each.status_code, each.json()["status"]) for each in degraded] == [(200, "DEGRADED")] * 2

    ward.clock.now += 1
    ward.is_connected = False
    critical = [await http.get(f"{API}/health{each}") for each in ("", "/detailed")]
    assert [(each.status_code, each.json()["status"]) for each in critical] == [(503, "CRITICAL")] * 2
    for other in ("metrics", "system"):
        assert (await http.get(f"{API}/health/{other}")).status_code == 200


async def test_details_are_there(http: httpx.AsyncClient) -> None:
    found = (await http.get(f"{API}/health/detailed")).json()

    assert found["nats"]["figures"]["round_trip_ms"] == 0.5
    assert found["jetstream"]["figures"]["storage"] == 1024
    assert [each["name"] for each in found["streams"]["figures"]] == ["REQUESTS", "RESULTS", "EVENTS"]
    assert found["redis"]["figures"]["product"] == "valkey"
    assert found["cache"]["result"]["ratio"] == 0.8
    assert found["processing"]["figures"]["count"] == 0


async def test_metrics_of_the_last_minutes(ward: Ward, http: httpx.AsyncClient) -> None:
    ward.rollup.add("tasks", 2)
    await ward.rollup.flush()

    found = (await http.get(f"{API}/health/metrics", params={"minutes": 10})).json()
    assert (found["minutes"], found["counts"]) == (10, {"tasks": 2})
    for minutes in (0, 1441, "x"):
        response = await http.get(f"{API}/health/metrics", params={"minutes": minutes})
        assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")


async def test_the_system(http: httpx.AsyncClient) -> None:
    found = (await http.get(f"{API}/health/system")).json()

    assert found["memory_mb"] > 10
    assert len(found["load_average"]) == 3


async def test_the_rules_are_those_that_score(http: httpx.AsyncClient) -> None:
    rules = (await http.get(f"{API}/config/scoring")).json()

    assert Weights(**rules["weights"]) == Weights()
    assert (rules["model"], tuple(rules["models"])) == ("wsjf", MODELS)
    assert [level_of(each["from_score"]) for each in rules["levels"]] == [
        each["level"] for each in rules["levels"]
    ]
    assert (set(rules["categories"]), set(rules["roles"])) == (set(CATEGORIES), set(ROLES))
    assert rules["categories"]["SECURITY"] == {
        "risk_multiplier": 1.5,
        "sla_multiplier": 0.5,
        "usual": {
            "business_value": 6,
            "risk_level": 5,
            "estimated_effort_hours": 4,
            "affected_users_count": 10,
        },
    }
    assert rules["deadline"][0] == {
        "within_hours": 2,
        "points": 9,
        "words": "its deadline is within 2 hours",
    }
    assert rules["meeting"][-1]["within_hours"] is None


def test_the_examples_are_what_the_routes_answer(app: FastAPI) -> None:
    Detailed.model_validate(vitals_http.DETAILED)
    paths = app.openapi()["paths"]

    for path, status in (("health", "200"), ("health/detailed", "503")):
        content = paths[f"{API}/{path}"]["get"]["responses"][status]["content"]["application/json"]
        assert content["example"]["status"] in {"DEGRADED", "CRITICAL"}
        assert content["schema"]["$ref"].endswith(("Verdict", "Detailed"))
