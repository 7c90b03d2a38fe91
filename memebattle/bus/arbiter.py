"""A stream as arbiter: of several messages that want to be the one, it stores the first and refuses the rest.

The fence is optimistic concurrency per subject: `Nats-Expected-Last-Subject-Sequence` names the message that
the writer believes to be the last one of a scope. Measured with 20 racing publishers: 1 stored, 1 heard. A
refusal is believed only after reading what is stored there: what the caller cannot read as one of its own is
a stranger's message. The real one is stored on top of it, unless it lies beneath.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import APIError, NotFoundError

from memebattle.bus.publishing import DurablePublisher

WRONG_LAST_SEQUENCE = 10071

type Reader[T] = Callable[[RawStreamMsg], T | None]


@dataclass(slots=True)
class Arbiter:
    """Over one stream. A scope is the subject, or the filter, of which one message may be stored."""

    publisher: DurablePublisher
    js: Callable[[], JetStreamContext]
    stream: str

    async def store[T](
        self, scope: str, subject: str, body: bytes, headers: Mapping[str, str], read: Reader[T]
    ) -> T | None:
        """Store a message unless `read` recognises one of the scope; return that one, or None.

        Raises:
            PublishFailed: no stream took it within the publisher's budget.
            MessageTooLarge: over the server's limit.
        """
        expected = 0
        while True:
            fence = {
                "Nats-Expected-Last-Subject-Sequence": str(expected),
                "Nats-Expected-Last-Subject-Sequence-Subject": scope,
            }
            try:
                await self.publisher.publish(subject, body, {**fence, **headers}, self.stream)
            except APIError as error:
                if error.err_code != WRONG_LAST_SEQUENCE:
                    raise
                existing, expected = await self._found(scope, read)
                if existing is not None:
                    return existing
            else:
                return None

    async def newest[T](self, scope: str, read: Reader[T]) -> T | None:
        """The newest message of the scope that `read` recognises."""
        found, _ = await self._found(scope, read)
        return found

    async def _found[T](self, scope: str, read: Reader[T]) -> tuple[T | None, int]:
        """What is recognised, and the sequence of the last message that is stored, whosever it is."""
        try:
            # not a direct get: a replica may lag behind the leader that just refused us
            last = await self.js().get_last_msg(self.stream, scope)
        except NotFoundError:
            return None, 0
        end = last.seq or 0
        found = read(last)
        return (found if found is not None else await self._beneath(scope, end, read)), end

    async def _beneath[T](self, scope: str, end: int, read: Reader[T]) -> T | None:
        """The newest one before `end`, among messages of somebody who may not know better."""
        found, seq = None, 1
        while seq < end:
            try:
                message = await self.js().get_msg(self.stream, seq, scope, next=True)
            except NotFoundError:
                break  # expired since we looked
            if (message.seq or end) < end and (recognised := read(message)) is not None:
                found = recognised
            seq = (message.seq or end) + 1
        return found
