"""Gateways say what waits in the work queues, with their own rights, also when no worker is there."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import nats
import pytest
from nats.aio.client import Client

from memebattle.bus.backlogs import Backlogs
from memebattle.cli.local import NatsServer
from memebattle.kit.metrics import Metrics
from memebattle.settings import Settings
from tests.contract.conftest import Bus

LAGS = ("meme_generator_consumer_lag", "chat_workflow_consumer_lag", "priority_consumer_lag")


@pytest.fixture
async def gateway(nats_server: NatsServer, bus: Bus) -> AsyncIterator[Client]:
    """With the permissions of a gateway, on a server that has our streams."""
    client = await nats.connect(nats_server.url("gateway"), inbox_prefix="_INBOX_gateway")
    yield client
    await client.close()


@pytest.fixture
def backlogs(gateway: Client, metrics: Metrics) -> Backlogs:
    return Backlogs.of(Settings(), metrics, lambda: gateway.jetstream(timeout=5))


def lags(metrics: Metrics) -> list[float | None]:
    return [metrics.registry.get_sample_value(name) for name in LAGS]


async def test_what_waits_and_what_is_in_work_counts(bus: Bus, backlogs: Backlogs, metrics: Metrics) -> None:
    for subject in ("meme.request", "meme.request", "chat.workflow.execute.s1", "prioritization.request.t1"):
        await bus.js().publish(subject, b"{}")
    pulled = await bus.js().pull_subscribe_bind("meme-generator", "MEMES")
    await pulled.fetch(1)
    await backlogs.look()

    assert lags(metrics) == [2, 1, 1]


async def test_one_that_is_gone_is_not_a_number(bus: Bus, backlogs: Backlogs, metrics: Metrics) -> None:
    """Zero would say that all is done; the others are reported all the same."""
    await bus.js().delete_consumer("WORKFLOW_REQUESTS", "workflow-processor")
    await backlogs.look()
    memes, chat, priority = lags(metrics)

    assert (memes, priority) == (0, 0)
    assert chat is not None
    assert math.isnan(chat)


async def test_without_nats_none_is_a_number(gateway: Client, backlogs: Backlogs, metrics: Metrics) -> None:
    await gateway.close()
    await backlogs.look()

    assert [lag is not None and math.isnan(lag) for lag in lags(metrics)] == [True, True, True]
