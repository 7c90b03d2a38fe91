"""The values for the charts of others say what the documents ask for, under keys that those charts read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

INFRA = Path(__file__).parents[2] / "helm" / "infra"


def values_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((INFRA / name).read_text())
    return found


@pytest.fixture(scope="module")
def nats() -> dict[str, Any]:
    return values_of("nats.yaml")


def test_the_numbers_of_the_document(nats: dict[str, Any]) -> None:
    """Three servers, 2Gi of memory and 10Gi of disk for streams each, on claims of the document's name."""
    cluster, jetstream = nats["config"]["cluster"], nats["config"]["jetstream"]

    assert (cluster["enabled"], cluster["replicas"]) == (True, 3)
    assert (jetstream["enabled"], jetstream["memoryStore"]["maxSize"]) == (True, "2Gi")
    claim = jetstream["fileStore"]["pvc"]
    assert (claim["enabled"], claim["name"], claim["size"]) == (True, "nats-js-pvc", "10Gi")


def test_the_storage_class_is_the_cluster_s_own_unless_named(nats: dict[str, Any]) -> None:
    """On minikube that is `standard`, as the document says."""
    assert nats["config"]["jetstream"]["fileStore"]["pvc"].get("storageClassName", "standard") == "standard"


def test_monitoring_is_where_the_document_forwards_to(nats: dict[str, Any]) -> None:
    """`svc/nats 8222:8222`: the chart leaves that port out of the Service unless it is told to."""
    assert (nats["config"]["monitor"]["enabled"], nats["config"]["monitor"]["port"]) == (True, 8222)
    assert nats["service"]["ports"]["monitor"]["enabled"] is True


def test_prometheus_is_served(nats: dict[str, Any]) -> None:
    assert nats["promExporter"]["enabled"] is True


def test_a_message_may_be_as_large_as_the_workers_expect(nats: dict[str, Any]) -> None:
    assert nats["config"]["merge"]["max_payload"] == "<< 1MB >>"


def test_a_memory_limit_leaves_room_for_the_streams_in_memory(nats: dict[str, Any]) -> None:
    assert nats["container"]["resources"]["limits"]["memory"] == "3Gi"
    assert nats["container"]["env"]["GOMEMLIMIT"] == "2800MiB"
