"""KEDA's decisions, small enough to run beside a test.

What scales us is another project's operator, and it cannot run here. This is a double of the parts that look
at us, after KEDA 2.20.2:

    pkg/scalers/nats_jetstream_scaler.go             what is asked of NATS: see `scaler.py`
    pkg/scaling/executor/scale_scaledobjects.go      from none to one, and back after the cooldown
    pkg/fallback/fallback.go                         replicas while the backlog cannot be seen
    pkg/scaling/scale_handler.go                     a fallback counts as activity, so it also wakes

Between one and the most, KEDA feeds a HorizontalPodAutoscaler: see `hpa.py`. Where KEDA has two loops (its
own every `pollingInterval`, the autoscaler's every 15 seconds), `Autoscaler.decide` is one look of whichever
is in charge: KEDA's while nothing runs, both above that. `Autoscaler.pause` says when to look again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.chart.hpa import SYNC_PERIOD, Hpa
from tests.chart.scaler import Scaler, ScalerError, Trigger, fetching

__all__ = ["Autoscaler", "Scaler", "ScalerError", "Trigger", "fetching"]

NEVER = float("-inf")


class Autoscaler:
    """How many replicas a ScaledObject wants, look by look.

    Args:
        scaled_object: as rendered; what it leaves out has KEDA's defaults.
        clock: seconds. The ScaledObject counts as created when this is.
    """

    def __init__(self, scaled_object: dict[str, Any], clock: Callable[[], float]) -> None:
        spec, self._clock = scaled_object["spec"], clock
        self.trigger = Trigger.of(scaled_object)
        self.least: int = spec.get("minReplicaCount", 0)
        self.most: int = spec.get("maxReplicaCount", 100)
        self.polling_interval: float = spec.get("pollingInterval", 30)
        self._cooldown: float = spec.get("cooldownPeriod", 300)
        self._first_cooldown: float = spec.get("initialCooldownPeriod", 0)
        self._fallback: dict[str, Any] | None = spec.get("fallback")
        self._created, self._last_active, self._failures = clock(), NEVER, 0
        config = spec.get("advanced", {}).get("horizontalPodAutoscalerConfig", {})
        self._hpa = Hpa.of(
            config.get("behavior", {}),
            least=self.least,
            most=self.most,
            target=self.trigger.lag_threshold,
            clock=clock,
        )

    def pause(self, replicas: int) -> float:
        """Seconds until the next look of the loop that is in charge of this many replicas."""
        return SYNC_PERIOD if replicas else self.polling_interval

    def decide(self, lag: int | None, replicas: int) -> int:
        """How many there should be now; `lag` is None when the scaler failed."""
        value, is_active = self._seen(lag, replicas)
        if is_active:
            self._last_active = self._clock()
            if replicas == 0:
                return max(1, self.least)
        elif self._may_sleep(value, replicas):
            return 0
        if not is_active and value is not None and replicas < self.least:
            return self.least
        return replicas if value is None else self._hpa.decide(value, replicas)

    def _seen(self, lag: int | None, replicas: int) -> tuple[float | None, bool]:
        """The metric and whether it wakes anybody; after too many failures those of the fallback."""
        if lag is not None:
            self._failures = 0
            return lag, lag > self.trigger.activation_lag_threshold
        self._failures += 1
        if self._fallback is None or self._failures <= self._fallback["failureThreshold"]:
            return None, False
        return self.trigger.lag_threshold * _instead(self._fallback, replicas), True

    def _may_sleep(self, value: float | None, replicas: int) -> bool:
        if self.least > 0 or replicas == 0 or (value is None and not self._sleeps_unseen()):
            return False
        if self._last_active == NEVER:
            return self._clock() > self._created + self._first_cooldown
        return self._clock() > self._last_active + self._cooldown

    def _sleeps_unseen(self) -> bool:
        """A fallback to no replicas lets it go to none while nobody knows what waits."""
        return self._fallback is not None and self._fallback["replicas"] == 0


def _instead(fallback: dict[str, Any], replicas: int) -> int:
    count = int(fallback["replicas"])
    match fallback.get("behavior", "static"):
        case "currentReplicas":
            return replicas
        case "currentReplicasIfHigher":
            return max(count, replicas)
        case "currentReplicasIfLower":
            return min(count, replicas)
        case _:
            return count
