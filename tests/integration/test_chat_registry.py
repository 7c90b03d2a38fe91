"""The registry of connections in Redis: kept while a connection lives, forgotten with it, and never needed.

While Redis is away or has lost its memory every token arrives all the same, only by way of all pods.
"""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from tests.chat_client import Listener
from tests.pods import Chat, chat_running, coach
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "!long a caption for my cat"
HEARTBEAT, TTL = 0.5, 2.0  # seconds


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chat]:
    pod = {"CHAT_HEARTBEAT": str(HEARTBEAT), "CHAT_REGISTRY_TTL": str(TTL)}
    async with chat_running(tmp_path_factory.mktemp("chat"), workers=1, pod=pod) as chat:
        yield chat


@pytest_asyncio.fixture(loop_scope="module")
async def chat(running: Chat) -> AsyncIterator[Chat]:
    """All well again after each test."""
    yield running
    await running.mend()


async def test_a_connection_is_registered_while_it_lives(chat: Chat) -> None:
    """Two connections on two pods; each is forgotten when it is gone, well before it would expire."""
    session = chat.new_session()
    first, second = [await chat.listen(session, pod=pod) for pod in (1, 2)]
    both = await _pods(chat, session)

    await first.leave()
    await wait_until(lambda: _is_at(chat, session, {"gateway-2"}), "one to be forgotten", TTL / 2)
    await second.leave()
    await wait_until(lambda: _is_at(chat, session, set()), "the other to be forgotten", TTL / 2)

    assert both == {"gateway-1", "gateway-2"}


async def test_a_heartbeat_keeps_a_connection_registered(chat: Chat) -> None:
    """It outlives the time after which it would expire."""
    session = chat.new_session()
    await chat.listen(session)
    began = time.time()

    expiry = await wait_until(lambda: _expires_after(chat, session, began + TTL + 1), "a third heartbeat")

    assert expiry <= time.time() + TTL


async def test_a_killed_pod_is_forgotten(chat: Chat) -> None:
    """Nobody takes its entry back; it expires by itself."""
    session = chat.new_session()
    await chat.listen(session, pod=1)

    chat.pods.workers[1].signal(signal.SIGKILL)

    await wait_until(lambda: _is_at(chat, session, set()), "the entry to expire", TTL + 1)


async def test_redis_goes_and_comes_back_in_the_middle_of_an_answer(chat: Chat) -> None:
    """Broadcast while it is away, targeted again as soon as the pods have said who they hold."""
    session = chat.new_session()
    listeners = [await chat.listen(session, pod=pod) for pod in (1, 2)]
    message = await chat.say(session, QUESTION, context={"max_tokens": 600})
    await listeners[0].heard(message, 10)
    before = await _broadcasts(chat, "registry_away")

    await chat.redis.child.stop()
    await wait_until(lambda: _has_broadcast(chat, "registry_away", before), "a broadcast")
    await _more(listeners[1], message)
    await chat.redis.start()
    await wait_until(
        lambda: _is_at(chat, session, {"gateway-1", "gateway-2"}), "the connections to be registered again"
    )
    await wait_until(lambda: _is_targeted(chat, listeners[1], message), "targeted delivery")
    assert not listeners[1].answer(message).completions

    await chat.stop(message)
    for listener in listeners:
        await listener.complete(message)
        assert listener.faults() == []
    assert listeners[0].told() == listeners[1].told()


async def test_a_registry_without_a_memory(chat: Chat) -> None:
    """Wiped in the middle of an answer: nothing is missed, and the next heartbeat registers again."""
    session = chat.new_session()
    listeners = [await chat.listen(session, pod=pod) for pod in (1, 2)]
    message = await chat.say(session, QUESTION, context={"max_tokens": 150})
    await listeners[0].heard(message, 10)

    async with Redis.from_url(chat.redis.url) as redis:
        await redis.flushall()
    await wait_until(lambda: _is_at(chat, session, {"gateway-1", "gateway-2"}), "the next heartbeats", TTL)

    for listener in listeners:
        await listener.complete(message)
        assert listener.faults() == []
        assert listener.answer(message).text == await coach(QUESTION, max_tokens=150)


async def _more(listener: Listener, message: str) -> None:
    """Ten more chunks."""
    await listener.heard(message, len(listener.answer(message).chunks) + 10)


async def _is_targeted(chat: Chat, listener: Listener, message: str) -> bool:
    """Whether chunks arrive without a broadcast."""
    before = await _broadcasts(chat)
    await _more(listener, message)
    return await _broadcasts(chat) == before


async def _broadcasts(chat: Chat, reason: str = "") -> float:
    labels = {"reason": reason} if reason else {}
    return await chat.workers.metric("chat_workflow_broadcasts_total", **labels)


async def _has_broadcast(chat: Chat, reason: str, before: float) -> bool:
    return await _broadcasts(chat, reason) > before


async def _entries(chat: Chat, session: str) -> dict[str, float]:
    """pod/connection -> the unix second in which it expires, if that is still to come."""
    async with Redis.from_url(chat.redis.url) as redis:
        members: Any = await redis.zrange(f"mb:session:{session}", 0, -1, withscores=True)
    expiries = {member.decode(): score / 1000 for member, score in members}
    return {member: expiry for member, expiry in expiries.items() if expiry > time.time()}


async def _pods(chat: Chat, session: str) -> set[str]:
    return {member.partition("/")[0] for member in await _entries(chat, session)}


async def _is_at(chat: Chat, session: str, pods: set[str]) -> bool:
    return await _pods(chat, session) == pods


async def _expires_after(chat: Chat, session: str, moment: float) -> float | None:
    """When its one connection expires, once that is after this moment."""
    (expiry,) = (await _entries(chat, session)).values()
    return expiry if expiry > moment else None
