"""`make chaos-quick`: three workers, 300 requests over both paths, kill -9 at three crash points in turn.

Prints a table and fails if any request was lost, stored twice or heard twice. Options: --requests, --points.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nats
from rich.console import Console
from rich.table import Table

from memebattle.cli.children import Child, stopping
from memebattle.cli.client import MemeClient
from memebattle.cli.fake_hf import FakeHuggingFace, Manners
from memebattle.cli.local import NatsServer, RedisServer
from tests.chaos.worker import POINTS
from tests.fleet import Fleet, stored_answers
from tests.zygote import forked

QUICK_POINTS = ("claimed", "generating", "answered")
CRASH_AFTER = 12  # requests that pass the point in one worker's life
RARE = {"core_received": 1}  # most Core copies find no slot, or the other copy in work


@dataclass(frozen=True)
class Result:
    """What became of the requests of one crash point."""

    point: str
    requests: int
    kills: int
    lost: int
    stored_twice: int
    heard_twice: int
    calls: int
    seconds: float

    @property
    def kept(self) -> bool:
        """Whether the promise held, and was tested at all."""
        return not (self.lost or self.stored_twice or self.heard_twice) and self.kills > 0


def crashing_worker(env: Mapping[str, str], number: int, log: Path) -> Child:
    """A process of tests/chaos/worker.py."""
    return forked("tests.chaos.worker", env, number, log)


async def respawn(fleet: Fleet) -> None:
    """Start every worker again that died, as an orchestrator would."""

    async def keep(number: int) -> None:
        while True:
            child = fleet.workers[number]
            assert child.process is not None
            await child.process.wait()
            await fleet.start_one(number)

    await asyncio.gather(*(keep(number) for number in list(fleet.workers)))


async def run_point(point: str, requests: int, directory: Path) -> Result:
    """One crash point on fresh servers."""
    directory.mkdir()
    server, redis = NatsServer(directory / "nats"), RedisServer(directory / "redis")
    kills = directory / "kills.log"
    kills.touch()
    async with (
        stopping(server.child, redis.child),
        FakeHuggingFace(Manners(latency=0.05, encoding="WEBP", size=256)) as hf,
    ):
        await asyncio.gather(server.start(), redis.start())
        env = {
            "NATS_URL": server.url("worker"),
            "NATS_INBOX_PREFIX": "_INBOX_worker",
            "REDIS_URL": redis.url,
            "IMAGE_PROVIDER": "huggingface",
            "HF_API_URL": hf.url(),
            "LOG_LEVEL": "WARNING",
            "ACK_WAIT": "2",
            "CLAIM_LEASE": "1",
            "MAX_ATTEMPTS": "50",
            "CRASH_AT": point,
            "CRASH_AFTER": str(RARE.get(point, CRASH_AFTER)),
            "CRASH_LOG": str(kills),
        }
        fleet = Fleet(env, directory, crashing_worker)
        await asyncio.gather(*(fleet.start_one(number) for number in (1, 2, 3)))
        respawning = asyncio.create_task(respawn(fleet))
        try:
            return await _measure(point, requests, server, hf, kills)
        finally:
            respawning.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await respawning
            await fleet.stop()


async def _measure(point: str, requests: int, server: NatsServer, hf: FakeHuggingFace, kills: Path) -> Result:
    connection = await nats.connect(server.url())
    started = asyncio.get_running_loop().time()
    async with MemeClient(connection).listening() as client:
        await _stream_exists(connection)
        ids = [
            await client.ask(f"{point} {number}", via="core" if number % 2 else "jetstream")
            for number in range(requests)
        ]
        lost = await client.answered(ids, 120)
        seconds = asyncio.get_running_loop().time() - started
        stored = await stored_answers(connection)
        heard_twice = sum(len(heard) > 1 for heard in client.answers.values())
    await connection.close()
    return Result(
        point=point,
        requests=requests,
        kills=len(kills.read_text().splitlines()),
        lost=len(lost),
        stored_twice=sum(count > 1 for count in stored.values()),
        heard_twice=heard_twice,
        calls=sum(hf.calls.values()),
        seconds=seconds,
    )


async def _stream_exists(connection: nats.aio.client.Client) -> None:
    """The first worker makes the streams; a request before that would reach nobody."""
    from tests.waiting import wait_until

    async def exists() -> bool:
        with contextlib.suppress(Exception):
            return bool(await connection.jetstream().consumer_info("MEMES", "meme-generator"))
        return False

    await wait_until(exists, "the workers to make the streams", 20)


def table(results: list[Result]) -> Table:
    """What `make chaos-quick` prints."""
    shown = Table(
        "killed at", "requests", "kills", "lost", "stored twice", "heard twice", "calls per prompt", "s"
    )
    for each in results:
        shown.add_row(
            each.point,
            str(each.requests),
            str(each.kills),
            str(each.lost),
            str(each.stored_twice),
            str(each.heard_twice),
            f"{each.calls / each.requests:.2f}",
            f"{each.seconds:.1f}",
            style="" if each.kept else "red",
        )
    return shown


async def main() -> int:
    """Run the points one after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=100, help="per crash point")
    parser.add_argument("--points", nargs="+", choices=POINTS, default=list(QUICK_POINTS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="memebattle-chaos-", ignore_cleanup_errors=True) as directory:
        results = [
            await run_point(point, options.requests, Path(directory) / point) for point in options.points
        ]
    Console(width=120).print(table(results))
    return 0 if all(result.kept for result in results) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
