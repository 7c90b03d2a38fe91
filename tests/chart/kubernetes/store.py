"""The objects, and who hears of their changes.

Every write passes the validators, which may refuse it, gets a new version, is noted in `history` and told to
everybody who subscribed: watches and controllers. They are told in the next turn of the event loop, so
whoever wrote has his answer before a controller writes a status.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from tests.chart.kubernetes.ownership import Conflict, Owners, apply, merged, take_over
from tests.chart.kubernetes.resources import Resource, resource_of

type Manifest = dict[str, Any]
type Validator = Callable[[Manifest], Iterable[str]]
type Change = Literal["ADDED", "MODIFIED", "DELETED"]

CREATED_AT = "2026-01-01T00:00:00Z"  # nothing here depends on when


class Refused(Exception):
    """A request the API server does not carry out; `reason` is what clients compare."""

    def __init__(self, status: HTTPStatus, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message

    def body(self) -> Manifest:
        """What a client reads."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "reason": self.reason,
            "message": self.message,
            "code": int(self.status),
        }


@dataclass(frozen=True, slots=True)
class Key:
    """Where an object is; `namespace` is empty for kinds without one."""

    resource: Resource
    namespace: str
    name: str

    @classmethod
    def of(cls, kind: str, name: str, namespace: str = "") -> Key:
        return cls(resource_of(kind), namespace, name)

    def __str__(self) -> str:
        return f"{self.resource.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Event:
    """A change, and the object after it (before it, when it was deleted)."""

    change: Change
    key: Key
    object: Manifest

    def __str__(self) -> str:
        return f"{self.change} {self.key}"


@dataclass
class Store:
    """All objects of the cluster. Reading gives the object itself: change it only through a method."""

    validators: list[Validator] = field(default_factory=list)
    objects: dict[Key, Manifest] = field(default_factory=dict)
    history: list[Event] = field(default_factory=list)
    logs: dict[Key, str] = field(default_factory=dict)  # what pods said
    version: int = 0
    _owners: dict[Key, Owners] = field(default_factory=dict)
    _listeners: list[Callable[[Event], object]] = field(default_factory=list)

    def get(self, key: Key) -> Manifest:
        """The object.

        Raises:
            Refused: there is none.
        """
        if key not in self.objects:
            where = key.resource
            raise Refused(HTTPStatus.NOT_FOUND, "NotFound", f'{where.plural} "{key.name}" not found')
        return self.objects[key]

    def all(self, kind: str, namespace: str = "") -> list[Manifest]:
        """The objects of a kind, of one namespace or of all."""
        return [
            found
            for key, found in self.objects.items()
            if key.resource.kind == kind and namespace in {"", key.namespace}
        ]

    def create(self, key: Key, manifest: Manifest) -> Manifest:
        """A new object.

        Raises:
            Refused: it exists, or is not valid.
        """
        if key in self.objects:
            raise Refused(
                HTTPStatus.CONFLICT, "AlreadyExists", f'{key.resource.plural} "{key.name}" already exists'
            )
        self._admit(manifest)
        return self._write(key, manifest)

    def add(self, manifest: Manifest, namespace: str = "") -> Manifest:
        """A new object, as `kubectl create -n namespace` would make it."""
        return self.create(Key.of(manifest["kind"], manifest["metadata"]["name"], namespace), manifest)

    def replace(self, key: Key, manifest: Manifest, manager: str = "update") -> Manifest:
        """Another object in the place of the one there is."""
        before = self.get(key)
        self._admit(manifest)
        take_over(before, manifest, self._owners.setdefault(key, {}), manager)
        return self._write(key, manifest)

    def patch(self, key: Key, changes: Manifest, manager: str = "patch") -> Manifest:
        """A JSON merge patch, also of the status."""
        before = self.get(key)
        after = merged(before, changes)
        take_over(before, after, self._owners.setdefault(key, {}), manager)
        return self._write(key, after)

    def apply(self, key: Key, wanted: Manifest, manager: str, *, force: bool = False) -> Manifest:
        """Server-side apply; makes the object when there is none.

        Raises:
            Refused: it is not valid, or fields of it belong to somebody else.
        """
        self._admit(wanted)
        owners = dict(self._owners.get(key, {}))
        try:
            after = apply(self.objects.get(key, {}), wanted, owners, manager, force=force)
        except Conflict as conflict:
            raise Refused(HTTPStatus.CONFLICT, "Conflict", f"Apply failed: {conflict}") from None
        self._owners[key] = owners
        return self._write(key, after)

    def scale(self, key: Key, replicas: int) -> None:
        """What an autoscaler does, through the subresource `scale`."""
        if self.get(key)["spec"]["replicas"] != replicas:
            self.patch(key, {"spec": {"replicas": replicas}}, "autoscaler")

    def set_status(self, key: Key, status: Manifest) -> None:
        """What a controller says; nothing is written when it says nothing new or the object is gone."""
        found = self.objects.get(key)
        if found is not None and found.get("status") != status:
            self._write(key, {**found, "status": status})

    def delete(self, key: Key) -> Manifest:
        """The object that was there."""
        found = self.get(key)
        del self.objects[key]
        self._owners.pop(key, None)
        self.version += 1
        found["metadata"]["resourceVersion"] = str(self.version)
        self._tell(Event("DELETED", key, found))
        return found

    def _admit(self, manifest: Manifest) -> None:
        faults = [fault for validator in self.validators for fault in validator(manifest)]
        if faults:
            name = f"{manifest.get('kind')} {manifest['metadata']['name']}"
            raise Refused(
                HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", f"{name} is invalid: {'; '.join(faults)}"
            )

    def _write(self, key: Key, manifest: Manifest) -> Manifest:
        before = self.objects.get(key)
        after = _completed(key, manifest, before)
        if before is not None and after == before:
            return before  # no change, no new version
        self.version += 1
        after["metadata"]["resourceVersion"] = str(self.version)
        self.objects[key] = after
        self._tell(Event("MODIFIED" if before else "ADDED", key, after))
        return after

    def subscribe(self, listener: Callable[[Event], object]) -> Callable[[], None]:
        """Call `listener` for every change from now on; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self, event: Event) -> None:
        self.history.append(event)
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.call_soon(listener, event)


def _completed(key: Key, manifest: Manifest, before: Manifest | None) -> Manifest:
    """A copy with what an API server adds: identity, generation, and the defaults that matter here."""
    after = copy.deepcopy(manifest)
    after |= {"apiVersion": key.resource.api, "kind": key.resource.kind}
    known: Manifest = (
        before["metadata"] if before else {"uid": str(uuid.uuid4()), "creationTimestamp": CREATED_AT}
    )
    metadata = after.setdefault("metadata", {})
    metadata |= {"name": key.name, "uid": known["uid"], "creationTimestamp": known["creationTimestamp"]}
    if key.namespace:
        metadata["namespace"] = key.namespace
    if key.resource.kind == "Deployment":
        after["spec"].setdefault("replicas", 1)
    if key.resource.kind == "Secret" and (written := after.pop("stringData", None)):
        encoded = {name: base64.b64encode(text.encode()).decode() for name, text in written.items()}
        after["data"] = {**after.get("data", {}), **encoded}
    has_changed = before is None or before.get("spec") != after.get("spec")
    metadata |= {
        "generation": known.get("generation", 0) + int(has_changed),
        "resourceVersion": known.get("resourceVersion", ""),
    }
    return after
