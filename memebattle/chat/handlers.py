"""The subscribers of chat in a worker: read, call, answer.

Names come from the settings; everything else about a delivery is `bus/delivery.py`'s.
"""

from __future__ import annotations

from typing import Annotated

from faststream import AckPolicy
from faststream.nats import JStream, NatsRouter, PullSub

from memebattle.bus.framework import Local
from memebattle.bus.idempotency import Delivery
from memebattle.bus.subjects import (
    CHAT_BROADCAST,
    CHAT_CANCEL,
    CHAT_EXECUTE,
    CHAT_POD,
    CHAT_STREAM,
)
from memebattle.chat.messages import (
    ChunkBatch,
    ResponseChunk,
    WorkflowCancel,
    WorkflowRequest,
)
from memebattle.chat.service import Workflow
from memebattle.settings import Settings

Chat = Annotated[Workflow, Local("chat")]
Arrival = Annotated[Delivery, Local("delivery")]
SessionId = Annotated[str, Local("message.path.session_id")]


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
