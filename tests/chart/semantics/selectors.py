"""Who selects whom, as Kubernetes reads a label selector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.chart.pods import Object, Pod, pods


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector takes these labels; an empty one takes all."""
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    return wanted.items() <= labels.items() and all(
        _holds(each, labels) for each in selector.get("matchExpressions") or ()
    )


def selected(selector: Mapping[str, Any], objects: Sequence[Object]) -> list[Pod]:
    """The pods that a selector takes."""
    return [pod for pod in pods(objects) if matches(selector, pod.labels)]


def served(service: Object, objects: Sequence[Object]) -> list[Pod]:
    """The pods behind a Service; without a selector there are none."""
    labels = service["spec"].get("selector")
    return selected({"matchLabels": labels}, objects) if labels else []


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values", [])
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:
            return value is None
