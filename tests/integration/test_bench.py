"""The benchmark runs, and its peer deserves the comparison: it keeps the same promise on the same wire."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from nats.aio.client import Client
from PIL import Image

from memebattle.bus.streams import Topology
from memebattle.cli.bench import MEASURES, Row, _print, _rows, run
from memebattle.cli.bench_load import WORKS, Crowd, Measurement
from memebattle.cli.bench_stage import peer
from memebattle.cli.client import MemeClient
from memebattle.cli.fake_hf import FakeHuggingFace, Manners
from memebattle.cli.output import Problem
from memebattle.memes.messages import MemeResponse
from memebattle.settings import Settings
from tests.fleet import Fleet, stored_answers
from tests.waiting import wait_until


@pytest.fixture
async def hf() -> AsyncIterator[FakeHuggingFace]:
    async with FakeHuggingFace(Manners(latency=0.05, encoding="WEBP", size=256)) as fake:
        yield fake


@pytest.fixture
async def handwritten(
    worker_env: dict[str, str], hf: FakeHuggingFace, developer: Client, tmp_path: Path
) -> AsyncIterator[Fleet]:
    """Two peers in competition for the same requests."""
    env = worker_env | {"IMAGE_PROVIDER": "huggingface", "HF_API_URL": hf.url(), "HF_MODEL": "bench/model"}
    await Topology.of(Settings.from_env(env)).apply(developer.jetstream())
    workers = Fleet(env, tmp_path, spawn=lambda environment, _number, log: peer(environment, log))
    try:
        await workers.start(2)
        yield workers
    finally:
        assert await workers.stop() == [0, 0]


@pytest.mark.timeout(240)
async def test_a_tiny_run_measures_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """Every measure, both contestants, over Core and JetStream; the provider is called as often as it must.

    Two of the four works: each has four processes to itself, and the others differ in numbers only.
    """
    works = [WORKS[1], WORKS[2]]
    await run(10, 1, json=True, works=works)

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    figures = {(row["work"], row["measure"]): (row["memebattle"], row["hand-written"]) for row in rows}
    names = [measure.name for measure in MEASURES]
    assert list(figures) == [
        *((work.name, name) for work in works for name in names),
        ("worker start", "ready after"),
    ]
    assert [figures[work.name, "provider calls"] for work in works] == [(0, 0), (5, 5)]
    timed = [row for row in rows if row["unit"] and row["measure"] != "CPU/request"]
    assert all(row["memebattle"] > 0 and row["hand-written"] > 0 for row in timed)


def test_the_table_shows_every_work_and_the_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    """Whole words, also on a terminal of 80 columns."""
    ours = [Measurement("memebattle", work.name, 100, 500, 0.002, 0.009, 0.0012, 5, 1.2) for work in WORKS]
    peers = [replace(each, contestant="hand-written", rate=1000, cpu=0.0004, ready=0.8) for each in ours]

    _print(list(_rows(ours + peers)), 100, 1)

    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[1] == ["work", "measure", "memebattle", "hand-written", "ratio"]
    assert ["cached", "(jetstream)", "throughput", "1/s", "500", "1,000", "0.50"] in lines
    assert ["one", "by", "one", "(core)", "throughput", "1/s", "500", "1,000", "0.50"] in lines
    assert lines.count(["CPU/request", "ms", "1.20", "0.40", "3.00"]) == len(WORKS)
    assert ["worker", "start", "ready", "after", "ms", "1,200", "800", "1.50"] in lines


async def test_the_peer_answers_every_request_exactly_once(
    handwritten: Fleet, hf: FakeHuggingFace, developer: Client
) -> None:
    """Over both paths, alternately, twelve requests for four pictures: four calls, twelve answers."""
    async with MemeClient(developer).listening() as client:
        ids = await asyncio.gather(
            *(
                client.ask(f"meme {number % 4}", via="jetstream" if number % 2 else "core")
                for number in range(12)
            )
        )
        assert await client.answered(list(ids), 30) == []
        await wait_until(lambda: _drained(developer), "the queue to drain")

    assert {len(heard) for heard in client.answers.values()} == {1}
    assert await stored_answers(developer) == dict.fromkeys(ids, 1)
    assert dict(hf.calls) == {f"meme {number}": 1 for number in range(4)}


async def test_the_peer_s_answer_is_a_complete_one(handwritten: Fleet, developer: Client) -> None:
    """The same fields as ours, and a picture that is what they say."""
    async with MemeClient(developer).listening() as client:
        request_id = await client.ask("A cat on Mars", small_image=True)
        assert await client.answered([request_id], 20) == []

    message = client.answers[request_id][0].message
    answer = MemeResponse.model_validate(message)
    data = base64.b64decode(answer.image_data)
    assert message.keys() == MemeResponse.model_fields.keys()
    assert (answer.request_id, answer.prompt, answer.cached) == (request_id, "A cat on Mars", False)
    assert hashlib.sha256(data).hexdigest() == answer.sha256
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("WEBP", (answer.width, answer.height))


async def test_a_second_answer_spoils_the_measurement(developer: Client) -> None:
    """A worker that is fast because it answers twice must not win."""
    client = MemeClient(developer)
    crowd = Crowd(client)

    async def answer_twice(message: object) -> None:
        request_id = json.loads(message.data)["id"]  # type: ignore[attr-defined]
        for _ in range(2):
            await developer.publish("meme.response", json.dumps({"request_id": request_id}).encode())

    async def ask() -> None:
        async with client.listening():
            await crowd.ask_all(["a cat"], "core", 1)
            await wait_until(lambda: crowd.faults, "the second answer")
            crowd.check()

    await developer.subscribe("meme.request", cb=answer_twice)
    with pytest.raises(Problem, match="a second answer to bench-0"):
        await ask()


def test_the_ratio_is_of_medians() -> None:
    """One run that was disturbed does not move it; nothing is divided by nothing."""
    row = Row("cached", "core", MEASURES[0], ours=[10, 30, 1000], peer=[60, 5, 70])

    assert row.ratio == 0.5
    assert replace(row, peer=[0, 0, 0]).ratio is None


async def _drained(client: Client) -> bool:
    info = await client.jetstream().consumer_info("MEMES", "meme-generator")
    return not info.num_pending and not info.num_ack_pending
