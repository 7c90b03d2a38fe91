"""The subscribers of priority in a worker: read, call, answer.

Names come from the settings; everything else about a delivery is `bus/delivery.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fast_depends.exceptions import ValidationError as InjectionError
from faststream import AckPolicy, ExceptionMiddleware
from faststream.nats import JStream, NatsRouter, PullSub
from pydantic import ValidationError

from memebattle.bus.delivery import detail_of
from memebattle.bus.framework import Local
from memebattle.bus.idempotency import Delivery
from memebattle.bus.subjects import (
    PRIORITY_CANCEL,
    PRIORITY_OVERRIDE,
    PRIORITY_STATUS,
    PRIORITY_SUGGESTIONS,
)
from memebattle.kit.tracing import TRACEPARENT
from memebattle.priority.messages import (
    PriorityCancel,
    PriorityError,
    PriorityOverride,
    PriorityRequest,
    PriorityResult,
    PriorityStatus,
    PrioritySuggestions,
)
from memebattle.priority.service import PriorityService
from memebattle.settings import Settings

Priority = Annotated[PriorityService, Local("priority")]
Arrival = Annotated[Delivery, Local("delivery")]
Headers = Annotated[Mapping[str, str], Local("message.headers")]
RequestId = Annotated[str, Local("message.path.request_id")]


async def on_task(request: PriorityRequest, priority: Priority, delivery: Arrival) -> None:
    """Score a task that the stream keeps until its result is stored."""
    await priority.prioritise(request, delivery)


async def on_question(
    request: PriorityRequest, priority: Priority, headers: Headers
) -> PriorityResult | PriorityError:
    """Score a task at once; the reply is its result."""
    return await priority.answer_now(request, headers.get(TRACEPARENT))


async def on_cancel(cancel: PriorityCancel, request_id: RequestId, priority: Priority) -> None:
    """Stop one task; every worker hears it, one of them may have it."""
    await priority.cancel(request_id, cancel.revision)


def unreadable(error: ValidationError | InjectionError) -> PriorityError:
    """The reply to a question that is no task."""
    return PriorityError.unreadable(detail_of(error))


def routes(settings: Settings) -> NatsRouter:
    """What a worker subscribes and publishes."""
    nats, priority = settings.nats, settings.priority
    router = NatsRouter()
    router.subscriber(
        # the consumer filters this subject and `.{id}` behind it
        priority.request_subject,
        stream=JStream(nats.priority_stream, declare=False),
        durable=nats.priority_consumer,
        pull_sub=PullSub(batch_size=1, timeout=5.0),
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        inbox_prefix=f"{nats.inbox_prefix}.".encode(),  # pull subscribers ignore the prefix of the broker
        title="PriorityRequest",
    )(on_task)
    router.subscriber(PRIORITY_CANCEL, no_reply=True, title="PriorityCancel")(on_cancel)
    router.include_router(_questions(settings))
    router.publisher(priority.result_subject, schema=PriorityResult | PriorityError, title="PriorityResult")
    stored = f"{priority.result_subject}.{{request_id}}"
    router.publisher(stored, schema=PriorityResult | PriorityError, title="StoredPriorityResult")
    router.publisher(PRIORITY_SUGGESTIONS, schema=PrioritySuggestions, title="PrioritySuggestions")
    # told by gateways; declared here, where the rest of the log is
    router.publisher(PRIORITY_OVERRIDE, schema=PriorityOverride, title="PriorityOverride")
    router.publisher(PRIORITY_STATUS, schema=PriorityStatus, title="PriorityStatus")
    return router


def _questions(settings: Settings) -> NatsRouter:
    """Who asks and waits is told what was wrong with the question."""
    refusing = ExceptionMiddleware(publish_handlers={ValidationError: unreadable, InjectionError: unreadable})
    router = NatsRouter(middlewares=[refusing])
    router.subscriber(
        settings.priority.sync_subject, queue=settings.priority.queue_group, title="PriorityQuestion"
    )(on_question)
    return router
