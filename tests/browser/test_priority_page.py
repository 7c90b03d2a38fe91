"""The priority room as people use it: send tasks, see what comes first and why, know better, ask what if."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.conftest import Stack

PATIENCE = 20_000  # milliseconds

TASKS = """\
title,category,business_value,risk_level,affected_users_count
Expired certificate on the portal,INFRASTRUCTURE,10,6,3800
Dark mode for the dashboard,DEVELOPMENT,2,1,90
Somebody has to,NONSENSE,5,5,5
"Leaver, with access",SECURITY,3,8,1
"""


@pytest.fixture
async def priority(page: Page, stack: Stack) -> Page:
    """The page in the priority room."""
    await page.goto(f"{stack.url}/#/priority")
    await page.get_by_role("heading", name="What comes first?").wait_for()
    return page


async def send(page: Page, title: str, category: str, **numbers: str) -> None:
    await page.get_by_label("What is to be done?").fill(title)
    await page.locator("#task-category").select_option(category)
    for name, value in numbers.items():
        await page.locator(f"#task-{name}").fill(value)
    await page.get_by_role("button", name="How urgent is it?").click()


async def send_file(page: Page, text: str) -> None:
    await page.get_by_role("button", name="A file").click()
    file: Any = {"name": "tasks.csv", "mimeType": "text/csv", "buffer": text.encode()}
    await page.locator('input[type="file"]').set_input_files(file)
    await page.get_by_role("button", name="Score all").click()


def titles(page: Page) -> Locator:
    return page.locator(".tasks .title")


async def test_a_task_is_scored_explained_decided_about_and_withdrawn(priority: Page) -> None:
    """The score and its reasons stay beside what a person decides; markup in a title stays text."""
    title = "<b onmouseover=alert(1)>Order new chairs"
    await send(priority, title, "MAINTENANCE", business_value="2")
    await expect(priority.locator(".verdict")).to_contain_text(re.compile("Low|Medium"), timeout=PATIENCE)
    await expect(titles(priority)).to_have_text([title], timeout=PATIENCE)

    await titles(priority).first.click()
    sheet = priority.get_by_role("dialog")
    await expect(sheet.locator(".sides tbody tr")).to_have_count(5, timeout=PATIENCE)
    await expect(sheet.locator(".reasoning")).to_contain_text("points")
    await sheet.get_by_role("radio", name="Critical").check()
    await sheet.get_by_label("Why").fill("The board sits on the floor")
    await sheet.get_by_label("Your name").fill("Kim")
    await sheet.get_by_role("button", name="Decide").click()
    await expect(sheet.locator(".chapters li").last).to_contain_text(
        "Kim decided Critical: The board sits on the floor", timeout=PATIENCE
    )
    await expect(sheet.locator(".big .level")).to_have_text("Critical")
    await priority.keyboard.press("Escape")
    await expect(priority.locator(".task .facts")).to_contain_text("decided by a person", timeout=PATIENCE)

    await titles(priority).first.click()
    await sheet.get_by_role("button", name="Withdraw").click()
    await sheet.get_by_role("button", name="Really withdraw it").click()
    await expect(sheet.locator(".where")).to_contain_text("Taken out of the ranking", timeout=PATIENCE)
    await sheet.get_by_role("button", name="Close").click()
    await expect(titles(priority)).to_have_count(0, timeout=PATIENCE)


async def test_a_file_is_taken_but_for_what_is_wrong_in_it(priority: Page) -> None:
    """Each refusal with its line; then other weights make another order, and nothing of that is stored."""
    await send_file(priority, TASKS)
    await expect(priority.locator(".outcome")).to_contain_text("3 of 4 taken, 1 refused", timeout=PATIENCE)
    await expect(priority.locator(".outcome li")).to_contain_text("line 4, Somebody has to: category")
    await expect(titles(priority)).to_have_count(3, timeout=PATIENCE)
    usual = await titles(priority).all_text_contents()
    assert usual[0] == "Expired certificate on the portal"

    await priority.get_by_role("button", name="What if").click()
    sliders = priority.locator('.slider input[type="range"]')
    await priority.locator('input[name="risk"]').fill("100")
    values = [int(await slider.input_value()) for slider in await sliders.all()]
    assert sorted(values) == [0, 0, 0, 0, 100]
    await expect(titles(priority).first).to_have_text("Leaver, with access", timeout=PATIENCE)
    await expect(priority.locator(".task .move").first).to_contain_text("up 1 place")

    await priority.get_by_role("button", name="A task", exact=True).click()
    await expect(titles(priority)).to_have_text(usual)


async def test_what_is_wrong_is_said_in_words(priority: Page) -> None:
    """At the field when it is a field, else beside the button; what was typed stays, and is sent once."""
    await send(priority, "", "SUPPORT", risk_level="11")
    await expect(priority.locator("#task-title")).to_be_focused()
    await expect(priority.locator("#task-title-complaint")).to_have_text("Say what it is about.")
    await expect(priority.locator("#task-risk_level-complaint")).to_have_text("A number from 1 to 10.")

    keys: list[str | None] = []

    async def refuse(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        problem = {"type": "urn:memebattle:problem:rate-limited", "status": 429, "detail": "too many"}
        await route.fulfill(status=429, headers={"Retry-After": "7"}, json=problem)

    await priority.route("**/api/v1/prioritization", refuse)
    await send(priority, "VPN is down", "INFRASTRUCTURE", risk_level="7")
    await expect(priority.get_by_role("alert").first).to_contain_text(
        "Try again in 7 seconds", timeout=PATIENCE
    )
    await expect(priority.locator("#task-title")).to_have_value("VPN is down")
    await priority.unroute("**/api/v1/prioritization")

    async with priority.expect_request("**/api/v1/prioritization") as asked:
        await priority.get_by_role("button", name="How urgent is it?").click()
    assert keys == [(await asked.value).headers["idempotency-key"]]
    await expect(titles(priority)).to_have_text(["VPN is down"], timeout=PATIENCE)


async def test_it_works_by_keyboard_alone_and_fits_a_phone(priority: Page) -> None:
    """Nothing scrolls sideways at 360 pixels; the sheet gives the focus back to where it was opened."""
    await priority.set_viewport_size({"width": 360, "height": 740})
    await priority.locator("#task-title").focus()
    await priority.keyboard.type("Patch the database servers")
    await priority.keyboard.press("Tab")
    await priority.keyboard.type("Main")
    await priority.keyboard.press("Tab")
    await priority.keyboard.type("5")
    await priority.keyboard.press("Enter")
    await expect(titles(priority)).to_have_count(1, timeout=PATIENCE)
    assert await priority.locator("html").evaluate("(html) => html.scrollWidth") <= 360

    await titles(priority).first.focus()
    await priority.keyboard.press("Enter")
    await expect(priority.get_by_role("dialog").locator(".sides")).to_be_visible(timeout=PATIENCE)
    assert await priority.locator("html").evaluate("(html) => html.scrollWidth") <= 360
    await priority.keyboard.press("Escape")
    await expect(priority.get_by_role("dialog")).to_have_count(0)
    await expect(titles(priority).first).to_be_focused()
