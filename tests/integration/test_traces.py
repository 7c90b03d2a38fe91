"""One trace over process borders: a meme asked for over HTTP, seen by a collector."""

from __future__ import annotations

from pathlib import Path

import httpx
from nats.aio.client import Client

from memebattle.cli.children import ready, stopping
from memebattle.cli.local import NatsServer, RedisServer, gateway
from memebattle.cli.ports import free_port
from tests.collector import Collector, Seen, collecting
from tests.fleet import fleet, stored_answers
from tests.spans import HEADER, PARENT, TRACE
from tests.waiting import wait_until

HEADERS = {"traceparent": HEADER, "Prefer": "wait=20"}


async def test_a_meme_is_one_trace_through_gateway_worker_and_provider(
    nats_server: NatsServer,
    redis_server: RedisServer,
    worker_env: dict[str, str],
    tmp_path: Path,
    developer: Client,
) -> None:
    """And when the collector goes away, the next meme is drawn all the same, and all end in time."""
    port = free_port()
    with collecting() as collector:
        traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"}
        front = gateway(
            {
                **traced,
                "NATS_URL": nats_server.url("gateway"),
                "NATS_INBOX_PREFIX": "_INBOX_gateway",
                "REDIS_URL": redis_server.url,
                "GATEWAY_ADDR": f"127.0.0.1:{port}",
            },
            tmp_path / "gateway.log",
        )
        async with (
            fleet({**worker_env, **traced}, tmp_path, 1) as workers,
            stopping(front),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http,
        ):
            await front.start()
            await ready(f"http://127.0.0.1:{port}/readyz", front)
            asked = await http.post("/api/memes", json={"id": "r1", "prompt": "a cat"}, headers=HEADERS)
            names = {"publish_request", "process_request", "generate_image"}
            await wait_until(lambda: names <= collector.of(TRACE).keys(), "all spans are collected")
            collector.close()
            again = await http.post("/api/memes", json={"id": "r2", "prompt": "a dog"}, headers=HEADERS)
            ended = [await front.stop(), *await workers.stop()]

    assert (asked.status_code, again.status_code, ended) == (200, 200, [0, 0])
    assert collector.paths == {"/v1/traces"}
    assert await stored_answers(developer) == {"r1": 1, "r2": 1}
    sent, worked, drawn = _way_of("r1", collector)
    assert [each.service for each in (sent, worked, drawn)] == [
        "memebattle-gateway",
        "memebattle-worker",
        "memebattle-worker",
    ]
    assert [each.parent_id for each in (sent, worked, drawn)] == [PARENT, sent.span_id, worked.span_id]


def _way_of(request_id: str, collector: Collector) -> tuple[Seen, Seen, Seen]:
    """Sent, worked on and drawn; the other copy of the request may have been looked at as well."""
    found = collector.of(TRACE)
    (sent,), (drawn,) = found["publish_request"], found["generate_image"]
    worked = next(each for each in found["process_request"] if each.span_id == drawn.parent_id)
    assert {each.attributes["messaging.message.id"] for each in (sent, worked)} == {request_id}
    return sent, worked, drawn
