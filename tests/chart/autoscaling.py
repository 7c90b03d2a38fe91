"""KEDA at work: looks at the backlog through `keda.py`, and sets `spec.replicas` in the API server.

It looks every quarter of a second, where KEDA does so every few seconds: only the waiting is left out.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chart.hpa import TOLERANCE
from tests.chart.keda import Autoscaler, Scaler, ScalerError
from tests.chart.kubernetes import Key, Manifest, Store
from tests.chart.scaler import Fetch

INTERVAL = 0.25  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Look:
    """One look of KEDA.

    Args:
        at: seconds since the first.
        lag: messages waiting or in work; None when that could not be seen.
        load: the same in replicas, `lag / lagThreshold`.
        formula: replicas by the documented formula, which rounds the load up.
        before: replicas at that time.
        after: what was decided.
    """

    at: float
    lag: int | None
    load: float
    formula: int
    before: int
    after: int

    @property
    def follows(self) -> bool:
        """Whether the decision is the formula's, with the three exceptions that are documented.

        One wakes up first, whatever waits. The last one stays for the cooldown. And nothing changes while the
        load is within a tenth of what is there. What could not be seen cannot be followed.
        """
        if self.lag is None:
            return True
        if self.before == 0:
            return self.after == min(1, self.formula)
        if self.formula == 0:
            return self.after in {0, 1}
        is_close = abs(self.load / self.before - 1) <= TOLERANCE
        return self.after == (self.before if is_close else self.formula)


@dataclass(eq=False)
class Operator:
    """KEDA and the HorizontalPodAutoscaler that it feeds, for one ScaledObject."""

    store: Store
    scaled_object: Key
    fetch: Fetch
    on_look: Callable[[Look], object] = lambda _: None
    looks: list[Look] = field(default_factory=list)
    _read: Manifest = field(default_factory=dict)
    _first: float = 0

    async def run(self) -> None:
        """Look and scale until cancelled."""
        while True:
            self._notice_changes()
            await self._look()
            await asyncio.sleep(INTERVAL)

    def _notice_changes(self) -> None:
        """A changed ScaledObject is read anew."""
        found = self.store.get(self.scaled_object)
        if found["spec"] != self._read.get("spec"):
            self._autoscaler = Autoscaler(found, asyncio.get_running_loop().time)
            self._scaler = Scaler(self._autoscaler.trigger, self.fetch)
        self._read = found

    async def _look(self) -> None:
        lag = await self._lag()
        name = self._read["spec"]["scaleTargetRef"]["name"]
        target = Key.of("Deployment", name, self.scaled_object.namespace)
        before = self.store.get(target)["spec"]["replicas"]
        after = self._autoscaler.decide(lag, before)
        now = asyncio.get_running_loop().time()
        self._first = self._first or now
        self.store.scale(target, after)
        load = (lag or 0) / self._autoscaler.trigger.lag_threshold
        formula = min(max(math.ceil(load), self._autoscaler.least), self._autoscaler.most)
        self.looks.append(Look(now - self._first, lag, load, formula, before, after))
        self.on_look(self.looks[-1])

    async def _lag(self) -> int | None:
        try:
            return await self._scaler.lag()
        except ScalerError:
            return None
