"""From an arriving message to its outcome, in one place.

    JetStream   wait for a slot, handle while acknowledging progress; Done -> ack, Retry -> nak with a delay,
                Reject -> dead letter, error answer, term
    Core        only into a free slot; whatever does not end in an answer is dropped, because the
                JetStream copy of the same message is the guarantee

FastStream's own acknowledgement policies are off (`MANUAL`): the default terminates a message on any
exception, the other one naks without a delay, thousands of times a second.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import nats.errors
from fast_depends.exceptions import ValidationError as InjectionError
from faststream import BaseMiddleware
from faststream.nats.message import NatsMessage
from nats.aio.msg import Msg
from pydantic import ValidationError

from memebattle.bus.framework import MALFORMED, is_work
from memebattle.bus.idempotency import Delivery, backoff
from memebattle.bus.outcome import Busy, Done, Outcome, Reject, Rejected, Retry, Retryable
from memebattle.bus.publishing import DurablePublisher, PublishFailed
from memebattle.bus.slots import Slots
from memebattle.bus.subjects import is_token
from memebattle.kit.heartbeat import every
from memebattle.kit.logs import bound
from memebattle.kit.metrics import Intake

log = logging.getLogger(__name__)

MESSAGE_ID = "Nats-Msg-Id"
HEADER_BYTES = 4096
TRACING = ("correlation_id", "traceparent")
LONGEST_TRACE = 256


class Refusals(Protocol):
    """Who answers a message that could not even be read."""

    async def refuse(self, body: bytes, delivery: Delivery, rejected: Rejected) -> None: ...


@dataclass(slots=True)
class Deliveries:
    """What every delivery of one context needs; late-bound where the house is built later."""

    slots: Slots
    publisher: DurablePublisher
    metrics: Intake
    ack_wait: float
    refusals: Refusals | None = None
    rng: random.Random = field(default_factory=random.Random)

    def __call__(self, message: Any, /, *, context: Any) -> DeliveryMiddleware:
        """FastStream asks for one middleware per message."""
        return DeliveryMiddleware(self, message, context=context)


class DeliveryMiddleware(BaseMiddleware):
    """Wraps the handling of one message."""

    def __init__(self, deliveries: Deliveries, message: Any, *, context: Any) -> None:
        super().__init__(message, context=context)
        self._shared = deliveries

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: Any) -> Any:
        """Dispatch on the path the message came by. What is no work, an order or a question, passes."""
        raw = msg.raw_message
        if is_jetstream(raw):
            await self._from_jetstream(call_next, msg)
        elif is_work(self.context.get_local("handler_")):
            await self._from_core(call_next, msg)
        else:
            return await call_next(msg)
        return None

    async def _from_jetstream(self, call_next: Callable[[Any], Awaitable[Any]], msg: NatsMessage) -> None:
        metadata = msg.raw_message.metadata
        fallback = f"js-{metadata.stream}-{metadata.sequence.stream}"
        delivery = Delivery(
            "jetstream",
            _message_id(msg) or fallback,
            metadata.num_delivered,
            trace=_trace_of(msg),
            subject=msg.raw_message.subject,
        )
        self._shared.metrics.jetstream_messages.inc()
        async with every(self._shared.ack_wait / 3, msg.raw_message.in_progress):
            try:
                async with self._shared.slots.take():
                    outcome = await self._outcome(call_next, msg, delivery, "Received JetStream message")
            except asyncio.CancelledError:
                await asyncio.shield(msg.raw_message.nak())  # stopping: somebody else may have it at once
                raise
            await self._settle(msg, delivery, outcome)

    async def _from_core(self, call_next: Callable[[Any], Awaitable[Any]], msg: NatsMessage) -> None:
        self._shared.metrics.core_messages.inc()
        async with self._shared.slots.try_take() as has_slot:
            if not has_slot:
                self._shared.metrics.skipped.labels("no_slot").inc()
            delivery = Delivery(
                "core_nats",
                _message_id(msg),
                has_slot=has_slot,
                trace=_trace_of(msg),
                subject=msg.raw_message.subject,
            )
            outcome = await self._outcome(call_next, msg, delivery, "Received Core NATS message")
        if isinstance(outcome, Reject):
            self._shared.metrics.skipped.labels("invalid").inc()
        elif isinstance(outcome, Retry) and outcome.after:
            self._shared.metrics.skipped.labels("retry").inc()

    async def _outcome(
        self, call_next: Callable[[Any], Awaitable[Any]], msg: NatsMessage, delivery: Delivery, greeting: str
    ) -> Outcome:
        """Run the handler; every way it can end becomes a value here."""
        with (
            bound(source=delivery.source, **delivery.trace),
            self.context.scope("delivery", delivery),
        ):
            log.info(greeting, extra={"subject": msg.raw_message.subject, "bytes": len(msg.body)})
            if MALFORMED in msg.headers:
                return Reject("malformed_headers", "the NATS headers cannot be parsed")
            try:
                await call_next(msg)
            except Exception as error:  # noqa: BLE001 - the boundary: nothing may ack or drop by accident
                return self._outcome_of(error, delivery)
        return Done()

    def _outcome_of(self, error: Exception, delivery: Delivery) -> Outcome:
        match error:
            case Busy(after=after):
                return Retry(after)
            case Retryable(after=after, kind=kind):
                self._shared.metrics.retries.labels(kind).inc()
                log.warning("Giving the request back: %s", error, extra={"after": round(after, 2)})
                return Retry(after)
            case Rejected(reason=reason, detail=detail):
                return Reject(reason, detail)
            case ValidationError() | InjectionError():
                return _invalid(error)
            case _:
                # a defect of ours or an outage: never lost, never hot; tries are counted by the claim
                log.error("Handling failed", exc_info=error)
                self._shared.metrics.errors.labels(delivery.source, "internal").inc()
                return Retry(backoff(delivery.deliveries, self._shared.rng))

    async def _settle(self, msg: NatsMessage, delivery: Delivery, outcome: Outcome) -> None:
        raw = msg.raw_message
        try:
            match outcome:
                case Done():
                    # a lost ack means one more delivery, which finds the answer stored
                    await raw.ack()
                case Retry(after):
                    await raw.nak(delay=max(after, 0.05))
                case Reject() as reject:
                    await self._put_aside(msg, delivery, reject)
                    await raw.term()
        except (nats.errors.Error, PublishFailed, TimeoutError, OSError) as error:
            log.warning("Not settled, will be redelivered", extra={"error": repr(error)})

    async def _put_aside(self, msg: NatsMessage, delivery: Delivery, reject: Reject) -> None:
        raw, metadata = msg.raw_message, msg.raw_message.metadata
        log.warning("Dead letter: %s", reject.detail, extra={"reason": reject.reason, "subject": raw.subject})
        await self._shared.publisher.publish(
            f"dlq.{metadata.stream}.{metadata.consumer}",
            msg.body[: self._shared.publisher.max_payload // 2],
            dead_letter_headers(raw, reject),
        )
        self._shared.metrics.dead_letters.labels(reject.reason).inc()
        if self._shared.refusals is not None:
            await self._shared.refusals.refuse(msg.body, delivery, Rejected(reject.reason, reject.detail))


def is_jetstream(raw: Any) -> bool:
    """Whether a raw message was delivered by a consumer: then its reply subject is the ack subject."""
    return isinstance(raw, Msg) and (raw.reply or "").startswith("$JS.ACK.")


def dead_letter_headers(raw: Msg, reject: Reject) -> dict[str, str]:
    """The original's headers (within bounds), and why it is here."""
    metadata, kept, size = raw.metadata, dict[str, str](), 0
    for name, value in (raw.headers or {}).items():
        size += len(name) + len(value)
        if name.startswith("Nats-") and name != MESSAGE_ID:
            continue  # instructions to the server are not repeated
        if size < HEADER_BYTES and name.isascii() and value.isprintable():
            kept[f"Mb-Original-{name}"] = value
    return kept | {
        # the same message put aside twice, over a crash, is one dead letter
        MESSAGE_ID: f"dlq-{metadata.stream}-{metadata.sequence.stream}",
        "Mb-Reason": reject.reason,
        "Mb-Detail": " ".join(reject.detail.split())[:300].encode("ascii", "replace").decode(),
        "Mb-Subject": raw.subject,
        "Mb-Sequence": str(metadata.sequence.stream),
        "Mb-Deliveries": str(metadata.num_delivered),
    }


def _trace_of(msg: NatsMessage) -> dict[str, str]:
    """The headers by which others follow a request; what cannot be one is not repeated."""
    found = {name: msg.headers.get(name, "") for name in TRACING}
    return {
        name: value
        for name, value in found.items()
        if 0 < len(value) <= LONGEST_TRACE and value.isprintable()
    }


def _message_id(msg: NatsMessage) -> str | None:
    value = msg.headers.get(MESSAGE_ID)
    return value if is_token(value) else None


def _invalid(error: ValidationError | InjectionError) -> Reject:
    is_json = isinstance(error, InjectionError) or _where(error) != ""
    return Reject("invalid_request" if is_json else "invalid_json", detail_of(error))


def detail_of(error: ValidationError | InjectionError) -> str:
    """The first fault, in words a sender understands."""
    if isinstance(error, InjectionError):
        return " ".join(str(error).split())
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = _where(error)
    return f"{where}: {fault['msg']}" if where else fault["msg"].removeprefix("Value error, ")


def _where(error: ValidationError) -> str:
    """The field of the first fault; none when the body is not even JSON."""
    location = error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"]
    return ".".join(str(part) for part in location if part != "request")
