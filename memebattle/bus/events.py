"""Plain Core NATS messages: told once to whoever listens, lost when nobody does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import nats.errors
from nats.aio.client import Client

from memebattle.bus.messages import WireModel


@dataclass(slots=True)
class CoreEvents:
    """Tells events over the broker's connection; while that is down they are dropped."""

    connection: Callable[[], Client]

    async def tell(self, subject: str, message: WireModel) -> None:
        try:
            await self.connection().publish(subject, message.body())
        except (nats.errors.Error, OSError):
            return


@dataclass(slots=True)
class MemoryEvents:
    """The in-memory twin keeps what it was told."""

    told: list[tuple[str, WireModel]] = field(default_factory=list)

    async def tell(self, subject: str, message: WireModel) -> None:
        self.told.append((subject, message))
