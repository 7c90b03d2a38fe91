"""Battles as people play them: phones that join by a code, a screen for the room, a host who says when.

Also what goes wrong in a room full of people: pages are reloaded, workers die, the network is gone for a
moment, somebody comes late, somebody is sent out, and somebody tries their luck with markup.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import combinations
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Stack
from tests.browser.devices import PHONE, Devices
from tests.browser.players import PATIENCE, Company, Player, company, connected, is_live, is_on_screen

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIX = ("Ada", "Bea", "Cem", "Dan", "Eve", "Fay")
NAME, LINE = "<img src=x onerror=x()>", "<img src=x onerror=alert(1)>"
REMEMBER_PHASES = """() => {
    const stage = document.querySelector(".stage");
    window.phases = [stage.dataset.phase];
    new MutationObserver(() => window.phases.push(stage.dataset.phase)).observe(stage, { attributes: true });
}"""


async def seated(devices: Devices, code: str, name: str, **options: Any) -> Player:
    """Somebody who came by the address in the QR code, and has joined."""
    player = Player(await devices.open(f"#/battle/{code}", **{"viewport": PHONE, **options}), name)
    await player.join()
    return player


async def host_of(devices: Devices, battle: Company, **options: Any) -> Page:
    return await devices.open(f"#/host/{battle.code}", token=battle.host, code=battle.code, **options)


async def exported(page: Page, stack: Stack, code: str) -> dict[str, Any]:
    """The battle to take home, as the host's link gives it."""
    response = await page.request.get(f"{stack.url}/api/battles/{code}/export.json")
    history: dict[str, Any] = await response.json()
    return history


async def champion_of(page: Page) -> str | None:
    """The address of the picture that a podium shows, on a phone or on a screen."""
    picture = page.locator(".podium .winner img, .podium .laurels img")
    await expect(picture).to_be_visible(timeout=PATIENCE)
    return await picture.get_attribute("src")


async def test_six_players_from_the_code_to_the_podium(devices: Devices, arena: Stack) -> None:
    """Everybody judges every pair of the others' memes, once; the champion is the same wherever one looks."""
    async with company(arena, votes_per_round=10) as battle:
        host = await host_of(devices, battle)
        phones = [await devices.open("#/battle", viewport=PHONE) for _ in SIX]
        players = [Player(page, name) for page, name in zip(phones, SIX, strict=True)]
        await asyncio.gather(*(joins_by_code(player, battle.code) for player in players))
        await expect(host.locator("#arrivals-title")).to_have_text("6 are here", timeout=PATIENCE)
        await expect(host.locator(".face-name")).to_have_text(list(SIX))
        await host.evaluate(REMEMBER_PHASES)

        await host.get_by_role("button", name="Start the battle").click()
        theme = await host.locator("h1.theme").inner_text()
        await asyncio.gather(*(player.write(f"{player.name} says it | {theme}") for player in players))
        await asyncio.gather(*(player.arrives("vote") for player in players))
        await asyncio.gather(*(player.judge() for player in players))

        await is_on_screen(host, "reveal")
        await asyncio.gather(*(player.arrives("reveal") for player in players))
        await host.get_by_role("button", name="Skip").click()
        for match in (1, 2, 3):
            await is_on_screen(host, "duel")
            await asyncio.gather(*(chooses(player) for player in players))
            await is_on_screen(host, "verdict")
            duel = (await battle.view())["duels"][match - 1]
            assert duel["votes_left"] + duel["votes_right"] == 4
            await host.get_by_role("button", name="Skip").click()
        await is_on_screen(host, "finished")

        history = await exported(host, arena, battle.code)
        assert {await champion_of(page) for page in (host, *phones)} == {history["champion"]["image_url"]}
        maker = next(each for each in history["players"] if each["seat"] == history["champion"]["seat"])
        await expect(host.locator(".laurels .maker")).to_have_text(maker["name"])
        for page in (host, phones[0]):
            await expect(page.locator(".confetti i")).not_to_have_count(0)
            await page.emulate_media(reduced_motion="reduce")
            await expect(page.locator(".confetti")).to_have_count(0)
        seen = await host.evaluate("window.phases")
        assert [phase for phase in dict.fromkeys(seen) if phase != "paint"] == [
            "lobby", "prompt", "vote", "reveal", "duel", "verdict", "finished",
        ]  # fmt: skip
        everybody_judged_all_others(players, history["rounds"][0])


async def joins_by_code(player: Player, code: str) -> None:
    await player.page.get_by_label("Code of the battle").fill(code.lower())
    await player.page.keyboard.press("Enter")
    await player.join()
    await expect(player.page.get_by_role("heading", level=1)).to_have_text(f"You are in, {player.name}!")


async def chooses(player: Player) -> None:
    """The left one, unless one's own meme is on stage."""
    await player.arrives("duel")
    question = player.page.locator(".voting .side").first
    rest = player.page.get_by_role("heading", name="Your meme is on stage!")
    await expect(question.or_(rest)).to_be_visible(timeout=PATIENCE)
    if await question.is_visible():
        await question.click(timeout=PATIENCE)
        await expect(player.page.locator(".voting")).to_have_count(0, timeout=PATIENCE)


def everybody_judged_all_others(players: list[Player], record: dict[str, Any]) -> None:
    """By what the pages have shown, and by what the server has counted."""
    picture = {entry["prompt"].split()[0]: entry["image_url"] for entry in record["entries"]}
    for player in players:
        others = Counter({picture[name]: 4 for name in SIX if name != player.name})
        assert Counter(player.seen) == others
    by_voter: dict[str, list[frozenset[str]]] = {}
    for vote in record["votes"]:
        by_voter.setdefault(vote["voter"], []).append(frozenset((vote["left"], vote["right"])))
    memes = [entry["id"] for entry in record["entries"]]
    pairs = [{frozenset(pair) for pair in combinations(set(memes) - {own}, 2)} for own in memes]
    assert [len(votes) for votes in by_voter.values()] == [10] * 6
    assert all(set(votes) in pairs for votes in by_voter.values())


async def test_a_reload_finds_the_same_seat_in_every_phase(devices: Devices, arena: Stack) -> None:
    """On a phone, on the host's screen, and on the one for the room."""
    async with company(arena, "Bea", "Cem", "Dan", approve=True) as battle:
        host, screen = await host_of(devices, battle), await devices.open(f"#/tv/{battle.code}")
        ada = await seated(devices, battle.code, "Ada")
        seat = await seat_of(ada, battle)
        async for phase in battle.phases((ada, "still here | after all")):
            await asyncio.gather(*(page.reload() for page in (ada.page, host, screen)))

            await ada.arrives(phase)
            await is_on_screen(host, phase)
            await is_on_screen(screen, phase)
            await expect(host.locator(".controls")).to_be_visible(timeout=PATIENCE)
            await expect(screen.locator(".controls")).to_have_count(0)
            assert await seat_of(ada, battle) == seat
        assert (await battle.view())["seats"] == 4


async def seat_of(player: Player, battle: Company) -> tuple[str, str]:
    """Whom the server takes this one for."""
    me = (await battle.look(await player.token(battle.code)))["me"]
    return me["seat"], me["name"]


async def test_no_vote_is_lost_when_the_worker_dies(devices: Devices, arena: Stack) -> None:
    """What was chosen while nobody answered counts as soon as somebody does, once."""
    async with company(arena, "Bea", "Cem", "Dan") as battle:
        host, ada = await host_of(devices, battle), await seated(devices, battle.code, "Ada")
        await votes_are_open(battle, ada)
        await ada.next_pair("")
        await arena.kill_worker()
        try:
            await ada.page.locator(".side").first.click(timeout=PATIENCE)
            await expect(ada.page.locator(".stamp")).to_be_visible()
        finally:
            await arena.start_worker()
        await ada.judge()
        await battle.judge()
        await all_votes_are_counted(battle, host, arena)


async def test_no_vote_and_no_seat_is_lost_when_nats_is_away(devices: Devices, arena: Stack) -> None:
    """The page says so, keeps what was chosen, and is live again by itself."""
    async with company(arena, "Bea", "Cem", "Dan") as battle:
        host, ada = await host_of(devices, battle), await seated(devices, battle.code, "Ada")
        seat = await seat_of(ada, battle)
        await votes_are_open(battle, ada)
        await ada.next_pair("")
        await arena.nats.child.stop()
        try:
            for page in (ada.page, host):
                await expect(page.locator(".pill")).to_have_attribute(
                    "data-state", "reconnecting", timeout=PATIENCE
                )
            await ada.page.locator(".side").first.click(timeout=PATIENCE)
            await expect(ada.page.locator(".voting")).to_contain_text("your vote goes out as soon as")
        finally:
            await arena.nats.start()
        await asyncio.gather(is_live(ada.page), is_live(host))
        await ada.judge()
        assert await seat_of(ada, battle) == seat
        await battle.judge()
        await all_votes_are_counted(battle, host, arena)


async def votes_are_open(battle: Company, *players: Player) -> None:
    """Everybody has handed in, everything is painted."""
    await battle.order("start")
    await battle.write()
    await asyncio.gather(*(player.write(f"{player.name} was there | first") for player in players))
    await asyncio.gather(*(player.arrives("vote") for player in players))


async def all_votes_are_counted(battle: Company, host: Page, stack: Stack) -> None:
    """Four players, each with three pairs of others' memes."""
    await is_on_screen(host, "reveal")
    votes = (await exported(host, stack, battle.code))["rounds"][0]["votes"]
    assert sorted(Counter(vote["voter"] for vote in votes).values()) == [3, 3, 3, 3]
    pairs = {(vote["voter"], frozenset((vote["left"], vote["right"]))) for vote in votes}
    assert len(pairs) == 12


async def test_markup_in_a_name_and_in_a_prompt_stays_text(devices: Devices, arena: Stack) -> None:
    """On all phones and screens, in every phase, up to the podium; and nothing is asked for its sake."""
    async with company(arena, "Bea", "Cem", approve=True, reveal_seconds=25) as battle:
        host, screen = await host_of(devices, battle), await devices.open(f"#/tv/{battle.code}")
        watcher = await seated(devices, battle.code, "Dan")
        eve = await seated(devices, battle.code, NAME)
        pages = (host, screen, watcher.page, eve.page)
        tricked: list[str] = []
        for page in pages:
            page.on("dialog", lambda dialog: tricked.append(dialog.message))
            page.on("request", lambda request: tricked.extend([request.url] * request.url.endswith("/x")))
        await host.get_by_role("button", name="Lists").click()
        await expect(watcher.page.locator(".guests")).to_contain_text(NAME, timeout=PATIENCE)

        async for phase in battle.phases((eve, LINE), (watcher, "nothing | to see")):
            if phase == "vote":
                await eve.judge()
            for page in (host, screen):
                await is_on_screen(page, phase)
            for player in (watcher, eve):
                await player.arrives(phase)
            if phase in ("lobby", "prompt"):
                await expect(host.locator(".face-name", has_text=NAME)).to_have_count(1)
            if phase == "reveal":
                # once the screen has told it
                await expect(watcher.page.locator(".board")).to_contain_text(LINE, timeout=PATIENCE)
                await battle.order("extend", seconds=300)
            for page in pages:
                assert await page.locator('img[src="x"], [onerror]').count() == 0
        await expect(host.locator(".player-list")).to_contain_text(NAME)
        assert tricked == []


async def test_a_latecomer_votes_at_once_and_plays_from_the_next_round(
    devices: Devices, arena: Stack
) -> None:
    """And whoever the host sends out is told so, also after a reload."""
    async with company(arena, "Bea", "Cem", "Dan", rounds=2) as battle:
        host = await host_of(devices, battle)
        await battle.order("start")
        await battle.write()
        await battle.reaches("vote")

        late = await devices.open(f"#/battle/{battle.code}", viewport=PHONE)
        await expect(late.locator(".join")).to_contain_text("you vote now and play from the next round")
        zoe = Player(late, "Zoe")
        await zoe.join()
        await zoe.judge()
        assert len(zoe.seen) == 2 * 3
        await battle.order("skip")
        await battle.order("skip")
        await zoe.write("better late | than on call")
        await expect(host.locator(".face-card", has_text="Zoe")).to_contain_text(
            "has handed in", timeout=PATIENCE
        )

        await host.get_by_role("button", name="Lists").click()
        await host.get_by_role("button", name="Send out Zoe").click()
        await host.get_by_role("dialog").get_by_role("button", name="Send out").click()
        await expect(late.get_by_role("heading", level=1)).to_have_text("You are out", timeout=PATIENCE)
        await late.reload()
        await expect(late.get_by_role("heading", level=1)).to_have_text("You are out", timeout=PATIENCE)
        await expect(host.locator(".player-line", has_text="Zoe")).to_contain_text("sent out")


async def test_a_battle_by_keyboard_alone(devices: Devices, arena: Stack) -> None:
    """Opened, led, joined and played without a pointer; where a phase begins, there is the focus."""
    host = await devices.open("#/battle")
    await press(host, host.get_by_role("button", name="Less: Rounds"))
    await press(host, host.get_by_role("button", name="Open a battle"))
    code = await host.get_by_test_id("code").get_attribute("data-code", timeout=PATIENCE)
    ada = Player(await devices.open("#/battle"), "Ada")
    await tab_to(ada.page, ada.page.get_by_label("Code of the battle"))
    await ada.page.keyboard.type(f"{code}\n")
    await tab_to(ada.page, ada.page.get_by_label("Your name"))
    await ada.page.keyboard.type("Ada\n")
    await ada.arrives("lobby")

    async with connected(arena) as client:
        battle = Company(client, str(code), host="")
        await battle.joined("Bea", "Cem", "Dan")
        await press(host, host.get_by_role("button", name="Start the battle"))
        await ada.arrives("prompt")
        await expect(ada.phase()).to_be_focused()
        await tab_to(ada.page, ada.page.get_by_label("Your meme", exact=True))
        await ada.page.keyboard.type("by hand | both of them\n")
        await battle.has("entered", 1)
        for key, name in ((" ", "Go on"), (" ", "Pause")):
            await host.keyboard.press(key)
            await expect(host.get_by_role("button", name=name)).to_be_visible(timeout=PATIENCE)
        await battle.write()
        await ada.arrives("vote")
        await expect(ada.phase()).to_be_focused()
        pair = ""
        for key in ("1", "ArrowRight", "s"):
            pair = await ada.next_pair(pair)
            await ada.page.keyboard.press(key)
        await expect(ada.phase()).to_contain_text("That was all", timeout=PATIENCE)
        assert (await battle.view())["votes"] == 3
        await host.keyboard.press("n")
        await is_on_screen(host, "reveal")
        await host.keyboard.press("e")
        await expect(host.locator(".engine")).to_be_visible(timeout=PATIENCE)


async def press(page: Page, button: Locator) -> None:
    await tab_to(page, button)
    await page.keyboard.press("Enter")


async def tab_to(page: Page, target: Locator) -> None:
    """As often as it takes to get there."""
    await expect(target).to_be_visible(timeout=PATIENCE)
    for _ in range(60):
        if await target.evaluate("(element) => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    pytest.fail(f"no way by keyboard to {target}")
