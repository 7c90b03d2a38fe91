"""What network policies let through: all that a pod's environment speaks of, and nothing more.

Connections are compared as lines, e.g. `egress messaging TCP/4222`. What a pod needs follows from the
addresses in its environment, so an address without a rule is found, and a rule without an address too. A
rendering without policies is fine: then the cluster decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from tests.chart.pods import COMPONENT, Object, Pod, SecretKey, environment, pods, title
from tests.chart.semantics.selectors import matches

# namespaces as the values name them by default
INGRESS, MONITORING, REDIS = "ingress-nginx", "monitoring", "cache"
DEFAULT_PORTS = {"nats": 4222, "tls": 4222, "redis": 6379, "rediss": 6379, "http": 80, "https": 443}
ADDRESSES = ("NATS_URL", "REDIS_URL", "OTEL_EXPORTER_OTLP_ENDPOINT", "GATEWAY_URL")
# all see all addresses, in the shared ConfigMap; these use some of them only
USED = {
    "streams": {"NATS_URL"},
    "battle": {"NATS_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"},
    "test": {"NATS_URL", "REDIS_URL", "GATEWAY_URL"},
}
PROVIDERS = {"HF_API_TOKEN", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "CHAT_CUSTOM_KEY"}
INTERNET = {"egress 0.0.0.0/0 TCP/443", "egress ::/0 TCP/443"}
# the cluster's name servers are in a namespace that has many names, or on the node itself
DNS = {f"egress every namespace {kind}/53" for kind in ("UDP", "TCP")}
NODE_DNS = {f"egress 169.254.20.10/32 {kind}/53" for kind in ("UDP", "TCP")}
PRIVATE = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"}


def needed_connections_are_allowed(objects: Sequence[Object]) -> Iterator[str]:
    """Every pod can reach what its environment names, and be reached by those who must."""
    for pod, allowed in _restricted(objects):
        for line in sorted(_needed(pod, objects)):
            if not allowed & {line, _from_anywhere(line)}:
                yield f"{pod.title} needs {line}"


def nothing_else_is_allowed(objects: Sequence[Object]) -> Iterator[str]:
    """A rule that nobody needs is an open door."""
    for pod, allowed in _restricted(objects):
        for line in sorted(allowed - _acceptable(pod, objects)):
            yield f"{pod.title} does not need {line}"


def policies_are_for_everybody(objects: Sequence[Object]) -> Iterator[str]:
    """Where there is one policy, each pod has one, for both directions."""
    policies = [each for each in objects if each["kind"] == "NetworkPolicy"]
    for pod in pods(objects) if policies else ():
        types = {kind for each in _of(pod, policies) for kind in each["spec"]["policyTypes"]}
        if types != {"Ingress", "Egress"}:
            yield f"{pod.title} is restricted in {sorted(types) or 'nothing'}"


def policies_mean_what_they_list(objects: Sequence[Object]) -> Iterator[str]:
    """Rules of a direction that `policyTypes` does not name do nothing."""
    for found in objects:
        if found["kind"] == "NetworkPolicy":
            listed = {kind.capitalize() for kind in ("ingress", "egress") if kind in found["spec"]}
            if idle := listed - set(found["spec"]["policyTypes"]):
                yield f"{title(found)} has rules for {', '.join(idle)}, and no such type"


def the_internet_is_outside(objects: Sequence[Object]) -> Iterator[str]:
    """A rule for everywhere leaves out private networks: the cluster itself, and the cloud's metadata."""
    for found in objects:
        for rule in found["spec"].get("egress") or () if found["kind"] == "NetworkPolicy" else ():
            for block in (peer["ipBlock"] for peer in rule.get("to") or () if "ipBlock" in peer):
                if block["cidr"] == "0.0.0.0/0" and not set(block.get("except", ())) >= PRIVATE:
                    yield f"{title(found)} opens private networks too"


def _restricted(objects: Sequence[Object]) -> Iterator[tuple[Pod, set[str]]]:
    policies = [each for each in objects if each["kind"] == "NetworkPolicy"]
    for pod in pods(objects):
        if mine := _of(pod, policies):
            yield pod, {line for each in mine for line in _allowed(each, pod)}


def _of(pod: Pod, policies: Sequence[Object]) -> list[Object]:
    return [each for each in policies if matches(each["spec"]["podSelector"], pod.labels)]


def _allowed(policy: Object, pod: Pod) -> Iterator[str]:
    """A port that is named counts only where the pod has it."""
    named = {port["name"]: port["containerPort"] for each in pod.containers for port in each.get("ports", ())}
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for rule in policy["spec"].get(direction) or ():
            ports: list[Object] = rule.get("ports") or [{}]
            peers: list[Object] = rule.get(side) or [{}]
            for port in ports:
                wanted = port.get("port", "any")
                number = named.get(wanted) if isinstance(wanted, str) and wanted != "any" else wanted
                for peer in peers if number else ():
                    yield f"{direction} {_peer(peer)} {port.get('protocol', 'any')}/{number}"


def _peer(peer: Mapping[str, Object]) -> str:
    if "ipBlock" in peer:
        return str(peer["ipBlock"]["cidr"])
    if "namespaceSelector" in peer:
        labels = peer["namespaceSelector"].get("matchLabels", {})
        return str(labels.get("kubernetes.io/metadata.name", "every namespace"))
    if "podSelector" in peer:
        return str(peer["podSelector"].get("matchLabels", {}).get(COMPONENT, "every pod here"))
    return "anywhere"


def _needed(pod: Pod, objects: Sequence[Object]) -> set[str]:
    variables = environment(pod, 0, objects)
    needed = set(DNS)
    for name in USED.get(pod.component, ADDRESSES):
        value = variables.get(name, "")
        needed |= {f"egress {REDIS} TCP/6379"} if isinstance(value, SecretKey) else set(_reached(str(value)))
    return needed | _visits(pod)


def _visits(pod: Pod) -> set[str]:
    """Who has to reach a pod that stays."""
    if pod.owner["kind"] != "Deployment":
        return set()
    if pod.component == "gateway":
        return {f"ingress {peer} TCP/8000" for peer in (INGRESS, MONITORING, "test")}
    return {f"ingress {MONITORING} TCP/9090"}


def _acceptable(pod: Pod, objects: Sequence[Object]) -> set[str]:
    """What this pod needs, or another one of its component: policies know no finer difference."""
    lines = set(NODE_DNS)
    for each in pods(objects):
        if each.component == pod.component:
            lines |= _needed(each, objects)
    if pod.containers and environment(pod, 0, objects).keys() & PROVIDERS:
        lines |= INTERNET
    # a collector's address need not say in which namespace it is
    if tracing := environment(pod, 0, objects).get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        lines |= {_from_anywhere(line) for line in _reached(str(tracing))}
    return lines


def _from_anywhere(line: str) -> str:
    direction, _, rest = line.partition(" ")
    return f"{direction} anywhere {rest.rpartition(' ')[2]}"


def _reached(urls: str) -> Iterator[str]:
    """`nats://nats.messaging.svc:4222` is `egress messaging TCP/4222`; in our namespace it is a component."""
    for url in filter(None, re.split(r"\s*,\s*", urls)):
        parts = urlsplit(url)
        names = [*(parts.hostname or "").split("."), ""]
        namespace = names[names.index("svc") - 1] if "svc" in names else names[1]
        if namespace == "meme-generator":
            yield f"egress {names[0].removeprefix('meme-generator-')} TCP/8000"
        else:
            yield f"egress {namespace} TCP/{parts.port or DEFAULT_PORTS[parts.scheme]}"


CHECKS = (
    needed_connections_are_allowed,
    nothing_else_is_allowed,
    policies_are_for_everybody,
    policies_mean_what_they_list,
    the_internet_is_outside,
)
