"""What waits in each work queue, reported by somebody who takes no work.

Workers report the backlog of what they serve, and with no worker nobody would: the very moment in which it
matters that something waits. So gateways, which are always there, report all of them.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import Error as JetStreamError

from memebattle.kit.metrics import Intake, Metrics
from memebattle.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backlogs:
    """Looks every `interval` seconds. `intakes` are the instruments by stream and durable consumer."""

    js: Callable[[], JetStreamContext]
    intakes: Mapping[tuple[str, str], Intake]
    interval: float

    @classmethod
    def of(cls, settings: Settings, metrics: Metrics, js: Callable[[], JetStreamContext]) -> Backlogs:
        """For all contexts, under the names of these settings."""
        names = settings.nats
        intakes: dict[tuple[str, str], Intake] = {
            (names.stream, names.consumer): metrics.memes,
            (names.workflow_stream, names.workflow_consumer): metrics.workflow,
            (names.priority_stream, names.priority_consumer): metrics.priority,
        }
        return cls(js, intakes, settings.delivery.watch_interval)

    async def keep_looking(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self.interval)

    async def look(self) -> None:
        """Set the gauges; to not a number where nobody can say."""
        await asyncio.gather(*(self._look(*names, intake) for names, intake in self.intakes.items()))

    async def lag(self, stream: str, consumer: str) -> int | None:
        """What waits or is in work now; None where nobody can say."""
        try:
            info = await self.js().consumer_info(stream, consumer)
        except (nats.errors.Error, JetStreamError, TimeoutError, OSError) as error:
            log.debug("No backlog of %s: %r", stream, error)
            return None
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def _look(self, stream: str, consumer: str, intake: Intake) -> None:
        lag = await self.lag(stream, consumer)
        intake.lag.set(math.nan if lag is None else lag)
