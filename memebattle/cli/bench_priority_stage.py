"""The stages of `bench priority`: memebattle, and priority over Redis Pub/Sub as it was before.

Each has servers of its own and one worker; memebattle has a gateway too. Both stand during the whole run and
take turns. The client is this process, the same for both but for the line to the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from memebattle.cli.bench_chat_stage import cpu_seconds, resident_bytes
from memebattle.cli.bench_priority_lines import LOOK, Ears, JetStreamLine, Line, PubSubLine
from memebattle.cli.children import Child, ready, stopping, until
from memebattle.cli.connection import connected
from memebattle.cli.local import NatsServer, RedisServer, gateway, worker
from memebattle.cli.output import Problem
from memebattle.cli.ports import free_port
from memebattle.settings import RedisSettings, Settings, rows

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from memebattle.store.channels import RedisChannels

PEER_FILE = Path(__file__).parents[2] / "benchmarks" / "peers" / "redis_pubsub_priority.py"
OURS, BEFORE = "memebattle", "Redis Pub/Sub"
CONTESTANTS = (OURS, BEFORE)
START = 30.0  # seconds a process may take to be ready
WORKING = {
    "LOG_LEVEL": "WARNING",
    "WORKER_CONTEXTS": "priority",
    "PRIORITY_RATE_LIMIT": "0",
    # what was in work when a worker is killed comes back after 3 s instead of 30
    "ACK_WAIT": "3",
    "CLAIM_LEASE": "2",
}


@dataclass(slots=True)
class Stage:
    """One contestant, ready.

    `is_ready` returns when a worker that was just started takes tasks, `is_gone` when nobody counts on the
    one that was killed any more.
    """

    contestant: str
    worker: Child
    line: Line
    ears: Ears
    is_ready: Callable[[], Awaitable[None]]
    is_gone: Callable[[], Awaitable[None]]
    gateway_port: int = 0

    async def replace_worker(self) -> None:
        """Kill the worker without a chance to finish anything, and start it again at once."""
        self.worker.signal(signal.SIGKILL)
        if self.worker.process is not None:
            await self.worker.process.wait()
        await self.is_gone()
        await self.worker.start()
        await self.is_ready()

    def cpu_seconds(self) -> float | None:
        """CPU time of the worker so far; None where there is no /proc."""
        return cpu_seconds(self.worker)

    def resident_bytes(self) -> int | None:
        """What the worker holds in memory; None where there is no /proc."""
        return resident_bytes(self.worker)


@contextlib.asynccontextmanager
async def stages() -> AsyncIterator[dict[str, Stage]]:
    """Both contestants, ready; cleared away at the end.

    Raises:
        Problem: the one of before is not part of an installation, only of the repository.
    """
    if not PEER_FILE.exists():
        raise Problem(
            "the worker over Redis Pub/Sub is not here",
            why=f"{PEER_FILE} comes with the repository, not with the package",
            do="clone the repository and run `memebattle bench priority` there",
        )
    async with contextlib.AsyncExitStack() as stack:
        name = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="memebattle-bench-", ignore_cleanup_errors=True)
        )
        ours, before = _ours(Path(name) / "ours"), _before(Path(name) / "before")
        set_up = await asyncio.gather(*map(stack.enter_async_context, (ours, before)))
        yield {stage.contestant: stage for stage in set_up}


@contextlib.asynccontextmanager
async def _ours(directory: Path) -> AsyncIterator[Stage]:
    from memebattle.bus.streams import Topology

    nats, redis = NatsServer(directory / "nats"), RedisServer(directory / "redis")
    probes, port = free_port(), free_port()
    environment = _environment(redis)
    working = worker(_as_role(environment, nats, "worker", METRICS_ADDR=f"127.0.0.1:{probes}"), 1)
    serving = gateway(_as_role(environment, nats, "gateway", GATEWAY_ADDR=f"127.0.0.1:{port}"))
    working.log, serving.log = directory / "worker.log", directory / "gateway.log"
    settings = Settings.from_env(environment)

    async def is_ready() -> None:
        await ready(f"http://127.0.0.1:{probes}/readyz", working, START)

    async def at_once() -> None:
        """A dead worker counts for nothing in a queue."""

    async with stopping(nats.child, redis.child):
        await asyncio.gather(nats.start(), redis.start())
        async with connected(nats.url("developer"), ours=True) as client:
            await Topology.of(settings).apply(client.jetstream(timeout=START))
            async with stopping(working, serving):
                await asyncio.gather(working.start(), serving.start())
                ears = Ears()
                await _listen(client, settings.priority.result_subject, ears)
                await asyncio.gather(is_ready(), ready(f"http://127.0.0.1:{port}/readyz", serving, START))
                yield Stage(OURS, working, JetStreamLine(client, settings), ears, is_ready, at_once, port)


async def _listen(client: Client, subject: str, ears: Ears) -> None:
    async def hear(message: Msg) -> None:
        ears.hear(message.data)

    await client.subscribe(subject, cb=hear)
    await client.flush()


@contextlib.asynccontextmanager
async def _before(directory: Path) -> AsyncIterator[Stage]:
    from memebattle.kit.metrics import Metrics
    from memebattle.store.channels import RedisChannels
    from memebattle.store.redis import RedisStore

    redis = RedisServer(directory / "redis")
    environment = _environment(redis)
    legacy = Settings.from_env(environment).legacy
    argv = [sys.executable, str(PEER_FILE)]
    working = Child(BEFORE, argv, environment, directory / "worker.log")
    store = RedisStore(RedisSettings(url=SecretStr(redis.url), timeout=START), Metrics())

    async def is_subscribed() -> bool:
        ((_, subscribers),) = await store.client.pubsub_numsub(legacy.request_channel)
        return bool(subscribers)

    async def is_ready() -> None:
        await until(is_subscribed, working, "the worker of before to subscribe", START)

    async def is_gone() -> None:
        while await is_subscribed():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(LOOK)

    async with stopping(redis.child), contextlib.aclosing(store):
        await redis.start()
        async with _hearing(RedisChannels(store), legacy.result_channel) as ears, stopping(working):
            await working.start()
            await is_ready()
            line = PubSubLine(RedisChannels(store), legacy.request_channel)
            yield Stage(BEFORE, working, line, ears, is_ready, is_gone)


@contextlib.asynccontextmanager
async def _hearing(channels: RedisChannels, channel: str) -> AsyncIterator[Ears]:
    ears, listening = Ears(), asyncio.Event()

    async def hear(_: str, body: bytes) -> None:
        ears.hear(body)

    task = asyncio.create_task(channels.listen([channel], hear, listening.set))
    await asyncio.wait_for(listening.wait(), START)
    try:
        yield ears
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _environment(redis: RedisServer) -> dict[str, str]:
    """The same for all. What the caller's shell sets must not leak in here."""
    return {**{row.name: "" for row in rows()}, **WORKING, "REDIS_URL": redis.url}


def _as_role(environment: Mapping[str, str], nats: NatsServer, role: str, **addresses: str) -> dict[str, str]:
    access = {"NATS_URL": nats.url(role), "NATS_INBOX_PREFIX": f"_INBOX_{role}"}
    return {**environment, **access, "WORKER_ID": f"{role}-1", **addresses}
