"""Every room and every phase, on a phone and on a desk, by day and by night: no barrier, nothing cut off.

A picture of each is left in `out/screenshots/`, for eyes.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.browser.axe import violations
from tests.browser.conftest import Stack
from tests.browser.devices import PHONE, SCREEN, Devices
from tests.browser.players import PATIENCE, Player, company, is_live, is_on_screen

pytestmark = pytest.mark.asyncio(loop_scope="session")

PICTURES = Path(__file__).parents[2] / "out" / "screenshots"
SIZES: dict[str, ViewportSize] = {"phone": PHONE, "desk": SCREEN}
LIGHTS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
ROOMS = ("", "battle", "chat", "priority", "engine")


async def barriers(page: Page, name: str, home: str) -> list[str]:
    """What is wrong with this page at either size, by day and by night; back to the size it had at `home`."""
    found: list[str] = []
    for (size, viewport), light in product(SIZES.items(), LIGHTS):
        await page.set_viewport_size(viewport)
        # what is still moving while it is looked at is neither here nor there
        await page.emulate_media(color_scheme=light, reduced_motion="reduce")
        found += [f"{name}, {size}, {light}: {each}" for each in await violations(page)]
        if (
            size == "phone"
            and await page.locator("html").evaluate("(html) => html.scrollWidth") > PHONE["width"]
        ):
            found.append(f"{name}, {light}: scrolls sideways")
        await page.evaluate("() => window.scrollTo(0, 0)")
        if size == home:
            sticks = await page.locator(".bar").count() > 0  # in the middle of a picture of the whole
            whole = size == "phone" and not sticks
            await page.screenshot(path=PICTURES / f"{name}-{light}.png", full_page=whole)
    await page.set_viewport_size(SIZES[home])
    return found


async def test_no_room_has_a_barrier(devices: Devices) -> None:
    found: list[str] = []
    page = await devices.open("#/")
    for room in ROOMS:
        await page.goto(f"{devices.url}/#/{room}")
        await is_live(page)
        await expect(page.locator("h1")).to_have_count(1, timeout=PATIENCE)
        found += await barriers(page, f"room-{room or 'memes'}", "phone")
    assert "\n".join(found) == ""


async def test_no_question_and_no_complaint_has_a_barrier(devices: Devices, arena: Stack) -> None:
    """What is only seen when something is about to go wrong, or has."""
    found: list[str] = []
    page = await devices.open("#/")
    await is_live(page)
    line = page.get_by_label("What shall we make fun of?")
    for prompt in ("a cat", "another cat"):
        await line.fill(prompt)
        await page.keyboard.press("Enter")
    await expect(page.locator('.card[data-phase="done"]')).to_have_count(2, timeout=PATIENCE)
    await line.fill("   ")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Type a line")
    found += await barriers(page, "wrong-line", "phone")
    await page.get_by_role("button", name="Put all away").click()
    found += await barriers(page, "question-memes", "phone")

    unknown = await devices.open("#/battle/ZZZZ")
    await expect(unknown.get_by_role("heading", name="No such battle")).to_be_visible(timeout=PATIENCE)
    found += await barriers(unknown, "wrong-code", "phone")

    async with company(arena, "Bea") as battle:
        host = await devices.open(f"#/host/{battle.code}", token=battle.host, code=battle.code)
        await host.get_by_role("button", name="End", exact=True).click(timeout=PATIENCE)
        found += await barriers(host, "question-host", "desk")
        guest = await devices.open(f"#/battle/{battle.code}")
        await guest.get_by_label("Your name").fill("bea")
        await guest.get_by_role("button", name="Join the battle").click(timeout=PATIENCE)
        await expect(guest.get_by_role("alert")).to_contain_text("called that already", timeout=PATIENCE)
        found += await barriers(guest, "wrong-name", "phone")
    assert "\n".join(found) == ""


async def test_no_phase_of_a_battle_has_a_barrier(devices: Devices, arena: Stack) -> None:
    """The phone of somebody who plays, the host's screen with everything open, and the one for the room."""
    found: list[str] = []
    async with company(arena, "Bea", "Cem", "Dan", approve=True, reveal_seconds=25) as battle:
        host = await devices.open(f"#/host/{battle.code}", token=battle.host, code=battle.code)
        screen = await devices.open(f"#/tv/{battle.code}")
        ada = Player(await devices.open(f"#/battle/{battle.code}", viewport=PHONE), "Ada")
        await expect(ada.page.locator(".join")).to_be_visible(timeout=PATIENCE)
        found += await barriers(ada.page, "phone-join", "phone")
        await ada.join()
        for panel in ("Lists", "Engine room"):
            await host.get_by_role("button", name=panel).click()
        async for phase in battle.phases((ada, "when the pipeline is green | and nobody knows why")):
            await ada.arrives(phase)
            if phase == "vote":
                await ada.next_pair("")
            for page in (host, screen):
                await is_on_screen(page, phase)
            if phase == "reveal":
                await expect(screen.locator(".reveal")).to_have_attribute(
                    "data-whole", "true", timeout=PATIENCE
                )
                await expect(ada.page.locator(".board")).to_be_visible(timeout=PATIENCE)
                await battle.order("extend", seconds=300)
            for name, page, home in (
                ("phone", ada.page, "phone"),
                ("host", host, "desk"),
                ("tv", screen, "desk"),
            ):
                found += await barriers(page, f"{name}-{phase}", home)
    assert "\n".join(found) == ""
