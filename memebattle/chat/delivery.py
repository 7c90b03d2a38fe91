"""To whom a stored frame is told: the pods that hold connections of its session, or all of them.

The registry answers in a fraction of a millisecond, but for every token that is too often: what it said is
trusted for half a second. The last frame of an answer always asks anew. So a pod that registered before the
answer ended hears of the end, notices by the chain of frames what it missed, and reads it from the stream; a
pod that registers later finds everything in the stream. Nobody waits for a token that is not coming.

When the registry is out of reach, knows nobody, or may not be asked (`CHAT_FORCE_BROADCAST`), all pods are
told, and each looks whether it has the session.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from memebattle.bus.frames import Frame, copy_headers_of
from memebattle.bus.refusals import NotPublished
from memebattle.bus.subjects import CHAT_BROADCAST, CHAT_POD, InvalidToken, fill
from memebattle.kit.metrics import WorkflowMetrics
from memebattle.settings import ChatSettings

log = logging.getLogger(__name__)

REMEMBERED = 10_000  # sessions

type Reason = Literal["forced", "registry_away", "nobody_connected"]


class Registry(Protocol):
    """Which pods hold connections of a session."""

    async def pods(self, session_id: str) -> frozenset[str] | None:
        """The pods, empty when nobody is connected; None when the registry is out of reach."""
        ...


class Publisher(Protocol):
    """Sends Core messages."""

    async def publish(self, subject: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send it.

        Raises:
            NotPublished: all attempts failed.
        """
        ...


class ChunkDelivery:
    """Tells frames to pods. Never raises: what is not heard is read from the stream."""

    def __init__(
        self,
        registry: Registry,
        publisher: Publisher,
        metrics: WorkflowMetrics,
        settings: ChatSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry, self._publisher, self._metrics = registry, publisher, metrics
        self._settings, self._clock = settings, clock
        self._known: OrderedDict[str, tuple[float, frozenset[str]]] = OrderedDict()

    async def tell(self, frame: Frame) -> None:
        """Send a stored frame to whom it concerns."""
        found = await self._pods(frame)
        if isinstance(found, frozenset):
            for pod_id in sorted(found):
                await self._tell_pod(pod_id, frame)
            return
        self._metrics.broadcasts.labels(found).inc()
        subject = fill(CHAT_BROADCAST, session_id=frame.session_id)
        try:
            await self._send(subject, frame)
        except NotPublished as error:
            log.warning("Failed to broadcast: %s", error, extra={"subject": subject})

    async def _tell_pod(self, pod_id: str, frame: Frame) -> None:
        try:
            await self._send(fill(CHAT_POD, pod_id=pod_id), frame, pod_id)
        except (NotPublished, InvalidToken) as error:  # the other pods are told all the same
            self._metrics.pod_errors.labels(pod_id).inc()
            log.warning("Failed to publish to pod %s: %s", pod_id, error, extra={"pod_id": pod_id})

    async def _send(self, subject: str, frame: Frame, pod_id: str | None = None) -> None:
        started = self._clock()
        await self._publisher.publish(subject, frame.body, copy_headers_of(frame))
        log.log(
            logging.INFO if frame.final else logging.DEBUG,  # a line for each token would be a flood
            "Message published",
            extra={
                "subject": subject,
                "message_id": frame.message_id,
                "session_id": frame.session_id,
                "pod_id": pod_id,
                "latency_ms": round((self._clock() - started) * 1000, 3),
            },
        )

    async def _pods(self, frame: Frame) -> frozenset[str] | Reason:
        if self._settings.force_broadcast:
            return "forced"
        session_id, now = frame.session_id, self._clock()
        until, known = self._known.get(session_id, (0.0, frozenset()))
        if frame.final or now >= until:
            asked = await self._registry.pods(session_id)
            if asked is None:
                self._known.pop(session_id, None)
                return "registry_away"
            known = asked
            self._remember(session_id, known, self._clock() + self._settings.registry_cache)
        if frame.final:
            self._known.pop(session_id, None)
        return known or "nobody_connected"

    def _remember(self, session_id: str, pods: frozenset[str], until: float) -> None:
        self._known[session_id] = (until, pods)
        self._known.move_to_end(session_id)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
