"""Everything that is named exists: ports, volumes, ConfigMaps, Secrets, accounts, services.

Secrets that an operator makes are listed, so that a misspelt one is found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.chart.pods import Object, Pod, pods, title
from tests.chart.semantics.selectors import selected, served

# made by the operator, by `memebattle k8s secrets` or by cert-manager; the names of the values and presets
EXTERNAL = {
    ("ServiceAccount", "default"),
    ("ServiceAccount", "applications"),
    *(
        ("Secret", name)
        for name in (
            "meme-generator-secrets",
            "meme-generator-nats",
            "meme-generator-nats-tls",
            "nats-ca",
            "nats-users",
            "provider-tokens",
            "redis-address",
            "registry-login",
        )
    ),
}


def services_lead_to_ports(objects: Sequence[Object]) -> Iterator[str]:
    """`targetPort` is the name of a port that the pods behind have."""
    for service in _all(objects, "Service"):
        for pod in served(service, objects):
            for port in service["spec"]["ports"]:
                if port["targetPort"] not in _ports(pod):
                    yield f"{title(service)}: {pod.title} has no port {port['targetPort']}"


def routes_lead_to_services(objects: Sequence[Object]) -> Iterator[str]:
    """Each backend of an Ingress or HTTPRoute is a Service with that port."""
    ports = {
        (service["metadata"]["name"], value)
        for service in _all(objects, "Service")
        for port in service["spec"]["ports"]
        for value in (port.get("name"), port["port"])
    }
    for found in objects:
        for name, port in _backends(found):
            if (name, port) not in ports:
                yield f"{title(found)}: there is no Service {name} with port {port}"


def monitors_scrape_ports(objects: Sequence[Object]) -> Iterator[str]:
    """A PodMonitor finds each pod that stays at exactly one port, and the others at none."""
    for monitor in _all(objects, "PodMonitor"):
        endpoints = {each["port"] for each in monitor["spec"]["podMetricsEndpoints"]}
        found = {pod.title for pod in selected(monitor["spec"]["selector"], objects)}
        for pod in pods(objects):
            scraped = endpoints & _ports(pod).keys() if pod.title in found else set()
            if len(scraped) != (pod.owner["kind"] == "Deployment"):
                yield f"{title(monitor)} scrapes {pod.title} at {sorted(scraped) or 'nothing'}"


def configuration_exists(objects: Sequence[Object]) -> Iterator[str]:
    """ConfigMaps, Secrets and service accounts that pods name."""
    there = EXTERNAL | {(each["kind"], each["metadata"]["name"]) for each in objects}
    for pod in pods(objects):
        for kind, name, optional in _needed(pod):
            if (kind, name) not in there and not optional:
                yield f"{pod.title}: there is no {kind} {name}"


def keys_exist(objects: Sequence[Object]) -> Iterator[str]:
    """Keys of ConfigMaps that the chart makes."""
    maps = {each["metadata"]["name"]: each.get("data", {}) for each in _all(objects, "ConfigMap")}
    for pod in pods(objects):
        for volume in pod.spec.get("volumes", ()):
            source = volume.get("configMap", {})
            for item in source.get("items", ()):
                if item["key"] not in maps.get(source["name"], {}):
                    yield f"{pod.title}: ConfigMap {source['name']} has no key {item['key']}"


def volumes_are_mounted(objects: Sequence[Object]) -> Iterator[str]:
    """Each mount has its volume, each volume a mount, and no path is mounted twice."""
    for pod in pods(objects):
        volumes = {each["name"] for each in pod.spec.get("volumes", ())}
        mounts = [
            (container, mount) for container in pod.containers for mount in container.get("volumeMounts", ())
        ]
        named = {mount["name"] for _, mount in mounts}
        yield from (f"{pod.title}: there is no volume {name}" for name in sorted(named - volumes))
        yield from (f"{pod.title}: volume {name} is not mounted" for name in sorted(volumes - named))
        paths = Counter((container["name"], mount["mountPath"]) for container, mount in mounts)
        yield from (f"{pod.title}: {path} is mounted twice" for (_, path), n in paths.items() if n > 1)


def _all(objects: Sequence[Object], kind: str) -> Iterator[Object]:
    return (each for each in objects if each["kind"] == kind)


def _ports(pod: Pod) -> dict[str, int]:
    return {
        port["name"]: port["containerPort"]
        for container in pod.containers
        for port in container.get("ports", ())
        if "name" in port
    }


def _backends(found: Object) -> Iterator[tuple[str, str | int]]:
    if found["kind"] == "Ingress":
        for rule in found["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                yield service["name"], service["port"].get("name", service["port"].get("number"))
    elif found["kind"] == "HTTPRoute":
        for rule in found["spec"]["rules"]:
            yield from ((backend["name"], backend["port"]) for backend in rule["backendRefs"])


def _needed(pod: Pod) -> Iterator[tuple[str, str, bool]]:
    """Kind, name and whether the pod starts without it."""
    if account := pod.spec.get("serviceAccountName"):
        yield "ServiceAccount", account, False
    for each in pod.spec.get("imagePullSecrets", ()):
        yield "Secret", each["name"], False
    for volume in pod.spec.get("volumes", ()):
        yield from _sources_of(volume)
    for container in pod.containers:
        for source in container.get("envFrom", ()):
            yield from _references(source)
        for variable in container.get("env", ()):
            yield from _references(variable.get("valueFrom", {}))


def _sources_of(volume: Object) -> Iterator[tuple[str, str, bool]]:
    for source in (volume, *volume.get("projected", {}).get("sources", ())):
        if "configMap" in source:
            yield "ConfigMap", source["configMap"]["name"], source["configMap"].get("optional", False)
        if "secret" in source:
            secret = source["secret"]
            yield "Secret", secret.get("secretName") or secret["name"], secret.get("optional", False)


def _references(source: Object) -> Iterator[tuple[str, str, bool]]:
    for name, kind in (
        ("configMapRef", "ConfigMap"),
        ("configMapKeyRef", "ConfigMap"),
        ("secretRef", "Secret"),
        ("secretKeyRef", "Secret"),
    ):
        if name in source:
            yield kind, source[name]["name"], source[name].get("optional", False)


CHECKS = (
    services_lead_to_ports,
    routes_lead_to_services,
    monitors_scrape_ports,
    configuration_exists,
    keys_exist,
    volumes_are_mounted,
)
