"""What text generation needs from the outside: a conversation in, a stream of pieces out.

A provider raises the errors of `ports.py` and nothing else. Before the first piece they mean that the answer
may be tried again; after it `StreamCut` and the others end the answer where it is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol

from memebattle.generation.ports import ProviderUnavailable

type Role = Literal["system", "user", "assistant"]
type ModelFinish = Literal["stop", "length"]


class StreamCut(ProviderUnavailable):
    """The stream ended without saying that it was the end."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One entry of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class TextSpec:
    """What is to be written.

    `turns` is the conversation, oldest first, the question last. `said` is the beginning of this very answer,
    written by a worker that died: the model goes on right behind it and repeats nothing of it. `max_tokens`
    bounds the whole answer, `said` included.
    """

    turns: tuple[Turn, ...]
    model: str
    system: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Some text, or the end: the last piece has a `finish_reason`, and the usage if the provider counted it.

    Errors are raised and cancelling is the caller's, so a model only ever finishes with `stop` or `length`.
    `model` is what the provider says it used.
    """

    text: str = ""
    finish_reason: ModelFinish | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    model: str | None = None


class TextModel(Protocol):
    """Writes text. `name` signs the answer; `models` may be named by a message, the default first.

    `*` among the models allows any name.
    """

    name: str
    models: tuple[str, ...]

    def stream(self, spec: TextSpec) -> AsyncGenerator[TextPiece]:
        """Write piece by piece; closing the generator ends the provider's call.

        Exactly one piece, the last one, has a finish reason.

        Raises:
            GenerationError: one of the subclasses in `ports`, or `StreamCut`.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...
