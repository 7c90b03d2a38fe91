"""What a client of the gateway notices: `POST /api/v1/prioritization` with `Prefer: wait=10`.

    latency   one request at a time, each of a content of its own; then all of them once more
    load      requests of which a given share says again what another one has said: in other case, spacing and
              punctuation, and under another id

HTTP is spoken as little as possible: this process shares its machine with those it measures.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from memebattle.cli.bench_priority_load import PATIENCE, a_task
from memebattle.cli.output import Problem

ADDRESS = "/api/v1/prioritization"
WARMING_UP = 5  # requests
CONNECTIONS = 8  # of the load
APART = 1_000_000  # between the numbers of one run's tasks and those of the next
ENDS = ("", ".", "!", "...", " ?")


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds of every request: of contents that are new, and of the same ones again."""

    uncached: list[float]
    cached: list[float]


@dataclass(frozen=True, slots=True)
class Load:
    """How many requests there were, and how many of them were answered from the cache."""

    requests: int
    hits: int


class Connection:
    """One connection that is kept; raises `Problem` for anything but a result."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def post(self, task: dict[str, object]) -> bool:
        """Ask and wait for the result; whether it came from the cache."""
        body = json.dumps(task).encode()
        head = (
            f"POST {ADDRESS} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nPrefer: wait=10\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._result()
        except (TimeoutError, asyncio.IncompleteReadError) as error:
            raise Problem("the gateway does not answer", why=repr(error)) from None

    async def _result(self) -> bool:
        status, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        if status.split()[1] != "200":
            raise Problem(
                f"the gateway has no result for a task: {status}", why=body[:200].decode(errors="replace")
            )
        return headers.get("x-cache") == "HIT"


async def latency(port: int, count: int, run: int) -> Latency:
    """Ask about so many new contents, then about the same ones again.

    Raises:
        Problem: what has to be in the cache is not, or what cannot be there is.
    """
    async with _connection(port) as connection:
        for number in range(WARMING_UP):
            await connection.post(a_task(run * APART - 1 - number))
        tasks = [a_task(run * APART + number) for number in range(count)]
        uncached = [await _timed(connection, task, hit=False) for task in tasks]
        cached = [await _timed(connection, task, hit=True) for task in tasks]
    return Latency(uncached, cached)


async def load(port: int, count: int, similar: float, run: int) -> Load:
    """Send so many requests over a few connections."""
    waiting = tasks_of_load(count, similar, run)
    hits: list[bool] = []

    async def one_after_the_other() -> None:
        async with _connection(port) as connection:
            for task in waiting:
                hits.append(await connection.post(task))  # noqa: PERF401 - of all connections

    await asyncio.gather(*(one_after_the_other() for _ in range(min(CONNECTIONS, count))))
    return Load(count, sum(hits))


def tasks_of_load(count: int, similar: float, run: int) -> Iterator[dict[str, object]]:
    """So many tasks with ids of their own; the share `similar` repeats, in other words, an earlier one."""
    rng = random.Random(run)  # noqa: S311 - the same load every time
    repeats = min(round(count * similar), count - 1)
    kinds = [True] * repeats + [False] * (count - 1 - repeats)
    rng.shuffle(kinds)
    said: list[dict[str, object]] = []
    for number, is_repeated in enumerate([False, *kinds]):
        task = rng.choice(said) if is_repeated else a_task(run * APART + APART // 2 + number)
        if not is_repeated:
            said.append(task)
        yield {**(reworded(task, rng) if is_repeated else task), "id": f"load{run}-{number}"}


def reworded(task: dict[str, object], rng: random.Random) -> dict[str, object]:
    """The same task as somebody else would have typed it."""
    return task | {name: _retyped(str(task[name]), rng) for name in ("title", "description")}


def _retyped(text: str, rng: random.Random) -> str:
    case = rng.choice((str.upper, str.lower, str.title))
    words = case(text).rstrip(".").split()
    return rng.choice((" ", "  ", "\t")).join(words) + rng.choice(ENDS)


async def _timed(connection: Connection, task: dict[str, object], *, hit: bool) -> float:
    started = time.perf_counter()
    was_hit = await connection.post(task)
    taken = time.perf_counter() - started
    if was_hit is not hit:
        raise Problem(f"a task {'was' if was_hit else 'was not'} answered from the cache", why=str(task))
    return taken


@contextlib.asynccontextmanager
async def _connection(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
