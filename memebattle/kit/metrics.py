"""Every metric, declared before use: name, kind, labels, meaning.

The only module that imports `prometheus_client`. A `Metrics` belongs to one process role; tests make their
own, so counts never leak from one test into another. Labels are bounded: patterns, never raw subjects or ids.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    make_asgi_app,
)

# the documents' buckets, with two small ones in front so that cache hits are told apart
DURATION_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120)
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
RECENT = 100  # how many latencies are remembered until somebody asks for them
COMMAND_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
SIZE_BUCKETS = (128, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576)

type ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]


class _Instruments:
    """Makes instruments under one prefix."""

    def __init__(self, registry: CollectorRegistry, prefix: str) -> None:
        self._registry, self._prefix = registry, prefix

    def counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"{self._prefix}_{name}", meaning, labels, registry=self._registry)

    def gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"{self._prefix}_{name}", meaning, labels, registry=self._registry)

    def histogram(
        self, name: str, meaning: str, *labels: str, buckets: Sequence[float] = DURATION_BUCKETS
    ) -> Histogram:
        return Histogram(f"{self._prefix}_{name}", meaning, labels, registry=self._registry, buckets=buckets)


class Intake:
    """How one context takes its work, over Core NATS and over JetStream."""

    def __init__(self, make: _Instruments) -> None:
        self.core_messages = make.counter("core_nats_messages_total", "Messages received over Core NATS")
        self.jetstream_messages = make.counter(
            "jetstream_messages_total", "Messages received over JetStream, redeliveries included"
        )
        self.duplicates = make.counter(
            "duplicate_messages_total",
            "Copies not worked on; reason: in_process, lease, done, refused (by the answer stream)",
            "source",
            "reason",
        )
        self.requests = make.counter("requests_total", "Unique requests answered (not deliveries)")
        self.errors = make.counter(
            "errors_total",
            "Failed tries; kind: provider, timeout, invalid, payload, rate_limited, cancelled, internal",
            "source",
            "kind",
        )
        self.retries = make.counter("retries_total", "Requests given back for a later try", "kind")
        self.dead_letters = make.counter("dead_letters_total", "Messages put aside", "reason")
        self.skipped = make.counter(
            "core_skipped_total",
            "Core copies left to JetStream; reason: no_slot, no_id, invalid, redis_away, retry",
            "reason",
        )
        self.unknown_fields = make.counter(
            "unknown_fields_total", "Request fields we do not know and ignored"
        )
        self.in_flight = make.gauge("in_flight", "Requests in work in this process")
        self.lag = make.gauge(
            "consumer_lag", "num_pending + num_ack_pending of the durable consumer, as KEDA sees it"
        )


class MemeMetrics(Intake):
    """Memes: requests, pictures, and what they cost."""

    def __init__(self, make: _Instruments) -> None:
        super().__init__(make)
        self.processing = make.histogram(
            "processing_duration_seconds",
            "From taking a request to its stored answer; outcome: ok, error",
            "source",
            "outcome",
        )
        self._recent: deque[float] = deque(maxlen=RECENT)
        self.successes = make.counter("success_total", "Requests answered with an image")
        self.cache_hits = make.counter("cache_hits_total", "Images found in the cache")
        self.cache_misses = make.counter("cache_misses_total", "Images not found in any cache")
        self.cache_errors = make.counter("cache_errors_total", "Redis operations that failed")
        self.coalesced = make.counter("coalesced_total", "Requests served by another request's generation")
        self.generation = make.histogram(
            "generation_duration_seconds", "Provider calls that brought an image", "provider", "model"
        )
        self.provider_calls = make.counter(
            "provider_calls_total", "Provider calls; outcome: ok or the error code", "provider", "outcome"
        )
        self.image_store_errors = make.counter(
            "image_store_errors_total", "Object store operations that failed"
        )

    def took(self, source: str, outcome: str, seconds: float) -> None:
        """A request was answered after so long."""
        self.processing.labels(source, outcome).observe(seconds)
        self._recent.append(seconds)

    def recent(self) -> list[float]:
        """The seconds of the answers since the last call, of the last hundred at most."""
        found = list(self._recent)
        self._recent.clear()
        return found

    def counts(self) -> dict[str, int]:
        """What was counted since this process began, by the names of the engine room."""
        return {
            "answered": _total(self.requests),
            "errors": _total(self.errors),
            "cache_hits": _total(self.cache_hits),
            "cache_misses": _total(self.cache_misses),
            "duplicates": _total(self.duplicates),
            "coalesced": _total(self.coalesced),
            "provider_calls": _total(self.provider_calls),
        }


class WorkflowMetrics(Intake):
    """Chat, in the workers: messages in, streams of chunks out."""

    def __init__(self, make: _Instruments) -> None:
        super().__init__(make)
        self.answers = make.counter(
            "answers_total",
            "Answers streamed to their end; finish_reason: stop, length, error, cancelled",
            "provider",
            "finish_reason",
        )
        self.first_chunk = make.histogram(
            "first_chunk_seconds", "From taking a message to its first stored chunk", "provider"
        )
        self.duration = make.histogram(
            "answer_duration_seconds", "From taking a message to its last stored chunk", "provider"
        )
        self.chunks = make.counter("chunks_total", "Chunks stored", "provider")
        self.resumed = make.counter("resumed_total", "Answers that went on where a dead worker had stopped")
        self.broadcasts = make.counter(
            "broadcasts_total",
            "Frames sent to all pods; reason: forced, registry_away, nobody_connected",
            "reason",
        )
        self.pod_errors = make.counter(
            "pod_publish_errors_total", "Frames that could not be sent to a pod", "pod_id"
        )


class ChatMetrics:
    """Chat, on both sides of NATS: what is published, heard and shown."""

    def __init__(self, make: _Instruments) -> None:
        self.published = make.counter("published_total", "Messages published", "subject_pattern")
        self.publish_errors = make.counter(
            "publish_errors_total", "Publishes that failed for good", "subject_pattern"
        )
        self.subscribe_errors = make.counter(
            "subscribe_errors_total", "Errors of subscriptions, dropped messages included"
        )
        self.delivery_lag = make.histogram(
            "delivery_lag_seconds",
            "From publishing a chunk to its arrival at a pod",
            "subject_pattern",
            buckets=LAG_BUCKETS,
        )
        self.message_bytes = make.histogram(
            "message_bytes", "Size of published messages", "subject_pattern", buckets=SIZE_BUCKETS
        )
        self.subscriptions = make.gauge("active_subscriptions", "NATS subscriptions of this process")
        self.connections = make.gauge("connections", "SSE connections of this pod")
        self.catch_ups = make.counter(
            "catch_ups_total",
            "Times a connection read from the stream; reason: connected, gap, slow_reader, silence,"
            " reconnected, registered",
            "reason",
        )
        self.not_resumable = make.counter(
            "not_resumable_total", "Connections told that what they missed is gone"
        )
        self.let_go = make.counter("slow_readers_total", "Connections closed because nobody read from them")


class PriorityMetrics(Intake):
    """Prioritisation: tasks in, scores and suggestions out."""

    def __init__(self, make: _Instruments) -> None:
        super().__init__(make)
        self.processing = make.histogram(
            "processing_duration_seconds",
            "From taking a task to its stored result; outcome: ok, error",
            "source",
            "outcome",
        )
        self.results = make.counter("results_total", "Results stored", "model", "level")
        self.cache_lookups = make.counter(
            "cache_lookups_total", "Our own look-ups in Redis; outcome: hit, miss, error", "kind", "outcome"
        )
        self.ai_calls = make.counter(
            "ai_calls_total",
            "Language model calls; purpose: factors, suggestions; outcome: ok or why there was none",
            "purpose",
            "outcome",
        )
        self.rate_limited = make.counter("rate_limited_total", "HTTP requests refused by the rate limit")
        self.limiter_away = make.counter(
            "limiter_away_total", "HTTP requests limited by this process alone, while Redis was away"
        )
        self.bridged = make.counter(
            "legacy_bridged_total",
            "Messages over the Redis bridge; direction: in, out, repeated",
            "direction",
        )


class BattleMetrics:
    """Battles: what people do, and what they are told."""

    def __init__(self, make: _Instruments) -> None:
        self.open = make.gauge("open", "Battles that this process looks after")
        self.commands = make.counter(
            "commands_total", "Commands replied to; outcome: ok, why not, or broken", "verb", "outcome"
        )
        self.command_duration = make.histogram(
            "command_duration_seconds",
            "From taking a command to its reply",
            "verb",
            buckets=COMMAND_BUCKETS,
        )
        self.votes = make.counter("votes_total", "Choices that this process stored")
        self.views = make.counter("views_total", "Times that phones and screens were told how it stands")


class Metrics:
    """The instruments of one process."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.memes = MemeMetrics(_Instruments(self.registry, "meme_generator"))
        self.workflow = WorkflowMetrics(_Instruments(self.registry, "chat_workflow"))
        self.chat = ChatMetrics(_Instruments(self.registry, "chat"))
        self.priority = PriorityMetrics(_Instruments(self.registry, "priority"))
        self.battles = BattleMetrics(_Instruments(self.registry, "battles"))

        ours = _Instruments(self.registry, "memebattle")
        self.serving = ours.gauge(
            "serving",
            "1 for what this process serves; context: memes, chat, priority, battle, gateway",
            "context",
            "version",
        )
        self.nats_connected = ours.gauge("nats_connected", "1 while the NATS connection is up")
        self.redis_up = ours.gauge("redis_up", "1 while Redis answers in time; NaN where none is used")
        self.redis_up.set(math.nan)  # a gauge that nobody sets is 0, and would look like an outage
        self.nats_reconnects = ours.counter("nats_reconnects_total", "Reconnections to NATS")
        self.consumer_restores = ours.counter(
            "consumer_restores_total", "Times a lost stream or consumer was put back"
        )
        self.publish_retries = ours.counter("publish_retries_total", "Durable publishes repeated", "subject")
        self.bad_headers = ours.counter(
            "malformed_headers_total", "Messages whose NATS headers could not be parsed"
        )
        self.http_requests = ours.counter(
            "http_requests_total", "Gateway requests", "route", "method", "status"
        )

    def introduce(self, contexts: Iterable[str], version: str) -> None:
        """Say what this process serves, and add what it takes: memory, processor time, open files."""
        for context in contexts:
            self.serving.labels(context, version).set(1)
        ProcessCollector(registry=self.registry)

    def asgi(self) -> ASGIApp:
        """`/metrics` as an ASGI application."""
        app: ASGIApp = make_asgi_app(self.registry)
        return app


def _total(counter: Counter) -> int:
    """Of all labels together."""
    samples = (sample for family in counter.collect() for sample in family.samples)
    return round(sum(sample.value for sample in samples if sample.name.endswith("_total")))


def declared() -> dict[str, str]:
    """Metric name -> meaning, for the documents and the dashboard test."""
    registry = Metrics().registry
    suffix = {"counter": "_total"}
    return {family.name + suffix.get(family.type, ""): family.documentation for family in registry.collect()}
