"""Text as people type it, in a form that is safe to work with."""

from __future__ import annotations

import unicodedata

MOST_MARKS = 30  # in a row; the bound of the Stream-Safe Text Format (Unicode Standard Annex 15)


def composed(text: str) -> str:
    """In normal form C, with at most 30 combining marks in a row.

    Normalising sorts every run of marks, in the square of its length: 160 KB of them hold the event loop for
    five seconds. No script comes near the bound; what is beyond it is dropped.
    """
    if text.isascii():
        return text
    kept, marks = list[str](), 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= MOST_MARKS:
            kept.append(char)
    return unicodedata.normalize("NFC", "".join(kept))
