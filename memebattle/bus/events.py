"""Plain Core NATS messages: told once to whoever listens, lost when nobody does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import nats.errors
from nats.aio.client import Client

from memebattle.bus.messages import WireModel
from memebattle.bus.subjects import pattern_of
from memebattle.kit.metrics import ChatMetrics


@dataclass(slots=True)
class CoreEvents:
    """Tells events over the broker's connection; while that is down they are dropped.

    Those of chat are counted in `metrics`.
    """

    connection: Callable[[], Client]
    metrics: ChatMetrics | None = None

    async def tell(self, subject: str, message: WireModel) -> None:
        body = message.body()
        try:
            await self.connection().publish(subject, body)
        except (nats.errors.Error, OSError):
            if self.metrics is not None:
                self.metrics.publish_errors.labels(pattern_of(subject)).inc()
            return
        if self.metrics is not None:
            self.metrics.published.labels(pattern_of(subject)).inc()
            self.metrics.message_bytes.labels(pattern_of(subject)).observe(len(body))


@dataclass(slots=True)
class MemoryEvents:
    """The in-memory twin keeps what it was told."""

    told: list[tuple[str, WireModel]] = field(default_factory=list)

    async def tell(self, subject: str, message: WireModel) -> None:
        self.told.append((subject, message))
