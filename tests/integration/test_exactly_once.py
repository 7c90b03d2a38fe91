"""The promise, over three worker processes on real servers: every request, exactly one answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from nats.aio.client import Client
from PIL import Image

from memebattle.bus.streams import Topology
from memebattle.cli.client import MemeClient
from memebattle.cli.fake_hf import FakeHuggingFace, Manners
from memebattle.cli.local import NatsServer, RedisServer
from memebattle.settings import Settings
from tests.fleet import Fleet, body, fleet, stored_answers
from tests.waiting import wait_until

# where work is counted: a worker that a busy machine makes slow has not died
PATIENT = {"CLAIM_LEASE": "20"}


@pytest.fixture
async def hf():  # type: ignore[no-untyped-def]
    async with FakeHuggingFace(Manners(latency=0.05, encoding="WEBP", size=256)) as fake:
        yield fake


@pytest.fixture
def hf_env(worker_env: dict[str, str], hf: FakeHuggingFace) -> dict[str, str]:
    return worker_env | {"IMAGE_PROVIDER": "huggingface", "HF_API_URL": hf.url()}


async def test_any_client_over_any_path_gets_one_answer(
    worker_env: dict[str, str], tmp_path: Path, developer: Client
) -> None:
    """With and without an id, over Core, over JetStream: one message each on meme.response."""
    async with fleet(worker_env, tmp_path, 2), MemeClient(developer).listening() as client:
        core = await client.ask("A cat on Mars", via="core", small_image=True)
        jetstream = await client.ask("A dog on the Moon", via="jetstream", small_image=True)
        both = await client.ask("A frog in the office", via="both", small_image=True)
        ack = await developer.jetstream().publish(
            "meme.request", body(prompt="no id at all", small_image=True)
        )
        await developer.publish(
            "meme.request", body(prompt="an id in the header"), headers={"Nats-Msg-Id": "by-header"}
        )
        wanted = [core, jetstream, both, f"js-MEMES-{ack.seq}", "by-header"]

        assert await client.answered(wanted, 20) == []
        await wait_until(lambda: _drained(developer), "the queue to drain")

        assert {request_id: len(heard) for request_id, heard in client.answers.items()} == dict.fromkeys(
            wanted, 1
        )
        assert await stored_answers(developer) == dict.fromkeys(wanted, 1)
        answer = client.answers[core][0]
        assert answer.message.keys() >= {"request_id", "image_data", "prompt", "timestamp"}
        assert isinstance(answer.message["timestamp"], int)
        with Image.open(answer.save(tmp_path)) as image:
            assert (image.format, image.size) == ("WEBP", (512, 512))


async def test_three_hundred_requests_over_three_workers(
    hf_env: dict[str, str], hf: FakeHuggingFace, tmp_path: Path, developer: Client
) -> None:
    """Core and JetStream alternately: each distinct prompt is drawn once, each request answered once."""
    async with fleet(hf_env | PATIENT, tmp_path, 3) as workers, MemeClient(developer).listening() as client:
        ids = await asyncio.gather(
            *(
                client.ask(f"prompt {number}", via="jetstream" if number % 2 else "core")
                for number in range(300)
            )
        )

        assert await client.answered(list(ids), 40) == []
        await wait_until(lambda: _drained(developer), "the queue to drain")

        assert set((await stored_answers(developer)).values()) == {1}
        assert {len(heard) for heard in client.answers.values()} == {1}
        assert sum(hf.calls.values()) == 300
        shares = [
            await workers._metric_of(port, "meme_generator_success_total", {})
            for port in workers.ports.values()
        ]
        assert sum(shares) == 300
        assert min(shares) > 30, f"the load was not shared: {shares}"


async def test_a_stampede_is_drawn_once_per_prompt(
    hf_env: dict[str, str], hf: FakeHuggingFace, tmp_path: Path, developer: Client
) -> None:
    """600 requests at once for 5 prompts, three workers, a slow provider: 5 provider calls."""
    hf.manners = Manners(latency=1.0, encoding="WEBP", size=256)
    async with fleet(hf_env | PATIENT, tmp_path, 3), MemeClient(developer).listening() as client:
        ids = await asyncio.gather(
            *(client.ask(f"stampede {number % 5}", via="jetstream") for number in range(600))
        )

        assert await client.answered(list(ids), 50) == []

        assert sum(hf.calls.values()) == 5
        assert {len(heard) for heard in client.answers.values()} == {1}
        assert set((await stored_answers(developer)).values()) == {1}


async def test_the_backlog_is_what_is_not_answered_yet(
    hf_env: dict[str, str], hf: FakeHuggingFace, tmp_path: Path, developer: Client
) -> None:
    """num_pending + num_ack_pending, which KEDA reads, counts waiting and working requests on both paths."""
    hf.manners = Manners(latency=1.0, encoding="WEBP", size=256)
    async with (
        fleet(hf_env | {"WORKER_CONCURRENCY": "3"}, tmp_path, 2),
        MemeClient(developer).listening() as client,
    ):
        ids = await asyncio.gather(
            *(client.ask(f"slow {number}", via="core" if number % 2 else "jetstream") for number in range(24))
        )
        await wait_until(lambda: sum(hf.calls.values()) >= 6, "both workers to be busy")

        assert await _lag(developer) == 24

        await wait_until(lambda: len(client.answers) >= 12, "some answers")
        await wait_until(
            lambda: _lag_equals(developer, lambda: 24 - len(client.answers)),
            "the lag to follow the answers",
            8,
        )
        assert await client.answered(list(ids), 40) == []
        await wait_until(lambda: _drained(developer), "the queue to drain")


async def test_redis_stopped_in_mid_run(
    hf_env: dict[str, str], tmp_path: Path, developer: Client, redis_server: RedisServer
) -> None:
    """Nothing lost, nothing twice: the answer stream needs no Redis."""
    async with fleet(hf_env, tmp_path, 3), MemeClient(developer).listening() as client:
        ids = [await client.ask(f"before {number}", via="jetstream") for number in range(30)]
        await wait_until(lambda: len(client.answers) > 5, "work to be under way")
        await redis_server.child.stop()
        ids += [
            await client.ask(f"after {number}", via="core" if number % 2 else "jetstream")
            for number in range(60)
        ]

        assert await client.answered(ids, 40) == []
        await wait_until(lambda: _drained(developer), "the queue to drain", 20)

        assert {len(heard) for heard in client.answers.values()} == {1}
        assert set((await stored_answers(developer)).values()) == {1}


async def test_nats_restarted_in_mid_run(
    hf_env: dict[str, str], tmp_path: Path, nats_server: NatsServer, hf: FakeHuggingFace
) -> None:
    """What JetStream acknowledged is answered after the restart; the workers resume by themselves."""
    import nats

    hf.manners = Manners(latency=0.3, encoding="WEBP", size=256)
    async with fleet(hf_env, tmp_path, 3) as workers:
        publisher = await nats.connect(nats_server.url(), reconnect_time_wait=0.1)
        js = publisher.jetstream()
        for number in range(60):
            await js.publish("meme.request", body(id=f"r{number}", prompt=f"restart {number}"))
        await wait_until(lambda: sum(hf.calls.values()) > 5, "work to be under way")
        await nats_server.child.stop()
        await wait_until(lambda: _statuses(workers, 503), "readiness to be false", 3)
        await nats_server.start()
        await wait_until(lambda: publisher.is_connected, "our own reconnect")

        await wait_until(lambda: _all_stored(publisher, 60), "all answers", 30)

        assert set((await stored_answers(publisher)).values()) == {1}
        await wait_until(lambda: _statuses(workers, 200), "readiness to be true")
        await publisher.close()


async def test_consumer_and_stream_deleted_under_running_workers(
    worker_env: dict[str, str], tmp_path: Path, developer: Client
) -> None:
    """The watchdog puts both back, and requests are answered again."""
    js = developer.jetstream()
    async with fleet(worker_env, tmp_path, 2), MemeClient(developer).listening() as client:
        await js.delete_consumer("MEMES", "meme-generator")
        first = await client.ask("after the consumer was gone", via="jetstream", small_image=True)
        assert await client.answered([first], 15) == []

        await js.delete_stream("MEMES")
        await wait_until(lambda: _exists(js, "MEMES"), "the stream to be back")
        second = await client.ask("after the stream was gone", via="jetstream", small_image=True)
        assert await client.answered([second], 15) == []


async def test_a_stopped_worker_finishes_what_it_has(
    hf_env: dict[str, str], tmp_path: Path, developer: Client, hf: FakeHuggingFace
) -> None:
    """SIGTERM under load: exit 0, nothing lost, nothing drawn twice; the other worker takes the rest."""
    hf.manners = Manners(latency=0.4, encoding="WEBP", size=256)
    async with fleet(hf_env, tmp_path, 2) as workers, MemeClient(developer).listening() as client:
        ids = await asyncio.gather(*(client.ask(f"drain {number}", via="core") for number in range(40)))
        await wait_until(lambda: sum(hf.calls.values()) >= 6, "both workers to be busy")

        assert await workers.workers[1].stop(15) == 0
        assert await client.answered(list(ids), 30) == []

        assert sum(hf.calls.values()) == 40
        assert {len(heard) for heard in client.answers.values()} == {1}


async def test_a_new_worker_fills_its_slots_from_a_backlog(
    hf_env: dict[str, str], tmp_path: Path, developer: Client, hf: FakeHuggingFace
) -> None:
    """Scaled from zero: the first message does not keep the next ones waiting."""
    hf.manners = Manners(latency=3, encoding="WEBP", size=256)
    await Topology.of(Settings()).apply(developer.jetstream())
    async with MemeClient(developer).listening() as client:
        ids = [await client.ask(f"backlog {number}", via="jetstream") for number in range(5)]
        async with fleet(hf_env, tmp_path, 1):
            await wait_until(lambda: sum(hf.calls.values()) == 5, "all five slots to be busy", 2.5)
            assert client.answers == {}

            assert await client.answered(ids, 20) == []


async def _lag(client: Client) -> int:
    info = await client.jetstream().consumer_info("MEMES", "meme-generator")
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


async def _lag_equals(client: Client, expected) -> bool:  # type: ignore[no-untyped-def]
    before = expected()
    lag = await _lag(client)
    return before == expected() == lag


async def _drained(client: Client) -> bool:
    return await _lag(client) == 0


async def _all_stored(client: Client, count: int) -> bool:
    return len(await stored_answers(client)) == count


async def _statuses(workers: Fleet, status: int) -> bool:
    from memebattle.cli.children import http_status

    return all(
        [await http_status(f"http://127.0.0.1:{port}/readyz") == status for port in workers.ports.values()]
    )


async def _exists(js, stream: str) -> bool:  # type: ignore[no-untyped-def]
    from nats.js.errors import NotFoundError

    try:
        await js.stream_info(stream)
    except NotFoundError:
        return False
    return True
