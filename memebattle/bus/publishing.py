"""A publish that counts only when the stream has stored it.

nats-py never repeats a JetStream publish: an election (4 to 7 s on three nodes) or a restarting server turns
into refused publishes. `publish_durable` repeats the *same* message within a budget. Repeating is safe
because every durable publish of ours is idempotent: a `Nats-Msg-Id`, or an expected last sequence.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import nats.errors
from nats.aio.client import Client
from nats.js.api import PubAck
from nats.js.errors import APIError, NoStreamResponseError, ServiceUnavailableError

from memebattle.bus.subjects import pattern_of
from memebattle.kit.metrics import Metrics

# "wrong last sequence constant": another publish to this subject is in flight and may still fail
SEQUENCE_IN_FLIGHT = 10164
STREAM_IS_FULL = 10077
FIRST_PAUSE, LONGEST_PAUSE, ONE_TRY = 0.05, 1.0, 3.0


class PublishFailed(Exception):
    """No stream took the message within the budget."""


class MessageTooLarge(ValueError):
    """The message is over the server's `max_payload`. Sending it would make the server close us for good."""


@dataclass(slots=True)
class DurablePublisher:
    """Publishes to streams over one connection.

    `connection` is asked anew for each message, so that a publisher may be made before the broker connects.
    `budget` is in seconds.
    """

    connection: Callable[[], Client]
    metrics: Metrics
    budget: float = 30
    rng: random.Random = field(default_factory=random.Random)

    @property
    def max_payload(self) -> int:
        """Bytes one message may have, headers included, as the server's INFO says."""
        return self.connection().max_payload

    async def publish(
        self, subject: str, body: bytes, headers: Mapping[str, str], stream: str | None = None
    ) -> PubAck:
        """Return the stream's acknowledgement.

        Raises:
            MessageTooLarge: over the server's limit.
            PublishFailed: no acknowledgement within the budget.
            nats.js.errors.APIError: the stream refused the message for good.
        """
        self._check_size(subject, body, headers)
        deadline = asyncio.get_running_loop().time() + self.budget
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._once(subject, body, headers, stream)
            except (nats.errors.Error, TimeoutError, OSError) as error:
                if not _is_passing(error):
                    raise
                if asyncio.get_running_loop().time() + pause > deadline:
                    raise PublishFailed(
                        f"{subject}: not stored within {self.budget:g} s: {error!r}"
                    ) from error
            self.metrics.publish_retries.labels(pattern_of(subject)).inc()
            await asyncio.sleep(pause * self.rng.uniform(0.5, 1.5))
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _once(
        self, subject: str, body: bytes, headers: Mapping[str, str], stream: str | None
    ) -> PubAck:
        js = self.connection().jetstream(timeout=ONE_TRY)
        return await js.publish(subject, body, headers=dict(headers), stream=stream)

    def _check_size(self, subject: str, body: bytes, headers: Mapping[str, str]) -> None:
        # nats-py checks the body alone; body and headers together over the limit close the connection
        size = len(body) + 64 + sum(len(name) + len(value) + 4 for name, value in headers.items())
        if size > self.max_payload:
            raise MessageTooLarge(f"{subject}: {size} bytes, the server takes {self.max_payload}")


def _is_passing(error: Exception) -> bool:
    """Whether the same publish may succeed later."""
    if isinstance(error, APIError):
        return (isinstance(error, ServiceUnavailableError) and error.err_code != STREAM_IS_FULL) or (
            error.err_code == SEQUENCE_IN_FLIGHT
        )
    return isinstance(
        error,
        NoStreamResponseError
        | TimeoutError
        | OSError
        | nats.errors.TimeoutError
        | nats.errors.ConnectionClosedError
        | nats.errors.ConnectionReconnectingError
        | nats.errors.StaleConnectionError
        | nats.errors.OutboundBufferLimitError,
    )
