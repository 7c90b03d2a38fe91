"""Every stream and durable consumer, declared once; created, updated and compared from here.

`Topology.apply` (a deploy step: `memebattle streams apply`) creates what is missing and updates what drifted.
`Topology.ensure` (every worker at its start, and the watchdog) only creates what is missing and reports
drift: two versions of a worker must not take turns rewriting a stream.

Why consumers are created here and not by the client library: an existing durable with another `ack_wait` or
`max_deliver` is bound to silently, so a changed setting would never arrive.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

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
from nats.js.errors import NotFoundError

from memebattle.settings import Settings

log = logging.getLogger(__name__)

DAY = 24 * 3600.0
MIB = 1024 * 1024

type Action = Literal["ok", "missing", "created", "updated", "drift"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one stream or consumer, and what was done about it."""

    kind: Literal["stream", "consumer", "bucket"]
    name: str
    action: Action
    drift: dict[str, tuple[Any, Any]]  # field -> (declared, found)

    def __str__(self) -> str:
        changes = ", ".join(
            f"{key}: {have!r} instead of {want!r}" for key, (want, have) in self.drift.items()
        )
        return f"{self.kind} {self.name}: {self.action}" + (f" ({changes})" if changes else "")


@dataclass(frozen=True, slots=True)
class Topology:
    """The streams and consumers of one installation, under the names of its settings."""

    streams: tuple[StreamConfig, ...]
    consumers: tuple[tuple[str, ConsumerConfig], ...]

    @classmethod
    def of(cls, settings: Settings) -> Topology:
        """The declared state for these settings."""
        nats = settings.nats
        declared = (_requests(settings), _request_log(settings), _results(settings), _dead_letters(settings))
        return cls(
            streams=(
                *(
                    replace(config, num_replicas=nats.replicas, storage=StorageType.FILE)
                    for config in declared
                ),
                _images(settings),
            ),
            consumers=((nats.stream, _meme_generator(settings)),),
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
        found = [await _inspect_stream(js, config) for config in self.streams]
        return found + [await _inspect_consumer(js, stream, config) for stream, config in self.consumers]

    async def _reconcile(self, js: JetStreamContext, *, update: bool) -> Any:
        for config in self.streams:
            finding = await _inspect_stream(js, config)
            if finding.action == "missing":
                await js.add_stream(config)
                finding = replace(finding, action="created")
            elif finding.action == "drift" and update:
                await js.update_stream(config)
                finding = replace(finding, action="updated")
            yield _reported(finding)
        for stream, consumer in self.consumers:
            finding = await _inspect_consumer(js, stream, consumer)
            if finding.action == "missing" or (finding.action == "drift" and update):
                await js.add_consumer(stream, consumer)
                finding = replace(finding, action="created" if finding.action == "missing" else "updated")
            yield _reported(finding)


def _reported(finding: Finding) -> Finding:
    if finding.action != "ok":
        log.log(logging.WARNING if finding.action == "drift" else logging.INFO, "%s", finding)
    return finding


def _requests(settings: Settings) -> StreamConfig:
    return StreamConfig(
        name=settings.nats.stream,
        description="Meme requests waiting for their answer",
        subjects=[settings.nats.request_subject],
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
        num_replicas=settings.nats.replicas,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,  # a full gallery forgets its oldest picture
        max_bytes=1024 * MIB,
        max_age=DAY,
        duplicate_window=120,  # the server's default, said aloud: else it would look like drift
        allow_rollup_hdrs=True,
        allow_direct=True,
    )


def _meme_generator(settings: Settings) -> ConsumerConfig:
    delivery = settings.delivery
    return ConsumerConfig(
        name=settings.nats.consumer,
        durable_name=settings.nats.consumer,
        description="The workers",
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=delivery.ack_wait,
        # a nak counts as a delivery, so a small number would kill waiting copies; tries are counted in Redis
        max_deliver=-1,
        max_ack_pending=2 * delivery.max_replicas * delivery.concurrency,
        filter_subject=settings.nats.request_subject,
    )


async def _inspect_stream(js: JetStreamContext, config: StreamConfig) -> Finding:
    kind: Literal["stream", "bucket"] = "bucket" if str(config.name).startswith("OBJ_") else "stream"
    try:
        info = await js.stream_info(str(config.name))
    except NotFoundError:
        return Finding(kind, str(config.name), "missing", {})
    return _compared(kind, str(config.name), config, info.config)


async def _inspect_consumer(js: JetStreamContext, stream: str, config: ConsumerConfig) -> Finding:
    name = str(config.durable_name)
    try:
        info = await js.consumer_info(stream, name)
    except NotFoundError:
        return Finding("consumer", name, "missing", {})
    return _compared("consumer", name, config, info.config)


def _compared(kind: Literal["stream", "consumer", "bucket"], name: str, declared: Any, found: Any) -> Finding:
    drift = dict(_differences(declared, found))
    return Finding(kind, name, "drift" if drift else "ok", drift)


def _differences(declared: Any, found: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for field in fields(declared):
        want, have = getattr(declared, field.name), getattr(found, field.name)
        unset = want in (None, 0, -1, False) and have in (None, 0, -1, False)
        if want is not None and not unset and not _same(want, have):
            yield field.name, (want, have)


def _same(want: Any, have: Any) -> bool:
    if isinstance(want, list):
        return [_plain(item) for item in want] == [_plain(item) for item in have or []]
    return bool(_plain(want) == _plain(have))


def _plain(value: Any) -> Any:
    """Comparable form: enums by value, nested configuration by the fields we set."""
    if isinstance(value, StreamSource):
        return value.name
    if isinstance(value, RePublish):
        return (value.src, value.dest)
    return getattr(value, "value", value)
