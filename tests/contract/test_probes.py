"""The probes of NATS and Redis, on real servers and in memory: figures when all is well, else errors."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import nats
import nats.errors
import pytest
from nats.aio.client import Client

from memebattle.bus.probe import MemoryNatsProbe
from memebattle.bus.probe import NatsProbe as RealNatsProbe
from memebattle.cli.local import NatsServer
from memebattle.priority.vitals import NatsProbe, RedisProbe
from memebattle.settings import NatsSettings
from memebattle.store.probe import MemoryRedisProbe
from memebattle.store.probe import RedisProbe as RealRedisProbe
from memebattle.store.redis import RedisStore, StoreAway
from tests.contract.conftest import Bus
from tests.waiting import wait_until

SETTINGS = NatsSettings()


@pytest.fixture
async def gateway(nats_server: NatsServer, bus: Bus) -> AsyncIterator[Client]:
    """With the permissions of a gateway, on a server that has our streams."""
    client = await nats.connect(nats_server.url("gateway"), inbox_prefix="_INBOX_gateway")
    yield client
    await client.close()


@pytest.fixture
def real(gateway: Client) -> RealNatsProbe:
    return RealNatsProbe.of(SETTINGS, lambda: gateway, lambda: gateway.jetstream(timeout=5))


@pytest.fixture(params=["memory", "nats"])
def nats_probe(request: pytest.FixtureRequest) -> NatsProbe:
    if request.param == "nats":
        found: NatsProbe = request.getfixturevalue("real")
        return found
    return MemoryNatsProbe({SETTINGS.priority_stream: True, SETTINGS.stream: False})


@pytest.fixture(params=["memory", "redis"])
def redis_probe(request: pytest.FixtureRequest) -> RedisProbe:
    if request.param == "redis":
        return RealRedisProbe(request.getfixturevalue("redis_store"))
    return MemoryRedisProbe()


async def test_the_server_says_which_one_it_is_and_how_far_away(nats_probe: NatsProbe) -> None:
    found = await nats_probe.server()

    assert found.version.startswith("2.")
    assert 0 < found.round_trip_ms < 5000
    assert found.reconnects == 0


async def test_the_account_says_what_is_used(nats_probe: NatsProbe) -> None:
    found = await nats_probe.account()

    assert found.streams >= 2
    assert found.consumers >= 1
    assert 0 <= found.fullest < 1


async def test_our_streams_are_there(nats_probe: NatsProbe) -> None:
    found = {each.name: each for each in await nats_probe.streams()}

    assert all(each.present for each in found.values())
    assert found[SETTINGS.priority_stream].needed
    assert not found[SETTINGS.stream].needed


async def test_redis_says_how_it_is(redis_probe: RedisProbe) -> None:
    found = await redis_probe.look()

    assert (found.product, found.keys) == ("valkey", 0)
    assert found.version.startswith(("8.", "9."))
    assert found.used_memory > 100_000
    assert 0 < found.ping_ms < 5000


async def test_redis_counts_keys_itself(redis_store: RedisStore) -> None:
    for number in range(3):
        await redis_store.client.set(f"mb:temp:{number}", b"1", px=60_000)
    found = await RealRedisProbe(redis_store).look()

    assert found.keys == 3
    commands = await redis_store.client.info("commandstats")
    assert not {"cmdstat_keys", "cmdstat_scan"} & commands.keys()


async def test_redis_that_is_away_is_an_error(away: RedisStore) -> None:
    with pytest.raises(StoreAway):
        await RealRedisProbe(away).look()


async def test_the_lag_of_our_consumer_and_what_a_stream_holds(real: RealNatsProbe, bus: Bus) -> None:
    for number in range(3):
        await bus.js().publish(f"prioritization.request.t{number}", b"{}")
    subscription = await bus.js().pull_subscribe_bind(SETTINGS.priority_consumer, SETTINGS.priority_stream)
    await subscription.fetch(1)
    found = {each.name: each for each in await real.streams()}[SETTINGS.priority_stream]

    assert (found.messages, found.bytes > 0) == (3, True)
    assert found.consumer is not None
    assert (found.consumer.pending, found.consumer.in_work) == (2, 1)


async def test_a_missing_stream_is_said_to_be_missing(real: RealNatsProbe, bus: Bus) -> None:
    await bus.js().delete_stream(SETTINGS.priority_results_stream)
    await bus.js().delete_consumer(SETTINGS.priority_stream, SETTINGS.priority_consumer)
    found = {each.name: each for each in await real.streams()}

    assert [name for name, each in found.items() if not each.present] == [SETTINGS.priority_results_stream]
    assert found[SETTINGS.priority_stream].consumer is None


async def test_a_round_trip_that_is_given_up_does_not_end_the_connection(
    real: RealNatsProbe, gateway: Client, nats_server: NatsServer
) -> None:
    """The PONG comes when nobody waits for it any more."""
    nats_server.child.signal(signal.SIGSTOP)
    try:
        await wait_until(
            lambda: _stands_still(nats_server.child.pid), "every thread of the server is stopped"
        )
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await real.server()
    finally:
        nats_server.child.signal(signal.SIGCONT)

    assert (await real.server()).round_trip_ms >= 50
    assert (await real.account()).streams > 0
    assert gateway.is_connected


async def test_without_a_server_it_fails(real: RealNatsProbe, gateway: Client) -> None:
    await gateway.close()

    for measure in (real.server, real.account, real.streams):
        with pytest.raises(nats.errors.Error):
            await measure()


def _stands_still(pid: int) -> bool:
    """A signal stops the threads of a process one by one; a PING may still get through meanwhile."""
    states = [
        path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")
    ]
    return set(states) == {"T"}
