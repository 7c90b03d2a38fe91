"""Who writes a status. A cluster has controllers for it; these do as if all work took no time.

`tests/chart/node.py` has those that start processes instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from tests.chart.kubernetes.store import Event, Key, Manifest, Store


class Controller(Protocol):
    """Hears of every change, and says through `set_status` what became of the object."""

    def changed(self, store: Store, event: Event) -> None: ...


def run_by(controller: Controller, store: Store) -> Callable[[], None]:
    """Let the controller work; returns what ends that."""
    return store.subscribe(lambda event: controller.changed(store, event))


class AtOnce:
    """Deployments are ready, Jobs complete and pods succeed as soon as they are there.

    Args:
        failing: names of Jobs and pods that fail instead.
    """

    def __init__(self, *failing: str) -> None:
        self._failing = failing

    def changed(self, store: Store, event: Event) -> None:
        statuses: dict[str, Callable[[Key, Manifest], Manifest]] = {
            "Deployment": lambda _, found: deployment_status(found, *[found["spec"]["replicas"]] * 3),
            "Job": lambda key, _: job_status(succeeded=key.name not in self._failing),
            "Pod": lambda key, _: pod_status(succeeded=key.name not in self._failing),
        }
        if event.change != "DELETED" and (status := statuses.get(event.key.resource.kind)):
            store.set_status(event.key, status(event.key, event.object))


def deployment_status(found: Manifest, replicas: int, updated: int, ready: int) -> Manifest:
    """`updated` of the replicas are of the current template, `ready` of those serve."""
    is_available = ready >= found["spec"]["replicas"]
    return {
        "observedGeneration": found["metadata"]["generation"],
        "replicas": replicas,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": max(0, replicas - ready),
        "conditions": [
            _condition("Available", "True" if is_available else "False"),
            _condition(
                "Progressing", "True", "NewReplicaSetAvailable" if is_available else "ReplicaSetUpdated"
            ),
        ],
    }


def job_status(*, succeeded: bool) -> Manifest:
    if succeeded:
        return {"succeeded": 1, "conditions": [_condition("Complete", "True")]}
    return {"failed": 1, "conditions": [_condition("Failed", "True", "BackoffLimitExceeded")]}


def pod_status(*, succeeded: bool) -> Manifest:
    return {"phase": "Succeeded" if succeeded else "Failed"}


def _condition(kind: str, status: str, reason: str = "") -> dict[str, Any]:
    return {"type": kind, "status": status, **({"reason": reason} if reason else {})}
