"""What priority needs from the outside, in a worker and in a gateway; each port has an in-memory twin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from memebattle.bus.messages import WireModel
from memebattle.priority.messages import AiSkipped, PriorityTask, UrgencyLevel

type Kind = Literal["result", "suggestions", "session", "stats", "temp"]


class Documents(Protocol):
    """What is cached, each kind for its time. What cannot be read is missing, what cannot be kept is lost."""

    async def get(self, kind: Kind, key: str) -> bytes | None: ...

    async def put(self, kind: Kind, key: str, value: bytes) -> None: ...

    async def put_many(self, kind: Kind, values: Mapping[str, bytes]) -> None:
        """In one round trip."""
        ...

    async def push(self, kind: Kind, key: str, value: bytes, limit: int) -> None:
        """Put it in front of a list that keeps the newest `limit`."""
        ...

    async def items(self, kind: Kind, key: str) -> list[bytes]:
        """Such a list, the newest first."""
        ...


@dataclass(frozen=True, slots=True)
class Guess:
    """Factors by field name, as a language model sees them, or why there are none."""

    values: Mapping[str, float] = field(default_factory=dict)
    skipped: AiSkipped | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do, and whose idea it was."""

    suggestions: tuple[str, ...]
    origin: Literal["llm", "rules"] = "rules"
    provider: str | None = None
    model: str | None = None
    skipped: AiSkipped | None = None


class Adviser(Protocol):
    """A language model within its budget; never raises, never takes longer."""

    async def guess(self, task: PriorityTask, wanted: tuple[str, ...], *, wish: bool | None = None) -> Guess:
        """Values for the fields `wanted`; `wish` is what the request says about using a model."""
        ...

    async def advise(
        self, task: PriorityTask, level: UrgencyLevel, rules: tuple[str, ...], *, wish: bool | None = None
    ) -> Advice:
        """Three to five suggestions; `rules` are those that need no model."""
        ...


class Figures(Protocol):
    """Counts and durations in seconds, added up by the minute over all replicas."""

    def add(self, name: str, amount: float = 1) -> None: ...

    def observe(self, name: str, seconds: float) -> None: ...


class Events(Protocol):
    """Somewhere to tell what happened. Best effort, never raises."""

    async def tell(self, subject: str, message: WireModel) -> None: ...


type Wait = Callable[[float], Awaitable[bool]]


class Tasks(Protocol):
    """Where a gateway sends tasks."""

    async def submit(self, request_id: str, revision: int, body: bytes, traceparent: str = "") -> None:
        """Store the task durably; the same revision twice is stored once.

        Raises:
            QueueFull: too much is waiting.
            PublishFailed: NATS is away for longer than the publisher's budget.
        """
        ...

    async def cancel(self, request_id: str, revision: int) -> None:
        """Tell every worker, with a `PriorityCancel`."""
        ...

    async def ask_now(self, body: bytes, timeout: float, traceparent: str = "") -> bytes:
        """The reply of a worker that is there now.

        Raises:
            TimeoutError: none came in time.
            Unavailable: no worker is there.
        """
        ...

    def heard(self, request_id: str) -> AbstractAsyncContextManager[Wait]:
        """Listen to a task; the yielded function waits so many seconds until something is said about it."""
        ...
