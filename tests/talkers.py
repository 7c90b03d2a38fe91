"""Text models that say what a test wants to hear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from memebattle.generation.text import TextPiece, TextSpec

type Line = str | TextPiece | Exception | asyncio.Event

STOP = TextPiece("", "stop", prompt_tokens=9, completion_tokens=2, model="toy-1-2026")
LENGTH = TextPiece("", "length", prompt_tokens=9, completion_tokens=2, model="toy-1-2026")
HELLO: tuple[Line, ...] = ("Hello", " there", STOP)


class ScriptedText:
    """A text model with a script for each call, the last one for all that follow.

    It says its lines, raises those that are errors, and waits for those that are events.
    """

    name, models = "toy", ("toy-1", "toy-2")

    def __init__(self, *scripts: tuple[Line, ...]) -> None:
        self.scripts = list(scripts or [HELLO])
        self.specs: list[TextSpec] = []
        self.left = 0  # streams that were closed or came to their end

    async def stream(self, spec: TextSpec) -> AsyncGenerator[TextPiece]:
        self.specs.append(spec)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        try:
            for line in script:
                if isinstance(line, Exception):
                    raise line
                if isinstance(line, asyncio.Event):
                    await line.wait()
                else:
                    yield TextPiece(line) if isinstance(line, str) else line
        finally:
            self.left += 1

    async def aclose(self) -> None:
        """Nothing to give back."""
