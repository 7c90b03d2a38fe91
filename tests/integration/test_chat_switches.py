"""The two switches of a worker that change what travels: batches, and the emergency broadcast."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.pods import Chat, chat_running, coach

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "!long a caption for my cat"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chat(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chat]:
    """Both at once: they have nothing to do with each other."""
    worker = {"CHAT_BATCH_MS": "50", "CHAT_FORCE_BROADCAST": "true"}
    async with chat_running(tmp_path_factory.mktemp("chat"), workers=1, worker=worker) as chat:
        yield chat


async def test_batches_are_fewer_messages_and_the_same_chunks(chat: Chat) -> None:
    """100 tokens of 10 ms each come in batches of about five; the last one brings the end along."""
    session = chat.new_session()
    listeners = [await chat.listen(session, pod=pod) for pod in (1, 2)]

    message = await chat.say(session, QUESTION, context={"max_tokens": 100})
    for listener in listeners:
        await listener.complete(message)

    assert [listener.faults() for listener in listeners] == [[], []]
    assert listeners[0].told() == listeners[1].told()
    answer = listeners[0].answer(message)
    assert (len(answer.chunks), answer.end) == (101, ("length", None))
    assert answer.text == await coach(QUESTION, max_tokens=100)
    assert (await chat.stored(session))[message] == answer.chunks
    assert len(await chat.frames(f"chat.stream.{session}.*")) < 60


async def test_a_client_may_come_back_in_the_middle_of_a_batch(chat: Chat) -> None:
    """An event id names a chunk, not a message: the rest of the batch follows, and nothing twice."""
    session = chat.new_session()
    listener = await chat.listen(session, pod=1)
    message = await chat.say(session, QUESTION, context={"max_tokens": 30})
    await listener.complete(message)
    ids = [event.id for event in listener.events if event.id is not None]

    for seen, event_id in enumerate(ids, start=1):
        late = await chat.listen(session, pod=2, last_id=event_id)
        if event_id != ids[-1]:
            await late.complete(message)
        assert [one.id for one in late.events if one.id is not None] == ids[seen:]


async def test_everything_can_be_broadcast(chat: Chat) -> None:
    """Nobody asks the registry; every stored message goes to all pods, and comes out exact."""
    before = await chat.workers.metric("chat_workflow_broadcasts_total", reason="forced")
    sessions = [chat.new_session() for _ in range(4)]
    listeners = [
        await chat.listen(session, pod=pod) for session, pod in zip(sessions, (1, 2, 1, 2), strict=True)
    ]

    messages = [await chat.say(session, QUESTION, context={"max_tokens": 50}) for session in sessions]
    for listener, message in zip(listeners, messages, strict=True):
        await listener.complete(message)

    for listener, message in zip(listeners, messages, strict=True):
        assert listener.faults() == []
        assert listener.answers.keys() == {message}
    frames = [await chat.frames(f"chat.stream.{session}.*") for session in sessions]
    after = await chat.workers.metric("chat_workflow_broadcasts_total", reason="forced")
    assert after == before + sum(map(len, frames))
    assert await chat.workers.metric("chat_workflow_broadcasts_total") == after
