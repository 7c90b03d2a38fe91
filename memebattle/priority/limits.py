"""How much a gateway takes on: tasks per client and time, and requests at one time.

The rate is counted where all replicas see it; how many requests are in work is each gateway's own business.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol


class RateLimit(Protocol):
    """What became of a hit; times in seconds. `retry_after` None: it will never be let through."""

    @property
    def allowed(self) -> bool: ...

    @property
    def limit(self) -> int: ...

    @property
    def remaining(self) -> int: ...

    @property
    def reset(self) -> float: ...

    @property
    def retry_after(self) -> float | None: ...


class Limiter(Protocol):
    """Counts over a sliding window."""

    async def hit(self, who: str, cost: int = 1) -> RateLimit: ...


class RateLimited(Exception):
    """The client sent as many tasks as it may; `retry_after` is in whole seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooMany(Exception):
    """More tasks at once than can ever be let through."""


class Busy(Exception):
    """As many requests are in work as this gateway takes at one time; another one may have room."""


@dataclass(slots=True)
class Room:
    """So many places; who finds none is told at once."""

    places: int
    taken: int = 0

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Have a place for the time of the block.

        Raises:
            Busy: all are taken.
        """
        if self.taken >= self.places:
            raise Busy(f"{self.places} requests are in work; try again in a moment")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


@dataclass(slots=True)
class Admission:
    """Lets tasks in. Without a limiter there is no limit; `on_refused` is called for each refusal.

    Event streams last long and do little, so they have places of their own, as many as the others.
    """

    limiter: Limiter | None
    places: int
    on_refused: Callable[[], object] = lambda: None
    work: Room = field(init=False)
    streams: Room = field(init=False)

    def __post_init__(self) -> None:
        self.work, self.streams = Room(self.places), Room(self.places)

    async def hit(self, client: str, cost: int = 1) -> RateLimit | None:
        """Count `cost` tasks of this client; None without a limit. Give the outcome to `require`."""
        return await self.limiter.hit(client, cost) if self.limiter is not None and cost > 0 else None

    def require(self, limit: RateLimit | None, cost: int = 1) -> None:
        """Refuse what was not let through.

        Raises:
            RateLimited: come back later.
            TooMany: send fewer at once.
        """
        if limit is None or limit.allowed:
            return
        self.on_refused()
        if limit.retry_after is None:
            raise TooMany(f"{cost} tasks at once, and a client may send {limit.limit}: send fewer at once")
        seconds = max(1, math.ceil(limit.retry_after))
        raise RateLimited(f"a client may send {limit.limit} tasks; try again in {seconds} s", seconds)


def headers_of(limit: RateLimit) -> dict[str, str]:
    """How the client hears of its limit, in whole numbers."""
    return {
        "RateLimit-Limit": str(limit.limit),
        "RateLimit-Remaining": str(limit.remaining),
        "RateLimit-Reset": str(math.ceil(limit.reset)),
    }
