"""Gathers what a source yields into batches, without making it wait for whoever takes them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Self

AHEAD = 4  # batches that are read before anybody takes them


class Stopped(Exception):
    """Somebody asked for no more."""


class Batches[T]:
    """Reads `source` ahead, in a task of its own, and hands it out in lists.

    A batch goes out `seconds` after its first item came, or when it has `limit` items; with 0 seconds each
    item goes out alone. What the source had yielded before it failed goes out before its error. Iterate once,
    inside `async with`: the source is closed at the end, however that comes about.
    """

    def __init__(
        self,
        source: AsyncGenerator[T],
        *,
        seconds: float,
        limit: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._source, self._seconds = source, seconds
        self._limit = limit if seconds else 1
        self._clock, self._sleep = clock, sleep
        self._items: deque[tuple[float, T]] = deque()  # with the time each came
        self._changed, self._room = asyncio.Event(), asyncio.Event()
        self._stopped = False
        self._error: Exception | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._reading = asyncio.create_task(self._read())
        self._reading.add_done_callback(lambda _: self._changed.set())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[T]:
        """The next batch.

        Raises:
            Stopped: `stop` was called.
            Exception: what the source has failed with.
        """
        while not (self._items or self._stopped or self._is_at_end):
            await self._change()
        if self._items and self._seconds:
            await self._gather(self._items[0][0] + self._seconds)
        if self._stopped:
            raise Stopped
        if self._items:
            batch = [self._items.popleft()[1] for _ in range(min(self._limit, len(self._items)))]
            self._room.set()
            return batch
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration

    def stop(self) -> None:
        """End with `Stopped` at once; what was gathered and not handed out is dropped."""
        self._stopped = True
        self._changed.set()

    async def _read(self) -> None:
        # closed in the task that iterates: that is where the provider's own scopes were entered
        async with contextlib.aclosing(self._source) as source:
            try:
                async for item in source:
                    self._items.append((self._clock(), item))
                    self._changed.set()
                    if len(self._items) >= AHEAD * self._limit:
                        self._room.clear()
                        await self._room.wait()
            except Exception as error:  # noqa: BLE001 - handed over to whoever iterates
                self._error = error

    async def _gather(self, until: float) -> None:
        """Wait for more: until the batch is full, or its time has come."""
        if self._is_complete() or (left := until - self._clock()) <= 0:
            return
        due = asyncio.ensure_future(self._sleep(left))
        due.add_done_callback(lambda _: self._changed.set())
        try:
            while not (self._is_complete() or due.done()):
                await self._change()
        finally:
            due.cancel()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _is_complete(self) -> bool:
        return len(self._items) >= self._limit or self._is_at_end or self._stopped

    @property
    def _is_at_end(self) -> bool:
        return self._reading is not None and self._reading.done()
