"""The wire language of chat: what is asked, in which pieces it is answered, how a pod says that it lives.

Field names and values are those of the document that other services (in other languages) were built from;
what we add is optional. Trace context travels in headers; a body wrapped as `TracedMessage`
`{trace_id, span_id, data}` is unwrapped on input and never produced.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PlainSerializer,
)
from pydantic import model_validator as validator

from memebattle.bus.messages import Token, WireModel, decode
from memebattle.generation.text import Role
from memebattle.kit.text import composed
from memebattle.settings import TextProvider

MAX_MESSAGE = 100_000  # characters; CHAT_MAX_MESSAGE is the lower, configurable bound
MAX_HISTORY = 200  # entries

type ChunkType = Literal["content", "metadata", "error", "system"]
type FinishReason = Literal["stop", "length", "error", "cancelled"]

_TRACE_ID, _SPAN_ID = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")
# but line ends and tabs; with them the halves of surrogate pairs, which UTF-8 cannot say
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def _clean(value: Any) -> Any:
    """Text as people type it: NFC, without control characters but line ends and tabs, trimmed."""
    return composed(_CONTROL.sub("", value)).strip() if isinstance(value, str) else value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is not a time of this calendar everywhere on earth") from error


def _milliseconds(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Text = Annotated[str, BeforeValidator(_clean)]
Timestamp = Annotated[AwareDatetime, AfterValidator(_in_utc), PlainSerializer(_milliseconds, return_type=str)]
CorrelationId = Annotated[str, Field(max_length=128, pattern=r"^[!-~]*$")]


def now() -> datetime:
    """The time of a message."""
    return datetime.now(UTC)


class HistoryEntry(WireModel):
    """One entry of a conversation that a client brings along."""

    role: Role = Field(description="Who said it")
    content: Annotated[Text, Field(max_length=MAX_MESSAGE)] = Field(description="What was said")


class WorkflowContext(WireModel):
    """How to answer. Provider and model are chosen from what the server allows."""

    ai_provider: TextProvider | None = Field(
        None, description="Missing: the server's default", examples=["openai"]
    )
    model: str | None = Field(
        None,
        min_length=1,
        max_length=128,
        description="Missing: the provider's default",
        examples=["gpt-4"],
    )
    temperature: float | None = Field(
        None, ge=0, le=2, description="How freely the model chooses its words", examples=[0.7]
    )
    max_tokens: int | None = Field(
        None, gt=0, le=1_000_000, description="Longest answer, in tokens", examples=[2000]
    )
    system_prompt: Annotated[Text, Field(max_length=MAX_MESSAGE)] | None = Field(
        None, description="What the model is told ahead of the conversation"
    )
    conversation_history: list[HistoryEntry] | None = Field(
        None,
        max_length=MAX_HISTORY,
        description="The previous messages, oldest first. Missing: what the server remembers of the session",
    )


class WorkflowRequest(WireModel):
    """A message of a session that wants an answer."""

    message_id: Token | None = Field(
        None,
        description="Names the message and its answer; the same id twice gives one answer. Missing: the"
        " `Nats-Msg-Id` header stands in, else JetStream gives it one",
        examples=["msg_abc123"],
    )
    session_id: Token = Field(
        description="Who hears the answer: the clients of this session", examples=["sess_456"]
    )
    user_id: str | None = Field(None, max_length=128, description="Who asks", examples=["user_789"])
    message: Annotated[Text, Field(min_length=1, max_length=MAX_MESSAGE)] = Field(
        description="What is said", examples=["What is the weather today?"]
    )
    context: WorkflowContext = Field(default_factory=WorkflowContext, description="How to answer")
    timestamp: Timestamp = Field(
        default_factory=now, description="When it was said; missing: now", examples=["2025-11-17T20:30:00Z"]
    )
    correlation_id: CorrelationId | None = Field(
        None,
        description="Appears in every log line about the message, and on every chunk of its answer",
        examples=["corr_xyz"],
    )
    _unknown_fields: int = 0
    _traceparent: str | None = None

    @validator(mode="wrap")
    @classmethod
    def _unwrap(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        inner, traceparent = unwrapped(decode(data))
        request = handler(inner)
        request._traceparent = traceparent  # noqa: SLF001 - our own
        request._unknown_fields = _unknown(inner, cls)  # noqa: SLF001 - our own
        return request

    @property
    def unknown_fields(self) -> int:
        """How many fields of the message and of its context we did not know."""
        return self._unknown_fields

    @property
    def traceparent(self) -> str | None:
        """The W3C trace context of a `TracedMessage` wrapper, if there was a valid one."""
        return self._traceparent

    @property
    def digest(self) -> str:
        """What is asked, as a hash: an id that is used for something else is noticed by it.

        Without what is not asked: workers of two versions, of which one knows more fields, have to agree.
        """
        fields = {"session_id", "user_id", "message", "context"}
        asked = self.model_dump(mode="json", include=fields, exclude_none=True)
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _unknown(data: Any, model: type[WireModel]) -> int:
    if not isinstance(data, dict):
        return 0
    return len(data.keys() - model.model_fields.keys()) + _unknown(data.get("context"), WorkflowContext)


def unwrapped(data: Any) -> tuple[Any, str | None]:
    """The message inside a `TracedMessage`, and its trace context as a `traceparent` header."""
    match data:
        case {"trace_id": trace_id, "data": dict(inner)} if "session_id" not in data:
            span_id = data.get("span_id")
            valid = (
                isinstance(trace_id, str)
                and isinstance(span_id, str)
                and _TRACE_ID.fullmatch(trace_id)
                and _SPAN_ID.fullmatch(span_id)
            )
            return inner, f"00-{trace_id}-{span_id}-01" if valid else None
        case _:
            return data, None


class WorkflowCancel(WireModel):
    """Stop the answer to this message; without one, whatever the session is being told."""

    session_id: Token | None = Field(None, description="The session, as the subject says it")
    message_id: Token | None = Field(None, description="The message whose answer is to stop")


class ChunkMetadata(WireModel):
    """What there is to know about an answer beside its text; complete on the last chunk."""

    model: str | None = Field(None, description="The model that answers", examples=["gpt-4"])
    provider: str | None = Field(None, description="Who runs it", examples=["openai"])
    tokens_used: int | None = Field(None, description="Tokens of the answer", examples=[15])
    prompt_tokens: int | None = Field(None, description="Tokens of what the model read")
    finish_reason: FinishReason | None = Field(
        None, description="How the answer ended; on the last chunk only"
    )


class ChunkError(WireModel):
    """Why there is no (more) answer."""

    code: str = Field(description="Why, for programs", examples=["provider_unavailable"])
    message: str = Field(description="Why, for people")


class ResponseChunk(WireModel):
    """A piece of an answer. `chunk_id` counts from 0 per message; exactly one chunk is final."""

    session_id: Token = Field(description="The session that is answered", examples=["sess_456"])
    message_id: Token = Field(description="The message that is answered", examples=["msg_abc123"])
    chunk_id: int = Field(ge=0, description="Its place in the answer", examples=[42])
    chunk: str = Field("", description="Text that continues the answer", examples=[" weather"])
    chunk_type: ChunkType = Field(
        "content",
        description="`content` is text; the last chunk is `metadata`, or `system` when the answer was"
        " stopped, or `error`",
    )
    is_final: bool = Field(default=False, description="Whether this is the last chunk of the answer")
    metadata: ChunkMetadata | None = Field(None, description="What there is to know beside the text")
    error: ChunkError | None = Field(None, description="Why there is no (more) answer")
    timestamp: Timestamp = Field(
        default_factory=now, description="When it was made", examples=["2025-11-17T20:30:05.123Z"]
    )
    correlation_id: str | None = Field(None, description="That of the message", examples=["corr_xyz"])


class ChunkBatch(WireModel):
    """Several chunks of one answer in one message, in order."""

    session_id: Token = Field(description="The session that is answered", examples=["sess_456"])
    chunks: list[ResponseChunk] = Field(min_length=1, max_length=1000, description="The chunks, in order")


type Chunks = Annotated[ResponseChunk | ChunkBatch, Field(union_mode="left_to_right")]


def chunks_in(message: ResponseChunk | ChunkBatch) -> list[ResponseChunk]:
    """The chunks of either form."""
    return message.chunks if isinstance(message, ChunkBatch) else [message]


def read_message(body: bytes) -> ResponseChunk | ChunkBatch:
    """A body of either form.

    Raises:
        ValueError: it is neither.
    """
    data = decode(body)
    is_batch = isinstance(data, dict) and "chunks" in data
    return (ChunkBatch if is_batch else ResponseChunk).model_validate(data)


def read_chunks(body: bytes) -> list[ResponseChunk]:
    """The chunks of a body of either form.

    Raises:
        ValueError: it is neither.
    """
    return chunks_in(read_message(body))


class HealthRequest(WireModel):
    """Asks how a pod is. Nothing in it matters, and there may be nothing in it."""

    @validator(mode="before")
    @classmethod
    def parse_json(cls, _: Any) -> Any:
        """Any body asks the same."""
        return {}


class HealthResponse(WireModel):
    """How a pod is."""

    pod_id: str = Field(description="Which pod", examples=["pod-1"])
    status: Literal["healthy", "stopping"] = Field(
        "healthy", description="`stopping`: about to leave, its clients connect to another one"
    )
    active_connections: int = Field(ge=0, description="SSE connections it holds", examples=[12])
    timestamp: Timestamp = Field(default_factory=now, description="When it said so")


class HeartbeatMessage(WireModel):
    """A pod says that it lives, every ten seconds."""

    pod_id: str = Field(description="Which pod", examples=["pod-1"])
    timestamp: Timestamp = Field(default_factory=now, description="When it said so")
    active_connections: int = Field(ge=0, description="SSE connections it holds", examples=[12])
    memory_usage_mb: float = Field(description="Resident memory; 1 MB is 1,048,576 bytes", examples=[84.5])
    cpu_usage_percent: float = Field(
        description="Processor time since the last heartbeat, of one core", examples=[3.2]
    )
