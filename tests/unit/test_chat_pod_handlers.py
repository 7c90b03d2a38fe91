"""Chunks go straight to the pod, past FastStream's consumption of messages."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from faststream.nats import NatsBroker

from memebattle.bus.framework import subject_of
from memebattle.chat import pod_handlers
from memebattle.chat.messages import ChunkBatch, ResponseChunk

CHUNK = ResponseChunk.read(
    b'{"session_id":"s1","message_id":"m1","chunk_id":0,"chunk":"Hello","timestamp":"2026-11-21T12:00:00.123Z"}'
)


class Ear:
    """Hears like a pod."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, dict[str, str], str]] = []

    def hear(self, chunks: Any, headers: dict[str, str], pattern: str) -> None:
        self.heard.append((chunks, headers, pattern))


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def subscribers(ear: Ear) -> dict[str, Any]:
    """Those of a pod, by subject."""
    broker = NatsBroker()
    broker.include_router(pod_handlers.routes("pod-1"))
    pod_handlers.hear_straight(broker.subscribers, ear)
    return {subject_of(each): each for each in broker.subscribers}


def message(body: bytes, headers: dict[str, str] | None = None) -> SimpleNamespace:
    return SimpleNamespace(data=body, headers=headers)


async def test_a_chunk_for_this_pod_is_heard_with_its_headers(subscribers: dict[str, Any], ear: Ear) -> None:
    await subscribers["chat.pod.pod-1.response"].consume(message(CHUNK.body(), {"Mb-Sequence": "7"}))

    assert ear.heard == [(CHUNK, {"Mb-Sequence": "7"}, "chat.pod.{pod_id}.response")]


async def test_a_batch_for_all_pods_is_heard(subscribers: dict[str, Any], ear: Ear) -> None:
    batch = ChunkBatch(session_id="s1", chunks=[CHUNK])
    await subscribers["chat.session.{session_id}.broadcast"].consume(message(batch.body()))

    assert ear.heard == [(batch, {}, "chat.session.{session_id}.broadcast")]


@pytest.mark.parametrize("body", [b"", b"not json", b"{}", b'{"chunks": []}', b"\xff\xfe", b"[" * 100_000])
async def test_what_is_no_chunk_is_logged_and_harms_nobody(
    subscribers: dict[str, Any], ear: Ear, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    with caplog.at_level(logging.WARNING):
        await subscribers["chat.pod.pod-1.response"].consume(message(body))
        await subscribers["chat.pod.pod-1.response"].consume(message(CHUNK.body()))

    assert [chunk for chunk, _, _ in ear.heard] == [CHUNK]
    assert "Not a chunk" in caplog.text


def test_questions_are_still_answered_by_their_handler(subscribers: dict[str, Any]) -> None:
    assert sorted(subscribers) == [
        "chat.pod.pod-1.health",
        "chat.pod.pod-1.response",
        "chat.pods.health",
        "chat.session.{session_id}.broadcast",
    ]
    for subject in ("chat.pod.pod-1.health", "chat.pods.health"):
        assert "consume" not in vars(subscribers[subject])
