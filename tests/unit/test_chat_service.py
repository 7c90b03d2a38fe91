"""Chat in the workers: one answer for each message, over both paths, any crash and any outage."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace

import pytest

from memebattle.bus.frames import Frame, LogAway
from memebattle.bus.idempotency import Delivery
from memebattle.bus.outcome import Busy, Rejected, Retryable
from memebattle.chat.messages import WorkflowRequest
from memebattle.generation.ports import (
    ProviderUnavailable,
)
from memebattle.generation.providers.local_text import LocalText
from memebattle.kit.claims import Taken, Won
from memebattle.kit.metrics import Metrics
from memebattle.store.claims import MemoryClaims
from memebattle.store.history import MemoryHistory
from tests.office import CORE, JS, LEASE, SPAN, TRACE, Office, OfficeOf, ended
from tests.talkers import HELLO, STOP
from tests.waiting import wait_until


@pytest.fixture
def office(metrics: Metrics) -> Office:
    return Office(metrics)


@pytest.fixture
def office_of(metrics: Metrics) -> OfficeOf:
    """An office whose model has these scripts."""
    return lambda *scripts, **env: Office(metrics, *scripts, **env)


# --- cancelling


async def test_cancelled_before_anybody_took_it(office: Office) -> None:
    await office.chat.cancel("s1", "m1")
    await office.ask()

    assert office.end() == ended("system", "cancelled")
    assert (office.model.specs, len(office.chunks())) == ([], 1)


async def test_cancelled_before_the_first_chunk(office_of: OfficeOf) -> None:
    office = office_of((asyncio.Event(),))
    async with office.asking():
        await wait_until(lambda: office.model.specs, "the model to be asked")
        await office.chat.cancel("s1", "m1")

    assert office.end() == ended("system", "cancelled")
    assert office.model.left == 1


@pytest.mark.parametrize("message_id", ["m1", None])
async def test_cancelled_while_it_is_told(office_of: OfficeOf, message_id: str | None) -> None:
    """By name, or whatever the session is being told; the text so far stays."""
    office = office_of(("Hello", asyncio.Event()))
    async with office.asking():
        await wait_until(office.told, "the first chunk")
        await office.chat.cancel("s1", message_id)

    assert (office.end(), office.text()) == (ended("system", "cancelled"), "Hello")
    assert office.model.left == 1
    assert office.count("answers_total", provider="toy", finish_reason="cancelled") == 1
    assert json.loads(office.chunks()[-1].body())["metadata"]["provider"] == "toy"


async def test_cancelled_while_the_other_copy_of_the_message_comes_and_goes(office_of: OfficeOf) -> None:
    """Each message arrives twice, and the second copy looks again and again; it must not hide the first."""
    office = office_of(("Hello", asyncio.Event()))
    async with office.asking(delivery=CORE):
        await wait_until(office.told, "the first chunk")
        with pytest.raises(Busy):
            await office.ask(JS)
        await office.chat.cancel("s1", "m1")

    assert office.end() == ended("system", "cancelled")


async def test_cancelled_while_the_history_is_being_read(office: Office) -> None:
    """After the message was taken, before the model is asked."""
    reading, go_on = asyncio.Event(), asyncio.Event()

    class Slow(MemoryHistory):
        async def recall(self, session_id: str, without: str = "") -> list[tuple[str, str]] | None:
            reading.set()
            await go_on.wait()
            return []

    office.history = Slow(10, 3600)
    office.chat = office.worker()
    async with office.asking():
        await reading.wait()
        await office.chat.cancel("s1", "m1")
        go_on.set()

    assert (office.end(), office.text()) == (ended("system", "cancelled"), "")


async def test_cancelled_while_a_waiting_message_is_being_looked_at(office: Office) -> None:
    """Its claim is held for that moment, and given back: the stop must outlive both."""
    looking, go_on = asyncio.Event(), asyncio.Event()
    last = office.log.last

    async def slow_last(session_id: str, message_id: str | None = None) -> Frame | None:
        found = await last(session_id, message_id)
        looking.set()
        await go_on.wait()
        return found

    await office.log.append(Frame("s1", "m0", office.chunk("m0"), 1, False, "digest", "somebody"))
    office.log.last = slow_last
    async with office.asking() as waiting:
        await looking.wait()
        await office.chat.cancel("s1", "m1")
        go_on.set()
        with pytest.raises(Busy):
            await waiting

    await office.log.append(Frame("s1", "m0", office.chunk("m0", 1), 2, True, "digest", "somebody", 1))
    await office.ask()

    assert (office.end(), office.text()) == (ended("system", "cancelled"), "")


async def test_cancelled_after_the_end_changes_nothing(office: Office) -> None:
    await office.ask()
    await office.chat.cancel("s1", "m1")
    await office.chat.cancel("s1", None)
    await office.ask()

    assert office.end() == ended("metadata", "stop")


async def test_cancelled_while_it_waits_for_its_next_try(office_of: OfficeOf) -> None:
    office = office_of((ProviderUnavailable("overloaded"),))
    with pytest.raises(Retryable):
        await office.ask()
    await office.chat.cancel("s1", "m1")
    await office.ask()

    assert office.end() == ended("system", "cancelled")


async def test_cancelling_touches_nobody_else(office_of: OfficeOf) -> None:
    hold = asyncio.Event()
    office = office_of(("Hello", hold, STOP))
    async with office.asking():
        await wait_until(office.told, "the first chunk")
        await office.chat.cancel("s2", None)
        await office.chat.cancel("s1", "m2")
        hold.set()

    assert office.end() == ended("metadata", "stop")


async def test_a_worker_that_is_not_at_it_cannot_cancel_what_another_one_is_at(office_of: OfficeOf) -> None:
    """All workers hear the order; the one that is at it stops, the others must not spoil its claim."""
    office = office_of(("Hello", asyncio.Event()))
    async with office.asking():
        await wait_until(office.told, "the first chunk")
        await office.worker().cancel("s1", "m1")
        assert isinstance(await office.claims.claim("m1", LEASE), Taken)
        await office.chat.cancel("s1", "m1")

    assert office.end() == ended("system", "cancelled")


# --- one answer, over both paths and any crash


@pytest.mark.parametrize(("first", "second"), [(CORE, JS), (JS, CORE)], ids=["core first", "jetstream first"])
async def test_both_copies_of_a_message_are_one_answer(
    office: Office, first: Delivery, second: Delivery
) -> None:
    await office.ask(first)
    await office.ask(second)
    await office.ask(second, chat=office.worker())

    assert office.end() == ended("metadata", "stop")
    assert len(office.model.specs) == 1
    assert office.count("duplicate_messages_total", source=second.source, reason="in_process") == 1
    assert office.count("duplicate_messages_total", source=second.source, reason="done") == 1
    assert office.count("requests_total") == 1


async def test_the_second_copy_waits_while_the_first_is_in_work(office_of: OfficeOf) -> None:
    """On this worker, and on another one."""
    hold = asyncio.Event()
    office = office_of(("Hello", hold, STOP))
    async with office.asking(delivery=CORE):
        await wait_until(office.told, "the first chunk")
        for worker in (office.chat, office.worker()):
            with pytest.raises(Busy):
                await office.ask(JS, chat=worker)
        hold.set()

    assert office.end() == ended("metadata", "stop")
    assert office.count("duplicate_messages_total", source="jetstream", reason="lease") == 2


async def test_without_a_slot_the_core_copy_is_left_to_jetstream(office: Office) -> None:
    await office.ask(replace(CORE, has_slot=False))

    assert (office.model.specs, office.log.frames) == ([], [])
    assert isinstance(await office.claims.claim("m1", LEASE), Won)


async def test_a_message_without_an_id_has_the_delivery_s(office: Office) -> None:
    await office.ask(JS, message_id=None)

    assert office.end("js-WORKFLOW_REQUESTS-7") == ended("metadata", "stop")


async def test_without_any_id_the_core_copy_is_left_to_jetstream(office: Office) -> None:
    with pytest.raises(Busy) as busy:
        await office.ask(CORE, message_id=None)

    assert (busy.value.after, office.log.frames) == (0, [])
    assert office.count("core_skipped_total", reason="no_id") == 1


async def test_a_worker_that_died_in_mid_answer_has_a_successor(office_of: OfficeOf) -> None:
    office = office_of(("Hello", asyncio.Event()), (" you", STOP))
    async with office.asking() as first:
        await wait_until(office.told, "the first chunk")
        first.cancel()
    await office.ask(chat=office.worker())

    assert (office.end(), office.text()) == (ended("metadata", "stop"), "Hello you")
    assert [spec.said for spec in office.model.specs] == ["", "Hello"]
    assert office.count("resumed_total") == 1


async def test_the_offline_provider_s_answer_is_the_same_over_a_crash(office: Office) -> None:
    """Word for word: what it says follows from the conversation, and so must the conversation."""
    naps = iter(range(1000))

    async def sleep_seven_times(seconds: float) -> None:
        if next(naps) == 7:
            await asyncio.Event().wait()

    async def no_sleep(seconds: float) -> None: ...

    await office.ask(chat=office.worker(LocalText(sleep=no_sleep)), session_id="s2", message_id="whole")
    async with office.asking(chat=office.worker(LocalText(sleep=sleep_seven_times))) as first:
        await wait_until(lambda: len(office.told()) == 7, "seven tokens")
        first.cancel()
    await office.ask(chat=office.worker(LocalText(sleep=no_sleep)))

    assert office.end() == ended("metadata", "stop")
    assert office.text() == office.text("whole") != ""
    assert len(office.chunks()) == len(office.chunks("whole"))


async def test_it_is_the_same_too_when_the_end_could_not_be_stored(office: Office) -> None:
    """The exchange was remembered already: the conversation must not contain the question twice."""

    async def no_sleep(seconds: float) -> None: ...

    local = LocalText(sleep=no_sleep)
    await office.ask(chat=office.worker(local), session_id="s2", message_id="whole")
    append = office.log.append

    async def all_but_the_end(frame: Frame) -> int:
        if frame.final:
            raise LogAway("CHAT_CHUNKS: not stored")
        return await append(frame)

    office.log.append = all_but_the_end  # type: ignore[method-assign]
    with pytest.raises(Busy):
        await office.ask(chat=office.worker(local))
    assert await office.history.recall("s1", "") == [("How are you?", office.text("whole"))]

    office.log.append = append  # type: ignore[method-assign]
    await office.ask(chat=office.worker(local))

    assert office.end() == ended("metadata", "stop")
    assert office.text() == office.text("whole")


async def test_an_answer_that_was_finished_by_a_worker_that_died_is_told_once_more(office: Office) -> None:
    """It died after storing the end, before the acknowledgement, and perhaps before telling it."""
    await office.ask()
    office.claims = MemoryClaims(office.clock)
    heard = len(office.told())
    await office.ask(chat=office.worker())

    assert len(office.model.specs) == 1
    assert office.told()[heard:] == [office.chunks()[-1]]
    assert office.count("duplicate_messages_total", source="jetstream", reason="refused") == 1
    assert office.count("requests_total") == 1


async def test_a_lost_acknowledgement_of_the_end_is_no_second_end(office: Office) -> None:
    office.log.loses_final = 1
    with pytest.raises(Busy):
        await office.ask()
    await office.ask()

    assert office.end() == ended("metadata", "stop")
    assert len(office.model.specs) == 1


async def test_an_answer_whose_beginning_is_gone_cannot_be_resumed(office_of: OfficeOf) -> None:
    office = office_of(("Hello", " there", asyncio.Event()))
    async with office.asking() as first:
        await wait_until(lambda: len(office.told()) == 2, "two chunks")
        first.cancel()
    office.log.forget(before_seq=2)
    await office.ask()

    last = office.chunks()[-1]
    assert (last.chunk_id, last.is_final, last.error and last.error.code) == (2, True, "not_resumable")
    assert len(office.model.specs) == 1


async def test_the_next_message_of_a_session_waits_and_pays_nothing_for_it(office_of: OfficeOf) -> None:
    hold = asyncio.Event()
    office = office_of(("Hello", hold, STOP), HELLO)
    async with office.asking():
        await wait_until(office.told, "the first chunk")
        for _ in range(20):
            with pytest.raises(Busy) as busy:
                await office.ask(message_id="m2")
            assert busy.value.after == 0.5
        hold.set()
    await office.ask(message_id="m2")

    assert [office.end(message_id) for message_id in ("m1", "m2")] == [ended("metadata", "stop")] * 2
    assert len(office.model.specs) == 2


async def test_the_same_id_for_another_message_is_refused_and_harms_nobody(office: Office) -> None:
    await office.ask()
    for chat in (office.chat, office.worker()):
        with pytest.raises(Rejected) as rejected:
            await office.ask(chat=chat, message="Something else")
        assert rejected.value.reason == "id_conflict"
    office.claims = MemoryClaims(office.clock)
    with pytest.raises(Rejected) as rejected:
        await office.ask(chat=office.worker(), message="Something else")

    assert rejected.value.reason == "id_conflict"
    assert office.end() == ended("metadata", "stop")
    assert len(office.model.specs) == 1


async def test_the_subject_and_the_message_have_to_agree_on_the_session(office: Office) -> None:
    with pytest.raises(Rejected) as rejected:
        await office.ask(subject="s2")

    assert (rejected.value.reason, rejected.value.detail) == (
        "invalid_request",
        "session_id: the subject says s2",
    )
    assert (office.model.specs, office.log.frames) == ([], [])


# --- the stream is away


async def test_a_message_waits_for_a_stream_that_does_not_answer_and_pays_nothing_for_it(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """An outage is nobody's failed try; four of them would end the message otherwise."""
    office.log.readable = False
    for _ in range(20):
        with pytest.raises(Busy) as busy:
            await office.ask()
        assert busy.value.after == 1.0
    assert "The chunk stream does not answer: CHAT_CHUNKS: no answer in time" in caplog.text
    assert office.model.specs == []

    office.log.readable = True
    await office.ask()

    assert office.end() == ended("metadata", "stop")


async def test_a_stream_that_goes_away_in_mid_answer_gets_the_rest_later(office_of: OfficeOf) -> None:
    hold = asyncio.Event()
    office = office_of(("Hello", hold, " there", STOP), (" you", STOP))
    async with office.asking() as first:
        await wait_until(office.told, "the first chunk")
        office.log.writable = False
        hold.set()
    assert isinstance(first.exception(), Busy)
    assert office.model.left == 1

    office.log.writable = True
    await office.ask()

    assert (office.end(), office.text()) == (ended("metadata", "stop"), "Hello you")


async def test_a_stream_that_only_answers_questions_does_not_cost_a_fortune(office: Office) -> None:
    """Each try asks the model, who wants to be paid: four are enough here as well."""
    office.log.writable = False
    for _ in range(10):
        with pytest.raises(Busy):
            await office.ask()

    assert len(office.model.specs) == 4

    office.log.writable = True
    with pytest.raises(Rejected):
        await office.ask()

    assert office.end()["code"] == "dead_lettered"


async def test_a_worker_that_is_overtaken_stops_and_leaves_the_answer_alone(office_of: OfficeOf) -> None:
    """It was paused past the end of its lease; its successor has said more meanwhile."""
    hold = asyncio.Event()
    office = office_of(("Hello", hold, " there", STOP), (" you", STOP))
    async with office.asking() as paused:
        await wait_until(office.told, "the first chunk")
        office.clock.now += LEASE + 1
        await office.ask(chat=office.worker())
        hold.set()

    assert isinstance(paused.exception(), Busy)
    assert (office.end(), office.text()) == (ended("metadata", "stop"), "Hello you")
    assert office.model.left == 2


# --- what is refused


async def test_what_cannot_be_read_is_answered_with_an_error(office: Office) -> None:
    await office.refuse(b'{"session_id":"s1","message_id":"m1","message":""}')

    assert office.end() == ended("error", "error", "invalid_request", "message: too short")
    assert office.told() == office.chunks()
    assert office.count("errors_total", source="jetstream", kind="invalid") == 1


@pytest.mark.parametrize(
    ("body", "message_id"),
    [
        (b'{"session_id":"s1"}', "js-WORKFLOW_REQUESTS-7"),
        (b'{"session_id":"s1","message_id":"a.b"}', "js-WORKFLOW_REQUESTS-7"),
        (b'{"session_id":"s1","message_id":7}', "js-WORKFLOW_REQUESTS-7"),
        (b'{"trace_id":"t","data":{"session_id":"s1","message_id":"m1"}}', "m1"),
    ],
)
async def test_an_error_goes_to_whoever_can_be_made_out(office: Office, body: bytes, message_id: str) -> None:
    await office.refuse(body)

    assert office.end(message_id)["code"] == "invalid_request"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b'"text"',
        b"\xff",
        b"[" * 100_000,
        b'{"message_id":"m1"}',
        b'{"session_id":"a b","message_id":"m1"}',
        b'{"data":"text"}',
    ],
)
async def test_what_names_no_session_is_answered_to_nobody(office: Office, body: bytes) -> None:
    await office.refuse(body, "invalid_json")

    assert (office.log.frames, office.wire.published) == ([], [])
    assert office.count("errors_total", source="jetstream", kind="invalid") == 1


@pytest.mark.parametrize("reason", ["id_conflict", "too_many_attempts"])
async def test_what_was_read_has_its_end_already(office: Office, reason: str) -> None:
    await office.refuse(b'{"session_id":"s1","message_id":"m1"}', reason)

    assert (office.log.frames, office.count("errors_total", source="jetstream", kind="invalid")) == ([], 0)


async def test_refused_twice_is_one_error(office: Office) -> None:
    for _ in range(2):
        await office.refuse(b'{"session_id":"s1","message_id":"m1"}')

    assert len(office.chunks()) == 1


async def test_something_unreadable_under_the_id_of_an_answer_does_not_touch_it(office_of: OfficeOf) -> None:
    """Neither one that is complete nor one that is being told: clients would take it for the end."""
    hold = asyncio.Event()
    office = office_of(("Hello", hold, " there", STOP))
    async with office.asking():
        await wait_until(office.told, "the first chunk")
        await office.refuse(b'{"session_id":"s1","message_id":"m1"}')
        hold.set()
    await office.refuse(b'{"session_id":"s1","message_id":"m1"}')

    assert office.end() == ended("metadata", "stop")
    assert office.told() == office.chunks()


@pytest.mark.parametrize("outage", ["readable", "writable"])
async def test_an_error_that_cannot_be_stored_is_told_all_the_same(office: Office, outage: str) -> None:
    setattr(office.log, outage, False)
    await office.refuse(b'{"session_id":"s1","message_id":"m1"}')

    (chunk,) = office.told()
    assert (chunk.chunk_id, chunk.is_final, chunk.error and chunk.error.code) == (0, True, "invalid_request")
    assert office.wire.published[0][2]["Mb-Sequence"] == "0"
    assert office.log.frames == []


async def test_an_error_does_not_wait_for_the_answer_before_it(office_of: OfficeOf) -> None:
    hold = asyncio.Event()
    office = office_of(("Hello", hold, STOP))
    async with office.asking():
        await wait_until(office.told, "the first chunk")
        await office.refuse(b'{"session_id":"s1","message_id":"m2"}')
        assert [chunk.is_final for chunk in office.told("m2")] == [True]
        hold.set()

    assert office.chunks("m2") == []
    assert office.end("m1") == ended("metadata", "stop")


# --- what is counted, logged and traced


async def test_the_numbers_of_an_answer(office_of: OfficeOf) -> None:
    think, write = asyncio.Event(), asyncio.Event()
    office = office_of((think, "Hello", write, " there", STOP))
    async with office.asking():
        await wait_until(lambda: office.model.specs, "the model to be asked")
        office.clock.now += 0.25
        think.set()
        await wait_until(office.told, "the first chunk")
        office.clock.now += 1
        write.set()

    assert office.count("requests_total") == 1
    assert office.count("answers_total", provider="toy", finish_reason="stop") == 1
    assert office.count("chunks_total", provider="toy") == 3
    assert office.count("first_chunk_seconds_sum", provider="toy") == 0.25
    assert office.count("first_chunk_seconds_count", provider="toy") == 1
    assert office.count("answer_duration_seconds_sum", provider="toy") == 1.25
    assert (office.count("resumed_total"), office.count("unknown_fields_total")) == (0, 0)
    assert office.count("broadcasts_total", reason="nobody_connected") == 3


async def test_a_duplicate_is_counted_as_nothing_else(office: Office) -> None:
    await office.ask(CORE)
    await office.ask(JS)

    assert office.count("requests_total") == 1
    assert office.count("answers_total", provider="toy", finish_reason="stop") == 1


async def test_unknown_fields_are_counted(office: Office) -> None:
    await office.ask(mood="good", context={"top_p": 1})

    assert office.count("unknown_fields_total") == 2


async def test_chunks_are_told_to_the_pods_of_the_session(office: Office) -> None:
    await office.registry.register("pod-1", [("s1", "c1")])
    await office.registry.register("pod-2", [("s2", "c2")])
    await office.ask()

    assert {subject for subject, _, _ in office.wire.published} == {"chat.pod.pod-1.response"}


async def test_correlation_and_trace_are_in_every_frame_and_every_copy(office: Office) -> None:
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "correlation_id": "corr-1"}
    await office.ask(replace(JS, trace=headers), correlation_id="corr-1")

    traces = [frame.trace for frame in office.log.frames]
    assert [trace["correlation_id"] for trace in traces] == ["corr-1"] * 3
    (own,) = {trace["traceparent"] for trace in traces}
    assert own.startswith(f"00-{TRACE}-")
    assert SPAN not in own
    assert [copied["traceparent"] for _, _, copied in office.wire.published] == [own] * 3
    assert [copied["correlation_id"] for _, _, copied in office.wire.published] == ["corr-1"] * 3
    assert {chunk.correlation_id for chunk in office.chunks()} == {"corr-1"}


async def test_a_correlation_id_may_come_in_the_headers_alone(office: Office) -> None:
    await office.ask(replace(JS, trace={"correlation_id": "corr-2"}))

    assert {chunk.correlation_id for chunk in office.chunks()} == {"corr-2"}


@pytest.mark.parametrize("header", [{}, {"traceparent": "nonsense"}])
async def test_the_trace_may_come_in_the_document_s_wrapper(office: Office, header: dict[str, str]) -> None:
    wrapped = {"trace_id": TRACE, "span_id": SPAN, "data": {"session_id": "s1", "message": "Hi"}}
    request = WorkflowRequest.read(json.dumps(wrapped).encode())
    await office.chat.execute(request, "s1", replace(JS, trace=header))

    assert {frame.trace["traceparent"][3:35] for frame in office.log.frames} == {TRACE}


async def test_without_a_trace_one_begins(office: Office) -> None:
    await office.ask(message_id="m1")
    await office.ask(message_id="m2")

    assert len({frame.trace["traceparent"] for frame in office.log.frames}) == 2


async def test_the_log_tells_the_story(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await office.ask(CORE)
    await office.ask(JS)

    assert [record.getMessage() for record in caplog.records] == [
        "Message published",
        "Answer is complete",
        "Skipping duplicate message",
    ]
    fields = vars(caplog.records[1])
    assert (fields["finish_reason"], fields["chunks"], fields["seconds"]) == ("stop", 3, 0.0)
