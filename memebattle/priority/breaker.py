"""A circuit breaker: who has failed five times in a row is left alone for half a minute.

    closed       everybody passes; the fifth failure in a row opens it
    open         nobody passes, for 30 seconds
    half open    one may pass, the probe: its success closes the breaker, its failure opens it anew

A provider has a throttle of its own (`generation/throttle.py`), which keeps a trickle of calls going for the
provider's sake. That is not enough here: every call of the trickle would cost a task its whole budget of
seconds, only to hear nothing.

What a call says that began before the breaker opened changes nothing any more: only the probe counts then.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Literal

type BreakerState = Literal["closed", "open", "half_open"]


class BreakerOpen(Exception):
    """Nothing was tried."""


class Breaker:
    """One per provider.

    Args:
        counts: whether an error is a failure of the provider; others say nothing about it.
        limit: failures in a row that open it.
        pause: seconds it stays open.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        counts: Callable[[Exception], bool],
        *,
        limit: int = 5,
        pause: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counts, self._limit, self._pause, self._clock = counts, limit, pause, clock
        self._failures = 0
        self._opened_at: float | None = None
        self._is_probing = False

    @property
    def state(self) -> BreakerState:
        if self._opened_at is None:
            return "closed"
        return "open" if self._clock() < self._opened_at + self._pause else "half_open"

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """One call to the provider. A probe that is cancelled makes way for the next one.

        Raises:
            BreakerOpen: the call must not be made.
        """
        is_probe = self._admit()
        try:
            yield
        except Exception as error:
            if self._counts(error):
                self._failed(is_probe=is_probe)
            raise
        else:
            self._succeeded(is_probe=is_probe)
        finally:
            if is_probe:
                self._is_probing = False

    def _admit(self) -> bool:
        """Let a call pass, and say whether it is the probe."""
        state = self.state
        if state == "open" or (state == "half_open" and self._is_probing):
            raise BreakerOpen
        self._is_probing = state == "half_open"
        return self._is_probing

    def _failed(self, *, is_probe: bool) -> None:
        self._failures += 1
        if is_probe or (self.state == "closed" and self._failures >= self._limit):
            self._opened_at = self._clock()

    def _succeeded(self, *, is_probe: bool) -> None:
        if is_probe or self.state == "closed":
            self._failures, self._opened_at = 0, None
