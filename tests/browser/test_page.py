"""The page as people use it: type, press Enter, see a picture; also when something breaks on the way."""

from __future__ import annotations

import re
import signal
from typing import Any

import nats
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import Stack
from tests.fleet import stored_answers
from tests.waiting import wait_until

# a cold browser on a busy machine; the promise to people is 3 seconds, and has its own test
PATIENCE = 20_000  # milliseconds


KEPT_PICTURES = """() => new Promise((resolve) => {
    const opening = indexedDB.open("memebattle");
    opening.onsuccess = () => {
        const counting = opening.result.transaction("pictures").objectStore("pictures").count();
        counting.onsuccess = () => resolve(counting.result);
    };
})"""


def card(page: Page, prompt: str) -> Locator:
    return page.locator(".card").filter(has=page.locator(".prompt", has_text=prompt))


def picture(page: Page, prompt: str) -> Locator:
    return card(page, prompt).locator(".frame img")


async def ask(page: Page, prompt: str) -> None:
    await page.get_by_label("What shall we make fun of?").fill(prompt)
    await page.keyboard.press("Enter")


async def pixels(image: Locator) -> Any:
    """Natural width once loaded; 0 for a broken picture."""
    return await image.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }")


async def is_live(page: Page, timeout: float = PATIENCE) -> None:
    await page.locator('.pill[data-state="live"]').wait_for(timeout=timeout)


async def test_a_prompt_becomes_a_picture_within_three_seconds(page: Page) -> None:
    """Card, picture, facts, download, and the public wall."""
    await ask(page, "a cat on Mars")

    await picture(page, "a cat on Mars").wait_for(timeout=3000)
    assert await pixels(picture(page, "a cat on Mars")) == 1024
    await expect(card(page, "a cat on Mars").locator(".chips")).to_contain_text("artist")
    await expect(page.locator(".strip img")).to_have_attribute("alt", "Meme: a cat on Mars")
    async with page.expect_download() as download:
        await card(page, "a cat on Mars").get_by_role("link", name="Download").click()
    assert (await download.value).suggested_filename == "a-cat-on-mars.webp"


async def test_html_in_a_prompt_stays_text(page: Page) -> None:
    """Everywhere it is shown, also on the wall of others."""
    prompt = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"

    await ask(page, prompt)
    await picture(page, "onerror").wait_for(timeout=PATIENCE)

    await expect(page.locator(".prompt")).to_have_text(prompt)
    await expect(page.locator(".strip img")).to_have_attribute("alt", f"Meme: {prompt}")
    assert await page.locator('img[src="x"]').count() == 0
    assert await page.title() == "memebattle"


async def test_several_requests_are_in_work_at_once(page: Page) -> None:
    """The form is never blocked, and the newest card comes first."""
    for prompt in ("one cat", "two cats", "three cats"):
        await ask(page, prompt)

    await expect(page.locator(".card .prompt")).to_have_text(["three cats", "two cats", "one cat"])
    await expect(page.locator('.card[data-phase="done"]')).to_have_count(3, timeout=PATIENCE)


async def test_the_same_wish_again_comes_from_the_cache(page: Page) -> None:
    """And says so."""
    await ask(page, "a cat on Mars")
    await picture(page, "a cat on Mars").wait_for(timeout=PATIENCE)
    await ask(page, "a cat on Mars")

    await expect(page.locator(".chips").get_by_text("from the cache")).to_have_count(1, timeout=PATIENCE)


async def test_the_options_reach_the_worker(page: Page) -> None:
    """A small picture has 512 pixels."""
    await page.get_by_role("switch", name=re.compile("Small")).check(force=True)
    await page.get_by_text("Captions").click()
    await page.get_by_label("Top").fill("look at me")
    await ask(page, "a cat")

    await picture(page, "a cat").wait_for(timeout=PATIENCE)
    assert await pixels(picture(page, "a cat")) == 512


@pytest.mark.parametrize(("prompt", "complaint"), [("   ", "Type a line"), ("x" * 503, "3 characters")])
async def test_the_form_says_what_is_wrong(page: Page, prompt: str, complaint: str) -> None:
    """In words, at the field, and without losing what was typed."""
    await ask(page, prompt)

    await expect(page.get_by_role("alert")).to_contain_text(complaint)
    await expect(page.locator("#prompt")).to_have_value(prompt)
    await expect(page.locator(".card")).to_have_count(0)


async def test_a_request_survives_a_restart_of_nats(page: Page, stack: Stack) -> None:
    """Reconnecting, then live; what was asked meanwhile is answered, once."""
    await stack.nats.child.stop()
    await page.locator('.pill[data-state="reconnecting"]').wait_for(timeout=PATIENCE)
    await ask(page, "asked in the dark")
    await stack.nats.child.start()

    await is_live(page)
    await picture(page, "asked in the dark").wait_for(timeout=PATIENCE)
    await expect(page.locator(".card")).to_have_count(1)
    developer = await nats.connect(stack.nats.url("developer"))
    assert set((await stored_answers(developer)).values()) == {1}
    await developer.close()


async def test_an_answer_missed_while_away_is_fetched(page: Page, stack: Stack, browser: Browser) -> None:
    """The request is made, the page reloads before the answer, and finds it afterwards."""
    stack.worker.signal(signal.SIGSTOP)  # the request is stored, nobody answers
    await ask(page, "a patient cat")
    await card(page, "a patient cat").get_by_text("In line").wait_for(timeout=PATIENCE)
    await page.goto("about:blank")
    stack.worker.signal(signal.SIGCONT)
    developer = await nats.connect(stack.nats.url("developer"))
    await wait_until(lambda: stored_answers(developer), "the answer is stored", timeout=20)
    await developer.close()

    await page.goto(stack.url)

    await picture(page, "a patient cat").wait_for(timeout=PATIENCE)
    assert await pixels(picture(page, "a patient cat")) == 1024


async def test_finished_memes_are_there_after_a_reload(page: Page) -> None:
    """From this browser's own album: the servers forget them after a day."""
    await ask(page, "a cat on Mars")
    await picture(page, "a cat on Mars").wait_for(timeout=PATIENCE)
    await page.route("**/images/**", lambda route: route.abort())
    await page.reload()

    assert await pixels(picture(page, "a cat on Mars")) == 1024


async def test_what_the_album_has_lost_comes_from_the_server(page: Page) -> None:
    """By its hash. A browser that keeps nothing costs the memory, not the page."""
    await ask(page, "a cat on Mars")
    await picture(page, "a cat on Mars").wait_for(timeout=PATIENCE)
    await page.evaluate("indexedDB.deleteDatabase('memebattle')")
    await page.reload()

    assert await pixels(picture(page, "a cat on Mars")) == 1024
    await expect(picture(page, "a cat on Mars")).to_have_attribute("src", re.compile("^/images/"))


async def test_all_memes_can_be_put_away(page: Page) -> None:
    """After a question, with the keyboard at the answer that changes nothing; also from the album."""
    for prompt in ("one cat", "two cats"):
        await ask(page, prompt)
        await picture(page, prompt).wait_for(timeout=PATIENCE)

    await page.get_by_role("button", name="Put all away").click()
    await page.keyboard.press("Enter")
    await expect(page.locator(".card")).to_have_count(2)
    await page.get_by_role("button", name="Put all away").click()
    await page.get_by_role("button", name="Put them away").click()

    await expect(page.locator(".card")).to_have_count(0)
    await page.reload()
    await is_live(page)
    await expect(page.locator(".card")).to_have_count(0)
    assert await page.evaluate(KEPT_PICTURES) == 0


async def test_without_a_websocket_the_page_uses_http(browser: Browser, stack: Stack) -> None:
    """After three seconds; the pill says offline, the picture comes all the same."""
    page = await browser.new_page()
    config = {"websocket_url": "ws://127.0.0.1:9", "request_subject": "meme.request", "response_subject": "x"}
    await page.route("**/config.json", lambda route: route.fulfill(json=config))
    await page.goto(stack.url)
    await ask(page, "a cat by post")

    await picture(page, "a cat by post").wait_for(timeout=PATIENCE)
    await expect(page.locator(".pill")).to_have_attribute("data-state", "offline")


async def test_a_request_can_be_called_off(page: Page, stack: Stack) -> None:
    """The worker confirms it, and the card offers another try."""
    stack.worker.signal(signal.SIGSTOP)
    await ask(page, "never mind")
    await card(page, "never mind").get_by_text("In line").wait_for(timeout=PATIENCE)
    await card(page, "never mind").get_by_role("button", name="Cancel").click()
    await expect(card(page, "never mind")).to_contain_text("Calling it off")
    await expect(card(page, "never mind").get_by_role("button", name="Cancel")).to_be_disabled()
    stack.worker.signal(signal.SIGCONT)

    # it may have been too late: then there is a picture; there is an end in any case
    await expect(card(page, "never mind")).to_have_attribute(
        "data-phase", re.compile("done|failed"), timeout=PATIENCE
    )


async def test_two_people_see_each_other_s_memes_but_not_cards(
    page: Page, browser: Browser, stack: Stack
) -> None:
    """The wall is public, the cards are one's own."""
    other = await browser.new_page()
    await other.goto(stack.url)
    await is_live(other)
    await ask(page, "a cat for everybody")

    await expect(other.locator(".strip img")).to_have_attribute(
        "alt", "Meme: a cat for everybody", timeout=PATIENCE
    )
    await expect(other.locator(".card")).to_have_count(0)


async def test_it_works_by_keyboard_alone_and_fits_a_phone(browser: Browser, stack: Stack) -> None:
    """Tab reaches the form in a few steps; nothing scrolls sideways at 360 pixels."""
    context = await browser.new_context(viewport={"width": 360, "height": 740})
    page = await context.new_page()
    await page.goto(stack.url)
    await is_live(page)
    for _ in range(2):  # the skip link, then the prompt
        await page.keyboard.press("Tab")
    await page.keyboard.type("a cat by keyboard")
    await page.keyboard.press("Enter")
    await picture(page, "a cat by keyboard").wait_for(timeout=PATIENCE)

    assert await page.locator("html").evaluate("(html) => html.scrollWidth") <= 360
    await expect(page.locator('[role="status"][aria-live="polite"]')).to_contain_text("Your meme is ready")


async def test_the_documents_work_without_the_internet(browser: Browser, stack: Stack) -> None:
    """Swagger UI is served from here, within the policy."""
    page = await browser.new_page()
    foreign: list[str] = []
    page.on("request", lambda request: foreign.append(request.url))
    await page.goto(f"{stack.url}/docs")

    paths = (await (await page.request.get(f"{stack.url}/openapi.json")).json())["paths"]
    operations = sum(len(methods) for methods in paths.values())
    await expect(page.locator(".opblock")).to_have_count(operations, timeout=PATIENCE)
    assert [url for url in foreign if not url.startswith((stack.url, "data:"))] == []
