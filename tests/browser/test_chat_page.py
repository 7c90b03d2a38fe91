"""The chat room as people use it: type, read along, stop, reload; also when a gateway dies in mid-answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from memebattle.cli.children import ready
from tests.browser.conftest import Stack

# a cold browser on a busy machine
PATIENCE = 20_000  # milliseconds

QUESTION = "A caption for a deploy on Friday, please"
AT_LENGTH = f"{QUESTION} !slow"  # the offline coach takes its time, several seconds


@pytest.fixture
async def chat(page: Page, stack: Stack) -> Page:
    """The page in the chat room."""
    await page.goto(f"{stack.url}/#/chat")
    await page.get_by_label("Message to the coach").wait_for()
    return page


@pytest.fixture
async def other(browser: Browser) -> AsyncIterator[Page]:
    """Somebody else's browser: a phone of 360 pixels."""
    context = await browser.new_context(viewport={"width": 360, "height": 740})
    yield await context.new_page()
    await context.close()


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Message to the coach").fill(text)
    await page.keyboard.press("Enter")


def turn(page: Page, number: int) -> Locator:
    return page.locator(".chat .turn").nth(number)


async def reaches(turn: Locator, phase: str) -> None:
    await expect(turn).to_have_attribute("data-phase", phase, timeout=PATIENCE)


async def grows(turn: Locator) -> None:
    """The answer gets longer than it is now."""
    before = await turn.locator(".answer").inner_text()
    await expect(turn.locator(".answer")).not_to_have_text(before, timeout=PATIENCE)


async def remembered(page: Page, stack: Stack) -> list[str]:
    """What the server has of this page's conversation, questions and answers in turn."""
    session = await page.evaluate("sessionStorage.getItem('memebattle:chat:session')")
    response = await page.request.get(f"{stack.url}/api/chat/history?session_id={session}")
    return [message["content"] for message in (await response.json())["messages"]]


async def shown(page: Page) -> list[str]:
    """The same as the page shows it."""
    return await page.locator(".chat .mine p, .chat .answer").all_text_contents()


async def test_several_messages_in_a_row_are_answered_in_their_order(chat: Page, stack: Stack) -> None:
    """Each with what it cost; aloud when it is whole; and an idea becomes a prompt."""
    await say(chat, QUESTION)
    await say(chat, "<img src=x onerror=\"document.title='owned'\">")

    await reaches(turn(chat, 0), "done")
    await reaches(turn(chat, 1), "done")
    assert await shown(chat) == await remembered(chat, stack)
    await expect(turn(chat, 0).locator(".cost")).to_contain_text("tokens")
    await expect(chat.locator('[role="status"][aria-live="polite"]')).to_contain_text("The coach says")
    assert await chat.locator('img[src="x"]').count() == 0

    idea = " | ".join(await turn(chat, 0).locator(".caption > span").all_text_contents())
    await turn(chat, 0).get_by_role("button", name="Use as prompt").click()
    await expect(chat.get_by_label("What shall we make fun of?")).to_have_value(idea)


async def test_escape_stops_an_answer_and_keeps_what_was_said(chat: Page) -> None:
    """The next message is answered all the same."""
    await say(chat, QUESTION)
    await expect(turn(chat, 0).locator(".answer")).to_contain_text(" ", timeout=PATIENCE)
    await chat.keyboard.press("Escape")

    await reaches(turn(chat, 0), "stopped")
    await expect(turn(chat, 0)).to_contain_text("Stopped here.")
    await say(chat, "What makes a meme funny?")
    await reaches(turn(chat, 1), "done")


async def test_an_answer_goes_on_after_a_reload_and_on_another_screen(
    chat: Page, other: Page, stack: Stack
) -> None:
    """Every chunk once, wherever it is read; and what is stopped here has stopped there."""
    await say(chat, AT_LENGTH)
    await reaches(turn(chat, 0), "answering")
    await chat.reload()
    session = await chat.evaluate("sessionStorage.getItem('memebattle:chat:session')")
    await other.goto(f"{stack.url}/#/chat?session={session}")
    await reaches(turn(other, 0), "answering")
    await grows(turn(chat, 0))
    await chat.get_by_role("button", name="Stop").click()

    for page in (chat, other):
        await reaches(turn(page, 0), "stopped")
        await expect(turn(page, 0).locator(".mine")).to_contain_text(QUESTION, timeout=PATIENCE)
        assert await shown(page) == await remembered(chat, stack)
    assert await other.locator("html").evaluate("(html) => html.scrollWidth") <= 360


async def test_a_gateway_that_dies_in_mid_answer_costs_nothing(chat: Page, stack: Stack) -> None:
    """What was said goes on where it was, and what was typed meanwhile goes out by itself."""
    await say(chat, AT_LENGTH)
    await reaches(turn(chat, 0), "answering")
    await stack.gateway.stop()
    await expect(chat.locator("#say-news")).to_contain_text("Looking for the gateway", timeout=PATIENCE)
    await say(chat, "What makes a meme funny?")
    await expect(turn(chat, 1)).to_contain_text("as soon as the gateway is back")

    await stack.gateway.start()
    await ready(f"{stack.url}/readyz", stack.gateway)

    await reaches(turn(chat, 0), "done")
    await reaches(turn(chat, 1), "done")
    assert await shown(chat) == await remembered(chat, stack)
