"""The wire language of chat: what is asked, in which pieces it is answered, how a pod says that it lives.

Field names and values are those of the document that other services (in other languages) were built from;
what we add is optional. Trace context travels in headers; a body wrapped as `TracedMessage`
`{trace_id, span_id, data}` is unwrapped on input and never produced.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BeforeValidator, Field, ModelWrapValidatorHandler, PlainSerializer
from pydantic import model_validator as validator

from memebattle.bus.messages import Token, WireModel, decode
from memebattle.generation.text import Role
from memebattle.settings import TextProvider

MAX_MESSAGE = 100_000  # characters; CHAT_MAX_MESSAGE is the lower, configurable bound
MAX_HISTORY = 200  # entries

type ChunkType = Literal["content", "metadata", "error", "system"]
type FinishReason = Literal["stop", "length", "error", "cancelled"]

_TRACE_ID, _SPAN_ID = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")


def _clean(value: Any) -> Any:
    """Text as people type it: NFC, without control characters but line ends and tabs, trimmed."""
    if not isinstance(value, str):
        return value
    composed = unicodedata.normalize("NFC", value)
    return "".join(
        ch for ch in composed if ch in "\n\t" or unicodedata.category(ch) not in {"Cc", "Cs"}
    ).strip()


def _milliseconds(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Text = Annotated[str, BeforeValidator(_clean)]
Timestamp = Annotated[AwareDatetime, PlainSerializer(_milliseconds, return_type=str)]
CorrelationId = Annotated[str, Field(max_length=128, pattern=r"^[!-~]*$")]


def now() -> datetime:
    """The time of a message."""
    return datetime.now(UTC)


class HistoryEntry(WireModel):
    """One entry of a conversation that a client brings along."""

    role: Role
    content: Annotated[Text, Field(max_length=MAX_MESSAGE)]


class WorkflowContext(WireModel):
    """How to answer. Provider and model are chosen from what the server allows."""

    ai_provider: TextProvider | None = Field(
        None, description="Missing: the server's default", examples=["openai"]
    )
    model: str | None = Field(None, min_length=1, max_length=128, examples=["gpt-4"])
    temperature: float | None = Field(None, ge=0, le=2, examples=[0.7])
    max_tokens: int | None = Field(None, gt=0, le=1_000_000, examples=[2000])
    system_prompt: Annotated[Text, Field(max_length=MAX_MESSAGE)] | None = None
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
    session_id: Token = Field(examples=["sess_456"])
    user_id: str | None = Field(None, max_length=128, examples=["user_789"])
    message: Annotated[Text, Field(min_length=1, max_length=MAX_MESSAGE)] = Field(
        examples=["What is the weather today?"]
    )
    context: WorkflowContext = Field(default_factory=WorkflowContext)
    timestamp: Timestamp = Field(default_factory=now, examples=["2025-11-17T20:30:00Z"])
    correlation_id: CorrelationId | None = Field(None, examples=["corr_xyz"])
    _unknown_fields: int = 0
    _traceparent: str | None = None

    @validator(mode="wrap")
    @classmethod
    def _unwrap(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        inner, traceparent = unwrapped(decode(data))
        request = handler(inner)
        request._traceparent = traceparent  # noqa: SLF001 - our own
        if isinstance(inner, dict):
            request._unknown_fields = len(inner.keys() - cls.model_fields.keys())  # noqa: SLF001 - our own
        return request

    @property
    def unknown_fields(self) -> int:
        """How many fields of the message we did not know."""
        return self._unknown_fields

    @property
    def traceparent(self) -> str | None:
        """The W3C trace context of a `TracedMessage` wrapper, if there was a valid one."""
        return self._traceparent

    @property
    def digest(self) -> str:
        """What is asked, as a hash: an id that is used for something else is noticed by it."""
        asked = self.model_dump(mode="json", include={"session_id", "user_id", "message", "context"})
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


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

    session_id: Token | None = None
    message_id: Token | None = None


class ChunkMetadata(WireModel):
    """What there is to know about an answer beside its text; complete on the last chunk."""

    model: str | None = Field(None, examples=["gpt-4"])
    provider: str | None = Field(None, examples=["openai"])
    tokens_used: int | None = Field(None, description="Tokens of the answer", examples=[15])
    prompt_tokens: int | None = None
    finish_reason: FinishReason | None = None


class ChunkError(WireModel):
    """Why there is no (more) answer."""

    code: str = Field(examples=["provider_unavailable"])
    message: str


class ResponseChunk(WireModel):
    """A piece of an answer. `chunk_id` counts from 0 per message; exactly one chunk is final."""

    session_id: Token = Field(examples=["sess_456"])
    message_id: Token = Field(examples=["msg_abc123"])
    chunk_id: int = Field(ge=0, examples=[42])
    chunk: str = Field("", examples=[" weather"])
    chunk_type: ChunkType = "content"
    is_final: bool = False
    metadata: ChunkMetadata | None = None
    error: ChunkError | None = None
    timestamp: Timestamp = Field(default_factory=now, examples=["2025-11-17T20:30:05.123Z"])
    correlation_id: str | None = Field(None, examples=["corr_xyz"])


class ChunkBatch(WireModel):
    """Several chunks of one answer in one message, in order."""

    session_id: Token = Field(examples=["sess_456"])
    chunks: list[ResponseChunk] = Field(min_length=1, max_length=1000)


type Chunks = Annotated[ResponseChunk | ChunkBatch, Field(union_mode="left_to_right")]


def chunks_in(message: ResponseChunk | ChunkBatch) -> list[ResponseChunk]:
    """The chunks of either form."""
    return message.chunks if isinstance(message, ChunkBatch) else [message]


def read_chunks(body: bytes) -> list[ResponseChunk]:
    """The chunks of a stored body of either form.

    Raises:
        pydantic.ValidationError: it is neither.
    """
    data = decode(body)
    is_batch = isinstance(data, dict) and "chunks" in data
    return chunks_in((ChunkBatch if is_batch else ResponseChunk).model_validate(data))


class HealthRequest(WireModel):
    """Asks how a pod is; the body may be empty."""


class HealthResponse(WireModel):
    """How a pod is."""

    pod_id: str = Field(examples=["pod-1"])
    status: Literal["healthy", "stopping"] = "healthy"
    active_connections: int = Field(ge=0, examples=[12])
    timestamp: Timestamp = Field(default_factory=now)


class HeartbeatMessage(WireModel):
    """A pod says that it lives, every ten seconds."""

    pod_id: str = Field(examples=["pod-1"])
    timestamp: Timestamp = Field(default_factory=now)
    active_connections: int = Field(ge=0, examples=[12])
    memory_usage_mb: float = Field(examples=[84.5])
    cpu_usage_percent: float = Field(examples=[3.2])
