"""The offline provider of text: the same answer every time, over a crash too, and faults on request."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from random import Random
from typing import Any

import pytest

from memebattle.generation.ports import (
    GenerationError,
    ModelUnavailable,
    ProviderRateLimited,
    ProviderUnavailable,
)
from memebattle.generation.providers.coach import advise, moment_of, topic_of
from memebattle.generation.providers.local_text import LocalText
from memebattle.generation.text import StreamCut, TextModel, TextPiece, TextSpec, Turn

ANSWER = (
    'Oh, the crowd knows this feeling. My bid: "What I expected: my cat on a standup call | what I got: a '
    'learning experience". Read it aloud once, and where you stumble, cut. Shall we make the bottom line '
    "meaner, or shorter?"
)


class Clock:
    """A sleep that takes no time and remembers what was asked of it."""

    def __init__(self) -> None:
        self.naps: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def model(clock: Clock) -> LocalText:
    return LocalText(token_time=0.5, sleep=clock.sleep)


def spec(question: str = "a caption for my cat on a standup call", **fields: Any) -> TextSpec:
    return TextSpec((Turn("user", question),), "local-1", **fields)


async def pieces(stream: AsyncGenerator[TextPiece]) -> list[TextPiece]:
    return [piece async for piece in stream]


def text_of(heard: list[TextPiece]) -> str:
    return "".join(piece.text for piece in heard)


async def failure_of(stream: AsyncGenerator[TextPiece]) -> tuple[str, GenerationError]:
    """What was said before it failed, and how it failed."""
    said = ""
    try:
        async for piece in stream:
            said += piece.text
    except GenerationError as error:
        return said, error
    pytest.fail(f"it finished: {said!r}")


async def test_the_answer_follows_from_the_conversation(model: LocalText) -> None:
    """Written down: another process, another day, another Python give the very same words."""
    heard = await pieces(model.stream(spec()))

    assert text_of(heard) == ANSWER
    assert heard[-1] == TextPiece("", "stop", 9, 42, "local-1")
    assert [piece.finish_reason for piece in heard[:-1]] == [None] * 42
    assert {piece.model for piece in heard} == {"local-1"}


async def test_another_conversation_gets_another_answer(model: LocalText) -> None:
    """A word of history or a system prompt makes a difference; the model's name does not."""
    question = Turn("user", "a caption for my cat on a standup call")
    other = TextSpec((Turn("user", "hi"), Turn("assistant", "hello"), question), "local-1")
    told = spec(system="You are a pirate.")

    assert text_of(await pieces(model.stream(other))) != ANSWER
    assert text_of(await pieces(model.stream(told))) != ANSWER
    assert text_of(await pieces(model.stream(TextSpec((question,), "gpt-4", temperature=2.0)))) == ANSWER


async def test_a_token_is_a_word_and_takes_its_time(model: LocalText, clock: Clock) -> None:
    heard = await pieces(model.stream(spec()))

    assert [piece.text for piece in heard[:3]] == ["Oh,", " the", " crowd"]
    assert clock.naps == [0.5] * 42


async def test_the_usage_counts_the_whole_conversation(model: LocalText) -> None:
    turns = (Turn("user", "one two"), Turn("assistant", "three"), Turn("user", "four five six"))

    heard = await pieces(model.stream(TextSpec(turns, "local-1", system="be kind")))

    assert heard[-1].prompt_tokens == 8
    assert heard[-1].completion_tokens == len(text_of(heard).split())


async def test_max_tokens_ends_the_answer_with_length(model: LocalText) -> None:
    heard = await pieces(model.stream(spec(max_tokens=5)))

    assert text_of(heard) == "Oh, the crowd knows this"
    assert heard[-1] == TextPiece("", "length", 9, 5, "local-1")


async def test_as_many_tokens_as_the_answer_has_are_enough(model: LocalText) -> None:
    assert (await pieces(model.stream(spec(max_tokens=42))))[-1].finish_reason == "stop"


@pytest.mark.parametrize("at", [*range(0, len(ANSWER), 7), len(ANSWER)])
async def test_over_a_crash_the_text_is_complete_and_identical(model: LocalText, at: int) -> None:
    """Wherever it was cut, also within a word; the count is that of the whole answer."""
    said = ANSWER[:at]
    heard = await pieces(model.stream(spec(said=said)))

    assert said + text_of(heard) == ANSWER
    assert heard[-1] == TextPiece("", "stop", 9, 42, "local-1")


async def test_over_a_crash_the_limit_is_that_of_the_whole_answer(model: LocalText) -> None:
    heard = await pieces(model.stream(spec(said="Oh, the crowd", max_tokens=5)))

    assert text_of(heard) == " knows this"
    assert heard[-1] == TextPiece("", "length", 9, 5, "local-1")


async def test_behind_somebody_elses_beginning_it_says_its_own(model: LocalText) -> None:
    """A worker with OpenAI died, one without it takes over: not nice, but nothing is lost or repeated."""
    heard = await pieces(model.stream(spec(said="As a language model,", max_tokens=7)))

    assert text_of(heard) == " Oh, the crowd"
    assert heard[-1] == TextPiece("", "length", 9, 7, "local-1")


@pytest.mark.parametrize(
    ("word", "error", "retryable", "retry_after"),
    [
        ("!error", ModelUnavailable, False, None),
        ("!retry", ProviderUnavailable, True, None),
        ("!limit", ProviderRateLimited, True, 1.0),
    ],
)
async def test_it_fails_before_the_first_token_when_asked(
    model: LocalText, word: str, error: type[GenerationError], retryable: bool, retry_after: float | None
) -> None:
    for _ in range(2):
        said, failure = await failure_of(model.stream(spec(f"please {word} now")))

        assert said == ""
        assert (type(failure), failure.retryable, failure.retry_after) == (error, retryable, retry_after)


async def test_it_breaks_off_after_three_tokens_when_asked(model: LocalText) -> None:
    said, failure = await failure_of(model.stream(spec("a caption about rain !cut")))
    more, _ = await failure_of(model.stream(spec("a caption about rain !cut", said=said)))

    assert type(failure) is StreamCut
    assert [len(said.split()), len(more.split())] == [3, 3]
    assert said != more


async def test_it_falls_silent_after_three_tokens_when_asked(model: LocalText) -> None:
    async with aclosing(model.stream(spec("!stall"))) as stream:
        said = [(await anext(stream)).text for _ in range(3)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(stream)

    assert len(said) == 3


async def test_a_long_answer_has_about_two_thousand_tokens(model: LocalText) -> None:
    heard = await pieces(model.stream(spec("tell me a story !long")))

    assert 2000 <= (heard[-1].completion_tokens or 0) < 2070
    assert heard[-1].completion_tokens == len(heard) - 1


async def test_slow_is_ten_times_slower(model: LocalText, clock: Clock) -> None:
    await pieces(model.stream(spec("!slow", max_tokens=2)))

    assert clock.naps == [5.0, 5.0]


async def test_only_the_last_message_makes_it_misbehave(model: LocalText) -> None:
    """A conversation goes on after a fault that was asked for, and a word is no part of another."""
    turns = (Turn("user", "!error"), Turn("assistant", "!error"), Turn("user", "oh no!errors"))

    assert (await pieces(model.stream(TextSpec(turns, "local-1"))))[-1].finish_reason == "stop"


@pytest.mark.parametrize("turns", [(), (Turn("user", ""),), (Turn("assistant", "\ud83d"),)])
async def test_it_has_an_answer_to_everything(model: LocalText, turns: tuple[Turn, ...]) -> None:
    heard = await pieces(model.stream(TextSpec(turns, "local-1")))

    assert heard[-1].finish_reason == "stop"
    assert text_of(heard)


async def test_without_a_pause_it_still_lets_others_run() -> None:
    """An answer of two thousand tokens must not hold up a heartbeat."""
    model: TextModel = LocalText(token_time=0)
    beats = 0

    async def heart() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    beating = asyncio.create_task(heart())
    await pieces(model.stream(spec("!long")))
    beating.cancel()
    await model.aclose()

    assert beats > 1000


# --- the coach ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "hi",
        "thanks!",
        "how do I win?",
        "monday",
        "make it funnier",
        "another one please",
        "My build is red and it is Friday",
        "Write something about the coffee machine being broken again",
        "When the consumer lag hits ten thousand and KEDA wakes up late again",
        "{topic} {0} %s",
        "x" * 5000,
        "Erkläre mir bitte den Witz",
        "",
    ],
)
def test_the_coach_speaks_in_whole_and_short_paragraphs(question: str) -> None:
    for seed in range(50):
        answer = advise(question, Random(seed))

        assert 25 <= len(answer.split()) <= 65
        assert re.fullmatch(r"[A-Z][^\n]+[.?]", answer)
        assert "  " not in answer


@pytest.mark.parametrize(
    ("question", "moment"),
    [
        ("When the lag hits 10 and KEDA wakes up", "the lag hits 10 and KEDA wakes up"),
        ("I forgot my laptop. Again.", "I forgot my laptop"),
        ("My boss replied all", "my boss replied all"),
        ("I need help with my speech", ""),
        ("is it Friday yet?", ""),
        ("a dinosaur who is late", ""),
        ("monday", ""),
    ],
)
def test_the_coach_knows_a_moment(question: str, moment: str) -> None:
    assert moment_of(question) == moment


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("Give me a caption for my cat on a standup call", "my cat on a standup call"),
        ("A cat wearing a space helmet on Mars", "a cat wearing a space helmet"),
        ("make a joke about meetings", "meetings"),
        ("What is the weather today?", "the weather today"),
        ("an idea for a meme about parents and phones, please", "parents and phones"),
        ("a caption for the espresso machine please", "the espresso machine"),
        ("another one", ""),
        ("What should I cook tonight?", ""),
    ],
)
def test_the_coach_knows_what_it_is_about(question: str, topic: str) -> None:
    assert topic_of(question) == topic
