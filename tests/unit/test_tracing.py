"""Trace context: what of a `traceparent` header is believed, and what a span tells."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest

from memebattle.kit.logs import JsonFormatter
from memebattle.kit.tracing import SpanContext, parent_in, span

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"  # of the W3C's own example
HEADER = f"00-{TRACE}-{PARENT}-01"


class Lines(logging.Handler):
    """Formats at once, while the fields are bound."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(JsonFormatter().format(record)))


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """What was logged, as it is written."""
    caplog.set_level(logging.DEBUG, "memebattle")
    handler = Lines()
    logging.getLogger("memebattle").addHandler(handler)
    yield handler.lines
    logging.getLogger("memebattle").removeHandler(handler)


def test_the_example_of_the_standard_is_read_and_written() -> None:
    context = parent_in(HEADER)

    assert context == SpanContext(TRACE, PARENT, sampled=True)
    assert context.traceparent == HEADER


@pytest.mark.parametrize(("flags", "sampled", "written"), [("00", False, "00"), ("03", True, "01")])
def test_whether_it_is_recorded_is_handed_on(flags: str, sampled: bool, written: str) -> None:
    """Flags that we do not know are not repeated, as the standard wants it."""
    context = parent_in(f"00-{TRACE}-{PARENT}-{flags}")

    assert context == SpanContext(TRACE, PARENT, sampled=sampled)
    assert context.traceparent == f"00-{TRACE}-{PARENT}-{written}"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        f"01-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"{HEADER}\n",
        f" {HEADER}",
        f"{HEADER}-what-the-future-may-bring",
    ],
)
def test_what_is_no_context_is_none(header: str | None) -> None:
    assert parent_in(header) is None


def test_a_span_goes_on_with_its_parents_trace() -> None:
    with span("process_message", parent_in(HEADER)) as here:
        assert here.trace_id == TRACE
        assert re.fullmatch(r"[0-9a-f]{16}", here.span_id)
        assert here.span_id != PARENT


def test_a_span_of_a_trace_that_nobody_records_says_so() -> None:
    with span("process_message", parent_in(f"00-{TRACE}-{PARENT}-00")) as here:
        assert here.traceparent == f"00-{TRACE}-{here.span_id}-00"


def test_a_span_without_a_parent_begins_a_trace() -> None:
    with span("process_message") as one, span("process_message") as other:
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", one.traceparent)
        assert one.trace_id != other.trace_id


def test_lines_inside_a_span_carry_its_ids(lines: list[dict[str, Any]]) -> None:
    with span("process_message", parent_in(HEADER)) as here:
        logging.getLogger("memebattle.test").info("inside")
    logging.getLogger("memebattle.test").info("outside")

    inside, ended, outside = lines
    assert (inside["trace_id"], inside["span_id"]) == (TRACE, here.span_id)
    assert (ended["message"], ended["span"], ended["parent_span_id"]) == (
        "Span ended",
        "process_message",
        PARENT,
    )
    assert ended["span_id"] == here.span_id
    assert ended["duration_ms"] >= 0
    assert "trace_id" not in outside


def test_a_span_that_fails_ends_all_the_same(lines: list[dict[str, Any]]) -> None:
    with pytest.raises(LookupError), span("process_message"):
        raise LookupError

    (ended,) = lines
    assert ended["message"] == "Span ended"
    assert "parent_span_id" not in ended
