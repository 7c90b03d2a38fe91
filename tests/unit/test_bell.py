"""A bell for one who waits: rung before, meanwhile, or not at all."""

from __future__ import annotations

import asyncio

from memebattle.kit.bell import Bell

LONG = 60.0  # seconds


async def test_who_waits_is_woken() -> None:
    bell = Bell()
    waiting = asyncio.create_task(bell.rung_within(LONG))
    await asyncio.sleep(0)

    bell.ring()
    bell.ring()

    assert await waiting is True


async def test_who_comes_after_the_ringing_does_not_wait() -> None:
    """Nor does the next one: it stays rung."""
    bell = Bell()
    bell.ring()

    assert await bell.rung_within(LONG) is True
    assert await bell.rung_within(LONG) is True


async def test_a_bell_that_nobody_rings() -> None:
    assert await Bell().rung_within(0.001) is False


async def test_a_bell_that_was_hushed_has_not_rung() -> None:
    bell = Bell()
    bell.ring()
    bell.hush()

    assert await bell.rung_within(0.001) is False


async def test_no_alarm_is_left_behind() -> None:
    """A connection waits ten seconds for each token; a thousand tokens would leave a thousand timers."""
    bell, loop = Bell(), asyncio.get_running_loop()
    for _ in range(3):
        bell.hush()
        waiting = asyncio.create_task(bell.rung_within(LONG))
        await asyncio.sleep(0)
        bell.ring()
        await waiting

    assert [timer for timer in loop._scheduled if not timer.cancelled()] == []  # type: ignore[attr-defined]


async def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    """And the bell can be rung afterwards."""
    bell = Bell()
    waiting = asyncio.create_task(bell.rung_within(LONG))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    bell.ring()

    assert bell._waiting is None
    assert await bell.rung_within(LONG) is True
