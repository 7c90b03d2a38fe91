"""The wire language of chat: the document's own examples, word for word, and what is refused."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from memebattle.chat.messages import (
    ChunkBatch,
    ChunkError,
    ChunkMetadata,
    Chunks,
    HealthResponse,
    HeartbeatMessage,
    ResponseChunk,
    WorkflowCancel,
    WorkflowContext,
    WorkflowRequest,
    chunks_in,
    read_chunks,
    unwrapped,
)
from memebattle.kit.text import composed

REQUEST = b"""{
  "message_id": "msg_abc123",
  "session_id": "sess_456",
  "user_id": "user_789",
  "message": "What is the weather today?",
  "context": {
    "ai_provider": "openai",
    "model": "gpt-4",
    "temperature": 0.7,
    "max_tokens": 2000
  },
  "timestamp": "2025-11-17T20:30:00Z",
  "correlation_id": "corr_xyz"
}"""
CHUNK = b"""{
  "session_id": "sess_456",
  "message_id": "msg_abc123",
  "chunk_id": 42,
  "chunk": " weather",
  "chunk_type": "content",
  "is_final": false,
  "metadata": {
    "model": "gpt-4",
    "tokens_used": 15
  },
  "timestamp": "2025-11-17T20:30:05.123Z",
  "correlation_id": "corr_xyz"
}"""
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def a_request(**fields: Any) -> WorkflowRequest:
    """The shortest message, and what the test is about."""
    return WorkflowRequest.model_validate({"session_id": "s1", "message": "Hello"} | fields)


def refused_at(**fields: Any) -> str:
    """Where a message is refused."""
    with pytest.raises(ValidationError) as refusal:
        a_request(**fields)
    (error, *_) = refusal.value.errors()
    return ".".join(str(part) for part in error["loc"])


def test_the_document_s_request_is_understood() -> None:
    request = WorkflowRequest.read(REQUEST)

    assert (request.message_id, request.session_id, request.user_id) == ("msg_abc123", "sess_456", "user_789")
    assert request.message == "What is the weather today?"
    assert request.context == WorkflowContext(
        ai_provider="openai", model="gpt-4", temperature=0.7, max_tokens=2000
    )
    assert request.timestamp == datetime(2025, 11, 17, 20, 30, tzinfo=UTC)
    assert request.correlation_id == "corr_xyz"
    assert request.unknown_fields == 0
    assert request.traceparent is None


def test_the_document_s_request_is_written_with_its_names() -> None:
    expected = json.loads(REQUEST) | {"timestamp": "2025-11-17T20:30:00.000Z"}

    assert json.loads(WorkflowRequest.read(REQUEST).body()) == expected


def test_the_document_s_chunk_is_read_and_written_word_for_word() -> None:
    (chunk,) = read_chunks(CHUNK)

    assert chunk == ResponseChunk(
        session_id="sess_456",
        message_id="msg_abc123",
        chunk_id=42,
        chunk=" weather",
        chunk_type="content",
        is_final=False,
        metadata=ChunkMetadata(model="gpt-4", tokens_used=15),
        timestamp=datetime(2025, 11, 17, 20, 30, 5, 123_000, tzinfo=UTC),
        correlation_id="corr_xyz",
    )
    assert json.loads(chunk.body()) == json.loads(CHUNK)


def test_the_document_s_other_fields_of_a_chunk() -> None:
    chunk = ResponseChunk(
        session_id="s1",
        message_id="m1",
        chunk_id=0,
        chunk_type="error",
        is_final=True,
        metadata=ChunkMetadata(finish_reason="error"),
        error=ChunkError(code="timeout", message="too slow"),
        timestamp=datetime(2025, 11, 17, 20, 30, tzinfo=UTC),
    )

    assert json.loads(chunk.body()) == {
        "session_id": "s1",
        "message_id": "m1",
        "chunk_id": 0,
        "chunk": "",
        "chunk_type": "error",
        "is_final": True,
        "metadata": {"finish_reason": "error"},
        "error": {"code": "timeout", "message": "too slow"},
        "timestamp": "2025-11-17T20:30:00.000Z",
    }


@pytest.mark.parametrize("chunk_type", ["content", "metadata", "error", "system"])
@pytest.mark.parametrize("finish_reason", ["stop", "length", "error", "cancelled"])
def test_the_kinds_of_chunks_and_ends(chunk_type: str, finish_reason: str) -> None:
    data = json.loads(CHUNK) | {"chunk_type": chunk_type, "metadata": {"finish_reason": finish_reason}}

    assert json.loads(ResponseChunk.model_validate(data).body()) == data


@pytest.mark.parametrize(
    "change",
    [
        {"chunk_id": -1},
        {"chunk_id": 0.5},
        {"chunk_type": "image"},
        {"metadata": {"finish_reason": "bored"}},
        {"session_id": "a.b"},
        {"timestamp": "2025-11-17T20:30:05"},
    ],
)
def test_what_is_no_chunk(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ResponseChunk.model_validate(json.loads(CHUNK) | change)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("2025-11-17T20:30:00Z", "2025-11-17T20:30:00.000Z"),
        ("2025-11-17T22:30:00.123456+02:00", "2025-11-17T20:30:00.123Z"),
        ("2025-11-17T20:30:00.999999Z", "2025-11-17T20:30:00.999Z"),
    ],
)
def test_times_are_written_in_utc_with_milliseconds(given: str, written: str) -> None:
    assert json.loads(a_request(timestamp=given).body())["timestamp"] == written


@pytest.mark.parametrize(
    "timestamp",
    ["2025-11-17T20:30:00", "yesterday", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"],
)
def test_a_time_that_is_none_everywhere_is_refused(timestamp: str) -> None:
    """Without an offset it is many times, and beyond the calendar it could not be written again."""
    assert refused_at(timestamp=timestamp) == "timestamp"


def test_a_message_needs_only_a_session_and_words() -> None:
    request = WorkflowRequest.read(b'{"session_id":"s1","message":"Hello"}')

    assert (request.message_id, request.user_id, request.correlation_id) == (None, None, None)
    assert request.context == WorkflowContext()
    assert request.context.conversation_history is None
    assert abs((datetime.now(UTC) - request.timestamp).total_seconds()) < 60


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"session_id": "with space"}, "session_id"),
        ({"session_id": "a.b"}, "session_id"),
        ({"session_id": "*"}, "session_id"),
        ({"session_id": "x" * 65}, "session_id"),
        ({"session_id": "s1\n"}, "session_id"),
        ({"session_id": ""}, "session_id"),
        ({"message_id": "a.b"}, "message_id"),
        ({"user_id": "x" * 129}, "user_id"),
        ({"message": ""}, "message"),
        ({"message": " \n\t "}, "message"),
        ({"message": "\x00\x1b"}, "message"),
        ({"message": "x" * 100_001}, "message"),
        ({"message": 7}, "message"),
        ({"correlation_id": "x" * 129}, "correlation_id"),
        ({"correlation_id": "two words"}, "correlation_id"),
        ({"correlation_id": "line\r\nend"}, "correlation_id"),
        ({"context": {"ai_provider": "somebody"}}, "context.ai_provider"),
        ({"context": {"model": ""}}, "context.model"),
        ({"context": {"model": "x" * 129}}, "context.model"),
        ({"context": {"temperature": -0.1}}, "context.temperature"),
        ({"context": {"temperature": 2.1}}, "context.temperature"),
        ({"context": {"max_tokens": 0}}, "context.max_tokens"),
        ({"context": {"max_tokens": 1_000_001}}, "context.max_tokens"),
        ({"context": {"system_prompt": "x" * 100_001}}, "context.system_prompt"),
        (
            {"context": {"conversation_history": [{"role": "user", "content": "x"}] * 201}},
            "context.conversation_history",
        ),
        (
            {"context": {"conversation_history": [{"role": "tool", "content": "x"}]}},
            "context.conversation_history.0.role",
        ),
    ],
)
def test_what_is_refused_and_where(fields: dict[str, Any], where: str) -> None:
    assert refused_at(**fields) == where


def test_the_bounds_themselves_are_allowed() -> None:
    request = a_request(
        session_id="x" * 64,
        message_id="a-Z_9",
        user_id="x" * 128,
        message="x" * 100_000,
        correlation_id="!" + "x" * 126 + "~",
        context={
            "ai_provider": "custom",
            "model": "x" * 128,
            "temperature": 2,
            "max_tokens": 1_000_000,
            "system_prompt": "x" * 100_000,
            "conversation_history": [{"role": "assistant", "content": ""}] * 200,
        },
    )

    assert len(request.context.conversation_history or ()) == 200


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b"null", b'"text"', b'{"session_id":"s1"}', b"[" * 100_000]
)
def test_what_is_no_request_at_all(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        WorkflowRequest.read(body)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Hello \n", "Hello"),
        ("one\ntwo\tthree", "one\ntwo\tthree"),
        ("one\r\ntwo", "one\ntwo"),
        ("a\x00b\x1b[31mc\x7fd\x9be", "ab[31mcde"),
        ("half a \ud83d pair", "half a  pair"),
        ("e\u0301", "\u00e9"),
        ("e\x00\u0301", "\u00e9"),
        (
            "family: \U0001f468\u200d\U0001f469\u200d\U0001f467",
            "family: \U0001f468\u200d\U0001f469\u200d\U0001f467",
        ),
        ("\u202b\u0634\u0643\u0631\u0627", "\u202b\u0634\u0643\u0631\u0627"),
    ],
)
def test_text_as_people_type_it(typed: str, kept: str) -> None:
    assert a_request(message=typed).message == kept


def test_every_text_of_a_message_is_cleaned() -> None:
    request = a_request(
        context={
            "system_prompt": " Be\x00 brief. ",
            "conversation_history": [{"role": "user", "content": "\x07Hi"}],
        }
    )

    assert request.context.system_prompt == "Be brief."
    assert request.context.conversation_history is not None
    assert request.context.conversation_history[0].content == "Hi"


def test_marks_are_kept_as_far_as_any_script_needs_them() -> None:
    tower = "a" + "\u0327\u0300" * 15

    assert composed(tower) == "\u00e0" + "\u0327" * 15 + "\u0300" * 14
    assert composed(tower + "\u0300" * 1000 + "b") == composed(tower) + "b"


def test_half_a_megabyte_of_marks_does_not_hold_the_event_loop() -> None:
    """Sorting them takes the square of their number: this one took minutes."""
    marks, started = "a" + "\u0300\u0327" * 125_000, time.perf_counter()
    with pytest.raises(ValidationError):
        a_request(message=marks + "x" * 100_000)

    assert time.perf_counter() - started < 5


def test_unknown_fields_are_ignored_and_counted() -> None:
    """Those of the context, too: a parameter that nobody reads is a surprise to somebody."""
    request = a_request(mood="good", priority=1, context={"top_p": 0.5, "model": "gpt-4"})

    assert request.unknown_fields == 3
    assert not {"mood", "priority", "top_p"} & set(json.loads(request.body()))


def test_the_wrapper_of_the_document_is_taken_off() -> None:
    wrapped = {"trace_id": TRACE, "span_id": SPAN, "data": json.loads(REQUEST)}
    request = WorkflowRequest.read(json.dumps(wrapped).encode())

    assert request.message_id == "msg_abc123"
    assert request.traceparent == f"00-{TRACE}-{SPAN}-01"
    assert request.unknown_fields == 0


def test_unknown_fields_are_counted_inside_the_wrapper() -> None:
    inner = {"session_id": "s1", "message": "Hello", "mood": "good", "context": {"top_p": 1}}
    wrapped = {"trace_id": TRACE, "span_id": SPAN, "data": inner, "and": "more"}

    assert WorkflowRequest.read(json.dumps(wrapped).encode()).unknown_fields == 2


@pytest.mark.parametrize(
    ("trace_id", "span_id"),
    [("abc", SPAN), (TRACE, None), (TRACE.upper(), SPAN), (7, SPAN), (TRACE, f"{SPAN}\n")],
)
def test_a_wrapper_with_an_invalid_trace_is_taken_off_all_the_same(trace_id: Any, span_id: Any) -> None:
    wrapped = {"trace_id": trace_id, "span_id": span_id, "data": {"session_id": "s1", "message": "Hello"}}
    request = WorkflowRequest.read(json.dumps(wrapped).encode())

    assert (request.session_id, request.traceparent) == ("s1", None)


@pytest.mark.parametrize(
    "data",
    [
        {"trace_id": TRACE, "span_id": SPAN, "data": "text"},
        {"trace_id": TRACE, "data": {}, "session_id": "s1"},
        {"data": {"session_id": "s1"}},
        [1, 2],
        None,
    ],
)
def test_what_is_no_wrapper_stays_as_it_is(data: Any) -> None:
    assert unwrapped(data) == (data, None)


BASE: dict[str, Any] = {
    "session_id": "s1",
    "user_id": "u1",
    "message": "Hello",
    "context": {
        "ai_provider": "openai",
        "model": "gpt-4",
        "temperature": 0.5,
        "max_tokens": 100,
        "system_prompt": "Be brief.",
        "conversation_history": [{"role": "user", "content": "Hi"}],
    },
}


@pytest.mark.parametrize(
    "change",
    [
        {"session_id": "s2"},
        {"user_id": "u2"},
        {"user_id": None},
        {"message": "Hello!"},
        {"context": BASE["context"] | {"ai_provider": "anthropic"}},
        {"context": BASE["context"] | {"model": "gpt-5"}},
        {"context": BASE["context"] | {"temperature": 0.6}},
        {"context": BASE["context"] | {"max_tokens": 101}},
        {"context": BASE["context"] | {"system_prompt": "Be long."}},
        {"context": BASE["context"] | {"conversation_history": []}},
        {"context": BASE["context"] | {"conversation_history": None}},
        {"context": BASE["context"] | {"conversation_history": [{"role": "assistant", "content": "Hi"}]}},
    ],
)
def test_the_digest_changes_with_what_is_asked(change: dict[str, Any]) -> None:
    assert a_request(**BASE | change).digest != a_request(**BASE).digest


@pytest.mark.parametrize(
    "change",
    [
        {"message_id": "m2"},
        {"timestamp": "2025-11-17T20:30:00Z"},
        {"correlation_id": "corr_2"},
        {"mood": "good"},
        {"message": "  Hello\n"},
        {"context": dict(reversed(BASE["context"].items()))},
    ],
)
def test_and_with_nothing_else(change: dict[str, Any]) -> None:
    assert a_request(**BASE | change).digest == a_request(**BASE).digest


def test_a_digest_survives_the_wire() -> None:
    """A pod and a worker see the same message; the one has typed text, the other what the first has sent."""
    typed = a_request(**BASE | {"message": " e\x00\u0301\r\n" + "\u0300\u0327" * 100})

    assert WorkflowRequest.read(typed.body()).digest == typed.digest


def test_the_digest_is_the_same_everywhere() -> None:
    """Written down: frames carry it, and workers of two versions meet over them."""
    asked = (
        b'{"context": {"ai_provider": "openai", "max_tokens": 2000, "model": "gpt-4", "temperature": 0.7}, '
        b'"message": "What is the weather today?", "session_id": "sess_456", "user_id": "user_789"}'
    )

    assert WorkflowRequest.read(REQUEST).digest == hashlib.sha256(asked).hexdigest()


def test_several_chunks_in_one_message() -> None:
    chunks = [
        ResponseChunk(session_id="s1", message_id="m1", chunk_id=number, chunk=word)
        for number, word in enumerate(["Hello", " there"])
    ]
    body = ChunkBatch(session_id="s1", chunks=chunks).body()

    assert set(json.loads(body)) == {"session_id", "chunks"}
    assert [each["chunk"] for each in json.loads(body)["chunks"]] == ["Hello", " there"]
    assert [each.chunk_id for each in read_chunks(body)] == [0, 1]


def test_a_subscriber_takes_either_form() -> None:
    """Handlers declare the union; a chunk is tried first, and a batch is none: it has no message id."""
    either: TypeAdapter[ResponseChunk | ChunkBatch] = TypeAdapter(Chunks)
    batch = b'{"session_id":"sess_456","chunks":[%b]}' % CHUNK

    assert chunks_in(either.validate_python(CHUNK)) == read_chunks(CHUNK)
    assert chunks_in(either.validate_python(batch)) == read_chunks(batch) == read_chunks(CHUNK)


@pytest.mark.parametrize("count", [0, 1001])
def test_a_batch_has_between_one_and_a_thousand_chunks(count: int) -> None:
    with pytest.raises(ValidationError):
        ChunkBatch.model_validate({"session_id": "s1", "chunks": [json.loads(CHUNK)] * count})


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b"{}", b'{"session_id":"s1","chunks":[{"chunk_id":1}]}']
)
def test_what_is_neither_a_chunk_nor_a_batch(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_chunks(body)


@pytest.mark.parametrize("body", [b"{}", b'{"session_id":"s1"}', b'{"session_id":"s1","message_id":"m1"}'])
def test_a_cancellation_may_leave_to_the_subject_what_it_is_about(body: bytes) -> None:
    assert json.loads(WorkflowCancel.read(body).body()) == json.loads(body)


def test_a_pod_says_how_it_is_in_the_document_s_words() -> None:
    moment = datetime(2025, 11, 17, 20, 30, 5, 123_000, tzinfo=UTC)
    health = HealthResponse(pod_id="pod-1", active_connections=12, timestamp=moment)
    heartbeat = HeartbeatMessage(
        pod_id="pod-1", active_connections=12, memory_usage_mb=84.5, cpu_usage_percent=3.2, timestamp=moment
    )

    assert json.loads(health.body()) == {
        "pod_id": "pod-1",
        "status": "healthy",
        "active_connections": 12,
        "timestamp": "2025-11-17T20:30:05.123Z",
    }
    assert json.loads(heartbeat.body()) == {
        "pod_id": "pod-1",
        "timestamp": "2025-11-17T20:30:05.123Z",
        "active_connections": 12,
        "memory_usage_mb": 84.5,
        "cpu_usage_percent": 3.2,
    }
