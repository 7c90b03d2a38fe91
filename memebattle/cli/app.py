"""The root of the command line: which command is in which file.

Only typer is imported here; a command imports what it needs when it runs, so that `--help` takes 200 ms.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

# command -> (module, what it does in a line)
COMMANDS = {
    "demo": ("up", "Everything on this machine: servers, workers, gateway, page, and a show."),
    "up": ("up", "The same without the show, for development."),
    "send": ("talk", "Ask for memes and wait for the answers."),
    "watch": ("talk", "Show answers as they come."),
    "tail": ("talk", "Show every message of a subject."),
    "pub": ("talk", "Publish one message."),
    "chat": ("chat", "Ask a text model and see the answer as it comes."),
    "pods": ("pods", "Ask the gateways of chat how they are."),
    "prioritize": ("prioritize", "Score tasks from a file and rank them."),
    "battle": ("battle", "Battles: as they stand, as they went, and to take home."),
    "cache": ("cache", "Count what Redis keeps, and clear it."),
    "doctor": ("operate", "Check NATS, streams, Redis and provider; say what to mend."),
    "streams": ("operate", "Apply, compare and list streams and consumers."),
    "dlq": ("redrive", "Look at dead letters and retry them."),
    "replay": ("redrive", "Ask again what was asked before, under new ids."),
    "spec": ("develop", "Write AsyncAPI, its page and TypeScript types from the code."),
    "config": ("develop", "Show the effective settings, secrets masked."),
    "nats-config": ("develop", "Write a NATS server configuration with our accounts."),
    "k8s": ("k8s", "Manifests and Secrets for Kubernetes, and a look at its NATS."),
    "top": ("top", "Backlog, workers, rates and latencies, as they change."),
    "load": ("load", "Many people at once: requests for memes, or a whole battle."),
    "bench": ("develop", "Measure."),
    "dev": ("develop", "Tools for development: a fake HuggingFace, a fake OpenAI and Anthropic."),
}


class LazyGroup(TyperGroup):
    """Knows every command by name and loads the one that is used."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module, summary = COMMANDS[cmd_name]
        if ctx.resilient_parsing or _only_listing(ctx):
            return TyperCommand(cmd_name, help=summary)
        loaded = importlib.import_module(f"memebattle.cli.{module}")
        group = typer.main.get_group(loaded.app)
        return group.get_command(ctx, cmd_name)


def _only_listing(ctx: Any) -> bool:
    """Whether we are asked for the summaries of `memebattle --help` and not for a command."""
    return ctx.info_name is not None and not ctx.invoked_subcommand and "--help" in sys.argv[1:2]


def create() -> typer.Typer:
    """The root."""
    root = typer.Typer(
        cls=LazyGroup,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help="memebattle: one meme request in, exactly one answer out, over NATS.\n\n"
        "Start with `memebattle demo`, then `memebattle send 'A cat on Mars'` in another terminal.",
        epilog="Exit codes: 0 fine, 1 failed or not answered, 2 wrong usage, 130 interrupted.",
    )

    @root.callback()
    def options(
        version: bool = typer.Option(False, "--version", help="Print the version and leave."),
        debug: bool = typer.Option(False, "--debug", help="Show tracebacks."),
    ) -> None:
        if debug:
            os.environ["MEMEBATTLE_DEBUG"] = "1"
        if version:
            from memebattle import __version__

            typer.echo(__version__)
            raise typer.Exit

    return root


def main() -> None:
    """Entry point: problems become three lines, not tracebacks."""
    try:
        create()()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if os.environ.get("MEMEBATTLE_DEBUG"):
            raise
        sys.exit(_explain(error))


def _explain(error: Exception) -> int:
    """Say what went wrong; an error we did not foresee keeps its traceback."""
    from memebattle.cli.output import USAGE, Problem
    from memebattle.settings import SettingsError

    match error:
        case Problem():
            error.tell()
            return error.code
        case SettingsError():
            Problem(str(error), do="`memebattle config` lists every variable").tell()
            return USAGE
    raise error
