"""Core NATS publishes that are tried again, counted and logged.

A Core publish only fails on this side of the wire: the connection is closed, or so much is buffered while it
is away that no more fits. What was sent may still be lost; whoever cannot bear that uses `publishing.py`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import nats.errors
from nats.aio.client import Client

from memebattle.bus.refusals import NotPublished
from memebattle.bus.subjects import pattern_of
from memebattle.kit.metrics import ChatMetrics

log = logging.getLogger(__name__)

PUBLISHED_AT = "Mb-Published-At"  # unix seconds, for the lag of deliveries
MAX_RETRIES = 3
PAUSE = 0.1  # seconds, times the number of the attempt


@dataclass(slots=True)
class CorePublisher:
    """Publishes over one connection; attempt, pause of 100 ms, attempt, 200 ms, attempt, give up."""

    connection: Callable[[], Client]
    metrics: ChatMetrics
    max_retries: int = MAX_RETRIES
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    now: Callable[[], float] = time.time

    async def publish(self, subject: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send it.

        Raises:
            NotPublished: all attempts failed.
        """
        pattern = pattern_of(subject)
        stamped = {**headers, PUBLISHED_AT: f"{self.now():.6f}"}
        error: Exception | None = None
        for attempt in range(1, self.max_retries + 1):
            try:
                await self.connection().publish(subject, body, headers=stamped)
            except (nats.errors.Error, OSError) as failure:
                error = failure
                log.warning(
                    "Publish failed (attempt %d/%d): %r",
                    attempt,
                    self.max_retries,
                    failure,
                    extra={"subject": subject},
                )
                if attempt < self.max_retries:
                    await self.sleep(attempt * PAUSE)
            else:
                self.metrics.published.labels(pattern).inc()
                self.metrics.message_bytes.labels(pattern).observe(len(body))
                return
        self.metrics.publish_errors.labels(pattern).inc()
        raise NotPublished(f"publish failed after {self.max_retries} retries: {error!r}") from error


@dataclass(slots=True)
class MemoryPublisher:
    """The in-memory twin keeps what was published; a subject in `broken` refuses."""

    published: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    async def publish(self, subject: str, body: bytes, headers: Mapping[str, str]) -> None:
        if subject in self.broken:
            raise NotPublished("publish failed after 1 retries: broken")
        self.published.append((subject, body, dict(headers)))


def lag_of(headers: Mapping[str, object], now: float) -> float | None:
    """Seconds since the message was published, never negative; None when it does not say."""
    value = headers.get(PUBLISHED_AT)
    try:
        lag = now - float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return None
    return max(0.0, lag) if math.isfinite(lag) else None
