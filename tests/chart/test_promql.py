"""The checker of expressions itself: it has to notice what it is there for."""

from __future__ import annotations

import pytest

from tests.chart.promql import faults, labels_after


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("sum(", "unclosed left parenthesis"),
        ("rate(meme_generator_requests_total)", "expected type matrix"),
        ("meme_generator_request_total", "no metric meme_generator_request_total"),
        (
            "meme_generator_processing_duration_seconds",
            "no metric meme_generator_processing_duration_seconds",
        ),
        ('memebattle_serving{role="worker"}', "memebattle_serving has no label role"),
        (
            "sum by (reason) (meme_generator_retries_total)",
            "nothing to group by reason: meme_generator_retries_total",
        ),
        (
            "sum by (le) (rate(chat_message_bytes_sum[5m]))",
            "nothing to group by le: rate(chat_message_bytes_sum[5m])",
        ),
        (
            "rate(priority_errors_total[5m]) / on (model) rate(priority_results_total[5m])",
            "nothing to match on model: rate(priority_errors_total[5m])",
        ),
        ("1 - (up unless on (kind) priority_errors_total)", "no metric up"),
        ("max_over_time(deriv(no_such_thing[5m])[1h:5m])", "no metric no_such_thing"),
    ],
)
def test_what_is_wrong_is_said(expression: str, fault: str) -> None:
    assert any(found.startswith(fault) for found in faults(expression))


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("sum(priority_errors_total)", set()),
        ("sum by (kind) (priority_errors_total)", {"kind"}),
        ("sum without (pod, job, instance, namespace) (priority_errors_total)", {"kind", "source"}),
        ("topk(3, sum by (kind) (priority_errors_total))", {"kind"}),
        ("sum by (kind) (priority_errors_total) / on () sum(priority_requests_total)", set()),
        ("sum by (kind) (priority_errors_total) > 1 or vector(0)", {"kind"}),
        (
            "histogram_quantile(0.9, sum by (le, provider) (chat_workflow_first_chunk_seconds_bucket))",
            {"provider"},
        ),
        ('absent(memebattle_serving{context="gateway"})', {"context"}),
        ("sum by (level) (priority_results_total) unless sum(priority_requests_total)", {"level"}),
    ],
)
def test_which_labels_are_left(expression: str, labels: set[str]) -> None:
    assert faults(expression) == []
    assert labels_after(expression) == labels
