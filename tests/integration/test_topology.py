"""Streams and consumers on a real server: made, compared, updated, guarded."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import nats
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy
from nats.js.errors import APIError, NotFoundError

from memebattle.bootstrap import Wiring, wire
from memebattle.bus.drift import Finding
from memebattle.bus.streams import Topology
from memebattle.cli.local import NatsServer
from memebattle.settings import Settings
from tests.waiting import wait_until

NAMES = ["MEMES", "MEMES_LOG", "MEME_RESULTS", "DEAD_LETTERS", "OBJ_meme-images", "meme-generator"]


@pytest.fixture
def js(developer: Client) -> JetStreamContext:
    return developer.jetstream()


@pytest.fixture
def topology() -> Topology:
    return Topology.of(Settings())


def actions(findings: list[Finding]) -> dict[str, str]:
    return {finding.name: finding.action for finding in findings}


def all_are(action: str) -> dict[str, str]:
    return dict.fromkeys(NAMES, action)


async def test_everything_is_missing_then_created_then_fine(js: JetStreamContext, topology: Topology) -> None:
    assert actions(await topology.diff(js)) == all_are("missing")
    assert actions(await topology.apply(js)) == all_are("created")
    assert actions(await topology.apply(js)) == all_are("ok")
    assert actions(await topology.ensure(js)) == all_are("ok")
    assert actions(await topology.diff(js)) == all_are("ok")


async def test_the_server_keeps_what_was_declared(js: JetStreamContext, topology: Topology) -> None:
    await topology.apply(js)
    stream = (await js.stream_info("MEMES")).config
    consumer = (await js.consumer_info("MEMES", "meme-generator")).config

    assert stream.subjects == ["meme.request"]
    assert (stream.retention, stream.discard, stream.max_msgs, stream.max_age) == (
        "workqueue",
        "new",
        100_000,
        86_400,
    )
    assert (consumer.ack_wait, consumer.max_deliver, consumer.max_ack_pending) == (30, -1, 100)


async def test_a_changed_setting_is_reported_left_alone_and_updated_on_request(
    js: JetStreamContext, topology: Topology, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker reports; only the deploy step changes: two versions must not take turns rewriting it."""
    await topology.apply(js)
    changed = Topology.of(Settings.from_env({"ACK_WAIT": "45"}))

    (drifted,) = [finding for finding in await changed.diff(js) if finding.action == "drift"]
    assert str(drifted) == "consumer meme-generator: drift (ack_wait: 30.0 instead of 45.0)"

    assert actions(await changed.ensure(js))["meme-generator"] == "drift"
    assert (await js.consumer_info("MEMES", "meme-generator")).config.ack_wait == 30
    assert "ack_wait: 30.0 instead of 45.0" in caplog.text

    assert actions(await changed.apply(js))["meme-generator"] == "updated"
    assert (await js.consumer_info("MEMES", "meme-generator")).config.ack_wait == 45
    assert actions(await changed.diff(js)) == all_are("ok")


async def test_a_changed_stream_is_updated_too(js: JetStreamContext, topology: Topology) -> None:
    await topology.apply(js)
    smaller = replace(topology.streams[0], max_msgs=10)
    changed = replace(topology, streams=(smaller, *topology.streams[1:]))

    assert actions(await changed.ensure(js))["MEMES"] == "drift"
    assert actions(await changed.apply(js))["MEMES"] == "updated"
    assert (await js.stream_info("MEMES")).config.max_msgs == 10


async def test_an_update_keeps_the_messages(js: JetStreamContext, topology: Topology) -> None:
    await topology.apply(js)
    await js.publish("meme.request", b"{}")
    await Topology.of(Settings.from_env({"ACK_WAIT": "45"})).apply(js)

    assert (await js.stream_info("MEMES")).state.messages == 1


async def test_a_retention_that_cannot_be_changed_is_refused_in_clear_words(
    js: JetStreamContext, topology: Topology
) -> None:
    await js.add_stream(replace(topology.streams[0], retention=RetentionPolicy.LIMITS))

    with pytest.raises(APIError, match="retention policy"):
        await topology.apply(js)


async def test_a_subject_that_somebody_else_holds_is_refused_in_clear_words(
    js: JetStreamContext, topology: Topology
) -> None:
    await js.add_stream(name="OTHER", subjects=["meme.*"])

    with pytest.raises(APIError, match="subjects overlap"):
        await topology.apply(js)


async def test_the_names_are_those_of_the_settings(js: JetStreamContext) -> None:
    renamed = Topology.of(Settings.from_env({"NATS_STREAM": "PICTURES", "NATS_CONSUMER": "painters"}))
    await renamed.apply(js)

    assert (await js.consumer_info("PICTURES", "painters")).name == "painters"


async def test_a_full_queue_refuses_and_keeps_what_it_has(js: JetStreamContext, topology: Topology) -> None:
    await topology.apply(js)
    await js.update_stream(replace(topology.streams[0], max_msgs=2))
    for number in range(2):
        await js.publish("meme.request", b"%d" % number)

    with pytest.raises(APIError, match="maximum messages exceeded"):
        await js.publish("meme.request", b"too many")

    assert (await js.get_msg("MEMES", 1)).data == b"0"


async def log_attached(js: JetStreamContext) -> None:
    """The log hears of requests some 0.2 s after it was made; what was answered before is not copied."""

    async def two_consumers() -> bool:
        return (await js.stream_info("MEMES")).state.consumer_count == 2

    await wait_until(two_consumers, "the log to attach itself to the queue")


async def test_an_answered_request_leaves_the_queue_and_stays_in_the_log(
    js: JetStreamContext, topology: Topology
) -> None:
    await topology.apply(js)
    await log_attached(js)
    await js.publish("meme.request", b"{}")
    subscription = await js.pull_subscribe_bind("meme-generator", "MEMES")
    (message,) = await subscription.fetch(1)
    await message.ack_sync()

    async def moved() -> bool:
        queue, kept = await js.stream_info("MEMES"), await js.stream_info("MEMES_LOG")
        return (queue.state.messages, kept.state.messages) == (0, 1)

    await wait_until(moved, "the request to be in the log only")


async def test_a_request_that_nobody_took_is_in_the_log_and_still_in_the_queue(
    js: JetStreamContext, topology: Topology
) -> None:
    """Copying does not consume: the log is no worker."""
    await topology.apply(js)
    await js.publish("meme.request", b"{}")

    async def copied() -> bool:
        return (await js.stream_info("MEMES_LOG")).state.messages == 1

    await wait_until(copied, "the copy")

    assert (await js.stream_info("MEMES")).state.messages == 1


async def test_a_work_queue_has_one_consumer(js: JetStreamContext, topology: Topology) -> None:
    """Somebody who wants to look uses MEMES_LOG: a second consumer would take work away."""
    await topology.apply(js)

    with pytest.raises(APIError, match="filtered consumer not unique"):
        await js.add_consumer(
            "MEMES",
            ConsumerConfig(
                durable_name="curious", ack_policy=AckPolicy.EXPLICIT, filter_subject="meme.request"
            ),
        )
    with pytest.raises(APIError, match="multiple non-filtered consumers"):
        await js.add_consumer("MEMES", ConsumerConfig(durable_name="curious", ack_policy=AckPolicy.EXPLICIT))


@contextlib.asynccontextmanager
async def consuming(server: NatsServer) -> AsyncIterator[Wiring]:
    """A worker's broker with the rights of a worker, watching every 50 ms."""
    env = {
        "NATS_URL": server.url("worker"),
        "NATS_INBOX_PREFIX": "_INBOX_worker",
        "WATCH_INTERVAL": "0.05",
    }
    wiring = wire(Settings.from_env(env), "worker", ["memes", "chat"])
    await wiring.broker.start()
    try:
        yield wiring
    finally:
        await wiring.broker.stop()


async def test_a_worker_makes_what_is_missing_with_its_own_rights(
    nats_server: NatsServer, js: JetStreamContext, topology: Topology
) -> None:
    async with consuming(nats_server):
        assert actions(await topology.diff(js)) == all_are("ok")


async def test_a_lost_consumer_is_put_back(nats_server: NatsServer, js: JetStreamContext) -> None:
    async with consuming(nats_server) as wiring:
        await js.delete_consumer("MEMES", "meme-generator")

        async def restored() -> bool:
            with contextlib.suppress(NotFoundError):
                return bool(await js.consumer_info("MEMES", "meme-generator"))
            return False

        await wait_until(restored, "the consumer to be back")
        await wait_until(lambda: wiring.broker.consumers_present, "the broker to know")

        restores = wiring.metrics.registry.get_sample_value("memebattle_consumer_restores_total")
        assert restores == 1


async def test_a_lost_stream_is_put_back_with_its_consumer(
    nats_server: NatsServer, js: JetStreamContext, topology: Topology
) -> None:
    async with consuming(nats_server):
        await js.delete_stream("MEMES")

        async def restored() -> bool:
            return actions(await topology.diff(js)) == all_are("ok")

        await wait_until(restored, "the stream to be back")


async def test_the_lag_is_what_the_autoscaler_sees(
    nats_server: NatsServer, js: JetStreamContext, topology: Topology
) -> None:
    await topology.apply(js)
    for _ in range(3):
        await js.publish("meme.request", b"{}")

    async with consuming(nats_server) as wiring:
        await wait_until(lambda: wiring.broker.lag.get("MEMES") == 3, "the broker to count")

        assert wiring.metrics.registry.get_sample_value("meme_generator_consumer_lag") == 3


async def test_a_worker_without_rights_leaves_instead_of_hearing_nothing(
    nats_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    exits: list[int] = []
    env = {"NATS_URL": nats_server.url("monitor"), "NATS_INBOX_PREFIX": "_INBOX_monitor"}
    wiring = wire(Settings.from_env(env), "worker", ["memes", "chat"])
    wiring.broker._exit_process = exits.append
    with pytest.raises((nats.errors.Error, TimeoutError)):
        await wiring.broker.start()
    await wiring.broker.stop()

    assert exits == [1]
    assert "`memebattle doctor` says what is missing" in caplog.text
