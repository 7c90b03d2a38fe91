"""The conversation at a terminal: lines in, answers out, and a few commands that begin with a slash."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from memebattle.cli.chat_client import ChatClient
from memebattle.cli.chat_telling import Answer
from memebattle.cli.foreign import printable, printable_line
from memebattle.cli.output import Problem, console, emit

HELP = """\
/new           begin another session
/session       show this session and its gateway
/history       show what is remembered of this session
/model NAME    ask this model from now on; without a name, show which
/help          this
Ctrl-C stops an answer; at the prompt, Ctrl-C twice or Ctrl-D leaves."""

_BOLD = "\x01\x1b[1m\x02{}\x01\x1b[0m\x02"  # readline leaves out of its count what is between \x01 and \x02


class Conversation:
    """Reads lines until there are no more. `ask` tells the answer to one."""

    def __init__(
        self,
        ask: Callable[[str], Answer],
        runner: asyncio.Runner,
        client: ChatClient,
        context: dict[str, Any],
        *,
        json: bool = False,
    ) -> None:
        self._ask, self._runner, self._client, self._context, self._json = ask, runner, client, context, json
        self._commands: dict[str, Callable[[str], None]] = {
            "/new": self._new,
            "/session": self._session,
            "/history": self._history,
            "/model": self._model,
            "/help": lambda _: self._say(HELP),
        }

    def run(self, *, at_terminal: bool) -> bool:
        """Until the end of input. True when an answer did not come to its end."""
        failed = False
        if at_terminal:
            self._say(f"session {self._client.session_id} at {self._client.url}; /help for more")
        for line in _lines_typed() if at_terminal else sys.stdin:
            text = line.strip()
            try:
                if text.startswith("/"):
                    self._command(text)
                elif text and not (answer := self._ask(text)).stopped:
                    answer.require_end("ask again, perhaps in other words")
            except Problem as problem:
                failed = True
                problem.tell()
        return failed and not at_terminal

    def _command(self, text: str) -> None:
        name, _, argument = text.partition(" ")
        if name not in self._commands:
            raise Problem(f"{printable_line(name)} is no command", do="/help")
        self._commands[name](argument.strip())

    def _new(self, _: str) -> None:
        self._client.begin_anew()
        self._session("")

    def _session(self, _: str) -> None:
        self._say(f"session {self._client.session_id} at {self._client.url}")

    def _model(self, name: str) -> None:
        self._context["model"] = name or self._context["model"]
        self._say(f"model {self._context['model'] or 'of the gateway'}")

    def _history(self, _: str) -> None:
        entries = self._runner.run(self._client.history())
        if self._json:
            emit([entry.model_dump() for entry in entries])
            return
        if not entries:
            self._say("nothing is remembered of this session")
        for entry in entries:
            console().print(f"{entry.role}", style="bold" if entry.role == "user" else "dim")
            console().print(printable(entry.content), markup=False)

    def _say(self, text: str) -> None:
        console(stderr=True).print(text, style="dim", markup=False, soft_wrap=True)


def _lines_typed() -> Iterator[str]:
    """What somebody types; ends with Ctrl-D, or Ctrl-C twice."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - gives `input` its line editing
    prompt = "> " if os.environ.get("NO_COLOR") else _BOLD.format("> ")
    interrupted = False
    while True:
        try:
            line = input(prompt)
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()
            if interrupted:
                return
            interrupted = True
            print("(Ctrl-C again or Ctrl-D leaves)", file=sys.stderr)
            continue
        interrupted = False
        yield line
