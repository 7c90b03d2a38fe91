"""Whatever somebody sends to any documented route, the gateway has an answer that is not its own fault.

The routes, their parameters and their examples come from the OpenAPI document itself, so a new route is tried
without anybody thinking of it. Every request is drawn from a seed, and a failure says which.
"""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from memebattle.battle import events
from memebattle.battle.options import Options
from memebattle.battle.state import Battle
from memebattle.battle.table import fact_of
from memebattle.gateway.app import create_app
from memebattle.kit.metrics import Metrics
from tests.bureau import Bureau
from tests.desk import Desk, open_desk

NAME = "ticket-4711"  # of the examples
API = "/api/v1/prioritization"
REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "40"))  # for each route
# which do not end by themselves
STREAMS = {"/api/sse", "/api/v1/prioritization/{request_id}/events", "/api/battles/{code}/events"}
TOKENS = [
    NAME,
    "a" * 64,
    "a" * 65,
    "a.b",
    "*",
    ">",
    "%00",
    "..%2f..",
    "é",
    "%F0%9F%92%A9",
    "-1",
    "{id}",
    "%ff",
]
VALUES = [
    None, True, 0, -1, 1e308, 10**40, 0.1, "", " ", "x" * 5000, "\x00", "\ud800", "💩", "2026-13-45", "NaN",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", [], {}, [[[]]], {"": None}, ["x"] * 501,
    "SECURITY",
]  # fmt: skip
HEADERS = {
    "Prefer": ["wait=0", "wait=-1", "wait=999999999999", "wait=\u00b2", "respond-async, wait=0"],
    "Idempotency-Key": ["key-1", "a b", "", "x" * 300],
    "X-Session-Id": ["s1", "s.1", ""],
    "If-None-Match": ["*", '"', 'W/"1-completed-1"'],
    "traceparent": ["00-0-0-00", "x"],
    "Content-Type": ["application/json", "text/plain", "application/json; charset=utf-16"],
}


def routes() -> Iterator[tuple[str, str]]:
    for path, methods in create_app().openapi()["paths"].items():
        for method in methods:
            if path not in STREAMS:
                yield method, path


@pytest.fixture
async def desk(metrics: Metrics) -> AsyncIterator[Desk]:
    """A gateway that knows a task, a user, a request, a message and a battle of this name: not all is 404."""
    bureau = Bureau(metrics)
    await bureau.prioritise(id=NAME)
    async with open_desk() as desk:
        for entry in bureau.log.entries:
            await desk.priority.task_log.add(entry)  # type: ignore[union-attr]
        await desk.http.put(f"/api/v1/users/{NAME}/cache", json={"role": "CEO"})
        await desk.http.post("/api/memes", json={"id": NAME, "prompt": "a cat"})
        await desk.http.post("/api/chat", json={"message_id": NAME, "session_id": NAME, "message": "hello"})
        opened = events.Created(at=1, host="h", salt="s", options=Options())
        await desk.facts.add(fact_of(Battle(NAME), opened))
        yield desk


@pytest.mark.parametrize(("method", "path"), sorted(routes()))
async def test_every_request_has_an_answer(desk: Desk, method: str, path: str) -> None:
    operation = desk.app.openapi()["paths"][path][method]
    rng = random.Random(f"{method} {path}")
    for number in range(REQUESTS):
        request = a_request(rng if number else None, method, path, operation)
        response = await desk.http.send(request)
        tried = f"request {number}: {request.method} {request.url} {request.content[:500]!r}"
        assert response.status_code < 500 or response.status_code in {503, 504}, f"{tried}: {response.text}"
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json", tried
            assert response.json()["status"] == response.status_code, tried
        if not number and path != "/images/{sha256}.webp":
            # the example itself: another task has its id, and nobody knows the second one it simulates
            expected = {API: 409, f"{API}/sync": 409, f"{API}/simulate": 422}
            assert response.status_code in {200, 202, 204, expected.get(path)}, f"{tried}: {response.text}"


def a_request(rng: random.Random | None, method: str, path: str, operation: dict[str, Any]) -> httpx.Request:
    """Something between a good request and none at all; the example without a `rng`."""
    if rng is None:
        names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "path"]
        plain = path.format(**dict.fromkeys(names, NAME))
        query = {"session_id": NAME} if path == "/api/chat/history" else None
        body = json.dumps(example_of(operation)).encode() if "requestBody" in operation else None
        return httpx.Request(method.upper(), f"http://gateway{plain}", params=query, content=body)
    url, query = path, {}
    for parameter in operation.get("parameters", []):
        value = rng.choice(TOKENS)
        if parameter["in"] == "path":
            url = url.replace(f"{{{parameter['name']}}}", value)
        elif parameter["in"] == "query" and rng.random() < 0.7:
            query[parameter["name"]] = rng.choice([value, "0", "1", "500", "-1", "1e3", "9" * 30])
    headers = {name: rng.choice(values).encode() for name, values in HEADERS.items() if rng.random() < 0.3}
    content = a_body(rng, operation) if method in {"post", "put", "patch"} else None
    return httpx.Request(
        method.upper(), f"http://gateway{url}", params=query, headers=headers, content=content
    )


def a_body(rng: random.Random, operation: dict[str, Any]) -> bytes:
    kind = rng.random()
    if kind < 0.1:
        return rng.choice(
            [b"", b"{", b"[" * 5000, b"\xff\xfe", b"null", b"[]", b'"x"', b"1" * 5000, b'{"a":NaN}']
        )
    body = copy.deepcopy(example_of(operation))
    for _ in range(rng.choice([0, 1, 1, 2, 5])):
        body = mutated(rng, body)
    return json.dumps(body).encode()


def example_of(operation: dict[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if "example" in content:
        return content["example"]
    if examples := content.get("examples"):
        return next(iter(examples.values()))["value"]
    fields = content.get("schema", {}).get("properties", {})
    return {name: field["examples"][0] for name, field in fields.items() if "examples" in field}


def mutated(rng: random.Random, value: Any) -> Any:
    """The same with one thing changed, somewhere inside."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(sorted(value))
        match rng.random():
            case below if below < 0.2:
                return {name: each for name, each in value.items() if name != key}
            case below if below < 0.3:
                return value | {rng.choice(["", "x", "__proto__", key + "\u0000"]): rng.choice(VALUES)}
            case _:
                return value | {key: mutated(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.7:
        place = rng.randrange(len(value))
        return [*value[:place], mutated(rng, value[place]), *value[place + 1 :]]
    return rng.choice(VALUES)
