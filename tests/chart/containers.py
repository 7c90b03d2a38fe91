"""A container of a rendered pod as a process of this machine.

What the container runtime and the cluster's network do, without either: the variables come from the objects
in the API server, the program is the one of the same name in this environment, names of services become local
addresses, and each container listens on ports of its own, because all of them share one machine. The process
sees exactly the variables that the pod gets, and none of ours.
"""

from __future__ import annotations

import base64
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memebattle.cli.children import Child
from memebattle.cli.ports import free_port
from tests.chart.pods import FieldPath, Pod, SecretKey, Value, environment

type Object = dict[str, Any]

LISTENING = ("METRICS_ADDR", "GATEWAY_ADDR")  # what our programs listen on, `host:port`
PROGRAMS = Path(sys.executable).parent


class CannotRun(Exception):
    """The pod would not start in a cluster either; the message is what `kubectl describe` would say."""


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine, as pods see it.

    `addresses` says where the services of other namespaces are: `nats.messaging.svc.cluster.local:4222` ->
    `127.0.0.1:14222`. Logs go into `directory`.
    """

    addresses: Mapping[str, str]
    directory: Path

    def image_environment(self) -> dict[str, str]:
        """What the Dockerfile sets."""
        return {
            "PATH": f"{PROGRAMS}:/usr/bin:/bin",
            "HOME": str(self.directory),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def moved(self, value: str) -> str:
        """A value with local addresses in the place of the cluster's, the longest names first."""
        for name in sorted(self.addresses, key=len, reverse=True):
            value = value.replace(name, self.addresses[name])
        return value


@dataclass(frozen=True, slots=True)
class Container:
    """The first container of a pod, ready to be started as often as it takes.

    `ports` are those that it listens on: the container's -> ours.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    ports: Mapping[int, int]
    spec: Object
    log: Path

    @classmethod
    def of(cls, pod: Pod, name: str, objects: Sequence[Object], machine: Machine) -> Container:
        """What `pod`, called `name`, would run among these objects of its namespace.

        Raises:
            CannotRun: something it names is not there.
        """
        spec = pod.spec["containers"][0]
        env = machine.image_environment() | {
            variable: machine.moved(_resolved(value, name, pod, objects))
            for variable, value in environment(pod, 0, objects).items()
            if not _is_left_out(value, objects)
        }
        ports = {}
        for variable in LISTENING:
            if variable in env:
                port = int(env[variable].rpartition(":")[2])
                ports[port] = free_port()
                env[variable] = f"127.0.0.1:{ports[port]}"
        return cls(_argv(spec), env, ports, spec, machine.directory / f"{name}.log")

    def process(self) -> Child:
        """Not started yet."""
        return Child(self.log.stem, self.argv, self.env, self.log, inherits=False)

    def probe(self, kind: str) -> str | None:
        """The address that a probe asks, or None when the container has no such probe."""
        if kind not in self.spec:
            return None
        asked = self.spec[kind]["httpGet"]
        return f"http://127.0.0.1:{self.local_port(asked['port'])}{asked['path']}"

    def local_port(self, port: int | str) -> int:
        """Where a port of the container, by name or by number, is on this machine.

        Raises:
            CannotRun: it has no such port, or nothing of ours listens there.
        """
        named: dict[str, int] = {each["name"]: each["containerPort"] for each in self.spec.get("ports", [])}
        number = named.get(port, 0) if isinstance(port, str) else port
        if number not in self.ports:
            raise CannotRun(f"nothing listens on port {port}; there is {', '.join(map(str, self.ports))}")
        return self.ports[number]

    def pre_stop(self) -> Child | None:
        """What runs before SIGTERM, if anything."""
        command = self.spec.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command")
        return Child("preStop", _argv({"command": command}), self.env, inherits=False) if command else None


def _argv(spec: Object) -> list[str]:
    command = [*spec["command"], *spec.get("args", [])]
    program = shutil.which(command[0], path=str(PROGRAMS))
    if program is None:
        raise CannotRun(f'exec: "{command[0]}": executable file not found in $PATH')
    return [program, *command[1:]]


def _resolved(value: Value, name: str, pod: Pod, objects: Iterable[Object]) -> str:
    match value:
        case SecretKey(secret, key):
            found = _secret(secret, objects).get(key)
            if found is None:
                raise CannotRun(f"couldn't find key {key} in Secret {secret}")
            return found
        case FieldPath("metadata.name"):
            return name
        case FieldPath("metadata.namespace"):
            return str(pod.owner["metadata"]["namespace"])
        case FieldPath(path):
            raise CannotRun(f"no {path} on this machine")
        case _:
            return value


def _is_left_out(value: Value, objects: Iterable[Object]) -> bool:
    """An optional key that is not there is no variable at all."""
    match value:
        case SecretKey(secret, key, optional=True):
            return key not in _secret(secret, objects)
    return False


def _secret(name: str, objects: Iterable[Object]) -> dict[str, str]:
    """Its content, decoded; nothing when there is no such Secret."""
    for found in objects:
        if found["kind"] == "Secret" and found["metadata"]["name"] == name:
            encoded = found.get("data", {})
            return {key: base64.b64decode(value).decode() for key, value in encoded.items()}
    return {}
