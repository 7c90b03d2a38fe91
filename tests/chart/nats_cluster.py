"""The NATS servers of helm/infra as processes: what the pods would run, on ports of this machine.

Everything is as rendered (`nats_values.py`) but where it listens and where its files are. The names that the
servers tell about themselves stay those of the cluster; nobody here can resolve them.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memebattle.cli.children import Child, listening, stopping
from memebattle.cli.local import ROLES, accounts, nats_binary
from memebattle.cli.ports import free_port
from tests.certificates import Authority
from tests.chart.nats_values import SERVERS, Values, configuration, environment, values, written
from tests.chart.scaler import fetching
from tests.waiting import wait_until

HERE = "127.0.0.1"
CERTIFIED = ("nats.messaging.svc.cluster.local", "nats", f"*.{SERVERS}", "localhost", HERE)


@dataclass(slots=True)
class Node:
    """One server and where it listens."""

    name: str
    passwords: dict[str, str]
    port: int = field(default_factory=free_port)
    websocket_port: int = field(default_factory=free_port)
    monitor_port: int = field(default_factory=free_port)
    route_port: int = field(default_factory=free_port)
    child: Child = field(init=False)

    @property
    def host(self) -> str:
        """What it is called in the cluster."""
        return f"{self.name}.{SERVERS}"

    @property
    def monitor(self) -> str:
        return f"{HERE}:{self.monitor_port}"

    def url(self, role: str = "") -> str:
        """Where a client connects; a page without a name for `nobody`, which has no password."""
        match role:
            case "nobody":
                return f"ws://{HERE}:{self.websocket_port}"
            case "browser":
                return f"ws://browser:{self.passwords[role]}@{HERE}:{self.websocket_port}"
            case "":
                return f"nats://{HERE}:{self.port}"
            case _:
                return f"nats://{role}:{self.passwords[role]}@{HERE}:{self.port}"

    async def asked(self, path: str) -> dict[str, Any]:
        """What its monitoring says."""
        return await asyncio.to_thread(fetching({self.host: self.monitor}), f"http://{self.host}/{path}")


class Cluster:
    """The servers of nats.yaml with these overlays. Certificates are made where TLS is wanted."""

    def __init__(self, directory: Path, *overlays: str) -> None:
        self.directory, self.values = directory, values("nats.yaml", *overlays)
        self.passwords = {role: secrets.token_hex(12) for role in ROLES}
        cluster = self.values["config"]["cluster"]
        count = cluster["replicas"] if cluster["enabled"] else 1
        self.nodes = [Node(f"nats-{number}", self.passwords) for number in range(count)]
        self.authority: Authority | None = None

    @property
    def monitors(self) -> dict[str, str]:
        """Host name in the cluster -> where its monitoring is."""
        return {node.host: node.monitor for node in self.nodes}

    def write(self) -> None:
        """The files that the pods would have mounted."""
        for name in ("nats-config", "nats-auth"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        self.allow(accounts(self.passwords))
        if self.values["config"]["nats"]["tls"]["enabled"]:
            self._certify()
        for node in self.nodes:
            file = self._file(node)
            file.write_text(written(self._localised(configuration(self.values), node)))
            log = self.directory / f"{node.name}.log"
            variables = environment(self.values, node.name)
            node.child = Child(node.name, [nats_binary(), "-c", str(file)], variables, log)

    def allow(self, auth: str) -> None:
        """The content of the Secret."""
        (self.directory / "nats-auth" / "auth.conf").write_text(auth)

    async def accepts(self, node: Node) -> bool:
        """Whether `nats-server -t` finds nothing wrong."""
        check = Child("check", [*node.child.argv, "-t"], node.child.env, node.child.log)
        await check.start()
        assert check.process is not None
        return await check.process.wait() == 0

    async def start(self) -> None:
        """Start all; returns when they have chosen a leader."""
        await asyncio.gather(*(node.child.start() for node in self.nodes))
        for node in self.nodes:
            for port in (node.port, node.websocket_port, node.monitor_port):
                await listening(port, node.child)
        await wait_until(self.is_formed, "the servers to choose a leader")
        await wait_until(self._is_told, "the servers to tell about each other")

    async def is_formed(self) -> bool:
        """Whether JetStream has a leader that sees all the others."""
        if len(self.nodes) == 1:
            return True
        for node in self.nodes:
            try:
                meta = (await node.asked("jsz")).get("meta_cluster", {})
            except OSError:
                return False
            if meta.get("leader") == node.name:
                current = [each["current"] for each in meta.get("replicas", ())]
                return current == [True] * (len(self.nodes) - 1)
        return False

    async def _is_told(self) -> bool:
        told = [(await node.asked("varz")).get("connect_urls") or [] for node in self.nodes]
        expected = 0 if len(self.nodes) == 1 else len(self.nodes)
        return [len(each) for each in told] == [expected] * len(self.nodes)

    def _file(self, node: Node) -> Path:
        return self.directory / "nats-config" / f"{node.name}.conf"

    def _certify(self) -> None:
        self.authority = Authority(self.directory / "authority")
        ca = self.directory / "nats-ca-cert"
        ca.mkdir()
        shutil.copy(self.authority.certificate, ca / "ca.crt")
        for use in ("nats", "cluster"):
            pair, mounted = self.authority.issue(use, *CERTIFIED), self.directory / "nats-certs" / use
            mounted.mkdir(parents=True)
            shutil.copy(pair.certificate, mounted / "tls.crt")
            shutil.copy(pair.key, mounted / "tls.key")

    def _localised(self, document: Values, node: Node) -> Values:
        document |= {"host": HERE, "port": node.port, "http_port": node.monitor_port}
        document["pid_file"] = str(self.directory / f"{node.name}.pid")
        document["jetstream"]["store_dir"] = str(self.directory / node.name)
        document["websocket"] |= {"host": HERE, "port": node.websocket_port}
        if "cluster" in document:
            routes = [self._route(each) for each in document["cluster"]["routes"]]
            document["cluster"] |= {"host": HERE, "port": node.route_port, "routes": routes}
        for tls in (document.get("tls", {}), document.get("cluster", {}).get("tls", {})):
            for key in tls.keys() & {"cert_file", "key_file", "ca_file"}:
                tls[key] = tls[key].replace("/etc", str(self.directory), 1)
        return document

    def _route(self, rendered: str) -> str:
        found = re.fullmatch(rf"(nats|tls)://(nats-\d)\.{re.escape(SERVERS)}:6222", rendered)
        assert found, rendered
        node = next(each for each in self.nodes if each.name == found[2])
        return f"{found[1]}://{HERE}:{node.route_port}"


@contextlib.asynccontextmanager
async def running(directory: Path, *overlays: str) -> AsyncIterator[Cluster]:
    """Servers that have found each other, until the end of the block."""
    cluster = Cluster(directory, *overlays)
    cluster.write()
    async with stopping(*(node.child for node in cluster.nodes)):
        await cluster.start()
        yield cluster
