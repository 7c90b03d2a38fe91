"""The subscribers of memes: read, call, answer.

One function serves both paths. The names of subject, stream, consumer and queue group come from the
settings; everything else about a delivery is `bus/delivery.py`'s.
"""

from __future__ import annotations

from typing import Annotated

from faststream import AckPolicy
from faststream.nats import JStream, NatsRouter, PullSub

from memebattle.bus.framework import Local
from memebattle.bus.idempotency import Delivery
from memebattle.bus.messages import WireModel
from memebattle.bus.subjects import ANSWER, MEME_CANCEL, MEME_CREATED, MEME_STATUS
from memebattle.memes.messages import MemeCreated, MemeError, MemeRequest, MemeResponse, MemeStatus
from memebattle.memes.service import MemeService
from memebattle.settings import Settings

Memes = Annotated[MemeService, Local("memes")]
Arrival = Annotated[Delivery, Local("delivery")]


class MemeCancel(WireModel):
    """Stop this request; the id is in the subject, the body may be empty."""


async def on_core_request(request: MemeRequest, memes: Memes, delivery: Arrival) -> None:
    """Answer a request that arrived over Core NATS, if there is a free slot; else it waits in the stream."""
    await memes.answer(request, delivery)


async def on_jetstream_request(request: MemeRequest, memes: Memes, delivery: Arrival) -> None:
    """Answer a request that the stream keeps until its answer is stored."""
    await memes.answer(request, delivery)


async def on_cancel(memes: Memes, request_id: Annotated[str, Local("message.path.request_id")]) -> None:
    """Stop one request; every worker hears it, one of them has it."""
    await memes.cancel(request_id)


def routes(settings: Settings) -> NatsRouter:
    """The subscribers and the published messages under the names of these settings."""
    nats, delivery = settings.nats, settings.delivery
    router = NatsRouter()
    inbox = f"{nats.inbox_prefix}.".encode()  # pull subscribers ignore the prefix of the broker
    if delivery.enable_core:
        router.subscriber(
            nats.request_subject,
            queue=delivery.core_queue_group,
            # a JetStream publish is a request whose reply belongs to the broker's PubAck: never answer it
            no_reply=True,
            title="MemeRequestCore",
        )(on_core_request)
    router.subscriber(
        nats.request_subject,
        stream=JStream(nats.stream, declare=False),
        durable=nats.consumer,
        pull_sub=PullSub(batch_size=1, timeout=5.0),
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        inbox_prefix=inbox,
        title="MemeRequestJetStream",
    )(on_jetstream_request)
    router.subscriber(MEME_CANCEL, no_reply=True, title="MemeCancel")(on_cancel)
    _declare_published(router, nats.response_subject)
    return router


def _declare_published(router: NatsRouter, response: str) -> None:
    """For the documents: the service publishes through the arbiter, the broker republishes."""
    router.publisher(response, schema=MemeResponse, title="MemeResponse")
    router.publisher(f"{response}.error", schema=MemeError, title="MemeError")
    router.publisher(ANSWER, schema=MemeResponse | MemeError, title="MemeAnswer")
    router.publisher(MEME_CREATED, schema=MemeCreated, title="MemeCreated")
    router.publisher(MEME_STATUS, schema=MemeStatus, title="MemeStatus")
