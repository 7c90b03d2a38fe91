"""Who takes part in a battle: people before a page, and company that is played without one.

The company sends what a page would send, over TCP; it is quick, and does what it is told.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import nats
from nats.aio.client import Client
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Stack
from tests.waiting import wait_until

# a cold browser on a busy machine
PATIENCE = 30_000  # milliseconds

# nothing goes on by itself within the time of a test: the host says when
UNHURRIED = {
    "rounds": 1,
    "prompt_seconds": 600,
    "paint_seconds": 600,
    "vote_seconds": 600,
    "reveal_seconds": 120,
    "duel_seconds": 120,
}

# what a pair shows, once it may be judged and is another one than before; "" when there is nothing to judge
NEXT_PAIR = """(before) => {
    const phase = document.querySelector(".phase");
    if (phase?.dataset.phase !== "vote") return { pair: "" };
    const title = phase.querySelector("h1")?.textContent;
    if (phase.querySelector(".waiting")) return title === "One moment" ? null : { pair: "" };
    const sides = [...phase.querySelectorAll('.side[aria-disabled="false"] img')];
    const pair = sides.map((image) => image.getAttribute("src")).join(" ");
    return sides.length === 2 && pair !== before ? { pair } : null;
}"""


@dataclass
class Player:
    """Somebody who plays on a phone. `seen` are the addresses of the memes they were asked about."""

    page: Page
    name: str
    seen: list[str] = field(default_factory=list)

    async def join(self) -> None:
        await self.page.get_by_label("Your name").fill(self.name)
        await self.page.get_by_role("button", name="Join the battle").click(timeout=PATIENCE)
        await expect(self.page.locator(".phase")).to_be_visible(timeout=PATIENCE)

    async def write(self, prompt: str) -> None:
        await self.arrives("prompt")
        await self.page.get_by_label("Your meme", exact=True).fill(prompt)
        await self.page.keyboard.press("Enter")

    async def judge(self) -> None:
        """Whatever this one is asked, in turns for the left and for the right one."""
        pair = await self.next_pair("")
        while pair:
            self.seen += pair.split()
            await self.page.locator(".side").nth(len(self.seen) // 2 % 2).click(timeout=PATIENCE)
            pair = await self.next_pair(pair)

    async def next_pair(self, before: str) -> str:
        """The two addresses of the next question after this one; empty when there is none."""
        found = await self.page.wait_for_function(NEXT_PAIR, arg=before, polling=50, timeout=PATIENCE)
        pair: str = (await found.json_value())["pair"]
        return pair

    async def token(self, code: str) -> str:
        """What proves that this is their seat."""
        token: str = await self.page.evaluate(f"localStorage.getItem('memebattle:seat:{code}')")
        return token

    async def arrives(self, phase: str) -> None:
        await expect(self.phase()).to_have_attribute("data-phase", phase, timeout=PATIENCE)

    def phase(self) -> Locator:
        return self.page.locator(".phase")


async def is_on_screen(screen: Page, phase: str) -> None:
    await expect(screen.locator(".stage")).to_have_attribute("data-phase", phase, timeout=PATIENCE)


async def is_live(page: Page) -> None:
    await expect(page.locator(".pill")).to_have_attribute("data-state", "live", timeout=PATIENCE)


@dataclass
class Company:
    """A battle that was opened without a page, with the players that have none. Tokens by name."""

    client: Client
    code: str
    host: str
    tokens: dict[str, str] = field(default_factory=dict)

    async def ask(self, verb: str, token: str, **body: Any) -> dict[str, Any]:
        """The reply to a command, which must have been carried out."""
        reply = await asked(self.client, f"battle.command.{self.code}.{verb}", {"token": token, **body})
        assert reply["ok"], reply
        return reply

    async def order(self, action: str, **more: Any) -> None:
        await self.ask("host", self.host, action=action, **more)

    async def joined(self, *names: str) -> None:
        for number, name in enumerate(names):
            self.tokens[name] = secrets.token_hex(16)
            await self.ask("join", self.tokens[name], name=name, avatar=37 * (number + 1))

    async def write(self) -> None:
        """Everybody hands in a line with their name in it."""
        for name, token in self.tokens.items():
            await self.ask("enter", token, prompt=f"{name} tests it | on a Friday")

    async def judge(self, *, favour: str = "") -> None:
        """Everybody judges all they are asked; `favour` is the meme that wins wherever it stands."""
        for token in self.tokens.values():
            reply = await self.ask("next", token)
            while question := reply.get("question"):
                choice = "right" if question["right"]["id"] == favour else "left"
                pair = {side: question[side]["id"] for side in ("left", "right")}
                ticket = {"match": question["match"], "ticket": question["ticket"]}
                reply = await self.ask("vote", token, choice=choice, **pair, **ticket)

    async def choose(self, favour: str) -> None:
        """One of those who may chooses in the duel that is on; as the others do not, the duel stays on."""
        duel = (await self.view())["duels"][-1]
        pair = {"left": duel["left"], "right": duel["right"]}
        choice = "right" if duel["right"] == favour else "left"
        for token in self.tokens.values():
            if not (await self.look(token))["me"]["is_on_stage"]:
                await self.ask("vote", token, match=f"duel{duel['number']}", choice=choice, **pair)
                return

    async def look(self, token: str = "") -> dict[str, Any]:
        """How it stands, for a screen; with a token also for that seat."""
        proof = {"token": token} if token else {}
        body = {"battle_id": self.code, "whole": True, **proof}
        return await asked(self.client, "battle.state", body)

    async def view(self) -> dict[str, Any]:
        view: dict[str, Any] = (await self.look())["view"]
        return view

    async def reaches(self, phase: str) -> None:
        """The battle is in this phase."""

        async def is_there() -> bool:
            return bool((await self.view())["phase"] == phase)

        await wait_until(is_there, f"battle {self.code} in phase {phase}", timeout=PATIENCE / 1000)

    async def has(self, fact: str, count: int) -> None:
        """`seats`, `entered`, `painted` or `votes` are so many."""

        async def is_so() -> bool:
            return bool((await self.view())[fact] == count)

        await wait_until(is_so, f"{count} {fact} in battle {self.code}", timeout=PATIENCE / 1000)

    async def approve_all(self) -> None:
        for entry in (await self.view())["entries"]:
            await self.order("approve", target=entry["id"])

    async def skip_to_the_end(self) -> None:
        while (await self.view())["phase"] != "finished":
            await self.order("skip")

    async def phases(self, *lines: tuple[Player, str]) -> AsyncIterator[str]:
        """Walk through a battle that waits for approval, one phase after the other.

        The people hand in their lines and are left alone otherwise; the first of them wins.
        """
        yield "lobby"
        await self.order("start")
        yield "prompt"
        await self.write()
        for person, line in lines:
            await person.write(line)
        await self.has("painted", len(self.tokens) + len(lines))
        await self.reaches("paint")
        yield "paint"
        await self.approve_all()
        await self.reaches("vote")
        favour = (await self.look(await lines[0][0].token(self.code)))["me"]["entry"]
        await self.judge(favour=favour)
        yield "vote"
        await self.order("skip")
        yield "reveal"
        await self.order("skip")
        yield "duel"
        await self.choose(favour)
        await self.order("skip")
        yield "verdict"
        await self.skip_to_the_end()
        yield "finished"


@contextlib.asynccontextmanager
async def connected(stack: Stack) -> AsyncIterator[Client]:
    """A connection that comes back by itself, as fast as a page does."""
    client = await nats.connect(
        stack.nats.url("developer"), max_reconnect_attempts=-1, reconnect_time_wait=0.1, connect_timeout=5
    )
    try:
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def company(stack: Stack, *names: str, **options: Any) -> AsyncIterator[Company]:
    """A battle with these players, in the lobby."""
    async with connected(stack) as client:
        token = secrets.token_hex(16)
        body = {"token": token, "options": {**UNHURRIED, **options}}
        reply = await asked(client, "battle.command.new.create", body)
        assert reply["ok"], reply
        battle = Company(client, reply["battle_id"], token)
        await battle.joined(*names)
        yield battle


async def asked(client: Client, subject: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The reply to a request."""
    message = await client.request(subject, json.dumps(body).encode(), timeout=10)
    reply: dict[str, Any] = json.loads(message.data)
    return reply
