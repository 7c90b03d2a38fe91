"""A client of priority as anybody could write one: sends tasks to the stream, hears results, reads the log.

It listens before it sends, on the subject where every stored result is heard once. What it does not hear,
because a connection broke or the result was there before, it finds in the log.

An id names a task. If the log holds a result of the same task, that is the result. If the task was changed
since, or ended in an error, it is asked about as its next revision, unless it says itself which one it is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import nats.errors
import pydantic_core

from memebattle.bus.entries import Entry
from memebattle.bus.publishing import DurablePublisher, PublishFailed
from memebattle.bus.refusals import QueueFull
from memebattle.bus.tasklog import JetStreamTaskLog
from memebattle.bus.tasks import JetStreamTasks
from memebattle.cli.connection import jetstream
from memebattle.cli.output import Problem
from memebattle.kit.metrics import Metrics
from memebattle.priority.messages import PriorityError, PriorityRequest, PriorityResult
from memebattle.priority.naming import new_id
from memebattle.settings import Settings

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

WINDOW = 32  # publishes, or looks into the log, at a time
SILENCE = 2.0  # seconds without any result, then a look into the log

type Outcome = PriorityResult | PriorityError


@dataclass(slots=True)
class TaskClient:
    """Asks and listens over one connection.

    `on_outcome` is called once for every task; `budget` is how many seconds the stream may take to store one.
    """

    connection: Client
    settings: Settings
    on_outcome: Callable[[Outcome], object] = lambda _: None
    budget: float = 5.0
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    _asked: dict[str, PriorityRequest] = field(default_factory=dict)
    _sent: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: JetStreamTasks = field(init=False)
    _log: JetStreamTaskLog = field(init=False)

    def __post_init__(self) -> None:
        nats, priority = self.settings.nats, self.settings.priority
        publisher = DurablePublisher(lambda: self.connection, Metrics(), self.budget)
        self._tasks = JetStreamTasks(
            publisher,
            lambda: self.connection,
            priority.request_subject,
            priority.sync_subject,
            nats.priority_stream,
        )
        self._log = JetStreamTaskLog(
            publisher,
            lambda: jetstream(self.connection, self.settings),
            lambda: self.connection,
            nats.priority_results_stream,
            priority.result_subject,
            domain=nats.jetstream_domain,
        )

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[TaskClient]:
        """Hear every result during the block."""
        subscription = await self.connection.subscribe(self.settings.priority.result_subject, cb=self._hear)
        # twice: nats-py sends the PING of a flush ahead of what it has buffered, so the first is no barrier
        await self.connection.flush()
        await self.connection.flush()
        try:
            yield self
        finally:
            with contextlib.suppress(nats.errors.Error, OSError):  # the connection is gone, and it too
                await subscription.unsubscribe()

    async def ask(self, requests: Sequence[PriorityRequest]) -> list[str]:
        """Send every task that has no result yet; the ids, in this order.

        Raises:
            Problem: the stream does not take them.
        """
        named = {request.id or new_id(): request for request in requests}
        self._asked |= {each: request.model_copy(update={"id": each}) for each, request in named.items()}
        await _each([request.id for request in requests if request.id], self._look_before)
        unsent = self._missing(named)
        try:
            await _each(unsent, self._send)
        except (QueueFull, PublishFailed) as error:
            raise _refused(error, self._sent, len(unsent)) from None
        return list(named)

    async def answered(self, ids: Sequence[str], timeout: float) -> list[str]:
        """Wait so many seconds for all of these; those without a result when the time is up."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + timeout
        while missing := self._missing(ids):
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), max(0, min(SILENCE, deadline - clock())))
            except TimeoutError:
                await self._look_for(missing, max(1, deadline - clock()))
                if clock() >= deadline:
                    return self._missing(ids)
        return missing

    def _missing(self, ids: Iterable[str]) -> list[str]:
        return [each for each in ids if each not in self.outcomes]

    async def _send(self, request_id: str) -> None:
        request = self._asked[request_id]
        await self._tasks.submit(request_id, request.revision, request.body())
        self._sent += 1

    async def _look_before(self, request_id: str) -> None:
        """Take the result of this very task from the log, or make the task its next revision."""
        request, known = self._asked[request_id], await self._known(request_id)
        if known is None or known.revision < request.revision:
            return
        is_its_result = known.kind == "response" and known.digest == request.digest
        if is_its_result or "revision" in request.model_fields_set:
            self._take(request_id, known.body)
        else:
            self._asked[request_id] = request.model_copy(update={"revision": known.revision + 1})

    async def _look_for(self, ids: Sequence[str], timeout: float) -> None:
        async def look(request_id: str) -> None:
            if (known := await self._known(request_id)) is not None:
                self._take(request_id, known.body)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await _each(ids, look)

    async def _known(self, request_id: str) -> Entry | None:
        """The last result in the log; none as well while nobody answers."""
        from nats.errors import Error

        try:
            entries = await self._log.of(request_id)
        except (Error, TimeoutError, OSError):
            return None
        return next((entry for entry in entries if entry.is_result), None)

    async def _hear(self, message: Msg) -> None:
        request_id = (message.headers or {}).get("Nats-Subject", "").rpartition(".")[2]
        if request_id in self._asked:
            self._take(request_id, message.data)

    def _take(self, request_id: str, body: bytes) -> None:
        """Take note of a result, unless it is that of an earlier revision, a repetition, or nonsense."""
        request, outcome = self._asked[request_id], _read(body)
        if outcome is None or outcome.revision < request.revision or request_id in self.outcomes:
            return
        if isinstance(outcome, PriorityResult) and not _is_about(request, outcome):
            outcome = _conflict(outcome)
        self.outcomes[request_id] = outcome
        self._arrived.set()
        self.on_outcome(outcome)


async def _each(ids: Sequence[str], work: Callable[[str], Awaitable[None]]) -> None:
    waiting = iter(ids)

    async def one_after_the_other() -> None:
        for each in waiting:
            await work(each)

    await asyncio.gather(*(one_after_the_other() for _ in range(min(WINDOW, len(ids)))))


def _read(body: bytes) -> Outcome | None:
    try:
        data = pydantic_core.from_json(body)
        kind = PriorityError if isinstance(data, dict) and "error" in data else PriorityResult
        return kind.model_validate(data)
    except ValueError:  # nothing of ours
        return None


def _is_about(request: PriorityRequest, result: PriorityResult) -> bool:
    """Whether this is what we asked about. By its content: another version of us has other digests."""
    left_out = {"created_at"} if request.created_at is None else set()
    asked, told = (task.model_dump(exclude=left_out) for task in (request.task, result.task))
    return asked == told and request.model in {None, result.model}


def _conflict(result: PriorityResult) -> PriorityError:
    return PriorityError(
        request_id=result.request_id,
        revision=result.revision,
        error="this id names another task; use another id, or say which revision this one is",
        code="id_conflict",
        retryable=False,
        processed_at=datetime.now(UTC),
    )


def _refused(error: QueueFull | PublishFailed, sent: int, wanted: int) -> Problem:
    if isinstance(error, QueueFull):
        return Problem(
            f"the queue is full; {sent} of {wanted} tasks were sent",
            why="workers are slower than what comes in, or there are none",
            do="`memebattle streams ls` shows the backlog; send the file again later",
        )
    return Problem(
        f"no stream takes tasks; {sent} of {wanted} were sent",
        why=str(error),
        do="`memebattle doctor`, then `memebattle streams apply`",
    )
