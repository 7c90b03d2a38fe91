"""Text of others, fit for a terminal: nothing in it moves the cursor, and lines end between words.

A model, a gateway or a pod may send anything. An escape sequence that reached the terminal could retitle the
window, write into the clipboard or hide what it says; so could the marks that turn the direction of writing.
Such characters are shown as what they are (`␛`), never passed on.
"""

from __future__ import annotations

import re

LONGEST_WORD = 40  # cells; more is no word, and waiting for its end would hold the text back

# control characters but LF and TAB, marks that turn the direction of writing, and halves of surrogate pairs
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ALONE = (
    "\u2e80-\u9fff\uac00-\ud7a3\uff00-\uffef"  # scripts without spaces: a line may end after any character
)
_PARTS = re.compile(rf"\n|[ \t]+|[{_ALONE}]|[^ \t\n{_ALONE}]+")
_WORD_BY_ITSELF = re.compile(f"[{_ALONE}]")


def printable(text: str) -> str:
    """The text, its lines kept; characters that a terminal would obey are replaced by pictures of them."""
    return _UNSAFE.sub(_picture, text)


def printable_line(text: str) -> str:
    """The same on one line."""
    return " ".join(printable(text).split())


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code == 0x0D:  # with LF it is half of a line end; alone it would write over the line
        return ""
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


class Prose:
    """Text that arrives in pieces, with its lines broken between words.

    A terminal breaks them anywhere. The last word is held back until it is known to fit. Width is in cells.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._column = 0
        self._gap, self._word = "", ""

    def feed(self, text: str) -> str:
        """What can be shown now."""
        shown = []
        for part in _PARTS.findall(printable(text)):
            if part == "\n":
                shown.append(self._place() + "\n")
                self._column, self._gap = 0, ""
            elif part.isspace():
                shown.append(self._place())
                self._gap += part.replace("\t", "    ")
            elif _WORD_BY_ITSELF.match(part):
                shown.append(self._place())
                self._word = part
                shown.append(self._place())
            else:
                self._word += part
                if _cells(self._word) > LONGEST_WORD:
                    shown.append(self._place())
        return "".join(shown)

    def rest(self) -> str:
        """The word that was held back; nothing more will come."""
        return self._place()

    @property
    def in_line(self) -> bool:
        """Whether the last line has something in it."""
        return self._column > 0

    def _place(self) -> str:
        if not self._word:
            return ""
        word, gap = self._word, self._gap
        self._gap, self._word = "", ""
        needed = _cells(gap) + _cells(word)
        if self._column and self._column + needed > self._width:
            self._column = _cells(word)
            return f"\n{word}"
        self._column += needed
        return gap + word


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return len(text) if text.isascii() else cell_len(text)
