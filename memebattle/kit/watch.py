"""One client that follows something over an event stream, and can be told to end.

What is told is up to `events`, which looks while nobody is closing and waits for something to be heard with
`sound`: a stop of the process ends that wait at once.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack
from typing import Self

from memebattle.kit.sse import Event


class Watch(ABC):
    """A source of events. What `leaving` was given is done once, when the client has left."""

    def __init__(self) -> None:
        self.leaving = ExitStack()
        self.is_closing = False
        self._patience: asyncio.Timeout | None = None
        self._stream = self.events()

    @abstractmethod
    def events(self) -> AsyncGenerator[Event]:
        """Everything there is to tell, until `is_closing`."""

    def close(self) -> None:
        """End the events at the next opportunity."""
        self.is_closing = True
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(0)

    def __aiter__(self) -> Self:
        """Every event, until there is no more or the process stops."""
        return self

    async def __anext__(self) -> Event:
        return await anext(self._stream)

    async def aclose(self) -> None:
        """The client has left, or the stream has ended."""
        try:
            await self._stream.aclose()
        finally:
            self.leaving.close()

    async def sound(self, heard: Callable[[float], Awaitable[bool]], seconds: float) -> bool:
        """Wait until something is said, whether it was; not when this is closing."""
        if self.is_closing:
            return False
        try:
            async with asyncio.timeout(None) as self._patience:
                return await heard(max(0.0, seconds))
        except TimeoutError:
            return False
        finally:
            self._patience = None
