"""Durable publishes: what is repeated, what is not, and what is never sent."""

from __future__ import annotations

import random
from typing import Any

import nats.errors
import pytest
from nats.js.api import PubAck
from nats.js.errors import APIError, NoStreamResponseError, ServiceUnavailableError

from memebattle.bus.publishing import DurablePublisher, MessageTooLarge, PublishFailed
from memebattle.kit.metrics import Metrics

STORED = PubAck(stream="MEMES", seq=7)


class Now(random.Random):
    """No pauses between tries."""

    def uniform(self, a: float, b: float) -> float:
        return 0.0


class Server:
    """Refuses as the script says, then stores."""

    def __init__(self, *script: Exception, max_payload: int = 1024) -> None:
        self.script, self.max_payload = list(script), max_payload
        self.sent: list[tuple[str, bytes, dict[str, str], str | None]] = []

    def jetstream(self, timeout: float) -> Server:
        assert timeout == 3.0
        return self

    async def publish(
        self, subject: str, body: bytes, *, headers: dict[str, str], stream: str | None
    ) -> PubAck:
        self.sent.append((subject, body, headers, stream))
        if self.script:
            raise self.script.pop(0)
        return STORED


def publisher(server: Any, metrics: Metrics, budget: float = 30) -> DurablePublisher:
    return DurablePublisher(lambda: server, metrics, budget, rng=Now())


def api_error(kind: type[APIError], code: int, err_code: int) -> APIError:
    return kind(code=code, err_code=err_code, description="refused")


PASSING = [
    NoStreamResponseError(),
    nats.errors.TimeoutError(),
    TimeoutError(),
    OSError("reset"),
    nats.errors.ConnectionClosedError(),
    nats.errors.ConnectionReconnectingError(),
    nats.errors.StaleConnectionError(),
    nats.errors.OutboundBufferLimitError(),
    api_error(ServiceUnavailableError, 503, 10008),
    api_error(APIError, 400, 10164),
]
FINAL = [
    api_error(APIError, 400, 10071),
    api_error(ServiceUnavailableError, 503, 10077),
    api_error(APIError, 400, 10060),
    nats.errors.BadSubjectError(),
]


async def test_a_stored_message_is_acknowledged(metrics: Metrics) -> None:
    server = Server()

    assert await publisher(server, metrics).publish("meme.request", b"{}", {"a": "b"}, "MEMES") == STORED
    assert server.sent == [("meme.request", b"{}", {"a": "b"}, "MEMES")]


@pytest.mark.parametrize("error", PASSING, ids=repr)
async def test_the_same_message_is_repeated_over_what_passes(metrics: Metrics, error: Exception) -> None:
    server = Server(error, error)

    assert await publisher(server, metrics).publish("meme.status.r1", b"{}", {}) == STORED
    assert server.sent == [("meme.status.r1", b"{}", {}, None)] * 3
    assert (
        metrics.registry.get_sample_value(
            "memebattle_publish_retries_total", {"subject": "meme.status.{request_id}"}
        )
        == 2
    )


@pytest.mark.parametrize("error", FINAL, ids=repr)
async def test_a_refusal_for_good_is_said_at_once(metrics: Metrics, error: Exception) -> None:
    server = Server(error)
    with pytest.raises(type(error)):
        await publisher(server, metrics).publish("meme.request", b"{}", {})

    assert len(server.sent) == 1


async def test_a_defect_is_not_repeated(metrics: Metrics) -> None:
    server = Server(KeyError("a bug"))
    with pytest.raises(KeyError):
        await publisher(server, metrics).publish("meme.request", b"{}", {})


async def test_the_budget_ends_the_repeating(metrics: Metrics) -> None:
    server = Server(*[NoStreamResponseError() for _ in range(1000)])

    with pytest.raises(PublishFailed, match=r"meme\.request: not stored within 0\.2 s"):
        await publisher(server, metrics, budget=0.2).publish("meme.request", b"{}", {})

    assert 1 < len(server.sent) < 1000


async def test_a_budget_of_nothing_is_one_try(metrics: Metrics) -> None:
    server = Server(OSError("reset"))
    with pytest.raises(PublishFailed):
        await publisher(server, metrics, budget=0).publish("meme.request", b"{}", {})

    assert len(server.sent) == 1


@pytest.mark.parametrize(("body", "header"), [(b"x" * 1024, ""), (b"x" * 500, "y" * 500)])
async def test_what_is_over_the_limit_is_never_sent(metrics: Metrics, body: bytes, header: str) -> None:
    """The server would close the connection for good; headers count too."""
    server = Server()
    with pytest.raises(MessageTooLarge, match="the server takes 1024"):
        await publisher(server, metrics).publish("meme.request", body, {"h": header})

    assert server.sent == []


async def test_the_limit_is_that_of_the_server_we_are_connected_to_now(metrics: Metrics) -> None:
    server = Server(max_payload=100)
    with pytest.raises(MessageTooLarge):
        await publisher(server, metrics).publish("meme.request", b"x" * 200, {})
    server.max_payload = 1000

    assert await publisher(server, metrics).publish("meme.request", b"x" * 200, {}) == STORED
