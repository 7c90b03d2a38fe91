"""The streams and durable consumers of `declared.py`, created, updated and compared from here.

`Topology.apply` (a deploy step: `memebattle streams apply`) creates what is missing and updates what drifted.
`Topology.ensure` (every worker at its start, and the watchdog) only creates what is missing and reports
drift: two versions of a worker must not take turns rewriting a stream.

Why consumers are created here and not by the client library: an existing durable with another `ack_wait` or
`max_deliver` is bound to silently, so a changed setting would never arrive.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, replace

from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StorageType, StreamConfig

from memebattle.bus.declared import declared
from memebattle.bus.drift import Finding, create_stream, inspect_consumer, inspect_stream, update_stream
from memebattle.settings import Settings, SettingsError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Topology:
    """The streams and consumers of one installation, under the names of its settings.

    `max_memory` and `max_storage` bound the bytes that the streams may reserve together; 0 is no bound.
    """

    streams: tuple[StreamConfig, ...]
    consumers: tuple[tuple[str, ConsumerConfig], ...]
    max_memory: int = 0
    max_storage: int = 0

    @classmethod
    def of(cls, settings: Settings, contexts: Collection[str] | None = None) -> Topology:
        """The declared state for these settings: of every context, or of those a worker serves."""
        found, nats = declared(settings, contexts), settings.nats
        return cls(found.streams, found.consumers, nats.jetstream_max_memory, nats.jetstream_max_storage)

    async def apply(self, js: JetStreamContext) -> list[Finding]:
        """Create or update everything.

        Raises:
            SettingsError: the streams are larger than they may be.
            nats.js.errors.APIError: the server refuses, e.g. a change of retention or an overlap of subjects.
        """
        return [finding async for finding in self._reconcile(js, update=True)]

    async def ensure(self, js: JetStreamContext) -> list[Finding]:
        """Create what is missing, report what drifted, change nothing that exists.

        Raises:
            SettingsError: the streams are larger than they may be.
        """
        return [finding async for finding in self._reconcile(js, update=False)]

    async def diff(self, js: JetStreamContext) -> list[Finding]:
        """Only look."""
        found = [await inspect_stream(js, config) for config in self.streams]
        return found + [await inspect_consumer(js, stream, config) for stream, config in self.consumers]

    def check_room(self) -> None:
        """Compare what the streams reserve with what they may.

        Raises:
            SettingsError: it is more.
        """
        _check_room("JETSTREAM_MAX_MEMORY", self.max_memory, self._reserved(StorageType.MEMORY))
        _check_room("JETSTREAM_MAX_STORAGE", self.max_storage, self._reserved(StorageType.FILE))

    def _reserved(self, storage: StorageType) -> int:
        return sum(config.max_bytes or 0 for config in self.streams if config.storage == storage)

    async def _reconcile(self, js: JetStreamContext, *, update: bool) -> AsyncIterator[Finding]:
        self.check_room()
        for config in self.streams:
            finding = await inspect_stream(js, config)
            if finding.action == "missing":
                await create_stream(js, config)
                finding = replace(finding, action="created")
            elif finding.action == "drift" and update:
                await update_stream(js, config)
                finding = replace(finding, action="updated")
            yield _reported(finding)
        for stream, consumer in self.consumers:
            finding = await inspect_consumer(js, stream, consumer)
            if finding.action == "missing" or (finding.action == "drift" and update):
                await js.add_consumer(stream, consumer)
                finding = replace(finding, action="created" if finding.action == "missing" else "updated")
            yield _reported(finding)


def _reported(finding: Finding) -> Finding:
    if finding.action != "ok":
        log.log(logging.WARNING if finding.action == "drift" else logging.INFO, "%s", finding)
    return finding


def _check_room(name: str, bound: int, reserved: int) -> None:
    if bound and reserved > bound:
        raise SettingsError(
            f"{name}: the streams reserve {reserved:,} bytes and may reserve {bound:,}; raise it to at least"
            f" {reserved}, or to 0 for no bound, or make streams for fewer contexts (WORKER_CONTEXTS)"
        )
