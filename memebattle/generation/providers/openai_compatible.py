"""How OpenAI's chat completions are asked and read, and everybody's who speaks that format.

`openai` is OpenAI itself. `custom` is the HuggingFace router, vLLM, Ollama, llama.cpp and their like, which
differ in small ways that all work here:

- OpenAI wants `max_completion_tokens`, many others only know `max_tokens` (`CHAT_CUSTOM_TOKEN_FIELD`).
- The usage comes when `stream_options.include_usage` asks for it: in a last chunk whose `choices` are empty
  (OpenAI, vLLM, Ollama), with the finish reason, with every chunk, or never. It belongs into the last piece,
  so the finish waits for what follows it.
- An error in mid-stream is an object under `error`, sometimes beside a finish reason `error`.
- The end is `[DONE]`, or just the end. A stream that says `[DONE]` behind some text and never gave a reason
  has finished; one that ends with neither was cut.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from memebattle.generation.ports import (
    ContentBlocked,
    GenerationError,
    ModelUnavailable,
    ProviderAuthError,
    ProviderQuotaError,
)
from memebattle.generation.providers.continuing import conversation, count, model_name, tokens_left
from memebattle.generation.providers.faults import Provider
from memebattle.generation.text import ModelFinish, StreamCut, TextPiece, TextSpec

type TokenField = Literal["max_tokens", "max_completion_tokens"]

OPENAI = Provider(
    "OpenAI",
    {
        ProviderAuthError: "check OPENAI_API_KEY",
        ProviderQuotaError: "the account of OPENAI_API_KEY has no credit left",
        ModelUnavailable: "set OPENAI_MODELS to models that OPENAI_API_KEY may use",
    },
)
CUSTOM = Provider(
    "the custom provider",
    {
        ProviderAuthError: "check CHAT_CUSTOM_KEY",
        ProviderQuotaError: "the account of CHAT_CUSTOM_KEY has no credit left",
        ModelUnavailable: "set CHAT_CUSTOM_MODELS to models it serves, and see that CHAT_CUSTOM_URL ends "
        "where /chat/completions begins",
    },
)

# everything else that ends a choice (stop, eos_token, tool_calls, ...) is an end like any other
_LENGTH = {"length", "max_tokens", "model_length"}
_BROKEN = {"error", "abort", "cancelled"}


class ChatCompletions:
    """The dialect. `token_field` is what the longest answer is called."""

    path = "/chat/completions"

    def __init__(self, provider: Provider, token_field: TokenField) -> None:
        self._provider = provider
        self._token_field = token_field

    def headers(self, key: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {key}"} if key else {}

    def body(self, spec: TextSpec) -> dict[str, Any]:
        system = [{"role": "system", "content": spec.system}] if spec.system else []
        turns = [{"role": turn.role, "content": turn.content} for turn in conversation(spec)]
        body: dict[str, Any] = {
            "model": spec.model,
            "messages": system + turns,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if spec.temperature is not None:
            body["temperature"] = spec.temperature
        if (tokens := tokens_left(spec)) is not None:
            body[self._token_field] = tokens
        return body

    def reader(self, fault: Callable[[Any], GenerationError]) -> ChatCompletionReader:
        return ChatCompletionReader(self._provider.name, fault)


class ChatCompletionReader:
    """Reads `chat.completion.chunk` objects of one choice."""

    def __init__(self, name: str, fault: Callable[[Any], GenerationError]) -> None:
        self.model: str | None = None
        self.complete = False
        self._name = name
        self._fault = fault
        self._spoke = False
        self._finish: ModelFinish = "stop"
        self._usage: Mapping[str, Any] = {}

    def read(self, document: dict[str, Any] | None) -> str:
        if document is None:
            self.complete = self.complete or self._spoke
            return ""
        if document.get("error"):
            raise self._fault(document)
        if self.model is None:
            self.model = model_name(document.get("model"))
        if isinstance(usage := document.get("usage"), dict):
            self._usage = usage
        match document.get("choices"):
            case [{"delta": {"content": str(text)}} as choice, *_] if text:
                self._spoke = True
            case [dict(choice), *_]:
                text = ""
            case _:
                return ""
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._end(reason)
        return text

    def last(self) -> TextPiece:
        if not self.complete:
            raise StreamCut(f"{self._name} ended the stream without a finish reason")
        prompt, completion = self._usage.get("prompt_tokens"), self._usage.get("completion_tokens")
        return TextPiece("", self._finish, count(prompt), count(completion), self.model)

    def _end(self, reason: str) -> None:
        if reason == "content_filter":
            raise ContentBlocked(f"{self._name} withheld the answer: its content filter was triggered")
        if reason in _BROKEN:
            raise StreamCut(f"{self._name} broke the answer off")
        self._finish = "length" if reason in _LENGTH else "stop"
        self.complete = True
