"""The protocol of exactly one answer, branch by branch, over in-memory claims and answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from memebattle.bus.answers import MemoryAnswers
from memebattle.bus.idempotency import Answer, Delivery, ExactlyOnce, RecentIds, Request, Tries, backoff
from memebattle.bus.outcome import Busy, Rejected, Retryable
from memebattle.kit.claims import AlreadyDone, Claim, Taken, Unknown, Won
from memebattle.kit.metrics import Metrics
from memebattle.settings import DeliverySettings, Settings
from memebattle.store.claims import MemoryClaims
from tests.toys import Clock

CORE = Delivery("core_nats")
DIGEST = "digest-of-cat"


class Even(random.Random):
    """Jitter in the middle of its range."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


class NoStore:
    """Redis is away."""

    async def claim(self, request_id: str, lease: float) -> Claim:
        return Unknown()

    async def renew(self, request_id: str, token: str, lease: float) -> None: ...
    async def release(self, request_id: str, token: str, *, refund: bool) -> None: ...
    async def done(self, request_id: str, digest: str) -> None: ...
    async def cancel(self, request_id: str) -> None: ...


class Work:
    """What a request asks for: it fails as the script says, then makes an answer."""

    def __init__(self, *script: BaseException, request_id: str = "r1", digest: str = DIGEST) -> None:
        self.script, self.done = list(script), list[str]()
        self.request_id, self.digest = request_id, digest
        self.first: Callable[[], Awaitable[object]] | None = None

    async def _work(self) -> Answer:
        if self.first is not None:
            await self.first()
        self.done.append("work")
        if self.script:
            raise self.script.pop(0)
        return self._answer("picture")

    async def _cancelled(self) -> Answer:
        self.done.append("cancelled")
        return self._answer("cancelled")

    async def _give_up(self, detail: str) -> Answer:
        self.done.append("give up")
        return self._answer(detail)

    def _answer(self, text: str) -> Answer:
        return Answer(self.request_id, "response", text.encode(), self.digest)

    def request_to(self, answers: MemoryAnswers) -> Request:
        return Request(
            self.request_id, self.digest, self._work, self._cancelled, self._give_up, answers.publish
        )


@dataclass
class Replica:
    """One process, and the arbiter it publishes to."""

    once: ExactlyOnce
    answers: MemoryAnswers

    async def answer(self, work: Work, delivery: Delivery) -> Answer | None:
        return await self.once.answer(work.request_to(self.answers), delivery)


class World:
    """One or more replicas over the same claims and answers."""

    def __init__(self, metrics: Metrics, **env: str) -> None:
        self.clock, self.metrics = Clock(), metrics
        self.claims, self.answers = MemoryClaims(self.clock), MemoryAnswers()
        self.settings: DeliverySettings = Settings.from_env(env).delivery
        self.once = self.replica()

    def replica(
        self, claims: MemoryClaims | NoStore | None = None, rng: random.Random | None = None
    ) -> Replica:
        once = ExactlyOnce(
            claims or self.claims, self.settings, self.metrics.memes, clock=self.clock, rng=rng or Even()
        )
        return Replica(once, self.answers)

    def stored(self, request_id: str = "r1") -> str | None:
        found = self.answers.stored.get(request_id)
        return found.body.decode() if found else None

    def duplicates(self, source: str, reason: str) -> float:
        labels = {"source": source, "reason": reason}
        return self.metrics.registry.get_sample_value("meme_generator_duplicate_messages_total", labels) or 0


@pytest.fixture
def world(metrics: Metrics) -> World:
    return World(metrics)


@pytest.fixture
def without_redis(metrics: Metrics) -> Callable[[str], World]:
    def make(policy: str) -> World:
        world = World(metrics, DEDUP_ON_REDIS_FAILURE=policy)
        world.once = world.replica(NoStore())
        return world

    return make


def js(deliveries: int = 1) -> Delivery:
    return Delivery("jetstream", deliveries=deliveries)


def retryable(after: float = 0) -> Retryable:
    return Retryable("overloaded", after=after, kind="provider")


@pytest.mark.parametrize("delivery", [CORE, js()], ids=["core", "jetstream"])
async def test_a_new_request_is_worked_on_and_answered(world: World, delivery: Delivery) -> None:
    answer = await world.once.answer(Work(), delivery)

    assert answer == Answer("r1", "response", b"picture", DIGEST)
    assert world.answers.stored["r1"] == answer
    assert await world.claims.claim("r1", 1) == AlreadyDone(DIGEST)


async def test_tier_one_knows_what_this_process_answered(world: World) -> None:
    await world.once.answer(Work(), CORE)
    again = Work()

    assert await world.once.answer(again, js()) is None
    assert (again.done, world.duplicates("jetstream", "in_process")) == ([], 1)


async def test_tier_two_knows_what_other_replicas_answered(world: World) -> None:
    await world.replica().answer(Work(), CORE)
    again = Work()

    assert await world.once.answer(again, js()) is None
    assert (again.done, world.duplicates("jetstream", "done")) == ([], 1)

    await world.once.answer(again, js())

    assert world.duplicates("jetstream", "in_process") == 1


async def test_tier_three_knows_everything(world: World) -> None:
    """The claim was lost with Redis: the work is done twice, the answer is not given twice."""
    await world.replica(MemoryClaims()).answer(Work(), CORE)
    again = Work()

    assert await world.once.answer(again, js()) is None
    assert (again.done, world.duplicates("jetstream", "refused")) == (["work"], 1)


async def test_tier_one_forgets_after_its_ttl(world: World) -> None:
    await world.once.answer(Work(), CORE)
    world.clock.now += 300

    assert await world.once.answer(Work(), js()) is None
    assert world.duplicates("jetstream", "done") == 1


@pytest.mark.parametrize("tier", ["in_process", "done", "refused"])
async def test_the_same_id_for_something_else_is_a_conflict_in_every_tier(world: World, tier: str) -> None:
    """Never somebody else's picture."""
    claims = MemoryClaims() if tier == "refused" else world.claims
    first = world.once if tier == "in_process" else world.replica(claims)
    await first.answer(Work(), CORE)

    with pytest.raises(Rejected) as conflict:
        await world.once.answer(Work(digest="digest-of-dog"), js())

    assert (conflict.value.reason, world.stored()) == ("id_conflict", "picture")
    assert conflict.value.detail == "r1 was used before for another request"


async def test_a_request_in_work_elsewhere_is_looked_at_again_soon_then_less_often(world: World) -> None:
    await world.claims.claim("r1", 10)

    pauses = []
    for deliveries in range(1, 8):
        with pytest.raises(Busy) as busy:
            await world.once.answer(Work(), js(deliveries))
        pauses.append(busy.value.after)

    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0])
    assert world.duplicates("jetstream", "lease") == 7


async def test_nobody_waits_long_after_the_lease(world: World) -> None:
    await world.claims.claim("r1", 0.5)

    with pytest.raises(Busy) as busy:
        await world.once.answer(Work(), js(10))

    assert busy.value.after == pytest.approx(0.5)


async def test_looking_again_is_jittered(world: World) -> None:
    await world.claims.claim("r1", 10)
    once = world.replica(rng=random.Random(1))
    pauses = set()
    for _ in range(5):
        with pytest.raises(Busy) as busy:
            await once.answer(Work(), js())
        pauses.add(busy.value.after)

    assert len(pauses) == 5
    assert all(0.075 <= pause <= 0.125 for pause in pauses)


@pytest.mark.parametrize(
    ("policy", "delivery", "works"),
    [
        ("jetstream_only", CORE, False),
        ("jetstream_only", js(), True),
        ("open", CORE, True),
        ("open", js(), True),
        ("closed", CORE, False),
        ("closed", js(), False),
    ],
)
async def test_without_redis_the_policy_decides_who_works(
    without_redis: Callable[[str], World], policy: str, delivery: Delivery, works: bool
) -> None:
    world, work = without_redis(policy), Work()
    if works:
        await world.once.answer(work, delivery)
    else:
        with pytest.raises(Busy) as busy:
            await world.once.answer(work, delivery)
        assert busy.value.after == pytest.approx(2.0)

    skipped = world.metrics.registry.get_sample_value(
        "meme_generator_core_skipped_total", {"reason": "redis_away"}
    )
    assert (work.done, world.stored()) == ((["work"], "picture") if works else ([], None))
    assert (skipped or 0) == (0 if works else 1)


async def test_without_redis_two_workers_still_give_one_answer(
    without_redis: Callable[[str], World],
) -> None:
    world = without_redis("open")
    one, other = Work(), Work()
    found = await asyncio.gather(
        world.replica(NoStore()).answer(one, CORE),
        world.replica(NoStore()).answer(other, js()),
    )

    assert [answer is None for answer in found].count(False) == 1
    assert (one.done, other.done) == (["work"], ["work"])


async def test_a_failure_is_retried_with_growing_pauses_until_the_last_try(world: World) -> None:
    work = Work(*[retryable() for _ in range(8)])
    pauses = []
    for _ in range(7):
        with pytest.raises(Retryable) as failure:
            await world.once.answer(work, js())
        pauses.append(failure.value.after)

    assert pauses == pytest.approx([1, 2, 4, 8, 15, 15, 15])
    assert world.stored() is None

    with pytest.raises(Rejected) as end:
        await world.once.answer(work, js())

    assert (end.value.reason, end.value.detail) == (
        "too_many_attempts",
        "gave up after 8 tries: overloaded",
    )
    assert world.stored() == "gave up after 8 tries: overloaded"
    assert work.done == ["work"] * 8 + ["give up"]


async def test_after_giving_up_the_request_is_done(world: World) -> None:
    world.settings = Settings.from_env({"MAX_ATTEMPTS": "1"}).delivery
    with pytest.raises(Rejected):
        await world.replica().answer(Work(retryable()), js())
    again = Work()

    assert await world.once.answer(again, js()) is None
    assert again.done == []


async def test_the_provider_s_wish_is_added_to_the_pause(world: World) -> None:
    with pytest.raises(Retryable) as failure:
        await world.once.answer(Work(retryable(after=7)), js())

    assert (failure.value.after, failure.value.kind, str(failure.value)) == (8, "provider", "overloaded")


async def test_crashed_tries_count_and_end_without_another_one(world: World) -> None:
    """A request that kills its worker must not do so for ever."""
    for _ in range(8):
        await world.claims.claim("r1", 10)
        world.clock.now += 11
    work = Work()

    with pytest.raises(Rejected) as end:
        await world.once.answer(work, js())

    assert end.value.reason == "too_many_attempts"
    assert (work.done, world.stored()) == (["give up"], "gave up after 8 tries: its workers died")


@pytest.mark.parametrize("crashed", [7, 8])
async def test_core_leaves_the_giving_up_to_jetstream(world: World, crashed: int) -> None:
    """Only the JetStream copy can be put aside."""
    for _ in range(crashed):
        await world.claims.claim("r1", 10)
        world.clock.now += 11

    with pytest.raises((Busy, Retryable)):
        await world.once.answer(Work(retryable()), CORE)

    assert world.stored() is None

    with pytest.raises(Rejected):
        await world.once.answer(Work(retryable()), js())


async def test_what_a_dying_worker_had_answered_is_not_given_up(world: World) -> None:
    """It died between storing the answer and saying so, again and again."""
    await world.answers.publish(Answer("r1", "response", b"picture", DIGEST))
    for _ in range(8):
        await world.claims.claim("r1", 10)
        world.clock.now += 11

    assert await world.once.answer(Work(), js()) is None
    assert world.stored() == "picture"
    assert await world.claims.claim("r1", 1) == AlreadyDone(DIGEST)


async def test_without_redis_deliveries_are_counted_instead(without_redis: Callable[[str], World]) -> None:
    world = without_redis("jetstream_only")
    with pytest.raises(Retryable):
        await world.once.answer(Work(retryable()), js(24))

    with pytest.raises(Rejected, match="gave up after 25 tries: overloaded"):
        await world.once.answer(Work(retryable()), js(25))


async def test_a_request_cancelled_before_its_start_is_answered_so(world: World) -> None:
    await world.claims.cancel("r1")
    work = Work()
    await world.once.answer(work, js())

    assert (work.done, world.stored()) == (["cancelled"], "cancelled")


async def test_waiting_is_not_trying(world: World) -> None:
    with pytest.raises(Busy):
        await world.once.answer(Work(Busy(0.5)), js())

    claim = await world.claims.claim("r1", 10)
    assert isinstance(claim, Won)
    assert claim.attempt == 1


async def test_being_stopped_is_not_trying_and_frees_the_claim(world: World) -> None:
    with pytest.raises(asyncio.CancelledError):
        await world.once.answer(Work(asyncio.CancelledError()), js())

    claim = await world.claims.claim("r1", 10)
    assert isinstance(claim, Won)
    assert claim.attempt == 1


async def test_a_failed_try_frees_the_claim_and_counts(world: World) -> None:
    with pytest.raises(ZeroDivisionError):
        await world.once.answer(Work(ZeroDivisionError()), js())

    claim = await world.claims.claim("r1", 10)
    assert isinstance(claim, Won)
    assert claim.attempt == 2


async def test_long_work_keeps_its_claim(metrics: Metrics) -> None:
    """The lease is renewed three times within itself."""
    world = World(metrics, CLAIM_LEASE="0.06")
    renewed = asyncio.Event()
    renew = world.claims.renew

    async def noted(request_id: str, token: str, lease: float) -> None:
        await renew(request_id, token, lease)
        renewed.set()

    world.claims.renew = noted  # type: ignore[method-assign]
    work = Work()

    async def until_renewed() -> None:
        await renewed.wait()
        world.clock.now += 0.05
        assert isinstance(await world.claims.claim("r1", 1), Taken)

    work.first = until_renewed

    assert await asyncio.wait_for(world.once.answer(work, js()), 5) is not None


async def test_two_replicas_at_the_same_time_work_once(world: World) -> None:
    one, other, started, finish = Work(), Work(), asyncio.Event(), asyncio.Event()

    async def until_told() -> None:
        started.set()
        await finish.wait()

    one.first = until_told
    first = asyncio.create_task(world.once.answer(one, js()))
    await started.wait()
    with pytest.raises(Busy):
        await world.replica().answer(other, CORE)
    finish.set()

    assert isinstance(await first, Answer)
    assert (one.done, other.done) == (["work"], [])


async def test_the_other_copy_in_this_process_waits_without_asking_for_a_claim(world: World) -> None:
    one, other, started, finish = Work(), Work(), asyncio.Event(), asyncio.Event()

    async def until_told() -> None:
        started.set()
        await finish.wait()

    one.first = until_told
    first = asyncio.create_task(world.once.answer(one, CORE))
    await started.wait()
    world.once.once._claims = MemoryClaims(world.clock)  # whoever asked now would win
    with pytest.raises(Busy) as busy:
        await world.once.answer(other, js())
    finish.set()

    assert isinstance(await first, Answer)
    assert busy.value.after <= 0.1
    assert (other.done, world.duplicates("jetstream", "lease")) == ([], 1)
    assert await world.once.answer(other, js(2)) is None


def test_recent_ids_are_bounded_and_forget() -> None:
    clock = Clock()
    recent = RecentIds(ttl=300, limit=2, clock=clock)
    recent.add("a", "1")
    recent.add("b", "2")
    recent.add("a", "1")
    recent.add("c", "3")

    assert [recent.digest_of(each) for each in "abc"] == ["1", None, "3"]

    clock.now += 300

    assert [recent.digest_of(each) for each in "abc"] == [None, None, None]
    assert len(recent) == 0


def test_backoff_doubles_up_to_fifteen_seconds() -> None:
    assert [backoff(attempt, Even()) for attempt in (0, 1, 2, 3, 4, 5, 6, 20, 10_000)] == [
        1,
        1,
        2,
        4,
        8,
        15,
        15,
        15,
        15,
    ]


@pytest.mark.parametrize(
    ("number", "last", "spent"), [(1, False, False), (7, False, False), (8, True, False), (9, True, True)]
)
def test_tries_know_the_last_and_the_one_too_many(number: int, last: bool, spent: bool) -> None:
    tries = Tries(number, limit=8)

    assert (tries.last, tries.spent) == (last, spent)
