"""What a chat message becomes: a stream of chunks that ends exactly once.

Knows no broker, no database and no web. The protocol of memes holds here (`bus/idempotency.py`): a message
arrives over Core NATS and over JetStream, one worker answers it. The answer is many frames instead of one;
the arbiter is the stream they are stored in, frame by frame (`writer.py`).

A message whose worker died goes on behind its last stored chunk. One that failed is tried again as long as
nothing of its answer was said; after that it ends with an error chunk, because a second attempt would say
something else. One answer of a session is told at a time, in order: the next question builds on it.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pydantic_core

from memebattle.bus.frames import ChunkLog, LogAway
from memebattle.bus.idempotency import Answer, AnswerKind, Delivery, ExactlyOnce, Request
from memebattle.bus.outcome import Busy, Reason, Rejected, Retryable
from memebattle.bus.subjects import is_token
from memebattle.chat.ends import End, cancelled, completed, failed
from memebattle.chat.messages import ChunkMetadata, WorkflowRequest
from memebattle.chat.writer import AnswerWriter, Teller
from memebattle.generation.ports import GenerationError
from memebattle.generation.text import StreamCut, TextModel, TextPiece, TextSpec, Turn
from memebattle.kit.batches import Batches, Stopped
from memebattle.kit.claims import Claims
from memebattle.kit.logs import bound
from memebattle.kit.metrics import WorkflowMetrics
from memebattle.kit.tracing import TRACEPARENT, parent_in, span
from memebattle.settings import ChatSettings

log = logging.getLogger(__name__)

UNREADABLE: frozenset[Reason] = frozenset({"invalid_json", "invalid_request", "malformed_headers"})
AWAY = 1.0  # seconds until a message is looked at again whose stream did not answer


class Models(Protocol):
    """Who can write text here."""

    def choose(self, provider: str | None, model: str | None) -> tuple[TextModel, str]:
        """The provider and the model that a message asks for.

        Raises:
            InvalidPrompt: it may not ask for that; the message says what there is.
        """
        ...


class History(Protocol):
    """What was said in a session before. Never raises."""

    async def remember(self, session_id: str, message_id: str, user: str, assistant: str) -> None: ...

    async def recall(self, session_id: str) -> list[tuple[str, str]] | None:
        """Questions with their answers, oldest first; None when the memory is out of reach."""
        ...


@dataclass(slots=True)
class _Job:
    """One message in work."""

    message_id: str
    request: WorkflowRequest
    delivery: Delivery
    digest: str
    writer: AnswerWriter
    provider: str = "none"
    end: End | None = None
    batches: Batches[TextPiece] | None = None
    cancelled: bool = False
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started


class Workflow:
    """Answers chat messages."""

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
    ) -> None:
        self._once, self._models, self._chunks, self._teller = once, models, chunks, teller
        self._history, self._claims, self._metrics, self._settings = history, claims, metrics, settings
        self._in_work: dict[str, _Job] = {}

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
        parent = parent_in(delivery.trace.get(TRACEPARENT) or request.traceparent)
        with (
            bound(message_id=message_id, session_id=session_id, correlation_id=request.correlation_id),
            span("process_message", parent) as here,
        ):
            self._metrics.unknown_fields.inc(request.unknown_fields)
            trace = {**delivery.trace, TRACEPARENT: here.traceparent}
            writer = self._writer(session_id, message_id, request.digest, request.correlation_id, trace)
            job = _Job(message_id, request, delivery, request.digest, writer)
            if request.session_id != session_id:
                raise Rejected("invalid_request", f"session_id: the subject says {session_id}")
            await self._execute(job)

    async def cancel(self, session_id: str, message_id: str | None) -> None:
        """Stop one answer, or all that are in work for this session; the text so far stays."""
        for job in list(self._in_work.values()):
            if job.request.session_id == session_id and message_id in {None, job.message_id}:
                job.cancelled = True
                if job.batches is not None:
                    job.batches.stop()
        if message_id is not None and is_token(message_id) and message_id not in self._in_work:
            await self._claims.cancel(message_id)

    async def refuse(self, body: bytes, delivery: Delivery, rejected: Rejected) -> None:
        """End the answer to something that is no message, if it says whose it is."""
        if rejected.reason not in UNREADABLE:
            return  # read, and ended or found ended
        self._metrics.errors.labels(delivery.source, "invalid").inc()
        session_id, message_id = _ids_in(body)
        message_id = message_id or delivery.fallback_id
        if session_id is None or message_id is None:
            return
        writer = self._writer(session_id, message_id, "refused", None, dict(delivery.trace))
        end = failed("invalid_request", rejected.detail)
        try:
            await writer.open()
            await writer.finish(end.chunk_type, end.metadata, end.error)
        except (Busy, Rejected, LogAway):
            assert end.error is not None  # noqa: S101 - it was made with one
            await self._teller.tell(writer.unstored(end.chunk_type, end.metadata, end.error))

    async def _execute(self, job: _Job) -> None:
        request = Request(
            job.message_id,
            job.digest,
            work=lambda: self._work(job),
            cancelled=lambda: self._only_end(job, cancelled()),
            give_up=lambda detail: self._only_end(job, failed("dead_lettered", detail)),
            publish=lambda answer: self._publish(job, answer),
        )
        self._in_work[job.message_id] = job
        try:
            stored = await self._once.answer(request, job.delivery)
        except LogAway as away:
            log.warning("The chunk stream does not answer: %s", away)
            raise Busy(AWAY) from away
        except Rejected as rejected:
            if rejected.reason == "too_many_attempts":
                self._count(job)
            raise
        finally:
            if self._in_work.get(job.message_id) is job:
                del self._in_work[job.message_id]
        if stored is not None:
            self._count(job)

    async def _work(self, job: _Job) -> Answer:
        await job.writer.open()
        if job.writer.finished is not None:
            return self._answer(job, cancelled())  # refused by the arbiter: the answer is there
        if job.writer.beginning_is_gone:
            return self._answer(job, failed("not_resumable", "the beginning of this answer is gone"))
        self._metrics.resumed.inc(job.writer.next_chunk > 0)
        try:
            end = await self._stream(job)
        except Stopped:
            end = cancelled(job.provider)
        except GenerationError as failure:
            end = self._failed(job, failure)
        await self._history.remember(
            job.request.session_id, job.message_id, job.request.message, job.writer.said
        )
        return self._answer(job, end)

    async def _stream(self, job: _Job) -> End:
        """Say what the model says."""
        model, name = self._models.choose(job.request.context.ai_provider, job.request.context.model)
        job.provider = model.name
        spec = await self._spec(job, name)
        metadata = ChunkMetadata(model=name, provider=model.name)
        job.batches = Batches(
            model.stream(spec), seconds=self._settings.batch_ms / 1000, limit=self._settings.batch_max
        )
        last: TextPiece | None = None
        async with job.batches as batches:
            if job.cancelled:
                raise Stopped
            async for pieces in batches:
                last = pieces[-1]
                await self._say(job, pieces, metadata)
        if last is None or last.finish_reason is None:
            raise StreamCut("the provider ended without a reason")
        return completed(last, name, model.name)

    async def _say(self, job: _Job, pieces: Sequence[TextPiece], metadata: ChunkMetadata) -> None:
        texts = [piece.text for piece in pieces if piece.text]
        is_first = job.writer.next_chunk == 0
        if pieces[-1].finish_reason is not None and len(pieces) > 1:
            job.writer.hold(texts, metadata)  # goes out together with the final chunk
        elif texts:
            await job.writer.say(texts, metadata)
        if is_first and texts:
            self._metrics.first_chunk.labels(job.provider).observe(job.seconds)

    async def _spec(self, job: _Job, model: str) -> TextSpec:
        context, request = job.request.context, job.request
        turns = [Turn(entry.role, entry.content) for entry in context.conversation_history or ()]
        if context.conversation_history is None:
            for user, assistant in await self._history.recall(request.session_id) or ():
                turns += [Turn("user", user), Turn("assistant", assistant)]
        return TextSpec(
            turns=(*turns, Turn("user", request.message)),
            model=model,
            system=context.system_prompt,
            temperature=context.temperature,
            max_tokens=context.max_tokens,
            said=job.writer.said,
        )

    def _failed(self, job: _Job, failure: GenerationError) -> End:
        code = "truncated" if isinstance(failure, StreamCut) else failure.code
        kind = {"timeout": "timeout", "rate_limited": "rate_limited", "invalid_request": "invalid"}.get(
            code, "provider"
        )
        self._metrics.errors.labels(job.delivery.source, kind).inc()
        if failure.retryable and job.writer.next_chunk == 0:
            raise Retryable(str(failure), after=failure.retry_after or 0, kind=kind) from failure
        return failed(code, str(failure), job.provider)

    async def _only_end(self, job: _Job, end: End) -> Answer:
        """An answer that begins and ends with its final chunk, unless something was said before."""
        await job.writer.open()
        return self._answer(job, end)

    def _answer(self, job: _Job, end: End) -> Answer:
        job.end = end
        kind: AnswerKind = "error" if end.error else "response"
        return Answer(job.message_id, kind, b"", job.digest, job.delivery.trace)

    async def _publish(self, job: _Job, answer: Answer) -> Answer | None:
        """The arbiter: the final chunk, unless the answer has one already."""
        assert job.end is not None  # noqa: S101 - every answer is made with its end
        existing = await job.writer.finish(job.end.chunk_type, job.end.metadata, job.end.error)
        if existing is None:
            return None
        return Answer(answer.request_id, answer.kind, existing.body, existing.digest)

    def _writer(
        self, session_id: str, message_id: str, digest: str, correlation_id: str | None, trace: dict[str, str]
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

    def _count(self, job: _Job) -> None:
        end = job.end or cancelled()
        self._metrics.requests.inc()
        self._metrics.chunks.labels(job.provider).inc(job.writer.next_chunk)
        self._metrics.answers.labels(job.provider, end.finish_reason).inc()
        self._metrics.duration.labels(job.provider).observe(job.seconds)
        log.info(
            "Answer is complete",
            extra={
                "finish_reason": end.finish_reason,
                "chunks": job.writer.next_chunk,
                "seconds": round(job.seconds, 3),
            },
        )


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
