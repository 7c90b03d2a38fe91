"""The log of tasks in a real stream and in memory: one result per revision, all of it readable again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from nats.aio.msg import Msg

from memebattle.bus.entries import Entry, EntryKind, TaskLog
from memebattle.bus.subjects import InvalidToken
from memebattle.bus.tasklog import JetStreamTaskLog, MemoryTaskLog
from tests.contract.conftest import Bus
from tests.waiting import wait_until

STREAM = "PRIORITY_RESULTS"


@pytest.fixture
def real(bus: Bus) -> JetStreamTaskLog:
    return JetStreamTaskLog(bus.publisher, bus.js, lambda: bus.client, STREAM)


@pytest.fixture(params=["memory", "jetstream"])
def log(request: pytest.FixtureRequest) -> TaskLog:
    return MemoryTaskLog() if request.param == "memory" else request.getfixturevalue("real")


def an_entry(
    body: bytes = b"{}", kind: EntryKind = "response", request_id: str = "t1", revision: int = 1
) -> Entry:
    return Entry(request_id, kind, body, revision, "digest-" + request_id)


async def test_a_task_nobody_knows_has_no_entries(log: TaskLog) -> None:
    assert await log.of("t1") == []
    assert await log.after(0, 10) == []


async def test_an_entry_comes_back_as_it_was(log: TaskLog) -> None:
    assert await log.add(an_entry(b'{"n":1}')) is None

    assert await log.of("t1") == [replace(an_entry(b'{"n":1}'), seq=1)]


async def test_the_second_result_of_a_revision_hears_the_first(log: TaskLog) -> None:
    await log.add(an_entry(b"first"))

    assert await log.add(an_entry(b"second", "error")) == replace(an_entry(b"first"), seq=1)
    assert [each.body for each in await log.of("t1")] == [b"first"]


async def test_a_later_revision_is_stored_and_an_earlier_one_is_not(log: TaskLog) -> None:
    await log.add(an_entry(b"one"))
    assert await log.add(an_entry(b"three", revision=3)) is None

    assert await log.add(an_entry(b"two", revision=2)) == replace(an_entry(b"three", revision=3), seq=2)
    assert [each.body for each in await log.after(0, 10, "t1")] == [b"one", b"three"]


async def test_suggestions_and_decisions_stand_beside_the_result(log: TaskLog) -> None:
    for kind, body in (("response", b"r"), ("override", b"a"), ("suggestions", b"s"), ("override", b"b")):
        assert await log.add(an_entry(body, kind)) is None  # type: ignore[arg-type]
    assert await log.add(an_entry(b"again", "suggestions")) is not None

    assert [(each.kind, each.body) for each in await log.of("t1")] == [
        ("response", b"r"),
        ("suggestions", b"s"),
        ("override", b"b"),
    ]


async def test_everything_is_read_in_pages(log: TaskLog) -> None:
    for number in range(7):
        await log.add(an_entry(request_id=f"t{number}"))

    first = await log.after(0, 5)
    rest = await log.after(first[-1].seq, 5)

    assert [each.request_id for each in first + rest] == [f"t{number}" for number in range(7)]
    assert await log.after(rest[-1].seq, 5) == []


async def test_of_twenty_racing_writers_one_wins(log: TaskLog) -> None:
    outcomes = await asyncio.gather(*(log.add(an_entry(b"%d" % number)) for number in range(20)))

    stored = (await log.of("t1"))[0]
    assert outcomes.count(None) == 1
    assert {each.body for each in outcomes if each is not None} == {stored.body}


@pytest.mark.parametrize("headers", [{}, {"Mb-Kind": "response", "Mb-Revision": "²"}, {"Mb-Kind": "meme"}])
async def test_a_stranger_s_message_is_no_result(
    real: JetStreamTaskLog, bus: Bus, headers: dict[str, str]
) -> None:
    """Neither on top of one nor beneath it."""
    await bus.js().publish("prioritization.result.t1", b"?", headers=headers)
    assert await real.add(an_entry(b"result")) is None
    await bus.js().publish("prioritization.result.t1", b"?", headers=headers)

    assert await real.add(an_entry(b"late")) == replace(an_entry(b"result"), seq=2)
    assert [each.body for each in await real.after(0, 10)] == [b"result"]


async def test_what_is_stored_is_heard_once_by_everybody(real: JetStreamTaskLog, bus: Bus) -> None:
    """On the subject without an id; decisions and suggestions are not."""
    heard: list[Msg] = []

    async def hear(message: Msg) -> None:
        heard.append(message)

    await bus.client.subscribe("prioritization.result", cb=hear)
    await bus.client.flush()
    await asyncio.gather(*(real.add(an_entry(b"%d" % number)) for number in range(5)))
    await real.add(an_entry(b"override", "override"))
    await real.add(an_entry(b"second", revision=2))

    await wait_until(lambda: len(heard) >= 2, "both revisions are heard")
    assert [each.data for each in heard] == [(await real.after(0, 1))[0].body, b"second"]


async def test_an_id_that_is_no_token_is_refused(real: JetStreamTaskLog) -> None:
    with pytest.raises(InvalidToken):
        await real.add(an_entry(request_id="a.b"))
    with pytest.raises(InvalidToken):
        await real.of("*")
