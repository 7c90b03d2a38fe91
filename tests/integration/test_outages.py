"""NATS or Redis away: before the start, in mid-run, for good, or silent; and what the probes say."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from pathlib import Path

import nats
import nats.errors
import nats.js.errors
import pytest
from nats.aio.client import Client

from memebattle.bus.broker import EXIT_CANNOT_START, EXIT_CLOSED, HardenedBroker
from memebattle.cli.children import http_status
from memebattle.cli.client import MemeClient
from memebattle.cli.local import NatsServer, RedisServer
from memebattle.kit.metrics import Metrics
from memebattle.settings import Settings
from tests.fleet import Fleet, body, fleet, http_get
from tests.waiting import wait_until

GRACE = 3.0  # seconds a stopping worker has


@pytest.fixture
async def lonely(worker_env: dict[str, str], tmp_path: Path, nats_server: NatsServer):  # type: ignore[no-untyped-def]
    """A worker that was started while NATS is down; it lives."""
    await nats_server.child.stop()
    workers = Fleet(worker_env | {"SHUTDOWN_GRACE": str(GRACE)}, tmp_path)
    await workers.start_one(1)
    await wait_until(lambda: _says(workers, "livez", 200), "the worker to live")
    yield workers
    await workers.stop()


async def test_a_worker_waits_for_nats(lonely: Fleet, nats_server: NatsServer) -> None:
    """Alive, not ready, and ready by itself when NATS comes."""
    assert await _says(lonely, "readyz", 503)

    await nats_server.start()
    await lonely.is_ready(1)

    developer = await nats.connect(nats_server.url())
    async with MemeClient(developer).listening() as client:
        asked = await client.ask("A cat on Mars", small_image=True)
        assert await client.answered([asked], 10) == []
    await developer.close()


async def test_a_worker_that_waits_for_nats_can_be_stopped(lonely: Fleet) -> None:
    started = time.monotonic()

    assert await lonely.stop() == [0]
    assert time.monotonic() - started < GRACE


async def test_a_worker_that_lost_nats_can_be_stopped(
    worker_env: dict[str, str], tmp_path: Path, nats_server: NatsServer
) -> None:
    async with fleet(worker_env | {"SHUTDOWN_GRACE": str(GRACE)}, tmp_path, 1) as workers:
        await nats_server.child.stop()
        await wait_until(lambda: _says(workers, "readyz", 503), "the loss to be noticed")
        started = time.monotonic()

        assert await workers.stop() == [0]
        assert time.monotonic() - started < GRACE + 1


async def test_a_worker_that_lost_nats_at_work_can_be_stopped(
    worker_env: dict[str, str], tmp_path: Path, nats_server: NatsServer, developer: Client
) -> None:
    """The answer cannot be stored any more; the request is still in the stream, and the next worker's."""
    env = worker_env | {"SHUTDOWN_GRACE": str(GRACE), "LOCAL_LATENCY_MS": "1000"}
    async with fleet(env, tmp_path, 1) as workers:
        await developer.jetstream().publish("meme.request", body(id="r1", prompt="p", small_image=True))
        await wait_until(lambda: _in_flight(workers), "work to be under way")
        await nats_server.child.stop()
        started = time.monotonic()

        assert await workers.stop() == [0]
        assert time.monotonic() - started < GRACE + 2
    await nats_server.start()
    async with fleet(worker_env, tmp_path, 1):
        await wait_until(lambda: developer.is_connected, "our own reconnect")
        subject = "answers.meme.r1.response"
        await wait_until(lambda: _stored(developer, subject), "the answer")


async def test_probes_tell_the_truth(
    worker_env: dict[str, str],
    tmp_path: Path,
    nats_server: NatsServer,
    redis_server: RedisServer,
) -> None:
    """Without NATS unready within a second, without Redis degraded; never dead."""
    async with fleet(worker_env, tmp_path, 1) as workers:
        assert await _report(workers) == {"status": "ok", "nats": "up", "redis": "up"}

        await redis_server.child.stop()
        degraded = {"status": "degraded", "nats": "up", "redis": "down"}
        await wait_until(lambda: _reports(workers, degraded), "the loss of Redis to be noticed", 5)
        assert await _says(workers, "readyz", 200)

        await nats_server.child.stop()
        await wait_until(lambda: _says(workers, "readyz", 503), "readiness to be false", 1)
        assert await _says(workers, "livez", 200)

        await redis_server.start()
        await nats_server.start()
        fine = {"status": "ok", "nats": "up", "redis": "up"}
        await wait_until(lambda: _reports(workers, fine), "everything to be back")


async def test_a_silent_nats_kills_nobody(
    worker_env: dict[str, str], tmp_path: Path, nats_server: NatsServer, developer: Client
) -> None:
    """Frozen for longer than a publisher has patience, then all goes on: same process, one answer."""
    js = developer.jetstream(timeout=2)
    async with (
        fleet(worker_env | {"LOCAL_LATENCY_MS": "300"}, tmp_path, 2) as workers,
        MemeClient(developer).listening() as client,
    ):
        pids = [child.pid for child in workers.workers.values()]
        for number in range(10):
            await client.ask(f"frozen {number}", request_id=f"r{number}", via="jetstream", small_image=True)
        await wait_until(lambda: _in_flight(workers), "work to be under way")
        nats_server.child.signal(signal.SIGSTOP)
        try:
            await wait_until(lambda: _is_silent(nats_server), "the server to be frozen")
            with pytest.raises(nats.errors.TimeoutError):
                await js.publish("meme.request", body(id="r10", prompt="frozen 10", small_image=True))
            assert await _says(workers, "livez", 200)
        finally:
            nats_server.child.signal(signal.SIGCONT)

        assert await client.answered([f"r{number}" for number in range(11)], 20) == []
        assert [child.pid for child in workers.workers.values() if child.running] == pids
        await wait_until(lambda: _says(workers, "readyz", 200), "the workers to be ready")
        assert {len(heard) for heard in client.answers.values()} == {1}


async def test_a_connection_closed_for_good_ends_the_process(settings: Settings) -> None:
    """nats-py gives up for good after a protocol error; a process that hears nothing is worse than none."""
    exits: list[int] = []
    broker = HardenedBroker(settings, Metrics(), name="test", exit_process=exits.append)
    await broker.start()
    # the client checks the body alone, the server takes the headers into account
    await broker.client.publish(
        "meme.created", bytes(broker.client.max_payload - 10), headers={"Much": "too much for the server"}
    )

    await wait_until(lambda: exits, "the process to leave")

    assert exits == [EXIT_CLOSED]
    with contextlib.suppress(nats.errors.ConnectionClosedError):  # production is gone by now
        await broker.stop()


async def test_a_stop_of_our_own_is_no_reason_to_leave(settings: Settings) -> None:
    """The same callback comes at the end of a graceful drain."""
    exits: list[int] = []
    broker = HardenedBroker(settings, Metrics(), name="test", exit_process=exits.append)
    await broker.start()
    client = broker.client

    await broker.stop()

    assert client.is_closed
    assert exits == []


async def test_wrong_credentials_end_the_process(
    worker_env: dict[str, str], tmp_path: Path, nats_server: NatsServer
) -> None:
    """The log says why, without the password, and the orchestrator restarts us until the Secret is right."""
    env = worker_env | {"NATS_URL": f"nats://worker:wrong-password@127.0.0.1:{nats_server.port}"}
    workers = Fleet(env, tmp_path)
    await workers.start_one(1)
    try:
        assert await _exit_code(workers) == EXIT_CANNOT_START
    finally:
        await workers.stop()

    assert "authorization violation" in workers.logs().lower()
    assert "wrong-password" not in workers.logs()


async def test_credentials_that_stop_working_end_the_process(
    worker_env: dict[str, str], tmp_path: Path, nats_server: NatsServer
) -> None:
    """A rotated password: the reconnect is refused, and only a restart reads the new Secret."""
    async with fleet(worker_env, tmp_path, 1) as workers:
        await nats_server.child.stop()
        nats_server.passwords["worker"] = "another one"
        await nats_server.start()

        assert await _exit_code(workers) == EXIT_CLOSED


async def _exit_code(workers: Fleet) -> int:
    """Of the first worker, when it has ended by itself."""
    process = workers.workers[1].process
    assert process is not None
    return await asyncio.wait_for(process.wait(), 10)


async def _says(workers: Fleet, probe: str, status: int) -> bool:
    urls = [f"http://127.0.0.1:{port}/{probe}" for port in workers.ports.values()]
    return [await http_status(url) for url in urls] == [status] * len(urls)


async def _report(workers: Fleet) -> dict[str, str]:
    report: dict[str, str] = json.loads(await http_get(f"http://127.0.0.1:{workers.ports[1]}/readyz"))
    return report


async def _reports(workers: Fleet, expected: dict[str, str]) -> bool:
    return await _report(workers) == expected


async def _is_silent(server: NatsServer) -> bool:
    return await http_status(f"{server.monitor_url}/healthz") == 0


async def _in_flight(workers: Fleet) -> bool:
    return await workers.metric("meme_generator_in_flight") > 0


async def _stored(client: Client, subject: str) -> bool:
    try:
        await client.jetstream().get_last_msg("MEME_RESULTS", subject)
    except nats.js.errors.NotFoundError:
        return False
    return True
