"""Every metric, declared before use: name, kind, labels, meaning.

The only module that imports `prometheus_client`. A `Metrics` belongs to one process role; tests make their
own, so counts never leak from one test into another. Labels are bounded: patterns, never raw subjects or ids.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_asgi_app

# the documents' buckets, with two small ones in front so that cache hits are told apart
DURATION_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120)

type ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]


class Metrics:
    """The instruments of one process."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()

        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(name, meaning, labels, registry=self.registry)

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(name, meaning, labels, registry=self.registry)

        def histogram(name: str, meaning: str, *labels: str) -> Histogram:
            return Histogram(name, meaning, labels, registry=self.registry, buckets=DURATION_BUCKETS)

        self.core_messages = counter(
            "meme_generator_core_nats_messages_total", "Messages received over Core NATS"
        )
        self.jetstream_messages = counter(
            "meme_generator_jetstream_messages_total",
            "Messages received over JetStream, redeliveries included",
        )
        self.duplicates = counter(
            "meme_generator_duplicate_messages_total",
            "Copies not worked on; reason: in_process, lease, done, refused (by the answer stream)",
            "source",
            "reason",
        )
        self.processing = histogram(
            "meme_generator_processing_duration_seconds",
            "From taking a request to its stored answer; outcome: ok, error",
            "source",
            "outcome",
        )
        self.requests = counter("meme_generator_requests_total", "Unique requests answered (not deliveries)")
        self.successes = counter("meme_generator_success_total", "Requests answered with an image")
        self.errors = counter(
            "meme_generator_errors_total",
            "Failed tries; kind: provider, timeout, invalid, payload, rate_limited, cancelled, internal",
            "source",
            "kind",
        )
        self.cache_hits = counter("meme_generator_cache_hits_total", "Images found in the cache")
        self.cache_misses = counter("meme_generator_cache_misses_total", "Images not found in any cache")
        self.cache_errors = counter("meme_generator_cache_errors_total", "Redis operations that failed")
        self.coalesced = counter(
            "meme_generator_coalesced_total", "Requests served by another request's generation"
        )
        self.generation = histogram(
            "meme_generator_generation_duration_seconds",
            "Provider calls that brought an image",
            "provider",
            "model",
        )
        self.provider_calls = counter(
            "meme_generator_provider_calls_total",
            "Provider calls; outcome: ok or the error code",
            "provider",
            "outcome",
        )
        self.image_store_errors = counter(
            "meme_generator_image_store_errors_total", "Object store operations that failed"
        )
        self.retries = counter("meme_generator_retries_total", "Requests given back for a later try", "kind")
        self.dead_letters = counter("meme_generator_dead_letters_total", "Messages put aside", "reason")
        self.skipped = counter(
            "meme_generator_core_skipped_total",
            "Core copies left to JetStream; reason: no_slot, no_id, invalid, redis_away, retry",
            "reason",
        )
        self.unknown_fields = counter(
            "meme_generator_unknown_fields_total", "Request fields we do not know and ignored"
        )
        self.in_flight = gauge("meme_generator_in_flight", "Requests in work in this process")
        self.lag = gauge(
            "meme_generator_consumer_lag",
            "num_pending + num_ack_pending of the durable consumer, as KEDA sees it",
        )
        self.nats_connected = gauge("memebattle_nats_connected", "1 while the NATS connection is up")
        self.redis_up = gauge("memebattle_redis_up", "1 while Redis answers in time")
        self.nats_reconnects = counter("memebattle_nats_reconnects_total", "Reconnections to NATS")
        self.consumer_restores = counter(
            "memebattle_consumer_restores_total", "Times a lost stream or consumer was put back"
        )
        self.publish_retries = counter(
            "memebattle_publish_retries_total", "Durable publishes repeated", "subject"
        )
        self.bad_headers = counter(
            "memebattle_malformed_headers_total", "Messages whose NATS headers could not be parsed"
        )
        self.http_requests = counter(
            "memebattle_http_requests_total", "Gateway requests", "route", "method", "status"
        )

    def asgi(self) -> ASGIApp:
        """`/metrics` as an ASGI application."""
        app: ASGIApp = make_asgi_app(self.registry)
        return app


def declared() -> dict[str, str]:
    """Metric name -> meaning, for the documents and the dashboard test."""
    registry = Metrics().registry
    suffix = {"counter": "_total"}
    return {family.name + suffix.get(family.type, ""): family.documentation for family in registry.collect()}
