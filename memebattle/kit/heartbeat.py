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

    async def keep_beating() -> None:
        while True:
            await asyncio.sleep(seconds)
            await beat()

    task = asyncio.create_task(keep_beating())
    try:
        yield
    finally:
        task.cancel()
        # not `await task` with its errors suppressed: that would swallow a cancellation of our own
        await asyncio.gather(task, return_exceptions=True)
