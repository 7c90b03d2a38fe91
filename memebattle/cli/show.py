"""What `memebattle demo` shows in the terminal: where to click, a few memes, and what happened to them.

What it is asked for comes on top: a battle that bots play, a storm of requests, workers that are killed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from memebattle.cli.client import MemeClient, Received
from memebattle.cli.connection import connected
from memebattle.cli.output import console, size
from memebattle.cli.supervisor import Stack

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from memebattle.cli.acts import Acts
    from memebattle.memes.messages import MemeStats

PROMPTS = (
    ("A cat wearing a space helmet on Mars", "core"),
    ("When the deploy works | on Friday", "jetstream"),
    ("A cat wearing a space helmet on Mars", "core"),
    ("One does not simply | scale to zero", "both"),
)
# the requests of a storm or a battle: so many that nobody wants a line for each
OF_MANY = re.compile(r"storm-.*|[B-Z]{4}-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What else to show: a battle of so many `bots`, a `storm` of so many requests, `chaos` among workers."""

    bots: int = 0
    storm: int = 0
    chaos: bool = False


@dataclass(slots=True)
class Show:
    """Says hello, asks for memes over every path, follows along."""

    stack: Stack
    wishes: Wishes = field(default_factory=Wishes)
    quiet: bool = False
    answered: int = 0
    cached: int = 0
    stats: MemeStats | None = None
    acts: Acts | None = None

    def welcome(self) -> None:
        """Where everything is."""
        from rich.panel import Panel
        from rich.table import Table

        if self.quiet:
            return
        table = Table.grid(padding=(0, 2))
        for name, url in self._addresses():
            table.add_row(f"[dim]{name}[/]", f"[bold]{url}[/]")
        title = f"memebattle demo: {len(self.stack.workers)} workers, offline artist"
        console().print(
            Panel(table, title=title, subtitle="Ctrl-C ends everything · not for production", expand=False)
        )
        self._show_the_way_in(self._join_url())

    async def run(self) -> None:
        """Ask for memes, one path after the other, then follow whatever people ask for on the page."""
        async with connected(self.stack.nats_url, ours=self.stack.nats is not None) as connection:
            await self._hear_stats(connection)
            client = MemeClient(connection, on_answer=self._tell)
            async with client.listening(), asyncio.TaskGroup() as also:
                for prompt, via in PROMPTS:
                    self._say(f"[dim]asking over {_PATHS[via]}:[/] {prompt}")
                    asked: Any = via
                    request_id = await client.ask(prompt, via=asked, small_image=True)
                    await client.answered([request_id], timeout=15)
                self._say(
                    "[dim]now you: open the page, or `memebattle send 'your idea'` in another terminal[/]"
                )
                also.create_task(self._act())
                await asyncio.Event().wait()

    def goodbye(self) -> None:
        """What has happened altogether."""
        self._say(f"[dim]{self.answered} requests answered, {self.cached} of them from the cache[/]")
        if self.stats is not None:
            totals = self.stats.totals
            self._say(
                f"[dim]{totals.duplicates} duplicates filtered, {totals.coalesced} shared, "
                f"{totals.provider_calls} drawn[/]"
            )
        if self.acts is not None:
            votes = sum(report.votes.counted for report in self.acts.battles)
            self._say(
                f"[dim]{len(self.acts.battles)} battles played to the end, {votes} votes, "
                f"{len(self.acts.killed)} killed workers survived[/]"
            )

    async def _act(self) -> None:
        from memebattle.cli.acts import Acts

        self.acts = Acts(self._say)
        await self.acts.play(self._wanted(self.acts))

    def _wanted(self, acts: Acts) -> list[Coroutine[Any, Any, None]]:
        from memebattle.cli.phones import Way

        stack, wishes, wanted = self.stack, self.wishes, list[Coroutine[Any, Any, None]]()
        if wishes.bots:
            way = Way.of(stack.websocket_url, stack.nats_url)
            wanted.append(acts.host_battle(way, stack.nats_url, wishes.bots, self._invite))
        if wishes.storm:
            wanted.append(acts.rage(stack.nats_url, wishes.storm))
        if wishes.chaos:
            wanted.append(acts.break_things(stack.workers, Random()))  # noqa: S311 - no secret
        return wanted

    def _invite(self, code: str) -> str:
        """The way into a battle; shown as a picture too, where phones can go it."""
        url = self._join_url(code)
        self._show_the_way_in(url)
        return url

    def _join_url(self, code: str = "") -> str:
        return f"{self.stack.page_url}/#/battle" + (f"/{code}" if code else "")

    def _show_the_way_in(self, url: str) -> None:
        from memebattle.cli.lan import qr_code

        if not self.stack.plan.lan:
            return
        self._say(f"phones in this network: [bold]{url}[/]")
        if not self.quiet:
            print(qr_code(url), flush=True)

    def _addresses(self) -> list[tuple[str, str]]:
        stack = self.stack
        rows = [("page", stack.page_url), ("battle", self._join_url())]
        rows += [("REST docs", f"{stack.http_url}/docs"), ("events docs", f"{stack.http_url}/asyncapi")]
        if stack.nats is not None:
            rows += [("NATS monitor", stack.nats.monitor_url)]
        return [*rows, ("metrics", f"http://127.0.0.1:{stack.metrics_ports[0]}/metrics")]

    async def _hear_stats(self, connection: Client) -> None:
        from memebattle.bus.subjects import MEME_STATS
        from memebattle.memes.messages import MemeStats

        async def hear(message: Msg) -> None:
            self.stats = MemeStats.read(message.data)

        await connection.subscribe(MEME_STATS, cb=hear)

    def _tell(self, received: Received) -> None:
        self.answered += 1
        message = received.message
        self.cached += bool(message.get("cached"))
        if not received.ok:
            self._say(f"  [red]✗[/] {message['code']}: {message['error']}")
        elif not OF_MANY.fullmatch(received.request_id):
            how = "from the cache" if message.get("cached") else f"drawn in {message['duration_ms']} ms"
            self._say(
                f"  [green]✓[/] {message['width']}x{message['height']} {size(len(received.image()))} {how}"
                f"  [dim]{self.stack.http_url}{message['image_url']}[/]"
            )

    def _say(self, text: str) -> None:
        if not self.quiet:
            console().print(text, soft_wrap=True)


_PATHS = {"core": "Core NATS", "jetstream": "JetStream", "both": "both paths at once"}
