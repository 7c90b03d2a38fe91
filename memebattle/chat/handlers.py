"""The subscribers of chat, on both sides: the workers that answer, the pods that pass on.

Read, call, answer. Names come from the settings; everything else about a delivery is `bus/delivery.py`'s.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Annotated, Any

from faststream import AckPolicy
from faststream.nats import JStream, NatsRouter, PullSub

from memebattle.bus import framework
from memebattle.bus.framework import Local
from memebattle.bus.idempotency import Delivery
from memebattle.bus.subjects import (
    CHAT_BROADCAST,
    CHAT_CANCEL,
    CHAT_EXECUTE,
    CHAT_HEALTH,
    CHAT_HEARTBEAT,
    CHAT_POD,
    CHAT_ROLL_CALL,
    CHAT_STREAM,
    fill,
    pattern_of,
)
from memebattle.chat.messages import (
    ChunkBatch,
    Chunks,
    HealthRequest,
    HealthResponse,
    HeartbeatMessage,
    ResponseChunk,
    WorkflowCancel,
    WorkflowRequest,
    read_message,
)
from memebattle.chat.pod import Pod
from memebattle.chat.service import Workflow
from memebattle.settings import Settings

log = logging.getLogger(__name__)

Chat = Annotated[Workflow, Local("chat")]
ThisPod = Annotated[Pod, Local("pod")]
Arrival = Annotated[Delivery, Local("delivery")]
SessionId = Annotated[str, Local("message.path.session_id")]
Headers = Annotated[dict[str, Any], Local("message.headers")]


async def on_core_message(
    request: WorkflowRequest, session_id: SessionId, chat: Chat, delivery: Arrival
) -> None:
    """Answer a message that arrived over Core NATS, if there is a free slot; else it waits in the stream."""
    await chat.execute(request, session_id, delivery)


async def on_jetstream_message(
    request: WorkflowRequest, session_id: SessionId, chat: Chat, delivery: Arrival
) -> None:
    """Answer a message that the stream keeps until its answer is complete."""
    await chat.execute(request, session_id, delivery)


async def on_cancel(cancel: WorkflowCancel, session_id: SessionId, chat: Chat) -> None:
    """Stop an answer; every worker hears it, one of them is at it."""
    await chat.cancel(session_id, cancel.message_id)


async def on_response(chunks: Chunks, headers: Headers, pod: ThisPod) -> None:
    """Pass on chunks that were sent to this pod."""
    pod.hear(chunks, headers, CHAT_POD)


async def on_broadcast(chunks: Chunks, headers: Headers, pod: ThisPod) -> None:
    """Pass on chunks that were sent to all pods, if the session is connected here."""
    pod.hear(chunks, headers, CHAT_BROADCAST)


async def on_health(request: HealthRequest, pod: ThisPod) -> HealthResponse:  # noqa: ARG001 - its schema
    """Say how this pod is."""
    return pod.health()


def hear_straight(subscribers: Iterable[Any], pod: Pod) -> None:
    """Hand chunks to the pod as they come.

    What `on_response` and `on_broadcast` say, without FastStream's way of saying it: that costs more than the
    rest of a token together. Before the subscribers start.
    """
    for subscriber in subscribers:
        pattern = pattern_of(framework.subject_of(subscriber))
        if pattern in {CHAT_POD, CHAT_BROADCAST}:
            framework.hear_straight(subscriber, partial(_read_and_hear, pod, pattern))


def _read_and_hear(pod: Pod, pattern: str, body: bytes, headers: Mapping[str, Any]) -> None:
    try:
        message = read_message(body)
    except ValueError as error:
        log.warning("Not a chunk: %s", error, extra={"subject": pattern})
    else:
        pod.hear(message, headers, pattern)


def routes(settings: Settings) -> NatsRouter:
    """What a worker subscribes and publishes."""
    nats = settings.nats
    router = NatsRouter()
    inbox = f"{nats.inbox_prefix}.".encode()  # pull subscribers ignore the prefix of the broker
    if settings.delivery.enable_core:
        router.subscriber(
            CHAT_EXECUTE, queue=settings.chat.queue_group, no_reply=True, title="WorkflowRequestCore"
        )(on_core_message)
    router.subscriber(
        CHAT_EXECUTE,
        stream=JStream(nats.workflow_stream, declare=False),
        durable=nats.workflow_consumer,
        pull_sub=PullSub(batch_size=1, timeout=5.0),
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        inbox_prefix=inbox,
        title="WorkflowRequestJetStream",
    )(on_jetstream_message)
    router.subscriber(CHAT_CANCEL, no_reply=True, title="WorkflowCancel")(on_cancel)
    for subject, title in {
        CHAT_POD: "PodResponse",
        CHAT_BROADCAST: "Broadcast",
        CHAT_STREAM: "Stored",
    }.items():
        router.publisher(subject, schema=ResponseChunk | ChunkBatch, title=f"Chat{title}")
    return router


def pod_routes(pod_id: str) -> NatsRouter:
    """What a pod subscribes and publishes."""
    router = NatsRouter()
    router.subscriber(fill(CHAT_POD, pod_id=pod_id), no_reply=True, title="PodResponse")(on_response)
    router.subscriber(CHAT_BROADCAST, no_reply=True, title="SessionBroadcast")(on_broadcast)
    router.subscriber(fill(CHAT_HEALTH, pod_id=pod_id), title="PodHealth")(on_health)
    router.subscriber(CHAT_ROLL_CALL, title="PodRollCall")(on_health)
    router.publisher(CHAT_EXECUTE, schema=WorkflowRequest, title="WorkflowRequest")
    router.publisher(CHAT_CANCEL, schema=WorkflowCancel, title="WorkflowCancel")
    router.publisher(fill(CHAT_HEARTBEAT, pod_id=pod_id), schema=HeartbeatMessage, title="PodHeartbeat")
    return router
