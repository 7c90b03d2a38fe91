"""Priority over REST, end to end: gateways, workers, NATS and Redis, as a front end uses them."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from nats.aio.client import Client

from memebattle.cli.local import NatsServer, RedisServer
from tests.fleet import Fleet
from tests.pods import Pods
from tests.waiting import wait_until

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

    workers: Fleet
    pods: Pods
    http: httpx.AsyncClient

    def url(self, path: str, pod: int = 1) -> str:
        return f"http://127.0.0.1:{self.pods.ports[pod]}{path}"

    async def ask(self, pod: int = 1, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        return await self.http.post(self.url(API, pod), json=TASK | fields, headers=headers)

    async def get(self, path: str, pod: int = 1) -> httpx.Response:
        return await self.http.get(self.url(path, pod))

    async def state(self, request_id: str, pod: int = 1) -> str:
        found = await self.get(f"{API}/status/{request_id}", pod)
        return str(found.json()["state"]) if found.status_code == 200 else str(found.status_code)


@pytest.fixture
def gateway_env(nats_server: NatsServer, redis_server: RedisServer) -> dict[str, str]:
    return {
        "NATS_URL": nats_server.url("gateway"),
        "NATS_INBOX_PREFIX": "_INBOX_gateway",
        "REDIS_URL": redis_server.url,
    }


@pytest.fixture
async def office(
    worker_env: dict[str, str], gateway_env: dict[str, str], tmp_path: Path
) -> AsyncIterator[Office]:
    workers = Fleet(worker_env | {"WORKER_CONTEXTS": "priority"}, tmp_path)
    pods = Pods(gateway_env, tmp_path)
    async with httpx.AsyncClient(timeout=30) as http:
        try:
            await workers.start(1)
            await pods.start(2)
            yield Office(workers, pods, http)
        finally:
            await asyncio.gather(workers.stop(), pods.stop())


async def test_a_task_and_all_that_can_be_done_with_it(office: Office, developer: Client) -> None:
    """P30 to P34: asked at one gateway, seen at the other; scored, cached, changed, decided, withdrawn."""
    first = await office.ask(headers=WAIT, id="t1")
    assert (first.status_code, first.headers["X-Cache"]) == (200, "MISS")
    assert await office.state("t1", pod=2) == "completed"

    similar = TASK["title"].upper().replace(" ", "  ") + "!"
    again = await office.ask(2, headers=WAIT, id="t2", title=similar)
    assert (again.status_code, again.headers["X-Cache"]) == (200, "HIT")
    assert (again.json()["request_id"], again.json()["cached"]) == ("t2", True)
    assert again.json()["priority_metrics"] == first.json()["priority_metrics"]

    changed = await office.http.put(office.url(f"{API}/t1"), json=TASK | {"risk_level": 10}, headers=WAIT)
    assert (changed.status_code, changed.json()["revision"]) == (200, 2)
    ranking = (await office.get(f"{API}/ranking", pod=2)).json()
    assert [each["request_id"] for each in ranking["items"]] == ["t1", "t2"]

    decision = {
        "action": "set",
        "urgency_level": "CRITICAL",
        "final_priority_score": 9.9,
        "reason": "the board",
    }
    decided = await office.http.patch(office.url(f"{API}/t2"), json=decision)
    assert decided.status_code == 200
    ranking = (await office.get(f"{API}/ranking")).json()
    assert [each["request_id"] for each in ranking["items"]] == ["t2", "t1"]

    withdrawn = await office.http.delete(office.url(f"{API}/t2"))
    assert withdrawn.status_code in {200, 202}
    ranking = (await office.get(f"{API}/ranking", pod=2)).json()
    assert [each["request_id"] for each in ranking["items"]] == ["t1"]

    history = (await office.get(f"{API}/history")).json()
    assert len(history["items"]) == 5  # three results and two decisions
    audit = (await developer.jetstream().stream_info("SYSTEM_EVENTS")).state
    assert audit.messages >= 1
    assert (await office.get(f"{API}/status/nobody")).status_code == 404


async def test_the_events_of_a_task(office: Office) -> None:
    """P51: a stream from the second gateway, while the task goes through the first."""
    worker = office.workers.workers[1]
    worker.signal(signal.SIGSTOP)
    accepted = await office.ask(id="t1")
    assert (accepted.status_code, accepted.headers["Location"]) == (202, f"{API}/status/t1")
    assert await office.state("t1", pod=2) in {"queued", "202"}

    events: list[tuple[str, str]] = []
    async with office.http.stream("GET", office.url(f"{API}/t1/events", 2)) as stream:
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
    assert result["request_id"] == "t1"
    assert last_id.isdigit()


async def test_a_batch_of_five_hundred(office: Office) -> None:
    """500 results over three workers, none twice, and the ranking is right."""
    await asyncio.gather(office.workers.start_one(2), office.workers.start_one(3))
    await asyncio.gather(office.workers.is_ready(2), office.workers.is_ready(3))
    tasks = [TASK | {"id": f"t{n}", "title": f"Task {n}", "risk_level": 1 + n % 7} for n in range(500)]
    asked = await office.http.post(office.url(f"{API}/batch"), json={"tasks": tasks})
    assert asked.status_code == 202, asked.text

    async def all_ranked() -> dict[str, Any] | None:
        found = (await office.get(f"{API}/ranking?limit=500", pod=2)).json()
        return found if found["total"] == 500 else None

    ranking = await wait_until(all_ranked, "500 ranked tasks", timeout=40)
    items = ranking["items"]
    counts = Counter(each["request_id"] for each in items)
    assert counts == Counter(task["id"] for task in tasks)
    risks = [1 + int(each["request_id"][1:]) % 7 for each in items]
    scores = [each["effective_score"] for each in items]
    assert scores == sorted(scores, reverse=True)
    assert risks == sorted(risks, reverse=True)
    assert await office.workers.metric("priority_requests_total") == 500


async def test_no_nats_and_no_redis(
    office: Office, nats_server: NatsServer, redis_server: RedisServer
) -> None:
    """Without NATS cached answers go on, all else says 503; without Redis only the cache is gone."""
    await office.ask(headers=WAIT, id="t1")
    await nats_server.child.stop()
    await wait_until(lambda: _is(office, 503), "the gateway notices")
    hit = await office.ask(id="t2")
    new = await office.ask(title="Something else")
    assert (hit.status_code, hit.headers["X-Cache"], hit.headers["X-Recorded"]) == (200, "HIT", "false")
    assert (new.status_code, "retry-after" in new.headers) == (503, True)
    assert (await office.get("/api/v1/health")).status_code == 503

    await nats_server.start()
    await wait_until(lambda: _is(office, 200), "the gateway is back", timeout=20)
    await redis_server.child.stop()
    await office.workers.is_ready(1)
    scored = await office.ask(headers=WAIT, id="t3", title="Without Redis")
    assert (scored.status_code, scored.headers["X-Cache"]) == (200, "MISS")
    assert await office.state("t3", pod=2) == "completed"
    health = await office.get("/api/v1/health")
    assert (health.status_code, health.json()["status"]) == (200, "DEGRADED")


async def test_a_question_is_answered_at_once_or_not_at_all(office: Office) -> None:
    """P8: with a worker there, and when it does not answer in time."""
    now = await office.http.post(office.url(f"{API}/sync"), json=TASK)
    assert (now.status_code, now.json()["urgency_level"]) == (200, "HIGH")

    office.workers.workers[1].signal(signal.SIGSTOP)
    slow = await office.http.post(office.url(f"{API}/sync"), json=TASK | {"title": "Something else"})
    office.workers.workers[1].signal(signal.SIGCONT)
    assert slow.status_code == 504
    assert API in slow.json()["detail"]


async def _is(office: Office, status: int) -> bool:
    return (await office.get("/readyz")).status_code == status
