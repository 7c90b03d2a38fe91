"""Who hears of a task on its way: status events, the cache, metrics and the log of this process.

All of it is best effort; the result itself is stored before anything is told here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from memebattle.bus.idempotency import Delivery
from memebattle.bus.subjects import PRIORITY_STATUS, fill
from memebattle.kit.metrics import PriorityMetrics as Instruments
from memebattle.priority.messages import (
    AiSkipped,
    PriorityError,
    PriorityRequest,
    PriorityResult,
    PriorityStatus,
    State,
)
from memebattle.priority.naming import claim_of
from memebattle.priority.ports import Documents, Events, Figures
from memebattle.priority.scoring import content_digest

log = logging.getLogger(__name__)

PROCESSING: Final = "processing"  # the durations of tasks among the figures of a minute

# the next try of the same content may do better, so what came of this one is not cached
PASSING: Final[frozenset[AiSkipped]] = frozenset(
    {"timeout", "breaker_open", "provider_error", "invalid_output"}
)


@dataclass(slots=True)
class Job:
    """One revision of a task in work, and what it was told in the end."""

    request_id: str
    request: PriorityRequest
    delivery: Delivery
    digest: str
    started: float = field(default_factory=time.perf_counter)
    said: PriorityResult | PriorityError | None = None

    @property
    def revision(self) -> int:
        return self.request.revision

    @property
    def claim(self) -> str:
        """What is claimed: one revision, so that the next one need not wait for its lease."""
        return claim_of(self.request_id, self.revision)


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells. `worker` signs the status events; `use_ai` is what the installation says about it."""

    documents: Documents
    events: Events
    metrics: Instruments
    figures: Figures
    worker: str
    now: Callable[[], datetime]
    use_ai: bool

    async def begun(self, job: Job) -> None:
        """A language model is asked, which takes long enough to be seen; a score alone is there at once."""
        status = self._status(job, "processing")
        await self.documents.put("temp", f"status-{job.request_id}", status.body())
        await self._tell(status)

    async def end(self, job: Job) -> None:
        """The result is stored, whatever it is."""
        seconds = time.perf_counter() - job.started
        self.metrics.requests.inc()
        match job.said:
            case PriorityResult() as result:
                self.metrics.results.labels(result.model, result.urgency_level).inc()
                await self._cache(job, result)
                await self._tell(self._status(job, "completed"))
            case PriorityError(code="cancelled"):
                await self._tell(self._status(job, "cancelled"))
            case _:
                await self._tell(self._status(job, "failed"))
        outcome = "ok" if isinstance(job.said, PriorityResult) else "error"
        self.metrics.processing.labels(job.delivery.source, outcome).observe(seconds)
        self.figures.observe(PROCESSING, seconds)
        self.figures.add(f"tasks_{outcome}")
        log.info("Task is prioritised", extra={"outcome": outcome, "seconds": round(seconds, 3)})

    async def _cache(self, job: Job, result: PriorityResult) -> None:
        body = result.body()
        found = {f"by-id-{result.request_id}": body}
        if result.ai_skipped not in PASSING:
            use_ai = self.use_ai and job.request.use_ai is not False
            found[content_digest(job.request.task, result.model, result.processed_at, use_ai)] = body
        await self.documents.put_many("result", found)

    def _status(self, job: Job, state: State) -> PriorityStatus:
        return PriorityStatus(
            request_id=job.request_id,
            revision=job.revision,
            state=state,
            worker=self.worker,
            created_at=self.now(),
        )

    async def _tell(self, status: PriorityStatus) -> None:
        await self.events.tell(fill(PRIORITY_STATUS, request_id=status.request_id), status)
