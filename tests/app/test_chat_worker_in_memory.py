"""The whole worker's chat without any server: FastStream's test broker, and every port an in-memory twin.

As in `test_worker_in_memory.py`: the test broker delivers to both subscribers, and its messages are handled
as Core copies, unless they have the reply subject that a consumer would have given them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from faststream.nats import TestApp, TestNatsBroker

from memebattle.bootstrap.chat_house import ChatParts
from memebattle.bus.chunklog import MemoryChunkLog
from memebattle.bus.core_publishing import MemoryPublisher
from memebattle.chat.messages import ResponseChunk, read_chunks
from memebattle.generation.providers.local_text import LocalText
from memebattle.generation.text_registry import TextModels
from memebattle.settings import Settings
from memebattle.store.claims import MemoryClaims
from memebattle.store.history import MemoryHistory
from memebattle.store.sessions import MemorySessions
from memebattle.worker import WorkerApp, create_app
from tests.talkers import STOP, ScriptedText
from tests.waiting import wait_until

SUBJECT = "chat.workflow.execute.sess_456"
STREAM = "WORKFLOW_REQUESTS"
ACK = f"$JS.ACK.{STREAM}.workflow-processor.1.7.7.1795212000000000000.0"
MESSAGE = {"message_id": "msg_1", "session_id": "sess_456", "message": "How are you?"}


@dataclass
class InMemory:
    """A worker whose world is this process."""

    model: ScriptedText = field(default_factory=ScriptedText)
    models: TextModels = field(init=False)
    chunks: MemoryChunkLog = field(default_factory=MemoryChunkLog)
    claims: MemoryClaims = field(default_factory=MemoryClaims)
    registry: MemorySessions = field(default_factory=lambda: MemorySessions(30))
    wire: MemoryPublisher = field(default_factory=MemoryPublisher)
    app: WorkerApp = field(init=False)

    def __post_init__(self) -> None:
        self.models = TextModels({"custom": self.model}, "custom")

    @contextlib.asynccontextmanager
    async def running(self, **env: str) -> AsyncIterator[TestNatsBroker]:
        self.app = create_app(
            Settings.from_env({"WORKER_CONTEXTS": "chat"} | env),
            chat=ChatParts(
                chunks=self.chunks,
                claims=self.claims,
                registry=self.registry,
                history=MemoryHistory(10, 3600),
                models=self.models,
                publisher=self.wire,
            ),
        )
        async with TestNatsBroker(self.app.broker, connect_only=True) as broker, TestApp(self.app):
            yield broker

    def answer(self, message_id: str = "msg_1") -> list[ResponseChunk]:
        frames = [frame for frame in self.chunks.frames if frame.message_id == message_id]
        return [chunk for frame in frames for chunk in read_chunks(frame.body)]

    def told(self) -> list[tuple[str, Any]]:
        """Subject and chunk of everything that pods were told."""
        return [(subject, json.loads(body)) for subject, body, _ in self.wire.published]

    def count(self, name: str, **labels: str) -> float:
        registry = self.app.wiring.metrics.registry
        return registry.get_sample_value(f"chat_workflow_{name}", labels) or 0


@pytest.fixture
def world() -> InMemory:
    return InMemory()


async def test_a_message_becomes_an_answer(world: InMemory) -> None:
    """Publish, and the answer is there when `publish` returns."""
    async with world.running() as broker:
        await broker.publish(MESSAGE, SUBJECT)

    assert [(chunk.chunk_id, chunk.chunk, chunk.is_final) for chunk in world.answer()] == [
        (0, "Hello", False),
        (1, " there", False),
        (2, "", True),
    ]
    assert [subject for subject, _ in world.told()] == ["chat.session.sess_456.broadcast"] * 3
    assert len(world.model.specs) == 1


async def test_the_document_s_own_message_is_answered_offline(world: InMemory) -> None:
    """It wants OpenAI; while no provider is configured, the offline one answers in its name."""
    message = {
        "message_id": "msg_abc123",
        "session_id": "sess_456",
        "user_id": "user_789",
        "message": "What is the weather today?",
        "context": {"ai_provider": "openai", "model": "gpt-4", "temperature": 0.7, "max_tokens": 2000},
        "timestamp": "2025-11-17T20:30:00Z",
        "correlation_id": "corr_xyz",
    }
    world.models = TextModels({"local": LocalText(token_time=0)}, "local", stand_in=True)
    async with world.running() as broker:
        await broker.publish(message, SUBJECT)

    answer = world.answer("msg_abc123")
    assert [chunk.is_final for chunk in answer] == [False] * (len(answer) - 1) + [True]
    assert len(answer) > 10
    assert {chunk.correlation_id for chunk in answer} == {"corr_xyz"}
    assert {chunk.metadata and chunk.metadata.model for chunk in answer} == {"local-1"}


async def test_the_durable_path_alone_answers_too(world: InMemory) -> None:
    message = {"session_id": "sess_456", "message": "How are you?"}
    async with world.running() as broker:
        await broker.publish(message, SUBJECT, stream=STREAM, reply_to=ACK)

    assert world.answer("js-WORKFLOW_REQUESTS-7")[-1].is_final
    assert (world.count("jetstream_messages_total"), world.count("core_nats_messages_total")) == (1, 0)


async def test_both_copies_of_a_message_are_one_answer(world: InMemory) -> None:
    async with world.running() as broker:
        await broker.publish(MESSAGE, SUBJECT)
        await broker.publish(MESSAGE, SUBJECT, stream=STREAM, reply_to=ACK)

    assert len(world.model.specs) == 1
    assert [chunk.is_final for chunk in world.answer()] == [False, False, True]
    assert world.count("duplicate_messages_total", source="jetstream", reason="in_process") == 1


async def test_without_core_only_the_durable_path_is_served(world: InMemory) -> None:
    async with world.running(ENABLE_CORE_NATS="false") as broker:
        await broker.publish(MESSAGE, SUBJECT, stream=STREAM, reply_to=ACK)

    assert world.answer()[-1].is_final
    assert world.count("core_nats_messages_total") == 0


async def test_pods_that_hold_the_session_are_told_by_name(world: InMemory) -> None:
    await world.registry.register("pod-2", [("sess_456", "c1")])
    async with world.running() as broker:
        await broker.publish(MESSAGE, SUBJECT)

    assert [subject for subject, _ in world.told()] == ["chat.pod.pod-2.response"] * 3
    assert [chunk["chunk"] for _, chunk in world.told()] == ["Hello", " there", ""]
    assert [headers["Mb-Previous"] for _, _, headers in world.wire.published] == ["0", "1", "2"]


async def test_headers_travel_from_the_message_to_the_frames(world: InMemory) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    async with world.running() as broker:
        await broker.publish(MESSAGE, SUBJECT, headers=headers, correlation_id="corr-7")

    assert {frame.trace["traceparent"][3:35] for frame in world.chunks.frames} == {trace}
    assert {frame.trace["correlation_id"] for frame in world.chunks.frames} == {"corr-7"}
    assert {chunk.correlation_id for chunk in world.answer()} == {"corr-7"}


async def test_the_subject_says_whose_answer_to_stop(world: InMemory) -> None:
    world.model.scripts = [("Hello", asyncio.Event())]
    async with world.running() as broker:
        asking = asyncio.create_task(broker.publish(MESSAGE, SUBJECT))
        await wait_until(world.told, "the first chunk")
        await broker.publish(b"{}", "chat.workflow.cancel.sess_456")
        await asking

    assert world.answer()[-1].metadata is not None
    assert world.answer()[-1].metadata.finish_reason == "cancelled"
    assert "".join(chunk.chunk for chunk in world.answer()) == "Hello"


async def test_a_message_of_another_session_than_its_subject_is_not_answered(world: InMemory) -> None:
    async with world.running() as broker:
        await broker.publish(MESSAGE, "chat.workflow.execute.sess_457")

    assert (world.model.specs, world.chunks.frames) == ([], [])
    assert world.count("core_skipped_total", reason="invalid") == 2  # by each subscriber


@pytest.mark.parametrize("body", [b"this is not JSON", b'{"session_id":"sess_456"}', b""])
async def test_a_message_that_is_no_request_breaks_nothing(world: InMemory, body: bytes) -> None:
    async with world.running() as broker:
        await broker.publish(body, SUBJECT)
        await broker.publish(MESSAGE, SUBJECT)

    assert world.answer()[-1].is_final
    assert world.count("core_skipped_total", reason="invalid") == 2  # by each subscriber


async def test_batches_are_a_setting(world: InMemory) -> None:
    world.model.scripts = [("a", "b", "c", STOP)]
    async with world.running(CHAT_BATCH_MS="1000", CHAT_BATCH_MAX="100") as broker:
        await broker.publish(MESSAGE, SUBJECT)

    ((_, batch),) = world.told()
    assert [chunk["chunk"] for chunk in batch["chunks"]] == ["a", "b", "c", ""]


async def test_the_names_come_from_the_settings(world: InMemory) -> None:
    names = {"NATS_WORKFLOW_STREAM": "QUESTIONS", "NATS_WORKFLOW_CONSUMER": "oracles"}
    ack = "$JS.ACK.QUESTIONS.oracles.1.7.7.1795212000000000000.0"
    async with world.running(**names) as broker:
        await broker.publish(MESSAGE, SUBJECT, stream="QUESTIONS", reply_to=ack)

    assert world.answer()[-1].is_final
