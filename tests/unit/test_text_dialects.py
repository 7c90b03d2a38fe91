"""What the two APIs for text are asked, and what is made of everything they may say. No network."""

from __future__ import annotations

from typing import Any

import pytest

from memebattle.generation.ports import (
    ContentBlocked,
    GenerationError,
    InvalidPrompt,
    ModelUnavailable,
    ProviderAuthError,
    ProviderQuotaError,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
)
from memebattle.generation.providers.anthropic import OPENING, MessageReader, Messages
from memebattle.generation.providers.continuing import GO_ON
from memebattle.generation.providers.faults import Provider, broken_off
from memebattle.generation.providers.openai_compatible import OPENAI, ChatCompletionReader, ChatCompletions
from memebattle.generation.text import StreamCut, TextPiece, TextSpec, Turn

QUESTION = Turn("user", "and now?")
TALK = (Turn("user", "hi"), Turn("assistant", "hello"), QUESTION)
FULL = TextSpec(TALK, "m-1", system="be kind", temperature=1.5, max_tokens=100)
SAID = "Once upon a time, there was a queue. "  # 37 bytes, 10 tokens by estimate

CHAT = ChatCompletions(OPENAI, "max_completion_tokens")
MESSAGES = Messages()


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def fault(document: Any) -> GenerationError:
    return broken_off(document, provider=Provider("Acme"), secret="sk-secret")


# --- what is asked --------------------------------------------------------------------------------


def test_openai_is_asked_for_a_stream_with_usage() -> None:
    assert CHAT.body(FULL) == {
        "model": "m-1",
        "messages": [
            turn("system", "be kind"),
            turn("user", "hi"),
            turn("assistant", "hello"),
            turn("user", "and now?"),
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 1.5,
        "max_completion_tokens": 100,
    }


def test_what_a_spec_does_not_say_openai_is_not_told() -> None:
    assert CHAT.body(TextSpec((QUESTION,), "m-1")).keys() == {"model", "messages", "stream", "stream_options"}


def test_older_servers_know_another_name_for_the_longest_answer() -> None:
    body = ChatCompletions(OPENAI, "max_tokens").body(FULL)

    assert (body["max_tokens"], "max_completion_tokens" in body) == (100, False)


def test_anthropic_is_told_the_system_prompt_apart_and_no_temperature_above_one() -> None:
    assert MESSAGES.body(FULL) == {
        "model": "m-1",
        "max_tokens": 100,
        "messages": [turn("user", "hi"), turn("assistant", "hello"), turn("user", "and now?")],
        "stream": True,
        "system": "be kind",
        "temperature": 1.0,
    }


def test_anthropic_always_gets_a_longest_answer() -> None:
    assert MESSAGES.body(TextSpec((QUESTION,), "m-1")) == {
        "model": "m-1",
        "max_tokens": 4096,
        "messages": [turn("user", "and now?")],
        "stream": True,
    }


def test_a_system_turn_in_the_conversation_joins_the_system_prompt_of_anthropic() -> None:
    body = MESSAGES.body(TextSpec((Turn("system", "be brief"), *TALK), "m-1", system="be kind"))

    assert body["system"] == "be kind\n\nbe brief"
    assert [each["role"] for each in body["messages"]] == ["user", "assistant", "user"]


def test_a_conversation_that_is_remembered_from_an_answer_on_gets_a_user_in_front() -> None:
    """Anthropic wants the user first; forgetting the answer as well would lose more."""
    body = MESSAGES.body(TextSpec((Turn("assistant", "hello"), QUESTION), "m-1"))

    assert body["messages"] == [
        turn("user", OPENING.content),
        turn("assistant", "hello"),
        turn("user", "and now?"),
    ]


def test_anthropic_gets_no_empty_turns() -> None:
    body = MESSAGES.body(TextSpec((Turn("user", "hi"), Turn("assistant", " \n"), QUESTION), "m-1"))

    assert body["messages"] == [turn("user", "hi"), turn("user", "and now?")]


@pytest.mark.parametrize(
    "turns", [(), (Turn("user", " "),), (Turn("system", "x"),), (QUESTION, Turn("assistant", "hello"))]
)
def test_a_conversation_without_a_question_is_refused_before_anthropic_does(turns: tuple[Turn, ...]) -> None:
    with pytest.raises(InvalidPrompt, match="does not end with a message of the user"):
        MESSAGES.body(TextSpec(turns, "m-1"))


@pytest.mark.parametrize("dialect", [CHAT, MESSAGES])
def test_an_answer_that_was_begun_is_shown_and_asked_to_go_on(dialect: ChatCompletions | Messages) -> None:
    """As it is, its last space included: only the last turn may not end in one, and that is the user's."""
    body = dialect.body(TextSpec((QUESTION,), "m-1", said=SAID))

    assert body["messages"] == [turn("user", "and now?"), turn("assistant", SAID), turn("user", GO_ON)]


@pytest.mark.parametrize("dialect", [CHAT, MESSAGES])
def test_a_beginning_of_white_space_is_no_beginning(dialect: ChatCompletions | Messages) -> None:
    body = dialect.body(TextSpec((QUESTION,), "m-1", said=" \n"))

    assert body["messages"] == [turn("user", "and now?")]


@pytest.mark.parametrize(
    ("said", "left"), [("", 20), ("x", 19), (SAID, 10), ("日本語", 17), ("x" * 500, 1), ("\ud83d", 19)]
)
def test_what_was_said_is_taken_off_the_longest_answer(said: str, left: int) -> None:
    spec = TextSpec((QUESTION,), "m-1", max_tokens=20, said=said)

    assert CHAT.body(spec)["max_completion_tokens"] == left
    assert MESSAGES.body(spec)["max_tokens"] == left


def test_a_key_travels_in_one_header_and_no_key_in_none() -> None:
    assert CHAT.headers("sk-1") == {"Authorization": "Bearer sk-1"}
    assert CHAT.headers("") == {}
    assert MESSAGES.headers("sk-1") == {"anthropic-version": "2023-06-01", "x-api-key": "sk-1"}
    assert MESSAGES.headers("") == {"anthropic-version": "2023-06-01"}


# --- what OpenAI and its like say -----------------------------------------------------------------


def chat(text: str | None = None, finish: Any = None, **fields: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {"model": "gpt-x", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **fields}


def read_chat(*documents: dict[str, Any] | None) -> tuple[str, TextPiece]:
    reader = ChatCompletionReader("Acme", fault)
    text = "".join(reader.read(document) for document in documents)
    return text, reader.last()


USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}


@pytest.mark.parametrize(
    ("documents", "last"),
    [
        (
            [chat("a"), chat("b"), chat(finish="stop"), {"choices": [], "usage": USAGE}, None],
            TextPiece("", "stop", 7, 2, "gpt-x"),
        ),
        ([chat("a"), chat("b", "stop", usage=USAGE)], TextPiece("", "stop", 7, 2, "gpt-x")),
        (
            [chat("a", usage=USAGE), chat("b", usage=None), chat(finish="stop")],
            TextPiece("", "stop", 7, 2, "gpt-x"),
        ),
        ([chat("ab"), chat(finish="length"), None], TextPiece("", "length", None, None, "gpt-x")),
        ([chat("ab"), chat(finish="tool_calls")], TextPiece("", "stop", None, None, "gpt-x")),
        ([chat("ab", ""), chat(finish="eos_token")], TextPiece("", "stop", None, None, "gpt-x")),
        ([chat("ab"), None], TextPiece("", "stop", None, None, "gpt-x")),
        (
            [chat("ab", "stop"), {"choices": None, "usage": {"prompt_tokens": "7", "completion_tokens": -2}}],
            TextPiece("", "stop", None, None, "gpt-x"),
        ),
        ([{**chat("ab", "stop"), "model": "x" * 201}], TextPiece("", "stop", None, None, None)),
    ],
)
def test_where_the_end_and_the_usage_are_depends_on_the_server(
    documents: list[dict[str, Any] | None], last: TextPiece
) -> None:
    assert read_chat(*documents) == ("ab", last)


@pytest.mark.parametrize("documents", [[], [None], [chat("a")], [chat("a", "error")], [chat("a", "abort")]])
def test_an_end_without_a_word_about_it_is_a_cut(documents: list[dict[str, Any] | None]) -> None:
    with pytest.raises(StreamCut):
        read_chat(*documents)


def test_a_filtered_answer_is_blocked() -> None:
    with pytest.raises(ContentBlocked, match="content filter"):
        read_chat(chat("a"), chat(finish="content_filter"))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"error": None},
        {"choices": 5},
        {"choices": [None]},
        {"choices": [[]]},
        {"choices": [{}]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"content": ["x"]}}]},
        {"choices": [{"delta": {"reasoning_content": "hm"}, "finish_reason": ["stop"]}]},
        {"choices": [{"delta": {}, "finish_reason": {"a": 1}}]},
        {"choices": [], "usage": [1], "model": 5},
    ],
)
def test_odd_chunks_say_nothing_and_break_nothing(document: dict[str, Any]) -> None:
    assert read_chat(document, chat("ab", "stop")) == ("ab", TextPiece("", "stop", None, None, "gpt-x"))


# --- what Anthropic says --------------------------------------------------------------------------


def delta(text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


def stop(reason: str, tokens: Any = 2) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": tokens}}


START = {"type": "message_start", "message": {"model": "claude-x", "usage": {"input_tokens": 7}}}
STOP = {"type": "message_stop"}


def read_message(*documents: dict[str, Any] | None) -> tuple[str, TextPiece]:
    reader = MessageReader(fault)
    text = "".join(reader.read(document) for document in documents)
    return text, reader.last()


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
    ],
)
def test_every_stop_reason_of_anthropic_has_a_name(reason: str, finish: Any) -> None:
    answer = read_message(START, delta("a"), {"type": "ping"}, delta("b"), stop(reason), STOP)

    assert answer == ("ab", TextPiece("", finish, 7, 2, "claude-x"))


def test_the_cached_part_of_a_prompt_counts() -> None:
    usage = {"input_tokens": 7, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20}
    _, last = read_message({"type": "message_start", "message": {"usage": usage}}, STOP)

    assert last.prompt_tokens == 127


def test_thinking_and_tools_are_no_text() -> None:
    thinking = {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hm"}}
    tool = {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": "{"}}

    assert read_message(START, thinking, tool, delta("a"), STOP)[0] == "a"


def test_a_refusal_is_blocked() -> None:
    with pytest.raises(ContentBlocked, match="refused"):
        read_message(START, delta("a"), stop("refusal"))


@pytest.mark.parametrize("documents", [[], [START, delta("a")], [START, delta("a"), stop("end_turn")]])
def test_a_message_that_does_not_stop_is_cut(documents: list[dict[str, Any]]) -> None:
    with pytest.raises(StreamCut, match="message_stop"):
        read_message(*documents)


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"type": "surprise"},
        {"type": ["message_stop"]},
        {"type": "message_start"},
        {"type": "message_start", "message": {"usage": 5, "model": ["x"]}},
        {"type": "message_start", "message": {"usage": {"input_tokens": True}}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": 5}},
        {"type": "message_delta", "delta": 5, "usage": [1]},
        {"type": "message_delta"},
    ],
)
def test_odd_events_say_nothing_and_break_nothing(document: dict[str, Any] | None) -> None:
    assert read_message(document, delta("ab"), STOP) == ("ab", TextPiece("", "stop"))


# --- errors in mid-stream -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"error": {"type": "overloaded_error", "message": "Overloaded"}}, ProviderUnavailable),
        ({"error": {"type": "api_error", "message": "x"}}, ProviderUnavailable),
        ({"error": {"type": "rate_limit_error"}}, ProviderRateLimited),
        ({"error": {"type": "requests", "code": "rate_limit_exceeded"}}, ProviderRateLimited),
        ({"error": {"type": "timeout_error"}}, ProviderTimeout),
        ({"error": {"type": "authentication_error"}}, ProviderAuthError),
        ({"error": {"type": "permission_error"}}, ProviderAuthError),
        ({"error": {"type": "billing_error"}}, ProviderQuotaError),
        ({"error": {"type": "insufficient_quota", "code": "insufficient_quota"}}, ProviderQuotaError),
        ({"error": {"type": "not_found_error"}}, ModelUnavailable),
        ({"error": {"type": "invalid_request_error", "message": "too long"}}, InvalidPrompt),
        ({"error": {"type": "invalid_request_error", "code": "content_filter"}}, ContentBlocked),
        (
            {"error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}},
            ProviderQuotaError,
        ),
        ({"error": {"message": "CUDA out of memory", "code": 503}}, ProviderUnavailable),
        ({"error": {"message": "busy", "code": 429}}, ProviderRateLimited),
        ({"error": {"message": "x", "code": 200}}, ProviderUnavailable),
        ({"error": {"message": "x", "code": {"a": []}, "type": ["b"]}}, ProviderUnavailable),
        ({"error": "Input validation error", "error_type": "validation"}, ProviderUnavailable),
        ({"error": True}, ProviderUnavailable),
    ],
)
def test_an_error_in_mid_stream_is_named_by_its_word(
    document: dict[str, Any], kind: type[GenerationError]
) -> None:
    for read in (read_chat, read_message):
        with pytest.raises(GenerationError) as caught:
            read({"type": "error", **document})

        assert type(caught.value) is kind
        assert str(caught.value).startswith("Acme broke off")


def test_an_error_that_repeats_the_key_does_not_get_far() -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        read_chat({"error": {"message": "no such header\n'Bearer sk-secret'" + "x" * 999}})

    message = str(caught.value)
    assert message.startswith("Acme broke off (no such header 'Bearer ***'xxx")
    assert message.isprintable()
    assert len(message) < 250
