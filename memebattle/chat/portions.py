"""How an answer is cut, so that every piece of it fits into one message of this server.

Text is cut by its worst case, frames are filled by the bytes their chunks really have: those carry ids and
metadata of any length beside a few letters of text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from memebattle.chat.messages import ResponseChunk

LONGEST_CHUNK = 16 * 1024  # characters
LONGEST_FRAME = 128 * 1024  # bytes of chunks; fewer than the 1000 that a batch may have
WORST = 6  # bytes of one character in JSON
HEADERS = 2 * 1024  # bytes that travel beside a body at most
ENVELOPE = 4 * 1024  # bytes: the same, and a chunk without its text


def parts(text: str, max_payload: int) -> Iterator[str]:
    """The text of one chunk each, without what UTF-8 cannot say."""
    sound = text.encode(errors="replace").decode()
    longest = max(1, min(LONGEST_CHUNK, (max_payload - ENVELOPE) // WORST))
    for start in range(0, len(sound), longest):
        yield sound[start : start + longest]


def groups(chunks: Sequence[ResponseChunk], max_payload: int) -> Iterator[list[ResponseChunk]]:
    """The chunks of one frame each."""
    longest = min(LONGEST_FRAME, max_payload - HEADERS)
    group: list[ResponseChunk] = []
    size = 0
    for chunk in chunks:
        needed = len(chunk.body()) + 1
        if group and size + needed > longest:
            yield group
            group, size = [], 0
        group.append(chunk)
        size += needed
    if group:
        yield group
