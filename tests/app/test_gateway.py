"""The gateway as a whole, over twins: errors, limits, headers, probes, counting, the page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import nats.errors
import pytest
from fastapi import FastAPI

from memebattle.bus.answers import MemoryAnswers
from memebattle.bus.publishing import PublishFailed
from memebattle.bus.requests import MemoryRequests
from memebattle.gateway import web
from memebattle.gateway.app import create_app
from tests.desk import Desk, open_desk

PROBLEM = "application/problem+json"
CAT = {"prompt": "a cat"}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with open_desk() as desk:
        yield desk


def test_it_builds_with_an_empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The documents and the tests need no secret, no server and no event loop."""
    for name in ("NATS_URL", "REDIS_URL", "HF_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    paths = create_app().openapi()["paths"]

    assert set(paths) == {
        "/api/battles/{code}",
        "/api/battles/{code}/events",
        "/api/battles/{code}/export.csv",
        "/api/battles/{code}/export.json",
        "/api/memes",
        "/api/memes/{request_id}",
        "/images/{sha256}.webp",
        "/api/chat",
        "/api/chat/{message_id}",
        "/api/chat/history",
        "/api/sse",
        "/api/v1/config/scoring",
        "/api/v1/health",
        "/api/v1/health/detailed",
        "/api/v1/health/metrics",
        "/api/v1/health/system",
        "/api/v1/prioritization",
        "/api/v1/prioritization/batch",
        "/api/v1/prioritization/history",
        "/api/v1/prioritization/ranking",
        "/api/v1/prioritization/simulate",
        "/api/v1/prioritization/status/{request_id}",
        "/api/v1/prioritization/sync",
        "/api/v1/prioritization/{request_id}",
        "/api/v1/prioritization/{request_id}/events",
        "/api/v1/sessions/{session_id}/prioritizations",
        "/api/v1/users/{user_id}/cache",
    }
    assert set(paths["/api/memes"]["post"]["responses"]) == {
        "200",
        "202",
        "400",
        "404",
        "409",
        "413",
        "422",
        "503",
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"", 400),
        (b"[" * 8000, 400),
        (b'{"prompt": NaN}', 400),
        (b'"a cat"', 422),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"prompt": ""}', 422),
        (b'{"prompt": 7}', 422),
        (b'{"prompt": "' + b"x" * 501 + b'"}', 422),
        (b'{"prompt": "a cat", "id": "a.b"}', 422),
        (b'{"prompt": "a cat", "seed": -1}', 422),
    ],
)
async def test_what_is_no_request_is_a_problem(desk: Desk, body: bytes, status: int) -> None:
    """400 when it is not JSON, 422 when it is no meme request; nothing is published."""
    response = await desk.http.post("/api/memes", content=body)

    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM)
    assert response.json()["status"] == status
    assert desk.requests.submitted == {}


async def test_a_validation_problem_names_every_field(desk: Desk) -> None:
    """A form can show each complaint at its field."""
    response = await desk.http.post("/api/memes", json={"prompt": "", "seed": -1})

    pointers = {error["pointer"] for error in response.json()["errors"]}
    assert pointers == {"#/prompt", "#/seed"}


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_over_16_kib_is_refused(desk: Desk, is_chunked: bool) -> None:
    """Announced or not."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 1024

    body: Any = chunks() if is_chunked else b" " * (16 * 1024 + 1)

    response = await desk.http.post("/api/memes", content=body)

    assert (response.status_code, response.headers["content-type"]) == (413, PROBLEM)


async def test_the_longest_sensible_request_fits(desk: Desk) -> None:
    """500 characters of four bytes, escaped, with captions."""
    body = {"prompt": "😀" * 500, "caption_top": "😀" * 200, "caption_bottom": "😀" * 200}

    assert (await desk.http.post("/api/memes", json=body)).status_code == 202


async def test_a_full_queue_says_when_to_come_back(desk: Desk) -> None:
    """Refused, never dropped."""
    desk.requests.limit = 0

    response = await desk.http.post("/api/memes", json=CAT)

    assert response.status_code == 503
    assert response.headers["retry-after"] == "2"
    assert response.json()["type"] == "urn:memebattle:problem:queue-full"


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_without_nats_every_route_says_so_at_once(desk: Desk, method: str) -> None:
    """Instead of waiting for a publish that may never end."""
    desk.is_connected = False
    path = "/api/memes" if method == "POST" else "/api/memes/cat-1"

    response = await desk.http.request(method, path, json=CAT if method == "POST" else None)

    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    assert response.json()["type"] == "urn:memebattle:problem:nats-unavailable"


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (PublishFailed("meme.request: secret-host"), 503),
        (nats.errors.ConnectionClosedError(), 503),
        (RuntimeError("secret-host"), 500),
    ],
)
async def test_failures_inside_tell_nothing_of_the_inside(failure: Exception, status: int) -> None:
    """The client reads a problem; the details are in the log."""

    class Failing(MemoryRequests):
        async def submit(self, request_id: str, body: bytes, traceparent: str = "") -> None:
            raise failure

    async with open_desk(requests=Failing(MemoryAnswers())) as desk:
        response = await desk.http.post("/api/memes", json=CAT)

    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM)
    assert "secret-host" not in response.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("PUT", "/api/memes", 405)])
async def test_the_routers_own_errors_are_problems_too(
    desk: Desk, method: str, path: str, status: int
) -> None:
    """One form for every error."""
    response = await desk.http.request(method, path)

    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM)


async def test_every_response_carries_the_security_headers(desk: Desk) -> None:
    """The page, the routes and the errors alike."""
    for path in ("/", "/api/memes/nobody", "/livez", "/config.json"):
        headers = (await desk.http.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


async def test_probes_tell_live_from_ready(desk: Desk) -> None:
    """Without NATS the process lives and is not ready."""
    assert (await desk.http.get("/readyz")).status_code == 200
    desk.is_connected = False

    assert (await desk.http.get("/livez")).status_code == 200
    for path in ("/readyz", "/healthz"):
        response = await desk.http.get(path)
        assert (response.status_code, response.json()["nats"]) == (503, "down")


async def test_a_stopped_gateway_is_not_ready() -> None:
    """Readiness goes first."""
    async with open_desk() as desk:
        health = desk.app.state.wiring.health
    assert health.report()[0] == "unavailable"


async def test_requests_are_counted_under_their_templates(desk: Desk) -> None:
    """Never under raw paths: anybody could fill the memory of the metrics."""
    await desk.http.post("/api/memes", json=CAT)
    await desk.http.get("/api/memes/somebody")
    await desk.http.get("/some/scanner.php")
    await desk.http.request("BREW", "/api/memes")
    await desk.http.post("/api/memes", content=b" " * 20_000)

    text = (await desk.http.get("/metrics")).text

    def sample(route: str, method: str, status: int) -> str:
        labels = f'method="{method}",route="{route}",status="{status}"'
        return f"memebattle_http_requests_total{{{labels}}} 1.0"

    assert sample("/api/memes", "POST", 202) in text
    assert sample("/api/memes/{request_id}", "GET", 404) in text
    assert "scanner" not in text
    assert "BREW" not in text
    assert 'status="413"' in text


async def test_the_page_learns_where_nats_is() -> None:
    """`null` means: by convention beside the page."""
    async with open_desk() as desk:
        assert (await desk.http.get("/config.json")).json() == {
            "websocket_url": None,
            "request_subject": "meme.request",
            "response_subject": "meme.response",
            "contexts": ["memes", "chat", "priority", "battle"],
        }
    async with open_desk({"NATS_WEBSOCKET_URL": "wss://nats.example"}) as desk:
        assert (await desk.http.get("/config.json")).json()["websocket_url"] == "wss://nats.example"


@pytest.mark.parametrize(
    ("typed", "room"),
    [("/battle", "/#/battle"), ("/battle/", "/#/battle"), ("/battle/KBDF", "/#/battle/KBDF")],
)
async def test_an_address_read_off_a_screen_leads_into_the_page(desk: Desk, typed: str, room: str) -> None:
    """Nobody types a `#`; and what leads there today may lead elsewhere tomorrow."""
    response = await desk.http.get(typed)

    assert (response.status_code, response.headers["location"]) == (307, room)
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("code", ["K.DF", "%2F%2Felsewhere.example", "KBDF%0A", "KBDF/more", "x" * 65])
async def test_what_can_be_no_code_leads_nowhere(desk: Desk, code: str) -> None:
    """Nor to another site, nor into a header; and it is counted under the template, not as typed."""
    response = await desk.http.get(f"/battle/{code}")

    assert (response.status_code, response.headers["content-type"]) == (404, PROBLEM)
    assert "location" not in response.headers
    assert "K.DF" not in (await desk.http.get("/metrics")).text


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A built page with documents."""
    for name in ("app/index.html", "app/docs/index.html", "app/assets/index-1a2b.js", "asyncapi/index.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "text", "cache"),
    [
        ("/", "app/index.html", "no-cache"),
        ("/assets/index-1a2b.js", "app/assets/index-1a2b.js", "public, max-age=31536000, immutable"),
        ("/docs", "app/docs/index.html", "no-cache"),
        ("/asyncapi/", "asyncapi/index.html", "no-cache"),
    ],
)
async def test_the_page_is_asked_for_and_its_parts_are_kept(
    static: Path, path: str, text: str, cache: str
) -> None:
    """What has a hash in its name never changes; everything else may, at the next release."""
    response = await page(static, path)

    assert (response.status_code, response.text, response.headers["cache-control"]) == (200, text, cache)


async def test_a_page_that_was_not_built_says_how(tmp_path: Path) -> None:
    """Not a blank 404."""
    (tmp_path / "not-built.html").write_text("make frontend")

    assert (await page(tmp_path, "/")).text == "make frontend"
    assert (await page(tmp_path, "/docs")).text == "make frontend"


async def page(static: Path, path: str) -> httpx.Response:
    """What a gateway with these files answers."""
    app = FastAPI(docs_url=None, redoc_url=None)
    web.pages(app, static)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http:
        return await http.get(path)
