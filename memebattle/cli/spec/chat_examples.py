"""The examples of chat: those of the document that other services were built from, byte for byte.

They are data and not made from our classes, because services in other languages write them like this; each is
read by its class all the same, which must know every field of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from memebattle.bus.frames import Frame, copy_headers_of, headers_of, subject_of
from memebattle.bus.messages import WireModel
from memebattle.chat.messages import (
    ChunkBatch,
    HealthRequest,
    HealthResponse,
    HeartbeatMessage,
    ResponseChunk,
    WorkflowCancel,
    WorkflowRequest,
)

type Example = dict[str, Any]

SESSION, MESSAGE, CORRELATION = "sess_456", "msg_abc123", "corr_xyz"
SEQUENCE, PREVIOUS = 1047, 1046
PUBLISHED_AT = "1763411405.123456"  # right after the chunk's own timestamp

_REQUEST = {
    "message_id": MESSAGE,
    "session_id": SESSION,
    "user_id": "user_789",
    "message": "What is the weather today?",
    "context": {"ai_provider": "openai", "model": "gpt-4", "temperature": 0.7, "max_tokens": 2000},
    "timestamp": "2025-11-17T20:30:00Z",
    "correlation_id": CORRELATION,
}
_CHUNK = {
    "session_id": SESSION,
    "message_id": MESSAGE,
    "chunk_id": 42,
    "chunk": " weather",
    "chunk_type": "content",
    "is_final": False,
    "metadata": {"model": "gpt-4", "tokens_used": 15},
    "timestamp": "2025-11-17T20:30:05.123Z",
    "correlation_id": CORRELATION,
}


def chunk_headers(body: Example, traceparent: str, *, copy: bool) -> dict[str, str]:
    """The headers of an example chunk or batch: of the stored frame, or of its copy for a pod."""
    last = body.get("chunks", [body])[-1]
    frame = Frame(
        SESSION,
        MESSAGE,
        b"",
        next_chunk=last["chunk_id"] + 1,
        final=last["is_final"],
        digest=hashlib.sha256(MESSAGE.encode()).hexdigest(),
        writer="9f86d081884c7d65",
        previous=PREVIOUS,
        seq=SEQUENCE,
        trace={"correlation_id": CORRELATION, "traceparent": traceparent},
    )
    if copy:
        return {**copy_headers_of(frame), "Mb-Published-At": PUBLISHED_AT}
    return {
        **headers_of(frame),
        "Nats-Expected-Last-Subject-Sequence": str(PREVIOUS),
        "Nats-Expected-Last-Subject-Sequence-Subject": subject_of(SESSION),
        "Nats-Expected-Stream": "CHAT_CHUNKS",
    }


def _requests() -> Iterator[Example]:
    yield _example("a question", WorkflowRequest, _REQUEST)
    least = {"message_id": "msg_abc125", "session_id": SESSION, "message": "And tomorrow?"}
    yield _example("the least", WorkflowRequest, least)
    context = {
        "system_prompt": "Answer in one sentence.",
        "conversation_history": [
            {"role": "user", "content": "Which city is the best for a picnic?"},
            {"role": "assistant", "content": "Lisbon, in May."},
        ],
    }
    asked = {"message_id": "msg_abc124", "session_id": SESSION, "message": "Why?", "context": context}
    yield _example("with a history of its own", WorkflowRequest, asked)


def _chunks() -> Iterator[Example]:
    yield _example("a piece of text", ResponseChunk, _CHUNK)
    last = _CHUNK | {"chunk_id": 57, "chunk": "", "chunk_type": "metadata", "is_final": True}
    spent = {"model": "gpt-4", "provider": "openai", "tokens_used": 58, "finish_reason": "stop"}
    yield _example("the end", ResponseChunk, last | {"metadata": spent})
    failed = {"provider": "openai", "finish_reason": "error"}
    why = {"code": "truncated", "message": "the provider ended without a reason"}
    broken = last | {"chunk_type": "error", "metadata": failed, "error": why}
    yield _example("the end, after a failure", ResponseChunk, broken)


def _batches() -> Iterator[Example]:
    chunks = [_CHUNK, _CHUNK | {"chunk_id": 43, "chunk": " is"}]
    yield _example("two chunks at once", ChunkBatch, {"session_id": SESSION, "chunks": chunks})


def _cancels() -> Iterator[Example]:
    yield _example("one answer", WorkflowCancel, {"session_id": SESSION, "message_id": MESSAGE})
    yield _example("whatever the session is being told", WorkflowCancel, {})


def _questions() -> Iterator[Example]:
    yield _example("how are you", HealthRequest, {})


def _replies() -> Iterator[Example]:
    said = {"pod_id": "pod-1", "status": "healthy", "active_connections": 12}
    yield _example("fine", HealthResponse, said | {"timestamp": "2025-11-17T20:30:00.000Z"})


def _heartbeats() -> Iterator[Example]:
    said = {"pod_id": "pod-1", "timestamp": "2025-11-17T20:30:00.000Z", "active_connections": 12}
    yield _example("alive", HeartbeatMessage, said | {"memory_usage_mb": 84.5, "cpu_usage_percent": 3.2})


def _example(name: str, model: type[WireModel], payload: dict[str, Any]) -> Example:
    model.model_validate(payload, extra="forbid")
    return {"name": name, "payload": payload}


CHAT_EXAMPLES: dict[str, Callable[[], Iterator[Example]]] = {
    "WorkflowRequest": _requests,
    "WorkflowCancel": _cancels,
    "ResponseChunk": _chunks,
    "ChunkBatch": _batches,
    "HealthRequest": _questions,
    "HealthResponse": _replies,
    "HeartbeatMessage": _heartbeats,
}
