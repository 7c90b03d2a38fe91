"""Asking for memes from inside, over a real stream and in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest
from nats.aio.msg import Msg

from memebattle.bus.answers import JetStreamAnswers, MemoryAnswers
from memebattle.bus.idempotency import Answer, Answers
from memebattle.bus.refusals import QueueFull
from memebattle.bus.requests import JetStreamRequests, MemoryRequests
from tests.contract.conftest import Bus
from tests.waiting import wait_until

type Requests = JetStreamRequests | MemoryRequests


@dataclass(frozen=True, slots=True)
class Desk:
    """Requests, and the answers that workers give."""

    requests: Requests
    answers: Answers


@pytest.fixture
async def real_desk(bus: Bus) -> Desk:
    config = (await bus.js().stream_info("MEMES")).config
    await bus.js().update_stream(replace(config, max_msgs=2))
    answers = JetStreamAnswers(bus.publisher, bus.js, "MEME_RESULTS")
    requests = JetStreamRequests(bus.publisher, lambda: bus.client, answers, "meme.request", "MEMES")
    return Desk(requests, answers)


@pytest.fixture(params=["memory", "jetstream"])
def desk(request: pytest.FixtureRequest) -> Desk:
    if request.param == "memory":
        answers = MemoryAnswers()
        return Desk(MemoryRequests(answers, limit=2), answers)
    return request.getfixturevalue("real_desk")


AN_ANSWER = Answer("r1", "response", b"{}", "digest")


async def test_an_answer_that_comes_while_waiting_is_returned(desk: Desk) -> None:
    async with desk.requests.answered("r1") as wait:
        await desk.requests.submit("r1", b'{"prompt":"cat"}')
        waiting = asyncio.create_task(wait(30))
        await desk.answers.publish(AN_ANSWER)

        assert await asyncio.wait_for(waiting, 5) == AN_ANSWER


async def test_an_answer_that_was_there_already_is_returned_at_once(desk: Desk) -> None:
    await desk.answers.publish(AN_ANSWER)

    async with desk.requests.answered("r1") as wait, asyncio.timeout(5):
        assert await wait(30) == AN_ANSWER


async def test_a_request_is_stored_under_its_id_with_its_trace(bus: Bus, real_desk: Desk) -> None:
    await real_desk.requests.submit("r1", b"{}", "00-trace")
    await real_desk.requests.submit("r2", b"{}")
    headers = [(await bus.js().get_msg("MEMES", seq)).headers or {} for seq in (1, 2)]

    assert [(each["Nats-Msg-Id"], each.get("traceparent")) for each in headers] == [
        ("r1", "00-trace"),
        ("r2", None),
    ]


async def test_patience_ends_without_an_answer(desk: Desk) -> None:
    async with desk.requests.answered("r1") as wait:
        await desk.requests.submit("r1", b'{"prompt":"cat"}')

        assert await wait(0.02) is None


async def test_somebody_else_s_answer_is_not_ours(desk: Desk) -> None:
    async with desk.requests.answered("r2") as wait:
        await desk.answers.publish(AN_ANSWER)

        assert await wait(0.02) is None


async def test_a_full_queue_refuses_instead_of_dropping(desk: Desk) -> None:
    await desk.requests.submit("r1", b'{"prompt":"one"}')
    await desk.requests.submit("r2", b'{"prompt":"two"}')

    with pytest.raises(QueueFull):
        await desk.requests.submit("r3", b'{"prompt":"three"}')


async def test_submitting_the_same_id_again_is_no_second_request(desk: Desk) -> None:
    for _ in range(3):
        await desk.requests.submit("r1", b'{"prompt":"one"}')
    await desk.requests.submit("r2", b'{"prompt":"two"}')
    await desk.requests.submit("r2", b'{"prompt":"two"}')


async def test_a_submitted_request_is_stored_as_it_is(bus: Bus, real_desk: Desk) -> None:
    await real_desk.requests.submit("r1", b'{"prompt":"cat"}')
    stored = await bus.js().get_last_msg("MEMES", "meme.request")

    assert (stored.data, (stored.headers or {})["Nats-Msg-Id"]) == (b'{"prompt":"cat"}', "r1")


async def test_cancelling_is_told_to_every_worker(bus: Bus, real_desk: Desk) -> None:
    heard: list[str] = []

    async def listen(message: Msg) -> None:
        heard.append(message.subject)

    await bus.client.subscribe("meme.cancel.*", cb=listen)
    await real_desk.requests.cancel("r1")
    await wait_until(lambda: heard, "the cancellation")

    assert heard == ["meme.cancel.r1"]


async def test_memory_keeps_what_was_asked() -> None:
    requests = MemoryRequests(MemoryAnswers())
    await requests.submit("r1", b"body")
    await requests.cancel("r1")

    assert (requests.submitted, requests.cancelled) == ({"r1": b"body"}, ["r1"])


async def test_listening_ends_with_the_block(bus: Bus, real_desk: Desk) -> None:
    before = set(bus.client._subs)
    async with real_desk.requests.answered("r1"):
        assert len(bus.client._subs) == len(before) + 1

    assert set(bus.client._subs) == before
