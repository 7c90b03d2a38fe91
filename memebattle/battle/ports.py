"""What battles need from outside beside their log: somebody who paints, somewhere to tell, a censor."""

from __future__ import annotations

from typing import Protocol

from memebattle.bus.idempotency import Answer
from memebattle.bus.messages import WireModel


class Painter(Protocol):
    """Who makes the pictures: asked under an id, any number of times."""

    async def ask(self, request_id: str, prompt: str) -> None:
        """Store the request; the same id twice is one request."""
        ...

    async def cancel(self, request_id: str) -> None:
        """Nobody wants this picture any more. Best effort."""
        ...

    async def answer(self, request_id: str) -> Answer | None:
        """The answer, if it is there."""
        ...


class Events(Protocol):
    """Somewhere to tell what happened. Best effort, never raises."""

    async def tell(self, subject: str, message: WireModel) -> None: ...


class Moderator(Protocol):
    """Says what may not be said."""

    def objection(self, text: str, level: str) -> str | None:
        """Why not, in words for whoever wrote it; None when it is fine."""
        ...
