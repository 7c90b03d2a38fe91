"""Chatting on behalf of an HTTP client: a message is stored once, can be stopped, and is remembered."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from memebattle.bus.events import MemoryEvents
from memebattle.bus.publishing import PublishFailed
from memebattle.bus.refusals import IdConflict, QueueFull, Unavailable
from memebattle.chat import asking
from memebattle.chat.asking import Chatting, MemoryAway, UnknownMessage
from memebattle.chat.http import ChatMessage
from memebattle.chat.messages import WorkflowCancel, WorkflowRequest
from memebattle.chat.workflows import JetStreamWorkflows, MemoryWorkflows
from memebattle.kit.metrics import Metrics
from memebattle.store.cache import MemoryCache
from memebattle.store.history import MemoryHistory

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Traced(MemoryWorkflows):
    """Notes the trace of each message."""

    traces: dict[str, str]

    async def submit(self, request: WorkflowRequest, traceparent: str) -> None:
        self.traces = {**getattr(self, "traces", {}), str(request.message_id): traceparent}
        await super().submit(request, traceparent)


@dataclass
class Desk:
    """Chatting over twins."""

    workflows: Any = field(default_factory=MemoryWorkflows)
    asked: MemoryCache = field(default_factory=lambda: MemoryCache(60))
    memory: Any = field(default_factory=lambda: MemoryHistory(10, 3600))
    connected: bool = True

    def __post_init__(self) -> None:
        self.chatting = Chatting(self.workflows, self.asked, self.memory, lambda: self.connected)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def message(text: str = "hello", **fields: Any) -> WorkflowRequest:
    return WorkflowRequest.model_validate({"session_id": "s1", "message": text, **fields})


async def test_a_message_is_stored_under_an_id_nobody_guesses(desk: Desk) -> None:
    first, second = await desk.chatting.say(message()), await desk.chatting.say(message())

    assert first.message_id != second.message_id
    assert re.fullmatch(r"msg_[A-Za-z0-9_-]{22}", str(first.message_id))
    assert desk.workflows.submitted == {first.message_id: first, second.message_id: second}


async def test_the_same_message_again_is_stored_once(desk: Desk) -> None:
    """The client had lost our answer; the times it sent them are no difference."""
    first = await desk.chatting.say(message(message_id="m1", timestamp="2025-11-17T20:30:00Z"))
    desk.workflows.submitted.clear()

    again = await desk.chatting.say(message(message_id="m1", timestamp="2025-11-17T20:31:00Z"))

    assert (again.message_id, again.session_id) == (first.message_id, first.session_id)
    assert desk.workflows.submitted == {}


@pytest.mark.parametrize(
    "other",
    [
        {"message": "another"},
        {"session_id": "s2"},
        {"user_id": "somebody else"},
        {"context": {"temperature": 1}},
    ],
)
async def test_another_message_under_the_same_id_is_refused(desk: Desk, other: dict[str, Any]) -> None:
    await desk.chatting.say(message(message_id="m1"))

    with pytest.raises(IdConflict, match="m1 was used before"):
        await desk.chatting.say(
            message(**{"text": other.pop("message", "hello"), "message_id": "m1", **other})
        )


async def test_a_message_that_began_a_session_may_be_sent_again(desk: Desk) -> None:
    """Its client knows the id it has made up, and has lost the answer that named the session."""
    body = {"message_id": "m1", "message": "hello"}
    first = await desk.chatting.say(ChatMessage.model_validate(body))

    again = await desk.chatting.say(ChatMessage.model_validate(body))

    assert again.session_id == first.session_id
    assert len(desk.workflows.submitted) == 1
    with pytest.raises(IdConflict):
        await desk.chatting.say(ChatMessage.model_validate({**body, "message": "another"}))


async def test_a_message_that_was_not_stored_may_be_sent_again(desk: Desk) -> None:
    """Only what was accepted is remembered."""
    desk.workflows.limit = 0
    with pytest.raises(QueueFull):
        await desk.chatting.say(message(message_id="m1"))

    desk.workflows.limit = 1
    await desk.chatting.say(message(message_id="m1"))

    assert set(desk.workflows.submitted) == {"m1"}


async def test_without_nats_nothing_is_taken(desk: Desk) -> None:
    """And nobody waits for a publish that may never end."""
    desk.connected = False

    with pytest.raises(Unavailable, match="NATS is out of reach"):
        await desk.chatting.say(message())
    with pytest.raises(Unavailable, match="NATS is out of reach"):
        await desk.chatting.stop("m1", "s1")


async def test_a_client_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than an election, and no longer."""

    class Stuck(MemoryWorkflows):
        async def submit(self, request: WorkflowRequest, traceparent: str) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(asking, "SUBMIT_BUDGET", 0.01)

    with pytest.raises(Unavailable, match=r"not stored within 0\.01 s"):
        await Desk(Stuck()).chatting.say(message())


@pytest.mark.parametrize(
    ("header", "wrapped"), [(TRACEPARENT, False), (None, True), ("nonsense", False), (None, False)]
)
async def test_a_message_is_a_part_of_the_trace_it_belongs_to(header: str | None, wrapped: bool) -> None:
    """That of its header or of its wrapper; else it begins one."""
    desk = Desk(Traced())
    body: dict[str, Any] = {"session_id": "s1", "message": "hello", "message_id": "m1"}
    if wrapped:
        body = {"trace_id": TRACE, "span_id": "b7ad6b7169203331", "data": body}

    await desk.chatting.say(WorkflowRequest.model_validate(body), header)

    version, trace, span, _ = desk.workflows.traces["m1"].split("-")
    assert version == "00"
    assert (trace == TRACE) is (header == TRACEPARENT or wrapped)
    assert span != "b7ad6b7169203331"


async def test_whoever_sent_a_message_can_stop_it_by_its_id(desk: Desk) -> None:
    """Any pod knows its session; the workers are told both."""
    said = await desk.chatting.say(message())

    session = await desk.chatting.stop(str(said.message_id))

    assert session == "s1"
    assert desk.workflows.cancelled == [WorkflowCancel(session_id="s1", message_id=said.message_id)]


async def test_a_message_that_nobody_sent_here_needs_its_session(desk: Desk) -> None:
    with pytest.raises(UnknownMessage, match="name its session_id too"):
        await desk.chatting.stop("m1")

    assert await desk.chatting.stop("m1", "s7") == "s7"
    assert desk.workflows.cancelled == [WorkflowCancel(session_id="s7", message_id="m1")]


async def test_what_was_said_is_remembered(desk: Desk) -> None:
    assert await desk.chatting.conversation("s1") == []

    await desk.memory.remember("s1", "m1", "hello", "hi")

    assert await desk.chatting.conversation("s1") == [("hello", "hi")]


async def test_a_memory_that_is_away_says_so() -> None:
    class Away(MemoryHistory):
        async def recall(self, session_id: str) -> list[tuple[str, str]] | None:
            return None

    with pytest.raises(MemoryAway):
        await Desk(memory=Away(10, 3600)).chatting.conversation("s1")


# ------------------------------------------------------------------------------- where messages go


@dataclass
class Stream:
    """A durable publisher that notes what it stores."""

    failure: BaseException | None = None
    stored: list[tuple[str, bytes, dict[str, str], str | None]] = field(default_factory=list)

    async def publish(
        self, subject: str, body: bytes, headers: Mapping[str, str], stream: str | None = None
    ) -> None:
        if self.failure is not None:
            raise self.failure
        self.stored.append((subject, body, dict(headers), stream))


@pytest.fixture
def stream() -> Stream:
    return Stream()


@pytest.fixture
def workflows(stream: Stream, metrics: Metrics) -> JetStreamWorkflows:
    ticks = iter([10.0, 10.0125])
    publisher: Any = stream
    return JetStreamWorkflows(
        publisher, MemoryEvents(), metrics.chat, "WORKFLOW_REQUESTS", "pod-1", lambda: next(ticks)
    )


async def test_a_message_is_stored_with_its_id_and_its_trace(
    workflows: JetStreamWorkflows, stream: Stream
) -> None:
    """The id makes the stream drop a second copy; the headers are what other services read."""
    request = message(message_id="m1", correlation_id="corr-1", timestamp="2025-11-17T20:30:05.123Z")

    await workflows.submit(request, TRACEPARENT)

    [(subject, body, headers, name)] = stream.stored
    assert (subject, name) == ("chat.workflow.execute.s1", "WORKFLOW_REQUESTS")
    assert headers == {"Nats-Msg-Id": "m1", "traceparent": TRACEPARENT, "correlation_id": "corr-1"}
    assert WorkflowRequest.read(body) == request


async def test_publishing_is_logged_as_the_document_says(
    workflows: JetStreamWorkflows, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "memebattle.chat")

    await workflows.submit(message(message_id="m1"), TRACEPARENT)

    [record] = caplog.records
    fields = ("subject", "message_id", "session_id", "pod_id", "latency_ms")
    assert record.message == "Message published"
    assert [getattr(record, name) for name in fields] == [
        "chat.workflow.execute.s1",
        "m1",
        "s1",
        "pod-1",
        12.5,
    ]


async def test_publishing_is_counted_by_pattern(
    workflows: JetStreamWorkflows, stream: Stream, metrics: Metrics
) -> None:
    """Never by session: anybody could fill the memory of the metrics."""
    await workflows.submit(message(message_id="m1"), TRACEPARENT)

    sample, labels = (
        metrics.registry.get_sample_value,
        {"subject_pattern": "chat.workflow.execute.{session_id}"},
    )
    assert sample("chat_published_total", labels) == 1
    assert sample("chat_message_bytes_sum", labels) == len(stream.stored[0][1])
    assert sample("chat_publish_errors_total", labels) is None


@pytest.mark.parametrize("failure", [PublishFailed("away"), asyncio.CancelledError()])
async def test_what_was_not_stored_is_counted_as_an_error(
    workflows: JetStreamWorkflows, stream: Stream, metrics: Metrics, failure: BaseException
) -> None:
    """Also when the client's patience was at its end first."""
    stream.failure = failure

    with pytest.raises(type(failure)):
        await workflows.submit(message(message_id="m1"), TRACEPARENT)

    sample, labels = (
        metrics.registry.get_sample_value,
        {"subject_pattern": "chat.workflow.execute.{session_id}"},
    )
    assert sample("chat_publish_errors_total", labels) == 1
    assert sample("chat_published_total", labels) is None


async def test_a_stop_is_told_to_every_worker(workflows: JetStreamWorkflows) -> None:
    await workflows.cancel("s1", WorkflowCancel(session_id="s1", message_id="m1"))

    events = workflows.events
    assert isinstance(events, MemoryEvents)
    [(subject, cancel)] = events.told
    assert subject == "chat.workflow.cancel.s1"
    assert json.loads(cancel.body()) == {"session_id": "s1", "message_id": "m1"}
