"""Trace context that travels with messages, after W3C Trace Context: one `traceparent` header.

    00-<32 hex: the trace>-<16 hex: the span that caused this>-<2 hex: flags>

A span is logged when it ends, with its name, its ids and how long it took. Whoever collects traces can build
them from the logs; the headers are what other systems need to go on with the same trace.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from memebattle.kit.logs import bound

log = logging.getLogger(__name__)

TRACEPARENT = "traceparent"
_FORMAT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_NOTHING = {"0" * 32, "0" * 16}
_SAMPLED = 0x01


@dataclass(frozen=True, slots=True)
class SpanContext:
    """Where in which trace we are, and whether whoever began it records it."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @property
    def traceparent(self) -> str:
        """As a header."""
        return f"00-{self.trace_id}-{self.span_id}-{self.sampled:02x}"


def parent_in(traceparent: str | None) -> SpanContext | None:
    """The context of a header; None when it is missing or invalid."""
    found = _FORMAT.fullmatch(traceparent or "")
    if found is None or _NOTHING & set(found.groups()):
        return None
    return SpanContext(found[1], found[2], sampled=bool(int(found[3], 16) & _SAMPLED))


@contextlib.contextmanager
def span(name: str, parent: SpanContext | None = None) -> Iterator[SpanContext]:
    """Do something as a span of its parent's trace, or of a new one; log lines inside carry its ids."""
    span_id = secrets.token_hex(8)
    here = replace(parent, span_id=span_id) if parent else SpanContext(secrets.token_hex(16), span_id)
    started = time.perf_counter()
    with bound(trace_id=here.trace_id, span_id=here.span_id):
        try:
            yield here
        finally:
            duration = round((time.perf_counter() - started) * 1000, 2)
            log.debug("Span ended", extra={"span": name, "duration_ms": duration, **_parent_of(parent)})


def _parent_of(parent: SpanContext | None) -> dict[str, str]:
    return {"parent_span_id": parent.span_id} if parent else {}
