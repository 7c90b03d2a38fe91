"""Every stream and durable consumer, declared once; created, updated and compared from here.

`Topology.apply` (a deploy step: `memebattle streams apply`) creates what is missing and updates what drifted.
`Topology.ensure` (every worker at its start, and the watchdog) only creates what is missing and reports
drift: two versions of a worker must not take turns rewriting a stream.

Why consumers are created here and not by the client library: an existing durable with another `ack_wait` or
`max_deliver` is bound to silently, so a changed setting would never arrive.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, replace

from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RePublish,
    RetentionPolicy,
    StorageType,
    StreamConfig,
    StreamSource,
)

from memebattle.bus.drift import Finding, create_stream, inspect_consumer, inspect_stream
from memebattle.bus.subjects import CHAT_EXECUTE, CHAT_STREAM
from memebattle.settings import DeliverySettings, Settings

log = logging.getLogger(__name__)

DAY = 24 * 3600.0
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Topology:
    """The streams and consumers of one installation, under the names of its settings."""

    streams: tuple[StreamConfig, ...]
    consumers: tuple[tuple[str, ConsumerConfig], ...]

    @classmethod
    def of(cls, settings: Settings, contexts: Collection[str] | None = None) -> Topology:
        """The declared state for these settings: of every context, or of those a worker serves."""
        parts = [
            declare(settings) for name, declare in _CONTEXTS.items() if contexts is None or name in contexts
        ]
        streams = [stream for part in parts for stream in part.streams] + [_dead_letters(settings)]
        return cls(
            streams=tuple(replace(stream, num_replicas=settings.nats.replicas) for stream in streams),
            consumers=tuple(consumer for part in parts for consumer in part.consumers),
        )

    async def apply(self, js: JetStreamContext) -> list[Finding]:
        """Create or update everything.

        Raises:
            nats.js.errors.APIError: the server refuses, e.g. a change of retention or an overlap of subjects.
        """
        return [finding async for finding in self._reconcile(js, update=True)]

    async def ensure(self, js: JetStreamContext) -> list[Finding]:
        """Create what is missing, report what drifted, change nothing that exists."""
        return [finding async for finding in self._reconcile(js, update=False)]

    async def diff(self, js: JetStreamContext) -> list[Finding]:
        """Only look."""
        found = [await inspect_stream(js, config) for config in self.streams]
        return found + [await inspect_consumer(js, stream, config) for stream, config in self.consumers]

    async def _reconcile(self, js: JetStreamContext, *, update: bool) -> AsyncIterator[Finding]:
        for config in self.streams:
            finding = await inspect_stream(js, config)
            if finding.action == "missing":
                await create_stream(js, config)
                finding = replace(finding, action="created")
            elif finding.action == "drift" and update:
                await js.update_stream(config)
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


def _memes(settings: Settings) -> Topology:
    return Topology(
        (_requests(settings), _request_log(settings), _results(settings), _images(settings)),
        ((settings.nats.stream, _meme_generator(settings)),),
    )


def _chat(settings: Settings) -> Topology:
    return Topology(
        (_workflow_requests(settings), _chat_chunks(settings)),
        ((settings.nats.workflow_stream, _workflow_processor(settings)),),
    )


_CONTEXTS: dict[str, Callable[[Settings], Topology]] = {"memes": _memes, "chat": _chat}


def _requests(settings: Settings) -> StreamConfig:
    return StreamConfig(
        name=settings.nats.stream,
        description="Meme requests waiting for their answer",
        subjects=[settings.nats.request_subject],
        storage=StorageType.FILE,
        retention=RetentionPolicy.WORK_QUEUE,
        # a flood is refused at the door: discard=old would silently drop requests nobody served yet
        discard=DiscardPolicy.NEW,
        max_msgs=100_000,
        max_bytes=1024 * MIB,
        max_age=DAY,
        duplicate_window=120,
    )


def _request_log(settings: Settings) -> StreamConfig:
    return StreamConfig(
        name=settings.nats.log_stream,
        description="A copy of every request, for replay and inspection",
        sources=[StreamSource(name=settings.nats.stream)],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        max_bytes=1024 * MIB,
        max_age=DAY,
    )


def _results(settings: Settings) -> StreamConfig:
    # the stream stores the first answer of a request and republishes only what it stored: listeners of
    # meme.response see exactly one
    prefix, _, _ = settings.nats.response_subject.rpartition(".")
    return StreamConfig(
        name=settings.nats.results_stream,
        description="Answers: at most one per request",
        subjects=["answers.meme.>"],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        max_bytes=2048 * MIB,
        max_age=DAY,
        duplicate_window=120,
        allow_direct=True,
        republish=RePublish(src="answers.meme.*.>", dest=f"{prefix}.>"),
    )


def _dead_letters(settings: Settings) -> StreamConfig:
    return StreamConfig(
        name=settings.nats.dead_letter_stream,
        description="Messages that could not be served, with the reason in their headers",
        subjects=["dlq.>"],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        max_bytes=256 * MIB,
        max_age=7 * DAY,
        duplicate_window=120,
        allow_direct=True,
    )


def _images(settings: Settings) -> StreamConfig:
    """The stream behind the object store bucket, in the layout of ADR-20."""
    bucket = settings.nats.image_bucket
    return StreamConfig(
        name=f"OBJ_{bucket}",
        description="Images by SHA-256",
        subjects=[f"$O.{bucket}.C.>", f"$O.{bucket}.M.>"],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,  # a full gallery forgets its oldest picture
        max_bytes=1024 * MIB,
        max_age=DAY,
        duplicate_window=120,  # the server's default, said aloud: else it would look like drift
        allow_rollup_hdrs=True,
        allow_direct=True,
    )


def _meme_generator(settings: Settings) -> ConsumerConfig:
    nats, delivery = settings.nats, settings.delivery
    return _work_consumer(nats.consumer, nats.request_subject, delivery, delivery.concurrency)


def _workflow_requests(settings: Settings) -> StreamConfig:
    return StreamConfig(
        name=settings.nats.workflow_stream,
        description="Chat messages waiting for the end of their answer",
        subjects=[CHAT_EXECUTE.format(session_id="*")],
        storage=StorageType.FILE,
        retention=RetentionPolicy.WORK_QUEUE,
        discard=DiscardPolicy.NEW,
        max_msgs=100_000,
        max_bytes=256 * MIB,
        max_age=DAY,
        duplicate_window=120,
    )


def _chat_chunks(settings: Settings) -> StreamConfig:
    return StreamConfig(
        name=settings.nats.chunks_stream,
        description="Chunks of chat answers, for clients that come late, move or lose something",
        subjects=[CHAT_STREAM.format(session_id="*", message_id="*")],
        # what survives a restart: of a single server its disk, of a cluster its other servers. A cluster may
        # sync every write (`sync_interval: always`), which is right for requests and too much for tokens
        storage=StorageType.MEMORY if settings.nats.replicas > 1 else StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        max_bytes=256 * MIB,
        max_age=600,
        duplicate_window=120,
        allow_direct=True,
    )


def _workflow_processor(settings: Settings) -> ConsumerConfig:
    subject = CHAT_EXECUTE.format(session_id="*")
    return _work_consumer(
        settings.nats.workflow_consumer, subject, settings.delivery, settings.chat.concurrency
    )


def _work_consumer(name: str, subject: str, delivery: DeliverySettings, concurrency: int) -> ConsumerConfig:
    return ConsumerConfig(
        name=name,
        durable_name=name,
        description="The workers",
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=delivery.ack_wait,
        # a nak counts as a delivery, so a small number would kill waiting copies; tries are counted in Redis
        max_deliver=-1,
        max_ack_pending=2 * delivery.max_replicas * concurrency,
        filter_subject=subject,
    )
