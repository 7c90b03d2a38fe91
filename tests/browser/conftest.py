"""A real Chromium before a real stack: NATS with WebSocket, Valkey, a worker, a gateway, the built page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from memebattle.cli.children import Child, ready, stopping
from memebattle.cli.local import NatsServer, RedisServer, free_port, gateway, worker
from memebattle.gateway.web import STATIC

CHROMIUM = Path("/usr/bin/chromium")
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


@pytest.fixture
async def stack(nats_server: NatsServer, redis_server: RedisServer, tmp_path: Path) -> AsyncIterator[Stack]:
    """Everything on loopback, drawn by the offline artist."""
    port, probes = free_port(), free_port()
    common = {"REDIS_URL": redis_server.url, "IMAGE_PROVIDER": "artist"}
    drawing = worker(
        common
        | {
            "NATS_URL": nats_server.url("worker"),
            "NATS_INBOX_PREFIX": "_INBOX_worker",
            "METRICS_ADDR": f"127.0.0.1:{probes}",
        },
        1,
        tmp_path / "worker.log",
    )
    serving = gateway(
        common
        | {
            "NATS_URL": nats_server.url("gateway"),
            "NATS_INBOX_PREFIX": "_INBOX_gateway",
            "NATS_WEBSOCKET_URL": f"ws://127.0.0.1:{nats_server.websocket_port}",
            "GATEWAY_ADDR": f"127.0.0.1:{port}",
        },
        tmp_path / "gateway.log",
    )
    async with stopping(drawing, serving):
        await drawing.start()
        await serving.start()
        await ready(f"http://127.0.0.1:{probes}/readyz", drawing)
        await ready(f"http://127.0.0.1:{port}/readyz", serving)
        yield Stack(nats_server, drawing, serving, f"http://127.0.0.1:{port}")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
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
async def page(browser: Browser, stack: Stack) -> AsyncIterator[Page]:
    """The page, open and live; an exception in it fails the test."""
    page = await browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(stack.url)
    await page.locator('.pill[data-state="live"]').wait_for()
    yield page
    assert faults == []
