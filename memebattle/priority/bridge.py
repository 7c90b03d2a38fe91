"""The bridge to the system before NATS: old clients ask on a Redis channel and hear results on another.

So both sides of a migration work at the same time, and clients move one by one. Every worker hears every
message of a channel; a task is stored once all the same, because its name is its id, or the hash of its body
when it has none. So a repeated body is the same task, and who repeats it later is told its result again.
Results come from NATS over a queue group, to one worker each. The channels themselves keep nothing, as ever:
what is said while Redis is away is lost, and what was lost can be asked for again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from pydantic import ValidationError

from memebattle.bus.entries import TaskLog
from memebattle.bus.refusals import QueueFull
from memebattle.bus.tasks import AWAY
from memebattle.kit.metrics import PriorityMetrics as Instruments
from memebattle.priority.messages import PriorityError, PriorityRequest
from memebattle.priority.naming import claim_of
from memebattle.settings import LegacySettings

log = logging.getLogger(__name__)

LOST: tuple[type[Exception], ...] = (QueueFull, *AWAY)
ONCE = 2.0  # seconds within which what several workers would say alike is said by one of them


class Channels(Protocol):
    """Redis channels."""

    async def listen(
        self,
        channels: Collection[str],
        hear: Callable[[str, bytes], Awaitable[None]],
        ready: Callable[[], object],
    ) -> None: ...

    async def tell(self, channel: str, body: bytes) -> bool: ...

    async def first(self, name: str, seconds: float) -> bool: ...


class Submit(Protocol):
    """Where tasks go; see `ports.Tasks`."""

    async def submit(self, request_id: str, revision: int, body: bytes, traceparent: str = "") -> None: ...


class Bridge:
    """Forwards both ways."""

    def __init__(
        self,
        channels: Channels,
        tasks: Submit,
        known: TaskLog,
        settings: LegacySettings,
        metrics: Instruments,
    ) -> None:
        self._channels, self._tasks, self._log, self._metrics = channels, tasks, known, metrics
        self._asked = dict.fromkeys((settings.request_channel, settings.older_request_channel))
        self._told = dict.fromkeys((settings.result_channel, settings.older_result_channel))

    async def run(self) -> None:
        """Listen to the old clients, for ever."""
        await self._channels.listen(
            tuple(self._asked), self._on_asked, lambda: log.info("The Redis bridge listens")
        )

    async def on_result(self, body: bytes) -> None:
        """Tell the old clients a result."""
        for channel in self._told:
            if await self._channels.tell(channel, body):
                self._metrics.bridged.labels("out").inc()

    async def _on_asked(self, channel: str, body: bytes) -> None:
        try:
            request = PriorityRequest.read(body)
        except ValidationError as error:
            await self._refuse(channel, body, error)
            return
        request = request.model_copy(update={"id": request.id or _name_of(body)})
        try:
            await self._ask(request)
        except LOST as failure:
            log.warning("A task of the Redis bridge is lost", extra={"error": str(failure)})
            self._metrics.errors.labels("core_nats", "internal").inc()

    async def _ask(self, request: PriorityRequest) -> None:
        request_id = str(request.id)
        # the others hear the same message, perhaps when the first one has been answered already
        is_first = await self._channels.first(f"asked-{claim_of(request_id, request.revision)}", ONCE)
        results = [entry for entry in await self._log.of(request_id) if entry.is_result]
        if results and results[0].revision >= request.revision:
            self._metrics.bridged.labels("repeated").inc()
            if is_first:
                await self.on_result(results[0].body)
            return
        await self._tasks.submit(request_id, request.revision, request.body())
        self._metrics.bridged.labels("in").inc()

    async def _refuse(self, channel: str, body: bytes, error: ValidationError) -> None:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        where = ".".join(map(str, faults[0]["loc"]))
        log.warning(
            "No task came over the Redis bridge", extra={"channel": channel, "fault": faults[0]["msg"]}
        )
        self._metrics.errors.labels("core_nats", "invalid").inc()
        if await self._channels.first(f"refused-{_name_of(body)}", ONCE):
            detail = f"{where}: {faults[0]['msg']}" if where else faults[0]["msg"]
            await self.on_result(PriorityError.unreadable(detail, _name_of(body)).body())


def _name_of(body: bytes) -> str:
    """A task without an id is named by what it says."""
    return f"legacy-{hashlib.sha256(body).hexdigest()[:32]}"
