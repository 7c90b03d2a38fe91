"""What the model says becomes what the writer writes, up to one of the ends an answer can have.

A model that fails before it has said anything may be asked again, by whoever takes the message next. After
that its answer ends with an error where it is: a second attempt would say something else.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from memebattle.bus.idempotency import Delivery
from memebattle.bus.outcome import Retryable
from memebattle.chat.ends import End, cancelled, completed, failed
from memebattle.chat.messages import ChunkMetadata, WorkflowRequest
from memebattle.chat.writer import AnswerWriter
from memebattle.generation.ports import GenerationError
from memebattle.generation.text import StreamCut, TextModel, TextPiece, TextSpec, Turn
from memebattle.kit.batches import Batches, Stopped
from memebattle.kit.metrics import WorkflowMetrics
from memebattle.kit.tracing import asking_a_model, current, span
from memebattle.settings import ChatSettings


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

    async def recall(self, session_id: str, without: str) -> list[tuple[str, str]] | None:
        """Questions with their answers, oldest first, but for that of one message; None when out of reach."""
        ...


@dataclass(slots=True, eq=False)  # each is itself: the two copies of a message may be here at one time
class Job:
    """One message in work. `started` is a reading of the clock."""

    message_id: str
    request: WorkflowRequest
    delivery: Delivery
    digest: str
    writer: AnswerWriter
    started: float
    provider: str = "none"
    cancelled: bool = False
    _batches: Batches[TextPiece] | None = field(default=None, init=False)
    _end: End | None = field(default=None, init=False)

    def cancel(self) -> None:
        """Stop the answer, also if it has not begun."""
        self.cancelled = True
        if self._batches is not None:
            self._batches.stop()

    def gather(self, batches: Batches[TextPiece]) -> Batches[TextPiece]:
        """Take pieces in these batches, until cancelled."""
        self._batches = batches
        if self.cancelled:
            batches.stop()
        return batches

    @property
    def end(self) -> End:
        assert self._end is not None  # noqa: S101 - every answer is made with its end
        return self._end

    @end.setter
    def end(self, end: End) -> None:
        self._end = end


class Answering:
    """Has models answer. `clock` counts seconds."""

    def __init__(
        self,
        models: Models,
        history: History,
        metrics: WorkflowMetrics,
        settings: ChatSettings,
        clock: Callable[[], float],
    ) -> None:
        self._models, self._history = models, history
        self._metrics, self._settings, self._clock = metrics, settings, clock

    async def answer(self, job: Job) -> End:
        """Write everything but the final chunk, and say which it is.

        Raises:
            Retryable: the model failed before it said anything.
            Busy: another worker goes on with this answer.
            LogAway: the stream does not answer.
        """
        try:
            end = await self._stream(job)
        except Stopped:
            end = cancelled(job.provider)
        except GenerationError as failure:
            end = self._failed(job, failure)
        # before the final chunk: whoever asks next because of it finds this exchange
        await self._history.remember(
            job.request.session_id, job.message_id, job.request.message, job.writer.said
        )
        return end

    async def _stream(self, job: Job) -> End:
        context = job.request.context
        model, name = self._models.choose(context.ai_provider, context.model)
        job.provider = model.name
        pieces = model.stream(await self._spec(job, name))
        metadata = ChunkMetadata(model=name, provider=model.name)
        attributes = asking_a_model("chat", model.name, name)
        with span("generate_text", current(), kind="client", attributes=attributes):
            last = await self._told(job, pieces, metadata)
        return completed(last, name, model.name)

    async def _told(self, job: Job, pieces: AsyncGenerator[TextPiece], metadata: ChunkMetadata) -> TextPiece:
        """Write all pieces; the last one."""
        last: TextPiece | None = None
        seconds, limit = self._settings.batch_ms / 1000, self._settings.batch_max
        async with job.gather(Batches(pieces, seconds=seconds, limit=limit)) as batches:
            async for batch in batches:
                last = batch[-1]
                await self._say(job, batch, metadata)
        if last is None or last.finish_reason is None:
            raise StreamCut("the provider ended without a reason")
        return last

    async def _say(self, job: Job, batch: Sequence[TextPiece], metadata: ChunkMetadata) -> None:
        texts = [piece.text for piece in batch if piece.text]
        if not texts:
            return
        is_first = job.writer.next_chunk == 0
        if batch[-1].finish_reason is not None and len(batch) > 1:
            job.writer.hold(texts, metadata)  # goes out with the final chunk; a batch, as all of them are
        else:
            await job.writer.say(texts, metadata)
        if is_first:
            self._metrics.first_chunk.labels(job.provider).observe(self._clock() - job.started)

    async def _spec(self, job: Job, model: str) -> TextSpec:
        context = job.request.context
        return TextSpec(
            turns=(*await self._turns(job), Turn("user", job.request.message)),
            model=model,
            system=context.system_prompt,
            temperature=context.temperature,
            max_tokens=context.max_tokens,
            said=job.writer.said,
        )

    async def _turns(self, job: Job) -> list[Turn]:
        """The conversation before the question: what the message brings along, else what is remembered."""
        brought = job.request.context.conversation_history
        if brought is not None:
            return [Turn(entry.role, entry.content) for entry in brought]
        turns: list[Turn] = []
        # a worker that died may have remembered the beginning of this very answer
        for user, assistant in await self._history.recall(job.request.session_id, job.message_id) or ():
            if assistant.strip():  # some APIs refuse a turn without text, others two questions in a row
                turns += [Turn("user", user), Turn("assistant", assistant)]
        return turns

    def _failed(self, job: Job, failure: GenerationError) -> End:
        code = "truncated" if isinstance(failure, StreamCut) else failure.code
        kinds = {"timeout": "timeout", "rate_limited": "rate_limited", "invalid_request": "invalid"}
        kind = kinds.get(code, "provider")
        self._metrics.errors.labels(job.delivery.source, kind).inc()
        if failure.retryable and job.writer.next_chunk == 0:
            raise Retryable(str(failure), after=failure.retry_after or 0, kind=kind) from failure
        return failed(code, str(failure), job.provider)
