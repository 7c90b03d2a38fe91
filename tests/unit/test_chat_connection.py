"""One SSE connection: every chunk of its session, in order, once; whatever was heard, lost or expired."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from memebattle.bus.chunklog import MemoryChunkLog
from memebattle.bus.frames import copy_headers_of
from memebattle.chat.connection import ENDED_ANSWERS, OPEN_ANSWERS, Connection
from memebattle.chat.heard import Heard, heard_in
from memebattle.chat.messages import ChunkBatch, ResponseChunk
from tests.listening import HELLO, Event, Room, Speaker, hello, turns
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


# --------------------------------------------------------------------- hearing


async def test_what_is_heard_in_order_is_passed_on_without_reading(room: Room, log: MemoryChunkLog) -> None:
    """The first look finds nothing; after that nobody asks the stream."""
    client = room.enter()
    await client.rests()

    client.hear(*await hello(log))
    await client.rests()

    assert client.events[0].name == "connected"
    assert client.events[0].data["resumed"] is False
    assert (client.ids, client.text) == (HELLO, "Hello")
    assert client.told[-1] == Event(
        "message_complete",
        "3-end",
        {"session_id": "s1", "message_id": "m1", "chunks": 3, "timestamp": "2025-11-17T20:30:05.123Z"},
    )
    assert room.catch_ups() == {"connected": 1}


@pytest.mark.parametrize("order", [[0, 0, 1, 1, 2, 2], [0, 1, 2, 0, 1, 2], [0, 1, 0, 2, 2, 1]])
async def test_a_frame_that_was_told_twice_is_passed_on_once(
    room: Room, log: MemoryChunkLog, order: list[int]
) -> None:
    """To this pod and to all, or by a worker and its successor."""
    client = room.enter()
    await client.rests()
    frames = await hello(log)

    client.hear(*(frames[number] for number in order))
    await client.rests()

    assert (client.ids, client.text) == (HELLO, "Hello")


async def test_a_session_s_first_frame_may_be_told_twice_too(room: Room, log: MemoryChunkLog) -> None:
    """It follows nothing, as the first frame of a new stream would; but it is the one that we know."""
    client = room.enter()
    await client.rests()
    first = await Speaker(log).say("a", final=True)

    client.hear(first, first)
    await client.rests()

    assert client.ids == ["1-0", "1-1", "1-end"]
    assert room.catch_ups() == {"connected": 1}


@pytest.mark.parametrize("lost", [{0}, {1}, {0, 1}])
async def test_a_hole_is_read_from_the_stream(room: Room, log: MemoryChunkLog, lost: set[int]) -> None:
    """The next frame that arrives shows it, because it names the one before it."""
    client = room.enter()
    await client.rests()
    frames = await hello(log)

    client.hear(*(frame for number, frame in enumerate(frames) if number not in lost))
    await client.rests()

    assert (client.ids, client.text) == (HELLO, "Hello")
    assert room.catch_ups() == {"connected": 1, "gap": 1}


async def test_frames_that_swap_places_come_in_order(room: Room, log: MemoryChunkLog) -> None:
    client = room.enter()
    await client.rests()
    frames = await hello(log)

    client.hear(*reversed(frames))
    await client.rests()

    assert (client.ids, client.text) == (HELLO, "Hello")


async def test_other_sessions_may_lie_between(room: Room, log: MemoryChunkLog) -> None:
    """Sequences are the stream's; the chain is the session's."""
    client = room.enter()
    await client.rests()
    ours, theirs = Speaker(log), Speaker(log, "s2")

    for text in "abc":
        await theirs.say("x")
        client.hear(await ours.say(text))
    await client.rests()

    assert (client.ids, client.text) == (["2-0", "4-1", "6-2"], "abc")
    assert room.catch_ups() == {"connected": 1}


async def test_after_ten_silent_minutes_the_session_goes_on(room: Room, log: MemoryChunkLog) -> None:
    """Its frames have expired, so the next one follows none: that is no hole."""
    client = room.enter()
    await client.rests()
    client.hear(*await hello(log))
    await client.rests()

    log.forget(before_seq=4)
    client.hear(*await hello(log, message="m2"))
    await client.rests()

    assert client.ids == [*HELLO, "4-0", "5-1", "6-2", "6-end"]
    assert room.catch_ups() == {"connected": 1}


# --------------------------------------------------------------------- coming and coming back


async def test_who_comes_late_reads_what_is_kept(room: Room, log: MemoryChunkLog) -> None:
    await hello(log)

    client = room.enter()
    await client.rests()

    assert (client.ids, client.text) == (HELLO, "Hello")


async def test_more_than_a_page_is_read_page_by_page(room: Room, log: MemoryChunkLog) -> None:
    speaker = Speaker(log)
    for number in range(250):
        await speaker.say(f"{number} ")

    client = room.enter()
    await client.rests()

    assert client.ids == [f"{number + 1}-{number}" for number in range(250)]
    assert room.catch_ups() == {"connected": 1}


async def test_a_batch_becomes_its_chunks(room: Room, log: MemoryChunkLog) -> None:
    """The frame is one, and so is its sequence."""
    client = room.enter()
    await client.rests()

    client.hear(await Speaker(log).say("a", "b", "c", final=True))
    await client.rests()

    assert client.ids == ["1-0", "1-1", "1-2", "1-3", "1-end"]
    assert client.text == "abc"


@pytest.mark.parametrize(
    ("last_event_id", "ids"),
    [
        ("1-0", ["1-1", "1-2", "2-3", "2-4", "2-end"]),
        ("1-1", ["1-2", "2-3", "2-4", "2-end"]),
        ("1-2", ["2-3", "2-4", "2-end"]),
        ("2-3", ["2-4", "2-end"]),
        ("2-4", ["2-end"]),
        ("2-end", []),
    ],
)
@pytest.mark.parametrize("is_heard", [False, True])
async def test_who_comes_back_goes_on_behind_the_last_event(
    room: Room, log: MemoryChunkLog, last_event_id: str, ids: list[str], is_heard: bool
) -> None:
    """Also in the middle of a batch, also between the last chunk and the completion."""
    speaker = Speaker(log)
    frames = [await speaker.say("a", "b", "c"), await speaker.say("d", final=True)]

    client = room.enter(last_event_id=last_event_id)
    if is_heard:
        client.hear(*frames)
    await client.rests()
    client.hear(await speaker.say("e", message="m2"))
    await client.rests()

    assert client.events[0].data["resumed"] is True
    assert client.ids == [*ids, "3-0"]


@pytest.mark.parametrize(
    "last_event_id",
    [
        "4-0",  # another session's
        "9-0",  # not given yet
        "9-end",
        "1-7",  # no such chunk there
        "1-end",  # not the end of an answer
    ],
)
async def test_an_id_that_was_never_ours_is_not_resumed(
    room: Room, log: MemoryChunkLog, last_event_id: str
) -> None:
    """Another session's, another stream's, or made up."""
    await hello(log)
    await hello(log, "s2")

    client = room.enter(last_event_id=last_event_id)
    await client.ends()

    [connected, gone] = client.events
    assert (connected.name, gone.name, gone.id) == ("connected", "not_resumable", "")
    assert gone.data["session_id"] == "s1"


async def test_the_rest_of_an_answer_that_has_expired_is_not_resumable(
    room: Room, log: MemoryChunkLog
) -> None:
    """Neither is one whose following frames have expired."""
    await hello(log)

    for expired, last_event_id in [(2, "1-0"), (3, "1-0"), (3, "2-1"), (4, "2-1"), (4, "3-2")]:
        log.forget(before_seq=expired)
        client = room.enter(last_event_id=last_event_id)
        await client.ends()
        assert [event.name for event in client.events] == ["connected", "not_resumable"]

    assert room.metrics.registry.get_sample_value("chat_not_resumable_total") == 5


async def test_behind_a_complete_answer_that_has_expired_a_session_goes_on(
    room: Room, log: MemoryChunkLog
) -> None:
    """Whoever was away for a night has an answer in full, and the next one begins after it."""
    await hello(log)
    log.forget(before_seq=4)

    client = room.enter(last_event_id="3-end")
    await client.rests()
    client.hear(*await hello(log, message="m2"))
    await client.rests()

    assert client.ids == ["4-0", "5-1", "6-2", "6-end"]


async def test_behind_a_complete_answer_nothing_may_be_missing(room: Room, log: MemoryChunkLog) -> None:
    """The frame after it is kept and follows another one, which is not."""
    await hello(log)
    await hello(log, message="m2")
    log.forget(before_seq=5)

    client = room.enter(last_event_id="3-end")
    await client.ends()

    assert [event.name for event in client.events] == ["connected", "not_resumable"]


async def test_an_answer_whose_beginning_has_expired_is_not_begun(room: Room, log: MemoryChunkLog) -> None:
    """A rest helps nobody who has just come, neither what is kept of it nor what follows."""
    speaker = Speaker(log)
    for text in "abc":
        await speaker.say(text)
    log.forget(before_seq=2)

    client = room.enter()
    await client.rests()
    client.hear(await speaker.say("d"), await speaker.say(final=True))
    client.hear(await speaker.say("e", message="m2"))
    await client.rests()

    assert client.ids == ["6-0"]


async def test_a_hole_that_cannot_be_mended_ends_the_connection(room: Room, log: MemoryChunkLog) -> None:
    """It says so, and makes the client forget where it was."""
    client = room.enter()
    await client.rests()
    frames = await hello(log)
    client.hear(frames[0])
    await client.rests()
    log.forget(before_seq=3)

    client.hear(frames[2])
    await client.ends()

    assert client.ids == ["1-0"]
    assert client.events[-1] == Event(
        "not_resumable",
        "",
        {"session_id": "s1", "reason": "some chunks are older than the stream keeps them"},
    )


async def test_who_begins_anew_takes_the_chain_as_it_is(room: Room, log: MemoryChunkLog) -> None:
    """Else a damaged stream would send it away again and again."""
    speaker = Speaker(log)
    for text in "abcd":
        await speaker.say(text)
    await speaker.say("e", message="m2")
    del log.frames[1]

    client = room.enter()
    await client.rests()

    assert client.ids == ["1-0", "5-0"]


# --------------------------------------------------------------------- chunks that are stored nowhere


def plain(speaker: Speaker, *texts: str, **what: Any) -> Heard:
    """A chunk, or a batch, of a service that knows nothing of our headers."""
    chunks = speaker.chunks(*texts, **what)
    message = chunks[0] if len(chunks) == 1 else ChunkBatch(session_id="s1", chunks=chunks)
    [heard] = heard_in(message, {})
    return heard


async def test_chunks_without_a_frame_are_passed_on_without_an_id(room: Room, log: MemoryChunkLog) -> None:
    """In order, each once, however often they come."""
    client = room.enter()
    await client.rests()
    speaker = Speaker(log)
    chunks = [plain(speaker, "a"), plain(speaker, "b", "c"), plain(speaker, final=True)]

    client.hear(chunks[0], chunks[0], chunks[1], chunks[0], chunks[1], chunks[2], *chunks)
    await client.rests()

    assert client.text == "abc"
    assert [event.data.get("chunk_id", "complete") for event in client.told] == [0, 1, 2, 3, "complete"]
    assert client.ids == [None] * 5


async def test_a_chunk_without_a_frame_that_is_lost_is_lost(room: Room, log: MemoryChunkLog) -> None:
    """Nobody can repeat it. The client sees it by the numbers, and the rest is told all the same."""
    client = room.enter()
    await client.rests()
    speaker = Speaker(log)
    chunks = [plain(speaker, text) for text in "abc"]

    client.hear(chunks[0], chunks[2], chunks[1])
    await client.rests()

    assert [event.data["chunk_id"] for event in client.told] == [0, 2]


async def test_who_comes_in_the_middle_of_unstored_chunks_hears_the_rest(
    room: Room, log: MemoryChunkLog
) -> None:
    client = room.enter()
    await client.rests()
    speaker = Speaker(log)
    speaker.chunks("missed", "missed")

    client.hear(plain(speaker, "c"), plain(speaker, "d"))
    await client.rests()

    assert [event.data["chunk_id"] for event in client.told] == [2, 3]


async def test_an_unstored_end_cannot_end_an_answer_that_goes_on(room: Room, log: MemoryChunkLog) -> None:
    """Somebody used its id for something unreadable, and is told so under that id."""
    client = room.enter()
    await client.rests()
    speaker = Speaker(log)
    client.hear(await speaker.say("Hel"))
    await client.rests()
    impostor = ResponseChunk(session_id="s1", message_id="m1", chunk_id=0, is_final=True)

    client.hear(*heard_in(impostor, {}))
    client.hear(await speaker.say("lo"), await speaker.say(final=True))
    await client.rests()

    assert client.ids == HELLO


async def test_forgotten_answers_of_others_cost_a_bounded_memory(room: Room, log: MemoryChunkLog) -> None:
    """A service that never ends its answers does not fill the pod."""
    client = room.enter()
    await client.rests()
    speaker = Speaker(log)

    client.hear(*(plain(speaker, "a", message=f"m{number}") for number in range(100)))
    await client.rests()
    client.hear(*(plain(speaker, message=f"n{number}", final=True) for number in range(100)))
    await client.rests()

    assert len(client.told) == 300
    assert len(client.connection._told) == OPEN_ANSWERS
    assert len(client.connection._ended) == ENDED_ANSWERS


# --------------------------------------------------------------------- silence, slowness, the end


async def test_a_silent_connection_is_pinged(log: MemoryChunkLog) -> None:
    room = Room(log, {"CHAT_HEARTBEAT": "0.01"})
    client = room.enter()

    await wait_until(lambda: len(client.named("ping")) > 2, "three pings")

    assert set(client.named("ping")[0].data) == {"timestamp"}
    assert {event.id for event in client.named("ping")} == {None}
    await client.leaves()


async def test_silence_in_the_middle_of_an_answer_is_looked_into(log: MemoryChunkLog) -> None:
    """All that was told after the first chunk was lost, and nothing comes that would show it."""
    room = Room(log, {"CHAT_HEARTBEAT": "0.01"})
    client = room.enter()
    await client.rests()
    frames = await hello(log)

    client.hear(frames[0])
    await wait_until(lambda: client.ids == HELLO, "the rest of the answer")

    assert room.catch_ups()["silence"] == 1
    assert [event.name for event in client.events[:4]] == ["connected", "chunk", "ping", "chunk"]
    await client.leaves()


async def test_silence_is_looked_into_now_and_then_in_any_case(log: MemoryChunkLog) -> None:
    """An answer of which nothing at all was heard is found too, a minute later."""
    room = Room(log, {"CHAT_HEARTBEAT": "0.01"})
    client = room.enter()
    await client.rests()

    await hello(log)
    await wait_until(lambda: client.ids == HELLO, "the answer")

    names = [event.name for event in client.events]
    assert names[:8] == ["connected", *["ping"] * 6, "chunk"]
    await client.leaves()


async def test_a_slow_reader_is_served_from_the_stream(log: MemoryChunkLog) -> None:
    """Its queue is bounded; what did not fit is read when it reads again. Nothing is missing."""
    room = Room(log, {"CHAT_CONNECTION_QUEUE": "4"})
    client = room.enter()
    await client.rests()
    speaker = Speaker(log)
    client.stop_reading()

    fillings = []
    for number in range(50):
        client.hear(await speaker.say(f"{number} "))
        await turns(3)
        fillings.append(len(client.connection._queue))
    client.go_on_reading()
    await client.rests()

    assert client.ids == [f"{number + 1}-{number}" for number in range(50)]
    assert room.catch_ups() == {"connected": 1, "slow_reader": 1}
    assert (max(fillings), fillings.count(0) > 5) == (4, True), "it is emptied when it is full"
    await client.leaves()


async def test_closing_ends_the_events_after_those_at_hand(room: Room, log: MemoryChunkLog) -> None:
    """In order: the client comes back elsewhere with its last id."""
    client = room.enter()
    await client.rests()

    client.connection.close()
    await client.ends()

    assert client.has_ended
    assert [event.name for event in client.events] == ["connected"]


async def test_a_connection_that_was_closed_before_it_began_says_hello_and_goodbye(
    room: Room, log: MemoryChunkLog
) -> None:
    """So that an EventSource comes back, which it would not do after an error."""
    await hello(log)

    client = room.enter()
    client.connection.close()
    await client.ends()

    assert [event.name for event in client.events] == ["connected"]


# --------------------------------------------------------------------- nonsense in the stream


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        json.dumps({"session_id": "s2", "message_id": "m1", "chunk_id": 1}).encode(),
        json.dumps({"session_id": "s1", "message_id": "m9", "chunk_id": 1}).encode(),
    ],
)
async def test_a_stored_frame_that_is_nonsense_is_passed_over(
    room: Room, log: MemoryChunkLog, body: bytes
) -> None:
    """Not JSON, no chunk, another session's or another answer's: it must not end the session."""
    listening = room.enter()
    await listening.rests()
    speaker = Speaker(log)
    first = await speaker.say("a", final=True)
    last = await log.last("s1")
    assert last is not None
    await log.append(replace(last, body=body, previous=1, seq=0, next_chunk=9))
    listening.hear(first, await speaker.say("b", message="m2"))

    for client in (listening, room.enter()):
        await client.rests()
        assert client.ids == ["1-0", "1-1", "1-end", "3-0"]


async def test_headers_that_do_not_fit_their_body_are_not_believed(log: MemoryChunkLog) -> None:
    """The chunks are passed on as if they were stored nowhere."""
    speaker = Speaker(log)
    frame = (await speaker.say("a")).frame
    assert frame is not None
    of_another = copy_headers_of(replace(frame, message_id="m2"))

    [heard] = heard_in(speaker.chunks("b")[0], of_another)

    assert (heard.message_id, heard.frame) == ("m1", None)


def test_a_batch_of_several_answers_is_taken_apart() -> None:
    """Another service may gather whatever a session is told."""
    speaker = Speaker(MemoryChunkLog())
    chunks = [
        *speaker.chunks("a", final=True),
        *speaker.chunks("b", message="m2"),
        *speaker.chunks("c", message="m2"),
    ]

    answers = heard_in(ChunkBatch(session_id="s1", chunks=chunks), {})

    assert [(each.message_id, each.first, each.last, each.is_final) for each in answers] == [
        ("m1", 0, 1, True),
        ("m2", 0, 1, False),
    ]


def test_an_event_is_encoded_once_for_all_connections() -> None:
    """A thousand clients of one session cost one encoding."""
    [heard] = heard_in(Speaker(MemoryChunkLog()).chunks("a")[0], {})

    assert heard.events_from(0)[0] is heard.events_from(0)[0]


async def test_an_idle_connection_costs_less_than_a_kilobyte(log: MemoryChunkLog) -> None:
    """A pod holds ten thousand of them. Its task and its socket come on top."""
    room, number = Room(log), 1000
    session_ids = [f"s{each}" for each in range(number)]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        connections = [Connection(each, room.shared, None, room._leave) for each in session_ids]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (after - before) / len(connections) < 1024
