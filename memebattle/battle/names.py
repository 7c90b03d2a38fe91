"""Names as people write them: fit to be shown, and told apart by how they look.

What is invisible or turns the writing direction around is taken out, because two players could look the same
or a name could rewrite the line it stands in. Nothing is escaped here: a name is text, and is shown as text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from typing import Any

from memebattle.memes.messages import cleaned

MARKS = 2  # on one letter; more are drawn over the lines above and below
JOINERS = "\u200c\u200d"  # without them some scripts, and families of emoji, fall apart
FILLERS = "\u115f\u1160\u3164\uffa0\u2800"  # letters by law, blank to the eye

# what looks like a Latin letter in most typefaces
_CYRILLIC = dict(zip("абвезнкморстухіѕјѵԁԛԝ", "abbe3hkmopctyxisjvdqw", strict=True))
_GREEK = dict(zip("αβεηικνορτυχω", "abenikvoptuxw", strict=True))
LOOKALIKES = str.maketrans(_CYRILLIC | _GREEK | {"ı": "i", "ł": "l", "ø": "o", "đ": "d"})  # noqa: RUF001 - the point


def shown(value: Any) -> Any:
    """Text without anything invisible, with single spaces; anything but text as it is."""
    text = cleaned(value)
    return " ".join("".join(_visible(text)).split()).strip(JOINERS) if isinstance(text, str) else text


def folded(text: str) -> str:
    """The letters that a reader sees: no case, no accents, no other alphabet that only looks like ours."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in plain if not _is_unseen(letter)).translate(LOOKALIKES)


def likeness(name: str) -> str:
    """Equal for names that look alike; of a name of signs alone the signs."""
    letters = re.sub(r"[\W_]+", "", folded(name).translate(str.maketrans("01", "ol")))
    return letters or name.casefold()


def unlike(name: str, taken: Collection[str]) -> str:
    """The name, or with a number behind it what nobody is called yet; `taken` are likenesses."""
    if likeness(name) not in taken:
        return name
    return next(found for found in _numbered(name) if likeness(found) not in taken)


def _numbered(name: str) -> Iterator[str]:
    number = 2
    while True:
        yield f"{name} {number}"
        number += 1


def _visible(text: str) -> Iterator[str]:
    marks = MARKS  # there is nothing yet that a mark could be on
    for letter in text:
        category = unicodedata.category(letter)
        if letter in FILLERS or (category == "Cf" and letter not in JOINERS):
            continue
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks <= MARKS:
            yield letter


def _is_unseen(letter: str) -> bool:
    return bool(unicodedata.combining(letter)) or unicodedata.category(letter) == "Cf"
