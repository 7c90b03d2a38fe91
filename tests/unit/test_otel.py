"""Spans for a collector: under which ids, whose children, and that nobody waits for them to get there."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from opentelemetry.trace import SpanKind, StatusCode

import memebattle.kit
from memebattle.bus.outcome import Busy
from memebattle.kit import otel, tracing
from memebattle.kit.tracing import SpanContext, current, parent_in, span
from memebattle.settings import SettingsError
from tests.collector import collecting
from tests.spans import HEADER, PARENT, TRACE, ids_of, parent_of, recorded


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    yield
    logging.getLogger("opentelemetry").setLevel(logging.NOTSET)


def test_a_span_is_recorded_under_the_ids_that_are_handed_on() -> None:
    with (
        recorded() as spans,
        span("publish", parent_in(HEADER), kind="producer", attributes={"a": 1}) as here,
    ):
        assert current() == here

    (found,) = spans.all
    assert ids_of(found) == (TRACE, here.span_id)
    assert parent_of(found) == PARENT
    assert (found.kind, dict(found.attributes or {})) == (SpanKind.PRODUCER, {"a": 1})
    assert found.status.status_code is StatusCode.UNSET
    about = found.resource.attributes
    assert (about["service.name"], about["service.instance.id"]) == ("memebattle-test", "t-1")
    assert about["service.version"] == memebattle.__version__


def test_a_trace_that_nobody_records_is_not_recorded_here_either() -> None:
    with recorded() as spans, span("publish", SpanContext(TRACE, PARENT, sampled=False)) as here:
        pass

    assert here.traceparent.endswith("-00")
    assert spans.by_name == {}


def test_a_failure_is_told_without_its_secrets() -> None:
    with recorded() as spans, pytest.raises(ConnectionError), span("publish"):
        raise ConnectionError("nats://worker:secret@host refuses")

    found = spans.by_name["publish"]
    assert found.status.status_code is StatusCode.ERROR
    assert found.status.description == "nats://***@host refuses"
    assert dict(found.attributes or {}) == {"error.type": "ConnectionError"}


def test_what_was_only_a_look_is_not_recorded() -> None:
    with recorded() as spans, pytest.raises(Busy), span("process", unless=Busy):
        raise Busy(1)

    assert spans.by_name == {}


async def test_tasks_are_children_of_the_span_that_started_them() -> None:
    async def ask() -> None:
        with span("ask", current()):
            pass

    with recorded() as spans, span("work") as here:
        await asyncio.create_task(ask())

    assert parent_of(spans.by_name["ask"]) == here.span_id
    assert current() is None


@pytest.mark.parametrize("path", ["", "/otlp", "/otlp/"])
def test_the_last_spans_get_away_when_the_process_ends(path: str) -> None:
    with collecting() as collector:
        with tracing.exported(collector.endpoint + path, "memebattle-worker", "w-1"), span("publish") as here:
            pass

        (seen,) = collector.spans
    assert collector.paths == {f"{path.rstrip('/')}/v1/traces"}
    assert (seen.service, seen.instance, seen.name) == ("memebattle-worker", "w-1", "publish")
    assert (seen.trace_id, seen.span_id, seen.parent_id) == (here.trace_id, here.span_id, "")


def test_nobody_waits_for_a_collector_that_does_not_answer() -> None:
    """It accepts the connection and says nothing; work goes on, and the end comes within the second."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with tracing.exported(f"http://127.0.0.1:{silent.getsockname()[1]}", "memebattle-worker", "w-1"):
            for _ in range(3000):  # more than may wait
                with span("publish"):
                    pass
            worked = time.monotonic() - began
        ended = time.monotonic() - began - worked

    assert worked < 5
    assert ended < otel.LAST_SPANS + 0.5


def test_without_an_endpoint_nothing_happens() -> None:
    before = threading.active_count()
    with tracing.exported("", "memebattle-worker", "w-1"), span("publish") as here:
        assert threading.active_count() == before
    assert here.sampled


def test_an_endpoint_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the variable, and says what to install."""
    monkeypatch.delattr(memebattle.kit, "otel")
    monkeypatch.setitem(sys.modules, "memebattle.kit.otel", None)
    with (
        pytest.raises(SettingsError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT: .*install memebattle\[otel\]"),
        tracing.exported("http://127.0.0.1:4318", "memebattle-worker", "w-1"),
    ):
        pass


def test_without_an_endpoint_neither_role_imports_an_exporter() -> None:
    """FastAPI, FastStream and redis look for OpenTelemetry themselves; what sends spans is ours to load."""
    code = (
        "import sys, memebattle.worker, memebattle.gateway.__main__;"
        "ours = ('memebattle.kit.otel', 'opentelemetry.exporter');"
        "print([name for name in sys.modules if name.startswith(ours)])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"
