"""Clients that read slowly, or not at all: everybody else hears every chunk in its time.

The answers are long (8 MB), because the kernel takes some megabytes for a client that does not read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from memebattle.cli.fake_llm import FakeLLM, Manners
from tests.chat_client import Listener
from tests.pods import Chat, chat_running
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKENS = 640
ANSWER = " ".join(f"{number:04}{'x' * 12_500}" for number in range(TOKENS))
SEND_TIMEOUT = 6.0  # seconds


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chat(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chat]:
    """One worker with a talkative model, one pod with little patience."""
    async with FakeLLM(Manners(answer=ANSWER)) as model:
        worker = {"OPENAI_BASE_URL": model.openai_url, "CHAT_MAX_ANSWER_BYTES": "9000000"}
        pod = {"CHAT_CONNECTION_QUEUE": "8", "CHAT_SEND_TIMEOUT": str(SEND_TIMEOUT)}
        directory = tmp_path_factory.mktemp("chat")
        async with chat_running(directory, workers=1, pods=1, worker=worker, pod=pod) as chat:
            yield chat


async def test_a_slow_reader_gets_everything_at_its_own_pace(chat: Chat) -> None:
    """Its queue runs over, and what was in it is read from the stream when it reads again."""
    session = chat.new_session()
    fast = await chat.listen(session)
    slow = await _not_reading(chat, session)
    message = await chat.say(session, "Tell me everything")

    await fast.complete(message)
    heard_meanwhile = len(slow.answer(message).chunks)
    slow.go_on_reading()
    await slow.complete(message)

    assert heard_meanwhile == 0
    assert await chat.pods.metric("chat_catch_ups_total", reason="slow_reader") > 0
    assert fast.faults() == slow.faults() == []
    assert fast.told() == slow.told()
    assert fast.answer(message).text == ANSWER


async def test_who_never_reads_is_let_go(chat: Chat) -> None:
    """Its connection is cut, counted and forgotten, and the others of its session miss nothing."""
    session = chat.new_session()
    fast = await chat.listen(session)
    stuck = await _not_reading(chat, session)
    let_go = await chat.pods.metric("chat_slow_readers_total")
    connections = await chat.pods.metric("chat_connections")
    message = await chat.say(session, "Tell me everything")

    await fast.complete(message)
    await wait_until(lambda: _connections_are(chat, connections - 1), "it to be let go", SEND_TIMEOUT + 5)
    stuck.go_on_reading()

    assert await stuck.closed() is False
    assert await chat.pods.metric("chat_slow_readers_total") == let_go + 1
    assert fast.faults() == []
    assert fast.answer(message).text == ANSWER


async def _not_reading(chat: Chat, session: str) -> Listener:
    listener = await chat.listen(session, receive_buffer=65_536)
    listener.stop_reading()
    return listener


async def _connections_are(chat: Chat, number: float) -> bool:
    return await chat.pods.metric("chat_connections") == number
