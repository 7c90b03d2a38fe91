"""Ranking, history and simulation, and the routes that ask for them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import nats.errors
import pytest
from fastapi import FastAPI

from memebattle.bus.entries import Entry
from memebattle.bus.refusals import Unavailable
from memebattle.gateway import errors
from memebattle.priority import insight_http
from memebattle.priority.board import Ranking
from memebattle.priority.insight import History, Insight
from memebattle.priority.messages import PriorityRequest
from memebattle.priority.scoring import Weights
from memebattle.priority.simulation import Simulated
from tests.priority_tasks import KNOWN, MODELS, hours_from_now
from tests.ranked import Office

API = "/api/v1/prioritization"


@dataclass
class Counter:
    """An office, what a gateway says about it, and a client in front."""

    office: Office = field(default_factory=Office)
    is_connected: bool = True
    insight: Insight = field(init=False)
    http: httpx.AsyncClient = field(init=False)
    app: FastAPI = field(init=False)

    def __post_init__(self) -> None:
        office = self.office
        self.insight = Insight(
            office.board, office.log, lambda: self.is_connected, office.settings, now=office.wall
        )
        self.app = errors.Application(title="test")
        self.app.include_router(insight_http.router, responses=errors.responses(400, 422, 503))
        self.app.state.insight = self.insight
        errors.install(self.app)

    async def simulate(self, **body: Any) -> httpx.Response:
        return await self.http.post(f"{API}/simulate", json=body)


@pytest.fixture
async def counter() -> AsyncIterator[Counter]:
    counter = Counter()
    transport = httpx.ASGITransport(counter.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as counter.http:
        yield counter


@pytest.fixture
def office(counter: Counter) -> Office:
    return counter.office


def a_task(**fields: Any) -> dict[str, Any]:
    return {"title": "A task", "category": "SUPPORT", **KNOWN, **fields}


async def test_the_ranking_has_what_was_stored_a_moment_ago(counter: Counter, office: Office) -> None:
    await office.scores("low", risk_level=1)
    assert (await counter.http.get(f"{API}/ranking")).json()["total"] == 1

    await office.scores("high", risk_level=10, category="SECURITY")
    ranking = (await counter.http.get(f"{API}/ranking", params={"limit": 1})).json()
    assert (ranking["total"], ranking["truncated"]) == (2, False)
    assert [(item["rank"], item["request_id"]) for item in ranking["items"]] == [(1, "high")]
    asked = {"category": "support", "level": "low", "offset": 0}
    assert (await counter.http.get(f"{API}/ranking", params=asked)).json()["items"][0]["rank"] == 2


async def test_history_is_read_in_pages_as_it_was_stored(counter: Counter, office: Office) -> None:
    result = await office.scores("a")
    await office.decides("a", "set", urgency_level="HIGH")
    await office.fails("b")

    first = (await counter.http.get(f"{API}/history", params={"limit": 2})).json()
    rest = (await counter.http.get(f"{API}/history", params={"after": first["after"]})).json()
    assert (first["more"], rest["more"], rest["after"]) == (True, False, 3)
    items = first["items"] + rest["items"]
    assert [(item["seq"], item["kind"], item["request_id"]) for item in items] == [
        (1, "response", "a"),
        (2, "override", "a"),
        (3, "error", "b"),
    ]
    assert items[0]["data"] == json.loads(result.body())


async def test_of_one_task_history_has_its_results(counter: Counter, office: Office) -> None:
    await office.scores("a")
    await office.decides("a", "withdraw")
    await office.scores("b")
    await office.scores("a", revision=2)

    found = (await counter.http.get(f"{API}/history", params={"request_id": "a"})).json()
    assert [(item["seq"], item["revision"]) for item in found["items"]] == [(1, 1), (4, 2)]


async def test_a_stored_message_that_is_no_json_is_said_to_be_none(counter: Counter, office: Office) -> None:
    await office.log.add(Entry("a", "response", b"\xff"))

    assert (await counter.http.get(f"{API}/history")).json()["items"][0]["data"] is None
    assert (await counter.http.get(f"{API}/history", params={"after": 9})).json()["after"] == 9


async def test_other_weights_change_the_order(counter: Counter) -> None:
    """The one with the risk would rise."""
    risky = a_task(id="risky", risk_level=7, business_value=1)
    valuable = a_task(id="valuable", risk_level=1, business_value=9, affected_users_count=10)
    weights = {
        "urgency": 0,
        "business_impact": 0,
        "risk": 1,
        "role_weight": 0,
        "time_sensitivity": 0,
    }

    items = (await counter.simulate(tasks=[valuable, risky], weights=weights)).json()["items"]
    assert [(item["request_id"], item["score"], item["index"]) for item in items] == [
        ("risky", 7, 1),
        ("valuable", 1, 0),
    ]
    assert [(item["present_rank"], item["rank"], item["rank_change"]) for item in items] == [
        (2, 1, 1),
        (1, 2, -1),
    ]
    # T 2, R 7, U .6 x 2 + .4 x 7 = 4, B 1 + 1, A 4: S = 1.2 + .5 + 1.4 + .6 + .2
    assert items[0]["present_score"] == pytest.approx(3.9)


@pytest.mark.parametrize("model", MODELS)
async def test_any_model_can_be_tried(counter: Counter, model: str) -> None:
    items = (await counter.simulate(tasks=[a_task(), a_task(model="rice")], model=model.upper())).json()

    assert {item["model"] for item in items["items"]} == {model}
    assert items["items"][0]["score"] == pytest.approx(
        sum(row["points"] for row in items["items"][0]["contributions"]), abs=1e-4
    )


async def test_without_a_wish_nothing_would_change(counter: Counter) -> None:
    items = (await counter.simulate(tasks=[a_task(model="wsjf"), a_task(model="rice")])).json()["items"]

    assert {item["model"] for item in items} == {"wsjf", "rice"}
    assert all(item["score"] == item["present_score"] and item["rank_change"] == 0 for item in items)


@pytest.mark.parametrize("model", MODELS)
async def test_known_tasks_are_named_and_keep_what_was_guessed(
    counter: Counter, office: Office, model: Any
) -> None:
    unknown = dict.fromkeys(("risk_level", "estimated_effort_hours"))
    guesses = {"risk_level": 9.5, "estimated_effort_hours": 700}
    result = await office.scores("guessed", model=model, guesses=guesses, **unknown)

    (item,) = (await counter.simulate(tasks=["guessed"])).json()["items"]
    assert item["score"] == pytest.approx(result.priority_metrics.final_priority_score, abs=2e-4)
    assert item["present_score"] == result.priority_metrics.final_priority_score
    assert "llm" in {row["origin"] for row in item["contributions"]}


async def test_a_decision_is_what_is_at_present(counter: Counter, office: Office) -> None:
    await office.scores("decided", risk_level=1)
    await office.decides("decided", "set", final_priority_score=9)

    items = (await counter.simulate(tasks=[a_task(risk_level=8), "decided"])).json()["items"]
    assert [(item["index"], item["rank_change"]) for item in items] == [(0, 1), (1, -1)]
    assert (items[1]["present_score"], items[1]["present_level"]) == (9, "CRITICAL")


async def test_a_simulation_stores_nothing(counter: Counter, office: Office) -> None:
    await office.scores("known")
    await counter.simulate(tasks=["known", a_task(id="new", deadline=str(hours_from_now(1)))], model="rice")

    assert [entry.request_id for entry in office.log.entries] == ["known"]
    assert (await counter.insight.ranking(10)).total == 1


async def test_a_task_nobody_knows_is_named_by_its_place(counter: Counter, office: Office) -> None:
    await office.scores("known")

    response = await counter.simulate(tasks=["known", "never-heard-of", a_task()])
    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json()["errors"]] == ["#/tasks/1"]


@pytest.mark.parametrize(
    "body",
    [
        {"tasks": []},
        {"tasks": ["x"] * 501},
        {"tasks": ["not a token"]},
        {"tasks": [{"title": "no category"}]},
        {"tasks": [a_task()], "model": "moscow"},
        {"tasks": [a_task()], "weights": {"urgency": 0.9}},
        {"tasks": [a_task()], "weights": {"urgency": -0.7, "risk": 1.2}},
        {"tasks": [a_task()], "weights": {}, "model": "rice"},
    ],
    ids=["none", "too many", "no token", "no task", "no model", "more than 1", "below 0", "no weights"],
)
async def test_what_cannot_be_simulated_is_a_problem(counter: Counter, body: dict[str, Any]) -> None:
    response = await counter.simulate(**body)

    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize(
    "query",
    [
        "ranking?limit=0",
        "ranking?limit=501",
        "ranking?offset=-1",
        "ranking?level=urgent",
        "ranking?category=tea",
        "history?after=-1",
        "history?after=9007199254740993",
        "history?limit=501",
        "history?request_id=a.b",
    ],
)
async def test_bounds_of_a_query_are_kept(counter: Counter, query: str) -> None:
    response = await counter.http.get(f"{API}/{query}")

    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")


async def test_without_nats_it_says_so_at_once(counter: Counter) -> None:
    """But what needs no log is answered."""
    counter.is_connected = False

    for response in (
        await counter.http.get(f"{API}/ranking"),
        await counter.http.get(f"{API}/history"),
        await counter.simulate(tasks=["known"]),
    ):
        assert (response.status_code, response.json()["type"]) == (
            503,
            "urn:memebattle:problem:nats-unavailable",
        )
        assert response.headers["retry-after"]
    assert (await counter.simulate(tasks=[a_task()])).status_code == 200


@pytest.mark.parametrize("failure", [nats.errors.NoRespondersError(), TimeoutError(), OSError()])
async def test_a_log_that_does_not_answer_is_unavailable(
    counter: Counter, office: Office, failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> list[Entry]:
        raise failure

    monkeypatch.setattr(office.log, "after", fail)
    with pytest.raises(Unavailable):
        await counter.insight.ranking(10)
    with pytest.raises(Unavailable):
        await counter.insight.history(0, 10)


async def test_weights_need_the_weighted_model(counter: Counter) -> None:
    with pytest.raises(ValueError, match="wsjf has none"):
        await counter.insight.simulate([PriorityRequest(**a_task())], "wsjf", Weights())


def test_every_route_has_an_example(counter: Counter) -> None:
    paths = counter.app.openapi()["paths"]

    for path, method in (("ranking", "get"), ("history", "get"), ("simulate", "post")):
        content = paths[f"{API}/{path}"][method]["responses"]["200"]["content"]["application/json"]
        assert content["example"]["items"]
    body = paths[f"{API}/simulate"]["post"]["requestBody"]["content"]["application/json"]
    assert insight_http.Simulation.model_validate(body["example"]).weights is not None


def test_the_examples_are_what_the_routes_answer() -> None:
    Ranking.model_validate({"total": 1, "truncated": False, "items": [insight_http.RANKED]})
    Simulated.model_validate(insight_http.SIMULATED)
    History.model_validate({"items": [insight_http.STORED], "after": 1, "more": False})
