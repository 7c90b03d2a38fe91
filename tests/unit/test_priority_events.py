"""Following one task: what is sent at once, what comes later, and when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from memebattle.bus.entries import Entry
from memebattle.bus.refusals import Unavailable
from memebattle.bus.tasklog import MemoryTaskLog
from memebattle.kit.sse import Event
from memebattle.priority.deciding import Decision
from memebattle.priority.events import TaskEvents, Watch
from memebattle.priority.limits import Busy
from memebattle.priority.standing import UnknownTask
from tests.priority_desk import Counter, task
from tests.waiting import wait_until


@pytest.fixture
async def counter() -> Counter:
    """A desk with one queued task."""
    counter = Counter()
    await counter.desk.prioritising.ask(task(id="t1"))
    return counter


class Reader:
    """Reads a stream in a task."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.events: list[Event] = []
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self.watch:
            self.events.append(event)

    @property
    def names(self) -> list[str | None]:
        return [event.name for event in self.events]

    async def hears(self, number: int) -> list[Event]:
        """Wait for so many events."""
        await wait_until(lambda: len(self.events) >= number, f"{number} events")
        return self.events

    async def hears_named(self, name: str, number: int) -> None:
        """Wait for so many events of this name."""
        await wait_until(lambda: self.names.count(name) == number, f"{number} times {name}")

    async def ends(self) -> None:
        """Wait until the stream ends by itself."""
        await asyncio.wait_for(self.task, 5)


@asynccontextmanager
async def following(counter: Counter, last_event: int | None = None, **times: Any) -> AsyncIterator[Reader]:
    reader = Reader(await replace(counter.desk.events, **times).watch("t1", last_event))
    try:
        yield reader
    finally:
        reader.task.cancel()
        await asyncio.gather(reader.task, return_exceptions=True)
        await reader.watch.aclose()


async def test_a_stream_begins_with_where_the_task_stands(counter: Counter) -> None:
    """Without an id: it is kept nowhere."""
    async with following(counter) as reader:
        [status] = await reader.hears(1)

    assert (status.name, status.id, status.retry) == ("status", None, 1000)
    assert json.loads(status.data) == {"request_id": "t1", "revision": 1, "state": "queued"}


async def test_news_are_told_as_they_come_with_their_place(counter: Counter) -> None:
    """Stored messages byte for byte; the state follows the result that changed it."""
    async with following(counter) as reader:
        await reader.hears(1)
        result = await counter.work("t1")
        await reader.hears(3)
        await counter.suggest("t1", "Restart it")
        await reader.hears(4)
        await counter.desk.deciding.override("t1", Decision(urgency_level="LOW"))
        counter.tasks.say("t1")
        events = await reader.hears(5)

    assert [(event.name, event.id) for event in events] == [
        ("status", None),
        ("result", "1"),
        ("status", None),
        ("suggestions", "2"),
        ("override", "3"),
    ]
    assert events[1].data == result.body()


async def test_who_comes_late_is_told_everything(counter: Counter) -> None:
    await counter.work("t1")
    await counter.suggest("t1", "Restart it")

    async with following(counter) as reader:
        await reader.hears(3)

    assert reader.names == ["result", "suggestions", "status"]


async def test_who_comes_back_is_told_what_is_behind(counter: Counter) -> None:
    await counter.work("t1")
    await counter.suggest("t1", "Restart it")

    async with following(counter, last_event=1) as reader:
        await reader.hears(2)

    assert reader.names == ["suggestions", "status"]


async def test_a_place_of_another_log_means_from_the_beginning(counter: Counter) -> None:
    """The stream was made anew, and counts from 1."""
    await counter.work("t1")

    async with following(counter, last_event=4711) as reader:
        await reader.hears(2)

    assert [(event.name, event.id) for event in reader.events] == [("result", "1"), ("status", None)]


async def test_an_error_is_told_by_its_name(counter: Counter) -> None:
    await counter.fail("t1", "cancelled")

    async with following(counter) as reader:
        events = await reader.hears(2)

    assert reader.names == ["error", "status"]
    assert json.loads(events[1].data)["state"] == "cancelled"


async def test_a_change_is_followed_too(counter: Counter) -> None:
    await counter.work("t1")
    async with following(counter) as reader:
        await reader.hears(2)
        await counter.desk.prioritising.ask_again("t1", task(risk_level=9))
        counter.tasks.say("t1")
        await reader.hears(3)
        await counter.work("t1", 2)
        await reader.hears(5)

    states = [json.loads(event.data) for event in reader.events if event.name == "status"]
    assert [(each["revision"], each["state"]) for each in states] == [
        (1, "completed"),
        (2, "queued"),
        (2, "completed"),
    ]


class LateLog(MemoryTaskLog):
    """Shows what it stored only after some more looks."""

    lag = 0

    async def of(self, request_id: str) -> list[Entry]:
        if self.lag:
            self.lag -= 1
            return []
        return await super().of(request_id)


async def test_what_is_heard_before_it_is_stored_is_looked_for(counter: Counter) -> None:
    """Not at the next heartbeat only: that is ten seconds away."""
    late = Counter(log=LateLog())
    await late.desk.prioritising.ask(task(id="t1"))
    async with following(late) as reader:
        await reader.hears(1)
        late.log.lag = 4
        await late.work("t1")
        await reader.hears(3)

    assert reader.names == ["status", "result", "status"]


async def test_what_is_not_heard_is_found_at_the_next_heartbeat(counter: Counter) -> None:
    async with following(counter, heartbeat=0.02) as reader:
        await reader.hears(1)
        deaf, counter.tasks._bells["t1"] = counter.tasks._bells["t1"], []
        await counter.work("t1")
        counter.tasks._bells["t1"] = deaf
        await wait_until(lambda: "result" in reader.names, "the result")


async def test_silence_is_broken_by_pings(counter: Counter) -> None:
    async with following(counter, heartbeat=0.01) as reader:
        await reader.hears(4)

    assert reader.names[:4] == ["status", "ping", "ping", "ping"]
    assert "timestamp" in json.loads(reader.events[1].data)


async def test_a_stream_ends_some_time_after_the_last_news(counter: Counter) -> None:
    await counter.work("t1")

    async with following(counter, linger=0.03) as reader:
        await reader.ends()

    assert reader.names == ["result", "status"]


async def test_news_put_off_the_end(counter: Counter) -> None:
    """It is a minute after the last of them, not after the result."""
    await counter.work("t1")
    async with following(counter, linger=60, clock=counter.clock) as reader:
        await reader.hears(2)
        for number in range(1, 5):
            counter.clock.now += 59
            await counter.desk.deciding.override("t1", Decision(urgency_level="LOW"))
            counter.tasks.say("t1")
            await reader.hears_named("override", number)
        counter.clock.now += 61
        counter.tasks.say("t1")
        await reader.ends()


async def test_a_pending_task_is_followed_however_long_it_takes(counter: Counter) -> None:
    async with following(counter, heartbeat=0.01, linger=0.0) as reader:
        await reader.hears(4)
        assert not reader.task.done()
        await counter.work("t1")
        await reader.ends()

    assert reader.names[-2:] == ["result", "status"]


async def test_a_process_that_stops_ends_its_streams(counter: Counter) -> None:
    """At once, also the one that waits; and the one that begins in that moment."""
    async with following(counter) as reader:
        await reader.hears(1)
        counter.health.stop()
        await reader.ends()
    async with following(counter) as reader:
        await reader.ends()

    assert reader.events == []


async def test_without_nats_a_stream_waits(counter: Counter) -> None:
    """Its client would not come back from an error."""
    async with following(counter, heartbeat=0.01) as reader:
        await reader.hears(1)
        counter.is_connected = False
        await wait_until(lambda: reader.names.count("ping") >= 2, "two pings")
        await counter.work("t1")
        counter.is_connected = True
        await wait_until(lambda: "result" in reader.names, "the result")


async def test_nobody_follows_what_nobody_asked(counter: Counter) -> None:
    with pytest.raises(UnknownTask):
        await counter.desk.events.watch("t9")
    counter.is_connected = False
    with pytest.raises(Unavailable):
        await counter.desk.events.watch("t1")

    assert counter.desk.admission.streams.taken == 0


async def test_there_are_only_so_many_streams() -> None:
    """Apart from the places of ordinary requests; a closed one is free again."""
    counter = Counter({"MAX_CONCURRENT_REQUESTS": "1"})
    await counter.desk.prioritising.ask(task(id="t1"))
    events: TaskEvents = counter.desk.events
    first = await events.watch("t1")

    with pytest.raises(Busy):
        await events.watch("t1")
    assert counter.desk.admission.work.taken == 0
    await first.aclose()  # before its first event
    await (await events.watch("t1")).aclose()


async def test_nothing_is_left_of_a_client_that_has_gone(counter: Counter) -> None:
    async with following(counter) as reader:
        await reader.hears(1)

    assert counter.tasks._bells["t1"] == []
    assert counter.health._waiting == {}
    assert counter.desk.admission.streams.taken == 0
