"""The double of KEDA's scaler on three real servers, started from helm/infra/nats.yaml.

Only the leader of a consumer knows its backlog. Which of the three that is changes, and one may be away.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import nats
import nats.errors
import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig

from tests.chart.keda import Scaler, ScalerError, Trigger, fetching
from tests.chart.nats_cluster import Cluster, Node, running
from tests.chart.nats_values import SERVERS
from tests.chart.test_keda import METADATA, scaled_object
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

STREAM, CONSUMER = METADATA["stream"], METADATA["consumer"]


@dataclass(slots=True)
class Bench:
    """The servers, and a queue on all three of them."""

    cluster: Cluster
    client: Client

    @property
    def js(self) -> JetStreamContext:
        return self.client.jetstream(timeout=1)  # between two leaders nobody answers

    def scaler(self, endpoint: Node | None = None, **metadata: str) -> Scaler:
        """A new one; the headless name leads it to this server."""
        addresses = {**self.cluster.monitors, SERVERS: (endpoint or self.cluster.nodes[0]).monitor}
        return Scaler(Trigger.of(scaled_object(METADATA | metadata)), fetching(addresses))

    async def leader(self) -> Node:
        """Who leads the consumer now."""
        cluster = (await self.js.consumer_info(STREAM, CONSUMER)).cluster
        assert cluster is not None
        return next(node for node in self.cluster.nodes if node.name == cluster.leader)

    async def followers(self) -> list[Node]:
        leader = await self.leader()
        return [node for node in self.cluster.nodes if node is not leader]

    async def fill(self, count: int) -> None:
        """Exactly so many messages wait, none is in work."""
        await self.js.purge_stream(STREAM)
        for number in range(count):
            await self.js.publish("meme.request", str(number).encode())
        await wait_until(lambda: self._holds(count), f"the consumer to have {count} messages")

    async def _holds(self, count: int) -> bool:
        info = await self.js.consumer_info(STREAM, CONSUMER)
        return (info.num_pending, info.num_ack_pending) == (count, 0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    async with running(tmp_path_factory.mktemp("scaler")) as cluster:
        client = await nats.connect([node.url("developer") for node in cluster.nodes], reconnect_time_wait=0)
        js = client.jetstream()
        await js.add_stream(StreamConfig(STREAM, subjects=["meme.request"], num_replicas=3))
        await js.add_consumer(
            STREAM,
            ConsumerConfig(durable_name=CONSUMER, ack_policy=AckPolicy.EXPLICIT, ack_wait=30, max_deliver=2),
        )
        yield Bench(cluster, client)
        await client.close()


async def test_the_leader_is_found_from_a_follower(bench: Bench) -> None:
    await bench.fill(4)

    assert [await bench.scaler(node).lag() for node in await bench.followers()] == [4, 4]


async def test_a_follower_would_not_know(bench: Bench) -> None:
    """What the looking for the leader is good for."""
    await bench.fill(4)
    details = [await _details(node) for node in await bench.followers()]

    assert {consumer["num_pending"] + consumer["num_ack_pending"] for consumer in details} == {0}


async def test_what_counts(bench: Bench) -> None:
    """What waits and what is in work, also what was given back; not what is done or given up."""
    await bench.fill(5)
    scaler, seen = bench.scaler(), list[int]()
    subscription = await bench.js.pull_subscribe_bind(CONSUMER, STREAM)
    seen.append(await scaler.lag())
    done, given_up, given_back, in_work = await subscription.fetch(4)
    seen.append(await scaler.lag())
    await given_back.nak(delay=60)
    await in_work.in_progress()
    await bench.client.flush()
    seen.append(await scaler.lag())
    await done.ack_sync()
    seen.append(await scaler.lag())
    await given_up.term()
    await wait_until(lambda: _is(scaler, 3), "the message that was given up to count no more")
    await subscription.unsubscribe()

    assert seen == [5, 5, 5, 4]


async def test_a_consumer_that_is_not_there(bench: Bench) -> None:
    """The message misleads: the servers are asked one by one whether they lead what nobody has."""
    with pytest.raises(ScalerError, match="leader node not found for consumer meme-processor"):
        await bench.scaler(consumer="meme-processor").lag()


@pytest.mark.parametrize("account", ["$G", "WEB", "MEME"])
async def test_another_account(account: str, bench: Bench) -> None:
    with pytest.raises(ScalerError, match="leader node not found"):
        await bench.scaler(account=account).lag()


async def test_a_new_leader_is_followed(bench: Bench) -> None:
    await bench.fill(3)
    scaler, first = bench.scaler(), await bench.leader()
    before = await scaler.lag()
    await bench.client.request(f"$JS.API.CONSUMER.LEADER.STEPDOWN.{STREAM}.{CONSUMER}", b"", timeout=5)
    await wait_until(lambda: _leads_another(bench, first), "another server to lead the consumer")
    await wait_until(lambda: _is(scaler, 3), "the scaler to find the new leader")

    assert before == 3


async def test_one_server_away_hides_nothing(bench: Bench) -> None:
    """With the chart's own `noAdvertise: true` a new scaler would stop at the first that does not answer."""
    await bench.fill(6)
    remembering, away = bench.scaler((await bench.followers())[1]), (await bench.followers())[0]
    there = [node for node in bench.cluster.nodes if node is not away]
    assert await remembering.lag() == 6

    away.child.signal(signal.SIGKILL)
    assert away.child.process is not None
    await away.child.process.wait()
    try:
        await wait_until(lambda: _all_know(there), "the others to notice")
        assert await remembering.lag() == 6
        assert [await bench.scaler(node).lag() for node in there] == [6, 6]
        with pytest.raises(ScalerError):  # KEDA's next look has another address of the name
            await bench.scaler(away).lag()
    finally:
        await away.child.start()
        await wait_until(bench.cluster.is_formed, "the server to come back", timeout=20)


async def _details(node: Node) -> dict[str, Any]:
    answer = await node.asked("jsz?acc=APP&consumers=true&config=true")
    found: dict[str, Any] = answer["account_details"][0]["stream_detail"][0]["consumer_detail"][0]
    return found


async def _is(scaler: Scaler, expected: int) -> bool:
    try:
        return await scaler.lag() == expected
    except ScalerError:
        return False


async def _leads_another(bench: Bench, first: Node) -> bool:
    try:
        return await bench.leader() is not first
    except (nats.errors.Error, StopIteration, AssertionError):
        return False


async def _all_know(there: list[Node]) -> bool:
    """Whether nobody tells clients about the one that is away."""
    told = await asyncio.gather(*(node.asked("varz") for node in there))
    return all(len(each["connect_urls"]) == len(there) for each in told)
