"""Who each role is: its user, its secrets, its port, its command, its switches."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import pytest
import yaml

from tests.chart.pods import FieldPath, SecretKey, environment, pods
from tests.chart.rendering import FULL, PRESETS, ROLES, ROOT, Rendering, given, merge, render
from tests.chart.semantics.selectors import matches
from tests.chart.variables import ROWS, WORKERS, settings_of

# what each role may be told, written by hand from what it does
SECRETS = {
    "worker": {"HF_API_TOKEN"},
    "workflow": {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "CHAT_CUSTOM_KEY"},
    "priority": {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "CHAT_CUSTOM_KEY", "CACHE_USER_KEY"},
    "battle": set(),
    "gateway": {"CACHE_USER_KEY"},
    "streams": set(),
}
USERS = {
    "worker": "worker",
    "workflow": "worker",
    "priority": "worker",
    "battle": "worker",
    "gateway": "gateway",
    "streams": "provision",
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_signs_in_as_its_own_user(role: str) -> None:
    variables = render().environment(role)
    user = USERS[role]
    accounts = resources.files("memebattle.bus").joinpath("accounts.conf").read_text(encoding="utf-8")

    assert variables["NATS_USER"] == user
    assert variables["NATS_PASSWORD"] == SecretKey("meme-generator-nats", f"{user}-password")
    assert f'user: "{user}"' in accounts
    assert f'"{variables["NATS_INBOX_PREFIX"]}.>"' in accounts


def test_the_test_pod_only_looks() -> None:
    rendering = render()
    (doctor,) = [pod for pod in pods(rendering.objects) if pod.title == "Pod/meme-generator-test-connection"]
    variables = environment(doctor, 0, rendering.objects)

    assert (variables["NATS_USER"], variables["NATS_INBOX_PREFIX"]) == ("monitor", "_INBOX_monitor")
    assert variables["NATS_PASSWORD"] == SecretKey("meme-generator-nats", "monitor-password")


def test_without_accounts_nobody_signs_in() -> None:
    rendering = render(given("nats.auth.enabled=false"))

    assert [
        (pod.title, name)
        for pod in pods(rendering.objects)
        for name in environment(pod, 0, rendering.objects)
        if name in {"NATS_USER", "NATS_PASSWORD", "NATS_INBOX_PREFIX"}
    ] == []


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_the_tokens_it_needs_and_no_others(role: str) -> None:
    """Optional ones: without a token the program works offline, and says so."""
    variables = render().environment(role)
    tokens = {name: value for name, value in variables.items() if isinstance(value, SecretKey)}
    del tokens["NATS_PASSWORD"]

    assert tokens == {
        name: SecretKey("meme-generator-secrets", name, optional=True) for name in SECRETS[role]
    }


def test_a_whole_environment_of_secrets_is_never_poured_in() -> None:
    """`envFrom` a Secret would give each role everybody's tokens."""
    rendering = render(FULL)
    sources = [
        source
        for pod in pods(rendering.objects)
        for each in pod.containers
        for source in each.get("envFrom", ())
    ]

    assert sources != []
    assert [source for source in sources if "secretRef" in source] == []


@pytest.mark.parametrize("preset", PRESETS)
def test_no_secret_is_in_a_configmap(preset: str) -> None:
    """Addresses are, without credentials."""
    rendering = render(preset=preset)
    for found in rendering.all("ConfigMap"):
        held = {name for name in found.get("data") or {} if name in ROWS and ROWS[name].secret}
        assert held <= {"NATS_URL", "REDIS_URL"}
        assert [name for name in held if "@" in found["data"][name]] == []


def test_values_of_secrets_are_in_the_secret_only() -> None:
    written = "hf_example_pa55"
    rendering = render(given("secrets.create=true", f"secrets.data.HF_API_TOKEN={written}"))
    holding = [source for source, text in rendering.text.items() if written in text]

    assert holding == ["secret.yaml"]
    assert rendering.only("Secret", "meme-generator-secrets")["stringData"] == {"HF_API_TOKEN": written}


def test_an_address_in_a_secret_takes_the_place_of_the_plain_one() -> None:
    rendering = render(given("redis.existingSecret=redis-address"))

    for role in ("worker", "workflow", "priority", "battle", "gateway"):
        assert rendering.environment(role)["REDIS_URL"] == SecretKey("redis-address", "REDIS_URL")
    assert "REDIS_URL" not in rendering.only("ConfigMap", "meme-generator")["data"]


def test_the_files_of_tls_are_where_the_variables_say() -> None:
    rendering = render(FULL)
    for role in ROLES:
        pod, variables = rendering.pod(role), rendering.environment(role)
        (volume,) = [each["projected"] for each in pod.spec["volumes"] if each["name"] == "nats-tls"]
        (mount,) = [each for each in pod.containers[0]["volumeMounts"] if each["name"] == "nats-tls"]
        files = {
            f"{mount['mountPath']}/{item['path']}"
            for source in volume["sources"]
            for item in source["secret"]["items"]
        }
        assert files == {variables[f"NATS_TLS_{part}_FILE"] for part in ("CA", "CERT", "KEY")}
        assert mount["readOnly"] is True


# ------------------------------------------------------------------------------------- ports and commands


@pytest.mark.parametrize("role", [*WORKERS, "gateway"])
def test_a_role_listens_where_its_port_is(role: str) -> None:
    rendering = render()
    settings = settings_of(rendering, role)
    address = settings.gateway.address if role == "gateway" else settings.observability.metrics_address
    (port,) = rendering.pod(role).containers[0]["ports"]

    assert address == f"0.0.0.0:{port['containerPort']}"
    assert port["name"] == ("http" if role == "gateway" else "metrics")


@pytest.mark.parametrize("role", WORKERS)
def test_a_worker_runs_what_the_image_runs(role: str) -> None:
    """Written out, so that another image's default does not matter; the same words as in the Dockerfile."""
    (command,) = re.findall(
        r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert render().pod(role).containers[0]["command"] == yaml.safe_load(command)


def test_who_runs_in_the_image_is_who_the_chart_says() -> None:
    """And what the image calls home is writable."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    spec = render().pod("worker").spec

    assert (
        f"USER {spec['securityContext']['runAsUser']}:{spec['securityContext']['runAsGroup']}" in dockerfile
    )
    assert "HOME=/tmp" in dockerfile


@pytest.mark.parametrize("role", [*WORKERS, "gateway"])
def test_a_process_is_named_after_its_pod(role: str) -> None:
    assert render().environment(role)["WORKER_ID"] == FieldPath("metadata.name")


def test_the_names_of_the_documents() -> None:
    """Deployment and label of the first documents."""
    rendering = render()

    assert {each["metadata"]["name"] for each in rendering.all("Deployment")} == {
        "meme-generator",
        "meme-generator-workflow",
        "meme-generator-priority",
        "meme-generator-battle",
        "meme-generator-gateway",
    }
    assert [pod.component for pod in pods(rendering.objects) if pod.labels.get("app") == "meme-backend"] == [
        "worker"
    ]


def test_the_hooks_run_when_they_should() -> None:
    """Streams after each install and upgrade; tests when asked; nothing is left behind."""
    rendering = render()
    hooks = {
        each["metadata"]["name"]: each["metadata"]["annotations"]
        for each in rendering.objects
        if "helm.sh/hook" in each["metadata"].get("annotations", {})
    }

    assert {name: found["helm.sh/hook"] for name, found in hooks.items()} == {
        "meme-generator-streams": "post-install,post-upgrade,post-rollback",
        "meme-generator-test-connection": "test",
        "meme-generator-test-roundtrip": "test",
    }
    assert {found["helm.sh/hook-delete-policy"] for found in hooks.values()} == {
        "before-hook-creation,hook-succeeded"
    }
    assert rendering.pod("streams").containers[0]["command"] == ["memebattle", "streams", "apply"]


# ------------------------------------------------------------------------------------------- switches


@pytest.mark.parametrize(
    ("role", "mode", "kinds"),
    [
        (role, mode, kinds)
        for role in WORKERS
        for mode, kinds in (("keda", {"ScaledObject"}), ("hpa", {"HorizontalPodAutoscaler"}), ("none", set()))
        if (role, mode) != ("battle", "keda")  # it has no queue
    ],
)
def test_one_autoscaler_per_role(role: str, mode: str, kinds: set[str]) -> None:
    chosen = given(f"{role}.autoscaling.mode={mode}", f"{role}.autoscaling.minReplicas=1")
    rendering = render(chosen)
    name = "meme-generator" if role == "worker" else f"meme-generator-{role}"
    scalers = {
        each["kind"]
        for each in rendering.objects
        if each.get("spec", {}).get("scaleTargetRef", {}).get("name") == name
    }

    assert scalers == kinds
    assert ("replicas" in rendering.only("Deployment", name)["spec"]) is (mode == "none")


@pytest.mark.parametrize("role", [*WORKERS, "gateway"])
def test_a_role_that_is_off_leaves_nothing_behind(role: str) -> None:
    rendering = render(
        merge(FULL, given(f"{role}.enabled=false", "ingress.enabled=false", "httpRoute.enabled=false"))
    )
    name = "meme-generator" if role == "worker" else f"meme-generator-{role}"
    kinds = {"Deployment", "ScaledObject", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Service"}

    assert [
        each for each in rendering.objects if each["kind"] in kinds and each["metadata"]["name"] == name
    ] == []
    assert [pod.title for pod in pods(rendering.objects) if pod.component == role] == []


def test_who_may_sleep_has_no_budget() -> None:
    """At zero replicas there is nothing to keep, and an eviction needs no leave."""
    assert {each["metadata"]["name"] for each in render().all("PodDisruptionBudget")} == {
        "meme-generator-workflow",
        "meme-generator-priority",
        "meme-generator-battle",
        "meme-generator-gateway",
    }
    awake = render(given("worker.autoscaling.minReplicas=1")).all("PodDisruptionBudget")
    assert "meme-generator" in {each["metadata"]["name"] for each in awake}


def test_providers_are_reached_by_those_who_call_them() -> None:
    """Over 443 in the internet, unless the operator names them one by one."""
    chosen = given("networkPolicy.enabled=true")
    closed = merge(chosen, given("networkPolicy.providersEgress=false"))

    assert _reach_the_internet(render(chosen)) == set(WORKERS) - {"battle"}  # it asks the others
    assert _reach_the_internet(render(closed)) == set()


def test_what_the_operator_adds_is_open_to_those_it_is_for() -> None:
    """Egress for every role, a Redis outside the cluster among others; sources for the gateway alone."""
    peer = {"ipBlock": {"cidr": "10.30.0.0/16"}}
    chosen: dict[str, Any] = {
        "networkPolicy": {"enabled": True, "extraEgress": [{"to": [peer]}], "extraIngress": [peer]}
    }
    rendering = render(chosen)

    def allowed(way: str, peers: str) -> set[str]:
        return {
            pod.component
            for policy in rendering.all("NetworkPolicy")
            for rule in policy["spec"].get(way) or ()
            if peer in rule.get(peers, ())
            for pod in pods(rendering.objects)
            if matches(policy["spec"]["podSelector"], pod.labels)
        }

    assert allowed("egress", "to") >= {*WORKERS, "gateway"}
    assert allowed("ingress", "from") == {"gateway"}


def test_without_a_gateway_nobody_is_paged_for_it() -> None:
    on = {"metrics": {"prometheusRule": {"enabled": True}}}
    assert "GatewayMissing" in str(render(on).all("PrometheusRule"))
    off = merge(on, given("gateway.enabled=false"))
    assert "GatewayMissing" not in str(render(off).all("PrometheusRule"))
    assert "GatewayErrors" in str(render(off).all("PrometheusRule"))


def _reach_the_internet(rendering: Rendering) -> set[str]:
    return {
        pod.component
        for policy in rendering.all("NetworkPolicy")
        for rule in policy["spec"].get("egress") or ()
        if any(peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0" for peer in rule.get("to", ()))
        for pod in pods(rendering.objects)
        if matches(policy["spec"]["podSelector"], pod.labels)
    }
