"""The lines of a worker as machines read them: the documents' words, with the documents' keys."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from memebattle.kit.logs import JsonFormatter
from memebattle.kit.metrics import Metrics
from tests.app.test_worker_in_memory import ACK, InMemory
from tests.office import Office

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "correlation_id": "corr-1"}


class Lines(logging.Handler):
    """Formats at once, while the fields are bound."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.all.append(json.loads(JsonFormatter().format(record)))

    def of(self, beginning: str) -> dict[str, Any]:
        """The one line that begins so."""
        (found,) = [line for line in self.all if line["message"].startswith(beginning)]
        return found


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Lines]:
    caplog.set_level(logging.INFO, "memebattle")
    handler = Lines()
    logging.getLogger("memebattle").addHandler(handler)
    yield handler
    logging.getLogger("memebattle").removeHandler(handler)


async def test_a_meme_is_followed_by_its_id_from_source_to_duration(lines: Lines) -> None:
    """Source, request id, the cache, and how long it took: what the first document promises of its log."""
    async with InMemory().running(ENABLE_CORE_NATS="false") as broker:
        await broker.publish(
            {"id": "r1", "prompt": "A cat"}, "meme.request", stream="MEMES", reply_to=ACK, headers=HEADERS
        )

    told = [line for line in lines.all if line.get("source")]
    assert {(line["source"], line["correlation_id"]) for line in told} == {("jetstream", "corr-1")}
    assert lines.of("Received JetStream message").items() >= {"subject": "meme.request"}.items()
    for beginning in ("Successfully parsed JetStream", "Cache miss", "Generated image", "Successfully sent"):
        assert lines.of(beginning)["request_id"] == "r1"
    for beginning in ("Cache miss", "Generated image", "Successfully sent"):
        assert lines.of(beginning)["trace_id"] == TRACE
    assert lines.of("Successfully sent")["seconds"] >= 0


async def test_a_chunk_is_logged_with_the_keys_of_its_document(lines: Lines, metrics: Metrics) -> None:
    """`log.WithFields(...).Info("Message published")`, and the ids of the trace it belongs to."""
    office = Office(metrics)
    await office.registry.register("pod-1", [("s1", "connection-1")])
    await office.ask()

    found = lines.of("Message published")
    assert {key: found[key] for key in ("subject", "message_id", "session_id", "pod_id")} == {
        "subject": "chat.pod.pod-1.response",
        "message_id": "m1",
        "session_id": "s1",
        "pod_id": "pod-1",
    }
    assert found["latency_ms"] >= 0
    assert {"ts", "level", "logger", "trace_id", "span_id"} <= found.keys()
