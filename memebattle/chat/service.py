"""What a chat message becomes: a stream of chunks that ends exactly once.

Knows no broker, no database and no web. The protocol of memes holds here (`bus/idempotency.py`): a message
arrives over Core NATS and over JetStream, one worker answers it. The answer is many frames instead of one;
the arbiter is the stream they are stored in, frame by frame (`writer.py`).

A message whose worker died goes on behind its last stored chunk. One whose model failed is tried again as
long as nothing of its answer was said (`answering.py`). One answer of a session is told at a time: the next
question builds on it, and waits.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Mapping

import pydantic_core

from memebattle.bus.frames import ChunkLog, LogAway
from memebattle.bus.idempotency import Answer, AnswerKind, Delivery, ExactlyOnce, RecentIds, Request
from memebattle.bus.outcome import Busy, Reason, Rejected
from memebattle.bus.subjects import CHAT_EXECUTE, is_token
from memebattle.chat.answering import Answering, History, Job, Models
from memebattle.chat.ends import End, cancelled, failed
from memebattle.chat.messages import WorkflowRequest
from memebattle.chat.writer import AnswerWriter, Teller
from memebattle.kit.claims import Claims
from memebattle.kit.logs import bound
from memebattle.kit.metrics import WorkflowMetrics
from memebattle.kit.tracing import TRACEPARENT, messaging, parent_in, span
from memebattle.settings import ChatSettings

log = logging.getLogger(__name__)

UNREADABLE: frozenset[Reason] = frozenset({"invalid_json", "invalid_request", "malformed_headers"})
AWAY = 1.0  # seconds until a message is looked at again whose stream did not answer
CANCELLED = 600.0  # seconds a worker remembers what it was asked to stop
CORRELATION_ID = "correlation_id"  # a header


class Workflow:
    """Answers chat messages. `clock` counts seconds."""

    def __init__(
        self,
        once: ExactlyOnce,
        models: Models,
        chunks: ChunkLog,
        teller: Teller,
        history: History,
        claims: Claims,
        metrics: WorkflowMetrics,
        settings: ChatSettings,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._once, self._chunks, self._teller, self._claims = once, chunks, teller, claims
        self._metrics, self._clock = metrics, clock
        self._answering = Answering(models, history, metrics, settings, clock)
        self._in_work: set[Job] = set()
        # message -> session; a message that waits for its turn is in work for moments only
        self._cancelled = RecentIds(CANCELLED, clock=clock)

    async def execute(self, request: WorkflowRequest, session_id: str, delivery: Delivery) -> None:
        """Answer the message that arrived for this session, or find that it was answered.

        Raises:
            Undelivered: this delivery did not end in an answer; the error says what becomes of it.
        """
        message_id = request.message_id or delivery.fallback_id
        if message_id is None:
            self._metrics.skipped.labels("no_id").inc()
            raise Busy(after=0)
        if not delivery.has_slot:
            return
        correlation_id = request.correlation_id or delivery.trace.get(CORRELATION_ID)
        parent = parent_in(delivery.trace.get(TRACEPARENT)) or parent_in(request.traceparent)
        processing = messaging("process", CHAT_EXECUTE, message_id)
        attributes = {**processing, "memebattle.source": delivery.source}
        with (
            bound(message_id=message_id, session_id=session_id, correlation_id=correlation_id),
            span("process_message", parent, kind="consumer", attributes=attributes, unless=Busy) as here,
        ):
            self._metrics.unknown_fields.inc(request.unknown_fields)
            if request.session_id != session_id:
                raise Rejected("invalid_request", f"session_id: the subject says {session_id}")
            trace, digest = {**delivery.trace, TRACEPARENT: here.traceparent}, request.digest
            writer = self._writer(session_id, message_id, digest, trace, correlation_id)
            await self._execute(Job(message_id, request, delivery, digest, writer, self._clock()))

    async def cancel(self, session_id: str, message_id: str | None) -> None:
        """Stop one answer, or all that are in work for this session; the text so far stays."""
        found = [
            job
            for job in self._in_work
            if job.request.session_id == session_id and message_id in {None, job.message_id}
        ]
        for job in found:
            job.cancel()
        if message_id is not None and is_token(message_id):
            self._cancelled.add(message_id, session_id)
            if not found:
                await self._claims.cancel(message_id)  # for a worker that was not there to hear it

    async def refuse(self, body: bytes, delivery: Delivery, rejected: Rejected) -> None:
        """End the answer to something that is no message, if it says whose it is."""
        if rejected.reason not in UNREADABLE:
            return  # read, and ended or found ended
        self._metrics.errors.labels(delivery.source, "invalid").inc()
        session_id, message_id = _ids_in(body)
        message_id = message_id or delivery.fallback_id
        if session_id is None or message_id is None:
            return
        writer = self._writer(session_id, message_id, "refused", delivery.trace)
        end = failed("invalid_request", rejected.detail)
        try:
            await writer.open()
            await writer.finish(end)
        except Rejected:
            return  # the id is another message's, whose answer is none of our business
        except (Busy, LogAway):
            await self._teller.tell(writer.unstored(end))

    async def _execute(self, job: Job) -> None:
        request = Request(
            job.message_id,
            job.digest,
            work=lambda: self._work(job),
            cancelled=lambda: self._only_end(job, cancelled()),
            give_up=lambda detail: self._only_end(job, failed("dead_lettered", detail)),
            publish=lambda answer: self._publish(job, answer),
        )
        if self._cancelled.digest_of(job.message_id) == job.request.session_id:
            job.cancel()
        self._in_work.add(job)
        try:
            stored = await self._once.answer(request, job.delivery)
        except LogAway as away:
            raise _later(away) from away
        except Rejected as rejected:
            if rejected.reason == "too_many_attempts":
                self._count(job)
            raise
        finally:
            self._in_work.discard(job)
        if stored is not None:
            self._count(job)

    async def _work(self, job: Job) -> Answer:
        await self._open(job)
        if job.writer.finished is not None:
            return self._answer(job, cancelled())  # refused by the arbiter: the answer is there
        if job.writer.beginning_is_gone:
            return self._answer(job, failed("not_resumable", "the beginning of this answer is gone"))
        self._metrics.resumed.inc(job.writer.next_chunk > 0)
        return self._answer(job, await self._answering.answer(job))

    async def _only_end(self, job: Job, end: End) -> Answer:
        """An answer that begins and ends with its final chunk, unless something was said before."""
        await self._open(job)
        return self._answer(job, end)

    async def _open(self, job: Job) -> None:
        try:
            await job.writer.open()
        except LogAway as away:
            raise _later(away) from away  # nothing was tried yet, so it costs no try

    def _answer(self, job: Job, end: End) -> Answer:
        job.end = end
        kind: AnswerKind = "error" if end.error else "response"
        return Answer(job.message_id, kind, b"", job.digest, job.delivery.trace)

    async def _publish(self, job: Job, answer: Answer) -> Answer | None:
        """The arbiter: the final chunk, unless the answer has one already."""
        existing = await job.writer.finish(job.end)
        if existing is None:
            return None
        return Answer(answer.request_id, answer.kind, existing.body, existing.digest)

    def _writer(
        self,
        session_id: str,
        message_id: str,
        digest: str,
        trace: Mapping[str, str],
        correlation_id: str | None = None,
    ) -> AnswerWriter:
        return AnswerWriter(
            session_id,
            message_id,
            digest,
            self._chunks,
            self._teller,
            correlation_id=correlation_id,
            trace=trace,
        )

    def _count(self, job: Job) -> None:
        seconds, reason, chunks = self._clock() - job.started, job.end.finish_reason, job.writer.next_chunk
        self._metrics.requests.inc()
        self._metrics.chunks.labels(job.provider).inc(chunks)
        self._metrics.answers.labels(job.provider, reason).inc()
        self._metrics.duration.labels(job.provider).observe(seconds)
        log.info(
            "Answer is complete",
            extra={"finish_reason": reason, "chunks": chunks, "seconds": round(seconds, 3)},
        )


def _later(away: LogAway) -> Busy:
    log.warning("The chunk stream does not answer: %s", away)
    return Busy(AWAY)


def _ids_in(body: bytes) -> tuple[str | None, str | None]:
    """Session and message of something that is not a valid request, if they are usable."""
    data: object = None
    with contextlib.suppress(ValueError):
        data = pydantic_core.from_json(body)
    match data:
        case {"data": {"session_id": _} as inner}:
            data = inner
    if not isinstance(data, dict):
        return None, None
    found = (data.get("session_id"), data.get("message_id"))
    session_id, message_id = (each if isinstance(each, str) and is_token(each) else None for each in found)
    return session_id, message_id
