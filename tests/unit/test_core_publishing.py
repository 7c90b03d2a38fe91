"""Core publishes: tried three times, counted by pattern, logged in the document's words."""

from __future__ import annotations

import logging

import nats.errors
import pytest
from nats.aio.client import Client

from memebattle.bus.core_publishing import CorePublisher, MemoryPublisher, lag_of
from memebattle.bus.refusals import NotPublished
from memebattle.kit.metrics import Metrics

SUBJECT = "chat.pod.pod-1.response"
PATTERN = "chat.pod.{pod_id}.response"
NOW = 1_795_212_000.25  # unix seconds

type Sent = tuple[str, bytes, dict[str, str]]


class FlakyClient(Client):
    """Fails as the script says, then sends."""

    def __init__(self, *script: Exception) -> None:
        super().__init__()
        self.script, self.sent = list(script), list[Sent]()

    async def publish(  # type: ignore[override]
        self, subject: str, payload: bytes = b"", reply: str = "", headers: dict[str, str] | None = None
    ) -> None:
        if self.script:
            raise self.script.pop(0)
        self.sent.append((subject, payload, headers or {}))


class Post:
    """A publisher over such a client, whose pauses take no time."""

    def __init__(self, metrics: Metrics, *script: Exception) -> None:
        self.metrics, self.client = metrics, FlakyClient(*script)
        self.pauses: list[float] = []
        self.publisher = CorePublisher(lambda: self.client, metrics.chat, sleep=self._sleep, now=lambda: NOW)

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def publish(self, body: bytes = b"{}", subject: str = SUBJECT) -> None:
        await self.publisher.publish(subject, body, {"Mb-Final": "0"})

    def count(self, name: str, pattern: str = PATTERN, **labels: str) -> float:
        labels = {"subject_pattern": pattern, **labels}
        return self.metrics.registry.get_sample_value(f"chat_{name}", labels) or 0


CLOSED = nats.errors.ConnectionClosedError


async def test_a_message_is_sent_with_its_headers_and_the_time(metrics: Metrics) -> None:
    post = Post(metrics)
    await post.publish(b'{"a":1}')

    assert post.client.sent == [
        (SUBJECT, b'{"a":1}', {"Mb-Final": "0", "Mb-Published-At": "1795212000.250000"})
    ]
    assert post.pauses == []


async def test_the_pauses_grow_by_a_tenth_of_a_second(metrics: Metrics) -> None:
    """The document's `PublishWithRetry`: 100 ms times the number of the attempt."""
    post = Post(metrics, CLOSED(), CLOSED())
    await post.publish()

    assert post.pauses == [0.1, 0.2]
    assert len(post.client.sent) == 1


async def test_three_failures_are_the_end(metrics: Metrics, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody pauses after the last attempt: there is nothing to wait for."""
    post = Post(metrics, CLOSED(), nats.errors.OutboundBufferLimitError(), OSError("no route"))

    with pytest.raises(NotPublished) as failure:
        await post.publish()

    assert str(failure.value) == "publish failed after 3 retries: OSError('no route')"
    assert isinstance(failure.value.__cause__, OSError)
    assert (post.pauses, post.client.sent) == ([0.1, 0.2], [])
    assert [record.getMessage() for record in caplog.records] == [
        "Publish failed (attempt 1/3): ConnectionClosedError()",
        "Publish failed (attempt 2/3): OutboundBufferLimitError()",
        "Publish failed (attempt 3/3): OSError('no route')",
    ]
    assert {(record.levelno, record.subject) for record in caplog.records} == {  # type: ignore[attr-defined]
        (logging.WARNING, SUBJECT)
    }


async def test_a_connection_that_is_not_there_yet_is_a_failure_like_any_other(metrics: Metrics) -> None:
    """Before the first connect, and after the last one, the broker has no client at all."""
    post = Post(metrics)
    connections = [CLOSED(), post.client]

    def connection() -> Client:
        found = connections.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    post.publisher.connection = connection
    await post.publish()

    assert (len(post.client.sent), post.pauses) == (1, [0.1])


async def test_a_defect_is_not_tried_again(metrics: Metrics) -> None:
    post = Post(metrics, TypeError("a defect"))

    with pytest.raises(TypeError):
        await post.publish()

    assert post.pauses == []


async def test_publishes_are_counted_by_pattern(metrics: Metrics) -> None:
    """Never by subject: pods and sessions come and go, and a time series stays."""
    post = Post(metrics, CLOSED())
    await post.publish(b"x" * 100)
    await post.publish(b"x" * 200, "chat.pod.pod-2.response")
    await post.publish(b"x", "chat.session.s1.broadcast")

    assert post.count("published_total") == 2
    assert post.count("published_total", "chat.session.{session_id}.broadcast") == 1
    assert post.count("message_bytes_sum") == 300
    assert (post.count("message_bytes_bucket", le="128.0"), post.count("message_bytes_count")) == (1, 2)
    assert post.count("publish_errors_total") == 0


async def test_a_failure_counts_once_and_not_as_published(metrics: Metrics) -> None:
    post = Post(metrics, CLOSED(), CLOSED(), CLOSED())

    with pytest.raises(NotPublished):
        await post.publish()

    assert (post.count("publish_errors_total"), post.count("published_total")) == (1, 0)


async def test_the_twin_keeps_what_was_published_and_breaks_where_it_is_told() -> None:
    twin = MemoryPublisher(broken={"chat.pod.pod-2.response"})
    await twin.publish(SUBJECT, b"{}", {"Mb-Final": "0"})
    with pytest.raises(NotPublished):
        await twin.publish("chat.pod.pod-2.response", b"{}", {})

    assert twin.published == [(SUBJECT, b"{}", {"Mb-Final": "0"})]


@pytest.mark.parametrize(
    ("value", "lag"),
    [
        ("999.5", 0.5),
        ("1000.25", 0.0),  # clocks differ; a message from the future came at once
        ("nonsense", None),
        ("", None),
        ("nan", None),
        ("-inf", None),
        (b"999.5", None),
        (None, None),
    ],
)
def test_the_lag_of_a_delivery(value: object, lag: float | None) -> None:
    """One infinite value would spoil the sum of the histogram for as long as the process lives."""
    assert lag_of({"Mb-Published-At": value}, now=1000.0) == lag


def test_no_header_no_lag() -> None:
    assert lag_of({}, now=1000.0) is None
