"""How an answer can end: the four finish reasons, each with the final chunk that says it."""

from __future__ import annotations

from dataclasses import dataclass

from memebattle.chat.messages import ChunkError, ChunkMetadata, ChunkType, FinishReason
from memebattle.generation.text import TextPiece

LONGEST_DETAIL = 500  # characters


@dataclass(frozen=True, slots=True)
class End:
    """How an answer ends."""

    finish_reason: FinishReason
    metadata: ChunkMetadata
    chunk_type: ChunkType = "metadata"
    error: ChunkError | None = None


def completed(last: TextPiece, model: str, provider: str) -> End:
    """The model has come to its end: `stop` or `length`, with what it cost."""
    assert last.finish_reason is not None  # noqa: S101 - the last piece has one
    metadata = ChunkMetadata(
        model=last.model or model,
        provider=provider,
        tokens_used=last.completion_tokens,
        prompt_tokens=last.prompt_tokens,
        finish_reason=last.finish_reason,
    )
    return End(last.finish_reason, metadata)


def cancelled(provider: str | None = None) -> End:
    """Somebody asked to stop; what was said stays."""
    metadata = ChunkMetadata(provider=provider, finish_reason="cancelled")
    return End("cancelled", metadata, "system")


def failed(code: str, detail: str, provider: str | None = None) -> End:
    """It cannot go on; `detail` is for the client to read."""
    metadata = ChunkMetadata(provider=provider, finish_reason="error")
    return End("error", metadata, "error", ChunkError(code=code, message=detail[:LONGEST_DETAIL]))
