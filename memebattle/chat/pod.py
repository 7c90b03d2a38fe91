"""A gateway as the rest of the platform sees it: a pod.

It hears chunks, is asked how it is, and says every ten seconds that it lives.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from memebattle.bus.core_publishing import lag_of
from memebattle.bus.messages import WireModel
from memebattle.bus.subjects import CHAT_HEARTBEAT, fill
from memebattle.chat.heard import heard_in
from memebattle.chat.messages import (
    ChunkBatch,
    HealthResponse,
    HeartbeatMessage,
    ResponseChunk,
)
from memebattle.chat.sessions import Sessions
from memebattle.kit.metrics import ChatMetrics
from memebattle.kit.process import CpuMeter, memory_mb


class Events(Protocol):
    """Somewhere to tell what happened. Best effort, never raises."""

    async def tell(self, subject: str, message: WireModel) -> None: ...


class Pod:
    """This process. `stopping` says whether it is about to leave."""

    def __init__(
        self,
        sessions: Sessions,
        events: Events,
        metrics: ChatMetrics,
        *,
        stopping: Callable[[], bool],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._sessions, self._events, self._metrics = sessions, events, metrics
        self._stopping, self._now = stopping, now
        self._cpu = CpuMeter()

    def hear(self, chunks: ResponseChunk | ChunkBatch, headers: Mapping[str, Any], pattern: str) -> None:
        """Pass chunks on to the connections of their session."""
        if (lag := lag_of(headers, self._now())) is not None:
            self._metrics.delivery_lag.labels(pattern).observe(lag)
        for heard in heard_in(chunks, headers):
            self._sessions.hear(heard)

    def health(self) -> HealthResponse:
        """How this pod is."""
        return HealthResponse(
            pod_id=self._sessions.pod_id,
            status="stopping" if self._stopping() else "healthy",
            active_connections=self._sessions.count,
        )

    async def beat(self) -> None:
        """Say that this pod lives, and keep its connections registered."""
        heartbeat = HeartbeatMessage(
            pod_id=self._sessions.pod_id,
            active_connections=self._sessions.count,
            memory_usage_mb=round(memory_mb(), 1),
            cpu_usage_percent=round(self._cpu.percent(), 1),
        )
        await self._events.tell(fill(CHAT_HEARTBEAT, pod_id=self._sessions.pod_id), heartbeat)
        await self._sessions.refresh()


def pod_id_of(name: str) -> str:
    """A host name as one token of a subject: other characters become dashes."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)[:64] or "pod"
