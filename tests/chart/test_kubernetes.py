"""The API server in memory: where it is strict like a real one, and that it says what it does not know."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.chart.kubernetes import ApiServer, Event, Key, Refused, Store
from tests.chart.kubernetes.protobuf import MAGIC, UnknownMessage, decoded
from tests.waiting import wait_until

APPLY = {"content-type": "application/apply-patch+yaml"}
KEY = Key.of("Deployment", "app", "ns")


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def http(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    async with ApiServer(store) as api, httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}") as client:
        yield client


async def test_who_applies_says_all_he_wants(store: Store) -> None:
    """What he leaves out goes; what he never named stays, whoever wrote it."""
    store.apply(KEY, {"spec": {"paused": True, "strategy": {"type": "Recreate"}}}, "helm")
    store.scale(KEY, 7)

    store.apply(KEY, {"spec": {"paused": True}}, "helm")

    assert store.get(KEY)["spec"] == {"paused": True, "replicas": 7}


async def test_taking_a_field_from_somebody_is_a_conflict(store: Store) -> None:
    """Unless he wants the same, or insists."""
    store.apply(KEY, {"spec": {"replicas": 2}}, "helm")
    store.scale(KEY, 7)

    with pytest.raises(Refused, match=r'conflict with "autoscaler": \.spec\.replicas'):
        store.apply(KEY, {"spec": {"replicas": 2}}, "helm")
    assert store.get(KEY)["spec"]["replicas"] == 7

    store.apply(KEY, {"spec": {"replicas": 7}}, "helm")
    store.apply(KEY, {"spec": {"replicas": 2}}, "helm", force=True)
    assert store.get(KEY)["spec"]["replicas"] == 2


async def test_only_changes_are_told(store: Store) -> None:
    """And only a change of the spec makes a new generation."""
    told: list[Event] = []
    store.subscribe(told.append)
    for _ in range(2):
        store.apply(KEY, {"spec": {"paused": True}}, "helm")
        store.set_status(KEY, {"replicas": 1})
    await asyncio.sleep(0)

    assert [str(event) for event in told] == ["ADDED Deployment/app", "MODIFIED Deployment/app"]
    assert store.get(KEY)["metadata"]["generation"] == 1


async def test_what_is_not_valid_is_not_written(store: Store, http: httpx.AsyncClient) -> None:
    store.validators.append(lambda manifest: ["too long"] if len(manifest["data"]["word"]) > 3 else [])
    path = "/api/v1/namespaces/ns/configmaps/words"

    for word, status in (("far too long", 422), ("ok", 201), ("far too long", 422)):
        answer = await http.patch(path, json={"data": {"word": word}, **_named("words")}, headers=APPLY)
        assert answer.status_code == status

    assert (await http.get(path)).json()["data"] == {"word": "ok"}


async def test_a_watch_tells_what_there_is_and_what_happens(store: Store, http: httpx.AsyncClient) -> None:
    """Objects first, then a bookmark, then changes; of this namespace and these labels only."""
    for name, namespace in (("first", "ns"), ("elsewhere", "other")):
        store.add(_secret(name, here="yes"), namespace)
    query = {"watch": "true", "sendInitialEvents": "true", "labelSelector": "here=yes,gone!=yes"}
    async with http.stream("GET", "/api/v1/namespaces/ns/secrets", params=query) as answer:
        lines = answer.aiter_lines()
        seen = [json.loads(await anext(lines)) for _ in range(2)]
        store.add(_secret("unlabelled"), "ns")
        store.add(_secret("second", here="yes"), "ns")
        store.delete(Key.of("Secret", "second", "ns"))
        seen += [json.loads(await anext(lines)) for _ in range(2)]

    assert [(each["type"], each["object"]["metadata"].get("name")) for each in seen] == [
        ("ADDED", "first"),
        ("BOOKMARK", None),
        ("ADDED", "second"),
        ("DELETED", "second"),
    ]
    await wait_until(lambda: not store._listeners, "the watch to end with its client")


async def test_what_it_does_not_know_it_says(store: Store) -> None:
    """To the client, and to the test."""
    async with ApiServer(store) as api, httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}") as client:
        store.add(_secret("here"), "ns")
        answers = [
            await client.get("/apis/example.org/v1/namespaces/ns/cats"),
            await client.patch(
                "/api/v1/namespaces/ns/secrets/here", json=[], headers={"content-type": "odd"}
            ),
            await client.put("/api/v1/namespaces/ns/secrets/here/status", json={}),
        ]

        assert [answer.status_code for answer in answers] == [404, 404, 404]
        assert [line.rpartition(": ")[2] for line in api.unknown] == [
            "nothing is known at /apis/example.org/v1/namespaces/ns/cats",
            "no PATCH with odd here",
            "no PUT status here",
        ]
        assert answers[0].json()["message"].endswith("ns/cats")


async def test_missing_and_existing_objects(store: Store, http: httpx.AsyncClient) -> None:
    """Helm decides by the reasons of these refusals."""
    secrets = "/api/v1/namespaces/ns/secrets"
    created = [await http.post(secrets, json=_secret("one")) for _ in range(2)]

    assert [answer.status_code for answer in created] == [201, 409]
    assert created[1].json()["reason"] == "AlreadyExists"
    assert (await http.get(f"{secrets}/two")).json()["reason"] == "NotFound"
    assert (await http.delete(f"{secrets}/two")).status_code == 404


def test_protocol_buffers_of_other_kinds_are_refused() -> None:
    """A ConfigMap: bytes 0a 0f, then `v1` and `ConfigMap` as fields 1 and 2 of the type."""
    meta = b"\x0a\x02v1\x12\x09ConfigMap"

    with pytest.raises(UnknownMessage, match="not ConfigMap of v1"):
        decoded(MAGIC + b"\x0a" + bytes([len(meta)]) + meta)


def _named(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


def _secret(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", **_named(name, **labels)}
