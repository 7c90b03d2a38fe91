"""The one place that reaches into FastStream and nats-py beyond their public interface.

Each piece works around something reproduced on faststream 0.7.8 and nats-py 2.16 (the versions are pinned);
`tests/unit/test_framework_pins.py` fails when an upgrade moves what we hold on to.

- `Local`: FastStream's `Context` runs through a thread pool for every parameter, about 110 us each.
- `guard_headers`: one message with an undecodable status header ends nats-py's read loop silently; one with
  a readable, forged status ends every pull that it comes with, unacknowledged, for as long as it is stored.
- `keep_reconnecting`: FastStream raises some errors from the error callback, which ends a reconnect for good.
- `close_unheard`: nats-py's close writes to a transport that is closed, which uvloop takes for an error.
- `hear_straight`: its consumption of a message (scopes, middlewares, injection) costs a pod more than half of
  what a token costs in all.
- `Handling`: FastStream's pull loop spins without ever yielding once the connection is closed for good, and
  at half a core while its consumer is gone; its `max_workers` costs a quarter of a message; its graceful stop
  drops what Core delivers meanwhile, and closes the connection before a cancelled handler could give its
  message back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any

import nats.errors
import nats.js.errors
from faststream._internal.constants import EMPTY
from faststream._internal.context.context_type import Context
from faststream.nats.subscriber.usecases import CoreSubscriber, PullStreamSubscriber
from nats.aio.client import Client
from nats.aio.msg import Msg

log = logging.getLogger(__name__)

MALFORMED = "Mb-Malformed-Headers"
STATUS, ACK_PREFIX = "Status", b"$JS.ACK."


class _InlineContext(Context):
    """A context field that is resolved in the event loop."""

    async def use(self, /, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        return Context.use(self, **kwargs)


def Local(name: str = "") -> Any:  # noqa: N802 - reads like FastStream's own Context()
    """Inject a value of FastStream's context, by name or by the parameter's name."""
    return _InlineContext(name, default=EMPTY)


def guard_headers(client: Client, on_malformed: Callable[[], None]) -> None:
    """Let a message with malformed headers through, marked, instead of ending the read loop.

    A delivery of a consumer is a stored message and never an answer of the server, so it has no status.
    """
    parse, build = client._process_headers, client._build_message

    async def guarded(headers: bytes) -> dict[str, str] | None:
        try:
            parsed: dict[str, str] | None = await parse(headers)
        except Exception:  # noqa: BLE001 - whatever the bytes provoke, the connection must live
            on_malformed()
            return {MALFORMED: "1"}
        return parsed

    def without_status(sid: int, subject: bytes, reply: bytes, data: bytes, headers: Any) -> Any:
        if headers and reply.startswith(ACK_PREFIX):
            headers.pop(STATUS, None)
        return build(sid, subject, reply, data, headers)

    client._process_headers = guarded  # type: ignore[method-assign]
    client._build_message = without_status  # type: ignore[method-assign]


def keep_reconnecting(client: Client, on_error: Callable[[Exception], Awaitable[None]]) -> None:
    """Report errors of a running connection to `on_error`, past FastStream's own callback.

    That one raises what it takes for unrecoverable: refused credentials, too many connections, and so on. It
    serves the first connect; in nats-py's reconnect task it ends the task: nobody connects again, or exits.
    """
    client._error_cb = on_error


async def close_unheard(client: Client) -> None:
    """Close a connection whose server is gone; what was still to be said is dropped.

    nats-py writes it to the closed transport. uvloop's raises then, and the rest of the closing is left out.
    """
    client._pending, client._pending_data_size = [], 0
    await client.close()


def hear_straight(subscriber: Any, hear: Callable[[bytes, Mapping[str, Any]], object]) -> None:
    """Give what a Core subscriber receives to a function, in order, before it starts.

    For streams of small messages that need nothing of FastStream but their place in the documents.
    """

    async def consume(message: Msg) -> None:
        hear(message.data, message.headers or {})

    subscriber.consume = consume


def subject_of(subscriber: Any) -> str:
    """What a subscriber listens to, with its parameters in braces."""
    return str(subscriber._resolved_subject_string)


def is_work(subscriber: Any) -> bool:
    """Whether a subscriber shares work, by queue group or stream, and nobody waits for a reply of ours."""
    return bool(subscriber._no_reply and (subscriber.queue or getattr(subscriber, "stream", None)))


def pull_subscribers(subscribers: Iterable[Any]) -> list[PullStreamSubscriber]:
    """The JetStream pull subscribers among a broker's subscribers."""
    return [each for each in subscribers if isinstance(each, PullStreamSubscriber)]


class Handling:
    """The tasks that handle a broker's messages, made here instead of by FastStream.

    `max_workers` would lead each message through a bounded stream, two semaphores and a task group, which is
    a quarter of the price of a message, and hide Core copies in a buffer until they are stale. Here a message
    is one task. How many there are is bounded where it matters: pulls by `capacity`, work by the slots.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._finishing = False

    def take_over(self, subscribers: Iterable[Any]) -> None:
        """Handle the messages of these subscribers here.

        Before they start: FastStream's loop waits for the messages that it handles itself, and its first
        fetch may be under way when the start is over. A new worker would fill one slot and wait.
        """
        for subscriber in subscribers:
            if isinstance(subscriber, PullStreamSubscriber | CoreSubscriber):
                subscriber.consume = self._in_a_task(subscriber.consume)  # type: ignore[method-assign]

    def guard_pulls(
        self, subscribers: Iterable[Any], capacities: Mapping[str, Callable[[], Awaitable[int]]]
    ) -> None:
        """Pull only into free slots, once they have started.

        `capacities` has a function for each stream, which waits for a free slot and says how many there are;
        so a worker never holds messages that it cannot start, and another replica may have them.
        """
        for subscriber in pull_subscribers(subscribers):
            self._guard_fetch(subscriber, capacities[subscriber.stream.name])

    async def finish(self, subscribers: Iterable[Any], grace: float, last_words: float) -> None:
        """Hear out what Core delivered, pull nothing more, and let the handlers end.

        Those that take longer than `grace` seconds are cancelled and have `last_words` seconds to give back
        what they have: FastStream would close the connection in the same breath.
        """
        self._finishing = True
        deadline = time.monotonic() + grace
        await self._drain_core(subscribers, grace)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=max(0.0, deadline - time.monotonic()))
            for task in late:
                task.cancel()
            if late:
                log.warning("Handlers did not end in time", extra={"cancelled": len(late)})
                await asyncio.wait(late, timeout=last_words)

    async def _drain_core(self, subscribers: Iterable[Any], grace: float) -> None:
        open_ones = [each for each in subscribers if isinstance(each, CoreSubscriber) and each.subscription]
        try:
            async with asyncio.timeout(grace):
                await asyncio.gather(*(_drained(each.subscription) for each in open_ones))
        except (TimeoutError, nats.errors.Error, OSError) as error:
            log.warning("Core subscriptions did not drain", extra={"error": repr(error)})
        for each in open_ones:
            each.subscription = None

    def _in_a_task(self, consume: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
        async def begin(message: Any) -> None:
            task = asyncio.create_task(consume(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return begin

    def _guard_fetch(self, subscriber: PullStreamSubscriber, capacity: Callable[[], Awaitable[int]]) -> None:
        """FastStream's loop goes on fetching, and finds nothing: what came is in work already."""
        subscription: Any = subscriber.subscription
        if subscription is None or getattr(subscription, "guarded", False):
            return
        fetch = subscription.fetch

        async def guarded(batch: int = 1, timeout: float | None = 5) -> list[Any]:  # noqa: ARG001 - see capacity
            if self._finishing:
                await asyncio.Event().wait()  # until the loop is cancelled
            await self._take(subscriber, await _guarded_fetch(fetch, await capacity(), timeout))
            return []

        subscription.fetch = guarded
        subscription.guarded = True

    async def _take(self, subscriber: Any, messages: list[Any]) -> None:
        for message in messages:
            if self._finishing:
                await message.nak()  # it came while we were stopping: somebody else may have it at once
            else:
                await subscriber.consume(message)  # begins a task, see take_over
        await asyncio.sleep(0)  # let them take their slots before the next look at what is free


async def _drained(subscription: Any) -> None:
    await subscription.drain()


async def _guarded_fetch(
    fetch: Callable[..., Awaitable[Any]], batch: int, timeout: float | None
) -> list[Any]:
    """A fetch that fails only in the way the loop expects, and never at once twice."""
    started = time.monotonic()
    try:
        messages: list[Any] = await fetch(batch, timeout=timeout)
    except nats.errors.TimeoutError:
        await _pause_if_instant(started)
        raise
    except (nats.errors.Error, TimeoutError, OSError) as error:
        log.warning("Cannot pull from JetStream", extra={"error": repr(error)})
        await _pause_if_instant(started)
        raise nats.errors.TimeoutError from error
    return messages


async def _pause_if_instant(started: float) -> None:
    if time.monotonic() - started < 0.05:  # noqa: PLR2004 - a fetch that failed at once would fail again
        await asyncio.sleep(1)
