"""The two wire formats of the fake, as the real APIs write them: one event per function, as a document.

An event is a name (None where the format has no names) and what stands behind `data:`. What the real APIs
refuse is refused here too, or the tests of the clients would prove little.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

type Finish = Literal["stop", "length", "content_filter"]
type Frame = tuple[str | None, Any]

DONE: Frame = (None, "[DONE]")


@dataclass(frozen=True, slots=True)
class Order:
    """What a request asks for, in either format. `question` is the last message."""

    model: str
    question: str
    max_tokens: int | None
    prompt_tokens: int
    wants_usage: bool = True


class Dialect(Protocol):
    """How one API takes a request and writes an answer."""

    name: str
    path: str

    def refused(self, document: Any) -> str | None:
        """Why the API would answer 400, or None."""
        ...

    def order(self, document: Any) -> Order: ...

    def opening(self, order: Order) -> Sequence[Frame]: ...

    def text(self, order: Order, text: str) -> Frame: ...

    def closing(self, order: Order, finish: Finish, tokens: int) -> Sequence[Frame]: ...

    def ping(self) -> Frame | None: ...

    def broken(self) -> Frame:
        """The error that comes in mid-stream."""
        ...

    def error(self, status: int, message: str) -> Any:
        """The body of a refusal."""
        ...


class OpenAI:
    """`/v1/chat/completions`."""

    name = "openai"
    path = "/v1/chat/completions"

    def refused(self, document: Any) -> str | None:
        match document:
            case {"model": str(model), "messages": [_, *_] as turns, "stream": True} if model:
                return _form_of(turns)
            case _:
                return "`model`, `messages` and `stream: true` are required"

    def order(self, document: Any) -> Order:
        return Order(
            document["model"],
            document["messages"][-1]["content"],
            document.get("max_completion_tokens") or document.get("max_tokens"),
            _tokens(document["messages"]),
            bool((document.get("stream_options") or {}).get("include_usage")),
        )

    def opening(self, order: Order) -> Sequence[Frame]:
        return [self._chunk(order, [{"index": 0, "delta": {"role": "assistant", "content": ""}}])]

    def text(self, order: Order, text: str) -> Frame:
        return self._chunk(order, [{"index": 0, "delta": {"content": text}, "finish_reason": None}])

    def closing(self, order: Order, finish: Finish, tokens: int) -> Sequence[Frame]:
        frames = [self.finish(order, finish)]
        if order.wants_usage:
            frames.append(self._chunk(order, [], usage(order, tokens)))
        return [*frames, DONE]

    def finish(self, order: Order, finish: Finish, usage: Mapping[str, int] | None = None) -> Frame:
        """The chunk with the finish reason; some servers put the usage into it."""
        return self._chunk(order, [{"index": 0, "delta": {}, "finish_reason": finish}], usage)

    def ping(self) -> Frame | None:
        return None

    def broken(self) -> Frame:
        return None, self.error(500, "The server had an error while processing your request")

    def error(self, status: int, message: str) -> Any:
        words = {
            401: ("invalid_request_error", "invalid_api_key"),
            402: ("insufficient_quota", "insufficient_quota"),
            404: ("invalid_request_error", "model_not_found"),
            429: ("requests", "rate_limit_exceeded"),
        }
        kind, code = words.get(status, ("server_error" if status >= 500 else "invalid_request_error", None))
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def _chunk(
        self, order: Order, choices: list[dict[str, Any]], usage: Mapping[str, int] | None = None
    ) -> Frame:
        base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": order.model}
        return None, {**base, "choices": choices, "usage": usage}


class Anthropic:
    """`/v1/messages`."""

    name = "anthropic"
    path = "/v1/messages"

    def refused(self, document: Any) -> str | None:
        match document:
            case {"model": str(), "max_tokens": int(), "messages": [_, *_] as turns, "stream": True}:
                return _form_of(turns) or _fault_of(turns, document.get("temperature", 0))
            case _:
                return "max_tokens: Field required"

    def order(self, document: Any) -> Order:
        turns = document["messages"]
        system = [{"content": document.get("system", "")}]
        return Order(
            document["model"], turns[-1]["content"], document["max_tokens"], _tokens([*system, *turns])
        )

    def opening(self, order: Order) -> Sequence[Frame]:
        usage = {"input_tokens": order.prompt_tokens, "output_tokens": 1}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": order.model}
        block = {"index": 0, "content_block": {"type": "text", "text": ""}}
        return [
            _named("message_start", message={**message, "stop_reason": None, "usage": usage}),
            _named("content_block_start", **block),
            _named("ping"),
        ]

    def text(self, order: Order, text: str) -> Frame:  # noqa: ARG002 - the other format names the model each time
        return _named("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def closing(self, order: Order, finish: Finish, tokens: int) -> Sequence[Frame]:  # noqa: ARG002 - as above
        reasons = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
        delta = {"stop_reason": reasons[finish], "stop_sequence": None}
        return [
            _named("content_block_stop", index=0),
            _named("message_delta", delta=delta, usage={"output_tokens": tokens}),
            _named("message_stop"),
        ]

    def ping(self) -> Frame | None:
        return _named("ping")

    def broken(self) -> Frame:
        return _named("error", error={"type": "overloaded_error", "message": "Overloaded"})

    def error(self, status: int, message: str) -> Any:
        words = {
            401: "authentication_error",
            402: "billing_error",
            404: "not_found_error",
            429: "rate_limit_error",
            529: "overloaded_error",
        }
        kind = words.get(status, "api_error" if status >= 500 else "invalid_request_error")
        return {"type": "error", "error": {"type": kind, "message": message}}


DIALECTS: Mapping[str, Dialect] = {dialect.path: dialect for dialect in (OpenAI(), Anthropic())}


def frame(kind: str | None, data: Any) -> bytes:
    """An event as bytes."""
    return (f"event: {kind}\n" if kind else "").encode() + b"data: " + _encoded(data) + b"\n\n"


def usage(order: Order, tokens: int) -> Mapping[str, int]:
    """As OpenAI counts it."""
    return {
        "prompt_tokens": order.prompt_tokens,
        "completion_tokens": tokens,
        "total_tokens": order.prompt_tokens + tokens,
    }


def _encoded(data: Any) -> bytes:
    """With the characters themselves, so that they can be cut in the middle; half a one has to be escaped."""
    if isinstance(data, str):
        return data.encode()
    try:
        return json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(data).encode()


def _named(kind: str, **fields: Any) -> Frame:
    return kind, {"type": kind, **fields}


def _form_of(turns: list[Any]) -> str | None:
    for turn in turns:
        match turn:
            case {"role": str(), "content": str()}:
                pass
            case _:
                return "messages: every message needs a `role` and a `content`"
    return None


def _fault_of(turns: list[Any], temperature: float) -> str | None:
    """What Anthropic's API has against these messages, in its words."""
    if any(turn.get("role") not in {"user", "assistant"} for turn in turns):
        return "messages: Unexpected role. Use the top-level `system` parameter for a system prompt."
    if turns[0]["role"] != "user":
        return "messages: first message must use the user role"
    if turns[-1]["role"] != "user":
        return "The conversation must end with a user message; assistant message prefill is not supported."
    if not all(turn["content"].strip() for turn in turns):
        return "messages: text content blocks must contain non-whitespace text"
    if not 0 <= temperature <= 1:
        return "temperature: range: 0..1"
    return None


def _tokens(turns: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(str(turn.get("content", "")).split()) for turn in turns)
