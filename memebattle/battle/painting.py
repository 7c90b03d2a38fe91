"""Pictures for battles: asked of the platform like anybody else asks."""

from __future__ import annotations

from dataclasses import dataclass, field

from memebattle.bus.idempotency import Answer, Answers
from memebattle.memes.asking import Requests
from memebattle.memes.messages import MemeRequest


@dataclass(frozen=True, slots=True)
class StreamPainter:
    """Publishes a durable meme request; small, because it is looked at on phones."""

    requests: Requests
    answers: Answers

    async def ask(self, request_id: str, prompt: str) -> None:
        """See the port.

        Raises:
            QueueFull: the stream is at its limit.
            PublishFailed: NATS is away for longer than the publisher's budget.
        """
        request = MemeRequest(id=request_id, prompt=prompt, small_image=True)
        await self.requests.submit(request_id, request.body(), "")

    async def cancel(self, request_id: str) -> None:
        await self.requests.cancel(request_id)

    async def answer(self, request_id: str) -> Answer | None:
        return await self.answers.lookup(request_id)


@dataclass(slots=True)
class MemoryPainter:
    """The in-memory twin keeps what it was asked; a test answers."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)

    async def ask(self, request_id: str, prompt: str) -> None:
        self.asked.append((request_id, prompt))

    async def cancel(self, request_id: str) -> None:
        self.cancelled.append(request_id)

    async def answer(self, request_id: str) -> Answer | None:
        return self.answers.get(request_id)
