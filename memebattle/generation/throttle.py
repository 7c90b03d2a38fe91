"""Adaptive throttling at the client: a provider that is down is asked less and less.

The client-side formula of the Google SRE book: over the last 30 seconds, with `requests` sent and `accepts`
of them taken by the provider, a new request is refused here with probability

    p = max(0, (requests - K * accepts) / (requests + 1))          K = 2

A healthy provider (accepts above half) never loses a request. One that is down gets a thinning trickle that
notices by itself when it is back: no states, no probe timer, nothing to reset. `requests` counts what was
sent and not what was refused here, so the trickle over n tries is about sqrt(2n): 300 tries send 25.

What the provider refused because of the request (bad parameters, a blocked prompt, a wrong token) counts as
accepted: the provider is up.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable

from memebattle.generation.ports import ProviderUnavailable

# a refused request comes back after this many seconds, spread so that the refused do not march in step
RETRY_AFTER = (1.0, 5.0)


class Throttle:
    """One per provider. `clock` is monotonic seconds, `rng` draws from [0, 1)."""

    def __init__(
        self,
        *,
        k: float = 2.0,
        window: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        rng: Callable[[], float] = random.random,
    ) -> None:
        self._k = k
        self._window = window
        self._clock = clock
        self._rng = rng
        self._sent: deque[tuple[float, bool]] = deque()
        self._accepts = 0

    def refusal_probability(self) -> float:
        """The formula above, over what the window still holds."""
        self._forget()
        requests = len(self._sent)
        return max(0.0, (requests - self._k * self._accepts) / (requests + 1))

    def admit(self) -> None:
        """Let one request pass, or not.

        Raises:
            ProviderUnavailable: refused here, nothing was sent; `retry_after` is set.
        """
        if self._rng() < self.refusal_probability():
            soonest, latest = RETRY_AFTER
            raise ProviderUnavailable(
                "the provider has been refusing calls; this one was not sent",
                retry_after=soonest + (latest - soonest) * self._rng(),
            )

    def record(self, *, accepted: bool) -> None:
        """Count one request that was sent and has ended."""
        self._sent.append((self._clock(), accepted))
        self._accepts += accepted

    def _forget(self) -> None:
        horizon = self._clock() - self._window
        while self._sent and self._sent[0][0] <= horizon:
            _, accepted = self._sent.popleft()
            self._accepts -= accepted
