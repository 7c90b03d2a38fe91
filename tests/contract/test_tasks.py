"""Sending tasks over a real stream and in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
from nats.aio.msg import Msg

from memebattle.bus.refusals import QueueFull, Unavailable
from memebattle.bus.subjects import InvalidToken
from memebattle.bus.tasks import JetStreamTasks, MemoryTasks
from tests.contract.conftest import Bus
from tests.waiting import wait_until

BODY = b'{"id":"t1","title":"VPN is down","category":"INFRASTRUCTURE"}'


@dataclass(frozen=True, slots=True)
class Desk:
    """Tasks, somebody who speaks about them, and a worker who replies with what it was asked, or never."""

    tasks: JetStreamTasks | MemoryTasks
    say: Callable[[str], Awaitable[None]]
    open_for_questions: Callable[[bool], Awaitable[None]]


@pytest.fixture
def real(bus: Bus) -> JetStreamTasks:
    return JetStreamTasks(
        bus.publisher,
        lambda: bus.client,
        "prioritization.request",
        "prioritization.sync",
        "PRIORITY_REQUESTS",
    )


@pytest.fixture
async def real_desk(bus: Bus, real: JetStreamTasks) -> Desk:
    config = (await bus.js().stream_info("PRIORITY_REQUESTS")).config
    await bus.js().update_stream(replace(config, max_msgs=2))

    async def say(request_id: str) -> None:
        await bus.client.publish(f"prioritization.status.{request_id}", b"{}")

    async def open_for_questions(does_reply: bool) -> None:
        async def reply(message: Msg) -> None:
            if does_reply:
                await message.respond(message.data)

        await bus.client.subscribe("prioritization.sync", cb=reply)

    return Desk(real, say, open_for_questions)


def memory_desk() -> Desk:
    tasks = MemoryTasks(limit=2)

    async def say(request_id: str) -> None:
        tasks.say(request_id)

    async def open_for_questions(does_reply: bool) -> None:
        async def reply(body: bytes) -> bytes:
            if not does_reply:
                await asyncio.Event().wait()
            return body

        tasks.worker = reply

    return Desk(tasks, say, open_for_questions)


@pytest.fixture(params=["memory", "jetstream"])
def desk(request: pytest.FixtureRequest) -> Desk:
    return memory_desk() if request.param == "memory" else request.getfixturevalue("real_desk")


async def test_a_full_queue_refuses_instead_of_dropping(desk: Desk) -> None:
    await desk.tasks.submit("t1", 1, BODY)
    await desk.tasks.submit("t2", 1, BODY)

    with pytest.raises(QueueFull):
        await desk.tasks.submit("t3", 1, BODY)


async def test_the_same_revision_is_stored_once_and_the_next_one_beside_it(desk: Desk) -> None:
    for _ in range(3):
        await desk.tasks.submit("t1", 1, BODY)
    await desk.tasks.submit("t1", 2, BODY)

    with pytest.raises(QueueFull):
        await desk.tasks.submit("t1", 3, BODY)


async def test_what_is_said_is_heard_once(desk: Desk) -> None:
    async with desk.tasks.heard("t1") as wait:
        waiting = asyncio.ensure_future(wait(30))
        await desk.say("t1")

        assert await asyncio.wait_for(waiting, 5)
        assert not await wait(0.01)


async def test_what_was_said_before_somebody_waits_is_heard_too(desk: Desk) -> None:
    async with desk.tasks.heard("t1") as wait:
        await desk.say("t1")

        assert await wait(5)


async def test_what_is_said_about_somebody_else_is_not_ours(desk: Desk) -> None:
    async with desk.tasks.heard("t1") as wait:
        await desk.say("t2")

        assert not await wait(0.02)


async def test_a_worker_replies_at_once(desk: Desk) -> None:
    await desk.open_for_questions(True)

    assert await desk.tasks.ask_now(BODY, 5) == BODY


async def test_a_question_takes_its_trace_along(bus: Bus, real: JetStreamTasks) -> None:
    heard: list[dict[str, str] | None] = []

    async def answer(question: Msg) -> None:
        heard.append(question.headers)
        await question.respond(b"{}")

    await bus.client.subscribe("prioritization.sync", cb=answer)
    await bus.client.flush()
    await real.ask_now(BODY, 5, "00-trace")
    await real.ask_now(BODY, 5)

    assert heard == [{"traceparent": "00-trace"}, None]


async def test_patience_with_a_silent_worker_ends(desk: Desk) -> None:
    await desk.open_for_questions(False)

    with pytest.raises(TimeoutError):
        await desk.tasks.ask_now(BODY, 0.02)


async def test_without_a_worker_nobody_waits(desk: Desk) -> None:
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable, match="no worker"):
            await desk.tasks.ask_now(BODY, 30)


async def test_a_task_is_stored_under_its_id_with_its_trace(bus: Bus, real: JetStreamTasks) -> None:
    await real.submit("t1", 2, BODY, "00-trace")
    stored = await bus.js().get_last_msg("PRIORITY_REQUESTS", "prioritization.request.t1")

    assert stored.data == BODY
    assert stored.headers is not None
    assert (stored.headers["Nats-Msg-Id"], stored.headers["traceparent"]) == ("t1.2", "00-trace")


async def test_an_id_that_is_no_token_is_never_sent(real: JetStreamTasks) -> None:
    with pytest.raises(InvalidToken):
        await real.submit("t1.*", 1, BODY)


async def test_every_kind_of_news_is_heard(bus: Bus, real: JetStreamTasks) -> None:
    async with real.heard("t1") as wait:
        for kind in ("result", "suggestions", "override", "status"):
            await bus.client.publish(f"prioritization.{kind}.t1", b"{}")

            assert await wait(5), kind


async def test_cancelling_names_the_revision(bus: Bus, real: JetStreamTasks) -> None:
    heard: list[tuple[str, bytes]] = []

    async def listen(message: Msg) -> None:
        heard.append((message.subject, message.data))

    await bus.client.subscribe("prioritization.cancel.*", cb=listen)
    await real.cancel("t1", 3)
    await wait_until(lambda: heard, "the cancellation")

    assert heard == [("prioritization.cancel.t1", b'{"revision": 3}')]


async def test_listening_ends_with_the_block(bus: Bus, real: JetStreamTasks) -> None:
    before = set(bus.client._subs)
    async with real.heard("t1"):
        assert len(bus.client._subs) == len(before) + 4

    assert set(bus.client._subs) == before


async def test_memory_keeps_what_it_was_given() -> None:
    tasks = MemoryTasks()
    await tasks.submit("t1", 2, BODY, "00-trace")
    await tasks.cancel("t1", 2)

    assert tasks.submitted == {("t1", 2): BODY}
    assert (tasks.traces, tasks.cancelled) == ({("t1", 2): "00-trace"}, [("t1", 2)])
