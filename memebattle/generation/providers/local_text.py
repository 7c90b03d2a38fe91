"""The offline provider of text: a meme coach that needs no key, no network and no luck.

It is deterministic. What it answers follows from the conversation alone (a hash of it seeds the choice of
words), so a worker that takes over an answer writes the very same one, skips what was said (`TextSpec.said`),
and the text over a crash is complete and identical. A token is a word with the white space before it; the
counts are real, and `max_tokens` ends an answer with `length`. Each token takes `LOCAL_TOKEN_MS`.

Words in the last message of the user make it misbehave, for tests and demonstrations:

    !error    the answer ends at once with an error that no retry heals (ModelUnavailable)
    !retry    fails before the first token, every time (ProviderUnavailable)
    !limit    fails before the first token and says when to come back (ProviderRateLimited, 1 s)
    !cut      the stream breaks off after three tokens (StreamCut)
    !stall    says three tokens and then nothing for ever
    !long     about 2,000 tokens
    !slow     ten times slower
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b
from random import Random
from typing import Any

from memebattle.generation.ports import ModelUnavailable, ProviderRateLimited, ProviderUnavailable
from memebattle.generation.providers.coach import advise
from memebattle.generation.text import ModelFinish, StreamCut, TextPiece, TextSpec

MODEL = "local-1"
WORDS = frozenset({"!error", "!retry", "!limit", "!cut", "!stall", "!long", "!slow"})

_TOKEN = re.compile(r"\s*\S+")
_SLOWER = 10
_TOKENS_BEFORE_TROUBLE = 3
_LONG = 2000  # tokens
_RETRY_AFTER = 1.0


class LocalText:
    """A `TextModel` without a network.

    Args:
        token_time: seconds for each token.
        sleep: takes seconds; injected so that tests need not wait.
    """

    name = "local"
    models: tuple[str, ...] = (MODEL,)

    def __init__(
        self, *, token_time: float = 0.02, sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep
    ) -> None:
        self._token_time = token_time
        self._sleep = sleep

    async def stream(self, spec: TextSpec) -> AsyncGenerator[TextPiece]:
        """Answer token by token.

        Raises:
            GenerationError: when the user asked for it; see the module's docstring.
        """
        question = _question(spec)
        asked = WORDS & set(question.split())
        _refuse_as(asked)
        answer = _tokens(_answer(spec, question, long="!long" in asked))
        plan = _plan(answer, spec.said, spec.max_tokens)
        pause = self._token_time * (_SLOWER if "!slow" in asked else 1)
        for number, token in enumerate(plan.tokens):
            if number == _TOKENS_BEFORE_TROUBLE:
                await _trouble_as(asked)
            await self._sleep(pause)
            yield TextPiece(token, model=MODEL)
        yield TextPiece(
            finish_reason=plan.finish,
            prompt_tokens=_prompt_tokens(spec),
            completion_tokens=plan.in_all,
            model=MODEL,
        )

    async def aclose(self) -> None:
        """Nothing to give back."""


def _question(spec: TextSpec) -> str:
    return next((turn.content for turn in reversed(spec.turns) if turn.role == "user"), "")


def _answer(spec: TextSpec, question: str, *, long: bool) -> str:
    """What the coach says to this conversation; the words that are for us are not for the coach."""
    told = json.dumps([spec.system, *((turn.role, turn.content) for turn in spec.turns)])
    rng = Random(blake2b(told.encode(), digest_size=8).digest())  # noqa: S311 - small talk, no cryptography
    heard = " ".join(word for word in question.split() if word not in WORDS)
    advice = [advise(heard, rng)]
    while long and len(_tokens(" ".join(advice))) < _LONG:
        advice.append(advise(heard, rng))
    return "\n\n".join(advice)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is left to say, how many tokens that makes in all, and how it ends."""

    tokens: list[str]
    in_all: int
    finish: ModelFinish


def _plan(answer: list[str], said: str, max_tokens: int | None) -> _Plan:
    """The rest of our own answer; behind a beginning that is not ours (another provider's) all of it."""
    whole = answer[:max_tokens]
    text = "".join(whole)
    if text.startswith(said):
        return _Plan(
            _tokens(text[len(said) :]), len(whole), "stop" if len(whole) == len(answer) else "length"
        )
    already = len(_tokens(said))
    rest = _tokens(" " + "".join(answer))
    fitting = rest if max_tokens is None else rest[: max(1, max_tokens - already)]
    return _Plan(fitting, already + len(fitting), "stop" if fitting == rest else "length")


def _refuse_as(asked: frozenset[str]) -> None:
    if "!error" in asked:
        raise ModelUnavailable("the offline provider was asked to fail (!error)")
    if "!retry" in asked:
        raise ProviderUnavailable("the offline provider was asked to be out of reach (!retry)")
    if "!limit" in asked:
        raise ProviderRateLimited(
            "the offline provider was asked to be busy (!limit)", retry_after=_RETRY_AFTER
        )


async def _trouble_as(asked: frozenset[str]) -> None:
    if "!cut" in asked:
        raise StreamCut("the offline provider was asked to break off (!cut)")
    if "!stall" in asked:
        await asyncio.Event().wait()


def _prompt_tokens(spec: TextSpec) -> int:
    return sum(len(_tokens(text)) for text in (spec.system or "", *(turn.content for turn in spec.turns)))


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)
