"""A gateway process between real servers and a worker process, as production runs them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from nats.aio.client import Client

from memebattle.cli.children import Child, ready, stopping
from memebattle.cli.local import NatsServer, RedisServer
from memebattle.cli.ports import free_port
from tests.fleet import fleet, stored_answers
from tests.waiting import wait_until
from tests.zygote import forked_gateway


@dataclass
class Front:
    """A gateway process and a client of it."""

    child: Child
    http: httpx.AsyncClient

    async def status(self, path: str) -> int:
        try:
            return (await self.http.get(path)).status_code
        except httpx.TransportError:
            return 0


@pytest.fixture
async def gateway_env(nats_server: NatsServer, redis_server: RedisServer) -> dict[str, str]:
    """The gateway as the restricted user of production."""
    return {
        "NATS_URL": nats_server.url("gateway"),
        "NATS_INBOX_PREFIX": "_INBOX_gateway",
        "REDIS_URL": redis_server.url,
        "REDIS_TIMEOUT": "5",
        "NATS_WEBSOCKET_URL": f"ws://127.0.0.1:{nats_server.websocket_port}",
        "WATCH_INTERVAL": "0.3",
    }


@pytest.fixture
async def front(gateway_env: dict[str, str], tmp_path: Path) -> AsyncIterator[Front]:
    """A live gateway; it may not be ready."""
    async with running(gateway_env, tmp_path / "gateway.log") as front:
        yield front


class running:  # noqa: N801 - reads like a function
    """A gateway process that lives as long as the block."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        self.port = free_port()
        self.child = forked_gateway({**env, "GATEWAY_ADDR": f"127.0.0.1:{self.port}"}, log)
        self.stopping = stopping(self.child)
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    async def __aenter__(self) -> Front:
        await self.stopping.__aenter__()
        await self.child.start()
        await ready(f"http://127.0.0.1:{self.port}/livez", self.child)
        return Front(self.child, self.http)

    async def __aexit__(self, *error: object) -> None:
        await self.http.aclose()
        await self.stopping.__aexit__(None, None, None)


async def test_a_prompt_becomes_a_picture_over_http(
    front: Front, worker_env: dict[str, str], tmp_path: Path, developer: Client
) -> None:
    """Ask and wait, look again, load the picture from both homes: one answer in all."""
    async with fleet(worker_env, tmp_path, 1):
        await wait_until(lambda: front_ready(front), "the gateway is ready")
        asked = await front.http.post(
            "/api/memes", json={"id": "cat-1", "prompt": "a cat"}, headers={"Prefer": "wait=20"}
        )
        again = await front.http.post("/api/memes", json={"id": "cat-1", "prompt": "a cat"})
        other = await front.http.post("/api/memes", json={"id": "cat-1", "prompt": "a dog"})
        looked = await front.http.get("/api/memes/cat-1")
        image = await front.http.get(asked.json()["image_url"])

    assert [asked.status_code, again.status_code, looked.status_code] == [200, 200, 200]
    assert asked.content == again.content == looked.content
    assert other.status_code == 409
    assert image.content == base64.b64decode(asked.json()["image_data"])
    assert hashlib.sha256(image.content).hexdigest() == asked.json()["sha256"]
    assert await stored_answers(developer) == {"cat-1": 1}


async def test_a_picture_outlives_redis(
    front: Front, worker_env: dict[str, str], tmp_path: Path, redis_server: RedisServer
) -> None:
    """With the cache gone the object store has it."""
    async with fleet(worker_env, tmp_path, 1):
        await wait_until(lambda: front_ready(front), "the gateway is ready")
        asked = await front.http.post("/api/memes", json={"prompt": "a cat"}, headers={"Prefer": "wait=20"})
        await redis_server.child.stop()
        image = await front.http.get(asked.json()["image_url"])

    assert (image.status_code, len(image.content)) == (200, len(base64.b64decode(asked.json()["image_data"])))


async def test_a_request_is_pending_until_a_worker_comes(
    gateway_env: dict[str, str], worker_env: dict[str, str], tmp_path: Path, developer: Client
) -> None:
    """Accepted by one gateway, pending for the other, answered when somebody works.

    Meanwhile both say how much waits: there is no worker to say it.
    """
    async with (
        fleet(worker_env, tmp_path, 1) as workers,
        running(gateway_env, tmp_path / "a.log") as one,
        running(gateway_env, tmp_path / "b.log") as other,
    ):
        await wait_until(lambda: front_ready(one), "the first gateway is ready")
        await wait_until(lambda: front_ready(other), "the second gateway is ready")
        await workers.workers[1].stop()
        accepted = await one.http.post("/api/memes", json={"id": "cat-1", "prompt": "a cat"})
        pending = await other.http.get("/api/memes/cat-1")
        for front in (one, other):
            await wait_until(lambda front=front: backlog(front, 1), "the gateway says that one waits")
        await workers.start_one(1)

        async def answer() -> httpx.Response | None:
            response = await other.http.get("/api/memes/cat-1")
            return response if response.status_code == 200 else None

        answered: httpx.Response = await wait_until(answer, "the request is answered", timeout=20)

    assert (accepted.status_code, pending.status_code) == (202, 202)
    assert answered.json()["prompt"] == "a cat"


async def test_a_cancelled_request_is_answered_so(
    front: Front, worker_env: dict[str, str], tmp_path: Path
) -> None:
    """DELETE reaches the worker that has it."""
    slow = {**worker_env, "LOCAL_LATENCY_MS": "30000"}
    async with fleet(slow, tmp_path, 1) as workers:
        await wait_until(lambda: front_ready(front), "the gateway is ready")
        await front.http.post("/api/memes", json={"id": "cat-1", "prompt": "a cat"})
        await wait_until(lambda: in_flight(workers), "the worker has it")
        await front.http.delete("/api/memes/cat-1")

        async def error() -> str | None:
            response = await front.http.get("/api/memes/cat-1")
            return response.json().get("code") if response.status_code == 200 else None

        assert await wait_until(error, "the answer is there") == "cancelled"


async def test_nats_may_go_and_come_back(
    front: Front, nats_server: NatsServer, worker_env: dict[str, str], tmp_path: Path
) -> None:
    """While it is away the gateway lives, is not ready, and refuses fast; then it works again by itself."""
    async with fleet(worker_env, tmp_path, 1):
        await wait_until(lambda: front_ready(front), "the gateway is ready")
        await nats_server.child.stop()
        await wait_until(lambda: is_status(front, "/readyz", 503), "the gateway is not ready", timeout=3)

        async with asyncio.timeout(1):
            refused = await front.http.post("/api/memes", json={"id": "cat-1", "prompt": "a cat"})
        lives = await front.status("/livez")
        await nats_server.child.start()
        await wait_until(lambda: front_ready(front), "the gateway is ready again", timeout=15)
        asked = await front.http.post(
            "/api/memes", json={"id": "cat-1", "prompt": "a cat"}, headers={"Prefer": "wait=20"}
        )

    assert (lives, refused.status_code, refused.headers["retry-after"]) == (200, 503, "2")
    assert asked.status_code == 200


async def test_it_starts_without_nats_and_stops_without_it(redis_server: RedisServer, tmp_path: Path) -> None:
    """The HTTP side waits for nobody, neither at the start nor at the end."""
    env = {"NATS_URL": f"nats://127.0.0.1:{free_port()}", "REDIS_URL": redis_server.url}
    async with running(env, tmp_path / "gateway.log") as front:
        statuses = [await front.status(path) for path in ("/livez", "/readyz", "/")]
        refused = await front.http.post("/api/memes", json={"prompt": "a cat"})
        code = await front.child.stop()

    assert statuses == [200, 503, 200]
    assert refused.status_code == 503
    assert code == 0
    assert "Traceback" not in (tmp_path / "gateway.log").read_text()


@pytest.mark.parametrize("is_nats_away", [False, True])
async def test_sigterm_ends_it_in_order(front: Front, nats_server: NatsServer, is_nats_away: bool) -> None:
    """Exit code 0 and a clean log, connected or reconnecting."""
    await wait_until(lambda: front_ready(front), "the gateway is ready")
    if is_nats_away:
        await nats_server.child.stop()
        await wait_until(lambda: is_status(front, "/readyz", 503), "the gateway is not ready")

    code = await front.child.stop()

    assert code == 0
    assert "Traceback" not in front.child.last_words(200)


async def test_a_bad_setting_is_said_in_one_line(tmp_path: Path) -> None:
    """Exit code 2, the name of the variable, no traceback."""
    child = forked_gateway({"GATEWAY_MAX_WAIT": "soon"}, tmp_path / "gateway.log")
    await child.start()
    await wait_until(lambda: not child.running, "it ended")

    assert await child.stop() == 2
    assert child.last_words().startswith("GATEWAY_MAX_WAIT: ")


async def front_ready(front: Front) -> bool:
    return await front.status("/readyz") == 200


async def is_status(front: Front, path: str, status: int) -> bool:
    return await front.status(path) == status


async def in_flight(workers: object) -> bool:
    return await workers.metric("meme_generator_in_flight") > 0  # type: ignore[attr-defined]


async def backlog(front: Front, waiting: int) -> bool:
    """Whether this gateway says that so many memes wait."""
    return f"\nmeme_generator_consumer_lag {waiting}.0\n" in (await front.http.get("/metrics")).text
