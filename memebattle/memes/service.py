"""What a meme request becomes: exactly one answer, and a few events on the way.

Knows no broker, no database and no web: it is given an `ExactlyOnce`, a `GenerationService` and somewhere
to tell events, and is called by the handlers of both paths.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import pydantic_core

from memebattle.bus.idempotency import Answer, Answers, Delivery, ExactlyOnce, Request
from memebattle.bus.messages import WireModel
from memebattle.bus.outcome import Busy, Reason, Rejected, Retryable
from memebattle.bus.subjects import MEME_CREATED, MEME_REQUEST, MEME_STATUS, fill, is_token
from memebattle.generation.ports import ErrorCode, GenerationError, StillGenerating
from memebattle.generation.service import Generated, GenerationService
from memebattle.kit.claims import Claims
from memebattle.kit.logs import bound
from memebattle.kit.metrics import Metrics
from memebattle.kit.tracing import TRACEPARENT, messaging, parent_in, span
from memebattle.memes.messages import MemeError, MemeRequest, MemeResponse, MemeStatus

log = logging.getLogger(__name__)

# everything in a response but the image: ids, numbers, and a prompt of 500 characters escaped twice over
ENVELOPE_BYTES = 8 * 1024

# the other rejected requests were read, and answered or found answered
UNREADABLE: frozenset[Reason] = frozenset({"invalid_json", "invalid_request", "malformed_headers"})

SOURCE_NAMES = {"core_nats": "Core NATS", "jetstream": "JetStream"}

ERROR_KINDS: dict[ErrorCode, str] = {
    "timeout": "timeout",
    "rate_limited": "rate_limited",
    "invalid_request": "invalid",
    "payload_too_large": "payload",
    "cancelled": "cancelled",
    "internal": "internal",
}


def image_budget(max_payload: int) -> int:
    """How many image bytes fit into a response, base64 encoded, on a server with this `max_payload`."""
    return (max_payload - ENVELOPE_BYTES) * 3 // 4


class Events(Protocol):
    """Somewhere to tell what happened. Best effort, never raises."""

    async def tell(self, subject: str, message: WireModel) -> None: ...


@dataclass(slots=True)
class _Job:
    """One request in work, and what it was told in the end."""

    request_id: str
    request: MemeRequest
    delivery: Delivery
    digest: str
    started: float = field(default_factory=time.perf_counter)
    said: MemeResponse | MemeError | None = None

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started


class MemeService:
    """Answers meme requests. `worker` signs the status events; `position` guesses the queue's length."""

    def __init__(
        self,
        once: ExactlyOnce,
        generation: GenerationService,
        answers: Answers,
        claims: Claims,
        events: Events,
        metrics: Metrics,
        *,
        worker: str,
        position: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._once, self._generation, self._answers, self._claims = once, generation, answers, claims
        self._events, self._metrics = events, metrics.memes
        self._worker, self._position = worker, position
        self._in_work: dict[str, asyncio.Task[Generated]] = {}
        self._cancelled: set[str] = set()

    async def answer(self, request: MemeRequest, delivery: Delivery) -> None:
        """Answer the request, or find that it was answered.

        Raises:
            Undelivered: this delivery did not end in an answer; the error says what becomes of it.
        """
        request_id = request.id or delivery.fallback_id
        if request_id is None:
            self._metrics.skipped.labels("no_id").inc()
            raise Busy(after=0)
        with bound(request_id=request_id, client_id=request.client_id):
            log.info("Successfully parsed %s MemeRequest", SOURCE_NAMES[delivery.source])
            self._metrics.unknown_fields.inc(request.unknown_fields)
            if delivery.has_slot:
                await self._process(_Job(request_id, request, delivery, request.digest))
            else:
                await self._tell_status(request_id, "queued", self._position())

    async def cancel(self, request_id: str) -> None:
        """Stop working on this request, or see to it that nobody starts.

        Who waits in the queue is remembered in Redis: while that is away, only work in progress is cancelled.
        """
        if not is_token(request_id):
            return
        if (job := self._in_work.get(request_id)) is not None:
            if job.cancel():  # else the picture is there already
                self._cancelled.add(request_id)
        else:
            await self._claims.cancel(request_id)

    async def refuse(self, body: bytes, delivery: Delivery, rejected: Rejected) -> None:
        """Answer a message that is not a request, if it says whom to answer."""
        if rejected.reason == "too_many_attempts":
            return  # answered and counted when it was given up
        request_id = _id_in(body) or delivery.fallback_id
        self._metrics.errors.labels(delivery.source, "invalid").inc()
        if request_id is None or rejected.reason not in UNREADABLE:
            return
        error = _error(request_id, "invalid_request", rejected.detail, retryable=False)
        await self._answers.publish(Answer(request_id, "error", error.body(), "refused", delivery.trace))

    async def _process(self, job: _Job) -> None:
        """A span of the request's trace; to find that somebody else works on it is none."""
        delivery = job.delivery
        processing = messaging("process", MEME_REQUEST, job.request_id)
        attributes = {**processing, "memebattle.source": delivery.source}
        parent = parent_in(delivery.trace.get(TRACEPARENT))
        with span("process_request", parent, kind="consumer", attributes=attributes, unless=Busy) as here:
            job.delivery = replace(delivery, trace={**delivery.trace, TRACEPARENT: here.traceparent})
            await self._answer(job)

    async def _answer(self, job: _Job) -> None:
        request = Request(
            job.request_id,
            job.digest,
            work=lambda: self._work(job),
            cancelled=lambda: self._end(job, "cancelled", "cancelled on request"),
            give_up=lambda detail: self._end(job, "dead_lettered", detail),
            publish=self._answers.publish,
        )
        try:
            stored = await self._once.answer(request, job.delivery)
        except Rejected as rejected:
            if rejected.reason == "too_many_attempts":
                await self._tell(job)  # that it was given up is an answer too
            raise
        if stored is not None:
            await self._tell(job)

    async def _work(self, job: _Job) -> Answer:
        await self._tell_status(job.request_id, "running")
        try:
            generated = await self._generate(job)
        except StillGenerating as waiting:
            raise Busy(waiting.retry_after or 0.5) from waiting
        except GenerationError as failure:
            return await self._failed(job, failure)
        except asyncio.CancelledError:
            if job.request_id not in self._cancelled:
                raise  # the worker is stopping
            self._cancelled.discard(job.request_id)
            return await self._end(job, "cancelled", "cancelled on request")
        job.said = _response(job.request_id, job.request.prompt, generated, job.seconds)
        if len(body := job.said.body()) > self._answers.max_payload - ENVELOPE_BYTES // 4:
            return await self._end(job, "payload_too_large", f"{len(body)} bytes do not fit into one message")
        return Answer(job.request_id, "response", body, job.digest, job.delivery.trace)

    async def _generate(self, job: _Job) -> Generated:
        task = asyncio.create_task(self._generation.generate(job.request.spec()))
        self._in_work[job.request_id] = task
        try:
            return await task
        finally:
            self._in_work.pop(job.request_id, None)

    async def _failed(self, job: _Job, failure: GenerationError) -> Answer:
        if not failure.retryable:
            return await self._end(job, failure.code, str(failure))
        kind = ERROR_KINDS.get(failure.code, "provider")
        self._metrics.errors.labels(job.delivery.source, kind).inc()
        raise Retryable(str(failure), after=failure.retry_after or 0, kind=kind) from failure

    async def _end(self, job: _Job, code: ErrorCode, detail: str) -> Answer:
        """The answer that there is no picture."""
        self._metrics.errors.labels(job.delivery.source, ERROR_KINDS.get(code, "provider")).inc()
        job.said = _error(job.request_id, code, detail, retryable=code == "dead_lettered")
        return Answer(job.request_id, "error", job.said.body(), job.digest, job.delivery.trace)

    async def _tell(self, job: _Job) -> None:
        """The answer is stored: count it, log it, and tell those who follow along."""
        self._metrics.requests.inc()
        match job.said:
            case MemeResponse() as response:
                outcome: Literal["ok", "error"] = "ok"
                self._metrics.successes.inc()
                await self._events.tell(MEME_CREATED, response.without_image())
                await self._tell_status(job.request_id, "done")
            case MemeError(code="cancelled"):
                outcome = "error"
                await self._tell_status(job.request_id, "cancelled")
            case _:
                outcome = "error"
                await self._tell_status(job.request_id, "failed")
        self._metrics.took(job.delivery.source, outcome, job.seconds)
        log.info("Successfully sent response", extra={"outcome": outcome, "seconds": round(job.seconds, 3)})

    async def _tell_status(
        self,
        request_id: str,
        state: Literal["queued", "running", "done", "failed", "cancelled"],
        position: int | None = None,
    ) -> None:
        status = MemeStatus(request_id=request_id, state=state, worker=self._worker, position=position)
        await self._events.tell(fill(MEME_STATUS, request_id=request_id), status)


def _id_in(body: bytes) -> str | None:
    """The id of a message that is not a valid request, if it has a usable one."""
    try:
        data = pydantic_core.from_json(body)
    except ValueError:
        return None
    found = data.get("id") if isinstance(data, dict) else None
    return found if isinstance(found, str) and is_token(found) else None


def _response(request_id: str, prompt: str, generated: Generated, seconds: float) -> MemeResponse:
    meme = generated.meme
    return MemeResponse(
        request_id=request_id,
        prompt=prompt,
        image_data=base64.b64encode(meme.data).decode(),
        content_type=meme.content_type,
        width=meme.width,
        height=meme.height,
        sha256=meme.sha256,
        image_url=f"/images/{meme.sha256}.webp",
        cached=generated.cached,
        coalesced=generated.coalesced,
        provider=meme.provider,
        model=meme.model,
        duration_ms=round(seconds * 1000),
    )


def _error(request_id: str, code: ErrorCode, detail: str, *, retryable: bool) -> MemeError:
    return MemeError(request_id=request_id, code=code, error=detail[:500], retryable=retryable)
