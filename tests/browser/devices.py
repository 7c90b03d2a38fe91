"""Phones and screens: contexts of one browser, each with a storage of its own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize

PHONE: ViewportSize = {"width": 360, "height": 740}
SCREEN: ViewportSize = {"width": 1280, "height": 720}


@dataclass
class Devices:
    """Opens pages, and remembers what went wrong in them."""

    browser: Browser
    url: str
    contexts: list[BrowserContext] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def open(self, room: str, *, token: str = "", code: str = "", **options: Any) -> Page:
        """A device in this room; with a token it has that seat of that battle."""
        context = await self.browser.new_context(**{"viewport": SCREEN, **options})
        self.contexts.append(context)
        if token:
            seat = [f"memebattle:seat:{code}", token]
            await context.add_init_script(f"localStorage.setItem(...{json.dumps(seat)})")
        page = await context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        await page.goto(f"{self.url}/{room}")
        return page


@contextlib.asynccontextmanager
async def devices_of(browser: Browser, url: str) -> AsyncIterator[Devices]:
    """Devices that are put away at the end; no exception may have been thrown in any."""
    devices = Devices(browser, url)
    try:
        yield devices
    finally:
        for context in devices.contexts:
            await context.close()
    assert devices.faults == []
