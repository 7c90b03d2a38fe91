"""How containers run and end: environment, resources, ports, probes, and the time they get to finish."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from memebattle.bootstrap.battle_house import BUDGET as BATTLE_BUDGET
from memebattle.settings import Settings
from tests.chart.pods import Object, Pod, environment, pods, title

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti|)")
FACTORS = {
    "": Decimal(1), "m": Decimal("0.001"),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
}  # fmt: skip
PROBES = {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
# a cold node pulls nothing while it probes, but a busy one may take its time to start Python
SLOWEST_START = 30


def variables_are_well_formed(objects: Sequence[Object]) -> Iterator[str]:
    """Named once, as a shell would, with a text or a source and never both."""
    for where, container in _containers(objects):
        variables = container.get("env", ())
        counted = Counter(each["name"] for each in variables)
        yield from (f"{where}: {name} is set twice" for name, n in counted.items() if n > 1)
        yield from (f"{where}: {name} is no name" for name in counted if not VARIABLE.fullmatch(name))
        for each in variables:
            if ("value" in each) == ("valueFrom" in each):
                yield f"{where}: {each['name']} needs a value or a source"
            if not isinstance(each.get("value", ""), str):
                yield f"{where}: {each['name']} is {each['value']!r}, no text"


def configuration_is_text(objects: Sequence[Object]) -> Iterator[str]:
    """`data` holds texts; Kubernetes refuses the numbers and booleans that YAML likes to read."""
    for found in objects:
        if found["kind"] in {"ConfigMap", "Secret"}:
            data = {**(found.get("data") or {}), **(found.get("stringData") or {})}
            yield from (
                f"{title(found)}: {key} is {value!r}, no text"
                for key, value in data.items()
                if not isinstance(value, str)
            )


def resources_are_stated(objects: Sequence[Object]) -> Iterator[str]:
    """Requests of both kinds and a memory limit that is not smaller; a CPU limit would only throttle."""
    for where, container in _containers(objects):
        resources = container.get("resources") or {}
        requests, limits = resources.get("requests", {}), resources.get("limits", {})
        amounts = [*requests.values(), *limits.values()]
        if strange := [each for each in amounts if _amount(each) is None]:
            yield f"{where}: {strange} are no quantities"
            continue
        yield from (f"{where} requests no {name}" for name in ("cpu", "memory") if name not in requests)
        if "memory" not in limits:
            yield f"{where} has no memory limit"
        for name, limit in limits.items():
            if (_amount(requests.get(name, "0")) or 0) > (_amount(limit) or 0):
                yield f"{where} requests more {name} than its limit"


def ports_say_everything(objects: Sequence[Object]) -> Iterator[str]:
    """A number from 1 to 65535, and the protocol: without it, server-side apply cannot merge lists."""
    for where, port, number in _all_ports(objects):
        if "protocol" not in port:
            yield f"{where}: port {port.get('name', port)} has no protocol"
        elif port["protocol"] not in {"TCP", "UDP"}:
            yield f"{where}: protocol {port['protocol']}"
        if isinstance(number, int) and not 1 <= number <= 65535:
            yield f"{where}: {number} is no port"
        if "hostPort" in port:
            yield f"{where}: port of the node"


def probes_ask_ports(objects: Sequence[Object]) -> Iterator[str]:
    """Every container that stays has its three probes, over HTTP, at a port of its own."""
    for pod in pods(objects):
        if pod.owner["kind"] != "Deployment":
            continue
        for container in pod.spec["containers"]:
            ports = {port["name"] for port in container.get("ports", ())}
            for name, path in PROBES.items():
                probe = container.get(name, {}).get("httpGet")
                if probe is None:
                    yield f"{pod.title} has no {name} over HTTP"
                elif probe["port"] not in ports or probe["path"] != path:
                    yield f"{pod.title}: {name} asks {probe['port']}{probe['path']}"


def a_start_may_take_a_while(objects: Sequence[Object]) -> Iterator[str]:
    """Looked at each second, because every start from zero waits for it, and for long enough."""
    for where, container in _containers(objects):
        if (probe := container.get("startupProbe")) is not None:
            period, failures = probe.get("periodSeconds", 10), probe.get("failureThreshold", 3)
            if period != 1 or period * failures < SLOWEST_START:
                yield f"{where}: looked at every {period} s, given up after {period * failures} s"


def there_is_time_to_finish(objects: Sequence[Object]) -> Iterator[str]:
    """Kubernetes waits longer than we take, and we take longer than the longest thing we wait for."""
    for pod in pods(objects):
        if pod.owner["kind"] == "Deployment":
            yield from _in_time(pod, objects)


def images_are_pinned(objects: Sequence[Object]) -> Iterator[str]:
    """By a tag that is not `latest`, or by a digest."""
    for where, container in _containers(objects):
        image = container["image"]
        name, digested, digest = image.partition("@")
        tag = name.rpartition("/")[2].partition(":")[2]
        if not (re.fullmatch(r"sha256:[0-9a-f]{64}", digest) if digested else tag not in {"", "latest"}):
            yield f"{where}: image {image}"


def _in_time(pod: Pod, objects: Sequence[Object]) -> Iterator[str]:
    variables = environment(pod, 0, objects)
    settings = Settings.from_env({name: value for name, value in variables.items() if isinstance(value, str)})
    kubernetes, ours = pod.spec.get("terminationGracePeriodSeconds", 30), settings.delivery.shutdown_grace
    if kubernetes <= ours + _pre_stop(pod):
        yield f"{pod.title}: killed after {kubernetes} s, needs {ours:g} s and {_pre_stop(pod)} s before"
    longest = {
        "worker": settings.generation.hf_timeout,
        "workflow": settings.chat.send_timeout,
        "priority": max(settings.priority.ai_budget, settings.priority.sync_timeout),
        "battle": BATTLE_BUDGET,
        "gateway": settings.chat.send_timeout,
    }[pod.component]
    if ours <= longest:
        yield f"{pod.title}: {ours:g} s to finish what may take {longest:g} s"


def _pre_stop(pod: Pod) -> int:
    """Seconds that the hook before SIGTERM sleeps."""
    hook = pod.spec["containers"][0].get("lifecycle", {}).get("preStop", {})
    found = re.search(r"sleep\((\d+)\)", " ".join(hook.get("exec", {}).get("command", ())))
    return int(found[1]) if found else 0


def _amount(quantity: object) -> Decimal | None:
    found = QUANTITY.fullmatch(str(quantity))
    return Decimal(found[1]) * FACTORS[found[2]] if found else None


def _containers(objects: Sequence[Object]) -> Iterator[tuple[str, Object]]:
    for pod in pods(objects):
        for container in pod.containers:
            yield f"{pod.title} {container['name']}", container


def _all_ports(objects: Sequence[Object]) -> Iterator[tuple[str, Object, object]]:
    for where, container in _containers(objects):
        yield from ((where, port, port["containerPort"]) for port in container.get("ports", ()))
    for found in objects:
        if found["kind"] == "Service":
            yield from ((title(found), port, port["port"]) for port in found["spec"]["ports"])
        if found["kind"] == "NetworkPolicy":
            rules = [*(found["spec"].get("ingress") or ()), *(found["spec"].get("egress") or ())]
            yield from (
                (title(found), port, port.get("port")) for rule in rules for port in rule.get("ports", ())
            )


CHECKS = (
    variables_are_well_formed,
    configuration_is_text,
    resources_are_stated,
    ports_say_everything,
    probes_ask_ports,
    a_start_may_take_a_while,
    there_is_time_to_finish,
    images_are_pinned,
)
