"""Gathers what a source yields into batches, without making it wait for whoever takes them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator


class Stopped(Exception):
    """Somebody asked for no more."""


class Batches[T]:
    """Reads `source` ahead, in a task of its own, and hands it out in lists.

    A batch goes out `seconds` after its first item or when it has `limit` items; with 0 seconds each goes
    out alone. What the source had yielded before it failed goes out before its error. Iterate once, inside
    `async with`: the source is closed at the end, however that comes about.
    """

    def __init__(self, source: AsyncGenerator[T], *, seconds: float, limit: int) -> None:
        self._source, self._seconds = source, seconds
        self._limit = limit if seconds else 1
        self._items: deque[T] = deque()
        self._changed, self._room = asyncio.Event(), asyncio.Event()
        self._stopped = False
        self._error: BaseException | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> AsyncIterator[list[T]]:
        self._reading = asyncio.create_task(self._read())
        self._reading.add_done_callback(lambda _: self._changed.set())
        return self._batches()

    async def __aexit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def stop(self) -> None:
        """End with `Stopped` at once; what was gathered and not handed out is dropped."""
        self._stopped = True
        self._changed.set()

    async def _read(self) -> None:
        async with contextlib.aclosing(self._source) as source:
            try:
                async for item in source:
                    self._items.append(item)
                    self._changed.set()
                    if len(self._items) >= 4 * self._limit:  # read ahead, but not for ever
                        self._room.clear()
                        await self._room.wait()
            except Exception as error:  # noqa: BLE001 - handed over to whoever iterates
                self._error = error

    async def _batches(self) -> AsyncIterator[list[T]]:
        while await self._something():
            if self._seconds and not self._is_full:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._seconds):
                        await self._until_full()
            if self._stopped:
                raise Stopped
            yield [self._items.popleft() for _ in range(min(self._limit, len(self._items)))]
            self._room.set()
        if self._error is not None:
            raise self._error

    async def _something(self) -> bool:
        """Wait for an item; False at the end of the source."""
        while not self._items:
            if self._stopped:
                raise Stopped
            if self._is_at_end:
                return False
            await self._next_change()
        return True

    async def _until_full(self) -> None:
        while not (self._is_full or self._is_at_end or self._stopped):
            await self._next_change()

    async def _next_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    @property
    def _is_full(self) -> bool:
        return len(self._items) >= self._limit

    @property
    def _is_at_end(self) -> bool:
        return self._reading is not None and self._reading.done()
