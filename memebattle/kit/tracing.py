"""Trace context that travels with messages, after W3C Trace Context: one `traceparent` header.

    00-<32 hex: the trace>-<16 hex: the span that caused this>-<2 hex: flags>

A span is logged when it ends, with its name, its ids and how long it took. Whoever collects traces can build
them from the logs; the headers are what other systems need to go on with the same trace. Where there is a
collector (`OTEL_EXPORTER_OTLP_ENDPOINT`), spans are given to it as well, by `otel.py`; without one that
module is not even imported.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from memebattle.kit.logs import bound

log = logging.getLogger(__name__)

TRACEPARENT = "traceparent"
_FORMAT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_NOTHING = {"0" * 32, "0" * 16}
_SAMPLED = 0x01

type Kind = Literal["internal", "producer", "consumer", "client", "server"]
type Attributes = Mapping[str, str | int | float | bool]


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


class Recording(Protocol):
    """A span on its way to a collector."""

    @property
    def context(self) -> SpanContext: ...

    def end(self, failure: BaseException | None) -> None:
        """It is over; hand it on. Never waits, never raises."""
        ...


class Recorder(Protocol):
    """Whoever collects spans. It names them, and decides which are kept."""

    def begin(
        self, name: str, parent: SpanContext | None, kind: Kind, attributes: Attributes
    ) -> Recording: ...


_current: ContextVar[SpanContext | None] = ContextVar("current_span", default=None)
_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


def parent_in(traceparent: str | None) -> SpanContext | None:
    """The context of a header; None when it is missing or invalid."""
    found = _FORMAT.fullmatch(traceparent or "")
    if found is None or _NOTHING & set(found.groups()):
        return None
    return SpanContext(found[1], found[2], sampled=bool(int(found[3], 16) & _SAMPLED))


def current() -> SpanContext | None:
    """The span we are in, in this task or the one that started it: the parent of what is done for it."""
    return _current.get()


@contextlib.contextmanager
def span(
    name: str,
    parent: SpanContext | None = None,
    *,
    kind: Kind = "internal",
    attributes: Attributes | None = None,
    unless: type[BaseException] | tuple[type[BaseException], ...] = (),
) -> Iterator[SpanContext]:
    """Do something as a span of its parent's trace, or of a new one; log lines inside carry its ids.

    `attributes` are for collectors, who keep them for long: templates instead of subjects, and no texts. What
    ends with one of `unless` was no work, only a look, and is not recorded.
    """
    recorder = _recorder.get()
    recording = recorder.begin(name, parent, kind, attributes or {}) if recorder is not None else None
    here = _begun(parent) if recording is None else recording.context
    entered, started = _current.set(here), time.perf_counter()
    failure: BaseException | None = None
    with bound(trace_id=here.trace_id, span_id=here.span_id):
        try:
            yield here
        except BaseException as error:
            failure = error
            raise
        finally:
            _current.reset(entered)
            duration = round((time.perf_counter() - started) * 1000, 2)
            log.debug("Span ended", extra={"span": name, "duration_ms": duration, **_parent_of(parent)})
            if recording is not None and not isinstance(failure, unless):
                recording.end(failure)


@contextlib.contextmanager
def recorded_by(recorder: Recorder) -> Iterator[None]:
    """Give the spans of this block, and of the tasks it starts, to a collector too."""
    token = _recorder.set(recorder)
    try:
        yield
    finally:
        _recorder.reset(token)


@contextlib.contextmanager
def exported(endpoint: str, service: str, instance: str) -> Iterator[None]:
    """Export the spans of this block over OTLP; without an endpoint nothing is imported and nothing is done.

    Raises:
        SettingsError: there is an endpoint, and OpenTelemetry is not installed.
    """
    if not endpoint:
        yield
        return
    try:
        from memebattle.kit import otel  # noqa: PLC0415 - see above
    except ImportError as error:
        from memebattle.settings import SettingsError  # noqa: PLC0415 - its pydantic is not for everybody

        raise SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT: OpenTelemetry is not installed; install memebattle[otel], or leave"
            " the variable empty"
        ) from error
    with otel.exporting(endpoint, service, instance) as recorder, recorded_by(recorder):
        yield


def messaging(operation: Literal["send", "process"], template: str, message_id: str) -> Attributes:
    """What OpenTelemetry calls the parts of a message; `template` is the subject's, never the subject."""
    return {
        "messaging.system": "nats",
        "messaging.operation.type": operation,
        "messaging.operation.name": operation,
        "messaging.destination.template": template,
        "messaging.message.id": message_id,
    }


def asking_a_model(operation: Literal["image", "chat"], provider: str, model: str) -> Attributes:
    """The same of a call to a model."""
    return {
        "gen_ai.operation.name": "generate_content" if operation == "image" else "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
    }


def _begun(parent: SpanContext | None) -> SpanContext:
    span_id = secrets.token_hex(8)
    return replace(parent, span_id=span_id) if parent else SpanContext(secrets.token_hex(16), span_id)


def _parent_of(parent: SpanContext | None) -> dict[str, str]:
    return {"parent_span_id": parent.span_id} if parent else {}
