"""Spans for an OpenTelemetry collector: batched, exported in the background, and never worth waiting for.

Imported only where `OTEL_EXPORTER_OTLP_ENDPOINT` is set. At most 2,048 spans wait for their export, the
oldest are dropped; a collector that is away costs a line in the log. Everything else is left to the
variables of OpenTelemetry: `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER`, `OTEL_RESOURCE_ATTRIBUTES`,
`OTEL_BSP_*`.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    format_span_id,
    format_trace_id,
    set_span_in_context,
)
from opentelemetry.trace import SpanContext as OtelContext

import memebattle
from memebattle.kit.logs import redacted
from memebattle.kit.tracing import Attributes, Kind, SpanContext

LAST_SPANS = 1.0  # seconds a stopping process waits for its last export
LONGEST_REASON = 200

KINDS: Final[dict[Kind, SpanKind]] = {
    "internal": SpanKind.INTERNAL,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
    "client": SpanKind.CLIENT,
    "server": SpanKind.SERVER,
}


@dataclass(frozen=True)
class OtelRecording:
    """One span of the SDK."""

    span: Span

    @cached_property
    def context(self) -> SpanContext:
        ids = self.span.get_span_context()
        return SpanContext(
            format_trace_id(ids.trace_id), format_span_id(ids.span_id), sampled=ids.trace_flags.sampled
        )

    def end(self, failure: BaseException | None) -> None:
        if failure is not None:
            self.span.set_attribute("error.type", type(failure).__name__)
            self.span.set_status(StatusCode.ERROR, redacted(str(failure))[:LONGEST_REASON])
        self.span.end()


@dataclass(frozen=True, slots=True)
class OtelRecorder:
    """Records with a tracer of the SDK, whose sampler decides what is kept."""

    tracer: Tracer

    def begin(
        self, name: str, parent: SpanContext | None, kind: Kind, attributes: Attributes
    ) -> OtelRecording:
        return OtelRecording(
            self.tracer.start_span(name, _context_of(parent), kind=KINDS[kind], attributes=attributes)
        )


@contextlib.contextmanager
def exporting(
    endpoint: str, service: str, instance: str, exporter: SpanExporter | None = None
) -> Iterator[OtelRecorder]:
    """A recorder whose spans are sent to `{endpoint}/v1/traces` in the background.

    At the end the last ones have a second to get away. `exporter` is where they go instead, in tests. The
    provider is not made OpenTelemetry's global one: libraries would trace by themselves then, and an event
    stream would be a span of hours.
    """
    # tries again by itself and says so each time; that it gave up is enough
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    provider = TracerProvider(resource=_resource(service, instance), shutdown_on_exit=False)
    exporter = exporter or OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield OtelRecorder(provider.get_tracer("memebattle", memebattle.__version__))
    finally:
        # its own patience is thirty seconds; a thread that nobody waits for does not keep a process alive
        ending = threading.Thread(target=provider.shutdown, name="last-spans", daemon=True)
        ending.start()
        ending.join(LAST_SPANS)


def _resource(service: str, instance: str) -> Resource:
    return Resource.create(
        {
            "service.name": service,
            "service.instance.id": instance,
            "service.version": memebattle.__version__,
        }
    )


def _context_of(parent: SpanContext | None) -> Context:
    if parent is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if parent.sampled else TraceFlags.DEFAULT)
    ids = OtelContext(int(parent.trace_id, 16), int(parent.span_id, 16), is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(ids), Context())
