"""The chart at work on this machine: real servers, real Helm, KEDA's decisions, and pods that are processes.

    async with stage(directory) as scene:
        await scene.helm.install(CHART, NAME, values(max_replicas=4, latency=0.5))
        ...

What stands in for a cluster: the API server (`kubernetes/`), the kubelet (`node.py`) and KEDA
(`autoscaling.py`). What is real: the rendered objects, Helm, the Secrets of `memebattle k8s secrets`, a
nats-server with the accounts of production, Valkey, and our own programs, started as the pods say.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import nats
from nats.aio.client import Client

from memebattle.cli.children import stopping
from memebattle.cli.k8s_secrets import manifests
from memebattle.cli.local import NatsServer, RedisServer
from tests.chart.autoscaling import Operator
from tests.chart.containers import Machine
from tests.chart.kubernetes import ApiServer, Helm, Key, Store
from tests.chart.kubernetes.helm import Values
from tests.chart.node import Node
from tests.chart.rendering import NAME
from tests.chart.scaler import fetching

WORKER = Key.of("Deployment", NAME, NAME)


def values(*, max_replicas: int, latency: float, cooldown: int = 2) -> Values:
    """Memes only, each drawn in `latency` seconds, and an autoscaler that does not take its time.

    What is about scaling and not about patience stays as the chart has it.
    """
    at_once = {
        "stabilizationWindowSeconds": 0,
        "policies": [{"type": "Pods", "value": 100, "periodSeconds": 1}],
    }
    return {
        **{role: {"enabled": False} for role in ("workflow", "priority", "gateway")},
        "nats": {"replicas": 1},
        "settings": {
            "IMAGE_PROVIDER": "artist",
            "LOCAL_LATENCY_MS": round(latency * 1000),
            # how long a killed pod keeps what it had in work
            "ACK_WAIT": 3,
            "CLAIM_LEASE": 2,
        },
        "worker": {
            "autoscaling": {
                "maxReplicas": max_replicas,
                "pollingInterval": 1,
                "cooldownPeriod": cooldown,
                "initialCooldownPeriod": 1,
                "behavior": {"scaleUp": at_once, "scaleDown": at_once},
            }
        },
    }


@dataclass(eq=False)
class Scene:
    """Everything that runs."""

    store: Store
    node: Node
    helm: Helm
    operator: Operator
    developer: Client  # somebody who may do everything

    @property
    def replicas(self) -> int:
        """What `kubectl get deployment` says is wanted."""
        found: int = self.store.get(WORKER)["spec"]["replicas"]
        return found

    @property
    def ready(self) -> int:
        """Pods that serve."""
        return sum(pod.is_ready for pod in self.node.pods(NAME))

    @property
    def is_asleep(self) -> bool:
        """No replicas of the worker wanted, and no process of it left."""
        return self.replicas == 0 and all(pod.owner != WORKER for pod in self.node.running)

    def changes_of_replicas(self) -> list[int]:
        """Every value that `spec.replicas` ever had, whoever wrote it."""
        seen = [event.object["spec"]["replicas"] for event in self.store.history if event.key == WORKER]
        return seen[:1] + [after for before, after in pairwise(seen) if after != before]

    def decisions(self) -> list[int]:
        """Every value that the operator decided for."""
        return [look.after for look in self.operator.looks if look.after != look.before]

    @contextlib.asynccontextmanager
    async def autoscaled(self) -> AsyncIterator[None]:
        """KEDA looks and scales during the block."""
        looking = asyncio.create_task(self.operator.run())
        try:
            yield
        finally:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking


@contextlib.asynccontextmanager
async def stage(directory: Path) -> AsyncIterator[Scene]:
    """Servers without streams, and a cluster with nothing in it but the Secrets."""
    server, redis = NatsServer(directory / "nats"), RedisServer(directory / "redis")
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(stopping(server.child, redis.child))
        await asyncio.gather(server.start(), redis.start())
        api = await stack.enter_async_context(ApiServer())
        for secret in manifests(server.passwords, namespace=NAME, nats_namespace="messaging"):
            api.store.add(secret, secret["metadata"]["namespace"])
        node = await stack.enter_async_context(Node(api.store, _machine(server, redis, directory)))
        developer = await nats.connect(server.url("developer"))
        stack.push_async_callback(developer.close)
        scaled = Key.of("ScaledObject", NAME, NAME)
        fetch = fetching({"nats-headless.messaging.svc.cluster.local": f"127.0.0.1:{server.monitor_port}"})
        operator = Operator(api.store, scaled, fetch)
        yield Scene(api.store, node, api.helm(NAME), operator, developer)
        assert api.unknown == []


def _machine(server: NatsServer, redis: RedisServer, directory: Path) -> Machine:
    logs = directory / "pods"
    logs.mkdir()
    services = {
        "nats.messaging.svc.cluster.local:4222": f"127.0.0.1:{server.port}",
        "redis.cache.svc.cluster.local:6379": f"127.0.0.1:{redis.port}",
    }
    return Machine(services, logs)
