"""The benchmark of priority: an honest table, whole results, and a load that is what it says."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from memebattle.cli.bench_priority import Measured, _print, claims, rows, run
from memebattle.cli.bench_priority_load import Killing, Throughput, a_task
from memebattle.cli.bench_priority_rest import Latency, Load, latency, load, tasks_of_load
from memebattle.cli.bench_priority_stage import BEFORE, OURS
from memebattle.cli.output import Problem
from memebattle.priority.messages import PriorityRequest
from memebattle.priority.scoring import content_digest

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROWS = [
    ("one worker", "throughput"),
    ("one worker", "CPU/task"),
    ("one worker", "memory"),
    ("one worker", "doubled"),
    ("worker killed", "lost"),
    ("worker killed", "doubled"),
    ("worker killed", "last result after"),
    ("REST", "uncached p50"),
    ("REST", "uncached p95"),
    ("REST", "cached p50"),
    ("REST", "cached p95"),
    ("REST", "cache hits"),
]


@pytest.mark.timeout(180)
async def test_a_tiny_run_measures_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """P55 to P59 and P64: every row and claim; a result that did not come would have ended it.

    What is published while the worker of before is dead is lost, and nothing of ours.
    """
    await run(20, 0.8, 1, json=True)

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = {(each["section"], each["measure"]): each for each in told if "measure" in each}
    assert list(found) == ROWS
    for name in (
        ("one worker", "throughput"),
        ("one worker", "memory"),
        ("worker killed", "last result after"),
    ):
        assert found[name][OURS] > 0
        assert found[name][BEFORE] > 0
    assert found["worker killed", "lost"][OURS] == 0
    assert 0 < found["worker killed", "lost"][BEFORE] <= 20
    assert [found[section, "doubled"][OURS] for section in ("one worker", "worker killed")] == [0, 0]
    assert all(found["REST", name][OURS] > 0 for section, name in ROWS if section == "REST")
    assert len([each for each in told if "claim" in each]) == 6


HIT = b"HTTP/1.1 200 OK\r\nX-Cache: HIT\r\nContent-Length: 2\r\n\r\n{}"
MISS = HIT.replace(b"HIT", b"MISS")
REFUSAL = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 6\r\n\r\nlater!"


@contextlib.asynccontextmanager
async def answering(replies: list[bytes]) -> AsyncIterator[int]:
    """A gateway that says this, one request after the other, and hangs up when it knows no more."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, IndexError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                assert "Prefer: wait=10\r\n" in head
                await reader.readexactly(int(head.partition("Content-Length: ")[2].split()[0]))
                writer.write(replies.pop(0))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_new_contents_are_timed_apart_from_known_ones() -> None:
    async with answering([MISS] * 5 + [MISS] * 3 + [HIT] * 3) as port:
        found = await latency(port, 3, 1)

    assert (len(found.uncached), len(found.cached)) == (3, 3)
    assert min(found.uncached + found.cached) > 0


async def test_hits_of_a_load_are_counted_over_all_connections() -> None:
    async with answering([HIT, MISS] * 50) as port:
        assert await load(port, 100, 0.5, 1) == Load(100, 50)


@pytest.mark.parametrize(
    ("replies", "told"),
    [
        ([MISS] * 8 + [MISS], "a task was not answered from the cache"),
        ([MISS] * 5 + [HIT], "a task was answered from the cache"),
        ([REFUSAL], "the gateway has no result for a task: HTTP/1.1 429"),
        ([], "the gateway does not answer"),
    ],
)
async def test_what_is_no_fair_measurement_ends_the_benchmark(replies: list[bytes], told: str) -> None:
    async with answering(replies) as port:
        with pytest.raises(Problem, match=told):
            await latency(port, 3, 1)


@pytest.mark.parametrize(
    ("count", "similar", "distinct"), [(200, 0.8, 40), (20, 0.5, 10), (5, 1, 1), (5, 0, 5)]
)
def test_a_similar_load_says_the_same_in_other_words(count: int, similar: float, distinct: int) -> None:
    """Other case, spacing, punctuation and ids: the text differs, what is asked does not."""
    load = list(tasks_of_load(count, similar, run=1))
    requests = [PriorityRequest.model_validate(task) for task in load]

    assert len({request.id for request in requests}) == count
    assert len({digest(request) for request in requests}) == distinct
    if similar == 0.8:
        titles = {request.title for request in requests}
        assert len(titles) > 2 * distinct
        assert {each for title in titles for each in "\t! " if each in title} == set("\t! ")
        assert any(title.isupper() for title in titles)
        assert any(title.islower() for title in titles)


def test_the_tasks_of_a_benchmark_are_all_different() -> None:
    requests = [PriorityRequest.model_validate(a_task(number)) for number in range(1000)]

    assert len({digest(request) for request in requests}) == 1000


def digest(request: PriorityRequest) -> str:
    return content_digest(request.task, "weighted", NOW, use_ai=False)


def measured(**changes: Any) -> Measured:
    """Two runs of a machine that is easy to reckon with."""
    found = Measured(
        [
            Throughput("memebattle", 400, 0.002, 80 * 2**20, 0),
            Throughput("Redis Pub/Sub", 1600, 0.0005, 50 * 2**20, 0),
            Throughput("memebattle", 600, 0.004, 80 * 2**20, 0),
            Throughput("Redis Pub/Sub", 2400, 0.0005, 50 * 2**20, 0),
        ],
        [
            Killing("memebattle", 1000, 0, 0, 5.0),
            Killing("Redis Pub/Sub", 1000, 300, 0, 2.0),
            Killing("memebattle", 1000, 0, 0, 7.0),
            Killing("Redis Pub/Sub", 1000, 100, 0, 2.0),
        ],
        [Latency([0.010] * 9 + [0.020], [0.002] * 9 + [0.005])],
        [Load(1000, 790)],
    )
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def test_a_benchmark_shows_medians_and_sums_up_losses() -> None:
    found = {(row.section, row.name): row for row in rows(measured())}

    assert found["one worker", "throughput"].of("memebattle") == 500
    assert found["one worker", "throughput"].ratio == 0.25
    assert found["one worker", "CPU/task"].of("memebattle") == pytest.approx(3)
    assert found["worker killed", "lost"].of("Redis Pub/Sub") == 400
    assert found["worker killed", "lost"].unit == "of 2000"
    assert found["worker killed", "last result after"].of("memebattle") == 6
    assert found["REST", "uncached p95"].of("memebattle") == 20
    assert found["REST", "cached p50"].of("memebattle") == 2
    assert found["REST", "cached p95"].of("Redis Pub/Sub") is None
    assert found["REST", "cache hits"].of("memebattle") == 79


def test_claims_stand_beside_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    found = list(rows(measured()))

    _print(found, list(claims(found, measured(), 0.8)), "title")

    lines = capsys.readouterr().out.splitlines()
    assert (
        max(len(line) for line in lines[: lines.index("Claimed of the migration, and measured here:")]) <= 80
    )
    assert lines[-6:] == [
        "  response time of cached results: -50 % claimed, -75 % (p95 5 instead of 20 ms) measured",
        "  cache hits: ~80 % claimed, 79.0 % of a load that is 80% similar measured",
        "  throughput: 10x claimed, 0.25x measured",
        "  messages per second: millions claimed, 500 tasks through one worker measured",
        "  memory: less claimed, 80 MiB beside 50 MiB for one worker measured",
        "  delivery: at least once claimed, 0 of 2000 lost beside 400 of 2000 measured",
    ]


def test_a_cache_that_does_not_pay_is_told_as_well() -> None:
    """And a machine without /proc knows no memory."""
    slow = measured(
        latencies=[Latency([0.010], [0.015])],
        throughputs=[
            Throughput("memebattle", 400, None, None, 0), Throughput("Redis Pub/Sub", 100, None, None, 0)
        ],
    )  # fmt: skip

    told = {claim.about: claim.measured for claim in claims(list(rows(slow)), slow, 0.8)}

    assert told["response time of cached results"].startswith("+50 %")
    assert told["throughput"] == "4.00x"
    assert "memory" not in told
