"""What becomes of a task that nobody has answered yet: it is sent, or recorded with a result that is cached.

A task is durable before its client hears that it was accepted, and noted in the shared store, so that any
gateway can say "still queued" about it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from datetime import datetime

from memebattle.bus.entries import Entry, TaskLog
from memebattle.bus.messages import decode
from memebattle.bus.refusals import IdConflict, Unavailable
from memebattle.bus.subjects import PRIORITY_REQUEST_ID, PRIORITY_SYNC
from memebattle.bus.tasks import AWAY
from memebattle.kit.tracing import messaging, parent_in, span
from memebattle.priority.known import Known, Note, ending
from memebattle.priority.messages import PriorityRequest, PriorityResult, ScoringModel
from memebattle.priority.ports import Documents, Tasks, Wait
from memebattle.priority.standing import Standing

log = logging.getLogger(__name__)

SUBMIT_BUDGET = 10.0  # seconds; longer than an election, shorter than a client's patience
RECORD_BUDGET = 2.0  # seconds; a result that is there already should not wait as long
FIRST_LOOK, LONGEST_LOOK = 0.01, 1.0  # seconds between looks for a result


class TooSlow(Exception):
    """No worker replied in time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of asking: the stored answer, when it is there.

    `is_cached`: nobody had to work for it; `is_recorded`: the log knows it.
    """

    request_id: str
    revision: int
    answer: bytes | None = None
    is_cached: bool = False
    is_recorded: bool = True

    @classmethod
    def stored(cls, entry: Entry, *, is_cached: bool = True) -> Asked:
        """It had been answered."""
        return cls(entry.request_id, entry.revision, entry.body, is_cached=is_cached)


@dataclass(frozen=True, slots=True)
class Job:
    """One task: as it was sent, and with what was filled in."""

    sent: PriorityRequest
    request: PriorityRequest

    @property
    def id(self) -> str:
        return str(self.request.id)

    @property
    def revision(self) -> int:
        return self.request.revision


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends and records tasks. `model` is used when a request names none."""

    tasks: Tasks
    log: TaskLog
    documents: Documents
    standing: Standing
    model: ScoringModel
    sync_timeout: float

    async def send(self, job: Job, wait: float = 0, traceparent: str | None = None) -> Asked:
        """Store the task as work, and wait at most `wait` seconds for its result.

        Raises:
            IdConflict: another request with this id was answered meanwhile.
            Unavailable: NATS is out of reach, or took too long to store the task.
            QueueFull: too much is waiting.
        """
        self.standing.require_connection()
        async with contextlib.AsyncExitStack() as stack:
            # listen before it is sent: what is said in between would be missed
            heard = await stack.enter_async_context(self.tasks.heard(job.id)) if wait else None
            await self._submit(job, traceparent)
            entry = await self._wait_for(job, heard, wait) if heard else None
        return Asked(job.id, job.revision) if entry is None else self._ours(job, entry, is_cached=False)

    async def question(self, job: Job, traceparent: str | None = None) -> Asked:
        """Have a worker answer at once.

        Raises:
            TooSlow: none did so in time.
            IdConflict: the id was used for something else.
            Unavailable: NATS is out of reach, or no worker is there.
        """
        self.standing.require_connection()
        reply = await self._replied(job, traceparent)
        said = decode(reply)
        if isinstance(said, dict) and said.get("code") == "id_conflict":
            raise IdConflict(f"{job.id} was used before for another task")
        return Asked(job.id, job.revision, reply)

    async def _replied(self, job: Job, traceparent: str | None) -> bytes:
        attributes, parent = messaging("send", PRIORITY_SYNC, job.id), parent_in(traceparent)
        with span("ask_worker", parent, kind="client", attributes=attributes) as here:
            try:
                return await self.tasks.ask_now(job.request.body(), self.sync_timeout, here.traceparent)
            except TimeoutError as error:
                raise TooSlow(
                    f"no worker replied within {self.sync_timeout:g} s;"
                    " POST /api/v1/prioritization waits for its turn instead"
                ) from error

    async def record(self, job: Job, cached: PriorityResult, now: datetime) -> Asked:
        """Make a cached result this task's own, also for status, ranking and history.

        Raises:
            IdConflict: another request with this id was answered meanwhile.
        """
        result = cached.model_copy(
            update={
                "request_id": job.id,
                "revision": job.revision,
                "cached": True,
                "task": job.request.task,
                "processed_at": now,
            }
        )
        entry = Entry(job.id, "response", result.body(), job.revision, job.request.digest)
        is_recorded, existing = await self._add(entry)
        if existing is not None:
            return self._ours(job, existing, is_cached=True)
        await self.documents.put("result", f"by-id-{job.id}", entry.body)
        return Asked(job.id, job.revision, entry.body, is_cached=True, is_recorded=is_recorded)

    async def _add(self, entry: Entry) -> tuple[bool, Entry | None]:
        """Whether the log has it, and what it had in its place."""
        if not self.standing.connected():
            return False, None
        try:
            async with asyncio.timeout(RECORD_BUDGET):
                return True, await self.log.add(entry)
        except AWAY as error:
            log.warning(
                "Result is not recorded", extra={"request_id": entry.request_id, "error": repr(error)}
            )
            return False, None

    async def _submit(self, job: Job, traceparent: str | None) -> None:
        request = job.request
        attributes, parent = messaging("send", PRIORITY_REQUEST_ID, job.id), parent_in(traceparent)
        with span("submit_task", parent, kind="producer", attributes=attributes) as here:
            try:
                async with asyncio.timeout(SUBMIT_BUDGET):
                    await self.tasks.submit(job.id, job.revision, request.body(), here.traceparent)
            except TimeoutError as error:
                raise Unavailable(f"the task was not stored within {SUBMIT_BUDGET:g} s") from error
        assert request.created_at is not None  # noqa: S101 - was filled in
        note = Note(digest=job.sent.digest, revision=job.revision, created_at=request.created_at)
        await self.standing.note(job.id, note)

    async def _wait_for(self, job: Job, heard: Wait, seconds: float) -> Entry | None:
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + seconds, LONGEST_LOOK
        # look first: what was answered before is not answered again, there would be nothing to hear
        while (entry := await self._look(job)) is None and (left := deadline - clock()) > 0:
            # a subscriber may hear a result before the stream has stored it
            pause = FIRST_LOOK if await heard(min(pause, left)) else min(2 * pause, LONGEST_LOOK)
        return entry

    async def _look(self, job: Job) -> Entry | None:
        """The result of this revision or a later one; none while it cannot be read: the task is stored."""
        try:
            entry = ending(await self.log.of(job.id))
        except AWAY:
            return None
        return entry if entry is not None and entry.revision >= job.revision else None

    def _ours(self, job: Job, entry: Entry, *, is_cached: bool) -> Asked:
        known = Known(entry.revision, entry)
        if entry.digest != job.request.digest and not known.is_same(job.sent, self.model):
            raise IdConflict(f"{job.id} was used before for another task")
        return Asked.stored(entry, is_cached=is_cached)
