"""How Anthropic's messages API is asked and read.

    message_start        the model, the tokens of the prompt
    content_block_delta  text; also thinking and tool input, which are none
    message_delta        the stop reason, the tokens of the answer so far
    message_stop         the end; without it the stream was cut
    error                in mid-stream, with a status of 200: `overloaded_error` and its like
    ping                 nothing; and events unknown to us, as the API reserves the right to send

What it wants of a request, or answers 400: `max_tokens`; the system prompt outside `messages`; a user's turn
first and last; no turn without visible text; a temperature of at most 1. Consecutive turns of one role are
welcome, it joins them.

https://docs.anthropic.com/en/api/messages-streaming
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from memebattle.generation.ports import (
    ContentBlocked,
    GenerationError,
    InvalidPrompt,
    ModelUnavailable,
    ProviderAuthError,
    ProviderQuotaError,
)
from memebattle.generation.providers.continuing import conversation, count, model_name, tokens_left
from memebattle.generation.providers.faults import Provider
from memebattle.generation.text import ModelFinish, StreamCut, TextPiece, TextSpec, Turn

VERSION = "2023-06-01"
MAX_TEMPERATURE = 1.0
USUAL_TOKENS = 4096  # the API has no default of its own

ANTHROPIC = Provider(
    "Anthropic",
    {
        ProviderAuthError: "check ANTHROPIC_API_KEY",
        ProviderQuotaError: "the account of ANTHROPIC_API_KEY has no credit left",
        ModelUnavailable: "set ANTHROPIC_MODELS to models that ANTHROPIC_API_KEY may use",
    },
)

# stands in for the beginning of a conversation that is remembered from an answer on
OPENING = Turn("user", "(The beginning of this conversation is not remembered.)")

# everything else (end_turn, stop_sequence, tool_use, pause_turn, ...) is an end like any other
_LENGTH = {"max_tokens", "model_context_window_exceeded"}


class Messages:
    """The dialect."""

    path = "/v1/messages"

    def headers(self, key: str) -> Mapping[str, str]:
        return {"anthropic-version": VERSION} | ({"x-api-key": key} if key else {})

    def body(self, spec: TextSpec) -> dict[str, Any]:
        turns = [turn for turn in conversation(spec) if turn.content.strip()]
        told = [spec.system or "", *(turn.content for turn in turns if turn.role == "system")]
        spoken = [turn for turn in turns if turn.role != "system"]
        if not spoken or spoken[-1].role != "user":
            raise InvalidPrompt("the conversation does not end with a message of the user")
        if spoken[0].role != "user":
            spoken.insert(0, OPENING)
        body: dict[str, Any] = {
            "model": spec.model,
            "max_tokens": tokens_left(spec) or USUAL_TOKENS,
            "messages": [{"role": turn.role, "content": turn.content} for turn in spoken],
            "stream": True,
        }
        if system := "\n\n".join(text for text in told if text.strip()):
            body["system"] = system
        if spec.temperature is not None:
            body["temperature"] = min(spec.temperature, MAX_TEMPERATURE)
        return body

    def reader(self, fault: Callable[[Any], GenerationError]) -> MessageReader:
        return MessageReader(fault)


class MessageReader:
    """Reads the events of one message."""

    def __init__(self, fault: Callable[[Any], GenerationError]) -> None:
        self.model: str | None = None
        self.complete = False
        self._fault = fault
        self._finish: ModelFinish = "stop"
        self._prompt_tokens: int | None = None
        self._completion_tokens: int | None = None

    def read(self, document: dict[str, Any] | None) -> str:
        match document or {}:
            case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(text)}}:
                return text
            case {"type": "message_start", "message": dict(message)}:
                self.model = model_name(message.get("model"))
                self._prompt_tokens = _prompt_tokens(message.get("usage"))
            case {"type": "message_delta", **rest}:
                self._end(rest.get("delta"), rest.get("usage"))
            case {"type": "message_stop"}:
                self.complete = True
            case {"type": "error"}:
                raise self._fault(document)
        return ""

    def last(self) -> TextPiece:
        if not self.complete:
            raise StreamCut("Anthropic ended the stream without message_stop")
        return TextPiece("", self._finish, self._prompt_tokens, self._completion_tokens, self.model)

    def _end(self, delta: Any, usage: Any) -> None:
        if isinstance(usage, dict):
            self._completion_tokens = count(usage.get("output_tokens"))
        match delta:
            case {"stop_reason": "refusal"}:
                raise ContentBlocked("Anthropic withheld the answer: the model refused")
            case {"stop_reason": str(reason)}:
                self._finish = "length" if reason in _LENGTH else "stop"


def _prompt_tokens(usage: Any) -> int | None:
    """All of the prompt: what came from the prompt cache is counted apart."""
    if not isinstance(usage, dict):
        return None
    cached = ("cache_read_input_tokens", "cache_creation_input_tokens")
    tokens = count(usage.get("input_tokens"))
    return None if tokens is None else tokens + sum(count(usage.get(name)) or 0 for name in cached)
