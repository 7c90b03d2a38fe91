"""What an API for text has to say about itself, so that `http_text` can call it.

A dialect is pure: it writes the body of a request and makes readers, which take the events of one answer. Who
is called, and within which bounds, is said beside it. Adding an API takes a dialect, a `Provider` with advice
for its errors, and a few lines in `text_registry`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from memebattle.generation.ports import GenerationError
from memebattle.generation.providers.faults import Provider
from memebattle.generation.text import TextPiece, TextSpec


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds and bytes; see the settings of the same names."""

    timeout: float = 300.0
    idle_timeout: float = 30.0
    max_answer_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Account:
    """Whom we call, where, and as whom. The URL is checked before (`addresses.base_fault`)."""

    provider: Provider
    url: str
    key: str = ""


class Reader(Protocol):
    """What one answer's events have said so far. Foreign matter: no event may make it crash."""

    model: str | None
    complete: bool

    def read(self, document: dict[str, Any] | None) -> str:
        """The text in one event; None stands for `[DONE]`.

        Raises:
            GenerationError: the event says that this is no answer.
        """
        ...

    def last(self) -> TextPiece:
        """The piece with the finish reason.

        Raises:
            StreamCut: the answer is not complete.
        """
        ...


class Dialect(Protocol):
    """How an API is asked, and who reads what it answers."""

    path: str

    def headers(self, key: str) -> Mapping[str, str]: ...

    def body(self, spec: TextSpec) -> dict[str, Any]: ...

    def reader(self, fault: Callable[[Any], GenerationError]) -> Reader:
        """A reader for one answer; `fault` names the error objects that it meets."""
        ...
