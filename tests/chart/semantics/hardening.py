"""Kubernetes' "restricted" profile on every pod, hooks and tests included, and a little beyond it.

Beyond: the root file system is read-only, no token of the Kubernetes API is mounted, and no links to other
services are poured into the environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.chart.pods import Object, Pod, pods

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def pods_are_restricted(objects: Sequence[Object]) -> Iterator[str]:
    """The profile's rules about the pod as a whole."""
    for pod in pods(objects):
        yield from (
            f"{pod.title} uses {name}" for name in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(name)
        )
        for volume in pod.spec.get("volumes", ()):
            if strange := volume.keys() - VOLUMES - {"name"}:
                yield f"{pod.title} has a volume of {', '.join(strange)}"
        if sysctls := pod.spec.get("securityContext", {}).get("sysctls"):
            yield f"{pod.title} sets {sysctls}"


def containers_are_restricted(objects: Sequence[Object]) -> Iterator[str]:
    """The profile's rules about each container, where it may inherit from its pod."""
    for pod in pods(objects):
        for container in pod.containers:
            where, security = f"{pod.title} {container['name']}", _security(pod, container)
            yield from (f"{where} {fault}" for fault in _faults(security))


def root_file_systems_are_read_only(objects: Sequence[Object]) -> Iterator[str]:
    """Every container has its own /tmp to write to, and nothing else."""
    for pod in pods(objects):
        for container in pod.containers:
            if container.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
                yield f"{pod.title} {container['name']} can write to its image"
            if "/tmp" not in {mount["mountPath"] for mount in container.get("volumeMounts", ())}:
                yield f"{pod.title} {container['name']} has no /tmp, where HOME is"


def no_token_is_mounted(objects: Sequence[Object]) -> Iterator[str]:
    """Nobody here talks to the Kubernetes API; pods say so, because the account may be somebody else's."""
    for pod in pods(objects):
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.title} mounts a token"
    for found in objects:
        if found["kind"] == "ServiceAccount" and found.get("automountServiceAccountToken") is not False:
            yield f"ServiceAccount/{found['metadata']['name']} offers a token"


def no_links_in_the_environment(objects: Sequence[Object]) -> Iterator[str]:
    """A Service called `redis` in our namespace would set REDIS_PORT, which is a variable of ours."""
    for pod in pods(objects):
        if pod.spec.get("enableServiceLinks") is not False:
            yield f"{pod.title} gets variables of services"


def _security(pod: Pod, container: Object) -> Object:
    inherited = {
        key: value
        for key, value in pod.spec.get("securityContext", {}).items()
        if key in {"runAsNonRoot", "runAsUser", "seccompProfile"}
    }
    own: Object = container.get("securityContext", {})
    return inherited | own


def _faults(security: Object) -> Iterator[str]:
    capabilities = security.get("capabilities", {})
    if security.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    if "ALL" not in capabilities.get("drop", ()):
        yield "keeps capabilities"
    if set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield "adds capabilities"
    if security.get("runAsNonRoot") is not True or security.get("runAsUser") == 0:
        yield "may run as root"
    if security.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
        yield "has no seccomp profile"
    if security.get("privileged") or security.get("procMount", "Default") != "Default":
        yield "is privileged"


CHECKS = (
    pods_are_restricted,
    containers_are_restricted,
    root_file_systems_are_read_only,
    no_token_is_mounted,
    no_links_in_the_environment,
)
