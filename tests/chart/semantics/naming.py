"""Names, labels and selectors: what Kubernetes accepts, and what finds exactly the pods that are meant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tests.chart.pods import Object, pods, title
from tests.chart.semantics.selectors import matches, selected, served

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
PORT_NAME = re.compile(r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")

# what becomes a host name, a label of its pods, or a part of one
SHORT = {"Service", "Deployment", "Job", "Pod", "HorizontalPodAutoscaler", "ScaledObject", "Namespace"}
COMMON = {f"app.kubernetes.io/{name}" for name in ("name", "instance", "version", "managed-by", "part-of")}


def names_are_dns_names(objects: Sequence[Object]) -> Iterator[str]:
    """Of objects, containers, volumes and ports."""
    for found in objects:
        name = found["metadata"]["name"]
        short = found["kind"] in SHORT
        if not (DNS_LABEL if short else DNS_NAME).fullmatch(name) or len(name) > (63 if short else 253):
            yield f"{title(found)} is no DNS name"
    for pod in pods(objects):
        for container in pod.containers:
            yield from _bad(pod.title, "container", DNS_LABEL, [container["name"]])
            ports = [port["name"] for port in container.get("ports", ()) if "name" in port]
            yield from _bad(pod.title, "port", PORT_NAME, ports)
        yield from _bad(
            pod.title, "volume", DNS_LABEL, [each["name"] for each in pod.spec.get("volumes", ())]
        )


def names_are_unique(objects: Sequence[Object]) -> Iterator[str]:
    """Two objects of one kind and name would be one, in the cluster."""
    found = Counter((title(each), each["metadata"].get("namespace")) for each in objects)
    for (name, _), count in found.items():
        if count > 1:
            yield f"{name} is there {count} times"


def labels_are_well_formed(objects: Sequence[Object]) -> Iterator[str]:
    """Keys and values of labels, keys of annotations; all values are texts."""
    for where, metadata in _metadata(objects):
        labels, annotations = metadata.get("labels", {}), metadata.get("annotations") or {}
        yield from (f"{where}: {key} is no key" for key in (*labels, *annotations) if not _is_key(key))
        for key, value in labels.items():
            if not isinstance(value, str) or not LABEL_VALUE.fullmatch(value):
                yield f"{where}: label {key} has the value {value!r}"
        for key, value in annotations.items():
            if not isinstance(value, str):
                yield f"{where}: annotation {key} has the value {value!r}"


def common_labels_are_there(objects: Sequence[Object]) -> Iterator[str]:
    """Kubernetes' recommended labels, on every object; the selected ones on every pod too."""
    for found in objects:
        if missing := COMMON - found["metadata"].get("labels", {}).keys():
            yield f"{title(found)} has no {', '.join(sorted(missing))}"
    for pod in pods(objects):
        if not pod.component:
            yield f"the pods of {pod.title} have no app.kubernetes.io/component"


def objects_stay_in_their_namespace(objects: Sequence[Object]) -> Iterator[str]:
    """The release decides where things go; only a dashboard may be looked for elsewhere."""
    for found in objects:
        if "namespace" in found["metadata"] and not found["metadata"]["name"].endswith("-dashboard"):
            namespace = found["metadata"]["namespace"]
            if namespace != "meme-generator":
                yield f"{title(found)} is in {namespace}"


def deployments_select_their_own_pods(objects: Sequence[Object]) -> Iterator[str]:
    """All of them and nobody else's; a selector can never be changed, so it says what stays."""
    for found in _all(objects, "Deployment"):
        selector = found["spec"]["selector"]
        if not matches(selector, found["spec"]["template"]["metadata"]["labels"]):
            yield f"{title(found)} does not select its own pods"
        for pod in selected(selector, objects):
            if pod.owner is not found:
                yield f"{title(found)} selects the pods of {pod.title}"
        if passing := selector.get("matchLabels", {}).keys() & {"helm.sh/chart", "app.kubernetes.io/version"}:
            yield f"{title(found)} selects by {', '.join(passing)}, which change"


def services_select_one_deployment(objects: Sequence[Object]) -> Iterator[str]:
    """A Service with the pods of a Job or a test behind it would answer for them."""
    for service in _all(objects, "Service"):
        owners = {pod.title for pod in served(service, objects)}
        if len(owners) != 1 or not all(owner.startswith("Deployment/") for owner in owners):
            yield f"{title(service)} selects {sorted(owners) or 'nothing'}"


def budgets_select_one_deployment(objects: Sequence[Object]) -> Iterator[str]:
    """Evictions are refused for a pod with two budgets."""
    taken: Counter[str] = Counter()
    for budget in _all(objects, "PodDisruptionBudget"):
        owners = {pod.title for pod in selected(budget["spec"]["selector"], objects)}
        taken.update(owners)
        if len(owners) != 1:
            yield f"{title(budget)} selects {sorted(owners) or 'nothing'}"
    yield from (f"{owner} has {count} budgets" for owner, count in taken.items() if count > 1)


def spread_counts_the_right_pods(objects: Sequence[Object]) -> Iterator[str]:
    """A constraint that does not count the pod itself spreads nothing."""
    for pod in pods(objects):
        for each in pod.spec.get("topologySpreadConstraints", ()):
            if not matches(each["labelSelector"], pod.labels):
                yield f"{pod.title} spreads by labels of others"


def _all(objects: Sequence[Object], kind: str) -> Iterator[Object]:
    return (each for each in objects if each["kind"] == kind)


def _metadata(objects: Sequence[Object]) -> Iterator[tuple[str, Object]]:
    for found in objects:
        yield title(found), found["metadata"]
    for pod in pods(objects):
        yield f"pod of {pod.title}", pod.metadata


def _is_key(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    named = LABEL_NAME.fullmatch(name) is not None
    return named and (not slash or (DNS_NAME.fullmatch(prefix) is not None and len(prefix) <= 253))


def _bad(where: str, what: str, pattern: re.Pattern[str], names: Sequence[str]) -> Iterator[str]:
    yield from (f"{where}: {what} {name} has a bad name" for name in names if not pattern.fullmatch(name))
    yield from (f"{where}: {what} {name} is there twice" for name, n in Counter(names).items() if n > 1)


CHECKS = (
    names_are_dns_names,
    names_are_unique,
    labels_are_well_formed,
    common_labels_are_there,
    objects_stay_in_their_namespace,
    deployments_select_their_own_pods,
    services_select_one_deployment,
    budgets_select_one_deployment,
    spread_counts_the_right_pods,
)
