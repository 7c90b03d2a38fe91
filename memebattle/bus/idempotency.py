"""Exactly one answer per request, although every request arrives at least twice.

A publish on `meme.request` reaches the Core queue group *and*, through the stream, the durable consumer,
usually on different replicas; and a crash redelivers. Three tiers keep that from becoming two answers:

1. an in-process set of answered ids (bounded, five minutes): free, and right most of the time;
2. a claim in Redis with a lease: at most one replica works on a request, usually;
3. the answer stream: it stores the first answer of a request and refuses every other.

Only the third is needed for correctness. A lease cannot be: its holder may be paused past its end and wake
up (Kleppmann, "How to do distributed locking", 2016); the fence has to be where the result is stored. So
without Redis, or with a wiped one, requests cost more generations but never a second answer.

This module knows no broker and no database: it speaks to two ports, and both have in-memory twins.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from memebattle.bus.outcome import Busy, Rejected, Retryable
from memebattle.kit.claims import AlreadyDone, Claims, Taken, Unknown, Won
from memebattle.kit.heartbeat import every
from memebattle.kit.metrics import Intake
from memebattle.settings import DeliverySettings

log = logging.getLogger(__name__)

type Source = Literal["core_nats", "jetstream"]
type AnswerKind = Literal["response", "error"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One arrival of one message.

    `fallback_id` stands in when the body has no id: the `Nats-Msg-Id` header, or on the JetStream path
    `js-{stream}-{sequence}`. `subject` is what it arrived on. `deliveries` counts arrivals of this copy, naks
    included. Without a slot
    (Core path only) the message is left to its JetStream copy.
    """

    source: Source
    fallback_id: str | None = None
    deliveries: int = 1
    has_slot: bool = True
    trace: Mapping[str, str] = field(default_factory=dict)
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The one terminal message of a request.

    `digest` says what was asked, so that a reused id is noticed; `trace` are the request's tracing headers.
    """

    request_id: str
    kind: AnswerKind
    body: bytes
    digest: str
    trace: Mapping[str, str] = field(default_factory=dict, compare=False)


class Answers(Protocol):
    """The arbiter."""

    @property
    def max_payload(self) -> int:
        """Bytes one answer may have."""
        ...

    async def publish(self, answer: Answer) -> Answer | None:
        """Store the answer; None when it is the first, else the answer that was there already."""
        ...

    async def lookup(self, request_id: str) -> Answer | None:
        """The stored answer, None while there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """What `ExactlyOnce` has to know of a request.

    `digest` names what is asked; `work` makes the answer; `cancelled` makes the one for a request that was
    cancelled before it started, `give_up` the one when all tries are spent. `publish` is the arbiter: it
    stores the answer and returns None, or returns the answer that was there already.
    """

    request_id: str
    digest: str
    work: Callable[[], Awaitable[Answer]]
    cancelled: Callable[[], Awaitable[Answer]]
    give_up: Callable[[str], Awaitable[Answer]]
    publish: Callable[[Answer], Awaitable[Answer | None]]


@dataclass(frozen=True, slots=True)
class Tries:
    """Try `number` of at most `limit`."""

    number: int
    limit: int

    @property
    def last(self) -> bool:
        return self.number >= self.limit

    @property
    def spent(self) -> bool:
        return self.number > self.limit


class RecentIds:
    """A bounded set that forgets: the `HashSet` of the original system, in-process tier of the protocol."""

    def __init__(self, ttl: float, limit: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl, self._limit, self._clock = ttl, limit, clock
        self._seen: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def add(self, request_id: str, digest: str) -> None:
        self._seen[request_id] = (self._clock() + self._ttl, digest)
        self._seen.move_to_end(request_id)
        while len(self._seen) > self._limit:
            self._seen.popitem(last=False)

    def digest_of(self, request_id: str) -> str | None:
        """What was asked under this id, if it was answered here lately."""
        expires, digest = self._seen.get(request_id, (0.0, ""))
        if expires > self._clock():
            return digest
        self._seen.pop(request_id, None)
        return None

    def __len__(self) -> int:
        return len(self._seen)


def backoff(attempt: int, rng: random.Random) -> float:
    """Seconds until the next try: 1, 2, 4, 8, 15, 15, jittered so that replicas spread out."""
    # the exponent is bounded too: deliveries may run into the thousands, floats overflow at 2 ** 1024
    return min(2.0 ** min(max(0, attempt - 1), 4), 15.0) * rng.uniform(0.75, 1.25)


class ExactlyOnce:
    """Runs work for a request unless it was answered, is in work elsewhere, or has failed too often."""

    def __init__(
        self,
        claims: Claims,
        settings: DeliverySettings,
        metrics: Intake,
        *,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self._claims, self._metrics = claims, metrics
        self._settings = settings
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not secrets
        self._recent = RecentIds(settings.dedup_ttl, clock=clock)
        self._in_work: set[str] = set()

    async def answer(self, request: Request, delivery: Delivery) -> Answer | None:
        """Work for the request and publish its answer; None when it was answered before.

        Raises:
            Busy: another replica works on it, or the work waits for somebody else's.
            Retryable: this try failed and there are tries left.
            Rejected: there are none left, or the id was used for something else.
        """
        if (known := self._recent.digest_of(request.request_id)) is not None:
            return self._duplicate(request, known, delivery, "in_process")
        if request.request_id in self._in_work:  # the other copy, in this very process: no need to ask
            self._metrics.duplicates.labels(delivery.source, "lease").inc()
            raise Busy(self._look_again(self._settings.claim_lease, delivery))
        claim = await self._claims.claim(request.request_id, self._settings.claim_lease)
        match claim:
            case AlreadyDone(known):
                return self._duplicate(request, known, delivery, "done")
            case Taken(lease_left):
                self._metrics.duplicates.labels(delivery.source, "lease").inc()
                raise Busy(self._look_again(lease_left, delivery))
            case Unknown():
                self._refuse_without_store(delivery)
                tries = Tries(delivery.deliveries, self._settings.max_deliveries)
                return await self._work(request, delivery, tries)
            case Won(token, attempt, cancelled):
                if cancelled:
                    request = replace(request, work=request.cancelled)
                tries = Tries(attempt, self._settings.max_attempts)
                return await self._work_under_claim(request, delivery, token, tries)

    async def _work_under_claim(
        self, request: Request, delivery: Delivery, token: str, tries: Tries
    ) -> Answer | None:
        lease, request_id = self._settings.claim_lease, request.request_id
        refund = settled = False
        self._in_work.add(request_id)
        try:
            async with every(lease / 3, lambda: self._claims.renew(request_id, token, lease)):
                stored = await self._work(request, delivery, tries)
        except (Busy, asyncio.CancelledError):
            refund = True  # waiting, or being stopped, is not a failed try
            raise
        except Rejected as rejected:
            if rejected.reason == "too_many_attempts":
                await self._claims.done(request_id, request.digest)
                settled = True
            raise
        else:
            await self._claims.done(request_id, request.digest)
            settled = True
            return stored
        finally:
            self._in_work.discard(request_id)
            if not settled:
                await asyncio.shield(self._claims.release(request_id, token, refund=refund))

    async def _work(self, request: Request, delivery: Delivery, tries: Tries) -> Answer | None:
        """One try, or the end of trying."""
        if tries.spent:
            return await self._give_up(request, delivery, tries, "its workers died")
        try:
            answer = await request.work()
        except Retryable as failure:
            if tries.last and delivery.source == "jetstream":
                return await self._give_up(request, delivery, tries, str(failure))
            raise Retryable(
                str(failure), after=failure.after + backoff(tries.number, self._rng), kind=failure.kind
            ) from failure
        return await self._publish(request, answer, delivery)

    async def _give_up(self, request: Request, delivery: Delivery, tries: Tries, why: str) -> Answer | None:
        """Answer with an error and put the message aside. The Core copy leaves that to the JetStream copy."""
        if delivery.source == "core_nats":
            raise Busy(after=0)
        detail = f"gave up after {min(tries.number, tries.limit)} tries: {why}"
        if await self._publish(request, await request.give_up(detail), delivery) is None:
            return None  # a worker that died had answered it before
        raise Rejected("too_many_attempts", detail)

    async def _publish(self, request: Request, answer: Answer, delivery: Delivery) -> Answer | None:
        existing = await request.publish(answer)
        if existing is None:
            self._recent.add(answer.request_id, answer.digest)
            return answer
        return self._duplicate(request, existing.digest, delivery, "refused")

    def _duplicate(self, request: Request, known: str, delivery: Delivery, reason: str) -> Answer | None:
        self._metrics.duplicates.labels(delivery.source, reason).inc()
        self._recent.add(request.request_id, known)
        if known != request.digest:
            raise Rejected("id_conflict", f"{request.request_id} was used before for another request")
        log.info("Skipping duplicate message", extra={"reason": reason})
        return None

    def _look_again(self, lease_left: float, delivery: Delivery) -> float:
        """Soon at first (most work is short), then less often; never long after the lease ends."""
        pause = min(0.1 * 2.0 ** min(delivery.deliveries - 1, 5), 2.0, max(lease_left, 0.05))
        return pause * self._rng.uniform(0.75, 1.25)

    def _refuse_without_store(self, delivery: Delivery) -> None:
        policy = self._settings.on_redis_failure
        if policy == "closed" or (policy == "jetstream_only" and delivery.source == "core_nats"):
            self._metrics.skipped.labels("redis_away").inc()
            raise Busy(after=2.0 * self._rng.uniform(0.75, 1.25))
