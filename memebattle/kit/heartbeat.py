"""Do something every so often while something else runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable


@contextlib.asynccontextmanager
async def every(seconds: float, beat: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Call `beat` every `seconds` until the block ends; the first time after one interval.

    A beat that raises ends the beating, not the work: leases then run out, which the protocols allow for.
    """
    beating: asyncio.Task[None] | None = None

    async def keep_beating() -> None:
        while True:
            await beat()
            await asyncio.sleep(seconds)

    def begin() -> None:
        nonlocal beating
        beating = asyncio.create_task(keep_beating())

    # most blocks end before their first beat: a timer costs them a tenth of a task
    timer = asyncio.get_running_loop().call_later(seconds, begin)
    try:
        yield
    finally:
        timer.cancel()
        if beating is not None:
            beating.cancel()
            # not `await beating` with its errors suppressed: that would swallow a cancellation of our own
            await asyncio.gather(beating, return_exceptions=True)
