"""Batches: what one source yields, in lists, by number, by time, and to whatever end. No time passes here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import pytest

from memebattle.kit.batches import Batches, Stopped
from tests.toys import Clock
from tests.waiting import wait_until

WINDOW = 0.05  # seconds

type Gathered = Callable[..., Batches[int]]
type Taken = AsyncIterator[list[int]]


class Source:
    """Yields what it is given, when it is given."""

    def __init__(self, *items: int, ends: bool = False, error: Exception | None = None) -> None:
        self._given: asyncio.Queue[int | Exception | None] = asyncio.Queue()
        self.yielded = 0
        self.closed = asyncio.Event()
        self.give(*items)
        if error is not None:
            self._given.put_nowait(error)
        if ends:
            self.end()

    def give(self, *items: int) -> None:
        for item in items:
            self._given.put_nowait(item)

    def end(self) -> None:
        self._given.put_nowait(None)

    async def stream(self) -> AsyncGenerator[int]:
        try:
            while (item := await self._given.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                self.yielded += 1
                yield item
        finally:
            self.closed.set()


class Alarm:
    """A sleep that ends when it is rung, and remembers for how long it was wanted."""

    def __init__(self) -> None:
        self.wanted: list[float] = []
        self._rung = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.wanted.append(round(seconds, 6))
        await self._rung.wait()
        self._rung.clear()

    def ring(self) -> None:
        self._rung.set()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def alarm() -> Alarm:
    return Alarm()


@pytest.fixture
def gathered(clock: Clock, alarm: Alarm) -> Gathered:
    """Batches of a source, within 50 ms and up to three at a time unless the test says otherwise."""

    def make(source: Source, *, seconds: float = WINDOW, limit: int = 3) -> Batches[int]:
        return Batches(source.stream(), seconds=seconds, limit=limit, clock=clock, sleep=alarm.sleep)

    return make


async def all_of(batches: Taken) -> list[list[int]]:
    return [batch async for batch in batches]


async def test_without_a_time_each_goes_out_alone(gathered: Gathered, alarm: Alarm) -> None:
    """Also when many are waiting: unbatched means unbatched."""
    source = Source(1, 2, 3, 4, ends=True)
    async with gathered(source, seconds=0, limit=100) as batches:
        assert await all_of(batches) == [[1], [2], [3], [4]]

    assert alarm.wanted == []


async def test_a_full_batch_goes_out_before_its_time(gathered: Gathered, alarm: Alarm) -> None:
    source = Source(1, 2, 3, 4, 5)
    async with gathered(source) as batches:
        assert await anext(batches) == [1, 2, 3]
        alarm.ring()
        assert await anext(batches) == [4, 5]


async def test_a_batch_goes_out_when_its_time_has_come(gathered: Gathered, alarm: Alarm) -> None:
    source = Source(1, 2)
    async with gathered(source) as batches:
        waiting = asyncio.create_task(anext(batches))
        await wait_until(lambda: alarm.wanted, "the batch to wait for more")
        assert not waiting.done()
        alarm.ring()

        assert await waiting == [1, 2]
        assert alarm.wanted == [WINDOW]


async def test_the_time_counts_from_the_first_item_and_not_from_the_first_look(
    gathered: Gathered, clock: Clock, alarm: Alarm
) -> None:
    """Whoever takes the batches is busy publishing the one before meanwhile."""
    source = Source(1)
    async with gathered(source) as batches:
        await wait_until(lambda: source.yielded, "the first item")
        clock.now += 0.03
        taking = asyncio.create_task(anext(batches))
        await wait_until(lambda: alarm.wanted, "the batch to wait for more")
        alarm.ring()

        assert await taking == [1]
        assert alarm.wanted == [0.02]

        source.give(2)
        await wait_until(lambda: source.yielded == 2, "the second item")
        clock.now += 1

        assert await anext(batches) == [2]
        assert alarm.wanted == [0.02]


async def test_what_is_gathered_goes_out_at_the_end_at_once(gathered: Gathered, alarm: Alarm) -> None:
    source = Source(1, 2, 3, 4, ends=True)
    async with gathered(source) as batches:
        assert await all_of(batches) == [[1, 2, 3], [4]]

    assert alarm.wanted == []


async def test_what_is_gathered_goes_out_before_the_error(gathered: Gathered, alarm: Alarm) -> None:
    source = Source(1, 2, 3, 4, error=ValueError("broken"))
    async with gathered(source) as batches:
        assert [await anext(batches), await anext(batches)] == [[1, 2, 3], [4]]
        with pytest.raises(ValueError, match="broken"):
            await anext(batches)

    assert alarm.wanted == []


async def test_nothing_is_an_end_and_no_batch(gathered: Gathered) -> None:
    async with gathered(Source(ends=True)) as batches:
        assert await all_of(batches) == []


async def test_it_can_be_stopped_while_nothing_comes(gathered: Gathered) -> None:
    both = gathered(Source())
    async with both as batches:
        waiting = asyncio.create_task(anext(batches))
        await asyncio.sleep(0)
        both.stop()
        with pytest.raises(Stopped):
            await waiting


async def test_stopping_drops_what_was_gathered(gathered: Gathered, alarm: Alarm) -> None:
    """Nobody wants it any more, so nobody waits for its time either."""
    both = gathered(Source(1, 2))
    async with both as batches:
        waiting = asyncio.create_task(anext(batches))
        await wait_until(lambda: alarm.wanted, "the batch to wait for more")
        both.stop()
        with pytest.raises(Stopped):
            await waiting


async def test_stopped_before_it_began(gathered: Gathered) -> None:
    both = gathered(Source(1, 2, 3, ends=True))
    both.stop()
    async with both as batches:
        with pytest.raises(Stopped):
            await anext(batches)


@pytest.mark.parametrize("seconds", [0, WINDOW])
async def test_it_reads_ahead_but_not_for_ever(gathered: Gathered, seconds: float) -> None:
    """Four batches: a fast model and a slow stream must not fill the memory."""
    source, ahead = Source(*range(100)), 4 if seconds == 0 else 12
    async with gathered(source, seconds=seconds, limit=3) as batches:
        await wait_until(lambda: source.yielded == ahead, "the source to be read ahead")
        await settled()
        assert source.yielded == ahead

        await anext(batches)
        await settled()
        assert source.yielded == ahead + (1 if seconds == 0 else 3)


async def settled() -> None:
    """Every task that can go on has done so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_source_is_read_while_a_batch_is_being_taken(gathered: Gathered) -> None:
    """A slow publisher costs no time of the model."""
    source = Source(1)
    async with gathered(source, seconds=0) as batches:
        assert await anext(batches) == [1]
        source.give(2)

        await wait_until(lambda: source.yielded == 2, "the source to be read without anybody asking")


async def leave_early(batches: Taken) -> None:
    await anext(batches)


async def stay_to_the_end(batches: Taken) -> None:
    await all_of(batches)


async def fail(batches: Taken) -> None:
    await anext(batches)
    raise LookupError


@pytest.mark.parametrize(
    ("source", "take"),
    [
        (lambda: Source(1, 2, 3), leave_early),
        (lambda: Source(*range(100)), leave_early),
        (lambda: Source(1, 2, 3, ends=True), stay_to_the_end),
        (lambda: Source(1, error=ValueError("broken")), stay_to_the_end),
        (lambda: Source(1, 2, 3), fail),
    ],
    ids=["left early", "left while it waits for room", "to its end", "to its error", "the taker fails"],
)
async def test_the_source_is_closed_whatever_happens(
    gathered: Gathered, source: Callable[[], Source], take: Callable[[Taken], Awaitable[None]]
) -> None:
    """Its provider would go on writing, and be paid for it."""
    made = source()
    with contextlib.suppress(LookupError, ValueError):
        async with gathered(made) as batches:
            await take(batches)

    assert made.closed.is_set()


async def test_the_source_is_closed_when_its_taker_is_cancelled(gathered: Gathered) -> None:
    source = Source()

    async def take() -> None:
        async with gathered(source) as batches:
            await anext(batches)

    taker = asyncio.create_task(take())
    await settled()
    taker.cancel()
    await asyncio.gather(taker, return_exceptions=True)

    assert taker.cancelled()
    assert source.closed.is_set()


async def test_the_source_is_closed_in_the_task_that_reads_it() -> None:
    """HTTP clients bind their connections to a task, and complain in any other one."""
    tasks: list[asyncio.Task[object] | None] = []

    async def stream() -> AsyncGenerator[int]:
        tasks.append(asyncio.current_task())
        try:
            yield 1
            yield 2
            await asyncio.Event().wait()
        finally:
            tasks.append(asyncio.current_task())

    async with Batches(stream(), seconds=0, limit=1) as batches:
        await anext(batches)

    assert tasks[0] is tasks[1]
    assert tasks[0] is not asyncio.current_task()


async def test_real_time_passes_by_itself() -> None:
    """Nothing injected: the defaults are the event loop's."""
    source = Source(1)
    async with Batches(source.stream(), seconds=0.001, limit=100) as batches:
        assert await anext(batches) == [1]
