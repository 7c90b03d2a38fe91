"""The chart in the hands of the real Helm: install, upgrade, rollback, test, uninstall.

The API server is one in memory (`tests/chart/kubernetes/`). Here it holds every write to the schemas of
Kubernetes and of the operators, and its controllers take no time. What pods do is in `test_scaling.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import helm_python
import pytest

from tests.chart.kubernetes import ApiServer, AtOnce, Key, Manifest, Store, run_by
from tests.chart.kubernetes.helm import Helm
from tests.chart.rendering import CHART, NAME
from tests.chart.validity import faults

WORKER, JOB = "Deployment/meme-generator", "Job/meme-generator-streams"
PASSWORDS: Manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "meme-generator-nats"}}
SMALL: dict[str, Any] = {role: {"enabled": False} for role in ("workflow", "priority", "gateway")}


@dataclass
class Cluster:
    """An API server with what a user put there before, and Helm."""

    api: ApiServer
    store: Store = field(init=False)
    helm: Helm = field(init=False)
    _seen: int = 0

    def __post_init__(self) -> None:
        self.store, self.helm = self.api.store, self.api.helm(NAME)
        self.store.add(PASSWORDS, NAME)
        self.happened()

    def happened(self) -> list[str]:
        """What was written since the last call, without Helm's own memory and the status of objects."""
        events = self.store.history[self._seen :]
        self._seen = len(self.store.history)
        return [str(event) for event in events if "helm.release" not in event.key.name]

    def wanted(self) -> dict[str, Manifest]:
        """Every object without its status: what somebody asked for."""
        return {
            str(key): {name: value for name, value in found.items() if name not in {"status", "metadata"}}
            for key, found in self.store.objects.items()
        }

    def deployment(self, name: str = NAME) -> Manifest:
        return self.store.get(Key.of("Deployment", name, NAME))

    def scale(self, replicas: int) -> None:
        """What KEDA does."""
        self.store.scale(Key.of("Deployment", NAME, NAME), replicas)

    def checksums(self) -> set[str]:
        """What makes pods new when the configuration is: one value, when all roles agree."""
        templates = [each["spec"]["template"] for each in self.store.all("Deployment")]
        return {each["metadata"]["annotations"]["checksum/config"] for each in templates}


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with ApiServer(Store([_faults])) as server:
        yield server
    assert server.unknown == []


async def test_one_release_from_install_to_uninstall(api: ApiServer) -> None:
    """Each step does what it says and nothing else; in the end only the user's own objects are left."""
    run_by(AtOnce(), api.store)
    cluster = Cluster(api)

    await cluster.helm.install(CHART, NAME, {})
    installed, first = cluster.happened(), cluster.checksums()
    assert _streams_were_applied_once(installed)
    assert installed.index(f"ADDED {JOB}") > max(installed.index(f"ADDED {each}") for each in _deployments())
    assert len(first) == 1

    cluster.scale(7)
    await cluster.helm.upgrade(CHART, NAME, {"settings": {"CACHE_TTL": 600}})
    assert _streams_were_applied_once(cluster.happened())
    assert cluster.checksums().isdisjoint(first), "changed configuration starts new pods"
    assert cluster.deployment()["spec"]["replicas"] == 7, "what the autoscaler decided, stays"

    cluster.scale(0)
    before = cluster.wanted()
    cluster.happened()
    with pytest.raises(helm_python.HelmReleaseError, match=r"worker\.concurrency is 50"):
        await cluster.helm.upgrade(CHART, NAME, {"worker": {"concurrency": 50}})
    assert cluster.wanted() == before, "values that cannot work are refused before anything is written"

    await cluster.helm.rollback(NAME, 1)
    assert _streams_were_applied_once(cluster.happened()), "the older release may have had other streams"
    assert cluster.checksums() == first
    assert cluster.deployment()["spec"]["replicas"] == 0, "also when it decided for none"

    cluster.happened()
    await cluster.helm.test(NAME)
    tested = [f"Pod/{NAME}-test-{name}" for name in ("connection", "roundtrip")]
    assert [line for line in cluster.happened() if line.startswith("ADDED")] == [
        f"ADDED {pod}" for pod in tested
    ]
    assert cluster.store.all("Pod") == [], "test pods that succeeded are taken away"

    await cluster.helm.uninstall(NAME)
    assert [str(key) for key in cluster.store.objects] == ["Secret/meme-generator-nats"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"worker": {"replica": 3}}, "additional properties 'replica' not allowed"),
        ({"worker": {"concurrency": 50}}, "Lower concurrency, or raise lagThreshold"),
    ],
    ids=["schema", "validation"],
)
async def test_bad_values_leave_no_trace(api: ApiServer, values: dict[str, Any], said: str) -> None:
    """Neither an object nor a release that would have to be taken away first."""
    with pytest.raises(helm_python.HelmError, match=said):
        await api.helm(NAME).install(CHART, NAME, values, timeout=3)

    assert api.store.history == []


async def test_streams_that_cannot_be_applied_fail_the_install(api: ApiServer) -> None:
    """The release is marked as failed, and the Job stays to be looked at."""
    run_by(AtOnce(f"{NAME}-streams"), api.store)
    cluster = Cluster(api)

    with pytest.raises(helm_python.HelmReleaseError, match=r"meme-generator-streams"):
        await cluster.helm.install(CHART, NAME, SMALL)

    assert (await cluster.helm.status(NAME))["status"] == "failed"
    assert [job["metadata"]["name"] for job in api.store.all("Job")] == [f"{NAME}-streams"]


async def test_a_chart_that_writes_replicas_is_found_out(api: ApiServer) -> None:
    """Why the chart writes none when somebody else scales: such an upgrade ends in a conflict."""
    run_by(AtOnce(), api.store)
    cluster = Cluster(api)
    fixed = {**SMALL, "worker": {"autoscaling": {"mode": "none"}, "replicas": 2}}
    await cluster.helm.install(CHART, NAME, fixed)
    cluster.scale(7)

    with pytest.raises(helm_python.HelmReleaseError, match=r'conflict with "autoscaler": \.spec\.replicas'):
        await cluster.helm.upgrade(CHART, NAME, fixed)


def _faults(manifest: Manifest) -> list[str]:
    """Of everything but Helm's own memory."""
    return [] if manifest.get("type") == "helm.sh/release.v1" else faults(manifest, "1.36")


def _deployments() -> list[str]:
    return [WORKER, *(f"{WORKER}-{role}" for role in ("workflow", "priority", "gateway"))]


def _streams_were_applied_once(happened: list[str]) -> bool:
    return [line for line in happened if JOB in line] == [f"{what} {JOB}" for what in _LIFE_OF_A_JOB]


_LIFE_OF_A_JOB = ("ADDED", "MODIFIED", "DELETED")
