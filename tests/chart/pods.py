"""Pods inside of other objects: what runs, with which environment, and what it needs of the rest.

`environment` resolves variables as the kubelet does: sources in their order, then the variables themselves,
the later ones winning. What only a cluster knows stays a marker: `SecretKey` or `FieldPath`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

type Object = dict[str, Any]
type Value = str | SecretKey | FieldPath

COMPONENT = "app.kubernetes.io/component"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A value that comes from a Secret."""

    secret: str
    key: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A value that the kubelet reads from the pod itself."""

    path: str


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod or the template of one, and the object that it stands in."""

    owner: Object
    metadata: Object
    spec: Object

    @property
    def title(self) -> str:
        """`Deployment/meme-generator`."""
        return title(self.owner)

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        labels: dict[str, str] = self.metadata.get("labels", {})
        return labels

    @property
    def component(self) -> str:
        """Which part of the application it is."""
        return self.labels.get(COMPONENT, "")

    @property
    def containers(self) -> list[Object]:
        """Every container, those before the start included."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


def title(found: Object) -> str:
    """An object in messages: `Service/meme-generator-gateway`."""
    return f"{found['kind']}/{found['metadata']['name']}"


def pods(objects: Iterable[Object]) -> Iterator[Pod]:
    """Every pod that these objects would start."""
    for found in objects:
        if found["kind"] == "Pod":
            yield Pod(found, found["metadata"], found["spec"])
        elif found["kind"] in {"Deployment", "Job"}:
            template = found["spec"]["template"]
            yield Pod(found, template.get("metadata", {}), template["spec"])


def environment(pod: Pod, container: int, objects: Sequence[Object]) -> dict[str, Value]:
    """What this container of the pod sees; a source that is not among the objects adds nothing."""
    described = pod.spec["containers"][container]
    found: dict[str, Value] = {}
    for source in described.get("envFrom", []):
        found |= _source(source, objects)
    return found | {each["name"]: _value(each) for each in described.get("env", [])}


def _source(source: Object, objects: Sequence[Object]) -> Mapping[str, Value]:
    prefix = source.get("prefix", "")
    kind, reference = (
        ("ConfigMap", source["configMapRef"]) if "configMapRef" in source else ("Secret", source["secretRef"])
    )
    for found in objects:
        if found["kind"] == kind and found["metadata"]["name"] == reference["name"]:
            return {prefix + key: value for key, value in (found.get("data") or {}).items()}
    return {}


def _value(variable: Object) -> Value:
    if "value" in variable:
        return str(variable["value"])
    source = variable["valueFrom"]
    if "secretKeyRef" in source:
        reference = source["secretKeyRef"]
        return SecretKey(reference["name"], reference["key"], reference.get("optional", False))
    return FieldPath(source["fieldRef"]["fieldPath"])
