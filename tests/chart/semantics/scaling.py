"""Who decides how many: KEDA, a HorizontalPodAutoscaler or the values, and never two of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.chart.pods import Object, pods, title

SCALERS = {"ScaledObject", "HorizontalPodAutoscaler"}


def scalers_have_their_target(objects: Sequence[Object]) -> Iterator[str]:
    """A Deployment that is there, in words that Kubernetes' garbage collector and KEDA understand."""
    deployments = {each["metadata"]["name"] for each in objects if each["kind"] == "Deployment"}
    for scaler in _scalers(objects):
        target = scaler["spec"]["scaleTargetRef"]
        if (target.get("apiVersion"), target.get("kind")) != ("apps/v1", "Deployment"):
            yield f"{title(scaler)} scales {target.get('apiVersion')} {target.get('kind')}"
        if target["name"] not in deployments:
            yield f"{title(scaler)}: there is no Deployment {target['name']}"


def nobody_is_scaled_twice(objects: Sequence[Object]) -> Iterator[str]:
    """KEDA makes a HorizontalPodAutoscaler itself; a second one would fight it."""
    targets = Counter(scaler["spec"]["scaleTargetRef"]["name"] for scaler in _scalers(objects))
    yield from (f"Deployment/{name} has {count} scalers" for name, count in targets.items() if count > 1)


def replicas_belong_to_one(objects: Sequence[Object]) -> Iterator[str]:
    """`spec.replicas` beside a scaler undoes its work on each upgrade; without one it must be said."""
    scaled = {scaler["spec"]["scaleTargetRef"]["name"] for scaler in _scalers(objects)}
    for found in objects:
        is_scaled = found["metadata"]["name"] in scaled
        if found["kind"] == "Deployment" and ("replicas" in found["spec"]) == is_scaled:
            who = "beside a scaler" if is_scaled else "and no scaler"
            yield f"{title(found)}: replicas {found['spec'].get('replicas')} {who}"


def bounds_are_in_order(objects: Sequence[Object]) -> Iterator[str]:
    """Fewest before most, and only KEDA goes to zero."""
    for scaler in _scalers(objects):
        spec = scaler["spec"]
        low, high = (
            (spec["minReplicaCount"], spec["maxReplicaCount"])
            if scaler["kind"] == "ScaledObject"
            else (spec["minReplicas"], spec["maxReplicas"])
        )
        if low > high:
            yield f"{title(scaler)}: from {low} to {high}"
        if low < (0 if scaler["kind"] == "ScaledObject" else 1):
            yield f"{title(scaler)}: {low} replicas"


def the_fallback_fits(objects: Sequence[Object]) -> Iterator[str]:
    """Within the bounds, never fewer than there are; it works with `AverageValue` only."""
    for scaler in _scalers(objects):
        if scaler["kind"] == "ScaledObject":
            spec = scaler["spec"]
            fallback = spec["fallback"]
            if fallback["replicas"] > spec["maxReplicaCount"]:
                yield f"{title(scaler)} falls back to {fallback['replicas']} of {spec['maxReplicaCount']}"
            if fallback.get("behavior") != "currentReplicasIfHigher":
                yield f"{title(scaler)} may scale in while it sees nothing"


def utilisation_has_something_to_divide_by(objects: Sequence[Object]) -> Iterator[str]:
    """Percent of the request: without one there is no figure."""
    requests = {
        pod.owner["metadata"]["name"]: [
            container.get("resources", {}).get("requests", {}) for container in pod.containers
        ]
        for pod in pods(objects)
    }
    for scaler in _scalers(objects):
        for metric in scaler["spec"].get("metrics", ()):
            resource, target = metric["resource"]["name"], scaler["spec"]["scaleTargetRef"]["name"]
            if not all(resource in each for each in requests.get(target, ())):
                yield f"{title(scaler)}: Deployment/{target} requests no {resource}"


def budgets_leave_room(objects: Sequence[Object]) -> Iterator[str]:
    """A budget that allows no eviction blocks every drain of a node."""
    for found in objects:
        if found["kind"] == "PodDisruptionBudget":
            spec = found["spec"]
            if str(spec.get("maxUnavailable", "0")) in {"0", "0%"} or "minAvailable" in spec:
                yield f"{title(found)} allows {spec.get('maxUnavailable')}"


def _scalers(objects: Sequence[Object]) -> Iterator[Object]:
    return (each for each in objects if each["kind"] in SCALERS)


CHECKS = (
    scalers_have_their_target,
    nobody_is_scaled_twice,
    replicas_belong_to_one,
    bounds_are_in_order,
    the_fallback_fits,
    utilisation_has_something_to_divide_by,
    budgets_leave_room,
)
