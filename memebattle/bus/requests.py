"""Asking for memes from inside: what the gateway does for an HTTP client.

One publish reaches both paths: the stream stores it, and the Core queue group hears it at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from nats.aio.client import Client
from nats.js.errors import APIError

from memebattle.bus.idempotency import Answer, Answers
from memebattle.bus.publishing import STREAM_IS_FULL, DurablePublisher
from memebattle.bus.refusals import QueueFull
from memebattle.bus.subjects import MEME_CANCEL, fill

FIRST_LOOK, LONGEST_LOOK = 0.01, 1.0  # seconds between looks for an answer that was heard

type Wait = Callable[[float], Awaitable[Answer | None]]


async def store_work(
    publisher: DurablePublisher, subject: str, body: bytes, headers: Mapping[str, str], stream: str
) -> None:
    """Publish to a work queue.

    Raises:
        QueueFull: the stream is at its limit.
        PublishFailed: NATS is away for longer than the publisher's budget.
    """
    try:
        await publisher.publish(subject, body, headers, stream)
    except APIError as error:
        if error.err_code == STREAM_IS_FULL:
            raise QueueFull("too many requests are waiting") from error
        raise


@dataclass(slots=True)
class JetStreamRequests:
    """Publishes requests durably and waits for their answers."""

    publisher: DurablePublisher
    connection: Callable[[], Client]
    answers: Answers
    subject: str
    stream: str

    async def submit(self, request_id: str, body: bytes, traceparent: str = "") -> None:
        """Store the request.

        Raises:
            QueueFull: the stream is at its limit.
            PublishFailed: NATS is away for longer than the publisher's budget.
        """
        headers = {"Nats-Msg-Id": request_id}
        if traceparent:
            headers["traceparent"] = traceparent
        await store_work(self.publisher, self.subject, body, headers, self.stream)

    async def cancel(self, request_id: str) -> None:
        """Tell every worker."""
        await self.connection().publish(fill(MEME_CANCEL, request_id=request_id))

    @contextlib.asynccontextmanager
    async def answered(self, request_id: str) -> AsyncIterator[Wait]:
        """Listen before asking; the yielded function waits so many seconds for the answer."""
        heard = asyncio.Event()

        async def on_answer(_: object) -> None:
            heard.set()

        subject = fill("answers.meme.{request_id}", request_id=request_id) + ".>"
        subscription = await self.connection().subscribe(subject, cb=on_answer)
        try:
            yield lambda seconds: self._wait(request_id, heard, seconds)
        finally:
            await subscription.unsubscribe()

    async def _wait(self, request_id: str, heard: asyncio.Event, seconds: float) -> Answer | None:
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + seconds, FIRST_LOOK
        # look first: an id that was answered before is not answered again, there would be nothing to hear
        while (found := await self.answers.lookup(request_id)) is None and (left := deadline - clock()) > 0:
            if heard.is_set():
                # a subscriber may hear an answer before the stream has stored it
                await asyncio.sleep(min(pause, left))
                pause = min(2 * pause, LONGEST_LOOK)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(heard.wait(), left)
        return found


@dataclass(slots=True)
class MemoryRequests:
    """The in-memory twin: keeps what was submitted; a test answers through `answers`."""

    answers: Answers
    submitted: dict[str, bytes] = field(default_factory=dict)
    traces: dict[str, str] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    limit: int = 1000

    async def submit(self, request_id: str, body: bytes, traceparent: str = "") -> None:
        if request_id not in self.submitted and len(self.submitted) >= self.limit:
            raise QueueFull("too many requests are waiting")
        self.submitted.setdefault(request_id, body)
        self.traces.setdefault(request_id, traceparent)

    async def cancel(self, request_id: str) -> None:
        self.cancelled.append(request_id)

    @contextlib.asynccontextmanager
    async def answered(self, request_id: str) -> AsyncIterator[Wait]:
        async def wait(seconds: float) -> Answer | None:
            deadline = asyncio.get_running_loop().time() + seconds
            while (found := await self.answers.lookup(request_id)) is None:
                if asyncio.get_running_loop().time() >= deadline:
                    return None
                await asyncio.sleep(0)
            return found

        yield wait
