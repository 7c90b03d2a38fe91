"""The chunk log in a real stream and in memory: ordered, fenced per session, readable from anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import nats
import pytest
from nats.aio.msg import Msg
from nats.js.api import PubAck
from nats.js.errors import APIError

from memebattle.bus.chunklog import APPEND_TRIES, JetStreamChunkLog, MemoryChunkLog
from memebattle.bus.direct_get import DirectGet
from memebattle.bus.frames import ChunkLog, Frame, LogAway, Overtaken, headers_of
from memebattle.bus.publishing import DurablePublisher, MessageTooLarge
from memebattle.bus.subjects import InvalidToken
from memebattle.cli.local import NatsServer
from memebattle.kit.metrics import Metrics
from tests.contract.conftest import Bus
from tests.waiting import wait_until

STREAM = "CHAT_CHUNKS"
KIB = 1024


@dataclass(frozen=True, slots=True)
class Bench:
    """A log, and what ten minutes do to it: nothing before this sequence is retained."""

    log: ChunkLog
    forget: Callable[[int], Awaitable[object]]


@pytest.fixture
def real(bus: Bus) -> JetStreamChunkLog:
    return JetStreamChunkLog(bus.publisher, bus.js, lambda: bus.client, STREAM)


@pytest.fixture(params=["memory", "jetstream"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "memory":
        memory = MemoryChunkLog()

        async def forget(before_seq: int) -> None:
            memory.forget(before_seq)

        return Bench(memory, forget)
    bus: Bus = request.getfixturevalue("bus")
    log: JetStreamChunkLog = request.getfixturevalue("real")
    return Bench(log, lambda before_seq: bus.js().purge_stream(STREAM, seq=before_seq))


@pytest.fixture
def log(bench: Bench) -> ChunkLog:
    return bench.log


def a_frame(
    next_chunk: int = 1,
    previous: int = 0,
    *,
    session_id: str = "s1",
    message_id: str = "m1",
    writer: str = "w1",
    body: bytes = b'{"n":1}',
) -> Frame:
    digest = f"digest-of-{message_id}"
    return Frame(session_id, message_id, body, next_chunk, False, digest, writer, previous=previous)


async def stored(log: ChunkLog, frame: Frame) -> Frame:
    """The frame as it is read back."""
    return replace(frame, seq=await log.append(frame))


async def chain(log: ChunkLog, count: int, after: Frame | None = None, **names: str) -> list[Frame]:
    """So many frames of one answer, behind each other."""
    frames = []
    for number in range(1, count + 1):
        after = await stored(log, a_frame(number, after.seq if after else 0, **names))
        frames.append(after)
    return frames


async def test_where_nothing_was_written_nothing_is_read(log: ChunkLog) -> None:
    assert await log.last("s1") is None
    assert await log.last("s1", "m1") is None
    assert await log.after("s1", 0, 10) == []
    assert await log.at(1) is None
    assert await log.span() == (0, 0)


async def test_a_frame_is_read_back_as_it_was(log: ChunkLog) -> None:
    seq = await log.append(
        Frame("s1", "m1", b'{"chunk_id":6}', 7, True, "digest", "writer", previous=0, seq=0)
    )

    assert seq == 1
    expected = Frame("s1", "m1", b'{"chunk_id":6}', 7, True, "digest", "writer", previous=0, seq=1)
    assert await log.last("s1") == expected
    assert await log.last("s1", "m1") == expected
    assert await log.after("s1", 0, 10) == [expected]
    assert await log.at(1) == expected


async def test_a_frame_keeps_the_request_s_trace(log: ChunkLog) -> None:
    trace = {"traceparent": "00-" + "4b" * 16 + "-" + "00f0" * 4 + "-01", "correlation_id": "corr-1"}
    await log.append(replace(a_frame(), trace=trace))

    found = [await log.last("s1"), await log.at(1), *await log.after("s1", 0, 10)]
    assert [dict(frame.trace) for frame in found if frame is not None] == [trace] * 3


async def test_each_frame_names_the_one_before_it(log: ChunkLog) -> None:
    await chain(log, 3)

    assert [(frame.previous, frame.seq) for frame in await log.after("s1", 0, 10)] == [(0, 1), (1, 2), (2, 3)]


async def test_the_next_answer_continues_the_session_s_chain(log: ChunkLog) -> None:
    (first,) = await chain(log, 1, message_id="m1")
    (second,) = await chain(log, 1, first, message_id="m2")

    assert second.previous == first.seq
    assert await log.last("s1") == second
    assert await log.last("s1", "m1") == first
    assert await log.last("s1", "m3") is None
    assert await log.after("s1", 0, 10) == [first, second]
    assert await log.after("s1", 0, 10, "m2") == [second]


async def test_reading_goes_on_after_a_cursor(log: ChunkLog) -> None:
    frames = await chain(log, 5)

    assert await log.after("s1", 3, 10) == frames[3:]
    assert await log.after("s1", 5, 10) == []
    assert await log.after("s1", 2, 2) == frames[2:4]


@pytest.mark.parametrize(
    ("cursor", "limit", "found"), [(0, 0, 0), (0, -1, 0), (-7, 10, 2), (2**64 - 1, 10, 0), (2**80, 10, 0)]
)
async def test_a_cursor_from_outside_may_be_any_number(
    log: ChunkLog, cursor: int, limit: int, found: int
) -> None:
    await chain(log, 2)

    assert len(await log.after("s1", cursor, limit)) == found


@pytest.mark.parametrize("seq", [-1, 0, 3, 2**64 - 1, 2**64, 2**80])
async def test_there_is_no_frame_at_a_sequence_nobody_was_given(log: ChunkLog, seq: int) -> None:
    await chain(log, 2)

    assert await log.at(seq) is None


async def test_pages_that_are_read_one_after_another_are_everything(log: ChunkLog) -> None:
    written, read, cursor = await chain(log, 7), [], 0
    while page := await log.after("s1", cursor, 3):
        read.append(page)
        cursor = page[-1].seq

    assert read == [written[:3], written[3:6], written[6:]]


async def test_a_page_ends_with_the_frame_that_completes_a_mebibyte(log: ChunkLog) -> None:
    last = None
    for number in range(1, 6):
        last = await stored(log, a_frame(number, last.seq if last else 0, body=b"x" * 400 * KIB))

    assert [frame.seq for frame in await log.after("s1", 0, 10)] == [1, 2, 3]
    assert [frame.seq for frame in await log.after("s1", 3, 10)] == [4, 5]


async def test_the_largest_frame_is_read_back_by_every_way(log: ChunkLog) -> None:
    frame = await stored(log, a_frame(body=b"x" * (1024 * KIB - 600)))

    assert await log.last("s1") == frame
    assert await log.after("s1", 0, 10) == [frame]
    assert await log.at(1) == frame


async def test_sessions_do_not_see_each_other_though_one_s_name_begins_the_other_s(log: ChunkLog) -> None:
    (short,) = await chain(log, 1, session_id="a", message_id="b")
    (long,) = await chain(log, 1, session_id="ab", message_id="b")

    assert (await log.last("a"), await log.last("ab"), await log.last("b")) == (short, long, None)
    assert await log.after("a", 0, 10) == [short]
    assert await log.after("ab", 0, 10) == [long]
    assert (short.previous, long.previous) == (0, 0)


async def test_a_session_s_chain_leads_through_the_frames_of_others(log: ChunkLog) -> None:
    (first,) = await chain(log, 1, session_id="a")
    await chain(log, 3, session_id="b")
    (second,) = await chain(log, 1, first, session_id="a")

    assert [(each.previous, each.seq) for each in await log.after("a", 0, 10)] == [(0, 1), (1, 5)]
    assert await log.at(3) == (await log.after("b", 0, 10))[1]
    assert await log.last("a") == second


async def test_the_span_is_of_all_sessions(log: ChunkLog) -> None:
    await chain(log, 2, session_id="a")
    await chain(log, 1, session_id="b")

    assert await log.span() == (1, 3)


async def test_an_id_that_is_no_token_is_refused(log: ChunkLog) -> None:
    """A dot or a wildcard in it would read and fence other sessions."""
    for ask in (
        lambda: log.append(a_frame(session_id="a.b")),
        lambda: log.append(a_frame(message_id="*")),
        lambda: log.last("*"),
        lambda: log.last("a", "b.c"),
        lambda: log.after(">", 0, 10),
    ):
        with pytest.raises(InvalidToken):
            await ask()


async def test_who_does_not_name_the_last_frame_is_overtaken_and_hears_by_what(log: ChunkLog) -> None:
    frames = await chain(log, 2)
    for previous in (0, 1, 3):
        with pytest.raises(Overtaken) as overtaken:
            await log.append(a_frame(3, previous, writer="w2"))

        assert overtaken.value.last == frames[-1]
    assert await log.after("s1", 0, 10) == frames


async def test_the_fence_is_the_session_s_and_not_the_answer_s(log: ChunkLog) -> None:
    (first,) = await chain(log, 1, message_id="m1")
    with pytest.raises(Overtaken) as overtaken:
        await log.append(a_frame(message_id="m2", writer="w2"))

    assert overtaken.value.last == first


async def test_what_followed_a_frame_that_is_gone_follows_nothing(log: ChunkLog) -> None:
    with pytest.raises(Overtaken) as overtaken:
        await log.append(a_frame(previous=5))

    assert overtaken.value.last is None
    assert await log.span() == (0, 0)


async def test_of_twenty_racing_writers_one_wins_and_the_others_hear_who(log: ChunkLog) -> None:
    (first,) = await chain(log, 1)
    racing = [a_frame(2, first.seq, writer=f"racer-{n}", body=str(n).encode()) for n in range(20)]
    results = await asyncio.gather(*(log.append(frame) for frame in racing), return_exceptions=True)

    (winner,) = [replace(frame, seq=2) for frame, result in zip(racing, results, strict=True) if result == 2]
    overtaken = [result.last for result in results if isinstance(result, Overtaken)]
    assert overtaken == [winner] * 19
    assert await log.after("s1", 0, 100) == [first, winner]


async def test_writers_of_different_sessions_do_not_race(log: ChunkLog) -> None:
    frames = [a_frame(session_id=f"s{n}") for n in range(20)]
    sequences = await asyncio.gather(*(log.append(frame) for frame in frames))

    assert sorted(sequences) == list(range(1, 21))


async def test_appending_the_very_same_frame_again_finds_the_first(log: ChunkLog) -> None:
    (first,) = await chain(log, 1)
    frame = a_frame(2, first.seq)

    assert [await log.append(frame) for _ in range(3)] == [2, 2, 2]
    assert await log.span() == (1, 2)


@pytest.mark.parametrize(
    "other",
    [
        a_frame(2, 1, writer="w2"),
        a_frame(3, 1),
        a_frame(2, 1, message_id="m2"),
        a_frame(1, 0),
    ],
    ids=["another try", "another piece", "another answer", "an older piece"],
)
async def test_a_frame_that_only_looks_like_the_last_one_is_overtaken(log: ChunkLog, other: Frame) -> None:
    frames = await chain(log, 2)
    with pytest.raises(Overtaken) as overtaken:
        await log.append(other)

    assert overtaken.value.last == frames[-1]


async def test_a_frame_without_news_follows_its_own_try(log: ChunkLog) -> None:
    """It has the same writer and the same next chunk as the frame before it, and is another one."""
    first = await stored(log, a_frame(3))
    end = await stored(log, replace(a_frame(3, first.seq), final=True))

    assert await log.after("s1", 0, 10) == [first, end]


async def test_a_frame_over_the_limit_is_not_sent(log: ChunkLog) -> None:
    with pytest.raises(MessageTooLarge):
        await log.append(a_frame(body=b"x" * log.max_payload))

    assert log.max_payload == 1024 * KIB
    assert await log.span() == (0, 0)


async def test_reading_begins_at_the_first_retained_frame(bench: Bench) -> None:
    """The reader sees the hole: the frame's `previous` is not its cursor."""
    frames = await chain(bench.log, 5)
    await bench.forget(4)

    assert await bench.log.after("s1", 1, 10) == frames[3:]
    assert frames[3].previous == 3
    assert await bench.log.at(3) is None
    assert await bench.log.last("s1") == frames[4]
    assert await bench.log.span() == (4, 5)


async def test_an_answer_outlives_the_expiry_of_its_beginning(bench: Bench) -> None:
    frames = await chain(bench.log, 3)
    await bench.forget(3)

    assert await bench.log.append(a_frame(4, frames[2].seq)) == 4


async def test_when_all_expired_the_next_frame_follows_nothing(bench: Bench) -> None:
    frames = await chain(bench.log, 3)
    await bench.forget(4)

    assert await bench.log.last("s1") is None
    assert await bench.log.after("s1", 0, 10) == []
    assert await bench.log.span() == (0, 3)
    with pytest.raises(Overtaken) as overtaken:
        await bench.log.append(a_frame(4, frames[2].seq))
    assert overtaken.value.last is None
    assert await bench.log.append(a_frame(4, 0)) == 4


async def strangers(bus: Bus, count: int = 1, subject: str = "chat.stream.s1.m1") -> None:
    for _ in range(count):
        await bus.js().publish(subject, b"hello", headers={"Status": "204"})


async def test_messages_that_are_no_frames_are_not_read(bus: Bus, real: JetStreamChunkLog) -> None:
    """They may fill whole pages, and claim a status."""
    await strangers(bus)
    (first,) = await chain(real, 1)
    await strangers(bus, 3)
    (second,) = await chain(real, 1, first, message_id="m2")

    assert (first.seq, second.previous, second.seq) == (2, 2, 6)
    assert await real.after("s1", 0, 10) == [first, second]
    assert await real.after("s1", first.seq, 1) == [second]
    assert await real.at(1) is None


async def test_a_message_that_is_no_frame_does_not_hide_the_last_one(
    bus: Bus, real: JetStreamChunkLog
) -> None:
    frames = await chain(real, 3)
    await strangers(bus, 2)

    assert await real.last("s1") == frames[2]
    assert await real.last("s1", "m1") == frames[2]
    assert await real.after("s1", frames[2].seq, 1) == []


async def test_a_session_of_messages_that_are_no_frames_is_empty(bus: Bus, real: JetStreamChunkLog) -> None:
    await strangers(bus, 2)

    assert await real.last("s1") is None
    assert await real.after("s1", 0, 1) == []
    with pytest.raises(Overtaken) as overtaken:
        await real.append(a_frame(previous=1))
    assert overtaken.value.last is None
    assert await real.append(a_frame(previous=0)) == 3


async def test_a_frame_is_found_beneath_more_than_a_page_of_others(bus: Bus, real: JetStreamChunkLog) -> None:
    (frame,) = await chain(real, 1)
    for _ in range(300):
        await bus.client.publish("chat.stream.s1.m1", b"hello")

    async def all_stored() -> bool:
        return await real.span() == (1, 301)

    await wait_until(all_stored, "three hundred messages")

    assert await real.last("s1") == frame
    assert await real.append(a_frame(2, frame.seq)) == 302


async def test_a_message_that_is_no_frame_does_not_open_the_fence(bus: Bus, real: JetStreamChunkLog) -> None:
    """Another worker's frame lies beneath it."""
    (first,) = await chain(real, 1)
    (theirs,) = await chain(real, 1, first, writer="w2")
    await strangers(bus)
    with pytest.raises(Overtaken) as overtaken:
        await real.append(a_frame(2, first.seq))

    assert overtaken.value.last == theirs


async def test_our_own_frame_is_found_beneath_a_message_that_is_none(
    bus: Bus, real: JetStreamChunkLog
) -> None:
    (first,) = await chain(real, 1)
    await strangers(bus)

    assert await real.append(a_frame(1)) == first.seq


@dataclass(slots=True)
class Crowded(DurablePublisher):
    """Somebody else always comes first."""

    crowd: int = 0

    async def _once(self, subject: str, body: bytes, headers: dict[str, str], stream: str | None) -> PubAck:  # type: ignore[override]
        if self.crowd:
            self.crowd -= 1
            await self.connection().jetstream().publish(subject, b"hello")
        return await DurablePublisher._once(self, subject, body, headers, stream)


async def test_a_crowd_is_waited_out_but_not_for_ever(bus: Bus, metrics: Metrics) -> None:
    publisher = Crowded(lambda: bus.client, metrics, crowd=APPEND_TRIES - 1)
    log = JetStreamChunkLog(publisher, bus.js, lambda: bus.client, STREAM)

    assert await log.append(a_frame()) == APPEND_TRIES

    publisher.crowd = APPEND_TRIES
    with pytest.raises(LogAway, match="strangers keep writing"):
        await log.append(a_frame(session_id="s2"))


@dataclass(slots=True)
class Deaf(DurablePublisher):
    """The first acknowledgement is lost."""

    lost: list[PubAck] = field(default_factory=list)

    async def _once(self, subject: str, body: bytes, headers: dict[str, str], stream: str | None) -> PubAck:  # type: ignore[override]
        acknowledgement = await DurablePublisher._once(self, subject, body, headers, stream)
        if not self.lost:
            self.lost.append(acknowledgement)
            raise TimeoutError
        return acknowledgement


async def test_a_lost_acknowledgement_is_found_to_be_ours(bus: Bus, metrics: Metrics) -> None:
    publisher = Deaf(lambda: bus.client, metrics, budget=5)
    log = JetStreamChunkLog(publisher, bus.js, lambda: bus.client, STREAM)

    assert await log.append(a_frame()) == 1
    assert [each.seq for each in publisher.lost] == [1]
    assert await log.span() == (1, 1)


@pytest.fixture
def hasty(bus: Bus, metrics: Metrics) -> JetStreamChunkLog:
    """A log that gives up soon."""
    publisher = DurablePublisher(lambda: bus.client, metrics, budget=0.1)
    return JetStreamChunkLog(publisher, bus.js, lambda: bus.client, STREAM, patience=0.1)


async def all_fail(log: ChunkLog) -> None:
    for ask in (
        lambda: log.append(a_frame()),
        lambda: log.last("s1"),
        lambda: log.after("s1", 0, 10),
        lambda: log.at(1),
        log.span,
    ):
        with pytest.raises(LogAway, match=STREAM):
            await asyncio.wait_for(ask(), 5)


async def test_without_the_stream_the_log_is_away(bus: Bus, hasty: JetStreamChunkLog) -> None:
    await bus.js().delete_stream(STREAM)

    await all_fail(hasty)


async def test_without_a_connection_the_log_is_away(bus: Bus, hasty: JetStreamChunkLog) -> None:
    await bus.client.close()

    await all_fail(hasty)


async def test_a_stream_that_cannot_store_is_away(bus: Bus, hasty: JetStreamChunkLog) -> None:
    """A refusal for good, other than the fence's."""
    config = (await bus.js().stream_info(STREAM)).config
    await bus.js().update_stream(replace(config, max_msg_size=200))

    with pytest.raises(LogAway, match="not stored"):
        await hasty.append(a_frame(body=b"x" * 300))


@dataclass(slots=True)
class Replicas:
    """Answer direct gets in place of the server, by a script: the headers of each message of each answer."""

    bus: Bus
    script: list[list[dict[str, str]]]
    asked: int = 0

    async def take_over(self) -> None:
        """The server leaves direct gets alone while the stream forbids them."""
        config = (await self.bus.js().stream_info(STREAM)).config
        await self.bus.js().update_stream(replace(config, allow_direct=False))
        await self.bus.client.subscribe(f"$JS.API.DIRECT.GET.{STREAM}", cb=self._answer)

    async def _answer(self, message: Msg) -> None:
        for headers in self.script[self.asked]:
            await self.bus.client.publish(message.reply, b"", headers=headers)
        self.asked += 1


THERE_IS_MORE = [{"Nats-Sequence": "5"}]


async def test_a_page_that_does_not_end_is_given_up_and_leaves_nothing_behind(
    bus: Bus, hasty: JetStreamChunkLog
) -> None:
    replicas = Replicas(bus, [THERE_IS_MORE, []])
    await replicas.take_over()
    before = set(bus.client._subs)

    with pytest.raises(LogAway, match="no answer in time"):
        await asyncio.wait_for(hasty.after("s1", 0, 10), 5)
    assert replicas.asked == 2
    assert set(bus.client._subs) == before


async def test_a_reader_that_leaves_leaves_nothing_behind(bus: Bus, real: JetStreamChunkLog) -> None:
    replicas = Replicas(bus, [THERE_IS_MORE, []])
    await replicas.take_over()
    before = set(bus.client._subs)
    reading = asyncio.create_task(real.after("s1", 0, 10))
    await wait_until(lambda: replicas.asked == 2, "the question for a page")
    reading.cancel()
    await asyncio.wait([reading])

    assert reading.cancelled()
    assert set(bus.client._subs) == before


async def test_a_refusal_is_no_empty_page(bus: Bus, hasty: JetStreamChunkLog) -> None:
    replicas = Replicas(bus, [THERE_IS_MORE, [{"Status": "408"}]])
    await replicas.take_over()

    with pytest.raises(LogAway, match="408"):
        await hasty.after("s1", 0, 10)


async def test_a_replica_that_lags_behind_is_asked_again(bus: Bus, real: JetStreamChunkLog) -> None:
    """One says that there is more, the next does not have it yet, the third has."""
    frame = replace(a_frame(), body=b"", seq=5)
    found = {**headers_of(frame), "Nats-Subject": "chat.stream.s1.m1", "Nats-Sequence": "5"}
    end = {"Status": "204", "Nats-Last-Sequence": "5"}
    replicas = Replicas(bus, [THERE_IS_MORE, [{"Status": "404"}], [found, end]])
    await replicas.take_over()

    assert await real.after("s1", 0, 10) == [frame]


async def test_a_stream_without_direct_gets_is_away(bus: Bus, real: JetStreamChunkLog) -> None:
    config = (await bus.js().stream_info(STREAM)).config
    await bus.js().update_stream(replace(config, allow_direct=False))

    with pytest.raises(LogAway):
        await real.after("s1", 0, 10)
    with pytest.raises(APIError, match="503"):
        await DirectGet(lambda: bus.client, STREAM).batch("chat.stream.s1.>", 1, 10, 1000)


async def test_a_stored_frame_says_what_it_is_in_its_headers(bus: Bus, real: JetStreamChunkLog) -> None:
    (first,) = await chain(real, 1)
    trace = {"correlation_id": "corr-1"}
    await real.append(replace(a_frame(7, first.seq), final=True, trace=trace))
    message = await bus.js().get_last_msg(STREAM, "chat.stream.s1.m1")

    ours = {name: value for name, value in (message.headers or {}).items() if not name.startswith("Nats-")}
    assert ours == {
        "Mb-Previous": "1",
        "Mb-Next-Chunk": "7",
        "Mb-Final": "1",
        "Mb-Digest": "digest-of-m1",
        "Mb-Writer": "w1",
        "content-type": "application/json",
        "correlation_id": "corr-1",
    }
    assert message.data == b'{"n":1}'


async def test_a_log_reads_through_the_inbox_that_its_connection_may_hear(
    bus: Bus, nats_server: NatsServer, metrics: Metrics
) -> None:
    """Services have a private inbox prefix, and permission for no other."""
    heard: list[str] = []

    async def listen(message: Msg) -> None:
        heard.append(message.reply.split(".")[0])

    await bus.client.subscribe("$JS.API.DIRECT.GET.>", cb=listen)
    client = await nats.connect(nats_server.url("developer"), inbox_prefix=b"_INBOX_pod")
    publisher = DurablePublisher(lambda: client, metrics, budget=5)
    log = JetStreamChunkLog(publisher, client.jetstream, lambda: client, STREAM)
    frames = await chain(log, 2)

    assert await log.after("s1", 0, 10) == frames
    await client.close()
    await bus.client.flush()
    assert heard == ["_INBOX_pod", "_INBOX_pod"]
