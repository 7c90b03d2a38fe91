"""Priority over REST, end to end: gateways, workers, NATS and Redis, as a front end uses them."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from memebattle.cli.children import stopping
from memebattle.cli.local import NatsServer, RedisServer
from tests.fleet import Fleet
from tests.pods import Pods
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

API = "/api/v1/prioritization"
TASK = {
    "title": "VPN is down for the whole sales team",
    "category": "INFRASTRUCTURE",
    "requester_role": "MANAGER",
    "business_value": 8,
    "risk_level": 6,
    "affected_users_count": 40,
}
WAIT = {"Prefer": "wait=10"}


@dataclass
class Office:
    """Workers, gateways and somebody who asks them."""

    nats: NatsServer
    redis: RedisServer
    workers: Fleet
    pods: Pods
    http: httpx.AsyncClient

    def url(self, path: str, pod: int = 1) -> str:
        return f"http://127.0.0.1:{self.pods.ports[pod]}{path}"

    async def ask(self, pod: int = 1, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        return await self.http.post(self.url(API, pod), json=TASK | fields, headers=headers)

    async def get(self, path: str, pod: int = 1) -> httpx.Response:
        return await self.http.get(self.url(path, pod))

    async def ranked(self, names: str, pod: int = 1) -> list[dict[str, Any]]:
        """The tasks in the ranking whose ids begin like this."""
        found = (await self.get(f"{API}/ranking?limit=500", pod)).json()
        return [each for each in found["items"] if each["request_id"].startswith(names)]

    async def state(self, request_id: str, pod: int = 1) -> str:
        found = await self.get(f"{API}/status/{request_id}", pod)
        return str(found.json()["state"]) if found.status_code == 200 else str(found.status_code)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """One worker and two gateways for all tests; each test has tasks of its own name and title."""
    directory = tmp_path_factory.mktemp("office")
    nats, redis = NatsServer(directory / "nats"), RedisServer(directory / "redis")
    common = {"REDIS_URL": redis.url, "REDIS_TIMEOUT": "5", "WORKER_CONTEXTS": "priority"}
    rights = {
        role: {"NATS_URL": nats.url(role), "NATS_INBOX_PREFIX": f"_INBOX_{role}"}
        for role in ("worker", "gateway")
    }
    workers = Fleet(common | rights["worker"], directory)
    pods = Pods(common | rights["gateway"] | {"PRIORITY_SYNC_TIMEOUT": "1"}, directory)
    async with stopping(nats.child, redis.child), httpx.AsyncClient(timeout=30) as http:
        await asyncio.gather(nats.start(), redis.start())
        try:
            await asyncio.gather(workers.start(1), pods.start(2))
            yield Office(nats, redis, workers, pods, http)
        finally:
            await asyncio.gather(workers.stop(), pods.stop())


async def test_a_task_and_all_that_can_be_done_with_it(office: Office) -> None:
    """P30 to P34: asked at one gateway, seen at the other; scored, cached, changed, decided, withdrawn."""
    first = await office.ask(headers=WAIT, id="all-1")
    assert (first.status_code, first.headers["X-Cache"]) == (200, "MISS")
    assert await office.state("all-1", pod=2) == "completed"

    similar = TASK["title"].upper().replace(" ", "  ") + "!"
    again = await office.ask(2, headers=WAIT, id="all-2", title=similar)
    assert (again.status_code, again.headers["X-Cache"]) == (200, "HIT")
    assert (again.json()["request_id"], again.json()["cached"]) == ("all-2", True)
    assert again.json()["priority_metrics"] == first.json()["priority_metrics"]

    changed = await office.http.put(office.url(f"{API}/all-1"), json=TASK | {"risk_level": 10}, headers=WAIT)
    assert (changed.status_code, changed.json()["revision"]) == (200, 2)
    assert [each["request_id"] for each in await office.ranked("all-", pod=2)] == ["all-1", "all-2"]

    decision = {
        "action": "set",
        "urgency_level": "CRITICAL",
        "final_priority_score": 9.9,
        "reason": "the board",
    }
    decided = await office.http.patch(office.url(f"{API}/all-2"), json=decision)
    assert decided.status_code == 200
    assert [each["request_id"] for each in await office.ranked("all-")] == ["all-2", "all-1"]

    withdrawn = await office.http.delete(office.url(f"{API}/all-2"))
    assert withdrawn.status_code in {200, 202}
    assert [each["request_id"] for each in await office.ranked("all-", pod=2)] == ["all-1"]

    history = (await office.get(f"{API}/history?limit=100")).json()["items"]
    kinds = Counter(each["kind"] for each in history if each["request_id"].startswith("all-"))
    assert kinds == {"response": 3, "override": 2}
    detailed = (await office.get("/api/v1/health/detailed")).json()
    messages = {each["name"]: each["messages"] for each in detailed["streams"]["figures"]}
    assert messages["SYSTEM_EVENTS"] == 2  # who decided what
    assert (await office.get(f"{API}/status/nobody")).status_code == 404


async def test_the_events_of_a_task(office: Office) -> None:
    """P51: a stream from the second gateway, while the task goes through the first."""
    worker = office.workers.workers[1]
    worker.signal(signal.SIGSTOP)
    accepted = await office.ask(id="ev-1", title="Somebody follows this")
    assert (accepted.status_code, accepted.headers["Location"]) == (202, f"{API}/status/ev-1")
    assert await office.state("ev-1", pod=2) in {"queued", "202"}

    events: list[tuple[str, str]] = []
    async with office.http.stream("GET", office.url(f"{API}/ev-1/events", 2)) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.aiter_lines()
        worker.signal(signal.SIGCONT)
        last_id = ""
        async with asyncio.timeout(15):
            while "result" not in [name for name, _ in events]:
                line = await anext(lines)
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                if line.startswith("id: "):
                    last_id = line.removeprefix("id: ")
                if line.startswith("data: "):
                    events.append((name, line.removeprefix("data: ")))
    result = json.loads(dict(events)["result"])
    assert result["request_id"] == "ev-1"
    assert last_id.isdigit()


async def test_a_question_is_answered_at_once_or_not_at_all(office: Office) -> None:
    """P8: with a worker there, and when it does not answer in time."""
    now = await office.http.post(office.url(f"{API}/sync"), json=TASK | {"title": "Right now"})
    assert (now.status_code, now.json()["urgency_level"]) == (200, "HIGH")

    office.workers.workers[1].signal(signal.SIGSTOP)
    slow = await office.http.post(office.url(f"{API}/sync"), json=TASK | {"title": "Nobody is there"})
    office.workers.workers[1].signal(signal.SIGCONT)
    assert slow.status_code == 504
    assert API in slow.json()["detail"]


async def test_a_batch_of_five_hundred(office: Office) -> None:
    """500 results over three workers, none twice, and the ranking is right."""
    await asyncio.gather(office.workers.start_one(2), office.workers.start_one(3))
    await asyncio.gather(office.workers.is_ready(2), office.workers.is_ready(3))
    tasks = [TASK | {"id": f"batch-{n}", "title": f"Task {n}", "risk_level": 1 + n % 7} for n in range(500)]
    others = (await office.get(f"{API}/ranking", pod=2)).json()["total"]
    asked = await office.http.post(office.url(f"{API}/batch"), json={"tasks": tasks})
    assert asked.status_code == 202, asked.text

    async def all_ranked() -> list[dict[str, Any]] | None:
        pages = [await office.get(f"{API}/ranking?limit=500&offset={offset}", pod=2) for offset in (0, 500)]
        found = {each["request_id"]: each for page in pages for each in page.json()["items"]}
        # while results come in, a task may be on both pages, or on neither
        return list(found.values()) if len(found) == others + 500 else None

    ranked = await wait_until(all_ranked, "500 ranked tasks", timeout=40)
    items = [each for each in ranked if each["request_id"].startswith("batch-")]
    results = await _results(office, "batch-")
    assert Counter(each["request_id"] for each in results) == Counter(task["id"] for task in tasks)
    risks = [1 + int(each["request_id"][6:]) % 7 for each in items]
    scores = [each["effective_score"] for each in items]
    assert scores == sorted(scores, reverse=True)
    assert risks == sorted(risks, reverse=True)
    assert len({each["worker"] for each in results}) == 3


async def test_no_nats_and_no_redis(office: Office) -> None:
    """Without NATS cached answers go on, all else says 503; without Redis only the cache is gone."""
    known = {"title": "Known before the outage"}
    await office.ask(headers=WAIT, id="out-1", **known)
    await office.nats.child.stop()
    await wait_until(lambda: _is(office, 503), "the gateway notices")
    hit = await office.ask(id="out-2", **known)
    new = await office.ask(title="During the outage")
    assert (hit.status_code, hit.headers["X-Cache"], hit.headers["X-Recorded"]) == (200, "HIT", "false")
    assert (new.status_code, "retry-after" in new.headers) == (503, True)
    assert (await office.get("/api/v1/health")).status_code == 503

    await office.nats.start()
    await wait_until(lambda: _is(office, 200), "the gateway is back", timeout=20)
    await office.redis.child.stop()
    await office.workers.is_ready(1)
    scored = await office.ask(headers=WAIT, id="out-3", title="Without Redis")
    assert (scored.status_code, scored.headers["X-Cache"]) == (200, "MISS")
    assert await office.state("out-3", pod=2) == "completed"
    health = await office.get("/api/v1/health")
    assert (health.status_code, health.json()["status"]) == (200, "DEGRADED")


async def _results(office: Office, names: str) -> list[dict[str, Any]]:
    """What the stream has of tasks whose ids begin like this."""
    found: list[dict[str, Any]] = []
    after, more = 0, True
    while more:
        page = (await office.get(f"{API}/history?limit=500&after={after}")).json()
        found += [each["data"] for each in page["items"] if each["request_id"].startswith(names)]
        after, more = page["after"], page["more"]
    return found


async def _is(office: Office, status: int) -> bool:
    return (await office.get("/readyz")).status_code == status
