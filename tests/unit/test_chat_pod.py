"""A gateway as a pod: what it hears, what it says of itself, and how it is called."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from memebattle.bus.chunklog import MemoryChunkLog
from memebattle.bus.events import MemoryEvents
from memebattle.bus.frames import copy_headers_of
from memebattle.bus.subjects import CHAT_BROADCAST, CHAT_POD
from memebattle.chat.messages import ChunkBatch, ResponseChunk
from memebattle.chat.pod import Pod, pod_id_of
from memebattle.chat.sessions import Sessions
from memebattle.kit.metrics import Metrics
from memebattle.settings import Settings
from memebattle.store.sessions import MemorySessions
from tests.listening import Client, Speaker
from tests.toys import Clock


@dataclass
class Office:
    """A pod over twins."""

    log: MemoryChunkLog = field(default_factory=MemoryChunkLog)
    events: MemoryEvents = field(default_factory=MemoryEvents)
    registry: MemorySessions = field(default_factory=lambda: MemorySessions(30, Clock()))
    metrics: Metrics = field(default_factory=Metrics)
    clock: Clock = field(default_factory=lambda: Clock(1_000_000.0))
    stopping: bool = False
    clients: list[Client] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings = Settings.from_env({}).chat
        self.sessions = Sessions("pod-1", self.log, self.registry, self.metrics.chat, settings)
        self.pod = Pod(
            self.sessions, self.events, self.metrics.chat, stopping=lambda: self.stopping, now=self.clock
        )

    async def enter(self, session_id: str = "s1") -> Client:
        client = Client(await self.sessions.connect(session_id, None))
        self.clients.append(client)
        await client.rests()
        return client

    def lag(self, pattern: str) -> tuple[float | None, float | None]:
        """How many deliveries were measured, and their seconds in all."""
        sample, labels = self.metrics.registry.get_sample_value, {"subject_pattern": pattern}
        return (
            sample("chat_delivery_lag_seconds_count", labels),
            sample("chat_delivery_lag_seconds_sum", labels),
        )


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    office = Office()
    yield office
    for client in office.clients:
        await client.leaves()


async def test_a_stored_frame_is_passed_on_with_its_place(office: Office) -> None:
    client, speaker = await office.enter(), Speaker(office.log)
    heard = await speaker.say("a", "b")
    assert heard.frame is not None

    batch = ChunkBatch(session_id="s1", chunks=list(heard.chunks))
    office.pod.hear(batch, copy_headers_of(heard.frame), CHAT_POD)
    await client.rests()

    assert client.ids == ["1-0", "1-1"]


async def test_a_chunk_of_the_document_is_passed_on_without_a_place(office: Office) -> None:
    """A service in another language that knows the subjects and the schema, and no header of ours."""
    client = await office.enter()
    body = {
        "session_id": "s1",
        "message_id": "msg_abc123",
        "chunk_id": 42,
        "chunk": " weather",
        "chunk_type": "content",
        "is_final": False,
        "metadata": {"model": "gpt-4", "tokens_used": 15},
        "timestamp": "2025-11-17T20:30:05.123Z",
        "correlation_id": "corr_xyz",
    }

    office.pod.hear(ResponseChunk.read(json.dumps(body).encode()), {}, CHAT_BROADCAST)
    await client.rests()

    [event] = client.told
    assert event.id is None
    assert event.data == body


async def test_a_batch_of_several_answers_reaches_each_session(office: Office) -> None:
    ours, theirs = await office.enter("s1"), await office.enter("s2")
    chunks = Speaker(office.log).chunks("a", final=True) + Speaker(office.log, "s2").chunks("b")

    office.pod.hear(ChunkBatch(session_id="s1", chunks=chunks), {}, CHAT_POD)

    for client, text in ((ours, "a"), (theirs, "b")):
        await client.rests()
        assert client.text == text


@pytest.mark.parametrize(
    ("headers", "measured"),
    [
        ({"Mb-Published-At": "999999.500000"}, (1.0, 0.5)),
        ({"Mb-Published-At": "1000007.000000"}, (1.0, 0.0)),
        ({"Mb-Published-At": "soon"}, (None, None)),
        ({}, (None, None)),
    ],
)
async def test_the_lag_of_deliveries_is_measured(
    office: Office, headers: dict[str, str], measured: tuple[float | None, float | None]
) -> None:
    """From header to arrival, also for sessions that are elsewhere; never negative."""
    office.pod.hear(Speaker(office.log).chunks("a")[0], headers, CHAT_POD)

    assert office.lag(CHAT_POD) == measured
    assert office.lag(CHAT_BROADCAST) == (None, None)


async def test_how_a_pod_is(office: Office) -> None:
    """As the document has it: id, status, connections, time."""
    await office.enter("s1")
    await office.enter("s1")
    await office.enter("s2")

    health = json.loads(office.pod.health().body())

    assert datetime.fromisoformat(health.pop("timestamp")).tzinfo is not None
    assert health == {"pod_id": "pod-1", "status": "healthy", "active_connections": 3}


async def test_a_pod_that_leaves_says_so(office: Office) -> None:
    office.stopping = True

    assert office.pod.health().status == "stopping"


async def test_a_heartbeat(office: Office) -> None:
    """It says what the pod holds and what that costs, on a subject of the pod's own."""
    await office.enter()

    await office.pod.beat()

    [(subject, message)] = office.events.told
    beat = json.loads(message.body())
    assert subject == "chat.pod.pod-1.heartbeat"
    assert datetime.fromisoformat(beat.pop("timestamp")).tzinfo is not None
    assert 1 < beat.pop("memory_usage_mb") < 100_000
    assert beat.pop("cpu_usage_percent") >= 0
    assert beat == {"pod_id": "pod-1", "active_connections": 1}


async def test_a_heartbeat_keeps_connections_registered(office: Office) -> None:
    """Otherwise they expire; what a connection missed meanwhile is read."""
    client = await office.enter()
    clock = office.registry._clock
    assert isinstance(clock, Clock)
    clock.now += 29
    await office.pod.beat()
    clock.now += 29
    assert await office.registry.pods("s1") == {"pod-1"}

    clock.now += 2
    assert await office.registry.pods("s1") == frozenset()
    await Speaker(office.log).say("missed")
    await office.pod.beat()
    await client.rests()

    assert await office.registry.pods("s1") == {"pod-1"}
    assert client.text == "missed"


@pytest.mark.parametrize(
    ("name", "pod_id"),
    [
        ("pod-1", "pod-1"),
        ("gateway-7d9f8b6c5-x2x4z", "gateway-7d9f8b6c5-x2x4z"),
        ("host.example.org", "host-example-org"),
        ("ein rechner", "ein-rechner"),
        ("größe>*", "gr--e--"),
        ("x" * 100, "x" * 64),
        ("", "pod"),
    ],
)
def test_the_id_of_a_pod_is_a_token(name: str, pod_id: str) -> None:
    """Whatever a host may be called: a dot or a star would be a part of the subject."""
    assert pod_id_of(name) == pod_id
