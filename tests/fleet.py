"""Worker processes as production runs them, several at a time, and a client that notices second answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memebattle.cli.children import Child, ready
from memebattle.cli.ports import free_port
from tests.zygote import forked_worker

type Spawn = Callable[[Mapping[str, str], int, Path], Child]


@dataclass
class Fleet:
    """Workers 1..n; `start` returns when all are ready."""

    env: dict[str, str]
    directory: Path
    spawn: Spawn = forked_worker
    workers: dict[int, Child] = field(default_factory=dict)
    ports: dict[int, int] = field(default_factory=dict)

    async def start(self, count: int) -> None:
        numbers = range(1, count + 1)
        await asyncio.gather(*(self.start_one(number) for number in numbers))
        await asyncio.gather(*(self.is_ready(number) for number in numbers))

    async def start_one(self, number: int) -> Child:
        port = self.ports.setdefault(number, free_port())
        env = {**self.env, "METRICS_ADDR": f"127.0.0.1:{port}"}
        child = self.workers[number] = self.spawn(env, number, self.directory / f"worker-{number}.log")
        await child.start()
        return child

    async def is_ready(self, number: int) -> None:
        await ready(f"http://127.0.0.1:{self.ports[number]}/readyz", self.workers[number])

    async def stop(self) -> list[int]:
        return list(await asyncio.gather(*(child.stop(20) for child in self.workers.values())))

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.directory.glob("worker-*.log")))

    async def metric(self, name: str, **labels: str) -> float:
        """The sum over all workers of a metric's samples that have these labels."""
        return sum([await self._metric_of(port, name, labels) for port in self.ports.values()])

    async def _metric_of(self, port: int, name: str, labels: Mapping[str, str]) -> float:
        text = (await http_get(f"http://127.0.0.1:{port}/metrics")).decode()
        total = 0.0
        for line in text.splitlines():
            head, _, value = line.rpartition(" ")
            metric, _, rest = head.partition("{")
            if metric == name and all(f'{key}="{wanted}"' in rest for key, wanted in labels.items()):
                total += float(value)
        return total


@contextlib.asynccontextmanager
async def fleet(env: Mapping[str, str], directory: Path, count: int, **options: Any) -> AsyncIterator[Fleet]:
    """`count` ready workers, ended with the block."""
    workers = Fleet(dict(env), directory, **options)
    try:
        await workers.start(count)
        yield workers
    finally:
        await workers.stop()


async def http_get(url: str) -> bytes:
    """The body of a GET on loopback."""
    host, _, path = url.removeprefix("http://").partition("/")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    writer.write(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    body = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()
    return body


async def stored_answers(client: Any, stream: str = "MEME_RESULTS") -> dict[str, int]:
    """request id -> how many answers the stream holds for it; more than one must never happen."""
    info = await client.jetstream(timeout=5).stream_info(stream, subjects_filter=">")
    counts: dict[str, int] = {}
    for subject, count in (info.state.subjects or {}).items():
        request_id = subject.split(".")[2]
        counts[request_id] = counts.get(request_id, 0) + count
    return counts


def body(**fields: Any) -> bytes:
    """A request as bytes."""
    return json.dumps(fields).encode()
