"""The subscribers of chat in a gateway: chunks to pass on, questions about the pod. Read, call, answer."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Annotated, Any

from faststream.nats import NatsRouter

from memebattle.bus import framework
from memebattle.bus.framework import Local
from memebattle.bus.subjects import (
    CHAT_BROADCAST,
    CHAT_CANCEL,
    CHAT_EXECUTE,
    CHAT_HEALTH,
    CHAT_HEARTBEAT,
    CHAT_POD,
    CHAT_ROLL_CALL,
    fill,
    pattern_of,
)
from memebattle.chat.messages import (
    Chunks,
    HealthRequest,
    HealthResponse,
    HeartbeatMessage,
    WorkflowCancel,
    WorkflowRequest,
    read_message,
)
from memebattle.chat.pod import Pod

log = logging.getLogger(__name__)

ThisPod = Annotated[Pod, Local("pod")]
Headers = Annotated[dict[str, Any], Local("message.headers")]


async def on_response(chunks: Chunks, headers: Headers, pod: ThisPod) -> None:
    """Pass on chunks that were sent to this pod."""
    pod.hear(chunks, headers, CHAT_POD)


async def on_broadcast(chunks: Chunks, headers: Headers, pod: ThisPod) -> None:
    """Pass on chunks that were sent to all pods, if the session is connected here."""
    pod.hear(chunks, headers, CHAT_BROADCAST)


async def on_health(request: HealthRequest, pod: ThisPod) -> HealthResponse:  # noqa: ARG001 - its schema
    """Say how this pod is."""
    return pod.health()


def routes(pod_id: str) -> NatsRouter:
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


def hear_straight(subscribers: Iterable[Any], pod: Pod) -> None:
    """Hand chunks to the pod as they come. To be called before the subscribers start.

    What `on_response` and `on_broadcast` say, without FastStream's way of saying it: that costs more than the
    rest of a token together.
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
