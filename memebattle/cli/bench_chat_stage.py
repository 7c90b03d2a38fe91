"""The stages of `bench chat`: servers, one worker and two gateways each, and what those processes cost.

Every contestant has servers of its own, and all stages stand at the same time: idle ones cost next to
nothing, and so the measurements can take turns without starting anything anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from memebattle.cli.children import Child, ready, stopping
from memebattle.cli.local import NatsServer, RedisServer, gateway, worker
from memebattle.cli.output import Problem
from memebattle.cli.ports import free_port

PEER_FILE = Path(__file__).parents[2] / "benchmarks" / "peers" / "handwritten_chat.py"
OURS, BATCHED, PEER = "memebattle", "batched", "hand-written"
CONTESTANTS = (OURS, BATCHED, PEER)
GATEWAYS = 2
BATCH_MS = 50
SPARE_FILES = 200  # descriptors a process needs beside its connections


@dataclass(frozen=True, slots=True)
class Stage:
    """One contestant, ready. `ports` are those of its gateways."""

    contestant: str
    worker: Child
    gateways: tuple[Child, ...]
    ports: tuple[int, ...]


def cpu_seconds(*children: Child) -> float | None:
    """CPU time of these processes so far, in user and system mode; None where there is no /proc."""
    try:
        return sum(_cpu_seconds(child.pid) for child in children)
    except OSError:
        return None


def resident_bytes(child: Child) -> int | None:
    """What it holds in memory; None where there is no /proc."""
    try:
        pages = int(Path(f"/proc/{child.pid}/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGESIZE")


def _cpu_seconds(pid: int) -> float:
    # the name of the process is in parentheses and may hold anything
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def allow_connections(wanted: int) -> int:
    """Raise our limit of open files, which children inherit; how many connections it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = max(soft, wanted + SPARE_FILES)
    if soft < wanted + SPARE_FILES:
        soft = min(hard, wanted + SPARE_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(0, min(wanted, soft - SPARE_FILES))


@contextlib.asynccontextmanager
async def stages(token_ms: float, sessions: int) -> AsyncIterator[dict[str, Stage]]:
    """All contestants, ready; cleared away at the end.

    Raises:
        Problem: the hand-written one is not part of an installation, only of the repository.
    """
    if not PEER_FILE.exists():
        raise Problem(
            "the hand-written chat is not here",
            why=f"{PEER_FILE} comes with the repository, not with the package",
            do="clone the repository and run `memebattle bench chat` there",
        )
    async with contextlib.AsyncExitStack() as stack:
        name = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="memebattle-bench-", ignore_cleanup_errors=True)
        )
        set_up = await asyncio.gather(
            *(
                stack.enter_async_context(_stage(each, Path(name) / each, token_ms, sessions))
                for each in CONTESTANTS
            )
        )
        yield {stage.contestant: stage for stage in set_up}


@contextlib.asynccontextmanager
async def _stage(contestant: str, directory: Path, token_ms: float, sessions: int) -> AsyncIterator[Stage]:
    nats, redis = NatsServer(directory / "nats"), RedisServer(directory / "redis")
    ports, metrics_port = [free_port() for _ in range(GATEWAYS)], free_port()
    common = {"LOG_LEVEL": "WARNING", "REDIS_URL": redis.url}
    for_worker = common | {
        "NATS_URL": nats.url("worker"),
        "NATS_INBOX_PREFIX": "_INBOX_worker",
        "METRICS_ADDR": f"127.0.0.1:{metrics_port}",
        "WORKER_CONTEXTS": "chat",
        "LOCAL_TOKEN_MS": str(token_ms),
        "CHAT_CONCURRENCY": str(sessions),
        "CHAT_BATCH_MS": str(BATCH_MS if contestant == BATCHED else 0),
    }
    for_gateway = common | {"NATS_URL": nats.url("gateway"), "NATS_INBOX_PREFIX": "_INBOX_gateway"}
    async with stopping(nats.child, redis.child):
        await asyncio.gather(nats.start(), redis.start())
        if contestant != PEER:  # which keeps nothing, and a stream would reply to its messages
            await _apply_streams(nats)
        working = _child(contestant, "worker", for_worker, directory)
        serving = tuple(
            _child(contestant, "pod", for_gateway | {"GATEWAY_ADDR": f"127.0.0.1:{port}"}, directory, number)
            for number, port in enumerate(ports, start=1)
        )
        async with stopping(working, *serving):
            await asyncio.gather(*(child.start() for child in (working, *serving)))
            probes = zip((metrics_port, *ports), (working, *serving), strict=True)
            await asyncio.gather(
                *(ready(f"http://127.0.0.1:{port}/readyz", child, 30) for port, child in probes)
            )
            yield Stage(contestant, working, serving, tuple(ports))


def _child(
    contestant: str, role: str, environment: Mapping[str, str], directory: Path, number: int = 1
) -> Child:
    """A worker or a pod of either kind. What the caller's shell sets for them must not leak in here."""
    from memebattle.settings import rows

    # two pods of one name would each be told everything
    name, log = f"{role}-{number}", directory / f"{role}-{number}.log"
    environment = {**{row.name: "" for row in rows()}, "WORKER_ID": name, **environment}
    if contestant == PEER:
        return Child(f"{PEER} {role}", [sys.executable, str(PEER_FILE), role], environment, log)
    return worker(environment, 1, log) if role == "worker" else gateway(environment, log, number=number)


async def _apply_streams(nats: NatsServer) -> None:
    from memebattle.bus.streams import Topology
    from memebattle.cli.connection import connected
    from memebattle.settings import Settings

    async with connected(nats.url("developer"), ours=True) as client:
        await Topology.of(Settings.from_env({})).apply(client.jetstream(timeout=5))
