"""What `memebattle demo` shows in the terminal: where to click, a few memes, and what happened to them."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from memebattle.cli.client import MemeClient, Received
from memebattle.cli.connection import connected
from memebattle.cli.output import console, size
from memebattle.cli.supervisor import Stack

PROMPTS = (
    ("A cat wearing a space helmet on Mars", "core"),
    ("When the deploy works | on Friday", "jetstream"),
    ("A cat wearing a space helmet on Mars", "core"),
    ("One does not simply | scale to zero", "both"),
)


@dataclass(slots=True)
class Show:
    """Says hello, asks for memes over every path, follows along."""

    stack: Stack
    quiet: bool = False
    answered: int = 0
    cached: int = 0

    def welcome(self) -> None:
        """Where everything is."""
        from rich.panel import Panel
        from rich.table import Table

        if self.quiet:
            return
        table = Table.grid(padding=(0, 2))
        rows = [("page", self.stack.http_url), ("REST docs", f"{self.stack.http_url}/docs")]
        rows += [("events docs", f"{self.stack.http_url}/asyncapi")]
        if self.stack.nats is not None:
            rows += [("NATS monitor", self.stack.nats.monitor_url)]
        rows += [("metrics", f"http://127.0.0.1:{self.stack.metrics_ports[0]}/metrics")]
        for name, url in rows:
            table.add_row(f"[dim]{name}[/]", f"[bold]{url}[/]")
        title = f"memebattle demo: {len(self.stack.workers)} workers, offline artist"
        console().print(
            Panel(table, title=title, subtitle="Ctrl-C ends everything · not for production", expand=False)
        )

    async def run(self) -> None:
        """Ask for memes, one path after the other, then follow whatever people ask for on the page."""
        async with connected(self.stack.nats_url, ours=self.stack.nats is not None) as connection:
            client = MemeClient(connection, on_answer=self._tell)
            async with client.listening():
                for prompt, via in PROMPTS:
                    self._say(f"[dim]asking over {_PATHS[via]}:[/] {prompt}")
                    asked: Any = via
                    request_id = await client.ask(prompt, via=asked, small_image=True)
                    await client.answered([request_id], timeout=15)
                self._say(
                    "[dim]now you: open the page, or `memebattle send 'your idea'` in another terminal[/]"
                )
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()

    def goodbye(self) -> None:
        self._say(f"[dim]{self.answered} requests answered, {self.cached} of them from the cache[/]")

    def _tell(self, received: Received) -> None:
        self.answered += 1
        message = received.message
        if not received.ok:
            self._say(f"  [red]✗[/] {message['code']}: {message['error']}")
            return
        self.cached += bool(message.get("cached"))
        how = "from the cache" if message.get("cached") else f"drawn in {message['duration_ms']} ms"
        self._say(
            f"  [green]✓[/] {message['width']}x{message['height']} {size(len(received.image()))} {how}"
            f"  [dim]{self.stack.http_url}{message['image_url']}[/]"
        )

    def _say(self, text: str) -> None:
        if not self.quiet:
            console().print(text, soft_wrap=True)


_PATHS = {"core": "Core NATS", "jetstream": "JetStream", "both": "both paths at once"}
