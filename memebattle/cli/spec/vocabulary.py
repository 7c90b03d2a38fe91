"""The words there are for a channel: what no type can say about it; and what a role does there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

type Guarantee = Literal["exactly-once", "at-least-once", "at-most-once"]
type Browser = Literal["publishes", "subscribes", "neither"]
type Role = Literal["worker", "gateway"]
type HeaderKind = Literal[
    "Request", "StoredAnswer", "Answer", "Chunk", "StoredChunk", "Task", "StoredEntry", "Entry", "DeadLetter"
]
type Group = Literal[
    "Memes: what you send",
    "Memes: what you hear",
    "Chat: messages and answers",
    "Chat: the pods",
    "Priority: what you send",
    "Priority: what you hear",
    "Priority: what people decide",
    "Battles: what you send",
    "Battles: what you hear",
    "For operators",
]


@dataclass(frozen=True, slots=True)
class Operation:
    """What a role does on a channel; `handler` is the docstring of what it does with what it receives."""

    channel: str
    role: Role
    action: str
    handler: str
    queue: str | None


@dataclass(frozen=True, slots=True)
class ChannelWords:
    """One channel. `subject` is its template under default settings: the key of `subjects.MEANINGS`."""

    title: str
    subject: str
    group: Group
    says: str
    hears: str
    guarantee: Guarantee
    because: str
    ordering: str
    browser: Browser = "neither"
    headers: HeaderKind | None = None
    message_prefix: str = ""  # tells a message apart that is heard elsewhere with other headers
    meaning: str = ""  # of a channel that has no subject of its own
