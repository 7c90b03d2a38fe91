"""Fixtures of every layer: real servers that start in milliseconds, and a way to wait without sleeping."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from redis.asyncio import Redis

from memebattle.cli import ports
from memebattle.cli.children import stopping
from memebattle.cli.local import NatsServer, RedisServer
from memebattle.kit.metrics import Metrics
from memebattle.settings import Settings

# the page is driven wherever there is a browser; in CI it must be, and its absence is a failure there
CHROMIUM = Path("/usr/bin/chromium")
collect_ignore = [] if CHROMIUM.exists() or "CI" in os.environ else ["browser"]

# processes of one run beside each other, and what they start by commands: all take different ports
ports.share(
    int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")),
    int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")),
)


@pytest.fixture
def metrics() -> Metrics:
    """Instruments of this test only."""
    return Metrics()


@pytest.fixture
async def nats_server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """A real nats-server with the accounts and permissions of production."""
    server = NatsServer(tmp_path / "nats")
    async with stopping(server.child):
        await server.start()
        yield server


@pytest.fixture
async def redis_server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """A real Valkey; at the end every key must have a time to live."""
    server = RedisServer(tmp_path / "redis")
    async with stopping(server.child):
        await server.start()
        yield server
        if server.child.running:
            await _no_key_lives_for_ever(server.url)


@pytest.fixture
async def developer(nats_server: NatsServer) -> AsyncIterator[Client]:
    """A connection that may do everything in the services' account."""
    client = await nats.connect(nats_server.url("developer"))
    yield client
    if not client.is_closed:
        await client.close()


@pytest.fixture
def worker_env(nats_server: NatsServer, redis_server: RedisServer) -> dict[str, str]:
    """The environment of a worker on the test's servers, as the restricted user of production."""
    return {
        "NATS_URL": nats_server.url("worker"),
        "NATS_INBOX_PREFIX": "_INBOX_worker",
        "REDIS_URL": redis_server.url,
        "REDIS_TIMEOUT": "5",  # on a busy machine an answer may take longer than production would wait
        "WORKER_CONTEXTS": "memes",  # what a test needs; each context costs every start
        "IMAGE_PROVIDER": "artist",
        "LOG_LEVEL": "INFO",
        "ACK_WAIT": "3",
        "CLAIM_LEASE": "2",
        "WATCH_INTERVAL": "0.3",
    }


@pytest.fixture
def settings(worker_env: dict[str, str]) -> Settings:
    """The same as settings."""
    return Settings.from_env(worker_env)


async def _no_key_lives_for_ever(url: str) -> None:
    async with Redis.from_url(url) as client:
        leaked = [key async for key in client.scan_iter() if await client.pttl(key) == -1]
    assert leaked == [], f"keys without a time to live: {leaked}"
