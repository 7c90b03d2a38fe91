"""Real servers for the adapters, and one that is not there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from memebattle.bus.publishing import DurablePublisher
from memebattle.bus.streams import Topology
from memebattle.cli.local import NatsServer, RedisServer
from memebattle.cli.ports import free_port
from memebattle.kit.metrics import Metrics
from memebattle.settings import Settings
from memebattle.store.redis import RedisStore
from tests.toys import Clock


@pytest.fixture
async def redis_store(redis_server: RedisServer, metrics: Metrics) -> AsyncIterator[RedisStore]:
    """A store on a real Valkey."""
    # generous: these tests are about what Redis does, not about how long a busy machine takes for it
    settings = Settings.from_env({"REDIS_URL": redis_server.url, "REDIS_TIMEOUT": "5"})
    store = RedisStore(settings.redis, metrics)
    yield store
    await store.aclose()


@pytest.fixture
async def away(metrics: Metrics, clock: Clock) -> AsyncIterator[RedisStore]:
    """A store whose Redis does not exist."""
    settings = Settings.from_env({"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"})
    store = RedisStore(settings.redis, metrics, clock=clock)
    yield store
    await store.aclose()


@pytest.fixture
def clock() -> Clock:
    """The time of the in-memory twins."""
    return Clock()


@dataclass(frozen=True, slots=True)
class Bus:
    """A connection to a server that has our streams."""

    client: Client
    publisher: DurablePublisher

    def js(self) -> JetStreamContext:
        return self.client.jetstream()


@pytest.fixture
async def bus(nats_server: NatsServer, developer: Client, metrics: Metrics) -> Bus:
    """The declared topology on a real server."""
    await Topology.of(Settings()).apply(developer.jetstream())
    return Bus(developer, DurablePublisher(lambda: developer, metrics, budget=5))
