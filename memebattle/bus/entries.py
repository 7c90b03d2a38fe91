"""What is known of tasks, as a vocabulary: entries of a log, and what a log does. Knows no broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

type EntryKind = Literal["response", "error", "suggestions", "override"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored message of a task. `digest` says what was asked; `seq` is its place, 0 before it has one."""

    request_id: str
    kind: EntryKind
    body: bytes
    revision: int = 1
    digest: str = ""
    seq: int = 0
    trace: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def is_result(self) -> bool:
        """Whether it ends the work on its revision."""
        return self.kind in {"response", "error"}


class TaskLog(Protocol):
    """The log of tasks."""

    @property
    def max_payload(self) -> int:
        """Bytes one entry may have."""
        ...

    async def add(self, entry: Entry) -> Entry | None:
        """Store it. A result or suggestions whose revision, or a later one, is there already come back."""
        ...

    async def of(self, request_id: str) -> list[Entry]:
        """The last result, suggestions and decision of a task, by place."""
        ...

    async def after(self, seq: int, limit: int, request_id: str | None = None) -> list[Entry]:
        """What was stored behind this place, oldest first; of one task only its results."""
        ...
