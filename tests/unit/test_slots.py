"""Slots: bounded concurrency, a fair queue for JetStream, leftovers for Core."""

from __future__ import annotations

import asyncio

import pytest

from memebattle.bus.slots import Slots
from memebattle.kit.metrics import Metrics
from tests.waiting import wait_until


@pytest.fixture
def slots(metrics: Metrics) -> Slots:
    return Slots(1, metrics.memes)


class Worker:
    """Takes a slot as the JetStream path does, and holds it until told to let go."""

    def __init__(self, slots: Slots, name: str, order: list[str]) -> None:
        self.let_go = asyncio.Event()
        self.task = asyncio.create_task(self._work(slots, name, order))

    async def _work(self, slots: Slots, name: str, order: list[str]) -> None:
        async with slots.take():
            order.append(name)
            await self.let_go.wait()


async def a_few_ticks() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_slot_is_taken_and_given_back(slots: Slots, metrics: Metrics) -> None:
    async with slots.take():
        assert slots.used == 1
        assert metrics.registry.get_sample_value("meme_generator_in_flight") == 1

    assert slots.used == 0
    assert metrics.registry.get_sample_value("meme_generator_in_flight") == 0


async def test_a_slot_is_given_back_when_the_work_fails(slots: Slots) -> None:
    with pytest.raises(ZeroDivisionError):
        async with slots.take():
            _ = 1 / 0
    with pytest.raises(ZeroDivisionError):
        async with slots.try_take():
            _ = 1 / 0

    assert slots.used == 0


async def test_never_more_than_the_limit_are_in_work(metrics: Metrics) -> None:
    slots, order = Slots(3, metrics.memes), list[str]()
    workers = [Worker(slots, str(n), order) for n in range(5)]
    await wait_until(lambda: len(order) == 3, "three to start")
    await a_few_ticks()

    assert (slots.used, len(order)) == (3, 3)

    for worker in workers:
        worker.let_go.set()
    await asyncio.gather(*(worker.task for worker in workers))

    assert (slots.used, len(order)) == (0, 5)


async def test_jetstream_waiters_are_served_in_the_order_they_came(slots: Slots) -> None:
    order: list[str] = []
    workers = []
    for name in "abcd":
        workers.append(Worker(slots, name, order))
        await a_few_ticks()
    for worker in workers:
        worker.let_go.set()
        await worker.task

    assert order == ["a", "b", "c", "d"]


async def test_a_newcomer_does_not_overtake_who_waits(slots: Slots) -> None:
    """The slot is free for a moment before the one it was freed for wakes up."""
    order: list[str] = []
    async with slots.take():
        waiting = Worker(slots, "first", order)
        await a_few_ticks()
    async with asyncio.timeout(5):
        waiting.let_go.set()
        async with slots.take():
            order.append("second")

    assert order == ["first", "second"]


async def test_two_freed_slots_serve_two_waiters(metrics: Metrics) -> None:
    slots, order = Slots(2, metrics.memes), list[str]()
    holders = [Worker(slots, name, order) for name in "ab"]
    await wait_until(lambda: len(order) == 2, "both slots taken")
    waiters = [Worker(slots, name, order) for name in "cd"]
    await a_few_ticks()
    for holder in holders:
        holder.let_go.set()
    await wait_until(lambda: len(order) == 4, "both waiters")

    assert order == ["a", "b", "c", "d"]

    for waiter in waiters:
        waiter.let_go.set()
        await waiter.task


async def test_a_waiter_that_gives_up_leaves_the_queue(slots: Slots) -> None:
    order: list[str] = []
    holder = Worker(slots, "holder", order)
    await a_few_ticks()
    impatient, patient = Worker(slots, "impatient", order), Worker(slots, "patient", order)
    await a_few_ticks()
    impatient.task.cancel()
    await asyncio.gather(impatient.task, return_exceptions=True)
    holder.let_go.set()
    patient.let_go.set()
    await asyncio.wait_for(patient.task, 5)

    assert (order, slots.used) == (["holder", "patient"], 0)


async def test_core_takes_a_free_slot(slots: Slots) -> None:
    async with slots.try_take() as has_slot:
        assert has_slot
        assert slots.used == 1


async def test_core_does_not_wait_for_a_slot(slots: Slots) -> None:
    async with slots.take(), slots.try_take() as has_slot:
        assert not has_slot
        assert slots.used == 1

    assert slots.used == 0


async def test_core_takes_nothing_while_jetstream_waits(slots: Slots) -> None:
    """Not even in the moment between a slot becoming free and its waiter waking up."""
    order: list[str] = []
    async with slots.take():
        waiting = Worker(slots, "jetstream", order)
        await a_few_ticks()
    async with slots.try_take() as has_slot:
        assert not has_slot

    waiting.let_go.set()
    await waiting.task


async def test_a_puller_learns_how_much_there_is_room_for(metrics: Metrics) -> None:
    slots = Slots(3, metrics.memes)

    assert await slots.free() == 3

    async with slots.take(), slots.take():
        assert await slots.free() == 1


async def test_a_puller_waits_for_room(slots: Slots) -> None:
    async with slots.take():
        asking = asyncio.create_task(slots.free())
        await a_few_ticks()
        assert not asking.done()

    assert await asyncio.wait_for(asking, 5) == 1
