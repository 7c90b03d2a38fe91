"""Rules between objects, for every preset; and a rendering broken once for each rule, so that none sleeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.chart.pods import Object
from tests.chart.rendering import FULL, PRESETS, Rendering, given, merge, render
from tests.chart.semantics import CHECKS, findings

# what a preset does on purpose
INTENDED = {
    # the documents build `meme-generator:latest` on the one node itself
    "minikube": ("images_are_pinned",),
    "values-minikube": ("images_are_pinned",),
    # values for more connections
    "everything": (
        "does not need egress 10.20.0.0/16 TCP/8443",
        "meme-generator-gateway does not need ingress 10.30.0.0/16 TCP/8000",
        "meme-generator-gateway does not need ingress gateways TCP/8000",
    ),
}


@pytest.mark.parametrize("preset", PRESETS)
def test_no_preset_breaks_a_rule(preset: str) -> None:
    found, meant = findings(render(preset=preset).ours), INTENDED.get(preset, ())

    assert [each for each in found if not any(part in each for part in meant)] == []
    assert [part for part in meant if not any(part in each for each in found)] == []


def test_all_at_once_breaks_no_rule() -> None:
    assert findings(render(FULL).objects) == []


@pytest.mark.parametrize("is_upgrade", [False, True])
@pytest.mark.parametrize("name", ["meme-generator", "another"])
def test_an_upgrade_and_another_release_name_break_no_rule(name: str, is_upgrade: bool) -> None:
    assert findings(render(FULL, name=name, is_upgrade=is_upgrade).objects) == []


def test_two_releases_in_one_namespace_do_not_mix() -> None:
    """Nobody selects the other's pods."""
    one, two = (
        render(merge(FULL, given(f"fullnameOverride={name}")), name=name).objects for name in ("one", "two")
    )
    selecting = [name for name in CHECKS if "select" in name or "spread" in name]

    assert len(selecting) == 4
    assert [found for name in selecting for found in CHECKS[name]([*one, *two])] == []


def test_everything_goes_where_the_release_goes() -> None:
    """The address of our own Service, too."""
    rendering = render(FULL, namespace="team-a")

    assert {each["metadata"]["namespace"] for each in rendering.objects} == {"team-a"}
    assert "http://meme-generator-gateway.team-a:80" in rendering.text["tests/roundtrip.yaml"]


# ------------------------------------------------------------------------------- every rule is awake

type Break = Callable[[Rendering], None]


def pod(rendering: Rendering, role: str = "worker") -> Object:
    return rendering.pod(role).spec


def container(rendering: Rendering, role: str = "worker") -> Object:
    found: Object = pod(rendering, role)["containers"][0]
    return found


def spec(rendering: Rendering, kind: str, name: str = "meme-generator") -> Object:
    found: Object = rendering.only(kind, name)["spec"]
    return found


def put(where: Callable[[Rendering], Any], key: Any, value: Any) -> Break:
    """Write one value somewhere."""

    def change(rendering: Rendering) -> None:
        where(rendering)[key] = value

    return change


def drop(where: Callable[[Rendering], Any], key: Any) -> Break:
    """Take one value out."""

    def change(rendering: Rendering) -> None:
        del where(rendering)[key]

    return change


def twice(kind: str, name: str = "meme-generator") -> Break:
    """One object a second time."""

    def change(rendering: Rendering) -> None:
        rendering.objects.append(rendering.only(kind, name))

    return change


def without(kind: str, name: str = "meme-generator") -> Break:
    """One object less."""

    def change(rendering: Rendering) -> None:
        rendering.objects.remove(rendering.only(kind, name))

    return change


def policy(part: str) -> Callable[[Rendering], Any]:
    return lambda rendering: spec(rendering, "NetworkPolicy", f"meme-generator-{part}")


def variable(name: str) -> Callable[[Rendering], Any]:
    return lambda rendering: next(each for each in container(rendering)["env"] if each["name"] == name)


def labels(rendering: Rendering) -> Any:
    return rendering.pod("worker").labels


def configuration(rendering: Rendering) -> Any:
    return rendering.only("ConfigMap", "meme-generator")["data"]


def requests(rendering: Rendering) -> Any:
    return container(rendering)["resources"]["requests"]


def security(rendering: Rendering) -> Any:
    return container(rendering)["securityContext"]


def selector(kind: str, name: str) -> Callable[[Rendering], Any]:
    return lambda rendering: spec(rendering, kind, name)["selector"]


WIDE = {"app.kubernetes.io/instance": "meme-generator"}
SERVICE, GATEWAY = ("Service", "meme-generator-gateway"), ("Deployment", "meme-generator-gateway")
JOB = ("Job", "meme-generator-streams")

BREAKS: list[tuple[str, str, Break]] = [
    (
        "names_are_dns_names",
        "Service/Gateway is no DNS name",
        put(lambda r: r.only(*SERVICE)["metadata"], "name", "Gateway"),
    ),
    ("names_are_dns_names", "is no DNS name", put(lambda r: r.only(*JOB)["metadata"], "name", "x" * 64)),
    ("names_are_dns_names", "container my_worker", put(container, "name", "my_worker")),
    (
        "names_are_dns_names",
        "port a-very-long-name",
        put(lambda r: container(r)["ports"][0], "name", "a-very-long-name"),
    ),
    ("names_are_dns_names", "volume tmp is there twice", lambda r: pod(r)["volumes"].append({"name": "tmp"})),
    ("names_are_unique", "ConfigMap/meme-generator is there 2 times", twice("ConfigMap")),
    ("labels_are_well_formed", "label app has the value 'x y'", put(labels, "app", "x y")),
    ("labels_are_well_formed", "has the value 1", put(labels, "app", 1)),
    ("labels_are_well_formed", "has the value 'xxx", put(labels, "app", "x" * 64)),
    ("labels_are_well_formed", "_/x is no key", put(labels, "_/x", "y")),
    (
        "labels_are_well_formed",
        "annotation helm.sh/hook-weight has the value -5",
        put(lambda r: r.only(*JOB)["metadata"]["annotations"], "helm.sh/hook-weight", -5),
    ),
    (
        "common_labels_are_there",
        "ConfigMap/meme-generator has no app.kubernetes.io/part-of",
        drop(
            lambda r: r.only("ConfigMap", "meme-generator")["metadata"]["labels"], "app.kubernetes.io/part-of"
        ),
    ),
    (
        "common_labels_are_there",
        "have no app.kubernetes.io/component",
        drop(labels, "app.kubernetes.io/component"),
    ),
    (
        "objects_stay_in_their_namespace",
        "Service/meme-generator-gateway is in kube-system",
        put(lambda r: r.only(*SERVICE)["metadata"], "namespace", "kube-system"),
    ),
    (
        "deployments_select_their_own_pods",
        "Deployment/meme-generator does not select its own pods",
        put(labels, "app.kubernetes.io/component", "worker2"),
    ),
    (
        "deployments_select_their_own_pods",
        "selects the pods of Deployment/meme-generator",
        put(selector(*GATEWAY), "matchLabels", WIDE),
    ),
    (
        "deployments_select_their_own_pods",
        "selects by app.kubernetes.io/version, which change",
        put(lambda r: selector(*GATEWAY)(r)["matchLabels"], "app.kubernetes.io/version", "0.1.0"),
    ),
    (
        "services_select_one_deployment",
        "Service/meme-generator-gateway selects ['Deployment/",
        put(lambda r: spec(r, *SERVICE), "selector", WIDE),
    ),
    (
        "services_select_one_deployment",
        "selects nothing",
        put(lambda r: spec(r, *SERVICE)["selector"], "app.kubernetes.io/component", "web"),
    ),
    (
        "budgets_select_one_deployment",
        "Deployment/meme-generator-gateway has 2 budgets",
        put(selector("PodDisruptionBudget", "meme-generator-priority"), "matchLabels", WIDE),
    ),
    (
        "spread_counts_the_right_pods",
        "Deployment/meme-generator spreads by labels of others",
        put(
            lambda r: pod(r)["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
            "app.kubernetes.io/component",
            "gateway",
        ),
    ),
    (
        "services_lead_to_ports",
        "Deployment/meme-generator-gateway has no port web",
        put(lambda r: spec(r, *SERVICE)["ports"][0], "targetPort", "web"),
    ),
    ("routes_lead_to_services", "Ingress/meme-generator: there is no Service", without(*SERVICE)),
    (
        "routes_lead_to_services",
        "HTTPRoute/meme-generator: there is no Service meme-generator-gateway with port 8000",
        put(lambda r: spec(r, "HTTPRoute")["rules"][0]["backendRefs"][0], "port", 8000),
    ),
    (
        "monitors_scrape_ports",
        "scrapes Deployment/meme-generator-gateway at nothing",
        lambda r: spec(r, "PodMonitor")["podMetricsEndpoints"].pop(1),
    ),
    ("configuration_exists", "there is no ConfigMap meme-generator", without("ConfigMap")),
    ("configuration_exists", "there is no ServiceAccount meme-generator", without("ServiceAccount")),
    (
        "configuration_exists",
        "there is no Secret meme-generator-nat",
        put(
            lambda r: variable("NATS_PASSWORD")(r)["valueFrom"]["secretKeyRef"], "name", "meme-generator-nat"
        ),
    ),
    (
        "configuration_exists",
        "there is no Secret nats-authority",
        put(
            lambda r: next(v for v in pod(r)["volumes"] if "projected" in v)["projected"]["sources"][0][
                "secret"
            ],
            "name",
            "nats-authority",
        ),
    ),
    (
        "configuration_exists",
        "there is no Secret pull",
        put(lambda r: pod(r)["imagePullSecrets"][0], "name", "pull"),
    ),
    (
        "keys_exist",
        "ConfigMap meme-generator has no key NATS",
        lambda r: pod(r)["volumes"].append(
            {"name": "c", "configMap": {"name": "meme-generator", "items": [{"key": "NATS", "path": "x"}]}}
        ),
    ),
    ("volumes_are_mounted", "there is no volume tmp", lambda r: pod(r)["volumes"].pop(0)),
    ("volumes_are_mounted", "volume tmp is not mounted", lambda r: container(r)["volumeMounts"].pop(0)),
    (
        "volumes_are_mounted",
        "/tmp is mounted twice",
        lambda r: container(r)["volumeMounts"].append({"name": "nats-tls", "mountPath": "/tmp"}),
    ),
    (
        "variables_are_well_formed",
        "WORKER_CONTEXTS is set twice",
        lambda r: container(r)["env"].append({"name": "WORKER_CONTEXTS", "value": "chat"}),
    ),
    (
        "variables_are_well_formed",
        "WORKER-ID is no name",
        put(variable("WORKER_ID"), "name", "WORKER-ID"),
    ),
    (
        "variables_are_well_formed",
        "SHUTDOWN_GRACE is 75, no text",
        put(variable("SHUTDOWN_GRACE"), "value", 75),
    ),
    (
        "variables_are_well_formed",
        "WORKER_ID needs a value or a source",
        drop(variable("WORKER_ID"), "valueFrom"),
    ),
    ("configuration_is_text", "NATS_REPLICAS is 3, no text", put(configuration, "NATS_REPLICAS", 3)),
    ("resources_are_stated", "['100 m'] are no quantities", put(requests, "cpu", "100 m")),
    ("resources_are_stated", "worker requests no memory", drop(requests, "memory")),
    ("resources_are_stated", "requests more memory than its limit", put(requests, "memory", "1Ti")),
    ("resources_are_stated", "has no memory limit", drop(lambda r: container(r)["resources"], "limits")),
    ("ports_say_everything", "has no protocol", drop(lambda r: container(r)["ports"][0], "protocol")),
    (
        "ports_say_everything",
        "Service/meme-generator-gateway: port http has no protocol",
        drop(lambda r: spec(r, *SERVICE)["ports"][0], "protocol"),
    ),
    (
        "ports_say_everything",
        "NetworkPolicy/meme-generator-nats: port",
        drop(lambda r: policy("nats")(r)["egress"][0]["ports"][0], "protocol"),
    ),
    (
        "ports_say_everything",
        "70000 is no port",
        put(lambda r: container(r)["ports"][0], "containerPort", 70000),
    ),
    ("ports_say_everything", "port of the node", put(lambda r: container(r)["ports"][0], "hostPort", 9090)),
    ("ports_say_everything", "protocol HTTP", put(lambda r: container(r)["ports"][0], "protocol", "HTTP")),
    ("probes_ask_ports", "Deployment/meme-generator has no startupProbe", drop(container, "startupProbe")),
    (
        "probes_ask_ports",
        "readinessProbe asks http/readyz",
        put(lambda r: container(r)["readinessProbe"]["httpGet"], "port", "http"),
    ),
    (
        "probes_ask_ports",
        "livenessProbe asks metrics/readyz",
        put(lambda r: container(r)["livenessProbe"]["httpGet"], "path", "/readyz"),
    ),
    (
        "a_start_may_take_a_while",
        "given up after 5 s",
        put(lambda r: container(r)["startupProbe"], "failureThreshold", 5),
    ),
    (
        "a_start_may_take_a_while",
        "looked at every 10 s",
        put(lambda r: container(r)["startupProbe"], "periodSeconds", 10),
    ),
    (
        "there_is_time_to_finish",
        "Deployment/meme-generator: killed after 75 s, needs 75 s",
        put(pod, "terminationGracePeriodSeconds", 75),
    ),
    (
        "there_is_time_to_finish",
        "Deployment/meme-generator-gateway: killed after 35 s, needs 30 s and 5 s before",
        put(lambda r: pod(r, "gateway"), "terminationGracePeriodSeconds", 35),
    ),
    (
        "there_is_time_to_finish",
        "30 s to finish what may take 60 s",
        put(variable("SHUTDOWN_GRACE"), "value", "30"),
    ),
    ("images_are_pinned", "image meme-generator:latest", put(container, "image", "meme-generator:latest")),
    ("images_are_pinned", "image registry:5000/meme", put(container, "image", "registry:5000/meme")),
    (
        "images_are_pinned",
        "image meme@sha256:12",
        put(lambda r: container(r, "streams"), "image", "meme@sha256:12"),
    ),
    ("pods_are_restricted", "uses hostNetwork", put(pod, "hostNetwork", True)),
    (
        "pods_are_restricted",
        "has a volume of hostPath",
        lambda r: pod(r)["volumes"].append({"name": "h", "hostPath": {"path": "/"}}),
    ),
    (
        "pods_are_restricted",
        "sets [",
        put(
            lambda r: pod(r)["securityContext"], "sysctls", [{"name": "kernel.shm_rmid_forced", "value": "0"}]
        ),
    ),
    ("containers_are_restricted", "may gain privileges", drop(security, "allowPrivilegeEscalation")),
    ("containers_are_restricted", "keeps capabilities", put(security, "capabilities", {"drop": ["NET_RAW"]})),
    (
        "containers_are_restricted",
        "adds capabilities",
        put(security, "capabilities", {"drop": ["ALL"], "add": ["SYS_PTRACE"]}),
    ),
    ("containers_are_restricted", "may run as root", put(security, "runAsNonRoot", False)),
    ("containers_are_restricted", "may run as root", put(security, "runAsUser", 0)),
    (
        "containers_are_restricted",
        "Job/meme-generator-streams streams has no seccomp profile",
        drop(lambda r: pod(r, "streams")["securityContext"], "seccompProfile"),
    ),
    ("containers_are_restricted", "is privileged", put(security, "privileged", True)),
    ("root_file_systems_are_read_only", "can write to its image", drop(security, "readOnlyRootFilesystem")),
    (
        "root_file_systems_are_read_only",
        "has no /tmp",
        put(lambda r: container(r)["volumeMounts"][0], "mountPath", "/var/tmp"),
    ),
    ("no_token_is_mounted", "Deployment/meme-generator mounts", drop(pod, "automountServiceAccountToken")),
    (
        "no_token_is_mounted",
        "ServiceAccount/meme-generator offers",
        put(lambda r: r.only("ServiceAccount", "meme-generator"), "automountServiceAccountToken", True),
    ),
    ("no_links_in_the_environment", "gets variables of services", drop(pod, "enableServiceLinks")),
    (
        "scalers_have_their_target",
        "there is no Deployment meme-worker",
        put(lambda r: spec(r, "ScaledObject")["scaleTargetRef"], "name", "meme-worker"),
    ),
    (
        "scalers_have_their_target",
        "scales v1 Deployment",
        put(lambda r: spec(r, "ScaledObject")["scaleTargetRef"], "apiVersion", "v1"),
    ),
    (
        "nobody_is_scaled_twice",
        "Deployment/meme-generator has 2 scalers",
        put(
            lambda r: spec(r, "HorizontalPodAutoscaler", "meme-generator-workflow")["scaleTargetRef"],
            "name",
            "meme-generator",
        ),
    ),
    (
        "replicas_belong_to_one",
        "Deployment/meme-generator: replicas 1",
        put(lambda r: spec(r, "Deployment"), "replicas", 1),
    ),
    (
        "replicas_belong_to_one",
        "Deployment/meme-generator-priority: replicas None",
        drop(lambda r: spec(r, "Deployment", "meme-generator-priority"), "replicas"),
    ),
    (
        "bounds_are_in_order",
        "from 11 to 10",
        put(lambda r: spec(r, "ScaledObject"), "minReplicaCount", 11),
    ),
    (
        "bounds_are_in_order",
        "HorizontalPodAutoscaler/meme-generator-workflow: 0 replicas",
        put(lambda r: spec(r, "HorizontalPodAutoscaler", "meme-generator-workflow"), "minReplicas", 0),
    ),
    (
        "the_fallback_fits",
        "falls back to 20 of 10",
        put(lambda r: spec(r, "ScaledObject")["fallback"], "replicas", 20),
    ),
    (
        "the_fallback_fits",
        "may scale in while it sees nothing",
        put(lambda r: spec(r, "ScaledObject")["fallback"], "behavior", "static"),
    ),
    (
        "utilisation_has_something_to_divide_by",
        "Deployment/meme-generator-gateway requests no cpu",
        drop(lambda r: container(r, "gateway")["resources"]["requests"], "cpu"),
    ),
    (
        "budgets_leave_room",
        "PodDisruptionBudget/meme-generator-gateway allows 0",
        put(lambda r: spec(r, "PodDisruptionBudget", "meme-generator-gateway"), "maxUnavailable", 0),
    ),
    (
        "needed_connections_are_allowed",
        "Deployment/meme-generator needs egress messaging TCP/4222",
        without("NetworkPolicy", "meme-generator-nats"),
    ),
    (
        "needed_connections_are_allowed",
        "Job/meme-generator-streams needs egress messaging TCP/4223",
        put(configuration, "NATS_URL", "nats://nats.messaging:4222,nats://nats.messaging:4223"),
    ),
    (
        "needed_connections_are_allowed",
        "Deployment/meme-generator-gateway needs egress collectors TCP/4319",
        put(configuration, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://one.collectors.svc:4319"),
    ),
    (
        "needed_connections_are_allowed",
        "Deployment/meme-generator-gateway needs ingress ingress-nginx TCP/8000",
        without("NetworkPolicy", "meme-generator-http"),
    ),
    (
        "needed_connections_are_allowed",
        "Deployment/meme-generator-workflow needs ingress monitoring TCP/9090",
        lambda r: policy("metrics")(r)["ingress"][0]["ports"].pop(0),
    ),
    (
        "needed_connections_are_allowed",
        "Pod/meme-generator-test-roundtrip needs egress gateway TCP/8000",
        without("NetworkPolicy", "meme-generator-test"),
    ),
    (
        "needed_connections_are_allowed",
        "Deployment/meme-generator needs egress every namespace UDP/53",
        without("NetworkPolicy", "meme-generator-dns"),
    ),
    (
        "nothing_else_is_allowed",
        "Job/meme-generator-streams does not need egress cache TCP/6379",
        drop(lambda r: policy("redis")(r)["podSelector"], "matchExpressions"),
    ),
    (
        "nothing_else_is_allowed",
        "Deployment/meme-generator-gateway does not need egress 0.0.0.0/0 TCP/443",
        drop(lambda r: policy("providers")(r)["podSelector"], "matchExpressions"),
    ),
    (
        "nothing_else_is_allowed",
        "Deployment/meme-generator does not need egress anywhere any/any",
        lambda r: policy("dns")(r)["egress"].append({}),
    ),
    (
        "nothing_else_is_allowed",
        "Deployment/meme-generator does not need ingress every pod here TCP/9090",
        lambda r: policy("metrics")(r)["ingress"][0]["from"].append({"podSelector": {}}),
    ),
    (
        "policies_are_for_everybody",
        "Job/meme-generator-streams is restricted in ['Egress']",
        lambda r: policy("deny")(r)["podSelector"]["matchLabels"].update(
            {"app.kubernetes.io/component": "worker"}
        ),
    ),
    (
        "policies_mean_what_they_list",
        "NetworkPolicy/meme-generator-http has rules for Ingress",
        put(policy("http"), "policyTypes", ["Egress"]),
    ),
    (
        "the_internet_is_outside",
        "NetworkPolicy/meme-generator-providers opens private networks too",
        lambda r: policy("providers")(r)["egress"][0]["to"][0]["ipBlock"]["except"].remove("10.0.0.0/8"),
    ),
]


@pytest.mark.parametrize(
    ("check", "finding", "change"), BREAKS, ids=[f"{name}: {said}" for name, said, _ in BREAKS]
)
def test_a_broken_rendering_is_found(check: str, finding: str, change: Break) -> None:
    rendering = render(FULL).copy()
    change(rendering)

    assert [found for found in CHECKS[check](rendering.objects) if finding in found] != []


def test_every_rule_is_broken_once() -> None:
    assert {check for check, _, _ in BREAKS} == CHECKS.keys()
