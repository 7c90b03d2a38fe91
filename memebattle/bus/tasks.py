"""Where a gateway sends tasks: into their work queue, or to a worker that answers at once.

What is said about a task is heard on four subjects: its result, its suggestions, decisions about it and its
status. Hearing something only means that it is worth looking: a subscriber may hear what the stream is still
storing, and nothing is read from what was heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from memebattle.bus.publishing import DurablePublisher, PublishFailed
from memebattle.bus.refusals import QueueFull, Unavailable
from memebattle.bus.requests import store_work
from memebattle.bus.subjects import (
    PRIORITY_CANCEL,
    PRIORITY_OVERRIDE,
    PRIORITY_RESULT,
    PRIORITY_STATUS,
    PRIORITY_SUGGESTIONS,
    fill,
)
from memebattle.kit.bell import Bell

# An inbox of its own: workers may reply here, and not where the broker acknowledges what a gateway stores
QUESTIONS = "_INBOX_question"
NO_RESPONDERS = "503"

# what reading and publishing raise while NATS is away, or takes too long
AWAY: tuple[type[Exception], ...] = (nats.errors.Error, PublishFailed, TimeoutError, OSError)

type Wait = Callable[[float], Awaitable[bool]]


@dataclass(slots=True)
class JetStreamTasks:
    """Tasks in a real stream, and what real workers say about them."""

    publisher: DurablePublisher
    connection: Callable[[], Client]
    request_subject: str
    sync_subject: str
    stream: str
    result_subject: str = PRIORITY_RESULT

    async def submit(self, request_id: str, revision: int, body: bytes, traceparent: str = "") -> None:
        """Store the task.

        Raises:
            QueueFull: the stream is at its limit.
            PublishFailed: NATS is away for longer than the publisher's budget.
        """
        subject = fill(f"{self.request_subject}.{{request_id}}", request_id=request_id)
        headers = {"Nats-Msg-Id": f"{request_id}.{revision}"}
        if traceparent:
            headers["traceparent"] = traceparent
        await store_work(self.publisher, subject, body, headers, self.stream)

    async def cancel(self, request_id: str, revision: int) -> None:
        """Tell every worker."""
        subject = fill(PRIORITY_CANCEL, request_id=request_id)
        await self.connection().publish(subject, json.dumps({"revision": revision}).encode())

    async def ask_now(self, body: bytes, timeout: float, traceparent: str = "") -> bytes:
        """The reply of a worker; it has `timeout` seconds.

        Raises:
            TimeoutError: none came in time.
            Unavailable: no worker is there.
        """
        client = self.connection()
        replied: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()

        async def on_reply(reply: Msg) -> None:
            if not replied.done():
                replied.set_result(reply)

        inbox = f"{QUESTIONS}.{secrets.token_hex(16)}"
        subscription = await client.subscribe(inbox, cb=on_reply, max_msgs=1)
        try:
            headers = {"traceparent": traceparent} if traceparent else None
            await client.publish(self.sync_subject, body, inbox, headers=headers)
            reply = await asyncio.wait_for(replied, timeout)
        finally:
            with contextlib.suppress(nats.errors.Error, OSError):
                await subscription.unsubscribe()
        if (reply.headers or {}).get("Status") == NO_RESPONDERS:
            raise Unavailable("no worker is there")
        return reply.data

    @contextlib.asynccontextmanager
    async def heard(self, request_id: str) -> AsyncIterator[Wait]:
        """Listen; the yielded function says within so many seconds whether something was said."""
        bell = Bell()

        async def ring(_: object) -> None:
            bell.ring()

        subscriptions: list[Subscription] = []
        try:
            for subject in self._subjects(request_id):
                subscriptions.append(await self.connection().subscribe(subject, cb=ring))  # noqa: PERF401 - those made so far have to be taken back
            yield _waiting(bell)
        finally:
            for subscription in subscriptions:
                with contextlib.suppress(nats.errors.Error, OSError):  # the connection is gone, and they too
                    await subscription.unsubscribe()

    def _subjects(self, request_id: str) -> Iterator[str]:
        yield fill(f"{self.result_subject}.{{request_id}}", request_id=request_id)
        for template in (PRIORITY_SUGGESTIONS, PRIORITY_OVERRIDE, PRIORITY_STATUS):
            yield fill(template, request_id=request_id)


def _waiting(bell: Bell) -> Wait:
    async def wait(seconds: float) -> bool:
        has_heard = await bell.rung_within(seconds)
        bell.hush()
        return has_heard

    return wait


@dataclass(slots=True)
class MemoryTasks:
    """The in-memory twin: keeps what it was given; `say` speaks about a task, `worker` answers at once."""

    worker: Callable[[bytes], Awaitable[bytes]] | None = None
    limit: int = 1000
    submitted: dict[tuple[str, int], bytes] = field(default_factory=dict)
    traces: dict[tuple[str, int], str] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)  # the trace of each
    cancelled: list[tuple[str, int]] = field(default_factory=list)
    _bells: defaultdict[str, list[Bell]] = field(default_factory=lambda: defaultdict(list))

    async def submit(self, request_id: str, revision: int, body: bytes, traceparent: str = "") -> None:
        key = (request_id, revision)
        if key not in self.submitted and len(self.submitted) >= self.limit:
            raise QueueFull("too many requests are waiting")
        self.submitted.setdefault(key, body)
        self.traces.setdefault(key, traceparent)

    async def cancel(self, request_id: str, revision: int) -> None:
        self.cancelled.append((request_id, revision))

    async def ask_now(self, body: bytes, timeout: float, traceparent: str = "") -> bytes:
        self.questions.append(traceparent)
        if self.worker is None:
            raise Unavailable("no worker is there")
        return await asyncio.wait_for(self.worker(body), timeout)

    @contextlib.asynccontextmanager
    async def heard(self, request_id: str) -> AsyncIterator[Wait]:
        bell = Bell()
        self._bells[request_id].append(bell)
        try:
            yield _waiting(bell)
        finally:
            self._bells[request_id].remove(bell)

    def say(self, request_id: str) -> int:
        """Something was said about a task; how many listen."""
        for bell in self._bells[request_id]:
            bell.ring()
        return len(self._bells[request_id])
