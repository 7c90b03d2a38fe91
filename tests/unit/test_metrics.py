"""Metrics by the names that dashboards and alerts know them by, written down."""

from __future__ import annotations

import math
from typing import Any

import httpx
import pytest

from memebattle.bootstrap.wiring import wire
from memebattle.kit.metrics import Metrics, declared
from memebattle.settings import Settings

PROMISED = {
    # the document's five, B52 to B56
    "chat_published_total",
    "chat_delivery_lag_seconds",
    "chat_message_bytes",
    "chat_publish_errors_total",
    "chat_subscribe_errors_total",
    "chat_active_subscriptions",
    # what becomes of a message
    "chat_workflow_core_nats_messages_total",
    "chat_workflow_jetstream_messages_total",
    "chat_workflow_duplicate_messages_total",
    "chat_workflow_requests_total",
    "chat_workflow_errors_total",
    "chat_workflow_retries_total",
    "chat_workflow_dead_letters_total",
    "chat_workflow_core_skipped_total",
    "chat_workflow_unknown_fields_total",
    "chat_workflow_in_flight",
    "chat_workflow_consumer_lag",
    # what becomes of an answer
    "chat_workflow_answers_total",
    "chat_workflow_first_chunk_seconds",
    "chat_workflow_answer_duration_seconds",
    "chat_workflow_chunks_total",
    "chat_workflow_resumed_total",
    "chat_workflow_broadcasts_total",
    "chat_workflow_pod_publish_errors_total",
    # what becomes of a connection
    "chat_connections",
    "chat_catch_ups_total",
    "chat_not_resumable_total",
    "chat_slow_readers_total",
}


PRIORITY = {
    # what becomes of a task
    "priority_core_nats_messages_total",
    "priority_jetstream_messages_total",
    "priority_duplicate_messages_total",
    "priority_requests_total",
    "priority_errors_total",
    "priority_retries_total",
    "priority_dead_letters_total",
    "priority_core_skipped_total",
    "priority_unknown_fields_total",
    "priority_in_flight",
    "priority_consumer_lag",
    "priority_processing_duration_seconds",
    "priority_results_total",
    # what it costs
    "priority_cache_lookups_total",
    "priority_ai_calls_total",
    # what becomes of clients
    "priority_rate_limited_total",
    "priority_limiter_away_total",
    "priority_legacy_bridged_total",
}


def test_priority_has_the_promised_metrics() -> None:
    assert {name for name in declared() if name.startswith("priority_")} == PRIORITY


def test_chat_has_the_promised_metrics() -> None:
    assert {name for name in declared() if name.startswith("chat_")} == PROMISED


def test_subjects_are_counted_by_pattern(metrics: Metrics) -> None:
    """The label is the pattern; a label of raw subjects would grow with every session."""
    pattern = "chat.pod.{pod_id}.response"
    metrics.chat.published.labels(subject_pattern=pattern).inc()
    metrics.chat.delivery_lag.labels(subject_pattern=pattern).observe(0.002)

    labels = {"subject_pattern": pattern}
    value = metrics.registry.get_sample_value
    assert value("chat_published_total", labels) == 1
    assert value("chat_delivery_lag_seconds_bucket", labels | {"le": "0.001"}) == 0
    assert value("chat_delivery_lag_seconds_bucket", labels | {"le": "0.0025"}) == 1


def test_a_process_says_what_it_serves_and_what_it_takes(metrics: Metrics) -> None:
    metrics.introduce(["memes", "chat"], "1.2.3")

    value = metrics.registry.get_sample_value
    served = [
        value("memebattle_serving", {"context": context, "version": "1.2.3"})
        for context in ("memes", "chat", "priority")
    ]
    assert served == [1, 1, None]
    assert (value("process_resident_memory_bytes") or 0) > 1_000_000
    assert (value("process_start_time_seconds") or 0) > 1_700_000_000


@pytest.mark.parametrize(
    ("role", "contexts", "served"),
    [("worker", ["priority"], {"priority"}), ("gateway", [], {"gateway"})],
)
def test_both_roles_introduce_themselves(role: str, contexts: list[str], served: set[str]) -> None:
    wiring = wire(Settings(), role, contexts)
    families = {family.name: family for family in wiring.metrics.registry.collect()}

    assert {sample.labels["context"] for sample in families["memebattle_serving"].samples} == served


def test_redis_is_not_down_where_nobody_uses_it(metrics: Metrics) -> None:
    """Workers of battles keep nothing there; a 0 would wake somebody."""
    found = metrics.registry.get_sample_value("memebattle_redis_up")

    assert found is not None
    assert math.isnan(found)


def test_two_processes_share_nothing() -> None:
    one, other = Metrics(), Metrics()
    one.workflow.requests.inc()

    assert other.registry.get_sample_value("chat_workflow_requests_total") == 0


@pytest.mark.parametrize(
    "name", ["chat_workflow_requests_total", "meme_generator_requests_total", "priority_requests_total"]
)
async def test_metrics_are_served_as_text(metrics: Metrics, name: str) -> None:
    app: Any = metrics.asgi()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://worker") as http:
        answer = await http.get("/metrics")

    assert answer.status_code == 200
    assert f"\n{name} 0.0\n" in answer.text
