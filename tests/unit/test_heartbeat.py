"""Doing something every so often while something else runs."""

from __future__ import annotations

import asyncio

import pytest

from memebattle.kit.heartbeat import every
from tests.waiting import wait_until


class Beats:
    def __init__(self, *, fail: bool = False) -> None:
        self.count, self.fail = 0, fail

    async def __call__(self) -> None:
        self.count += 1
        if self.fail:
            raise ConnectionError("no pulse")


async def test_it_beats_until_the_work_ends() -> None:
    beats = Beats()
    async with every(0.001, beats):
        await wait_until(lambda: beats.count >= 3, "three beats")
    ended = beats.count
    for _ in range(20):
        await asyncio.sleep(0)

    assert beats.count == ended


async def test_short_work_needs_no_beat() -> None:
    beats = Beats()
    async with every(60, beats):
        pass

    assert beats.count == 0


async def test_a_failing_beat_does_not_fail_the_work() -> None:
    beats = Beats(fail=True)
    async with every(0.001, beats):
        await wait_until(lambda: beats.count == 1, "the beat")

    assert beats.count == 1


async def test_the_work_s_failure_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        async with every(0.001, Beats()):
            _ = 1 / 0


async def test_a_cancellation_at_the_very_end_is_not_swallowed() -> None:
    """The last beat takes its time to stop; who cancels us meanwhile must be heard."""
    beating, winding_down, may_stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow_to_stop() -> None:
        try:
            beating.set()
            await asyncio.Event().wait()
        finally:
            winding_down.set()
            await may_stop.wait()

    async def work() -> str:
        async with every(0.001, slow_to_stop):
            await beating.wait()
        return "went on"

    task = asyncio.create_task(work())
    await winding_down.wait()
    task.cancel()
    may_stop.set()

    with pytest.raises(asyncio.CancelledError):
        await task
