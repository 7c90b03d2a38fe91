"""From what Helm renders to manifests that `kubectl apply` takes by itself.

Helm installs in an order, runs hooks and tests, and notes in labels that it did. Without it:

- the Job that makes the streams is a plain Job. A Job cannot be changed, so its name ends in a digest of what
  it does: to apply the same again changes nothing, other streams make another Job. It goes in an hour;
- pods of `helm test` are a file of their own, if anybody wants them at all;
- ScaledObjects are a file of their own too: a cluster without KEDA refuses them, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memebattle.cli.k8s_yaml import Manifest, to_yaml

DEPLOYMENT, SCALING, TESTS = "deployment.yaml", "keda-scaledobject.yaml", "tests.yaml"
MEANINGS: Final = {
    DEPLOYMENT: "Everything that runs: configuration, roles, services, and the Job that makes the streams.",
    SCALING: "How replicas follow the backlog. The cluster needs KEDA 2.20 or newer.",
    TESTS: "What `helm test` would start: pods that look once and end.",
}
GENERATED = "# Rendered from the Helm chart by `memebattle k8s render`; change the values, not this file."
JOB_LIFETIME = 3600  # seconds a finished Job stays to be looked at
_FIRST = ("NetworkPolicy", "ServiceAccount", "Secret", "ConfigMap", "Service", "Job", "Deployment")
_WITHOUT_NAMESPACE = frozenset(
    {
        "Namespace", "PersistentVolume", "StorageClass", "PriorityClass", "IngressClass", "GatewayClass",
        "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition",
        "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration",
    }
)  # fmt: skip


def files_of(manifests: Iterable[Manifest], namespace: str) -> dict[str, list[Manifest]]:
    """The manifests of each file, in the order in which they are wanted; no file would be empty."""
    rendered = list(manifests)
    digest = _digest(rendered)
    found: dict[str, list[Manifest]] = {DEPLOYMENT: [], SCALING: [], TESTS: []}
    for manifest in rendered:
        found[_file_of(manifest)].append(_plain(manifest, namespace, digest))
    for each in found.values():
        each.sort(key=_rank)
    return {name: each for name, each in found.items() if each}


def write(directory: Path, files: Mapping[str, Sequence[Manifest]]) -> None:
    """Write these files, and remove those of an earlier run that no longer say anything."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in MEANINGS:
        path = directory / name
        if name in files:
            path.write_text(text_of(name, files[name]), encoding="utf-8", newline="\n")
        elif _is_ours(path):
            path.unlink()


def text_of(name: str, manifests: Sequence[Manifest]) -> str:
    """A file with its heading."""
    return f"{GENERATED}\n# {MEANINGS[name]}\n{to_yaml(manifests)}"


def counted(manifests: Iterable[Manifest]) -> dict[str, int]:
    """How many there are of each kind."""
    counts: dict[str, int] = {}
    for manifest in manifests:
        counts[manifest["kind"]] = counts.get(manifest["kind"], 0) + 1
    return counts


def images(manifests: Iterable[Manifest]) -> list[str]:
    """What the containers of Deployments run."""
    found = {
        container["image"]
        for manifest in manifests
        if manifest["kind"] == "Deployment"
        for container in manifest["spec"]["template"]["spec"]["containers"]
    }
    return sorted(found)


def _is_ours(path: Path) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8").startswith(GENERATED)


def _file_of(manifest: Manifest) -> str:
    if "test" in _hooks(manifest):
        return TESTS
    return SCALING if str(manifest["apiVersion"]).startswith("keda.sh/") else DEPLOYMENT


def _rank(manifest: Manifest) -> tuple[int, str, str]:
    kind = str(manifest["kind"])
    return _FIRST.index(kind) if kind in _FIRST else len(_FIRST), kind, manifest["metadata"]["name"]


def _hooks(manifest: Manifest) -> set[str]:
    annotations = manifest["metadata"].get("annotations") or {}
    return {word.strip() for word in str(annotations.get("helm.sh/hook", "")).split(",")} - {""}


def _plain(manifest: Manifest, namespace: str, digest: str) -> Manifest:
    plain: Manifest = _managed_by_hand(manifest)
    metadata = plain["metadata"] = _metadata(plain, namespace)
    if plain["kind"] == "Job" and _hooks(manifest):
        metadata["name"] = f"{metadata['name']}-{digest}"
        plain["spec"] = {"ttlSecondsAfterFinished": JOB_LIFETIME} | plain["spec"]
    return plain


def _metadata(manifest: Manifest, namespace: str) -> dict[str, Any]:
    """Name and namespace first, no word to Helm."""
    given = manifest["metadata"]
    kept = {
        name: value
        for name, value in (given.get("annotations") or {}).items()
        if not name.startswith("helm.sh/")
    }
    metadata = {"name": given["name"]}
    if manifest["kind"] not in _WITHOUT_NAMESPACE:
        metadata["namespace"] = given.get("namespace") or namespace
    metadata |= {name: value for name, value in given.items() if name not in metadata | {"annotations": 0}}
    return metadata | ({"annotations": kept} if kept else {})


def _managed_by_hand(value: Any) -> Any:
    """A copy in which no label says that Helm looks after this."""
    if isinstance(value, dict):
        return {
            key: "kubectl"
            if (key, each) == ("app.kubernetes.io/managed-by", "Helm")
            else _managed_by_hand(each)
            for key, each in value.items()
        }
    return [_managed_by_hand(each) for each in value] if isinstance(value, list) else value


def _digest(manifests: Iterable[Manifest]) -> str:
    """Eight digits that change with what a Job does: itself, and the configuration it reads."""
    read = [
        {"spec": manifest.get("spec"), "data": manifest.get("data")}
        for manifest in manifests
        if manifest["kind"] in {"Job", "ConfigMap"}
    ]
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()[:8]
