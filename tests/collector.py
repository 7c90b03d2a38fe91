"""A collector of traces on loopback: takes OTLP over HTTP and keeps what it was told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Seen:
    """A span as it arrived."""

    service: str
    instance: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, str]


@dataclass
class Collector:
    """What was collected so far."""

    port: int = 0
    spans: list[Seen] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    close: Callable[[], None] = lambda: None  # go away

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def of(self, trace_id: str) -> dict[str, list[Seen]]:
        """The spans of a trace by name."""
        found: dict[str, list[Seen]] = {}
        for seen in self.spans:
            if seen.trace_id == trace_id:
                found.setdefault(seen.name, []).append(seen)
        return found


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens for as long as the block lasts."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.paths.add(self.path)
            collector.spans += spans_in(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """A test says what it wants to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close() -> None:
        server.shutdown()
        server.server_close()

    collector.port, collector.close = server.server_port, close
    try:
        yield collector
    finally:
        close()


def spans_in(body: bytes) -> Iterator[Seen]:
    """The spans of one export."""
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        about = {each.key: each.value.string_value for each in resource.resource.attributes}
        for span in (each for scope in resource.scope_spans for each in scope.spans):
            yield Seen(
                about["service.name"],
                about["service.instance.id"],
                span.name,
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                {each.key: each.value.string_value for each in span.attributes},
            )
