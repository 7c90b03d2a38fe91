"""Priority over real workers, nats-server and Valkey: streams, results, questions, crashes, poison."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import RetentionPolicy

from memebattle.bus.streams import Topology
from memebattle.cli.local import RedisServer
from memebattle.priority.messages import PriorityResult
from memebattle.settings import Settings
from tests.fleet import Fleet, body, fleet
from tests.waiting import wait_until

TASK = {"title": "VPN is down", "category": "INFRASTRUCTURE", "requester_role": "MANAGER"}


class Ear:
    """Hears every result."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    async def hear(self, message: Msg) -> None:
        self.heard.append(json.loads(message.data))

    @property
    def counts(self) -> Counter[str]:
        return Counter(each["request_id"] for each in self.heard)


@pytest.fixture
async def ear(developer: Client) -> Ear:
    ear = Ear()
    await developer.subscribe("prioritization.result", cb=ear.hear)
    await developer.flush()
    return ear


@pytest.fixture
def env(worker_env: dict[str, str]) -> dict[str, str]:
    return worker_env | {"WORKER_CONTEXTS": "priority"}


@pytest.fixture
async def workers(env: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with fleet(env, tmp_path, 1) as workers:
        yield workers


async def test_a_worker_makes_its_streams_and_consumer(
    workers: Fleet, developer: Client, env: dict[str, str]
) -> None:
    """P4, P5: under the names of the document, and found as declared."""
    js = developer.jetstream()
    requests = (await js.stream_info("PRIORITY_REQUESTS")).config
    results = (await js.stream_info("PRIORITY_RESULTS")).config
    consumer = (await js.consumer_info("PRIORITY_REQUESTS", "priority-processor")).config

    assert requests.retention == RetentionPolicy.WORK_QUEUE
    assert (results.max_msgs, results.max_age) == (500_000, 7 * 24 * 3600)
    assert consumer.filter_subjects == ["prioritization.request", "prioritization.request.*"]
    found = await Topology.of(Settings.from_env(env), ["priority"]).diff(js)
    assert {finding.action for finding in found} == {"ok"}


async def test_tasks_come_on_both_subjects(workers: Fleet, developer: Client, ear: Ear) -> None:
    """P30: with the id in the body, in the subject, in a header, or none at all; each is scored once."""
    js = developer.jetstream()
    await js.publish("prioritization.request", body(id="by-body", **TASK))
    await js.publish("prioritization.request.by-subject", body(**TASK))
    await js.publish("prioritization.request", body(**TASK), headers={"Nats-Msg-Id": "by-header"})
    ack = await js.publish("prioritization.request", body(**TASK))
    names = {"by-body", "by-subject", "by-header", f"js-PRIORITY_REQUESTS-{ack.seq}"}

    await wait_until(lambda: len(ear.heard) >= 4, "four results")
    await wait_until(lambda: _drained(developer), "the queue to drain")

    assert ear.counts == Counter(names)
    assert len({each["priority_metrics"]["final_priority_score"] for each in ear.heard}) == 1
    assert await workers.metric("priority_results_total", model="weighted") == 4


async def test_a_question_is_answered_at_once(workers: Fleet, developer: Client, ear: Ear) -> None:
    """P8: the reply is the result, and everybody hears it as well."""
    reply = await developer.request("prioritization.sync", body(id="now", **TASK), timeout=5)
    again = await developer.request("prioritization.sync", body(id="now", **TASK), timeout=5)
    await wait_until(lambda: ear.heard, "the result")

    first, second, heard = (
        PriorityResult.model_validate(each) for each in (reply.data, again.data, ear.heard[0])
    )
    assert first == second == heard
    assert len(ear.heard) == 1


async def test_a_question_that_is_no_task_is_told_so(workers: Fleet, developer: Client) -> None:
    """Who waits for a reply is not left waiting."""
    faults = {b"{": "EOF while parsing", b'{"title": "x", "category": "LUNCH"}': "category: ", b"[]": "dict"}
    for question, fault in faults.items():
        reply = json.loads((await developer.request("prioritization.sync", question, timeout=5)).data)
        assert (reply["code"], fault in reply["error"]) == ("invalid_request", True), reply


async def test_what_is_no_task_is_put_aside(workers: Fleet, developer: Client, ear: Ear) -> None:
    """P9: one dead letter and one error, never a loop."""
    await developer.jetstream().publish("prioritization.request.bad", b'{"title": ""}')

    letter = await wait_until(lambda: _dead_letter(developer), "the dead letter")
    await wait_until(lambda: _drained(developer), "the queue to drain")

    assert letter["Mb-Reason"] == "invalid_request"
    assert letter["Mb-Subject"] == "prioritization.request.bad"
    assert [(each["request_id"], each["code"]) for each in ear.heard] == [("bad", "invalid_request")]


async def test_a_worker_is_killed_in_mid_work(
    env: dict[str, str], tmp_path: Path, developer: Client, ear: Ear
) -> None:
    """P3, P58: its tasks are done once all the same, by whoever is there next."""
    async with fleet(env, tmp_path, 1) as workers:
        js = developer.jetstream()
        names = [f"task-{number}" for number in range(300)]
        await asyncio.gather(*(js.publish(f"prioritization.request.{name}", body(**TASK)) for name in names))
        await wait_until(lambda: ear.heard, "the first result")
        workers.workers[1].signal(signal.SIGKILL)
        await wait_until(lambda: not workers.workers[1].running, "it is dead")
        left = await _waiting(developer)
        await workers.start_one(1)
        await wait_until(lambda: len(ear.heard) >= len(names), "all results", timeout=30)
        await wait_until(lambda: _drained(developer), "the queue to drain", timeout=30)

    assert left > 0  # else it was killed too late to mean anything
    assert ear.counts == Counter(names)


async def test_three_workers_and_five_hundred_tasks(
    env: dict[str, str], tmp_path: Path, developer: Client, ear: Ear
) -> None:
    """None lost, none twice, and everybody works."""
    js = developer.jetstream()
    names = [f"task-{number}" for number in range(500)]
    async with fleet(env, tmp_path, 3) as workers:
        await asyncio.gather(*(js.publish(f"prioritization.request.{name}", body(**TASK)) for name in names))
        await wait_until(lambda: len(ear.heard) >= len(names), "all results", timeout=30)
        await wait_until(lambda: _drained(developer), "the queue to drain")
        done = await workers.metric("priority_requests_total")

    assert ear.counts == Counter(names)
    assert done == 500
    assert len({each["worker"] for each in ear.heard}) == 3


async def test_redis_is_stopped(
    env: dict[str, str], tmp_path: Path, developer: Client, ear: Ear, redis_server: RedisServer
) -> None:
    """P11: nothing waits for it, nothing comes twice."""
    async with fleet(env, tmp_path, 2):
        await redis_server.child.stop()
        js = developer.jetstream()
        names = [f"task-{number}" for number in range(20)]
        await asyncio.gather(*(js.publish(f"prioritization.request.{name}", body(**TASK)) for name in names))
        await wait_until(lambda: len(ear.heard) >= len(names), "all results", timeout=20)
        await wait_until(lambda: _drained(developer), "the queue to drain", timeout=20)

    assert ear.counts == Counter(names)


async def _drained(client: Client) -> bool:
    return await _waiting(client) == 0


async def _waiting(client: Client) -> int:
    info = await client.jetstream().consumer_info("PRIORITY_REQUESTS", "priority-processor")
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


async def _dead_letter(client: Client) -> dict[str, str] | None:
    js = client.jetstream()
    state = (await js.stream_info("DEAD_LETTERS")).state
    if not state.messages:
        return None
    return (await js.get_msg("DEAD_LETTERS", state.last_seq)).headers
