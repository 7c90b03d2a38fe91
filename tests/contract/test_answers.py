"""The arbiter in a real stream and in memory: the first answer of a request is the only one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from nats.aio.msg import Msg

from memebattle.bus.answers import JetStreamAnswers, MemoryAnswers
from memebattle.bus.idempotency import Answer, AnswerKind, Answers
from tests.contract.conftest import Bus
from tests.waiting import wait_until

STREAM = "MEME_RESULTS"


@pytest.fixture
def real(bus: Bus) -> JetStreamAnswers:
    return JetStreamAnswers(bus.publisher, bus.js, STREAM)


@pytest.fixture(params=["memory", "jetstream"])
def answers(request: pytest.FixtureRequest) -> Answers:
    return MemoryAnswers() if request.param == "memory" else request.getfixturevalue("real")


def an_answer(body: bytes = b'{"n":1}', kind: AnswerKind = "response", request_id: str = "r1") -> Answer:
    return Answer(request_id, kind, body, "digest-" + request_id)


async def test_an_answer_that_is_not_there_is_not_found(answers: Answers) -> None:
    assert await answers.lookup("nobody-asked") is None


async def test_the_first_answer_is_stored_as_it_is(answers: Answers) -> None:
    assert await answers.publish(an_answer()) is None

    assert await answers.lookup("r1") == Answer("r1", "response", b'{"n":1}', "digest-r1")


async def test_the_second_hears_the_first(answers: Answers) -> None:
    await answers.publish(an_answer(b"first"))

    assert await answers.publish(an_answer(b"second")) == an_answer(b"first")
    assert await answers.lookup("r1") == an_answer(b"first")


async def test_repeating_the_very_same_answer_is_a_repetition(answers: Answers) -> None:
    answer = an_answer()
    await answers.publish(answer)

    assert await answers.publish(answer) == answer


async def test_an_error_and_a_response_exclude_each_other(answers: Answers) -> None:
    await answers.publish(an_answer(b"sorry", "error"))

    assert await answers.publish(an_answer(b"picture")) == an_answer(b"sorry", "error")
    assert await answers.lookup("r1") == an_answer(b"sorry", "error")


async def test_requests_do_not_disturb_each_other(answers: Answers) -> None:
    await answers.publish(an_answer(request_id="r1"))

    assert await answers.publish(an_answer(request_id="r2")) is None


async def test_of_twenty_racing_publishers_one_wins(answers: Answers) -> None:
    candidates = [an_answer(str(n).encode(), "error" if n % 2 else "response") for n in range(20)]
    found = await asyncio.gather(*(answers.publish(candidate) for candidate in candidates))

    winners = [candidate for candidate, existing in zip(candidates, found, strict=True) if existing is None]
    assert len(winners) == 1
    assert [existing for existing in found if existing is not None] == winners * 19
    assert await answers.lookup("r1") == winners[0]


async def test_the_limit_is_the_server_s(real: JetStreamAnswers) -> None:
    assert real.max_payload == 1024 * 1024


async def heard_on(bus: Bus, subject: str) -> list[Msg]:
    heard: list[Msg] = []

    async def listen(message: Msg) -> None:
        heard.append(message)

    await bus.client.subscribe(subject, cb=listen)
    return heard


async def settled(bus: Bus, heard: list[Msg]) -> None:
    """Something was heard, and everything else the server had sent until then."""
    await wait_until(lambda: heard, "an answer on the air")
    await bus.client.flush()


async def test_racing_answers_are_heard_exactly_once(bus: Bus, real: JetStreamAnswers) -> None:
    """The stream republishes what it stored, and nothing else."""
    heard = await heard_on(bus, "meme.response")
    raced = [an_answer(str(n).encode()) for n in range(20)]
    found = await asyncio.gather(*(real.publish(each) for each in raced))
    await settled(bus, heard)

    assert [message.data for message in heard] == [raced[found.index(None)].body]


async def test_errors_are_heard_on_a_subject_of_their_own(bus: Bus, real: JetStreamAnswers) -> None:
    responses, errors = await heard_on(bus, "meme.response"), await heard_on(bus, "meme.response.error")
    await real.publish(an_answer(b"sorry", "error"))
    await settled(bus, errors)

    assert (len(responses), [message.data for message in errors]) == (0, [b"sorry"])


async def test_a_message_that_is_no_answer_does_not_take_its_place(bus: Bus, real: JetStreamAnswers) -> None:
    """Somebody published to the answer's subject without being a worker."""
    await bus.client.jetstream().publish("answers.meme.r1.response", b"squatter")

    assert await real.lookup("r1") is None
    assert await real.publish(an_answer(b"the answer")) is None
    assert await real.lookup("r1") == an_answer(b"the answer")
    assert await real.publish(an_answer(b"another")) == an_answer(b"the answer")


async def test_a_message_that_is_no_answer_does_not_hide_one(bus: Bus, real: JetStreamAnswers) -> None:
    """It lies on top of the answer; a second one stored on top of it would be heard."""
    js = bus.client.jetstream()
    await js.publish("answers.meme.r1.response", b"squatter")
    await real.publish(an_answer(b"the answer"))
    for _ in range(3):
        await js.publish("answers.meme.r1.response.error", b"squatter")

    assert await real.lookup("r1") == an_answer(b"the answer")
    assert await real.publish(an_answer(b"another")) == an_answer(b"the answer")
    info = await js.stream_info(STREAM, subjects_filter="answers.meme.r1.>")
    assert sum((info.state.subjects or {}).values()) == 5


async def test_an_answer_carries_the_request_s_trace(bus: Bus, real: JetStreamAnswers) -> None:
    trace = {"traceparent": "00-" + "4b" * 16 + "-" + "00f0" * 4 + "-01", "correlation_id": "corr-1"}
    await real.publish(replace(an_answer(), trace=trace))
    stored = await bus.js().get_last_msg(STREAM, "answers.meme.r1.response")

    assert {name: (stored.headers or {}).get(name) for name in trace} == trace


async def test_an_answer_says_what_it_is_in_its_headers(bus: Bus, real: JetStreamAnswers) -> None:
    await real.publish(an_answer())
    stored = await bus.js().get_last_msg(STREAM, "answers.meme.r1.response")

    headers = stored.headers or {}
    assert (headers["Mb-Kind"], headers["Mb-Digest"], headers["content-type"]) == (
        "response",
        "digest-r1",
        "application/json",
    )
