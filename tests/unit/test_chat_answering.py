"""What the model says and what becomes of it: every end an answer can have, and what it builds on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from memebattle.bus.outcome import Busy, Rejected, Retryable
from memebattle.chat.messages import read_chunks
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
from memebattle.generation.text import StreamCut, Turn
from memebattle.kit.claims import Won
from memebattle.kit.metrics import Metrics
from memebattle.store.history import MemoryHistory
from tests.office import CORE, LEASE, Forgetful, Office, OfficeOf, ended
from tests.talkers import HELLO, LENGTH, STOP


@pytest.fixture
def office(metrics: Metrics) -> Office:
    return Office(metrics)


@pytest.fixture
def office_of(metrics: Metrics) -> OfficeOf:
    """An office whose model has these scripts."""
    return lambda *scripts, **env: Office(metrics, *scripts, **env)


# --- the ends


async def test_the_model_comes_to_its_end(office: Office) -> None:
    await office.ask()

    assert [(chunk.chunk_id, chunk.chunk, chunk.chunk_type) for chunk in office.chunks()] == [
        (0, "Hello", "content"),
        (1, " there", "content"),
        (2, "", "metadata"),
    ]
    assert office.end() == ended("metadata", "stop")
    assert json.loads(office.chunks()[0].body())["metadata"] == {"model": "toy-1", "provider": "toy"}
    assert json.loads(office.chunks()[2].body())["metadata"] == {
        "model": "toy-1-2026",
        "provider": "toy",
        "tokens_used": 2,
        "prompt_tokens": 9,
        "finish_reason": "stop",
    }
    assert office.told() == office.chunks()
    assert office.model.left == 1


async def test_the_answer_is_too_long(office_of: OfficeOf) -> None:
    office = office_of(("Hello", LENGTH))
    await office.ask()

    assert office.end() == ended("metadata", "length")


async def test_a_model_may_have_nothing_to_say(office_of: OfficeOf) -> None:
    office = office_of((STOP,))
    await office.ask()

    assert (office.end(), office.text()) == (ended("metadata", "stop"), "")


FAILURES: list[tuple[GenerationError, str, str]] = [
    (InvalidPrompt("too hot"), "invalid_request", "invalid"),
    (ContentBlocked("withheld"), "nsfw", "provider"),
    (ProviderAuthError("no key"), "provider_auth", "provider"),
    (ProviderQuotaError("no credit"), "provider_quota", "provider"),
    (ModelUnavailable("gone"), "model_unavailable", "provider"),
]
PASSING: list[tuple[GenerationError, str, str]] = [
    (ProviderRateLimited("too many", retry_after=7), "rate_limited", "rate_limited"),
    (ProviderUnavailable("overloaded"), "provider_unavailable", "provider"),
    (ProviderTimeout("too slow"), "timeout", "timeout"),
    (StreamCut("cut off"), "truncated", "provider"),
]


def code_of(case: tuple[GenerationError, str, str]) -> str:
    return case[1]


@pytest.mark.parametrize("case", FAILURES, ids=code_of)
async def test_a_failure_for_good_before_the_first_chunk_is_an_error(
    office_of: OfficeOf, case: tuple[GenerationError, str, str]
) -> None:
    failure, code, kind = case
    office = office_of((failure,))
    await office.ask()

    assert office.end() == ended("error", "error", code, str(failure))
    assert office.count("errors_total", source="jetstream", kind=kind) == 1
    assert len(office.chunks()) == 1


@pytest.mark.parametrize("case", PASSING, ids=code_of)
async def test_a_passing_failure_before_the_first_chunk_is_tried_again(
    office_of: OfficeOf, case: tuple[GenerationError, str, str]
) -> None:
    failure, _, kind = case
    office = office_of((failure,), HELLO)
    with pytest.raises(Retryable) as retry:
        await office.ask()

    assert retry.value.kind == kind
    assert retry.value.after >= (failure.retry_after or 0)
    assert (office.log.frames, office.wire.published) == ([], [])
    assert office.count("errors_total", source="jetstream", kind=kind) == 1

    await office.ask()

    assert (office.end(), office.text()) == (ended("metadata", "stop"), "Hello there")


@pytest.mark.parametrize("case", FAILURES + PASSING, ids=code_of)
async def test_a_failure_after_the_first_chunk_ends_the_answer_where_it_is(
    office_of: OfficeOf, case: tuple[GenerationError, str, str]
) -> None:
    """A second attempt would say something else."""
    failure, code, kind = case
    office = office_of(("Hello", failure))
    await office.ask()

    assert office.end() == ended("error", "error", code, str(failure))
    assert office.text() == "Hello"
    assert office.count("errors_total", source="jetstream", kind=kind) == 1


async def test_a_stream_that_ends_without_saying_so_was_cut(office_of: OfficeOf) -> None:
    office = office_of(("Hello",))
    await office.ask()

    assert office.end() == ended("error", "error", "truncated", "the provider ended without a reason")


async def test_an_error_is_told_in_at_most_500_characters(office_of: OfficeOf) -> None:
    office = office_of((ModelUnavailable("x" * 10_000),))
    await office.ask()

    assert len(office.end()["detail"]) == 500


async def test_four_failed_tries_are_enough(office_of: OfficeOf) -> None:
    """Somebody is waiting. The dead letter is the delivery's business."""
    office = office_of((ProviderUnavailable("overloaded"),))
    for _ in range(3):
        with pytest.raises(Retryable):
            await office.ask()
    assert office.log.frames == []

    with pytest.raises(Rejected) as rejected:
        await office.ask()

    assert rejected.value.reason == "too_many_attempts"
    assert office.end() == ended("error", "error", "dead_lettered", "gave up after 4 tries: overloaded")
    assert (len(office.model.specs), office.count("errors_total", source="jetstream", kind="provider")) == (
        4,
        4,
    )
    assert office.count("answers_total", provider="toy", finish_reason="error") == 1

    await office.refuse(b'{"session_id":"s1","message_id":"m1"}', "too_many_attempts")
    await office.ask()

    assert len(office.chunks()) == 1


async def test_how_many_tries_are_enough_can_be_set(office_of: OfficeOf) -> None:
    office = office_of((ProviderUnavailable("overloaded"),), CHAT_MAX_ATTEMPTS="1")

    with pytest.raises(Rejected, match="gave up after 1 tries"):
        await office.ask()


async def test_the_core_path_leaves_giving_up_to_the_durable_one(office_of: OfficeOf) -> None:
    office = office_of((ProviderUnavailable("overloaded"),), CHAT_MAX_ATTEMPTS="1")
    with pytest.raises(Retryable):
        await office.ask(CORE)
    with pytest.raises(Busy):
        await office.ask(CORE)

    assert office.log.frames == []


async def test_workers_that_die_are_counted_too(office: Office) -> None:
    """A message that kills its workers must not kill all of them."""
    for _ in range(4):
        assert isinstance(await office.claims.claim("m1", LEASE), Won)
        office.clock.now += LEASE + 1

    with pytest.raises(Rejected, match="gave up after 4 tries: its workers died"):
        await office.ask()

    assert office.end()["code"] == "dead_lettered"
    assert office.model.specs == []


async def test_giving_up_an_answer_that_had_begun_ends_it_where_it_is(office_of: OfficeOf) -> None:
    office = office_of(("Hello", LookupError("a defect of ours")))
    for _ in range(4):
        with pytest.raises(LookupError):
            await office.ask()

    with pytest.raises(Rejected):
        await office.ask()

    assert office.end()["code"] == "dead_lettered"
    assert office.text() == "Hello" * 4


@pytest.mark.parametrize(
    ("context", "detail"),
    [
        ({"ai_provider": "openai"}, "`ai_provider` 'openai' is not configured here"),
        ({"model": "gpt-4"}, "`model` 'gpt-4' is not to be had from custom"),
    ],
)
async def test_a_provider_or_model_that_is_not_allowed(
    office: Office, context: dict[str, Any], detail: str
) -> None:
    await office.ask(context=context)

    assert office.end()["code"] == "invalid_request"
    assert office.end()["detail"].startswith(detail)
    assert office.model.specs == []
    assert office.count("answers_total", provider="none", finish_reason="error") == 1


# --- what the model is told


async def test_the_model_is_asked_what_the_message_asks(office: Office) -> None:
    await office.ask(
        context={"model": "toy-2", "temperature": 0.5, "max_tokens": 7, "system_prompt": "Be brief."}
    )

    (spec,) = office.model.specs
    assert spec.turns == (Turn("user", "How are you?"),)
    assert (spec.model, spec.temperature, spec.max_tokens) == ("toy-2", 0.5, 7)
    assert (spec.system, spec.said) == ("Be brief.", "")


async def test_the_conversation_so_far_goes_along(office: Office) -> None:
    await office.ask(message_id="m1", message="How are you?")
    await office.ask(message_id="m2", message="And now?")
    await office.ask(message_id="m3", session_id="s2", message="Who are you?")

    assert [spec.turns for spec in office.model.specs] == [
        (Turn("user", "How are you?"),),
        (Turn("user", "How are you?"), Turn("assistant", "Hello there"), Turn("user", "And now?")),
        (Turn("user", "Who are you?"),),
    ]


async def test_what_the_message_brings_along_wins_over_what_is_remembered(office: Office) -> None:
    await office.ask(message_id="m1")
    history = [{"role": "system", "content": "You are a cat."}, {"role": "user", "content": "Hi"}]
    await office.ask(message_id="m2", message="And now?", context={"conversation_history": history})
    await office.ask(message_id="m3", message="Alone?", context={"conversation_history": []})

    assert [spec.turns for spec in office.model.specs[1:]] == [
        (Turn("system", "You are a cat."), Turn("user", "Hi"), Turn("user", "And now?")),
        (Turn("user", "Alone?"),),
    ]
    assert await office.history.recall("s1", "") == [
        ("How are you?", "Hello there"),
        ("And now?", "Hello there"),
        ("Alone?", "Hello there"),
    ]


async def test_a_memory_that_is_away_is_an_empty_one(office: Office) -> None:
    office.history = Forgetful()
    office.chat = office.worker()
    await office.ask()

    assert office.model.specs[0].turns == (Turn("user", "How are you?"),)
    assert office.end() == ended("metadata", "stop")


async def test_what_was_said_before_an_error_is_remembered(office_of: OfficeOf) -> None:
    office = office_of(("Hello", ProviderTimeout("too slow")), HELLO)
    await office.ask(message_id="m1")
    await office.ask(message_id="m2", message="Go on.")

    assert office.model.specs[1].turns == (
        Turn("user", "How are you?"),
        Turn("assistant", "Hello"),
        Turn("user", "Go on."),
    )


async def test_a_question_without_an_answer_is_no_part_of_the_conversation(office_of: OfficeOf) -> None:
    """Mistral refuses a turn without text, and many templates two questions in a row."""
    office = office_of((ModelUnavailable("gone"),), HELLO)
    await office.ask(message_id="m1")
    await office.ask(message_id="m2", message="Again?")

    assert office.model.specs[1].turns == (Turn("user", "Again?"),)


async def test_the_exchange_is_remembered_before_the_answer_ends(office: Office) -> None:
    """Who asks again because the answer is complete must find it there."""
    remembered: list[int] = []

    class Watched(MemoryHistory):
        async def remember(self, session_id: str, message_id: str, user: str, assistant: str) -> None:
            remembered.append(len(office.log.frames))
            await super().remember(session_id, message_id, user, assistant)

    office.history = Watched(10, 3600)
    office.chat = office.worker()
    await office.ask()

    assert (remembered, len(office.log.frames)) == ([2], 3)


# --- batching


async def test_unbatched_every_piece_is_a_frame_of_its_own(office_of: OfficeOf) -> None:
    """Also the last one, which may have text: a reader that knows no batches must not meet one."""
    office = office_of(("Hello", replace(STOP, text=" there")))
    await office.ask()

    assert all("chunks" not in json.loads(frame.body) for frame in office.log.frames)
    assert [(chunk.chunk, chunk.is_final) for chunk in office.chunks()] == [
        ("Hello", False),
        (" there", False),
        ("", True),
    ]


async def test_batched_the_end_goes_out_with_the_last_text(office_of: OfficeOf) -> None:
    """B67: flushed on `is_final`, whatever the time."""
    office = office_of(("a", "b", "c", STOP), CHAT_BATCH_MS="1000", CHAT_BATCH_MAX="100")
    await office.ask()

    (frame,) = office.log.frames
    assert [chunk.chunk for chunk in read_chunks(frame.body)] == ["a", "b", "c", ""]
    assert set(json.loads(frame.body)) == {"session_id", "chunks"}
    assert (frame.final, office.end()) == (True, ended("metadata", "stop"))


async def test_batches_are_full_at_their_limit(office_of: OfficeOf) -> None:
    office = office_of(("a", "b", "c", "d", STOP), CHAT_BATCH_MS="1000", CHAT_BATCH_MAX="2")
    await office.ask()

    assert [len(read_chunks(frame.body)) for frame in office.log.frames] == [2, 2, 1]
