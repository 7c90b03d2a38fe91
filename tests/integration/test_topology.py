"""Streams and consumers on a real server: made, compared, updated, guarded."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import nats
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError

from memebattle.bootstrap.wiring import Wiring, wire
from memebattle.bus.drift import Finding
from memebattle.bus.streams import Topology
from memebattle.cli.connection import connected
from memebattle.cli.local import NatsServer
from memebattle.settings import Settings
from tests.waiting import wait_until

MEMES = ["MEMES", "MEMES_LOG", "MEME_RESULTS", "OBJ_meme-images", "meme-generator"]
CHAT = ["WORKFLOW_REQUESTS", "CHAT_CHUNKS", "workflow-processor"]
CONTEXTS = ("memes", "chat", "priority", "battle")
PRIORITY = ["PRIORITY_REQUESTS", "PRIORITY_RESULTS", "SYSTEM_EVENTS", "priority-processor"]
BATTLE = ["BATTLES"]
NAMES = [*MEMES, *CHAT, *PRIORITY, *BATTLE, "DEAD_LETTERS"]


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


async def test_the_server_keeps_what_was_declared_for_chat(js: JetStreamContext, topology: Topology) -> None:
    """Rows B43 to B47: a work queue for a day; and chunks for ten minutes."""
    await topology.apply(js)
    requests = (await js.stream_info("WORKFLOW_REQUESTS")).config
    chunks = (await js.stream_info("CHAT_CHUNKS")).config
    consumer = (await js.consumer_info("WORKFLOW_REQUESTS", "workflow-processor")).config

    assert requests.subjects == ["chat.workflow.execute.*"]
    assert (requests.retention, requests.storage, requests.discard, requests.max_msgs, requests.max_age) == (
        "workqueue",
        "file",
        "new",
        100_000,
        86_400,
    )
    assert chunks.subjects == ["chat.stream.*.*"]
    assert (chunks.retention, chunks.discard, chunks.max_age, chunks.max_bytes) == (
        "limits",
        "old",
        600,
        256 * 1024 * 1024,
    )
    assert chunks.allow_direct
    assert (consumer.filter_subject, consumer.ack_policy, consumer.ack_wait) == (
        "chat.workflow.execute.*",
        "explicit",
        30,
    )
    assert (consumer.max_deliver, consumer.max_ack_pending) == (-1, 2 * 10 * 32)


async def test_the_server_keeps_what_was_declared_for_priority(
    js: JetStreamContext, topology: Topology
) -> None:
    """Rows P3 to P5: a work queue for a day, results for a week, events for a month."""
    await topology.apply(js)
    requests = (await js.stream_info("PRIORITY_REQUESTS")).config
    results = (await js.stream_info("PRIORITY_RESULTS")).config
    events = (await js.stream_info("SYSTEM_EVENTS")).config
    consumer = (await js.consumer_info("PRIORITY_REQUESTS", "priority-processor")).config

    assert requests.subjects == ["prioritization.request", "prioritization.request.*"]
    assert (requests.retention, requests.storage, requests.discard, requests.max_msgs, requests.max_age) == (
        "workqueue",
        "file",
        "new",
        100_000,
        86_400,
    )
    assert results.subjects == [
        "prioritization.result.*",
        "prioritization.suggestions.*",
        "prioritization.override.*",
    ]
    assert (results.retention, results.max_age, results.max_msgs, results.allow_direct) == (
        "limits",
        7 * 86_400,
        500_000,
        True,
    )
    assert results.republish is not None
    assert (results.republish.src, results.republish.dest) == (
        "prioritization.result.*",
        "prioritization.result",
    )
    assert (events.max_age, events.max_msgs) == (30 * 86_400, 1_000_000)
    assert consumer.filter_subjects == ["prioritization.request", "prioritization.request.*"]
    assert (consumer.ack_policy, consumer.max_deliver, consumer.max_ack_pending) == ("explicit", -1, 320)


@pytest.mark.parametrize(("replicas", "storage"), [(1, "file"), (2, "memory"), (3, "memory")])
def test_chunks_survive_a_restart_on_disk_or_on_the_other_servers(replicas: int, storage: str) -> None:
    """Everything else is on disk, however many servers there are."""
    streams = Topology.of(Settings.from_env({"NATS_REPLICAS": str(replicas)})).streams

    assert {stream.name: stream.storage for stream in streams if stream.storage != "file"} == (
        {} if storage == "file" else {"CHAT_CHUNKS": storage}
    )
    assert {stream.num_replicas for stream in streams} == {replicas}


async def test_chunks_survive_a_restart_of_a_single_server(
    nats_server: NatsServer, js: JetStreamContext, topology: Topology
) -> None:
    await topology.apply(js)
    await js.publish("chat.stream.s.m", b"a chunk")
    await nats_server.child.stop()
    await nats_server.start()

    async with connected(nats_server.url("developer")) as client:
        kept = await client.jetstream().get_last_msg("CHAT_CHUNKS", "chat.stream.s.m")

    assert kept.data == b"a chunk"


async def test_a_message_of_chat_is_kept_and_a_cancellation_is_not(
    js: JetStreamContext, topology: Topology
) -> None:
    """`chat.workflow.>` would take both into the queue."""
    await topology.apply(js)
    await js.publish("chat.workflow.execute.s", b"{}")

    with pytest.raises(NoStreamResponseError):
        await js.publish("chat.workflow.cancel.s", b"{}")
    assert (await js.stream_info("WORKFLOW_REQUESTS")).state.messages == 1


async def test_what_is_told_to_pods_is_kept_nowhere(js: JetStreamContext, topology: Topology) -> None:
    """Chunks are stored once, on a subject of their own, and their copies are not."""
    await topology.apply(js)

    for subject in ("chat.pod.pod-1.response", "chat.session.s.broadcast", "chat.pod.pod-1.heartbeat"):
        with pytest.raises(NoStreamResponseError):
            await js.publish(subject, b"{}")


@pytest.mark.parametrize(
    ("contexts", "names"),
    [
        ("memes", MEMES),
        ("chat", CHAT),
        ("priority", PRIORITY),
        ("battle", BATTLE),
        ("memes,chat", [*MEMES, *CHAT]),
    ],
)
async def test_a_worker_makes_the_streams_of_its_contexts(
    contexts: str, names: list[str], nats_server: NatsServer, js: JetStreamContext, topology: Topology
) -> None:
    """And the one of dead letters, which all have in common."""
    async with consuming(nats_server, contexts.split(",")):
        found = actions(await topology.diff(js))

    made = [*names, "DEAD_LETTERS"]
    assert found == {name: "ok" if name in made else "missing" for name in NAMES}


async def test_a_changed_setting_is_reported_left_alone_and_updated_on_request(
    js: JetStreamContext, topology: Topology, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker reports; only the deploy step changes: two versions must not take turns rewriting it."""
    await topology.apply(js)
    changed = Topology.of(Settings.from_env({"ACK_WAIT": "45"}))

    drifted = [str(finding) for finding in await changed.diff(js) if finding.action == "drift"]
    assert drifted == [
        "consumer meme-generator: drift (ack_wait: 30.0 instead of 45.0)",
        "consumer workflow-processor: drift (ack_wait: 30.0 instead of 45.0)",
        "consumer priority-processor: drift (ack_wait: 30.0 instead of 45.0)",
    ]

    assert actions(await changed.ensure(js))["meme-generator"] == "drift"
    assert (await js.consumer_info("MEMES", "meme-generator")).config.ack_wait == 30
    assert "ack_wait: 30.0 instead of 45.0" in caplog.text

    assert actions(await changed.apply(js))["meme-generator"] == "updated"
    assert (await js.consumer_info("MEMES", "meme-generator")).config.ack_wait == 45
    assert actions(await changed.diff(js)) == all_are("ok")


async def test_a_changed_setting_of_chat_is_drift_of_its_consumer(
    js: JetStreamContext, topology: Topology
) -> None:
    await topology.apply(js)
    changed = Topology.of(Settings.from_env({"CHAT_CONCURRENCY": "64"}))

    (drifted,) = [finding for finding in await changed.diff(js) if finding.action == "drift"]

    assert str(drifted) == "consumer workflow-processor: drift (max_ack_pending: 640 instead of 1280)"
    assert actions(await changed.apply(js))["workflow-processor"] == "updated"
    assert actions(await changed.diff(js)) == all_are("ok")


async def test_a_changed_stream_is_updated_too(js: JetStreamContext, topology: Topology) -> None:
    await topology.apply(js)
    smaller = replace(topology.streams[0], max_msgs=10)
    changed = replace(topology, streams=(smaller, *topology.streams[1:]))

    assert actions(await changed.ensure(js))["MEMES"] == "drift"
    assert actions(await changed.apply(js))["MEMES"] == "updated"
    assert (await js.stream_info("MEMES")).config.max_msgs == 10


async def test_a_stream_stays_on_disk_when_it_is_declared_for_memory(
    js: JetStreamContext, topology: Topology
) -> None:
    """No server moves it. Chunks are declared so for clusters, and one may grow from a single server."""
    await topology.apply(js)
    chunks = next(config for config in topology.streams if config.name == "CHAT_CHUNKS")
    moved = replace(chunks, storage=StorageType.MEMORY, max_age=chunks.max_age + 60)
    changed = replace(topology, streams=(moved,))

    assert actions(await changed.apply(js))["CHAT_CHUNKS"] == "updated"
    found = (await js.stream_info("CHAT_CHUNKS")).config
    assert (found.storage, found.max_age) == (StorageType.FILE, moved.max_age)
    assert actions(await changed.diff(js))["CHAT_CHUNKS"] == "ok"


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
    renamed = Topology.of(
        Settings.from_env(
            {
                "NATS_STREAM": "PICTURES",
                "NATS_CONSUMER": "painters",
                "NATS_WORKFLOW_STREAM": "TALKS",
                "NATS_WORKFLOW_CONSUMER": "talkers",
                "NATS_CHUNKS_STREAM": "TALK",
                "NATS_PRIORITY_STREAM": "TASKS",
                "NATS_PRIORITY_CONSUMER": "raters",
                "NATS_PRIORITY_RESULTS_STREAM": "RATES",
                "NATS_EVENTS_STREAM": "EVENTS",
                "PRIORITY_REQUEST_SUBJECT": "tasks.ask",
                "PRIORITY_RESULT_SUBJECT": "tasks.rate",
            }
        )
    )
    await renamed.apply(js)

    assert (await js.consumer_info("PICTURES", "painters")).name == "painters"
    assert (await js.consumer_info("TALKS", "talkers")).name == "talkers"
    assert (await js.stream_info("TALK")).config.subjects == ["chat.stream.*.*"]
    assert (await js.consumer_info("TASKS", "raters")).config.filter_subjects == ["tasks.ask", "tasks.ask.*"]
    assert "tasks.rate.*" in ((await js.stream_info("RATES")).config.subjects or [])
    assert (await js.stream_info("EVENTS")).config.subjects == ["system.events.>", "audit.>"]


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
async def consuming(server: NatsServer, contexts: Sequence[str] = CONTEXTS) -> AsyncIterator[Wiring]:
    """A worker's broker with the rights of a worker, watching every 50 ms."""
    env = {
        "NATS_URL": server.url("worker"),
        "NATS_INBOX_PREFIX": "_INBOX_worker",
        "WATCH_INTERVAL": "0.05",
    }
    wiring = wire(Settings.from_env(env), "worker", contexts)
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


@pytest.mark.parametrize(
    ("stream", "consumer"),
    [
        ("MEMES", "meme-generator"),
        ("WORKFLOW_REQUESTS", "workflow-processor"),
        ("PRIORITY_REQUESTS", "priority-processor"),
    ],
)
async def test_a_lost_consumer_is_put_back(
    stream: str, consumer: str, nats_server: NatsServer, js: JetStreamContext
) -> None:
    async with consuming(nats_server) as wiring:
        await js.delete_consumer(stream, consumer)

        async def restored() -> bool:
            with contextlib.suppress(NotFoundError):
                return bool(await js.consumer_info(stream, consumer))
            return False

        await wait_until(restored, "the consumer to be back")
        await wait_until(lambda: wiring.broker.consumers_present, "the broker to know")

        restores = wiring.metrics.registry.get_sample_value("memebattle_consumer_restores_total")
        assert restores == 1


@pytest.mark.parametrize(
    "stream", ["MEMES", "WORKFLOW_REQUESTS", "CHAT_CHUNKS", "PRIORITY_RESULTS", "BATTLES"]
)
async def test_a_lost_stream_is_put_back_with_its_consumer(
    stream: str, nats_server: NatsServer, js: JetStreamContext, topology: Topology
) -> None:
    async with consuming(nats_server):
        await js.delete_stream(stream)

        async def restored() -> bool:
            return actions(await topology.diff(js)) == all_are("ok")

        await wait_until(restored, "the stream to be back")


async def test_the_lag_is_what_the_autoscaler_sees(
    nats_server: NatsServer, js: JetStreamContext, topology: Topology
) -> None:
    await topology.apply(js)
    for _ in range(3):
        await js.publish("meme.request", b"{}")
    for _ in range(2):
        await js.publish("chat.workflow.execute.s", b"{}")
    await js.publish("prioritization.request", b"{}")
    await js.publish("prioritization.request.t1", b"{}")

    async with consuming(nats_server) as wiring:
        counted = {"MEMES": 3, "WORKFLOW_REQUESTS": 2, "PRIORITY_REQUESTS": 2}
        await wait_until(lambda: wiring.broker.lag == counted, "the broker to count")

        assert wiring.metrics.registry.get_sample_value("meme_generator_consumer_lag") == 3
        assert wiring.metrics.registry.get_sample_value("chat_workflow_consumer_lag") == 2
        assert wiring.metrics.registry.get_sample_value("priority_consumer_lag") == 2


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
