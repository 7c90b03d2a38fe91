"""What a task becomes: exactly one result per revision, and suggestions beside it.

Knows no broker, no database and no web. A task arrives over JetStream and is acknowledged when its result is
stored; the score never waits for anything but the factors that a language model may fill in, for the seconds
of its budget, if that is switched on. Suggestions of a model come afterwards, before the acknowledgement, so
that a worker that dies between the two leaves them to the next one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from memebattle.bus.entries import Entry, TaskLog
from memebattle.bus.idempotency import Answer, AnswerKind, Delivery, ExactlyOnce, Request
from memebattle.bus.outcome import Busy, Reason, Rejected
from memebattle.bus.subjects import PRIORITY_REQUEST_ID, PRIORITY_SYNC, is_token
from memebattle.kit.claims import Claims
from memebattle.kit.logs import bound
from memebattle.kit.metrics import PriorityMetrics as Instruments
from memebattle.kit.tracing import TRACEPARENT, messaging, parent_in, span
from memebattle.priority.factors import missing
from memebattle.priority.messages import (
    PriorityError,
    PriorityErrorCode,
    PriorityRequest,
    PriorityResult,
    PrioritySuggestions,
)
from memebattle.priority.naming import claim_of, id_in_subject, named_by, named_in, new_id
from memebattle.priority.ports import Adviser, Documents, Events, Figures, Guess
from memebattle.priority.results import result_of
from memebattle.priority.telling import Job, Telling
from memebattle.settings import PrioritySettings

log = logging.getLogger(__name__)

# the other rejected tasks were read, and answered or found answered
UNREADABLE: Final[frozenset[Reason]] = frozenset({"invalid_json", "invalid_request", "malformed_headers"})


class PriorityService:
    """Answers tasks. `worker` signs results and status events; `now` is the wall clock, in UTC."""

    def __init__(
        self,
        once: ExactlyOnce,
        tasks: TaskLog,
        claims: Claims,
        documents: Documents,
        adviser: Adviser,
        events: Events,
        metrics: Instruments,
        settings: PrioritySettings,
        figures: Figures,
        *,
        worker: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._once, self._log, self._claims = once, tasks, claims
        self._adviser, self._metrics = adviser, metrics
        self._settings, self._worker, self._now = settings, worker, now
        self._telling = Telling(documents, events, metrics, figures, worker, now, settings.use_ai)
        self._guessing: dict[str, asyncio.Task[Guess]] = {}
        self._cancelled: set[str] = set()

    async def prioritise(self, request: PriorityRequest, delivery: Delivery) -> None:
        """Score the task, or find that it was scored; then write its suggestions.

        Raises:
            Undelivered: this delivery did not end in a result; the error says what becomes of it.
        """
        job = self._job(request, delivery)
        attributes = messaging("process", PRIORITY_REQUEST_ID, job.request_id)
        parent = parent_in(delivery.trace.get(TRACEPARENT))
        with (
            bound(request_id=job.request_id),
            span("process_task", parent, kind="consumer", attributes=attributes, unless=Busy) as here,
        ):
            job.delivery = replace(delivery, trace={**delivery.trace, TRACEPARENT: here.traceparent})
            self._metrics.unknown_fields.inc(request.unknown_fields)
            await self._answer(job)
            if self._uses_ai(request):
                await self._suggest(job)

    async def answer_now(
        self, request: PriorityRequest, traceparent: str | None = None
    ) -> PriorityResult | PriorityError:
        """Score the task at once, without a language model; the result is stored like any other.

        Raises:
            PublishFailed: the log did not take it in time.
        """
        request_id, without_ai = request.id or new_id(), request.model_copy(update={"use_ai": False})
        attributes = messaging("process", PRIORITY_SYNC, request_id)
        with (
            bound(request_id=request_id),
            span("answer_question", parent_in(traceparent), kind="server", attributes=attributes) as here,
        ):
            delivery = Delivery("core_nats", request_id, trace={TRACEPARENT: here.traceparent})
            job = Job(request_id, without_ai, delivery, request.digest)
            job.said = self._scored(job, Guess(skipped="disabled"))
            if (existing := await self._store(job, "response", job.said.body())) is not None:
                return self._as_stored(job, existing)
            await self._telling.end(job)
            return job.said

    async def cancel(self, request_id: str, revision: int) -> None:
        """Stop working on this revision, or see to it that nobody starts."""
        if not is_token(request_id):
            return
        claim = claim_of(request_id, revision)
        if (guessing := self._guessing.get(claim)) is None:
            await self._claims.cancel(claim)
        elif guessing.cancel():  # else the score is there in a moment
            self._cancelled.add(claim)

    async def refuse(self, body: bytes, delivery: Delivery, rejected: Rejected) -> None:
        """Answer a message that is no task, if it says whom to answer."""
        if rejected.reason not in UNREADABLE:
            return  # answered and counted when it was given up, or somebody else's id
        request_id, revision = named_in(body)
        request_id = request_id or named_by(delivery, self._settings.request_subject)
        self._metrics.errors.labels(delivery.source, "invalid").inc()
        if request_id is None:
            return
        error = self._error(request_id, revision, "invalid_request", rejected.detail)
        await self._log.add(
            Entry(request_id, "error", error.body(), revision, "refused", trace=delivery.trace)
        )

    def _job(self, request: PriorityRequest, delivery: Delivery) -> Job:
        subject = self._settings.request_subject
        if request.id is not None and id_in_subject(delivery.subject, subject) not in {None, request.id}:
            raise Rejected("invalid_request", "id: the subject names another one")
        request_id = request.id or named_by(delivery, subject)
        if request_id is None:  # a message of JetStream always has a name
            raise Rejected("invalid_request", "id: missing")
        return Job(request_id, request, delivery, request.digest)

    async def _answer(self, job: Job) -> None:
        request = Request(
            job.claim,
            job.digest,
            work=lambda: self._work(job),
            cancelled=lambda: self._end(job, "cancelled", "cancelled on request"),
            give_up=lambda detail: self._end(job, "dead_lettered", detail),
            publish=lambda answer: self._publish(job, answer),
        )
        try:
            stored = await self._once.answer(request, job.delivery)
        except Rejected as rejected:
            if rejected.reason == "too_many_attempts" and job.said is not None:
                await self._telling.end(job)
            raise
        if stored is not None and job.said is not None:
            await self._telling.end(job)

    async def _work(self, job: Job) -> Answer:
        if self._uses_ai(job.request):
            await self._telling.begun(job)
        guessing = asyncio.create_task(
            self._adviser.guess(job.request.task, missing(job.request.task), wish=job.request.use_ai)
        )
        self._guessing[job.claim] = guessing
        try:
            guess = await guessing
        except asyncio.CancelledError:
            if job.claim not in self._cancelled:
                raise  # the worker is stopping
            self._cancelled.discard(job.claim)
            return await self._end(job, "cancelled", "cancelled on request")
        finally:
            guessing.cancel()
            self._guessing.pop(job.claim, None)
        job.said = self._scored(job, guess)
        return Answer(job.claim, "response", job.said.body(), job.digest, job.delivery.trace)

    def _scored(self, job: Job, guess: Guess) -> PriorityResult:
        model = self._settings.model
        return result_of(job.request, job.request_id, guess, self._now(), model, self._worker)

    async def _end(self, job: Job, code: PriorityErrorCode, detail: str) -> Answer:
        """The answer that there is no score."""
        kind = "cancelled" if code == "cancelled" else "internal"
        self._metrics.errors.labels(job.delivery.source, kind).inc()
        job.said = self._error(job.request_id, job.revision, code, detail)
        return Answer(job.claim, "error", job.said.body(), job.digest, job.delivery.trace)

    async def _publish(self, job: Job, answer: Answer) -> Answer | None:
        """The arbiter: the log stores one result per revision."""
        existing = await self._store(job, answer.kind, answer.body)
        if existing is None:
            return None
        return replace(answer, body=existing.body, digest=_digest_for(job, existing))

    async def _store(self, job: Job, kind: AnswerKind, body: bytes) -> Entry | None:
        return await self._log.add(
            Entry(job.request_id, kind, body, job.revision, job.digest, trace=job.delivery.trace)
        )

    def _as_stored(self, job: Job, existing: Entry) -> PriorityResult | PriorityError:
        if _digest_for(job, existing) != job.digest:
            detail = f"{job.request_id} was used before for another task"
            return self._error(job.request_id, job.revision, "id_conflict", detail)
        read = PriorityResult.read if existing.kind == "response" else PriorityError.read
        return read(existing.body)

    async def _suggest(self, job: Job) -> None:
        """Write suggestions beside the result, unless they are there: at most once per revision."""
        entries = {entry.kind: entry for entry in await self._log.of(job.request_id)}
        stored, written = entries.get("response"), entries.get("suggestions")
        revision = job.revision
        if stored is None or stored.revision != revision or (written and written.revision >= revision):
            return
        result = PriorityResult.read(stored.body)
        advice = await self._adviser.advise(
            job.request.task, result.urgency_level, result.suggestions, wish=job.request.use_ai
        )
        suggestions = PrioritySuggestions(
            request_id=job.request_id,
            revision=revision,
            suggestions=advice.suggestions,
            origin=advice.origin,
            provider=advice.provider,
            model=advice.model,
            ai_skipped=advice.skipped,
            created_at=self._now(),
        )
        await self._log.add(
            Entry(job.request_id, "suggestions", suggestions.body(), revision, trace=job.delivery.trace)
        )

    def _uses_ai(self, request: PriorityRequest) -> bool:
        return self._settings.use_ai and request.use_ai is not False

    def _error(self, request_id: str, revision: int, code: PriorityErrorCode, detail: str) -> PriorityError:
        return PriorityError(
            request_id=request_id,
            revision=revision,
            error=detail[:500],
            code=code,
            retryable=code == "dead_lettered",
            processed_at=self._now(),
        )


def _digest_for(job: Job, existing: Entry) -> str:
    """What was asked where `existing` is stored; a later revision says nothing about ours."""
    return existing.digest if existing.revision == job.revision else job.digest
