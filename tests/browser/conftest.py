"""A real Chromium before a real stack: NATS with WebSocket, Valkey, a worker, a gateway, the built page."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from memebattle.cli.children import Child, ready, stopping
from memebattle.cli.local import NatsServer, RedisServer, gateway, worker
from memebattle.cli.ports import free_port
from memebattle.gateway.web import STATIC
from tests.browser.devices import Devices, devices_of
from tests.conftest import CHROMIUM

# a browser that minds its own business: without these it looks up its maker's hosts at every start
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Stack:
    """What a page needs."""

    nats: NatsServer
    worker: Child
    gateway: Child
    url: str
    worker_probe: str

    async def kill_worker(self) -> None:
        """As a machine that loses power."""
        self.worker.signal(signal.SIGKILL)
        await self.worker.stop()

    async def start_worker(self) -> None:
        await self.worker.start()
        await ready(self.worker_probe, self.worker)


@contextlib.asynccontextmanager
async def serving(nats: NatsServer, redis: RedisServer, directory: Path) -> AsyncIterator[Stack]:
    """A worker and a gateway on these servers, everything on loopback, drawn by the offline artist."""
    port, probes = free_port(), free_port()
    common = {"REDIS_URL": redis.url, "IMAGE_PROVIDER": "artist"}
    drawing = worker(
        common
        | {
            "NATS_URL": nats.url("worker"),
            "NATS_INBOX_PREFIX": "_INBOX_worker",
            "METRICS_ADDR": f"127.0.0.1:{probes}",
        },
        1,
        directory / "worker.log",
    )
    answering = gateway(
        common
        | {
            "NATS_URL": nats.url("gateway"),
            "NATS_INBOX_PREFIX": "_INBOX_gateway",
            "NATS_WEBSOCKET_URL": f"ws://127.0.0.1:{nats.websocket_port}",
            "GATEWAY_ADDR": f"127.0.0.1:{port}",
        },
        directory / "gateway.log",
    )
    async with stopping(drawing, answering):
        await drawing.start()
        await answering.start()
        stack = Stack(
            nats, drawing, answering, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{probes}/readyz"
        )
        await ready(stack.worker_probe, drawing)
        await ready(f"{stack.url}/readyz", answering)
        yield stack


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, headless."""
    if not CHROMIUM.exists():
        pytest.fail(f"no {CHROMIUM}: apt-get install --no-install-recommends chromium")
    if not (STATIC / "app" / "index.html").exists():
        pytest.fail("the page was not built: make frontend")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def stack(nats_server: NatsServer, redis_server: RedisServer, tmp_path: Path) -> AsyncIterator[Stack]:
    """One of this test's own."""
    async with serving(nats_server, redis_server, tmp_path) as stack:
        yield stack


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """One of this test's own."""
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def arena(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """One for all battles: they do not meet."""
    directory = tmp_path_factory.mktemp("arena")
    nats, redis = NatsServer(directory / "nats"), RedisServer(directory / "redis")
    async with stopping(nats.child, redis.child):
        await nats.start()
        await redis.start()
        async with serving(nats, redis, directory) as stack:
            yield stack


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def battle_browser() -> AsyncIterator[Browser]:
    """One for all battles."""
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def devices(battle_browser: Browser, arena: Stack) -> AsyncIterator[Devices]:
    """Phones and screens that are put away with the test."""
    async with devices_of(battle_browser, arena.url) as devices:
        yield devices


@pytest.fixture
async def page(browser: Browser, stack: Stack) -> AsyncIterator[Page]:
    """The page, open and live; an exception in it fails the test."""
    page = await browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(stack.url)
    await page.locator('.pill[data-state="live"]').wait_for()
    yield page
    assert faults == []
