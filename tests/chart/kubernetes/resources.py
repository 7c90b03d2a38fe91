"""Which kinds there are, and how an API server says so: discovery and a word of OpenAPI.

A kind that is not in this list does not exist here: Helm then refuses the chart with its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
VERSION: dict[str, Any] = {"major": "1", "minor": "34", "gitVersion": "v1.34.0"}


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind, and its place under the group version `api` ("v1", "apps/v1")."""

    api: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def root(self) -> str:
        """Where its group version lives, without slashes around it."""
        return root_of(self.api)


RESOURCES = (
    Resource("v1", "namespaces", "Namespace", namespaced=False),
    Resource("v1", "configmaps", "ConfigMap"),
    Resource("v1", "secrets", "Secret"),
    Resource("v1", "services", "Service"),
    Resource("v1", "serviceaccounts", "ServiceAccount"),
    Resource("v1", "pods", "Pod"),
    Resource("apps/v1", "deployments", "Deployment"),
    # Helm's watcher asks for the ReplicaSets and pods of a Deployment; here nobody makes ReplicaSets
    Resource("apps/v1", "replicasets", "ReplicaSet"),
    Resource("batch/v1", "jobs", "Job"),
    Resource("networking.k8s.io/v1", "ingresses", "Ingress"),
    Resource("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy"),
    Resource("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget"),
    Resource("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    Resource("gateway.networking.k8s.io/v1", "httproutes", "HTTPRoute"),
    Resource("keda.sh/v1alpha1", "scaledobjects", "ScaledObject"),
    Resource("monitoring.coreos.com/v1", "podmonitors", "PodMonitor"),
    Resource("monitoring.coreos.com/v1", "prometheusrules", "PrometheusRule"),
)
_BY_PLURAL = {(each.api, each.plural): each for each in RESOURCES}
_BY_KIND = {each.kind: each for each in RESOURCES}
_APIS = tuple(dict.fromkeys(each.api for each in RESOURCES))


def resource_at(api: str, plural: str) -> Resource | None:
    """The resource of a path, or None."""
    return _BY_PLURAL.get((api, plural))


def resource_of(kind: str) -> Resource:
    """The resource of a kind; each kind is known in one version only."""
    return _BY_KIND[kind]


def root_of(api: str) -> str:
    """`api/v1` for the oldest group, `apis/...` for every other."""
    return f"apis/{api}" if "/" in api else f"api/{api}"


def described(path: str) -> dict[str, Any] | None:
    """What discovery answers at this path (no slash at its ends), or None when it is none of discovery's."""
    return _DESCRIBED.get(path)


def _groups() -> Iterator[dict[str, Any]]:
    for api in _APIS:
        group, slash, version = api.partition("/")
        if slash:
            entry = {"groupVersion": api, "version": version}
            yield {"name": group, "versions": [entry], "preferredVersion": entry}


def _resource_list(api: str) -> dict[str, Any]:
    listed = [
        {
            "name": each.plural,
            "singularName": each.kind.lower(),
            "kind": each.kind,
            "namespaced": each.namespaced,
            "verbs": VERBS,
        }
        for each in RESOURCES
        if each.api == api
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api, "resources": listed}


def _openapi(api: str) -> dict[str, Any]:
    """All that Helm reads of it: a PATCH of this kind takes `fieldValidation`."""
    paths = {_path(each): {"patch": _patch(each)} for each in RESOURCES if each.api == api}
    info = {"title": "in memory", "version": VERSION["gitVersion"]}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}


def _path(resource: Resource) -> str:
    where = "/namespaces/{namespace}" if resource.namespaced else ""
    return f"/{resource.root}{where}/{resource.plural}/{{name}}"


def _patch(resource: Resource) -> dict[str, Any]:
    group, slash, version = resource.api.partition("/")
    if not slash:
        group, version = "", group
    return {
        "operationId": f"patch{resource.kind}",
        "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": resource.kind},
    }


_DESCRIBED: dict[str, dict[str, Any]] = {
    "version": VERSION,
    "api": {"kind": "APIVersions", "versions": ["v1"]},
    "apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": list(_groups())},
    "openapi/v3": {
        "paths": {root_of(api): {"serverRelativeURL": f"/openapi/v3/{root_of(api)}"} for api in _APIS}
    },
    **{root_of(api): _resource_list(api) for api in _APIS},
    **{f"openapi/v3/{root_of(api)}": _openapi(api) for api in _APIS},
}
