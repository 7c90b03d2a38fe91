"""The nine crash points of architecture/delivery.md: kill -9 there, and the answer still comes once."""

from __future__ import annotations

from pathlib import Path

import pytest
from nats.aio.client import Client

from memebattle.cli.client import MemeClient
from tests.chaos.quick import crashing_worker
from tests.chaos.worker import POINTS
from tests.fleet import Fleet, stored_answers
from tests.waiting import wait_until


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at(point: str, worker_env: dict[str, str], tmp_path: Path, developer: Client) -> None:
    """A first worker dies at the point, a second one takes over."""
    kills = tmp_path / "kills.log"
    crash = {"CRASH_AT": point, "CRASH_AFTER": "1", "CRASH_LOG": str(kills)}
    env = worker_env | {"ACK_WAIT": "1", "CLAIM_LEASE": "0.5", "LOCAL_LATENCY_MS": "100"}
    if point == "jetstream_received":
        env["ENABLE_CORE_NATS"] = "false"
    workers = Fleet(env | crash, tmp_path, crashing_worker)
    async with MemeClient(developer).listening() as client:
        await workers.start(1)
        request_id = await client.ask("dies once", via="jetstream", small_image=True)
        await wait_until(lambda: not workers.workers[1].running, f"the worker to die at {point}")
        assert kills.read_text().split()[-1] == point

        workers.env = env | crash | {"CRASH_AT": "nowhere"}
        await workers.start_one(2)
        await workers.is_ready(2)

        assert await client.answered([request_id], 20) == []
        await wait_until(lambda: _drained(developer), "the queue to drain")
        assert len(client.answers[request_id]) == 1
        assert await stored_answers(developer) == {request_id: 1}
    await workers.stop()


async def _drained(client: Client) -> bool:
    info = await client.jetstream().consumer_info("MEMES", "meme-generator")
    return not (info.num_pending or info.num_ack_pending)
