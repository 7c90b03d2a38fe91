"""The `memebattle` command. Each group of commands is a file; what they need is imported when they run."""

from memebattle.cli.app import main

__all__ = ["main"]
