"""Every stream and durable consumer, declared once, under the names of the settings.

What they have in common is said in two places: a work queue keeps a message until it is served, a log keeps
it for a while.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

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

from memebattle.bus.subjects import CHAT_EXECUTE, CHAT_STREAM, PRIORITY_OVERRIDE, PRIORITY_SUGGESTIONS
from memebattle.settings import DeliverySettings, Settings

DAY = 24 * 3600.0
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Declared:
    """Streams, and consumers with the stream that each reads."""

    streams: tuple[StreamConfig, ...]
    consumers: tuple[tuple[str, ConsumerConfig], ...] = ()


def declared(settings: Settings, contexts: Collection[str] | None = None) -> Declared:
    """What these contexts need, or all of them; dead letters always."""
    parts = [declare(settings) for name, declare in _CONTEXTS.items() if contexts is None or name in contexts]
    streams = [stream for part in parts for stream in part.streams] + [_dead_letters(settings)]
    return Declared(
        tuple(replace(stream, num_replicas=settings.nats.replicas) for stream in streams),
        tuple(consumer for part in parts for consumer in part.consumers),
    )


def _memes(settings: Settings) -> Declared:
    return Declared(
        (_requests(settings), _request_log(settings), _results(settings), _images(settings)),
        ((settings.nats.stream, _meme_generator(settings)),),
    )


def _chat(settings: Settings) -> Declared:
    return Declared(
        (_workflow_requests(settings), _chat_chunks(settings)),
        ((settings.nats.workflow_stream, _workflow_processor(settings)),),
    )


def _priority(settings: Settings) -> Declared:
    return Declared(
        (_priority_requests(settings), _priority_results(settings), _system_events(settings)),
        ((settings.nats.priority_stream, _priority_processor(settings)),),
    )


def _battle(settings: Settings) -> Declared:
    said = "What happened in battles: the game is a fold of it"
    return Declared((_log(settings.nats.battle_stream, said, ["battle.event.>"], 1024 * MIB, 7 * DAY),))


_CONTEXTS: dict[str, Callable[[Settings], Declared]] = {
    "memes": _memes,
    "chat": _chat,
    "priority": _priority,
    "battle": _battle,
}


def _work_queue(name: str, description: str, subjects: list[str], max_bytes: int) -> StreamConfig:
    return StreamConfig(
        name=name,
        description=description,
        subjects=subjects,
        storage=StorageType.FILE,
        retention=RetentionPolicy.WORK_QUEUE,
        # a flood is refused at the door: discard=old would silently drop requests nobody served yet
        discard=DiscardPolicy.NEW,
        max_msgs=100_000,
        max_bytes=max_bytes,
        max_age=DAY,
        duplicate_window=120,
    )


def _log(name: str, description: str, subjects: list[str], max_bytes: int, max_age: float) -> StreamConfig:
    return StreamConfig(
        name=name,
        description=description,
        subjects=subjects,
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        max_bytes=max_bytes,
        max_age=max_age,
        duplicate_window=120,  # the server's default, said aloud: else it would look like drift
        allow_direct=True,
    )


def _requests(settings: Settings) -> StreamConfig:
    nats = settings.nats
    return _work_queue(
        nats.stream, "Meme requests waiting for their answer", [nats.request_subject], 1024 * MIB
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
    stream = _log(
        settings.nats.results_stream,
        "Answers: at most one per request",
        ["answers.meme.>"],
        2048 * MIB,
        DAY,
    )
    return replace(stream, republish=RePublish(src="answers.meme.*.>", dest=f"{prefix}.>"))


def _dead_letters(settings: Settings) -> StreamConfig:
    said = "Messages that could not be served, with the reason in their headers"
    return _log(settings.nats.dead_letter_stream, said, ["dlq.>"], 256 * MIB, 7 * DAY)


def _images(settings: Settings) -> StreamConfig:
    """The stream behind the object store bucket, in the layout of ADR-20. Full, it forgets its oldest."""
    bucket = settings.nats.image_bucket
    subjects = [f"$O.{bucket}.C.>", f"$O.{bucket}.M.>"]
    stream = _log(f"OBJ_{bucket}", "Images by SHA-256", subjects, 1024 * MIB, DAY)
    return replace(stream, allow_rollup_hdrs=True)


def _workflow_requests(settings: Settings) -> StreamConfig:
    said = "Chat messages waiting for the end of their answer"
    subjects = [CHAT_EXECUTE.format(session_id="*")]
    return _work_queue(settings.nats.workflow_stream, said, subjects, 256 * MIB)


def _chat_chunks(settings: Settings) -> StreamConfig:
    stream = _log(
        settings.nats.chunks_stream,
        "Chunks of chat answers, for clients that come late, move or lose something",
        [CHAT_STREAM.format(session_id="*", message_id="*")],
        256 * MIB,
        600,
    )
    # what survives a restart: of a single server its disk, of a cluster its other servers. A cluster may
    # sync every write (`sync_interval: always`), which is right for requests and too much for tokens
    return replace(stream, storage=StorageType.MEMORY) if settings.nats.replicas > 1 else stream


def _priority_requests(settings: Settings) -> StreamConfig:
    said = "Tasks waiting for their score"
    return _work_queue(settings.nats.priority_stream, said, _task_subjects(settings), 256 * MIB)


def _priority_results(settings: Settings) -> StreamConfig:
    # the arbiter of one result per task and revision. What it stored is heard on the subject without an id,
    # which is none of its own: a stream may not store what it republishes
    result = settings.priority.result_subject
    stream = _log(
        settings.nats.priority_results_stream,
        "Scores of tasks, suggestions and human decisions",
        [
            f"{result}.*",
            PRIORITY_SUGGESTIONS.format(request_id="*"),
            PRIORITY_OVERRIDE.format(request_id="*"),
        ],
        1024 * MIB,
        7 * DAY,
    )
    return replace(stream, max_msgs=500_000, republish=RePublish(src=f"{result}.*", dest=result))


def _system_events(settings: Settings) -> StreamConfig:
    subjects = ["system.events.>", "audit.>"]
    stream = _log(settings.nats.events_stream, "Audit trail and system events", subjects, 256 * MIB, 30 * DAY)
    return replace(stream, max_msgs=1_000_000)


def _meme_generator(settings: Settings) -> ConsumerConfig:
    nats, delivery = settings.nats, settings.delivery
    return _work_consumer(nats.consumer, nats.request_subject, delivery, delivery.concurrency)


def _workflow_processor(settings: Settings) -> ConsumerConfig:
    subject = CHAT_EXECUTE.format(session_id="*")
    return _work_consumer(
        settings.nats.workflow_consumer, subject, settings.delivery, settings.chat.concurrency
    )


def _priority_processor(settings: Settings) -> ConsumerConfig:
    return _work_consumer(
        settings.nats.priority_consumer,
        _task_subjects(settings),
        settings.delivery,
        settings.priority.concurrency,
    )


def _task_subjects(settings: Settings) -> list[str]:
    request = settings.priority.request_subject
    return [request, f"{request}.*"]


def _work_consumer(
    name: str, subject: str | list[str], delivery: DeliverySettings, concurrency: int
) -> ConsumerConfig:
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
        filter_subject=subject if isinstance(subject, str) else None,
        filter_subjects=subject if isinstance(subject, list) else None,
    )
