"""What is asked of a worker of priority, and what is measured meanwhile.

    throughput   64 tasks under way at a time, each of a content of its own, until all are answered
    killed       tasks at a steady pace; half way the worker is killed with -9 and started again, and the
                 client, who does not know, goes on

With 64 under way latencies are mostly time spent in the queue, and so they are not told here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

from memebattle.cli.bench_priority_stage import BEFORE, Stage
from memebattle.cli.output import Problem

WINDOW = 64  # tasks under way
WARMING_UP = 20  # tasks
PACE = 250  # tasks per second
PATIENCE = 60.0  # seconds without a result

CATEGORIES = ("SECURITY", "INFRASTRUCTURE", "SUPPORT", "COMPLIANCE", "DEVELOPMENT", "MAINTENANCE")
ROLES = ("CEO", "MANAGER", "IT_ADMIN", "CLIENT", "DEVELOPER", "EMPLOYEE")
SUBJECTS = ("the VPN", "the customer portal", "the payroll run", "the build server", "the mail gateway")


@dataclass(frozen=True, slots=True)
class Throughput:
    """Tasks per second; CPU in seconds per task, memory in bytes, both of the worker."""

    contestant: str
    rate: float
    cpu: float | None
    memory: int | None
    doubled: int


@dataclass(frozen=True, slots=True)
class Killing:
    """What became of the tasks of a run in which the worker was killed. `recovery` in seconds."""

    contestant: str
    sent: int
    lost: int
    doubled: int
    recovery: float


def a_task(number: int) -> dict[str, object]:
    """Believable, and of a content that no other number has."""
    return {
        "title": f"Nobody can use {SUBJECTS[number % 5]} since release {number}",
        "description": f"It was reported by team {number} this morning. Restarting did not help.",
        "category": CATEGORIES[number % len(CATEGORIES)],
        "requester_role": ROLES[number // 7 % len(ROLES)],
        "business_value": 1 + number % 10,
        "risk_level": 1 + number // 10 % 10,
        "estimated_effort_hours": 1 + number % 40,
        "affected_users_count": number,
        "tags": ["bench", f"team-{number}"],
    }


async def throughput(stage: Stage, count: int, run: int) -> Throughput:
    """Warm the worker up, then let it answer so many tasks.

    Raises:
        Problem: a result did not come.
    """
    await _ask_all(stage, f"warm{run}", WARMING_UP)
    await stage.line.drained()
    cpu, started = stage.cpu_seconds(), time.perf_counter()
    await _ask_all(stage, f"run{run}", count)
    seconds = time.perf_counter() - started
    await stage.line.drained()
    after = stage.cpu_seconds()
    return Throughput(
        stage.contestant,
        rate=count / seconds,
        cpu=(after - cpu) / count if after is not None and cpu is not None else None,
        memory=stage.resident_bytes(),
        doubled=_doubled(stage, [name for name, _ in _tasks(f"run{run}", count)]),
    )


async def killed(stage: Stage, count: int, run: int) -> Killing:
    """Send so many tasks at a steady pace, and kill the worker half way."""
    clock = asyncio.get_running_loop().time
    started = died = clock()
    replacing: asyncio.Task[None] | None = None
    ids = []
    for number, (request_id, body) in enumerate(_tasks(f"kill{run}", count)):
        await asyncio.sleep(started + number / PACE - clock())
        if number == count // 2:
            died, replacing = clock(), asyncio.create_task(stage.replace_worker())
            await asyncio.sleep(0)  # the signal is sent before the next task
        stage.ears.expect(request_id)
        await stage.line.send(request_id, body)
        ids.append(request_id)
    if replacing is not None:
        await replacing
    await _settled(stage, ids, run)
    unheard = [each for each in ids if not stage.ears.counts[each]]
    lost = [each for each in unheard if not await stage.line.kept(each)]
    return Killing(stage.contestant, count, len(lost), _doubled(stage, ids), stage.ears.last - died)


async def _settled(stage: Stage, ids: list[str], run: int) -> None:
    """Return when nothing more will come."""
    if stage.contestant == BEFORE:
        # channels keep their order: what was not answered before this one never will be
        await _ask_all(stage, f"last{run}", 1)
        return
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(_heard(stage, ids), PATIENCE)
    await stage.line.drained()  # a second result may still be on its way


async def _heard(stage: Stage, ids: list[str]) -> None:
    await asyncio.gather(*(stage.ears.expect(each) for each in ids if not stage.ears.counts[each]))


async def _ask_all(stage: Stage, prefix: str, count: int) -> None:
    waiting = _tasks(prefix, count)

    async def one_after_the_other() -> None:
        for request_id, body in waiting:
            heard = stage.ears.expect(request_id)
            await stage.line.send(request_id, body)
            await _in_time(heard, request_id)

    await asyncio.gather(*(one_after_the_other() for _ in range(min(WINDOW, count))))


async def _in_time(heard: asyncio.Future[None], request_id: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await heard
    except TimeoutError:
        raise Problem(f"no result of {request_id} within {PATIENCE:g} s") from None


def _tasks(prefix: str, count: int) -> Iterator[tuple[str, bytes]]:
    for number in range(count):
        request_id = f"{prefix}-{number}"
        yield request_id, json.dumps({"id": request_id, **a_task(number)}).encode()


def _doubled(stage: Stage, ids: list[str]) -> int:
    return sum(stage.ears.counts[each] > 1 for each in ids)
