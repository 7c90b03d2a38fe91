"""The language model's part of priority: it may fill in missing factors and write suggestions.

It is asked only if the operator wants it and the request does not forbid it, and it is never waited for
longer than the budget. Whatever does not work out ends in one word, and the rules step in:

    not_needed           nothing is missing
    disabled             the operator has not switched it on, or the request says no
    no_model             nobody is configured; `local` makes jokes and is no judge of tasks
    sensitive_content    the task holds what must not be shown to a model: nothing is sent
    breaker_open         the provider has failed too often of late
    timeout              no answer within the budget; the provider's call is ended
    provider_error       the provider refused or failed
    invalid_output       it answered something else than what it was asked for

A request can say no and cannot say yes: a client must not spend the operator's money. Answers are kept by
what was sent and to which model, so the same task costs one call however often it comes; only answers are
kept, never failures. What is asked, and why a task cannot abuse it, is in `questions.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pydantic_core

from memebattle.generation.ports import ContentBlocked, GenerationError, InvalidPrompt
from memebattle.generation.text import StreamCut, TextModel, TextSpec, Turn
from memebattle.kit.metrics import PriorityMetrics as Instruments
from memebattle.kit.tracing import asking_a_model, current, span
from memebattle.priority.breaker import Breaker, BreakerOpen
from memebattle.priority.messages import AiSkipped, PriorityTask, UrgencyLevel
from memebattle.priority.ports import Advice, Documents, Guess
from memebattle.priority.questions import SYSTEM, InvalidAnswer, Question, about_factors, about_suggestions
from memebattle.priority.sensitive import sensitive_reason
from memebattle.settings import PrioritySettings

MAX_TOKENS = 300
MAX_BYTES = 8 * 1024  # of an answer; what comes behind them is not read
NO_JUDGE = "local"  # the offline provider

log = logging.getLogger(__name__)


class Models(Protocol):
    """Who can write text here."""

    def choose(self, provider: str | None, model: str | None) -> tuple[TextModel, str]:
        """The provider and the model of that name; of the default, when none is named.

        Raises:
            InvalidPrompt: there is none.
        """
        ...


class Skipped(Exception):
    """The model has no say here; `reason` is told to the requester."""

    def __init__(self, reason: AiSkipped) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer[Value]:
    """What was said, by whom, and whether it was said before."""

    value: Value
    provider: str
    model: str
    cached: bool = False


class LanguageAdviser:
    """Asks the default provider.

    Args:
        models: those that are configured.
        documents: keep answers.
        settings: `use_ai` switches it on, `ai_budget` is the seconds for one question in all.
        metrics: count how each question ended.
        clock: monotonic seconds, for the breaker.
    """

    def __init__(
        self,
        models: Models,
        documents: Documents,
        settings: PrioritySettings,
        metrics: Instruments,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._models, self._documents = models, documents
        self._settings, self._metrics = settings, metrics
        self._breaker = Breaker(_is_outage, clock=clock)

    async def guess(self, task: PriorityTask, wanted: tuple[str, ...], *, wish: bool | None = None) -> Guess:
        """Values for the fields `wanted`, all of them or none."""
        try:
            answer = await self._answer(about_factors(task, wanted), task, wish=wish, needed=bool(wanted))
        except Skipped as skipped:
            return Guess(skipped=skipped.reason)
        return Guess(answer.value)

    async def advise(
        self, task: PriorityTask, level: UrgencyLevel, rules: tuple[str, ...], *, wish: bool | None = None
    ) -> Advice:
        """The model's suggestions, or else the rules'."""
        try:
            answer = await self._answer(about_suggestions(task, level), task, wish=wish)
        except Skipped as skipped:
            return Advice(rules, skipped=skipped.reason)
        return Advice(answer.value, "llm", answer.provider, answer.model)

    async def _answer[Value](
        self, question: Question[Value], task: PriorityTask, *, wish: bool | None, needed: bool = True
    ) -> Answer[Value]:
        """The answer, counted.

        Raises:
            Skipped: there is none, which is counted too.
        """
        calls = self._metrics.ai_calls
        try:
            model, name = self._admitted(task, wish=wish, needed=needed)
            answer = await self._recall_or_ask(question, model, name)
        except Skipped as skipped:
            calls.labels(question.purpose, skipped.reason).inc()
            raise
        calls.labels(question.purpose, "cached" if answer.cached else "ok").inc()
        return answer

    def _admitted(self, task: PriorityTask, *, wish: bool | None, needed: bool) -> tuple[TextModel, str]:
        """Who may be asked about this task."""
        if not needed:
            raise Skipped("not_needed")
        if not self._settings.use_ai or wish is False:
            raise Skipped("disabled")
        try:
            model, name = self._models.choose(None, None)
        except InvalidPrompt:  # models without a default
            raise Skipped("no_model") from None
        if model.name == NO_JUDGE:
            raise Skipped("no_model")
        if sensitive_reason(task) is not None:
            raise Skipped("sensitive_content")
        return model, name

    async def _recall_or_ask[Value](
        self, question: Question[Value], model: TextModel, name: str
    ) -> Answer[Value]:
        """An answer that is kept, or else the model's; both within the budget."""
        deadline = asyncio.get_running_loop().time() + self._settings.ai_budget
        turns = (Turn("user", question.text),)
        spec = TextSpec(turns, name, system=SYSTEM, temperature=0, max_tokens=MAX_TOKENS)
        key = f"{question.purpose}-{_digest(model, spec)}"
        if (known := await self._recall(key, question, deadline)) is not None:
            return Answer(known, model.name, name, cached=True)
        said = await self._ask(model, spec, deadline)
        try:
            value = question.read(said)
        except InvalidAnswer as error:
            log.warning("Answer of %s about %s not used: %s", model.name, question.purpose, error)
            raise Skipped("invalid_output") from None
        await self._keep(key, value, deadline)
        return Answer(value, model.name, name)

    async def _ask(self, model: TextModel, spec: TextSpec, deadline: float) -> str:
        """What the model says, with every way to fail made one word."""
        attributes = asking_a_model("chat", model.name, spec.model)
        try:
            with (
                self._breaker.guard(),
                span("ask_model", current(), kind="client", attributes=attributes),
            ):
                async with asyncio.timeout_at(deadline):
                    return await _listen(model, spec)
        except BreakerOpen:
            raise Skipped("breaker_open") from None
        except TimeoutError:
            raise Skipped("timeout") from None
        except GenerationError as error:
            log.warning("%s did not answer about a task: %s", model.name, error)
            raise Skipped("provider_error") from None

    async def _recall[Value](self, key: str, question: Question[Value], deadline: float) -> Value | None:
        """What was answered before; what cannot be read any more is as good as missing."""
        try:
            async with asyncio.timeout_at(deadline):
                kept = await self._documents.get("suggestions", key)
            return None if kept is None else question.read(kept.decode(errors="replace"))
        except InvalidAnswer:
            return None
        except TimeoutError:
            raise Skipped("timeout") from None

    async def _keep(self, key: str, value: object, deadline: float) -> None:
        """Keep an answer, in the time that is left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self._documents.put("suggestions", key, pydantic_core.to_json(value))


class RuleAdviser:
    """The twin without a model: everything is left to the rules."""

    async def guess(self, task: PriorityTask, wanted: tuple[str, ...], *, wish: bool | None = None) -> Guess:  # noqa: ARG002 - the port's
        return Guess(skipped="disabled" if wanted else "not_needed")

    async def advise(
        self,
        task: PriorityTask,  # noqa: ARG002 - the port's
        level: UrgencyLevel,  # noqa: ARG002 - the port's
        rules: tuple[str, ...],
        *,
        wish: bool | None = None,  # noqa: ARG002 - the port's
    ) -> Advice:
        return Advice(rules, skipped="disabled")


async def _listen(model: TextModel, spec: TextSpec) -> str:
    """The whole answer, or as much as is read of it; leaving ends the provider's call.

    Raises:
        GenerationError: the model failed, or `StreamCut`.
    """
    said = b""
    async with contextlib.aclosing(model.stream(spec)) as pieces:
        async for piece in pieces:
            said += piece.text.encode(errors="replace")
            if piece.finish_reason is not None or len(said) >= MAX_BYTES:
                return said[:MAX_BYTES].decode(errors="replace")
    raise StreamCut("the provider ended without a reason")


def _is_outage(error: Exception) -> bool:
    """Whether the provider failed. That it withholds a text is up to the task, and anybody may send one."""
    return isinstance(error, TimeoutError | GenerationError) and not isinstance(error, ContentBlocked)


def _digest(model: TextModel, spec: TextSpec) -> str:
    """Names an answer: who was asked, and everything that was sent."""
    return hashlib.sha256(pydantic_core.to_json([model.name, spec])).hexdigest()
