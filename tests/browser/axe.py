"""What axe-core finds in a page, by the rules of WCAG 2.2 up to AA."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

SOURCE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
CHECK = """async () => {
    const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const { violations } = await axe.run(document, { runOnly, resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, any, all }) => {
        const [reason] = [...any, ...all].map(({ message }) => message);
        return `${id} at ${target.join(" ")}: ${reason}`;
    }));
}"""
# under the bar that sticks to the lower edge of a phone nothing is as large as it is
TO_THE_END = "() => window.scrollTo(0, document.documentElement.scrollHeight)"


async def violations(page: Page) -> list[str]:
    """Each with the rule, the element, and why. Scrolls to the end of the page."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(_source())
    await page.evaluate(TO_THE_END)
    found: list[Any] = await page.evaluate(CHECK)
    return [str(each) for each in found]


@cache
def _source() -> str:
    if not SOURCE.exists():
        pytest.fail("no axe-core: npm ci in frontend/")
    return SOURCE.read_text()
