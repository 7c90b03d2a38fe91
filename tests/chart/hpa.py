"""What a HorizontalPodAutoscaler does with one external metric, as a pure state machine.

KEDA only takes a Deployment from none to one and back; in between it feeds this. The rules and their order
are those of kubernetes/kubernetes, `pkg/controller/podautoscaler` and `pkg/apis/autoscaling/v2`:

    replica_calculator.go   ceil(value / target), unless the present is within a tenth
    horizontal.go           no change that a moment ago seemed too much, none faster than the policies
    defaults.go             what a behaviour does not say

It knows nothing of pods that are not ready: an external metric with an average does not look at them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

TOLERANCE = 0.1
SYNC_PERIOD = 15.0  # seconds between two looks
UP: dict[str, Any] = {
    "stabilizationWindowSeconds": 0,
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
DOWN: dict[str, Any] = {
    "stabilizationWindowSeconds": 300,
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}


@dataclass(frozen=True, slots=True)
class Rules:
    """One direction of a behaviour."""

    window: float  # seconds
    policies: tuple[tuple[str, int, float], ...]  # type, value, seconds
    select: str

    @classmethod
    def of(cls, given: dict[str, Any] | None, usual: dict[str, Any]) -> Self:
        rules = {**usual, **(given or {})}
        policies = tuple((each["type"], each["value"], each["periodSeconds"]) for each in rules["policies"])
        return cls(rules["stabilizationWindowSeconds"], policies, rules.get("selectPolicy", "Max"))


@dataclass(slots=True)
class Hpa:
    """One autoscaler between `least` (at least 1) and `most` replicas, `target` of the metric for each."""

    least: int
    most: int
    target: float
    up: Rules
    down: Rules
    clock: Callable[[], float]
    _thought: list[tuple[float, int]] = field(default_factory=list)  # when, replicas
    _changed: list[tuple[float, int]] = field(default_factory=list)  # when, by how many

    @classmethod
    def of(
        cls, behavior: dict[str, Any], *, least: int, most: int, target: float, clock: Callable[[], float]
    ) -> Self:
        """From the `behavior` of a HorizontalPodAutoscaler, which may leave out anything."""
        up, down = Rules.of(behavior.get("scaleUp"), UP), Rules.of(behavior.get("scaleDown"), DOWN)
        return cls(max(1, least), most, target, up, down, clock)

    def decide(self, value: float, replicas: int) -> int:
        """How many there should be; at zero it is switched off."""
        if replicas == 0:
            return 0
        desired = self._desired(value, replicas)
        if desired != replicas:
            self._changed.append((self.clock(), desired - replicas))
        return desired

    def _desired(self, value: float, replicas: int) -> int:
        if not self._thought:
            self._thought.append((self.clock(), replicas))
        if not self.least <= replicas <= self.most:
            return min(max(replicas, self.least), self.most)
        return self._limited(self._stabilized(self.wanted(value, replicas), replicas), replicas)

    def wanted(self, value: float, replicas: int) -> int:
        """What the metric alone asks for."""
        if 1 - TOLERANCE <= value / (self.target * replicas) <= 1 + TOLERANCE:
            return replicas
        return math.ceil(value / self.target)

    def _stabilized(self, wanted: int, replicas: int) -> int:
        now = self.clock()
        fewest = min([wanted, *(count for at, count in self._thought if at > now - self.up.window)])
        most = max([wanted, *(count for at, count in self._thought if at > now - self.down.window)])
        self._thought = [
            (at, count) for at, count in self._thought if at > now - max(self.up.window, self.down.window)
        ] + [(now, wanted)]
        return min(max(replicas, fewest), most)

    def _limited(self, desired: int, replicas: int) -> int:
        if desired > replicas:
            allowed = max(replicas, self._bound(self.up, replicas, 1))
            return min(desired, self.most, allowed)
        if desired < replicas:
            allowed = min(replicas, self._bound(self.down, replicas, -1))
            return max(desired, self.least, allowed)
        return desired

    def _bound(self, rules: Rules, replicas: int, direction: int) -> int:
        """As far as the policies let it go from what there was at the beginning of each one's period."""
        if rules.select == "Disabled":
            return replicas
        bounds = []
        for kind, value, period in rules.policies:
            at_first = replicas - sum(by for at, by in self._changed if at > self.clock() - period)
            if kind == "Pods":
                bounds.append(at_first + direction * value)
            else:
                share = at_first * (1 + direction * value / 100)
                bounds.append(math.ceil(share) if direction > 0 else int(share))
        farthest = (rules.select == "Max") == (direction > 0)
        return max(bounds) if farthest else min(bounds)
