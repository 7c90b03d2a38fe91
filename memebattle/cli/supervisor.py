"""All of memebattle on one machine: starts the parts in order, watches them, ends them together."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from memebattle.cli.children import CannotStart, Child, ready, write_atomically
from memebattle.cli.connection import connected, jetstream, state_file
from memebattle.cli.local import NatsServer, RedisServer, gateway, worker
from memebattle.cli.ports import free_port, port_or_free

# what the shell may say about a server that is not the one started here; empty counts as not set
SOMEBODY_ELSE_S = dict.fromkeys(
    ("NATS_USER", "NATS_USERNAME", "NATS_TLS_CA_FILE", "NATS_TLS_CERT_FILE", "NATS_TLS_KEY_FILE"), ""
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start. A port of None is the usual one, or a free one when that is taken; 0 is a free one.

    Several gateways listen on consecutive ports: an `http_port` that was asked for is asked for all of them.
    """

    workers: int = 1
    http_port: int | None = None
    nats_port: int | None = None
    ws_port: int | None = None
    monitor_port: int | None = None
    redis_port: int | None = None
    metrics_port: int | None = None
    data_dir: Path | None = None
    nats_url: str | None = None
    redis_url: str | None = None
    restart: bool = False
    logs_to_files: bool = False
    gateways: int = 1
    lan: str = ""  # this machine's address for phones; then page and WebSocket listen everywhere
    environment: dict[str, str] = field(default_factory=dict)


class Stack:
    """The running parts. `report` is called with a line whenever something noteworthy happens."""

    def __init__(self, plan: Plan, directory: Path, report: Callable[[str], None]) -> None:
        self.plan, self.directory, self._report = plan, directory, report
        self.nats: NatsServer | None = None
        self.redis: RedisServer | None = None
        self.workers: list[Child] = []
        self.gateways: list[Child] = []
        self.http_ports = _http_ports(plan.http_port, plan.gateways)
        first = port_or_free(plan.metrics_port, 9090)
        self.metrics_ports = [first, *(free_port() for _ in range(plan.workers - 1))]
        self._ending = False

    @property
    def children(self) -> list[Child]:
        """Servers first: they are ended last."""
        servers = [part.child for part in (self.nats, self.redis) if part is not None]
        return [*servers, *self.workers, *self.gateways]

    @property
    def http_url(self) -> str:
        """The first gateway; any other of `http_urls` would do."""
        return self.http_urls[0]

    @property
    def http_urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.http_ports]

    @property
    def page_url(self) -> str:
        """Where people find the page: on their phones, if they are let in."""
        return f"http://{self.plan.lan}:{self.http_ports[0]}" if self.plan.lan else self.http_url

    @property
    def websocket_url(self) -> str:
        """For a browser, with its credentials; empty with somebody else's NATS."""
        return self.nats.websocket_url if self.nats else ""

    @property
    def _host(self) -> str:
        return "0.0.0.0" if self.plan.lan else "127.0.0.1"

    @property
    def nats_url(self) -> str:
        """For a person: may do everything."""
        return self.plan.nats_url or (self.nats.url() if self.nats else "")

    @property
    def redis_url(self) -> str:
        return self.plan.redis_url or (self.redis.url if self.redis else "")

    async def start(self) -> None:
        """Servers, then streams, then roles; returns when all of them are ready.

        Raises:
            CannotStart: one of them is not.
        """
        await self._start_servers()
        await self._apply_streams()
        self.workers = [
            worker(self._worker_env(number), number, self._log(f"worker-{number}"))
            for number in range(1, self.plan.workers + 1)
        ]
        self.gateways = [
            gateway(self._gateway_env(port), self._log(_gateway_name(number)), number=number)
            for number, port in enumerate(self.http_ports, start=1)
        ]
        for number, child in enumerate(self.gateways, start=1):
            child.name = _gateway_name(number)
        roles = [*self.workers, *self.gateways]
        await asyncio.gather(*(child.start() for child in roles))
        addresses = [f"http://127.0.0.1:{port}" for port in self.metrics_ports] + self.http_urls
        probes = [f"{address}/readyz" for address in addresses]
        await asyncio.gather(*(ready(url, child) for url, child in zip(probes, roles, strict=True)))

    async def stop(self) -> None:
        """Roles first and at once, so that they finish what they have; then the servers."""
        self._ending = True
        roles = [child for child in self.children if child.name not in {"nats", "redis"}]
        await asyncio.gather(*(child.stop(patience=30) for child in roles))
        for part in (self.redis, self.nats):
            if part is not None:
                await part.child.stop()

    async def watch(self) -> None:
        """Report children that end by themselves, start workers again if that was asked for.

        Raises:
            CannotStart: a part that everything depends on is gone.
        """
        watchers = {asyncio.create_task(self._watch_one(child)) for child in self.children}
        done, pending = await asyncio.wait(watchers, return_when=asyncio.FIRST_EXCEPTION)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()

    async def _watch_one(self, child: Child) -> None:
        while child.process is not None:
            code = await child.process.wait()
            if self._ending:
                return
            self._report(f"{child.name} ended with code {code}")
            if child.name in {"nats", "redis"}:
                raise CannotStart(f"{child.name} is gone\n{child.last_words()}".rstrip())
            if not self.plan.restart:
                return
            await child.start()
            self._report(f"{child.name} started again")

    def description(self) -> dict[str, object]:
        """What the ready file says; `http_urls` only where there is more than one gateway."""
        several = {"http_urls": self.http_urls} if len(self.http_urls) > 1 else {}
        return {
            "http_url": self.http_url,
            **several,
            "nats_url": self.nats_url,
            "ws_url": self.websocket_url,
            "monitor_url": self.nats.monitor_url if self.nats else "",
            "redis_url": self.redis_url,
            "metrics_urls": [f"http://127.0.0.1:{port}/metrics" for port in self.metrics_ports],
            "pids": {child.name: child.pid for child in self.children},
        }

    async def _start_servers(self) -> None:
        from memebattle.settings import Settings

        plan = self.plan
        if plan.nats_url is None:
            self.nats = NatsServer(
                self.directory / "nats",
                port_or_free(plan.nats_port, 4222),
                port_or_free(plan.ws_port, 8080),
                port_or_free(plan.monitor_port, 8222),
                domain=Settings.from_env().nats.jetstream_domain,
                websocket_host=self._host,
            )
        if plan.redis_url is None:
            self.redis = RedisServer(self.directory / "redis", port_or_free(plan.redis_port, 6379))
        await asyncio.gather(*(part.start() for part in (self.nats, self.redis) if part is not None))

    async def _apply_streams(self) -> None:
        from memebattle.bus.streams import Topology
        from memebattle.settings import Settings

        url = self.nats.url("provision") if self.nats else self.nats_url
        prefix = "_INBOX_provision" if self.nats else None
        async with connected(url, inbox_prefix=prefix, ours=self.nats is not None) as client:
            settings = Settings.from_env()
            await Topology.of(settings).apply(jetstream(client, settings))

    def _log(self, name: str) -> Path | None:
        return self.directory / f"{name}.log" if self.plan.logs_to_files else None

    def _role_env(self, role: str) -> dict[str, str]:
        env = {"LOG_FORMAT": "console", **self.plan.environment, "REDIS_URL": self.redis_url}
        if self.nats is None:
            return env | {"NATS_URL": self.nats_url}
        return (
            env | SOMEBODY_ELSE_S | {"NATS_URL": self.nats.url(role), "NATS_INBOX_PREFIX": f"_INBOX_{role}"}
        )

    def _worker_env(self, number: int) -> dict[str, str]:
        address = f"127.0.0.1:{self.metrics_ports[number - 1]}"
        return self._role_env("worker") | {"METRICS_ADDR": address}

    def _gateway_env(self, port: int) -> dict[str, str]:
        page = f"ws://{self.plan.lan or '127.0.0.1'}:{self.nats.websocket_port}" if self.nats else ""
        return self._role_env("gateway") | {
            "GATEWAY_ADDR": f"{self._host}:{port}",
            "NATS_WEBSOCKET_URL": page,
        }


def _http_ports(wanted: int | None, count: int) -> list[int]:
    """Consecutive ones; where the next is taken, a free one, unless the first was asked for by number.

    Raises:
        CannotStart: a port that was asked for is taken.
    """
    first = port_or_free(wanted, 8000)
    if wanted == 0:
        return [first, *(free_port() for _ in range(count - 1))]
    return [
        first,
        *(port_or_free(first + more if wanted else None, first + more) for more in range(1, count)),
    ]


def _gateway_name(number: int) -> str:
    return "gateway" if number == 1 else f"gateway-{number}"


@contextlib.asynccontextmanager
async def running(
    plan: Plan, report: Callable[[str], None], ready_file: Path | None = None
) -> AsyncIterator[Stack]:
    """A started stack; every child is ended with the block, also when starting failed half way."""
    with contextlib.ExitStack() as cleanup:
        directory = plan.data_dir or Path(cleanup.enter_context(_temporary()))
        directory.mkdir(parents=True, exist_ok=True)
        stack = Stack(plan, directory, report)
        try:
            await stack.start()
            for path in filter(None, (ready_file, state_file())):
                write_atomically(path, stack.description())
            yield stack
        finally:
            await asyncio.shield(stack.stop())
            state_file().unlink(missing_ok=True)


def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="memebattle-", ignore_cleanup_errors=True)
