"""Processes that die, freeze or leave in the middle of an answer: it goes on, and no chunk comes twice.

Two gateways, two workers. A pod that is gone is the client's to notice: it comes back with the id of its last
event. A worker that is gone nobody has to notice: another one writes on behind the last stored chunk.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.chat_client import Listener
from tests.pods import Chat, chat_running, coach
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "!long a caption for my cat"
GRACE = 1.5  # seconds a stopping worker has


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chat]:
    worker = {"CLAIM_LEASE": "1", "ACK_WAIT": "1.5", "SHUTDOWN_GRACE": str(GRACE)}
    async with chat_running(tmp_path_factory.mktemp("chat"), worker=worker) as chat:
        yield chat


@pytest_asyncio.fixture(loop_scope="module")
async def chat(running: Chat) -> AsyncIterator[Chat]:
    """All well again after each test."""
    yield running
    await running.mend()


async def test_a_pod_is_killed(chat: Chat) -> None:
    """Its client is cut off, and resumes on the other pod."""
    listener = await chat.listen(chat.new_session(), pod=1)
    message, _ = await _in_the_middle(chat, listener, tokens=100)

    chat.pods.workers[1].signal(signal.SIGKILL)
    in_order = await listener.closed()
    await listener.come_back(chat.pods.ports[2])

    assert not in_order
    await _is_exact(chat, listener, message, tokens=100)


async def test_a_pod_is_told_to_stop(chat: Chat) -> None:
    """All its streams end at once and in order, it leaves with 0, and nobody misses a chunk elsewhere."""
    others = [await chat.listen(chat.new_session(), pod=1) for _ in range(5)]
    listener = await chat.listen(chat.new_session(), pod=1)
    message, _ = await _in_the_middle(chat, listener, tokens=100)

    stopping = asyncio.create_task(chat.pods.workers[1].stop())
    in_order = await asyncio.gather(*(each.closed(timeout=2) for each in (listener, *others)))
    code = await stopping
    await listener.come_back(chat.pods.ports[2])

    assert (in_order, code) == ([True] * 6, 0)
    await _is_exact(chat, listener, message, tokens=100)


async def test_a_worker_is_killed(chat: Chat) -> None:
    """When its lease has run out the other one goes on: the same words, no number twice."""
    listener = await chat.listen(chat.new_session(), pod=1)
    message, worker = await _in_the_middle(chat, listener, tokens=100)
    resumed = await _resumed(chat, 3 - worker)

    chat.workers.workers[worker].signal(signal.SIGKILL)

    await _is_exact(chat, listener, message, tokens=100)
    assert await _resumed(chat, 3 - worker) == resumed + 1


async def test_a_worker_is_paused_past_its_lease(chat: Chat) -> None:
    """It wakes up in the middle of the answer that is another's by now: two write, and one is heard."""
    listener = await chat.listen(chat.new_session(), pod=1)
    message, worker = await _in_the_middle(chat, listener, tokens=300)
    paused, other = chat.workers.workers[worker], 3 - worker
    resumed = await _resumed(chat, other)

    paused.signal(signal.SIGSTOP)
    try:
        await wait_until(lambda: _has_resumed(chat, other, resumed + 1), "the other worker to take over")
        await listener.heard(message, len(listener.answer(message).chunks) + 20)
        assert not listener.answer(message).completions
    finally:
        paused.signal(signal.SIGCONT)

    await _is_exact(chat, listener, message, tokens=300)
    await wait_until(lambda: _idle(chat, worker), "the one that was paused to give up")
    await _is_exact(chat, listener, message, tokens=300)


@pytest.mark.parametrize(
    ("tokens", "handed_over"), [pytest.param(25, 0, id="short"), pytest.param(300, 1, id="long")]
)
async def test_a_worker_is_told_to_stop(chat: Chat, tokens: int, handed_over: int) -> None:
    """It finishes what it can within its grace period and gives back the rest, to be gone on with at once."""
    listener = await chat.listen(chat.new_session(), pod=1)
    message, worker = await _in_the_middle(chat, listener, tokens=tokens)
    resumed = await _resumed(chat, 3 - worker)

    code = await chat.workers.workers[worker].stop()

    await _is_exact(chat, listener, message, tokens=tokens)
    assert code == 0
    assert await _resumed(chat, 3 - worker) == resumed + handed_over


async def test_nats_is_killed_and_comes_back(chat: Chat) -> None:
    """Within a second nobody sends us new clients; those that are there stay, and get all of it."""
    listeners = [await chat.listen(session, pod=pod) for session in [chat.new_session()] for pod in (1, 2)]
    message, _ = await _in_the_middle(chat, listeners[0], tokens=100)

    chat.nats.child.signal(signal.SIGKILL)
    await wait_until(lambda: _nobody_is_ready(chat), "both pods to be unready", 1)
    await wait_until(lambda: not chat.nats.child.running, "the end of NATS")
    await chat.nats.start()

    for listener in listeners:
        await _is_exact(chat, listener, message, tokens=100)
        assert [event.name for event in listener.events].count("connected") == 1
    await wait_until(lambda: _both_are_ready(chat), "both pods to be ready again")
    assert await chat.pods.metric("chat_catch_ups_total", reason="reconnected") >= 2


async def _in_the_middle(chat: Chat, listener: Listener, *, tokens: int) -> tuple[str, int]:
    """A message that is being answered, and the worker that does it."""
    before = await _begun(chat)
    message = await chat.say(listener.session_id, QUESTION, pod=2, context={"max_tokens": tokens})
    await listener.heard(message, 10)
    (worker,) = [number for number, begun in (await _begun(chat)).items() if begun > before[number]]
    return message, worker


async def _is_exact(chat: Chat, listener: Listener, message: str, *, tokens: int) -> None:
    """Heard is what is stored, and stored is what nobody would have disturbed."""
    await listener.complete(message)
    assert listener.faults() == []
    assert (await chat.stored(listener.session_id))[message] == listener.answer(message).chunks
    assert listener.answer(message).text == await coach(QUESTION, max_tokens=tokens)
    assert listener.answer(message).end == ("length", None)


async def _begun(chat: Chat) -> dict[int, float]:
    """How many answers each worker has begun."""
    name = "chat_workflow_first_chunk_seconds_count"
    return {number: await _metric(chat, number, name) for number in chat.workers.ports}


async def _resumed(chat: Chat, worker: int) -> float:
    return await _metric(chat, worker, "chat_workflow_resumed_total")


async def _has_resumed(chat: Chat, worker: int, answers: float) -> bool:
    return await _resumed(chat, worker) == answers


async def _idle(chat: Chat, worker: int) -> bool:
    return await _metric(chat, worker, "chat_workflow_in_flight") == 0


async def _metric(chat: Chat, worker: int, name: str) -> float:
    return await chat.workers._metric_of(chat.workers.ports[worker], name, {})


async def _nobody_is_ready(chat: Chat) -> bool:
    return not any(await asyncio.gather(chat.ready(1), chat.ready(2)))


async def _both_are_ready(chat: Chat) -> bool:
    return all(await asyncio.gather(chat.ready(1), chat.ready(2)))
