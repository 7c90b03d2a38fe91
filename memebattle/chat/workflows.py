"""Where a pod sends messages: the work queue of the workflow service."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from memebattle.bus.publishing import DurablePublisher
from memebattle.bus.refusals import QueueFull
from memebattle.bus.requests import store_work
from memebattle.bus.subjects import CHAT_CANCEL, CHAT_EXECUTE, fill
from memebattle.chat.messages import WorkflowCancel, WorkflowRequest
from memebattle.chat.pod import Events
from memebattle.kit.metrics import ChatMetrics

log = logging.getLogger(__name__)


@dataclass(slots=True)
class JetStreamWorkflows:
    """Stores messages in their stream; the same publish is heard by the Core queue group."""

    publisher: DurablePublisher
    events: Events
    metrics: ChatMetrics
    stream: str
    pod_id: str
    clock: Callable[[], float] = time.perf_counter

    async def submit(self, request: WorkflowRequest, traceparent: str) -> None:
        """Store the message; the same id twice is stored once.

        Raises:
            QueueFull: the stream is at its limit.
            PublishFailed: NATS is away for longer than the publisher's budget.
        """
        subject, body = fill(CHAT_EXECUTE, session_id=request.session_id), request.body()
        started = self.clock()
        headers = {"Nats-Msg-Id": str(request.message_id), "traceparent": traceparent}
        if request.correlation_id:
            headers["correlation_id"] = request.correlation_id
        try:
            await store_work(self.publisher, subject, body, headers, self.stream)
        except BaseException:  # one that is given up because it took too long included
            self.metrics.publish_errors.labels(CHAT_EXECUTE).inc()
            raise
        self.metrics.published.labels(CHAT_EXECUTE).inc()
        self.metrics.message_bytes.labels(CHAT_EXECUTE).observe(len(body))
        log.info(
            "Message published",
            extra={
                "subject": subject,
                "message_id": request.message_id,
                "session_id": request.session_id,
                "pod_id": self.pod_id,
                "latency_ms": round((self.clock() - started) * 1000, 3),
            },
        )

    async def cancel(self, session_id: str, cancel: WorkflowCancel) -> None:
        """Tell every worker."""
        await self.events.tell(fill(CHAT_CANCEL, session_id=session_id), cancel)


@dataclass(slots=True)
class MemoryWorkflows:
    """The in-memory twin keeps what it was given."""

    submitted: dict[str, WorkflowRequest] = field(default_factory=dict)
    cancelled: list[WorkflowCancel] = field(default_factory=list)
    limit: int = 1000

    async def submit(self, request: WorkflowRequest, traceparent: str) -> None:  # noqa: ARG002 - the port's
        if len(self.submitted) >= self.limit:
            raise QueueFull("too many requests are waiting")
        self.submitted.setdefault(str(request.message_id), request)

    async def cancel(self, session_id: str, cancel: WorkflowCancel) -> None:  # noqa: ARG002 - the port's
        self.cancelled.append(cancel)
