"""The writer of an answer: stored before told, one chain, one end, whoever writes and whoever dies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import nats
import pytest

from memebattle.bus.chunklog import JetStreamChunkLog, MemoryChunkLog
from memebattle.bus.frames import Frame, LogAway, copy_headers_of, frame_from_copy, headers_of
from memebattle.bus.outcome import Busy, Rejected
from memebattle.bus.publishing import DurablePublisher
from memebattle.bus.streams import Topology
from memebattle.chat.ends import cancelled, completed, failed
from memebattle.chat.messages import ChunkMetadata, ResponseChunk, read_chunks
from memebattle.chat.writer import STALE_READS, AnswerWriter
from memebattle.cli.children import stopping
from memebattle.cli.local import NatsServer
from memebattle.generation.text import TextPiece
from memebattle.kit.metrics import Metrics
from memebattle.settings import Settings

KIB = 1024
NOW = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
STOP = completed(TextPiece("", "stop", 9, 2), "toy-1", "toy")
METADATA = ChunkMetadata(model="toy-1", provider="toy")


class Log(MemoryChunkLog):
    """The log in memory, which notes what happens and can lag, be away, or lose an acknowledgement."""

    def __init__(self, story: list[str], max_payload: int = 1024 * KIB) -> None:
        super().__init__(max_payload)
        self.story = story
        self.lags = 0  # reads that show nothing yet
        self.away = False
        self.loses_acknowledgements = 0
        self.between_looks: Callable[[], Awaitable[object]] | None = None

    async def append(self, frame: Frame) -> int:
        if self.away:
            raise LogAway("CHAT_CHUNKS: no answer in time")
        seq = await super().append(frame)
        self.story.append(f"stored {frame.message_id} {seq}")
        if self.loses_acknowledgements:
            self.loses_acknowledgements -= 1
            raise LogAway("CHAT_CHUNKS: not stored")
        return seq

    async def last(self, session_id: str, message_id: str | None = None) -> Frame | None:
        if self.away:
            raise LogAway("CHAT_CHUNKS: no answer in time")
        found = await super().last(session_id, message_id)
        if self.between_looks is not None:
            between, self.between_looks = self.between_looks, None
            await between()
        return found

    async def after(
        self, session_id: str, seq: int, limit: int, message_id: str | None = None
    ) -> list[Frame]:
        if self.lags:
            self.lags -= 1
            return []
        return await super().after(session_id, seq, limit, message_id)


@dataclass
class Room:
    """One log, whoever listens, and time that passes when told to."""

    max_payload: int = 1024 * KIB
    now: datetime = NOW
    story: list[str] = field(default_factory=list)
    told: list[Frame] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    log: Log = field(init=False)

    def __post_init__(self) -> None:
        self.log = Log(self.story, self.max_payload)

    async def tell(self, frame: Frame) -> None:
        self.story.append(f"told {frame.message_id} {frame.seq}")
        self.told.append(frame)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def writer(self, message_id: str = "m1", **options: Any) -> AnswerWriter:
        options = {"digest": f"digest-of-{message_id}", "session_id": "s1"} | options
        return AnswerWriter(
            message_id=message_id,
            log=self.log,
            teller=self,
            now=lambda: self.now,
            sleep=self._pause,
            **options,
        )

    async def opened(self, message_id: str = "m1", **options: Any) -> AnswerWriter:
        writer = self.writer(message_id, **options)
        await writer.open()
        return writer

    def chunks(self, message_id: str = "m1") -> list[ResponseChunk]:
        frames = [frame for frame in self.log.frames if frame.message_id == message_id]
        return [chunk for frame in frames for chunk in read_chunks(frame.body)]

    def text(self, message_id: str = "m1") -> str:
        return "".join(chunk.chunk for chunk in self.chunks(message_id))

    def links(self) -> list[tuple[int, int]]:
        """(previous, own) sequence of every frame."""
        return [(frame.previous, frame.seq) for frame in self.log.frames]


@pytest.fixture
def room() -> Room:
    return Room()


async def test_an_answer_is_a_chain_of_numbered_chunks(room: Room) -> None:
    writer = await room.opened()
    await writer.say(["Hello"], METADATA)
    await writer.say([" there"], METADATA)

    assert await writer.finish(STOP) is None
    assert [(chunk.chunk_id, chunk.chunk, chunk.is_final) for chunk in room.chunks()] == [
        (0, "Hello", False),
        (1, " there", False),
        (2, "", True),
    ]
    assert room.links() == [(0, 1), (1, 2), (2, 3)]
    assert [(frame.next_chunk, frame.final) for frame in room.log.frames] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    assert {frame.digest for frame in room.log.frames} == {"digest-of-m1"}
    assert writer.said == "Hello there"


async def test_what_a_frame_says(room: Room) -> None:
    writer = await room.opened(correlation_id="corr-1", trace={"traceparent": "00-a-b-01"})
    await writer.say(["Hello"], METADATA)
    await writer.finish(STOP)

    first, last = (json.loads(frame.body) for frame in room.log.frames)
    assert first == {
        "session_id": "s1",
        "message_id": "m1",
        "chunk_id": 0,
        "chunk": "Hello",
        "chunk_type": "content",
        "is_final": False,
        "metadata": {"model": "toy-1", "provider": "toy"},
        "timestamp": "2026-11-20T22:00:00.000Z",
        "correlation_id": "corr-1",
    }
    assert (last["chunk_id"], last["chunk_type"], last["is_final"]) == (1, "metadata", True)
    assert last["metadata"] == {
        "model": "toy-1",
        "provider": "toy",
        "tokens_used": 2,
        "prompt_tokens": 9,
        "finish_reason": "stop",
    }
    assert [frame.trace for frame in room.told] == [{"traceparent": "00-a-b-01"}] * 2


async def test_every_frame_is_stored_before_it_is_told(room: Room) -> None:
    writer = await room.opened()
    await writer.say(["Hello"])
    await writer.finish(STOP)

    assert room.story == ["stored m1 1", "told m1 1", "stored m1 2", "told m1 2"]
    assert room.told == room.log.frames


async def test_what_cannot_be_stored_is_not_told(room: Room) -> None:
    writer = await room.opened()
    room.log.away = True

    with pytest.raises(LogAway):
        await writer.say(["Hello"])

    assert room.story == []


async def test_pieces_that_are_said_together_are_one_frame_of_several_chunks(room: Room) -> None:
    writer = await room.opened()
    await writer.say(["Hello", " there", ", you"])
    await writer.finish(STOP)

    assert [len(read_chunks(frame.body)) for frame in room.log.frames] == [3, 1]
    assert [chunk.chunk_id for chunk in room.chunks()] == [0, 1, 2, 3]
    assert [frame.next_chunk for frame in room.log.frames] == [3, 4]


async def test_what_is_held_goes_out_with_the_final_chunk(room: Room) -> None:
    writer = await room.opened()
    writer.hold(["Hello", " there"])
    assert room.log.frames == []
    await writer.finish(STOP)

    (frame,) = room.log.frames
    assert [(chunk.chunk, chunk.is_final) for chunk in read_chunks(frame.body)] == [
        ("Hello", False),
        (" there", False),
        ("", True),
    ]
    assert (frame.final, writer.said) == (True, "Hello there")


async def test_nothing_to_say_is_nothing_stored(room: Room) -> None:
    writer = await room.opened()
    await writer.say([])
    await writer.say([""])

    assert (room.log.frames, writer.next_chunk) == ([], 0)


async def test_a_successor_goes_on_behind_the_last_stored_chunk(room: Room) -> None:
    first = await room.opened()
    await first.say(["Hello"])
    await first.say([" there", ","])
    second = await room.opened()

    assert (second.said, second.next_chunk, second.finished) == ("Hello there,", 3, None)
    assert not second.beginning_is_gone

    await second.say([" you"])
    await second.finish(STOP)

    assert [chunk.chunk_id for chunk in room.chunks()] == [0, 1, 2, 3, 4]
    assert room.links() == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert room.text() == "Hello there, you"


async def test_a_successor_reads_back_long_answers_page_by_page(room: Room) -> None:
    first = await room.opened()
    for number in range(450):
        await first.say([f"{number} "])
    second = await room.opened()

    assert second.said == "".join(f"{number} " for number in range(450))
    assert second.next_chunk == 450


async def test_only_text_counts_as_said(room: Room) -> None:
    first = await room.opened()
    await first.say(["Hello"])
    chunk = ResponseChunk(
        session_id="s1", message_id="m1", chunk_id=1, chunk='{"tool":"search"}', chunk_type="metadata"
    )
    await room.log.append(replace(room.log.frames[0], body=chunk.body(), next_chunk=2, previous=1, seq=0))
    second = await room.opened()

    assert (second.said, second.next_chunk) == ("Hello", 2)


async def test_a_finished_answer_is_told_again_and_not_written(room: Room) -> None:
    """Whoever stored the end may have died before telling it."""
    first = await room.opened()
    await first.say(["Hello"])
    await first.finish(STOP)
    end = room.log.frames[-1]
    room.told.clear()
    second = await room.opened()

    assert second.finished == end
    assert await second.finish(cancelled()) == end
    assert room.told == [end]
    assert len(room.log.frames) == 2


async def test_one_answer_of_a_session_at_a_time(room: Room) -> None:
    first = await room.opened("m1")
    await first.say(["Hello"])

    with pytest.raises(Busy) as busy:
        await room.opened("m2")
    assert busy.value.after == 0.5

    await first.finish(STOP)
    second = await room.opened("m2")
    await second.finish(STOP)

    assert room.links() == [(0, 1), (1, 2), (2, 3)]
    assert [chunk.chunk_id for chunk in room.chunks("m2")] == [0]


async def test_other_sessions_do_not_wait(room: Room) -> None:
    first = await room.opened("m1")
    await first.say(["Hello"])
    other = await room.opened("m2", session_id="s2")
    await other.say(["Hello"])

    assert room.links() == [(0, 1), (0, 2)]


async def test_an_answer_that_nobody_adds_to_is_abandoned_after_ten_minutes(room: Room) -> None:
    first = await room.opened("m1")
    await first.say(["Hello"])
    room.now += timedelta(seconds=600)

    with pytest.raises(Busy):
        await room.opened("m2")

    room.now += timedelta(milliseconds=1)
    second = await room.opened("m2")
    await second.say(["Hi"])

    assert room.links() == [(0, 1), (1, 2)]


async def test_an_abandoned_answer_may_still_be_finished_behind_the_next_one(room: Room) -> None:
    """Its worker comes back after a long sleep: it is overtaken, tries again, and goes on."""
    first = await room.opened("m1")
    await first.say(["Hello"])
    room.now += timedelta(hours=1)
    second = await room.opened("m2")
    await second.say(["Hi"])

    with pytest.raises(Busy):
        await first.say([" there"])

    await second.finish(STOP)
    again = await room.opened("m1")
    assert (again.said, again.next_chunk) == ("Hello", 1)
    await again.finish(STOP)

    assert [chunk.chunk_id for chunk in room.chunks("m1")] == [0, 1]
    assert room.links() == [(0, 1), (1, 2), (2, 3), (3, 4)]


async def test_a_frame_that_we_cannot_read_does_not_block_its_session(room: Room) -> None:
    """A newer worker's, during a deployment: it is not this message's fault."""
    first = await room.opened("m1")
    await first.say(["Hello"])
    room.log.frames[0] = replace(room.log.frames[0], body=b'{"kind":"of the future"}')
    second = await room.opened("m2")
    await second.finish(STOP)

    assert room.links() == [(0, 1), (1, 2)]

    third = await room.opened("m1")
    assert (third.beginning_is_gone, third.next_chunk) == (True, 1)


async def test_an_id_that_was_used_for_something_else_is_refused(room: Room) -> None:
    first = await room.opened("m1")
    await first.finish(STOP)

    with pytest.raises(Rejected, match="id_conflict: m1 was used before for another message"):
        await room.opened("m1", digest="another")


async def test_of_two_writers_the_one_that_was_overtaken_stops(room: Room) -> None:
    """Both believe to own the answer; one was paused past the end of its lease."""
    paused = await room.opened()
    await paused.say(["Hello"])
    successor = await room.opened()
    await successor.say([" there"])
    told = len(room.told)

    with pytest.raises(Busy) as busy:
        await paused.say([" you"])

    assert busy.value.after == 0.5
    assert len(room.told) == told
    assert room.text() == "Hello there"


async def test_of_two_writers_that_have_said_nothing_one_begins(room: Room) -> None:
    one, other = await room.opened(), await room.opened()
    await one.say(["Hello"])

    with pytest.raises(Busy):
        await other.say(["Good morning"])

    assert room.text() == "Hello"


async def test_an_overtaken_writer_cannot_end_the_answer_either(room: Room) -> None:
    paused = await room.opened()
    successor = await room.opened()
    await successor.say(["Hello"])

    with pytest.raises(Busy):
        await paused.finish(cancelled())

    assert not any(frame.final for frame in room.log.frames)


async def test_whoever_finishes_second_finds_the_end_and_tells_it(room: Room) -> None:
    """The first may have died between storing and telling."""
    one, other = await room.opened(), await room.opened()
    await one.finish(STOP)
    room.told.clear()

    assert await other.finish(cancelled()) == room.log.frames[0]
    assert room.told == room.log.frames
    assert len(room.log.frames) == 1


async def test_an_end_of_another_answer_is_not_taken_for_ours(room: Room) -> None:
    one, other = await room.opened("m1"), await room.opened("m2")
    await other.finish(STOP)

    with pytest.raises(Busy):
        await one.finish(STOP)


async def test_a_frame_that_comes_between_the_two_looks_is_seen_by_both(room: Room) -> None:
    """Else its chunk's number would be given a second time, behind it."""
    paused = await room.opened()
    await paused.say(["Hello"])
    room.log.between_looks = lambda: paused.say([" there"])
    successor = await room.opened()
    await successor.say([" you"])

    assert (successor.said, room.text()) == ("Hello there you", "Hello there you")
    assert [chunk.chunk_id for chunk in room.chunks()] == [0, 1, 2]


async def test_a_first_frame_that_comes_between_the_two_looks_is_seen_by_both(room: Room) -> None:
    paused = await room.opened()
    room.log.between_looks = lambda: paused.say(["Hello"])
    successor = await room.opened()
    await successor.say([" there"])

    assert [chunk.chunk_id for chunk in room.chunks()] == [0, 1]


async def test_a_lost_acknowledgement_is_no_second_chunk(room: Room) -> None:
    """The stream has it, the worker does not know: its successor goes on behind it."""
    room.log.loses_acknowledgements = 1
    writer = await room.opened()
    with pytest.raises(LogAway):
        await writer.say(["Hello"])
    successor = await room.opened()
    await successor.say([" there"])

    assert [(chunk.chunk_id, chunk.chunk) for chunk in room.chunks()] == [(0, "Hello"), (1, " there")]


async def test_a_stream_that_lost_its_memory_gets_the_rest(room: Room) -> None:
    """Clients that heard the beginning hear the end; for the others a rest is better than silence."""
    writer = await room.opened()
    await writer.say(["Hello"])
    room.log.frames.clear()
    await writer.say([" there"])
    await writer.finish(STOP)

    assert [chunk.chunk_id for chunk in room.chunks()] == [1, 2]
    assert room.links() == [(0, 2), (2, 3)]


async def test_after_the_stream_lost_its_memory_only_one_goes_on(room: Room) -> None:
    one = await room.opened()
    await one.say(["Hello"])
    other = await room.opened()
    room.log.frames.clear()
    await one.say([" there"])

    with pytest.raises(Busy):
        await other.say([" you"])

    assert room.text() == " there"


async def test_an_answer_whose_beginning_is_gone_says_so(room: Room) -> None:
    """Going on would give clients a rest that fits nothing."""
    first = await room.opened()
    await first.say(["Hello"])
    await first.say([" there"])
    room.log.forget(before_seq=2)
    second = await room.opened()

    assert second.beginning_is_gone
    assert second.next_chunk == 2

    await second.finish(failed("not_resumable", "the beginning of this answer is gone"))

    assert [chunk.chunk_id for chunk in room.chunks()] == [1, 2]


async def test_a_replica_that_lags_is_asked_again(room: Room) -> None:
    first = await room.opened()
    await first.say(["Hello"])
    room.log.lags = STALE_READS
    second = await room.opened()

    assert (second.said, room.pauses) == ("Hello", [0.01] * STALE_READS)


async def test_but_not_for_ever(room: Room) -> None:
    first = await room.opened()
    await first.say(["Hello"])
    room.log.lags = STALE_READS + 1

    with pytest.raises(LogAway, match="lags behind"):
        await room.opened()


async def test_an_end_that_is_kept_nowhere(room: Room) -> None:
    """For what never became an answer; pods pass it on without looking for its place in the chain."""
    frame = room.writer(correlation_id="corr-1").unstored(failed("invalid_request", "no message"))
    (chunk,) = read_chunks(frame.body)

    assert (chunk.chunk_id, chunk.chunk_type, chunk.is_final) == (0, "error", True)
    assert chunk.error is not None
    assert (chunk.error.code, chunk.error.message) == ("invalid_request", "no message")
    assert (frame.seq, frame.previous, frame.final) == (0, 0, True)
    assert frame_from_copy(copy_headers_of(frame), frame.body) is None
    assert room.log.frames == []


async def test_an_end_that_could_not_be_stored_keeps_its_number(room: Room) -> None:
    writer = await room.opened()
    room.log.away = True
    with pytest.raises(LogAway):
        await writer.finish(failed("invalid_request", "no message"))

    (chunk,) = read_chunks(writer.unstored(failed("invalid_request", "no message")).body)
    assert chunk.chunk_id == 0


# --- sizes


def size_of(frame: Frame) -> int:
    """As the server counts, with generous room for what the fence and the copy add."""
    headers = {**headers_of(frame), **copy_headers_of(frame)}
    return len(frame.body) + 400 + sum(len(name) + len(value) + 4 for name, value in headers.items())


HUGE = {
    "letters": "x" * 1_000_000,
    "four bytes each": "\U0001f600" * 200_000,
    "six bytes each": "\x00" * 200_000,
}
LONGEST_IDS = {"session_id": "s" * 64, "correlation_id": "c" * 128, "trace": {"traceparent": "t" * 256}}


@pytest.mark.parametrize("max_payload", [8 * KIB, 32 * KIB, 1024 * KIB])
@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
async def test_a_huge_piece_is_cut_to_fit_any_server(text: str, max_payload: int) -> None:
    room = Room(max_payload)
    text = text[: 20_000 if max_payload == 8 * KIB else len(text)]
    writer = await room.opened("m" * 64, **LONGEST_IDS)
    await writer.say([text], ChunkMetadata(model="m" * 128, provider="anthropic"))
    await writer.finish(STOP)

    assert room.text("m" * 64) == text
    assert [chunk.chunk_id for chunk in room.chunks("m" * 64)] == list(range(writer.next_chunk))
    assert max(map(size_of, room.log.frames)) <= max_payload
    assert [frame.final for frame in room.log.frames].count(True) == 1


@pytest.mark.parametrize("max_payload", [8 * KIB, 32 * KIB, 64 * KIB, 1024 * KIB])
async def test_a_batch_of_many_small_pieces_is_cut_to_fit_any_server(max_payload: int) -> None:
    """Ids and metadata are repeated in every chunk; here they are a hundred times as long as the text."""
    room = Room(max_payload)
    writer = await room.opened("m" * 64, **LONGEST_IDS)
    writer.hold(["\x01"] * 3000, ChunkMetadata(model="m" * 128, provider="anthropic"))
    await writer.finish(STOP)

    assert room.text("m" * 64) == "\x01" * 3000
    assert max(map(size_of, room.log.frames)) <= max_payload
    assert [frame.final for frame in room.log.frames] == [False] * (len(room.log.frames) - 1) + [True]


async def test_a_batch_has_at_most_a_thousand_chunks(room: Room) -> None:
    """Readers refuse more."""
    writer = await room.opened(session_id="s", message_id="m")
    writer.hold(["x"] * 2500)
    await writer.finish(STOP)

    assert max(len(read_chunks(frame.body)) for frame in room.log.frames) <= 1000
    assert [chunk.chunk_id for chunk in room.chunks("m")] == list(range(2501))


async def test_a_server_that_takes_next_to_nothing_gets_it_letter_by_letter() -> None:
    room = Room(3 * KIB)
    writer = await room.opened()
    await writer.say(["Hello"])
    await writer.finish(STOP)

    assert [chunk.chunk for chunk in room.chunks()] == ["H", "e", "l", "l", "o", ""]
    assert max(map(size_of, room.log.frames)) <= 3 * KIB


@pytest.mark.parametrize(
    ("said", "stored"),
    [("\ud83d", "?"), ("a\udc00b", "a?b"), ("\ud83d\ude00", "??"), ("\U0001f600", "\U0001f600")],
)
async def test_half_characters_become_question_marks(room: Room, said: str, stored: str) -> None:
    """UTF-8 has no way to say them, and models do stream them."""
    writer = await room.opened()
    await writer.say([said])
    await writer.finish(STOP)

    assert (room.text(), writer.said) == (stored, stored)


async def test_a_real_server_with_a_small_limit_takes_it_all(tmp_path: Path, metrics: Metrics) -> None:
    """Over the limit it would close the connection for good."""
    server, room = NatsServer(tmp_path / "nats", max_payload=32 * KIB), Room()
    async with stopping(server.child):
        await server.start()
        async with await nats.connect(server.url("developer")) as client:
            await Topology.of(Settings()).apply(client.jetstream())
            log = JetStreamChunkLog(
                DurablePublisher(lambda: client, metrics, budget=5),
                client.jetstream,
                lambda: client,
                "CHAT_CHUNKS",
            )
            writer = AnswerWriter("s" * 64, "m1", "digest", log, room, correlation_id="c" * 128)
            await writer.open()
            await writer.say(["\x00" * 20_000], METADATA)
            writer.hold(["\x01"] * 300, METADATA)
            await writer.finish(STOP)
            again = AnswerWriter("s" * 64, "m1", "digest", log, room)
            await again.open()

    assert again.finished is not None
    assert again.finished.seq == len(room.told) > 5
    assert "".join(chunk.chunk for frame in room.told for chunk in read_chunks(frame.body)) == writer.said
    assert [(frame.previous, frame.seq) for frame in room.told] == [
        (seq - 1, seq) for seq in range(1, len(room.told) + 1)
    ]


# --- any order of events


class Crash(Exception):
    """A worker dies here."""


class Weather(MemoryChunkLog):
    """A log in bad weather: whoever uses it loses time, its acknowledgement, or its life."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        self.rng, self.log = rng, MemoryChunkLog()

    async def turn(self) -> None:
        """Let others go first; sometimes for ever."""
        for _ in range(self.rng.randrange(4)):
            await asyncio.sleep(0)
        if self.rng.random() < 0.05:
            raise Crash

    async def append(self, frame: Frame) -> int:
        await self.turn()
        seq = await self.log.append(frame)
        await self.turn()  # stored, and its worker dies before it hears of it
        if self.rng.random() < 0.05:
            raise LogAway("the acknowledgement was lost")
        return seq

    async def last(self, session_id: str, message_id: str | None = None) -> Frame | None:
        await self.turn()
        found = await self.log.last(session_id, message_id)
        await self.turn()
        return found

    async def after(
        self, session_id: str, seq: int, limit: int, message_id: str | None = None
    ) -> list[Frame]:
        await self.turn()
        return await self.log.after(session_id, seq, self.rng.randint(1, 3), message_id)


@dataclass
class Storm:
    """Workers that all believe to own the answers of one session."""

    rng: Random
    told: list[Frame] = field(default_factory=list)
    deaths: int = 0
    log: Weather = field(init=False)

    def __post_init__(self) -> None:
        self.log = Weather(self.rng)

    async def tell(self, frame: Frame) -> None:
        await self.log.turn()
        self.told.append(frame)

    async def work(self, message_id: str, words: list[str]) -> None:
        """What becomes of a message that is delivered until it is answered."""
        while True:
            writer = AnswerWriter("s1", message_id, f"digest-of-{message_id}", self.log, self)
            try:
                await writer.open()
                if writer.finished is None:
                    await self._speak(writer, words)
                await writer.finish(STOP)
            except (Busy, LogAway, Crash) as trouble:
                self.deaths += isinstance(trouble, Crash)
                await asyncio.sleep(0)
            else:
                return

    async def _speak(self, writer: AnswerWriter, words: list[str]) -> None:
        rest = list(words[len(writer.said.split()) :])
        while rest:
            count = self.rng.randint(1, 3)
            said, rest = rest[:count], rest[count:]
            if not rest and self.rng.random() < 0.5:
                writer.hold(said)
            else:
                await writer.say(said)


@pytest.mark.parametrize("seed", range(60))
async def test_whatever_happens_every_answer_is_one_gapless_chain_with_one_end(seed: int) -> None:
    """Two messages of a session, two workers for each of them, and all of them may die at any moment."""
    storm = Storm(Random(seed))
    texts = {
        "m1": [f" one{number}" for number in range(12)],
        "m2": [f" two{number}" for number in range(9)],
    }
    async with asyncio.TaskGroup() as workers:
        for message_id in ("m1", "m2", "m1", "m2"):
            workers.create_task(storm.work(message_id, texts[message_id]))

    frames = storm.log.log.frames
    assert [(frame.previous, frame.seq) for frame in frames] == [
        (seq - 1, seq) for seq in range(1, len(frames) + 1)
    ]
    order = [message_id for message_id, _ in groupby(frames, key=lambda frame: frame.message_id)]
    assert sorted(order) == ["m1", "m2"], "one answer at a time"
    for message_id, words in texts.items():
        own = [frame for frame in frames if frame.message_id == message_id]
        chunks = [chunk for frame in own for chunk in read_chunks(frame.body)]
        assert [chunk.chunk_id for chunk in chunks] == list(range(len(words) + 1))
        assert [chunk.is_final for chunk in chunks] == [False] * len(words) + [True]
        assert "".join(chunk.chunk for chunk in chunks) == "".join(words)
        assert [frame.next_chunk for frame in own] == [
            read_chunks(frame.body)[-1].chunk_id + 1 for frame in own
        ]
    assert all(frame in frames for frame in storm.told)
    assert {frame.message_id for frame in storm.told if frame.final} == {"m1", "m2"}
    assert storm.deaths > 0
