"""The bridge to the system before NATS: its clients ask and hear over Redis channels, and notice nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from redis.asyncio import Redis

from memebattle.cli.local import RedisServer
from tests.fleet import Fleet, fleet
from tests.waiting import wait_until

TASK = {"title": "VPN is down", "category": "INFRASTRUCTURE", "requester_role": "MANAGER"}


class OldClient:
    """Asks on one channel, hears on another."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.heard: dict[str, list[dict[str, Any]]] = {}

    async def listen(self, channel: str) -> None:
        self.heard[channel] = []
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(channel)
            async for message in pubsub.listen():
                self.heard[channel].append(json.loads(message["data"]))

    async def ask(self, channel: str, body: dict[str, Any] | bytes) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self._redis.publish(channel, data)

    async def listeners(self, channel: str) -> int:
        return int((await self._redis.pubsub_numsub(channel))[0][1])


@pytest.fixture
async def bridged(
    worker_env: dict[str, str], tmp_path: Path, redis_server: RedisServer
) -> AsyncIterator[tuple[Fleet, OldClient]]:
    """Two workers with the bridge, and a client of the old times."""
    env = worker_env | {"WORKER_CONTEXTS": "priority", "LEGACY_REDIS_BRIDGE": "true"}
    async with Redis.from_url(redis_server.url) as redis, fleet(env, tmp_path, 2) as workers:
        client = OldClient(redis)
        channels = ("prioritization_results", "results")
        listening = [asyncio.create_task(client.listen(channel)) for channel in channels]
        for channel, wanted in {
            "prioritization_requests": 2,
            "prioritize": 2,
            **dict.fromkeys(channels, 1),
        }.items():
            await wait_until(
                lambda each=channel, many=wanted: _has(client, each, many), f"{channel} is heard"
            )
        yield workers, client
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)


async def _asked_again(client: OldClient, heard: list[dict[str, Any]]) -> bool:
    """Some seconds later; at once it would pass for the other worker's copy of the first one."""
    if len(heard) == 1:
        await client.ask("prioritization_requests", TASK)
    return len(heard) == 2


async def _has(client: OldClient, channel: str, many: int) -> bool:
    return await client.listeners(channel) == many


async def test_both_pairs_of_channels_and_nats_meet(
    bridged: tuple[Fleet, OldClient], developer: Client
) -> None:
    """P62: whoever asks where, everybody hears each result once, though two workers hear each question."""
    _, client = bridged
    await client.ask("prioritization_requests", {"id": "old-1", **TASK})
    await client.ask("prioritize", {"id": "old-2", **TASK})
    await developer.jetstream().publish("prioritization.request.new-1", json.dumps(TASK).encode())

    for channel in ("prioritization_results", "results"):
        await wait_until(lambda each=channel: len(client.heard[each]) >= 3, f"three results on {channel}")
        assert sorted(each["request_id"] for each in client.heard[channel]) == ["new-1", "old-1", "old-2"]
    state = (await developer.jetstream().stream_info("PRIORITY_RESULTS")).state
    assert state.messages == 3


async def test_a_repeated_body_is_the_same_task(bridged: tuple[Fleet, OldClient], developer: Client) -> None:
    """It has no id to be known by, and whoever repeats it is told again; what is no task is refused, once."""
    workers, client = bridged
    heard = client.heard["prioritization_results"]
    await client.ask("prioritization_requests", TASK)
    await wait_until(lambda: len(heard) == 1, "the result")
    await wait_until(lambda: _asked_again(client, heard), "the same result again")
    await client.ask("prioritization_requests", b'{"title": ""}')
    await wait_until(lambda: len(heard) == 3, "the refusal")

    assert heard[0] == heard[1]
    assert heard[0]["request_id"].startswith("legacy-")
    assert (heard[2]["code"], "title: " in heard[2]["error"]) == ("invalid_request", True)
    assert await workers.metric("priority_legacy_bridged_total", direction="repeated") >= 1
