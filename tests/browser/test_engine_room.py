"""The engine room on the host's screen: a storm, and the platform that lives through it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Stack
from tests.browser.devices import Devices
from tests.browser.players import PATIENCE, company

pytestmark = pytest.mark.asyncio(loop_scope="session")

STORM = 60
REMEMBER_LAG = """() => {
    const lag = document.querySelector('[data-testid="lag"]');
    window.highest = 0;
    new MutationObserver(() => { window.highest = Math.max(window.highest, Number(lag.textContent) || 0); })
        .observe(lag, { characterData: true, childList: true, subtree: true });
}"""


async def test_a_storm_is_answered_in_full(devices: Devices, arena: Stack) -> None:
    """The backlog rises and falls, the worker is seen at work, and every request has its answer."""
    async with company(arena) as battle:
        host = await devices.open(f"#/host/{battle.code}", token=battle.host, code=battle.code)
        await host.get_by_role("button", name="Engine room").click()
        painter = host.locator('.painter[data-worker="worker-1"]')
        await expect(painter).to_have_attribute("data-state", re.compile("idle|new"), timeout=PATIENCE)
        await expect(host.get_by_test_id("lag")).to_have_text("0", timeout=PATIENCE)
        await host.evaluate(REMEMBER_LAG)

        await host.get_by_test_id(f"storm-{STORM}").click()

        await expect(painter).to_have_attribute("data-state", "busy", timeout=PATIENCE)
        await expect(host.locator(".storm-words")).to_have_text(
            f"{STORM} of {STORM} answered.", timeout=2 * PATIENCE
        )
        await expect(host.get_by_test_id("lag")).to_have_text("0", timeout=PATIENCE)
        await expect(painter).to_have_attribute("data-state", "idle", timeout=PATIENCE)
        assert await host.evaluate("window.highest") > 0
        await expect(host.locator('[role="status"][aria-live="polite"]')).to_contain_text("The storm is over")
