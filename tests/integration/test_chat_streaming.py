"""Chat over two gateways and two workers: every listener hears every chunk of its session, once, in order.

The offline provider answers. What it says follows from the conversation, so the whole text is known before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.pods import Chat, chat_running, coach
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CAT, DOG = "a caption for my cat", "a caption for my dog on a standup call"
LONG = "!long a caption for my cat"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chat]:
    """Two tries are enough to see that there are several."""
    async with chat_running(tmp_path_factory.mktemp("chat"), worker={"CHAT_MAX_ATTEMPTS": "2"}) as chat:
        yield chat


@pytest_asyncio.fixture(loop_scope="module")
async def chat(running: Chat) -> AsyncIterator[Chat]:
    yield running
    await running.mend()


async def test_a_message_to_one_pod_streams_to_clients_of_all(chat: Chat) -> None:
    """Three connections, two pods: the same chunks under the same ids."""
    session = chat.new_session()
    listeners = [await chat.listen(session, pod=pod) for pod in (1, 1, 2)]

    message = await chat.say(session, CAT, pod=2, correlation_id="corr-1")
    for listener in listeners:
        await listener.complete(message)

    first, second, third = listeners
    assert first.faults() == second.faults() == third.faults() == []
    assert first.told() == second.told() == third.told()
    answer = first.answer(message)
    assert answer.text == await coach(CAT)
    assert answer.end == ("stop", None)
    assert {chunk["correlation_id"] for chunk in answer.chunks} == {"corr-1"}


async def test_a_hundred_sessions_at_once(chat: Chat) -> None:
    """Each over its own pod, each question over the other: nobody hears a chunk too many or too few."""
    sessions = [chat.new_session() for _ in range(100)]
    pods = [1 + number % 2 for number in range(100)]
    listeners = await asyncio.gather(*map(chat.listen, sessions, pods))
    questions = [f"{CAT} number {number}" for number in range(100)]

    messages = await asyncio.gather(
        *(chat.say(*each) for each in zip(sessions, questions, reversed(pods), strict=True))
    )
    for listener, message in zip(listeners, messages, strict=True):
        await listener.complete(message, timeout=40)

    stored = await chat.all_stored("chat.stream.*.*")
    for listener, message, question in zip(listeners, messages, questions, strict=True):
        assert listener.faults() == []
        assert listener.answers.keys() == {message}
        assert listener.answer(message).chunks == stored[listener.session_id][message]
        assert listener.answer(message).text == await coach(question)


async def test_nobody_has_to_be_there(chat: Chat) -> None:
    """An answer that nobody heard is told whole to who connects afterwards."""
    session = chat.new_session()
    message = await chat.say(session, CAT)
    await wait_until(lambda: chat.is_final(session, message), "the answer to be stored")

    listener = await chat.listen(session, pod=2)
    await listener.complete(message)

    assert listener.faults() == []
    assert listener.answer(message).text == await coach(CAT)
    assert await chat.workers.metric("chat_workflow_broadcasts_total", reason="nobody_connected") > 0


async def test_who_comes_in_the_middle_hears_all_of_it(chat: Chat) -> None:
    """What was said before from the stream, the rest as it is said."""
    session = chat.new_session()
    early = await chat.listen(session, pod=1)
    message = await chat.say(session, LONG, context={"max_tokens": 100})
    await early.heard(message, 20)

    late = [await chat.listen(session, pod=pod) for pod in (1, 2)]
    for listener in (early, *late):
        await listener.complete(message)

    assert [listener.faults() for listener in (early, *late)] == [[], [], []]
    assert early.told() == late[0].told() == late[1].told()
    assert early.answer(message).end == ("length", None)


async def test_a_client_may_move_between_pods_at_any_chunk(chat: Chat) -> None:
    """Hung up and back elsewhere, five times in one answer; a disconnect cancels nothing."""
    session = chat.new_session()
    listener = await chat.listen(session, pod=1)
    message = await chat.say(session, LONG, context={"max_tokens": 120})

    for move in range(1, 6):
        await listener.heard(message, 15 * move)
        await listener.leave()
        await listener.come_back(chat.pods.ports[1 + move % 2])
    await listener.complete(message)

    assert listener.faults() == []
    assert listener.answer(message).text == await coach(LONG, max_tokens=120)
    resumed = [event.data["resumed"] for event in listener.events if event.name == "connected"]
    assert resumed == [False, True, True, True, True, True]


async def test_a_stop_reaches_the_worker_over_any_pod(chat: Chat) -> None:
    """What was said stays; the final chunk says that it was stopped."""
    session = chat.new_session()
    listener = await chat.listen(session, pod=1)
    message = await chat.say(session, LONG, pod=1)
    await listener.heard(message, 5)

    stopping = await chat.stop(message, pod=2)
    await listener.complete(message)

    assert (stopping.status_code, stopping.json()["status"]) == (202, "cancelling")
    assert listener.faults() == []
    answer = listener.answer(message)
    assert (answer.final["chunk_type"], answer.end) == ("system", ("cancelled", None))
    assert (await coach(LONG)).startswith(answer.text)
    assert answer.text != await coach(LONG)


async def test_a_waiting_message_can_be_stopped_too(chat: Chat) -> None:
    """It waits for its turn behind an answer that never ends, and is never begun."""
    session = chat.new_session()
    listener = await chat.listen(session)
    endless = await chat.say(session, f"!stall {CAT}")
    await listener.heard(endless, 3)
    waiting = await chat.say(session, DOG)

    await chat.stop(waiting, pod=2)
    await chat.stop(endless, pod=2)
    await listener.complete(endless, waiting)

    assert listener.faults() == []
    assert listener.answer(endless).end == listener.answer(waiting).end == ("cancelled", None)
    assert [chunk["chunk"] for chunk in listener.answer(waiting).chunks] == [""]


async def test_two_messages_of_a_session_are_answered_one_after_the_other(chat: Chat) -> None:
    """Whichever comes first, the other answer builds on it: the coach's words follow from what was said."""
    session = chat.new_session()
    listener = await chat.listen(session)

    messages = await asyncio.gather(chat.say(session, CAT, pod=1), chat.say(session, DOG, pod=2))
    await listener.complete(*messages)

    assert listener.faults() == []
    questions = dict(zip(messages, (CAT, DOG), strict=True))
    first, second = listener.answers
    of_message = [event.data["message_id"] for event in listener.events if event.name == "chunk"]
    assert of_message == sorted(of_message, key=[first, second].index)
    assert listener.answer(first).text == await coach(questions[first])
    before = [(questions[first], listener.answer(first).text)]
    assert listener.answer(second).text == await coach(questions[second], after=before)


async def test_the_same_message_twice_is_answered_once(chat: Chat) -> None:
    """Sent to both pods at one time; used for something else, its id is refused by either."""
    session = chat.new_session()
    listener = await chat.listen(session)

    twice = await asyncio.gather(*(chat.post(session, CAT, pod, message_id="m-twice") for pod in (1, 2)))
    await listener.complete("m-twice")
    others = [await chat.post(session, DOG, pod, message_id="m-twice") for pod in (1, 2)]
    again = await chat.post(session, CAT, message_id="m-twice")
    after = await chat.say(session, DOG)
    await listener.complete(after)

    assert [response.status_code for response in (*twice, again)] == [202, 202, 202]
    assert [response.status_code for response in others] == [409, 409]
    assert listener.faults() == []
    assert listener.answers.keys() == {"m-twice", after}
    assert listener.answer("m-twice").text == await coach(CAT)


@pytest.mark.parametrize(
    ("word", "code", "spoken"),
    [("!error", "model_unavailable", 0), ("!cut", "truncated", 3)],
)
async def test_a_failure_is_the_end_of_an_answer(chat: Chat, word: str, code: str, spoken: int) -> None:
    """What was said stays, and one final chunk says why there is no more."""
    session, question = chat.new_session(), f"{word} {CAT}"
    listener = await chat.listen(session)

    message = await chat.say(session, question)
    await listener.complete(message)

    assert listener.faults() == []
    answer = listener.answer(message)
    assert (answer.final["chunk_type"], answer.end) == ("error", ("error", code))
    assert len(answer.chunks) == spoken + 1


async def test_a_failure_that_may_pass_is_tried_again_before_it_is_one(chat: Chat) -> None:
    """After all tries: an error for the client, a dead letter for who runs the platform."""
    sessions = [chat.new_session(), chat.new_session()]
    retried = await chat.workers.metric("chat_workflow_retries_total")
    listeners = await asyncio.gather(*map(chat.listen, sessions))

    messages = await asyncio.gather(*map(chat.say, sessions, (f"!retry {CAT}", f"!limit {CAT}")))
    for listener, message in zip(listeners, messages, strict=True):
        await listener.complete(message)

    for listener, message in zip(listeners, messages, strict=True):
        assert listener.faults() == []
        assert listener.answer(message).end == ("error", "dead_lettered")
        assert len(listener.answer(message).chunks) == 1
    letters = await wait_until(lambda: chat.dead_letters_of(*messages), "the dead letters")
    assert [(letter.headers or {})["Mb-Reason"] for letter in letters] == ["too_many_attempts"] * 2
    # a Core copy that comes second and fails leaves giving up to the JetStream copy: one more each
    assert retried + 2 <= await chat.workers.metric("chat_workflow_retries_total") <= retried + 4
