"""Bounded concurrency over both paths of one worker.

Unbounded pulls let one pod swallow the whole queue and make autoscaling useless. So a worker pulls from
JetStream only as much as it has free slots, and takes a Core copy only into a slot nobody on the JetStream
path waits for: the stream is the queue, Core never queues.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from memebattle.kit.metrics import Intake


class Slots:
    """`limit` requests in work at a time."""

    def __init__(self, limit: int, metrics: Intake) -> None:
        self.limit, self.metrics = limit, metrics
        self._used = 0
        self._queue: deque[object] = deque()
        self._freed = asyncio.Condition()

    @property
    def used(self) -> int:
        return self._used

    async def free(self) -> int:
        """How many slots are free; waits until there is at least one."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._used < self.limit)
            return self.limit - self._used

    @contextlib.asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Hold a slot, waiting for one: the JetStream path."""
        ticket = object()
        async with self._freed:
            self._queue.append(ticket)
            try:
                # first in the queue: a newcomer could else take the slot before its waiter wakes up
                await self._freed.wait_for(lambda: self._used < self.limit and self._queue[0] is ticket)
                self._hold()
            finally:
                self._queue.remove(ticket)
                self._freed.notify_all()
        try:
            yield
        finally:
            await self._release()

    @contextlib.asynccontextmanager
    async def try_take(self) -> AsyncIterator[bool]:
        """Hold a slot if one is free and nobody waits for it; yields whether: the Core path."""
        if self._used >= self.limit or self._queue:
            yield False
            return
        self._hold()
        try:
            yield True
        finally:
            await self._release()

    def _hold(self) -> None:
        self._used += 1
        self.metrics.in_flight.set(self._used)

    async def _release(self) -> None:
        self._used -= 1
        self.metrics.in_flight.set(self._used)
        async with self._freed:
            self._freed.notify_all()
