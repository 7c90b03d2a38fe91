"""The stage of a benchmark: empty servers, one worker, and what that worker cost.

Every measurement gets a nats-server and a Valkey of its own, so nobody inherits a full stream or a warm
cache; only the fake HuggingFace lives longer, because it holds nothing but counts. All of them and the worker
are processes of their own; the client is this process, the same for every worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from memebattle.cli.children import Child, listening, ready, stopping
from memebattle.cli.local import NatsServer, RedisServer, worker
from memebattle.cli.output import Problem
from memebattle.cli.ports import free_port

if TYPE_CHECKING:
    from nats.aio.client import Client

PEER_FILE = Path(__file__).parents[2] / "benchmarks" / "peers" / "handwritten_worker.py"
OURS, PEER = "memebattle", "hand-written"
CONTESTANTS = (OURS, PEER)
DRAINING_LOOKS = 1500  # one every 20 ms


@dataclass(frozen=True, slots=True)
class Stage:
    """A ready worker on empty servers. `ready_seconds` is from starting its process to its first 200."""

    client: Client
    pid: int
    ready_seconds: float

    def cpu_seconds(self) -> float | None:
        """CPU time of the worker so far, in user and system mode; None where there is no /proc."""
        try:
            # the name of the process is in parentheses and may hold anything
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def drained(self) -> None:
        """Return when the stream has no message left, copies given back included.

        Raises:
            Problem: it still has some after a long time.
        """
        js = self.client.jetstream(timeout=5)
        for _ in range(DRAINING_LOOKS):
            info = await js.consumer_info("MEMES", "meme-generator")
            if not info.num_pending and not info.num_ack_pending:
                return
            await asyncio.sleep(0.02)
        raise Problem("the worker answered, but never acknowledged what it answered")


def peer(environment: Mapping[str, str], log: Path) -> Child:
    """The hand-written worker.

    Raises:
        Problem: it is not part of an installation, only of the repository.
    """
    if not PEER_FILE.exists():
        raise Problem(
            "the hand-written worker is not here",
            why=f"{PEER_FILE} comes with the repository, not with the package",
            do="clone the repository and run `make bench`",
        )
    return Child(PEER, [sys.executable, str(PEER_FILE)], {"WORKER_ID": "worker-1", **environment}, log)


@contextlib.asynccontextmanager
async def stage(contestant: str, hf_url: str, concurrency: int) -> AsyncIterator[Stage]:
    """Set the stage for one measurement and clear it away."""
    from memebattle.cli.connection import connected

    with tempfile.TemporaryDirectory(prefix="memebattle-bench-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        nats, redis = NatsServer(directory / "nats"), RedisServer(directory / "redis")
        async with stopping(nats.child, redis.child):
            await asyncio.gather(nats.start(), redis.start())
            async with connected(nats.url("developer"), ours=True) as client:
                port = free_port()
                environment = _environment(nats, redis, hf_url, concurrency, port)
                await _apply_streams(client, environment)
                log = directory / "worker.log"
                child = worker(environment, 1, log) if contestant == OURS else peer(environment, log)
                async with stopping(child):
                    started = time.perf_counter()
                    await child.start()
                    await ready(f"http://127.0.0.1:{port}/readyz", child)
                    yield Stage(client, child.pid, time.perf_counter() - started)


async def _apply_streams(client: Client, environment: Mapping[str, str]) -> None:
    from memebattle.bus.streams import Topology
    from memebattle.cli.connection import jetstream
    from memebattle.settings import Settings

    settings = Settings.from_env(environment)
    await Topology.of(settings).apply(jetstream(client, settings))


def _environment(
    nats: NatsServer, redis: RedisServer, hf_url: str, concurrency: int, port: int
) -> dict[str, str]:
    """The same for both contestants. What the caller's shell sets for a worker must not leak in here."""
    from memebattle.settings import rows

    return {row.name: "" for row in rows()} | {
        "NATS_URL": nats.url("worker"),
        "NATS_INBOX_PREFIX": "_INBOX_worker",
        "REDIS_URL": redis.url,
        "IMAGE_PROVIDER": "huggingface",
        "WORKER_CONTEXTS": "memes",
        "HF_API_URL": hf_url,
        "HF_MODEL": "bench/model",
        "LOG_LEVEL": "WARNING",
        "WORKER_ID": "worker-1",
        "WORKER_CONCURRENCY": str(concurrency),
        "METRICS_ADDR": f"127.0.0.1:{port}",
    }


@dataclass(frozen=True, slots=True)
class Provider:
    """A fake HuggingFace in a process of its own."""

    port: int

    @property
    def url(self) -> str:
        """For HF_API_URL."""
        return f"http://127.0.0.1:{self.port}/models/bench/model"

    async def calls(self) -> int:
        """Requests to draw so far."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /_calls HTTP/1.1\r\nHost: fake\r\nConnection: close\r\n\r\n")
        body = (await reader.read()).partition(b"\r\n\r\n")[2]
        writer.close()
        total: int = json.loads(body)["total"]
        return total


@contextlib.asynccontextmanager
async def provider(latency: str) -> AsyncIterator[Provider]:
    """One that takes `latency` (as on the command line, `200ms`) for every picture."""
    port = free_port()
    command = [sys.executable, "-c", "from memebattle.cli import main; main()"]
    argv = [*command, "dev", "fake-hf", "--port", str(port), "--latency", latency]
    with tempfile.TemporaryDirectory(prefix="memebattle-bench-") as directory:
        child = Child("fake-hf", argv, log=Path(directory) / "fake-hf.log")
        async with stopping(child):
            await child.start()
            await listening(port, child)
            yield Provider(port)
