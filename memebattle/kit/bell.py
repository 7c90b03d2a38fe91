"""A bell for one who waits: what `asyncio.Event` is for many, at a tenth of its memory.

An event keeps a queue of waiters (some 800 bytes) and each wait with a timeout makes a context manager. That
counts where something exists in tens of thousands and does nothing but wait.
"""

from __future__ import annotations

import asyncio


class Bell:
    """Rung by anybody, heard by one task. It stays rung until it is hushed."""

    __slots__ = ("_is_rung", "_waiting")

    def __init__(self) -> None:
        self._is_rung = False
        self._waiting: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake whoever waits; if nobody does, whoever waits next."""
        self._is_rung = True
        if self._waiting is not None:
            _wake(self._waiting)

    def hush(self) -> None:
        """Forget the ringing so far. Do so before looking what it was for, or it may have been for more."""
        self._is_rung = False

    async def rung_within(self, seconds: float) -> bool:
        """Wait for the bell; False when it was not rung."""
        if not self._is_rung:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            alarm = loop.call_later(seconds, _wake, self._waiting)
            try:
                await self._waiting
            finally:
                alarm.cancel()
                self._waiting = None
        return self._is_rung


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
