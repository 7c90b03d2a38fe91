"""Pods as processes: the small node does what Kubernetes promises, as far as the scaling test relies on it.

The containers are one-liners that start in milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.chart.containers import Machine
from tests.chart.kubelet import Exit
from tests.chart.kubernetes import Key, Store
from tests.chart.node import Node
from tests.waiting import wait_until

KEY = Key.of("Deployment", "app", "ns")
SAY_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"
SERVE = """
import os, signal, socket, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = socket.create_server(("127.0.0.1", int(os.environ["METRICS_ADDR"].partition(":")[2])))
while True:
    client, _ = server.accept()
    client.recv(1000)
    client.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
    client.close()
"""
DEAF = SERVE.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")
METRICS = {"name": "METRICS_ADDR", "value": "0.0.0.0:9090"}
PROBED: dict[str, Any] = {
    "ports": [{"name": "metrics", "containerPort": 9090}],
    "readinessProbe": {"httpGet": {"path": "/readyz", "port": "metrics"}},
}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    machine = Machine({"nats.messaging.svc:4222": "127.0.0.1:1234"}, tmp_path)
    async with Node(Store(), machine) as running:
        yield running


async def test_a_container_sees_what_its_pod_says_and_nothing_of_ours(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ConfigMap, Secret, the pod's own name; addresses and ports of this machine; the image's variables."""
    monkeypatch.setenv("OURS", "leaks")
    node.store.add(_object("ConfigMap", "config", data={"NATS_URL": "nats://nats.messaging.svc:4222"}), "ns")
    node.store.add(_object("Secret", "secret", stringData={"password": "12345"}), "ns")
    env = [
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "password"}}},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "none", "key": "token", "optional": True}}},
        {"name": "WORKER_ID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        METRICS,
    ]
    pod = _pod(SAY_ENVIRONMENT, env=env, envFrom=[{"configMapRef": {"name": "config"}}])

    node.store.add(_object("Pod", "probe", spec=pod["spec"]), "ns")
    key = Key.of("Pod", "probe", "ns")
    await wait_until(lambda: node.store.get(key).get("status"), "the pod to end")

    assert node.store.get(key)["status"] == {"phase": "Succeeded"}
    said: dict[str, str] = json.loads(node.store.logs[key])
    host, _, port = said.pop("METRICS_ADDR").partition(":")
    assert (host, port != "9090") == ("127.0.0.1", True)
    image = node.machine.image_environment()
    assert said.items() >= image.items()
    assert said.keys() - image.keys() - {"LC_CTYPE"} == {"NATS_URL", "PASSWORD", "WORKER_ID"}
    assert (said["NATS_URL"], said["PASSWORD"], said["WORKER_ID"]) == (
        "nats://127.0.0.1:1234",
        "12345",
        "probe",
    )


async def test_pods_wait_for_a_secret_that_is_not_there(node: Node) -> None:
    env = [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "later", "key": "password"}}}]
    _deploy(node, SERVE, env=env)
    await wait_until(lambda: node.waiting, "the pod to wait")
    assert node.waiting[KEY] == "couldn't find key password in Secret later"

    node.store.add(_object("Secret", "later", stringData={"password": "x"}), "ns")

    await wait_until(lambda: _ready(node) == 1, "the pod to run")


async def test_as_many_as_wanted_and_the_young_go_first(node: Node) -> None:
    """SIGTERM, exit code 0, and nobody is started again."""
    _deploy(node, SERVE, replicas=3)
    await wait_until(lambda: _ready(node) == 3, "three pods")
    names = [pod.name for pod in node.pods("app")]

    node.store.scale(KEY, 1)
    await wait_until(lambda: len(node.running) == 1, "two to go")

    assert [pod.name for pod in node.pods("app")] == names[:1]
    assert {(end.pod, end.code) for end in node.exits} == {(name, 0) for name in names[1:]}


async def test_a_killed_container_is_started_again_in_its_pod(node: Node) -> None:
    _deploy(node, SERVE)
    await wait_until(lambda: _ready(node) == 1, "a pod")
    (pod,) = node.pods("app")

    pod.kill()
    await wait_until(lambda: pod.restarts == 1 and pod.is_ready, "it to run again")

    assert node.exits == [Exit(pod.name, -9, asked=False, served=True)]


async def test_who_does_not_hear_is_killed_after_the_grace(node: Node) -> None:
    _deploy(node, DEAF, terminationGracePeriodSeconds=0.2)
    await wait_until(lambda: _ready(node) == 1, "a pod")

    node.store.scale(KEY, 0)
    await wait_until(lambda: not node.running, "it to go")

    assert [(end.code, end.asked) for end in node.exits] == [(-9, True)]


async def test_a_new_template_replaces_pods_one_by_one(node: Node) -> None:
    """Never fewer ready pods than wanted, never more than one above."""
    counts: list[tuple[int, int]] = []
    _deploy(node, SERVE, replicas=2)
    await wait_until(lambda: _ready(node) == 2, "two pods")
    old = {pod.name for pod in node.pods("app")}
    node.store.subscribe(lambda _: counts.append((_ready(node), len(node.pods("app")))))

    _deploy(node, f"{SERVE} # new", replicas=2)
    await wait_until(lambda: len(node.running) == 2 and old.isdisjoint(_names(node)), "two new pods")

    assert min(ready for ready, _ in counts) >= 2
    assert max(count for _, count in counts) == 3


async def test_a_job_is_tried_as_often_as_it_may(node: Node) -> None:
    template = {"metadata": {}, **_pod("import sys; sys.exit(3)")}
    node.store.add(_object("Job", "job", spec={"backoffLimit": 2, "template": template}), "ns")

    status = await wait_until(lambda: node.store.all("Job")[0].get("status"), "the Job to give up")

    assert status["conditions"][0]["type"] == "Failed"
    assert [end.code for end in node.exits] == [3, 3, 3]


async def test_a_deleted_deployment_takes_its_pods_along(node: Node) -> None:
    _deploy(node, SERVE, replicas=2)
    await wait_until(lambda: _ready(node) == 2, "two pods")

    node.store.delete(KEY)

    await wait_until(lambda: not node.running, "all to go")


def _deploy(node: Node, program: str, replicas: int = 1, **spec: Any) -> None:
    labels = {"metadata": {"labels": {"app": "app"}}}
    spec["env"] = [METRICS, *spec.get("env", [])]
    template = {**labels, **_pod(program, **PROBED, **spec)}
    wanted = _object("Deployment", "app", spec={"replicas": replicas, "template": template})
    node.store.apply(KEY, wanted, "test")


def _pod(program: str, terminationGracePeriodSeconds: float = 5, **container: Any) -> dict[str, Any]:  # noqa: N803
    described = {"name": "app", "command": ["python", "-S", "-c", program], **container}
    return {
        "spec": {"terminationGracePeriodSeconds": terminationGracePeriodSeconds, "containers": [described]}
    }


def _object(kind: str, name: str, **content: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name}, **content}


def _ready(node: Node) -> int:
    return sum(pod.is_ready for pod in node.pods("app"))


def _names(node: Node) -> set[str]:
    return {pod.name for pod in node.pods("app")}
