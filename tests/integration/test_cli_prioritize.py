"""Tasks from a file through real servers and a real worker; what the client finds that it did not hear."""

from __future__ import annotations

import asyncio
import json
import os
import pty
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from nats.aio.client import Client
from redis.asyncio import Redis

from memebattle.bus.entries import Entry
from memebattle.bus.publishing import DurablePublisher
from memebattle.bus.streams import Topology
from memebattle.bus.tasklog import JetStreamTaskLog
from memebattle.cli import cache
from memebattle.cli.local import NatsServer, RedisServer
from memebattle.cli.output import Problem
from memebattle.cli.prioritize import prioritize
from memebattle.cli.prioritize_client import Outcome, TaskClient
from memebattle.cli.prioritize_local import score_here
from memebattle.kit.metrics import Metrics
from memebattle.priority.messages import PriorityError, PriorityRequest, PriorityResult
from memebattle.settings import Settings
from tests.fleet import fleet
from tests.integration.test_cli import MEMEBATTLE

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SAMPLE = str(Path(__file__).parents[2] / "examples" / "tasks.csv")
MADE_ANEW = {"processed_at", "worker", "created_at"}

type Command = Callable[..., Any]


@pytest.fixture
async def streams(developer: Client, settings: Settings) -> None:
    """Streams without anybody who works on them."""
    await Topology.of(settings, ["priority"]).apply(developer.jetstream())


@pytest.fixture
async def log(developer: Client, settings: Settings, streams: None) -> JetStreamTaskLog:
    """Where a worker would store its results."""
    publisher = DurablePublisher(lambda: developer, Metrics(), budget=5)
    return JetStreamTaskLog(
        publisher, developer.jetstream, lambda: developer, settings.nats.priority_results_stream
    )


@pytest.fixture
def command(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run `prioritize --json` beside the test; its exit code and lines."""
    monkeypatch.setenv("NATS_URL", nats_server.url())

    async def run(file: str, **options: Any) -> tuple[int, list[dict[str, Any]]]:
        with pytest.raises(typer.Exit) as left:
            await asyncio.to_thread(prioritize, file, json=True, **options)
        return left.value.exit_code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def a_task(task_id: str | None = "t-1", **fields: Any) -> PriorityRequest:
    given = {"title": "VPN is down", "category": "INFRASTRUCTURE", **({"id": task_id} if task_id else {})}
    return PriorityRequest.model_validate(given | fields)


def stored(request: PriorityRequest) -> Entry:
    """The result of a worker."""
    result = score_here(request, NOW, "weighted")
    return Entry(result.request_id, "response", result.body(), request.revision, request.digest)


def a_failure(request: PriorityRequest) -> Entry:
    error = PriorityError(
        request_id=request.id or "", error="gone", code="cancelled", retryable=False, processed_at=NOW
    )
    return Entry(request.id or "", "error", error.body(), request.revision, request.digest)


async def sent(developer: Client) -> dict[str, str | None]:
    """Subject and message id of every task in the queue."""
    js = developer.jetstream()
    state = (await js.stream_info("PRIORITY_REQUESTS")).state
    messages = [await js.get_msg("PRIORITY_REQUESTS", seq) for seq in range(1, state.last_seq + 1)]
    return {str(each.subject): (each.headers or {}).get("Nats-Msg-Id") for each in messages}


async def test_the_platform_says_what_local_scoring_says(
    command: Command, worker_env: dict[str, str], tmp_path: Path
) -> None:
    """A file through a worker; once more, and nothing is scored again; by another model, as next revision."""
    async with fleet(worker_env | {"WORKER_CONTEXTS": "priority"}, tmp_path, 1):
        code, first = await command(SAMPLE)
        repeated = await command(SAMPLE)
        by_wsjf = await command(SAMPLE, model="wsjf")
    local = await command(SAMPLE, local=True)

    assert code == 0
    assert [each["rank"] for each in first] == list(range(1, 13))
    assert _without_times(first) == _without_times(local[1])
    assert repeated == (0, first)
    assert by_wsjf[0] == 0
    assert {(each["revision"], each["model"]) for each in by_wsjf[1]} == {(2, "wsjf")}


async def test_progress_is_shown_at_a_terminal_and_the_table_on_standard_output(
    nats_server: NatsServer, worker_env: dict[str, str], tmp_path: Path
) -> None:
    async with fleet(worker_env | {"WORKER_CONTEXTS": "priority"}, tmp_path, 1):
        terminal, its_side = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *MEMEBATTLE, "prioritize", "-",
            env={**os.environ, "NATS_URL": nats_server.url(), "COLUMNS": "80", "TERM": "xterm"},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=its_side,
        )  # fmt: skip
        os.close(its_side)
        out, _ = await process.communicate(Path(SAMPLE).read_bytes())
        said = os.read(terminal, 65536).decode()
        os.close(terminal)

    lines = out.decode().splitlines()
    assert process.returncode == 0, said
    assert lines[0].split() == ["score", "level", "task", "SLA", "contributions"]
    assert len(lines) == 14
    assert max(map(len, lines)) <= 80
    assert "scored" in said
    assert "/12" in said


async def test_tasks_nobody_takes_are_told_and_stay(
    command: Command, streams: None, developer: Client, log: JetStreamTaskLog, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """What there is, is shown all the same; the tasks were sent under their names."""
    file = tmp_path / "tasks.jsonl"
    file.write_text("\n".join(a_task(name).model_dump_json() for name in ("known", "t-2", "t-3")))
    await log.add(stored(a_task("known")))

    with pytest.raises(Problem, match="2 of 3 tasks have no result"):
        await command(str(file), timeout=0.1)

    (told,) = capsys.readouterr().out.splitlines()
    assert json.loads(told)["request_id"] == "known"
    assert await sent(developer) == {
        "prioritization.request.t-2": "t-2.1",
        "prioritization.request.t-3": "t-3.1",
    }


async def test_an_error_is_a_failure_with_its_reason(
    command: Command, developer: Client, log: JetStreamTaskLog, tmp_path: Path
) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_text(a_task("t-1", revision=1).model_dump_json())
    await log.add(a_failure(a_task("t-1")))

    code, (told,) = await command(str(file), timeout=5)

    assert code == 1
    assert (told["request_id"], told["code"], told["error"]) == ("t-1", "cancelled", "gone")
    assert "rank" not in told


async def test_a_result_that_was_not_heard_is_found_in_the_log(
    developer: Client, settings: Settings, log: JetStreamTaskLog
) -> None:
    """This client does not even listen."""
    heard: list[Outcome] = []
    client = TaskClient(developer, settings, heard.append)
    (request_id,) = await client.ask([a_task(None)])
    await log.add(stored(a_task(request_id)))

    assert await client.answered([request_id], timeout=0.1) == []
    assert [outcome.request_id for outcome in heard] == [request_id]


async def test_a_result_is_heard_once_and_strangers_are_not(
    developer: Client, settings: Settings, log: JetStreamTaskLog
) -> None:
    heard: list[Outcome] = []
    async with TaskClient(developer, settings, heard.append).listening() as client:
        await client.ask([a_task("t-1")])
        await log.add(stored(a_task("somebody-else-s")))
        await developer.publish("prioritization.result", b"nonsense")
        await developer.publish("prioritization.result", b"[]", headers={"Nats-Subject": "x.t-1"})
        await log.add(stored(a_task("t-1")))
        assert await client.answered(["t-1"], timeout=10) == []
        await log.add(stored(a_task("t-1", revision=2)))
        await log.add(stored(a_task("t-2")))
        await client.ask([a_task("t-2")])

    assert [outcome.request_id for outcome in heard] == ["t-1", "t-2"]


@pytest.mark.parametrize(
    ("known", "task", "message_id"),
    [
        (stored(a_task()), a_task(title="VPN is up"), "t-1.2"),
        (stored(a_task(revision=7)), a_task(model="rice"), "t-1.8"),
        (a_failure(a_task()), a_task(), "t-1.2"),
        (stored(a_task()), a_task(title="VPN is up", revision=3), "t-1.3"),
    ],
)
async def test_a_changed_or_failed_task_is_asked_about_as_its_next_revision(
    known: Entry, task: PriorityRequest, message_id: str,
    developer: Client, settings: Settings, log: JetStreamTaskLog,
) -> None:  # fmt: skip
    await log.add(known)
    client = TaskClient(developer, settings)

    await client.ask([task])

    assert await sent(developer) == {"prioritization.request.t-1": message_id}
    assert await client.answered(["t-1"], timeout=0) == ["t-1"]


async def test_the_result_of_another_task_is_a_conflict(
    developer: Client, settings: Settings, log: JetStreamTaskLog
) -> None:
    """Whoever says which revision it is means that one, and gets no other task's score."""
    await log.add(stored(a_task(title="VPN is up")))
    client = TaskClient(developer, settings)

    await client.ask([a_task(revision=1)])

    outcome = client.outcomes["t-1"]
    assert isinstance(outcome, PriorityError)
    assert outcome.code == "id_conflict"
    assert await sent(developer) == {}


async def test_a_result_of_another_version_of_us_is_still_ours(
    developer: Client, settings: Settings, log: JetStreamTaskLog
) -> None:
    """Digests change with the fields of a task; what was scored tells what was asked."""
    client = TaskClient(developer, settings)
    await client.ask([a_task()])
    await log.add(replace(stored(a_task()), digest="of another version"))

    assert await client.answered(["t-1"], timeout=0.1) == []
    assert isinstance(client.outcomes["t-1"], PriorityResult)


async def test_a_full_queue_says_how_many_were_sent(
    developer: Client, settings: Settings, streams: None
) -> None:
    js = developer.jetstream()
    config = (await js.stream_info("PRIORITY_REQUESTS")).config
    config.max_msgs = 2
    await js.update_stream(config)

    with pytest.raises(Problem, match="the queue is full; 2 of 3 tasks were sent"):
        await TaskClient(developer, settings).ask([a_task(name) for name in ("t-1", "t-2", "t-3")])


async def test_without_a_stream_it_says_what_to_do(developer: Client, settings: Settings) -> None:
    with pytest.raises(Problem, match="no stream takes tasks; 0 of 1 were sent") as caught:
        await TaskClient(developer, settings, budget=0.1).ask([a_task(None)])
    assert "streams apply" in caught.value.do


async def test_the_cache_is_counted_and_cleared(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """P18: nothing goes without --yes, and nothing of another kind goes at all."""
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    keys = ["mb:pr:1", "mb:pr:2", "mb:suggest:1", "mb:claim:x", "mb:session:s", "other:pr:3"]

    async def run(what: Callable[..., None], *arguments: str, **options: bool) -> list[dict[str, Any]]:
        await asyncio.to_thread(what, *arguments, json=True, **options)
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    async with Redis.from_url(redis_server.url) as redis:
        for key in keys:
            await redis.set(key, b"value", ex=600)
        counted = await run(cache.stats)
        (tried,) = await run(cache.clear, "result")
        assert await redis.exists(*keys) == 6
        (cleared,) = await run(cache.clear, "result", yes=True)
        left = [key for key in keys if await redis.exists(key)]

    assert [(each["kind"], each["prefix"], each["keys"]) for each in counted] == [
        ("result", "mb:pr:", 2),
        ("suggestions", "mb:suggest:", 1),
        (None, "mb:claim:", 1),
        (None, "mb:session:", 1),
    ]
    assert (tried["keys"], tried["cleared"]) == (2, False)
    assert (cleared["keys"], cleared["cleared"]) == (2, True)
    assert left == keys[2:]


async def test_a_key_without_a_time_to_live_is_told(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    async with Redis.from_url(redis_server.url) as redis:
        await redis.set("mb:pr:1", b"value")
        with pytest.raises(Problem, match="1 keys have no time to live: mb:pr:1"):
            await asyncio.to_thread(cache.stats)
        await redis.delete("mb:pr:1")


async def test_without_redis_the_cache_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9")

    for command in (cache.stats, lambda: cache.clear("result", yes=True)):
        with pytest.raises(Problem, match="Redis does not answer"):
            await asyncio.to_thread(command)


def _without_times(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            **{name: value for name, value in each.items() if name not in MADE_ANEW},
            "task": {name: value for name, value in each["task"].items() if name not in MADE_ANEW},
        }
        for each in results
    ]
