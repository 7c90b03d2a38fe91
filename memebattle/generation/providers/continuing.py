"""Going on with an answer that somebody else began, and the little that all APIs have to be told alike.

When a worker dies in the middle of an answer, another one has to go on right behind what the reader has seen
(`TextSpec.said`). Handing the beginning to the model as its own unfinished turn ("prefill") would be exact,
but it works nearly nowhere: Anthropic's newer models refuse it ("The conversation must end with a user
message"), the older ones refuse trailing white space, OpenAI answers with a turn of its own, and servers for
open models differ by their chat template. So the model is shown what it said as a finished turn, and is asked
to go on. That works everywhere, about as well as the model follows instructions: the seam may show.
"""

from __future__ import annotations

import math
from typing import Any

from memebattle.generation.text import TextSpec, Turn

BYTES_PER_TOKEN = 4  # English prose; other scripts use more bytes per character and more tokens as well
MAX_MODEL_NAME = 200

GO_ON = (
    "Your last message was cut off in the middle by a technical fault. Continue it exactly where it stops. "
    "Begin with the very next character, a space or a line break if one is missing. Repeat nothing, "
    "do not greet, apologise or comment on the interruption."
)


def conversation(spec: TextSpec) -> list[Turn]:
    """The turns to send: those of the spec and, behind a beginning, the request to go on with it."""
    if not spec.said.strip():
        return list(spec.turns)
    return [*spec.turns, Turn("assistant", spec.said), Turn("user", GO_ON)]


def tokens_left(spec: TextSpec) -> int | None:
    """What remains of `max_tokens` behind what was said, by estimate and never less than one."""
    if spec.max_tokens is None:
        return None
    said = math.ceil(len(spec.said.encode("utf-8", "replace")) / BYTES_PER_TOKEN)
    return max(1, spec.max_tokens - said)


def count(value: Any) -> int | None:
    """A number of tokens as a provider states it."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def model_name(value: Any) -> str | None:
    """The model a provider says it used, if that is a name one can show."""
    if isinstance(value, str) and value.isprintable() and 0 < len(value) <= MAX_MODEL_NAME:
        return value
    return None
