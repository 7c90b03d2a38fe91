"""The one place that reaches into FastStream and nats-py beyond their public interface.

Each piece works around something reproduced on faststream 0.7.8 and nats-py 2.16 (the versions are pinned);
`tests/unit/test_framework_pins.py` fails when an upgrade moves what we hold on to.

- `Local`: FastStream's `Context` runs through a thread pool for every parameter, about 110 us each.
- `guard_headers`: one message with an undecodable status header ends nats-py's read loop silently; one with
  a readable, forged status ends every pull that it comes with, unacknowledged, for as long as it is stored.
- `keep_reconnecting`: FastStream raises some errors from the error callback, which ends a reconnect for good.
- `guard_fetch`: FastStream's pull loop spins without ever yielding once the connection is closed for good,
  and at half a core while its consumer is gone.
- `drain_core`: FastStream's graceful stop drops what a Core queue group delivers while handlers finish.
- `stop_consuming`: it also cancels the handlers that are late and closes the connection in the same breath,
  so that their last words (the nak, the released claim) are never said.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import nats.errors
import nats.js.errors
from faststream._internal.constants import EMPTY
from faststream._internal.context.context_type import Context
from faststream._internal.endpoint.subscriber.mixins import ConcurrentMixin
from faststream.nats.subscriber.usecases import CoreSubscriber, PullStreamSubscriber
from nats.aio.client import Client

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


def pull_subscribers(subscribers: Iterable[Any]) -> list[PullStreamSubscriber]:
    """The JetStream pull subscribers among a broker's subscribers."""
    return [each for each in subscribers if isinstance(each, PullStreamSubscriber)]


def guard_fetch(subscriber: PullStreamSubscriber, capacity: Callable[[], Awaitable[int]]) -> None:
    """Pull only what there is room for, and pause after a failure.

    `capacity` waits for a free slot and says how many there are; so a worker never holds messages that it
    cannot start, and another replica may have them.
    """
    subscription: Any = subscriber.subscription
    if subscription is None or getattr(subscription, "guarded", False):
        return
    fetch = subscription.fetch

    async def guarded(batch: int = 1, timeout: float | None = 5) -> Any:  # noqa: ARG001 - capacity decides
        started = time.monotonic()
        try:
            return await fetch(await capacity(), timeout=timeout)
        except nats.errors.TimeoutError:
            await _pause_if_instant(started)
            raise
        except (nats.errors.Error, TimeoutError, OSError) as error:
            log.warning("Cannot pull from JetStream", extra={"error": repr(error)})
            await _pause_if_instant(started)
            raise nats.errors.TimeoutError from error

    subscription.fetch = guarded
    subscription.guarded = True


async def _pause_if_instant(started: float) -> None:
    if time.monotonic() - started < 0.05:  # noqa: PLR2004 - a fetch that failed at once would fail again
        await asyncio.sleep(1)


async def drain_core(subscribers: Iterable[Any], timeout: float) -> None:
    """Unsubscribe the Core subscriptions and handle what had arrived, before anything stops."""
    open_ones = [each for each in subscribers if isinstance(each, CoreSubscriber) and each.subscription]
    try:
        async with asyncio.timeout(timeout):
            await asyncio.gather(*(_drain_one(each) for each in open_ones))
    except (TimeoutError, nats.errors.Error) as error:
        log.warning("Core subscriptions did not drain", extra={"error": repr(error)})


async def _drain_one(subscriber: Any) -> None:
    await subscriber.subscription.drain()
    subscriber.subscription = None
    if isinstance(subscriber, ConcurrentMixin):
        lock: Any = subscriber.lock
        while subscriber.receive_stream.statistics().current_buffer_used or not lock.empty:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def stop_consuming(subscribers: Iterable[Any], patience: float) -> None:
    """Stop the subscribers and wait up to `patience` seconds for the ends of the handlers they cancel."""
    stopping = list(subscribers)
    consuming = [task for each in stopping for task in getattr(each, "tasks", ())]
    await asyncio.gather(*(each.stop() for each in stopping), return_exceptions=True)
    if consuming:
        await asyncio.wait(consuming, timeout=patience)
