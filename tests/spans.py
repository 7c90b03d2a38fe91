"""Spans as a collector would get them, kept in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, format_trace_id

from memebattle.kit import otel, tracing

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"  # of the W3C's own example
HEADER = f"00-{TRACE}-{PARENT}-01"


class Spans:
    """What was recorded."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    @property
    def by_name(self) -> dict[str, ReadableSpan]:
        return {each.name: each for each in self.all}


@contextlib.contextmanager
def recorded() -> Iterator[Spans]:
    """Record the spans of the block; they are all there at its end."""
    spans = Spans()
    with (
        otel.exporting("http://127.0.0.1", "memebattle-test", "t-1", spans.exporter) as recorder,
        tracing.recorded_by(recorder),
    ):
        yield spans


def ids_of(span: ReadableSpan) -> tuple[str, str]:
    assert span.context is not None
    return format_trace_id(span.context.trace_id), format_span_id(span.context.span_id)


def parent_of(span: ReadableSpan) -> str | None:
    return format_span_id(span.parent.span_id) if span.parent else None
