"""`memebattle chat`: one question from the command line, or a conversation at the terminal.

A conversation reads its lines between answers, not beside them: while somebody types, nothing runs and Ctrl-C
means what it means in a shell; while an answer is told, it stops the answer.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memebattle.cli.connection import running_stack
from memebattle.cli.output import FAILED, INTERRUPTED, USAGE, Problem

if TYPE_CHECKING:
    from memebattle.cli.chat_client import ChatClient
    from memebattle.cli.chat_telling import Answer

app = typer.Typer()

FALLBACK = "http://127.0.0.1:8000"


@app.command()
def chat(
    message: Annotated[
        list[str] | None, typer.Argument(help="One question; without it, a conversation begins")
    ] = None,
    url: Annotated[
        list[str] | None,
        typer.Option("--url", help="A gateway; name several, any will do (else those of the running `up`)"),
    ] = None,
    session: Annotated[str | None, typer.Option(help="Go on with this session")] = None,
    provider: Annotated[str | None, typer.Option(help="openai, anthropic, custom or local")] = None,
    model: Annotated[str | None, typer.Option(help="One of the provider's models")] = None,
    system: Annotated[str | None, typer.Option(help="What the model is told beforehand")] = None,
    temperature: Annotated[float | None, typer.Option(min=0, max=2, help="0 is sober")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Longest answer")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds one answer may take in all")] = 300,
) -> None:
    """Chat, and see the answer as it comes. Exit 0 only if every answer came to its end.

    Ctrl-C stops an answer and keeps the conversation. Lines from a pipe are questions, one each.

    Example: memebattle chat "A caption for my cat, please"
    """
    from memebattle.bus.subjects import is_token
    from memebattle.cli.chat_client import ChatClient

    if session is not None and not is_token(session):
        raise Problem("--session is no session", do="1 to 64 letters, digits, `_` or `-`", code=USAGE)
    context = {
        "ai_provider": provider,
        "model": model,
        "system_prompt": system,
        "temperature": temperature,
        "max_tokens": max_tokens,
    }
    client = ChatClient(_urls(url), session)
    with asyncio.Runner() as runner:
        talk = _Talk(runner, client, context, timeout, json=json)
        try:
            code = talk.once(" ".join(message)) if message else _converse(talk)
        finally:
            runner.run(client.aclose())
    raise typer.Exit(code)


def _urls(given: list[str] | None) -> list[str]:
    """The options, else all gateways of the `memebattle up` that runs here, else localhost."""
    stack = running_stack()
    found = given or stack.get("http_urls") or [stack.get("http_url") or FALLBACK]
    urls = [str(url).rstrip("/") for url in found] if isinstance(found, list) else [FALLBACK]
    for url in urls:
        scheme, _, host = url.partition("://")
        if scheme not in {"http", "https"} or not host:
            raise Problem(f"--url {url} is no address", do=f"such as {FALLBACK}", code=USAGE)
    return urls


class _Talk:
    """Questions and their answers, one after the other; `failed` when one did not come to its end."""

    def __init__(
        self,
        runner: asyncio.Runner,
        client: ChatClient,
        context: dict[str, Any],
        timeout: float,
        *,
        json: bool,
    ) -> None:
        self.runner, self.client, self.context, self.json = runner, client, context, json
        self._timeout = timeout
        self.failed = False

    def ask(self, message: str) -> Answer:
        """Tell the answer as it comes.

        Raises:
            Problem: there is none, or not all of it.
            KeyboardInterrupt: the person at the terminal wants to leave.
        """
        from memebattle.cli.chat_telling import tell, teller

        sound = message.encode(errors="replace").decode()  # an argument may hold bytes that are no text
        telling = teller(json=self.json)
        return self.runner.run(tell(self.client, sound, self.context, telling, self._timeout))

    def once(self, message: str) -> int:
        """One question; the exit code."""
        answer = self.ask(message)
        if answer.stopped:
            return INTERRUPTED
        answer.require_end(f"ask again with `memebattle chat --session {self.client.session_id}`")
        return 0


def _converse(talk: _Talk) -> int:
    from memebattle.cli.chat_conversation import Conversation

    conversation = Conversation(talk.ask, talk.runner, talk.client, talk.context, json=talk.json)
    return FAILED if conversation.run(at_terminal=sys.stdin.isatty()) else 0
