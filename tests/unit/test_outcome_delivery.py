"""From a message to its outcome: ack, nak with a delay, or dead letter and term."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from faststream import ContextRepo
from faststream.nats.message import NatsMessage
from nats.aio.msg import Msg

from memebattle.bus.delivery import Deliveries, is_jetstream
from memebattle.bus.framework import MALFORMED
from memebattle.bus.idempotency import Delivery
from memebattle.bus.outcome import Busy, Rejected, Retryable
from memebattle.bus.publishing import PublishFailed
from memebattle.bus.slots import Slots
from memebattle.kit.metrics import Metrics
from memebattle.memes.messages import MemeRequest
from tests.waiting import wait_until

BODY = b'{"id":"r1","prompt":"cat"}'


def ack_subject(deliveries: int = 1) -> str:
    return f"$JS.ACK.MEMES.meme-generator.{deliveries}.7.9.1795212000000000000.3"


class Even(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


@dataclass
class Connection:
    """Writes down the acknowledgements."""

    said: list[str] = field(default_factory=list)

    async def publish(self, _subject: str, payload: bytes = b"") -> None:
        self.said.append(payload.decode() or "+ACK")


@dataclass
class Letterbox:
    """Takes the dead letters and the refusals."""

    max_payload: int = 1024 * 1024
    letters: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)
    refused: list[tuple[bytes, str]] = field(default_factory=list)
    fail: bool = False

    async def publish(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        if self.fail:
            raise PublishFailed("NATS is away")
        self.letters.append((subject, body, headers))

    async def refuse(self, body: bytes, delivery: Delivery, rejected: Rejected) -> None:
        self.refused.append((body, rejected.reason))


class Post:
    """The delivery of messages to one handler."""

    def __init__(self, metrics: Metrics, *, ack_wait: float = 30, slots: int = 1) -> None:
        self.metrics, self.connection, self.letterbox = metrics, Connection(), Letterbox()
        self.slots = Slots(slots, metrics.memes)
        self.deliveries = Deliveries(
            self.slots, self.letterbox, metrics.memes, ack_wait, refusals=self.letterbox, rng=Even()
        )
        self.seen: list[Delivery] = []

    async def deliver(
        self,
        handle: Callable[[], Awaitable[object]],
        *,
        reply: str = "",
        body: bytes = BODY,
        headers: dict[str, str] | None = None,
        no_reply: bool = True,
        queue: str = "workers",
    ) -> object:
        context = ContextRepo()
        raw = Msg(self.connection, "meme.request", reply, body, headers)
        message = NatsMessage(raw_message=raw, body=body, headers=headers or {})

        async def call_next(_: Any) -> object:
            if (delivery := context.get_local("delivery")) is not None:
                self.seen.append(delivery)
            return await handle()

        with context.scope("handler_", SimpleNamespace(_no_reply=no_reply, queue=queue)):
            return await self.deliveries(raw, context=context).consume_scope(call_next, message)

    async def jetstream(
        self, handle: Callable[[], Awaitable[object]], deliveries: int = 1, **rest: Any
    ) -> None:
        await self.deliver(handle, reply=ack_subject(deliveries), **rest)

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"meme_generator_{name}_total", labels) or 0


@pytest.fixture
def post(metrics: Metrics) -> Post:
    return Post(metrics)


async def succeed() -> None:
    """Answer."""


def fail(error: BaseException) -> Callable[[], Awaitable[object]]:
    async def failing() -> None:
        raise error

    return failing


def parse(body: bytes) -> Callable[[], Awaitable[object]]:
    async def parsing() -> None:
        MemeRequest.read(body)

    return parsing


def nak(seconds: float) -> str:
    return "-NAK " + json.dumps({"delay": round(seconds * 10**9)})


async def test_an_answered_message_is_acknowledged(post: Post) -> None:
    await post.jetstream(succeed)

    assert post.connection.said == ["+ACK"]
    assert (post.count("jetstream_messages"), post.count("core_nats_messages")) == (1, 0)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Busy(1.5), 1.5),
        (Busy(0), 0.05),
        (Retryable("overloaded", after=7, kind="provider"), 7),
    ],
)
async def test_a_message_for_later_is_given_back_with_its_delay(
    post: Post, error: Exception, seconds: float
) -> None:
    await post.jetstream(fail(error))

    assert post.connection.said == [nak(seconds)]


async def test_retries_are_counted_by_kind_and_waiting_is_not(post: Post) -> None:
    await post.jetstream(fail(Retryable("overloaded", after=7, kind="provider")))
    await post.jetstream(fail(Busy(1)))

    assert post.count("retries", kind="provider") == 1


@pytest.mark.parametrize(("deliveries", "seconds"), [(1, 1), (3, 4), (100, 15), (5000, 15)])
async def test_a_defect_of_ours_never_loses_a_message_and_never_spins(
    post: Post, deliveries: int, seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    await post.jetstream(fail(KeyError("a bug")), deliveries)

    assert post.connection.said == [nak(seconds)]
    assert post.count("errors", source="jetstream", kind="internal") == 1
    assert "Handling failed" in caplog.text


@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        (b"not json", "invalid_json", "expected ident"),
        (b"", "invalid_json", "EOF while parsing"),
        (b"[" * 100_000, "invalid_json", "recursion"),
        (b"[]", "invalid_json", "valid dictionary"),
        (b'{"id":"r1"}', "invalid_request", "prompt: Field required"),
        (b'{"id":"a.b","prompt":"cat"}', "invalid_request", "id: String should match"),
        (
            b'{"id":"r1","prompt":"' + b"x" * 501 + b'"}',
            "invalid_request",
            "prompt: String should have at most 500",
        ),
    ],
)
async def test_what_is_no_request_is_put_aside_and_answered(
    post: Post, body: bytes, reason: str, detail: str
) -> None:
    await post.jetstream(parse(body), body=body)

    ((subject, kept, headers),) = post.letterbox.letters
    assert (subject, kept, headers["Mb-Reason"]) == ("dlq.MEMES.meme-generator", body, reason)
    assert detail in headers["Mb-Detail"]
    assert post.letterbox.refused == [(body, reason)]
    assert post.connection.said == ["+TERM"]
    assert post.count("dead_letters", reason=reason) == 1


async def test_a_rejected_request_is_put_aside_with_its_reason(post: Post) -> None:
    await post.jetstream(fail(Rejected("id_conflict", "r1 was used before")))

    assert post.letterbox.letters[0][2]["Mb-Reason"] == "id_conflict"
    assert post.connection.said == ["+TERM"]


async def test_unreadable_headers_are_put_aside_without_calling_the_handler(post: Post) -> None:
    await post.jetstream(fail(AssertionError("called")), headers={MALFORMED: "1"})

    assert post.letterbox.letters[0][2]["Mb-Reason"] == "malformed_headers"
    assert post.connection.said == ["+TERM"]


async def test_a_dead_letter_that_cannot_be_written_is_not_terminated(post: Post) -> None:
    """It comes again after `ack_wait`, and is put aside then."""
    post.letterbox.fail = True
    await post.jetstream(parse(b"nope"), body=b"nope")

    assert (post.connection.said, post.letterbox.refused) == ([], [])


async def test_a_dead_letter_says_where_it_comes_from_and_keeps_the_harmless_headers(post: Post) -> None:
    headers = {
        "Nats-Msg-Id": "r1",
        "Nats-Expected-Stream": "OTHER",
        "traceparent": "00-abc",
        "X-Bad": "two\r\nlines",
        "X-Long": "x" * 5000,
    }
    await post.jetstream(parse(b"nope"), deliveries=3, body=b"nope", headers=headers)

    detail = post.letterbox.letters[0][2].pop("Mb-Detail")
    assert detail.isprintable()
    assert post.letterbox.letters[0][2] == {
        "Mb-Original-Nats-Msg-Id": "r1",
        "Mb-Original-traceparent": "00-abc",
        "Nats-Msg-Id": "dlq-MEMES-7",
        "Mb-Reason": "invalid_json",
        "Mb-Subject": "meme.request",
        "Mb-Sequence": "7",
        "Mb-Deliveries": "3",
    }


async def test_a_huge_dead_letter_is_cut(post: Post) -> None:
    body = b"x" * (1024 * 1024 - 100)
    await post.jetstream(parse(body), body=body)

    assert post.letterbox.letters[0][1] == b"x" * (512 * 1024)


async def test_progress_is_acknowledged_while_the_work_lasts(metrics: Metrics) -> None:
    post = Post(metrics, ack_wait=0.003)

    async def long_work() -> None:
        await wait_until(lambda: len(post.connection.said) >= 2, "two signs of life")

    await post.jetstream(long_work)

    assert set(post.connection.said[:-1]) == {"+WPI"}
    assert post.connection.said[-1] == "+ACK"


async def test_a_message_that_waits_for_a_slot_shows_progress_too(metrics: Metrics) -> None:
    post = Post(metrics, ack_wait=0.003)
    async with post.slots.take():
        waiting = asyncio.create_task(post.jetstream(succeed))
        await wait_until(lambda: "+WPI" in post.connection.said, "a sign of life")
    await waiting

    assert post.connection.said[-1] == "+ACK"


async def test_a_stopping_worker_gives_its_work_back_at_once(post: Post) -> None:
    started = asyncio.Event()

    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    work = asyncio.create_task(post.jetstream(endless))
    await started.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work

    assert (post.connection.said, post.slots.used) == (["-NAK"], 0)


async def test_the_slot_is_free_before_the_acknowledgement(post: Post) -> None:
    used: list[int] = []

    async def working() -> None:
        used.append(post.slots.used)

    publish = post.connection.publish

    async def noted(*arguments: Any) -> None:
        used.append(post.slots.used)
        await publish(*arguments)

    post.connection.publish = noted  # type: ignore[method-assign]
    await post.jetstream(working)

    assert used == [1, 0]


async def test_a_lost_acknowledgement_is_no_error(post: Post) -> None:
    async def away(*_: Any) -> None:
        raise OSError("connection lost")

    post.connection.publish = away  # type: ignore[method-assign]
    await post.jetstream(succeed)


async def test_core_takes_a_message_into_a_free_slot_and_acknowledges_nothing(post: Post) -> None:
    await post.deliver(succeed, reply="_INBOX.publisher")

    assert (post.seen[0].source, post.seen[0].has_slot) == ("core_nats", True)
    assert post.connection.said == []
    assert (post.count("core_nats_messages"), post.count("jetstream_messages")) == (1, 0)


async def test_core_without_a_slot_is_told_so(post: Post) -> None:
    """The handler may still say that the request is queued."""
    async with post.slots.take():
        await post.deliver(succeed)

    assert not post.seen[0].has_slot
    assert post.count("core_skipped", reason="no_slot") == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Rejected("id_conflict", "x"), "invalid"),
        (Retryable("x", after=1, kind="provider"), "retry"),
        (Busy(1), "retry"),
        (KeyError("a bug"), "retry"),
    ],
)
async def test_core_drops_what_did_not_end_in_an_answer(post: Post, error: Exception, reason: str) -> None:
    """The JetStream copy of the same message is the guarantee."""
    await post.deliver(fail(error))

    assert (post.connection.said, post.letterbox.letters, post.letterbox.refused) == ([], [], [])
    assert post.count("core_skipped", reason=reason) == 1
    assert post.slots.used == 0


async def test_an_order_to_everybody_takes_no_slot_and_is_not_counted_as_work(post: Post) -> None:
    async def obey() -> str:
        return "done"

    assert await post.deliver(obey, queue="") == "done"
    assert post.seen == []
    assert post.count("core_nats_messages") == 0


async def test_the_trace_of_a_message_goes_with_it(post: Post) -> None:
    headers = {"traceparent": "00-abc", "correlation_id": "x" * 257, "other": "kept out"}
    await post.deliver(succeed, headers=headers)

    assert [dict(delivery.trace) for delivery in post.seen] == [{"traceparent": "00-abc"}]


async def test_a_request_with_a_reply_of_ours_passes_through(post: Post) -> None:
    async def answer() -> str:
        return "pong"

    assert await post.deliver(answer, no_reply=False) == "pong"
    assert post.seen == []


@pytest.mark.parametrize(
    ("reply", "headers", "expected"),
    [
        ("", None, None),
        ("", {"Nats-Msg-Id": "mine"}, "mine"),
        ("", {"Nats-Msg-Id": "not.a.token"}, None),
        (ack_subject(), {"Nats-Msg-Id": "mine"}, "mine"),
        (ack_subject(), {"Nats-Msg-Id": "not.a.token"}, "js-MEMES-7"),
        (ack_subject(), None, "js-MEMES-7"),
    ],
)
async def test_what_stands_in_for_a_missing_id(
    post: Post, reply: str, headers: dict[str, str] | None, expected: str | None
) -> None:
    await post.deliver(succeed, reply=reply, headers=headers)

    assert post.seen[0].fallback_id == expected


async def test_the_log_greets_every_message_with_its_source(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    """A15, A27."""
    caplog.set_level(logging.INFO, "memebattle.bus.delivery")
    await post.deliver(succeed)
    await post.jetstream(succeed)

    assert [record.getMessage() for record in caplog.records] == [
        "Received Core NATS message",
        "Received JetStream message",
    ]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (ack_subject(), True),
        ("$JS.ACK.hub.ACCOUNT.MEMES.meme-generator.1.7.9.1795212000000000000.3.random", True),
        ("_INBOX.abc", False),
        ("", False),
    ],
)
def test_the_path_is_told_by_the_acknowledgement_subject(reply: str, expected: bool) -> None:
    assert is_jetstream(Msg(None, "meme.request", reply)) is expected
