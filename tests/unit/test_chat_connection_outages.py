"""One SSE connection while its stream is away, lags, fails in the middle, or has begun anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from memebattle.bus.chunklog import MemoryChunkLog
from tests.listening import HELLO, MoodyLog, Room, Speaker, after_a_restart, hello, turns
from tests.waiting import wait_until


@pytest.fixture
def log() -> MemoryChunkLog:
    return MemoryChunkLog()


@pytest.fixture
async def room(log: MemoryChunkLog) -> AsyncIterator[Room]:
    room = Room(log)
    yield room
    for client in room.clients:
        await client.leaves()


# --------------------------------------------------------------------- a stream that began anew


async def test_a_stream_that_began_anew_is_noticed_by_what_is_heard(room: Room, log: MemoryChunkLog) -> None:
    """A first frame with a sequence that was passed long ago."""
    client = room.enter()
    await client.rests()
    client.hear(*await hello(log))
    await client.rests()

    await after_a_restart(log)
    client.hear(*await hello(log, message="m2"))
    await client.rests()

    assert client.ids == [*HELLO, *HELLO]
    assert [event.data["message_id"] for event in client.told] == ["m1"] * 4 + ["m2"] * 4
    assert room.catch_ups() == {"connected": 1, "reconnected": 1}


@pytest.mark.parametrize("frames_of_others", [0, 1, 9])
@pytest.mark.parametrize("letters", ["x", "xy", "xyz", "xyzw", "vwxyz"])
async def test_a_stream_that_began_anew_is_noticed_after_a_reconnect(
    room: Room, log: MemoryChunkLog, letters: str, frames_of_others: int
) -> None:
    """However many frames it has by then: it is not the one we knew under this sequence."""
    client = room.enter()
    await client.rests()
    client.hear(*await hello(log))
    await client.rests()

    speaker = await after_a_restart(log)
    others = Speaker(log, "s2")
    for _ in range(frames_of_others):
        await others.say("not for us")
    for letter in letters:
        await speaker.say(letter, message="m2", writer="another")
    client.connection.look("reconnected")
    await client.rests()

    assert client.text == "Hello" + letters


async def test_a_stream_that_began_anew_is_noticed_in_silence(log: MemoryChunkLog) -> None:
    """Of the new one nothing was heard but a frame in the middle, which looks like an old one."""
    room = Room(log, {"CHAT_HEARTBEAT": "0.01"})
    client = room.enter()
    await client.rests()
    client.hear(*await hello(log))
    await client.rests()

    speaker = await after_a_restart(log)
    await speaker.say("a", message="m2")
    client.hear(await speaker.say("b", message="m2"))
    await wait_until(lambda: client.text == "Helloab", "the new answer")

    assert client.ids == [*HELLO, "1-0", "2-1"]
    await client.leaves()


async def test_an_answer_goes_on_in_the_new_stream(room: Room, log: MemoryChunkLog) -> None:
    """Its worker lives and has the beginning in mind; so do its clients."""
    client = room.enter()
    await client.rests()
    speaker = Speaker(log)
    client.hear(await speaker.say("a"), await speaker.say("b"))
    await client.rests()

    survivor = await after_a_restart(log)
    survivor.next_chunk["m1"] = 2
    await survivor.say("c")
    client.connection.look("reconnected")
    await client.rests()
    client.hear(await survivor.say(final=True))
    await client.rests()

    assert client.ids == ["1-0", "2-1", "1-2", "2-3", "2-end"]
    assert client.text == "abc"


async def test_a_chunk_that_died_with_the_stream_is_not_passed_over(room: Room, log: MemoryChunkLog) -> None:
    """It was stored and never heard; the client is told that something is missing."""
    client = room.enter()
    await client.rests()
    speaker = Speaker(log)
    client.hear(await speaker.say("a"))
    await client.rests()

    survivor = await after_a_restart(log)
    survivor.next_chunk["m1"] = 2
    client.hear(await survivor.say("c"))
    await client.ends()

    assert client.ids == ["1-0"]
    assert client.events[-1].data["reason"] == "some chunks of this answer are lost"


async def test_the_same_holds_for_the_first_chunk(room: Room, log: MemoryChunkLog) -> None:
    """A client that was there when the answer began would wait for it for ever."""
    client = room.enter()
    await client.rests()

    survivor = await after_a_restart(log)
    survivor.next_chunk["m1"] = 1
    client.hear(await survivor.say("b"))
    await client.ends()

    assert client.events[-1].name == "not_resumable"


async def test_a_reconnect_alone_changes_nothing(room: Room, log: MemoryChunkLog) -> None:
    client = room.enter()
    await client.rests()
    frames = await hello(log)
    client.hear(frames[0])
    await client.rests()

    client.connection.look("reconnected")
    await client.rests()
    client.hear(*frames)
    await client.rests()

    assert client.ids == HELLO


# --------------------------------------------------------------------- a stream that is away


@pytest.fixture
async def moody(log: MemoryChunkLog) -> AsyncIterator[tuple[Room, MoodyLog]]:
    """A room whose log fails, holds or lags when told to; workers write to the log behind it."""
    mood = MoodyLog(log)
    room = Room(mood, {"CHAT_HEARTBEAT": "0.02"})
    yield room, mood
    mood.is_away = False
    mood.may_answer.set()
    for client in room.clients:
        await client.leaves()


async def test_while_the_stream_is_away_what_is_heard_is_not_lost(
    moody: tuple[Room, MoodyLog], log: MemoryChunkLog
) -> None:
    """It waits until the connection knows where it stands; the client gets pings meanwhile."""
    room, mood = moody
    mood.is_away = True
    client = room.enter()
    client.hear(*await hello(log))
    await wait_until(lambda: client.named("ping"), "a ping")
    assert client.told == []

    mood.is_away = False
    room.clock.now += 2
    client.connection.look("reconnected")
    await wait_until(lambda: client.ids == HELLO, "the answer")

    await turns(50)
    assert client.ids == HELLO


async def test_a_stream_that_goes_away_in_the_middle_of_a_resume(
    moody: tuple[Room, MoodyLog], log: MemoryChunkLog
) -> None:
    """The rest of the frame is told once, whichever read fails."""
    room, mood = moody
    speaker = Speaker(log)
    await speaker.say("a", "b", "c")
    await speaker.say("d")

    for failing in ("last", "at", "after"):
        mood.failing = failing
        client = room.enter(last_event_id="1-0")
        await wait_until(lambda failing=failing: failing in mood.calls, f"a read of {failing}")
        await wait_until(lambda client=client: len(client.events) > 1, "an event after connected")
        mood.failing = None
        room.clock.now += 2
        client.connection.look("registered")
        await wait_until(lambda client=client: client.ids == ["1-1", "1-2", "2-3"], f"all but the {failing}")
        await turns(50)
        assert client.ids == ["1-1", "1-2", "2-3"]


async def test_one_look_at_a_stream_that_is_away_serves_all(
    moody: tuple[Room, MoodyLog], log: MemoryChunkLog
) -> None:
    """A thousand connections do not wait out a thousand timeouts; the next second asks again."""
    room, mood = moody
    mood.is_away = True
    clients = [room.enter(f"s{number}") for number in range(50)]
    for client in clients:
        await client.rests()
    assert len(mood.calls) <= 8

    mood.is_away = False
    room.clock.now += 2
    mood.calls.clear()
    for client in clients:
        client.connection.look("registered")
        await client.rests()
    assert len(mood.calls) == 50


async def test_an_outage_is_logged_once(
    moody: tuple[Room, MoodyLog], caplog: pytest.LogCaptureFixture
) -> None:
    """Not by each connection and each second; the next outage is logged again."""
    room, mood = moody
    clients = [room.enter(f"s{number}") for number in range(3)]

    for outage in (1, 2):
        for is_away in (True, True, False):
            mood.is_away = is_away
            room.clock.now += 2
            for client in clients:
                client.connection.look("registered")
                await client.rests()
        assert [record.message for record in caplog.records] == [
            "Cannot read the chunk stream: away"
        ] * outage


async def test_few_connections_read_at_one_time(moody: tuple[Room, MoodyLog], log: MemoryChunkLog) -> None:
    """The stream's writers wait for its readers."""
    room, mood = moody
    mood.may_answer.clear()

    clients = [room.enter(f"s{number}") for number in range(50)]
    await turns(100)
    assert len(mood.calls) == 8
    mood.may_answer.set()

    for client in clients:
        await client.rests()
    assert len(mood.calls) == 50


async def test_a_replica_that_lags_is_asked_again(moody: tuple[Room, MoodyLog], log: MemoryChunkLog) -> None:
    """Its leader has said that there is more."""
    room, mood = moody
    await hello(log)
    mood.lags = 3

    client = room.enter()
    await client.rests()

    assert client.ids == HELLO
    assert mood.calls.count("after") == 4


async def test_frames_that_expire_between_two_reads_are_not_waited_for(
    moody: tuple[Room, MoodyLog], log: MemoryChunkLog
) -> None:
    """The leader had named a last frame which nobody has any more."""
    room, mood = moody
    await hello(log)
    mood.may_answer.clear()
    client = room.enter()
    await turns(20)
    assert mood.calls == ["last"]

    log.forget(before_seq=4)
    mood.may_answer.set()
    await client.rests()

    assert client.told == []


@pytest.mark.parametrize("call", ["last", "after"])
async def test_a_call_to_look_during_a_look_is_not_lost(
    moody: tuple[Room, MoodyLog], log: MemoryChunkLog, call: str
) -> None:
    """The answer that is awaited may be older than the reason to look again."""
    room, mood = moody
    speaker = Speaker(log)
    await speaker.say("a")
    mood.hold_at = call
    client = room.enter()
    await wait_until(lambda: call in mood.calls, f"a read of {call}")

    await speaker.say("b")  # after the log has looked, before its answer arrives; told to nobody
    client.connection.look("registered")
    mood.hold_at = None
    mood.may_answer.set()
    await client.rests()

    assert client.text == "ab"
    assert room.catch_ups() == {"connected": 1, "registered": 1}


@pytest.mark.parametrize("call", ["last", "after"])
async def test_what_is_heard_during_a_look_is_passed_on_after_it(
    moody: tuple[Room, MoodyLog], log: MemoryChunkLog, call: str
) -> None:
    room, mood = moody
    speaker = Speaker(log)
    known = await speaker.say("a")
    mood.hold_at = call
    client = room.enter()
    await wait_until(lambda: call in mood.calls, f"a read of {call}")

    client.hear(known, await speaker.say("b"), await speaker.say("c", final=True))
    mood.hold_at = None
    mood.may_answer.set()
    await client.rests()

    assert client.ids == ["1-0", "2-1", "3-2", "3-3", "3-end"]


async def test_a_reconnect_weighs_more_than_any_other_reason(room: Room, log: MemoryChunkLog) -> None:
    """Only then is it asked whether the stream began anew: here it is as long as the old one was."""
    client = room.enter()
    await client.rests()
    client.hear(*await hello(log))
    await client.rests()

    await after_a_restart(log)
    await hello(log, message="m2")
    client.connection.look("registered")
    client.connection.look("reconnected")
    client.connection.look("registered")
    await client.rests()

    assert client.ids == [*HELLO, *HELLO]


async def test_a_reconnect_during_a_look_still_asks_for_a_new_stream(
    moody: tuple[Room, MoodyLog], log: MemoryChunkLog
) -> None:
    """It weighs more than any other reason, also than a queue that is full."""
    room, mood = moody
    client = room.enter()
    await client.rests()
    client.hear(*await hello(log))
    await client.rests()
    mood.calls.clear()
    mood.hold_at = "last"
    client.connection.look("registered")
    await wait_until(lambda: mood.calls, "a look")

    await after_a_restart(log)
    heard = await hello(log, message="m2")
    client.connection.look("reconnected")
    client.hear(*[heard[2]] * 300)
    mood.hold_at = None
    mood.may_answer.set()
    await client.rests()

    assert client.ids == [*HELLO, *HELLO]


# --------------------------------------------------------------------- leaving in the middle of it


async def test_closing_does_not_wait_for_a_stream_that_is_away(moody: tuple[Room, MoodyLog]) -> None:
    room, mood = moody
    mood.is_away = True
    client = room.enter()
    await client.rests()

    client.connection.close()
    await client.rests()

    assert client.has_ended


@pytest.mark.parametrize("moment", ["unstarted", "waiting", "reading", "away"])
async def test_nothing_is_held_after_the_client_has_left(
    moody: tuple[Room, MoodyLog], log: MemoryChunkLog, moment: str
) -> None:
    """No task, no place among the readers, no entry; leaving twice is leaving once."""
    room, mood = moody
    before = asyncio.all_tasks()
    mood.is_away = moment == "away"
    if moment == "reading":
        mood.may_answer.clear()
    clients = [room.enter(f"s{number}") for number in range(20)]
    if moment != "unstarted":
        await turns(50)

    for client in clients:
        await client.leaves()
        await client.connection.aclose()

    await turns(5)
    assert asyncio.all_tasks() == before
    assert room.shared._readers._value == 8
    assert set(room.left) == {client.connection.id for client in clients}
