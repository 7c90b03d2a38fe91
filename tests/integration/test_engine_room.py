"""The engine room over real processes: one gateway tells, workers come and go, nothing is forgotten."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from memebattle.cli.client import MemeClient
from memebattle.cli.local import NatsServer
from memebattle.memes.messages import MemeStats, WorkerHeartbeat
from tests.fleet import Fleet, fleet
from tests.pods import Pods
from tests.waiting import wait_until


@dataclass
class Screen:
    """Somebody who watches: what was told, and what workers said."""

    told: list[MemeStats] = field(default_factory=list)
    beats: list[WorkerHeartbeat] = field(default_factory=list)

    async def hear_stats(self, message: Msg) -> None:
        self.told.append(MemeStats.read(message.data))

    async def hear_beat(self, message: Msg) -> None:
        self.beats.append(WorkerHeartbeat.read(message.data))

    @property
    def last(self) -> MemeStats:
        return self.told[-1]

    def workers(self) -> set[str]:
        return {each.worker_id for each in self.last.workers} if self.told else set()

    async def shows(self, workers: set[str]) -> None:
        await wait_until(lambda: self.workers() == workers, f"{workers} on the screen", timeout=20)


@pytest.fixture
async def screen(nats_server: NatsServer, developer: Client) -> AsyncIterator[Screen]:
    """Stats as a browser hears them; heartbeats, which no browser may hear, as a developer."""
    screen, browser = Screen(), await nats.connect(nats_server.websocket_url)
    await browser.subscribe("meme.stats", cb=screen.hear_stats)
    await developer.subscribe("worker.*.heartbeat", cb=screen.hear_beat)
    yield screen
    await browser.close()


@pytest.fixture
async def workers(worker_env: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with fleet(worker_env, tmp_path, 2) as two:
        yield two


@pytest.fixture
async def gateways(
    worker_env: dict[str, str], nats_server: NatsServer, tmp_path: Path
) -> AsyncIterator[Pods]:
    own = {"NATS_URL": nats_server.url("gateway"), "NATS_INBOX_PREFIX": "_INBOX_gateway"}
    pods = Pods(worker_env | own, tmp_path)
    await pods.start(2)
    yield pods
    await pods.stop()


@pytest.mark.filterwarnings("ignore:parameter 'timeout':DeprecationWarning")  # of nats-py, by aiohttp
async def test_one_tells_and_totals_outlive_workers_and_gateways(
    workers: Fleet, gateways: Pods, screen: Screen, developer: Client
) -> None:
    await screen.shows({"worker-1", "worker-2"})
    async with MemeClient(developer).listening() as client:
        asked = [await client.ask(f"meme {number}", small_image=True) for number in range(6)]
        assert await client.answered(asked, 20) == []
    await wait_until(lambda: screen.last.totals.answered == 6, "six answers in the totals")
    await wait_until(lambda: screen.last.lag == 0, "the copies of the stream to be acknowledged")
    assert (screen.last.lag_threshold, screen.last.redis_up) == (5, True)

    workers.workers[1].signal(signal.SIGKILL)
    await screen.shows({"worker-2"})
    await workers.start_one(1)
    await screen.shows({"worker-1", "worker-2"})
    settled = len(screen.told)

    await workers.workers[2].stop()
    await screen.shows({"worker-1"})
    assert {each.gateway for each in screen.told[settled:]} == {"gateway-1"}
    assert [each.state for each in screen.beats if each.worker_id == "worker-2"][-1] == "leaving"

    gateways.workers[1].signal(signal.SIGKILL)
    await wait_until(lambda: screen.last.gateway == "gateway-2", "the other gateway to tell")
    assert screen.workers() == {"worker-1"}
    answered = [each.totals.answered for each in screen.told]
    assert answered == sorted(answered)
    assert answered[-1] == 6
