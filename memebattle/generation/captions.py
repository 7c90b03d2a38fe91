"""Meme captions: where a prompt breaks in two, how large it is set, and the look everybody knows.

White capitals with a black outline, centred, at the top and the bottom of any picture. The whole text is
always visible: lines are balanced and the type grows until it fills its band, a long text takes more lines
before it becomes too small to read, and a word that is wider than the picture is broken.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Self

from PIL import ImageDraw
from PIL.Image import Image

from memebattle.generation import fonts

TAILS = (
    "nailed it",
    "much wow",
    "send help",
    "plot twist",
    "no regrets",
    "not even mad",
    "10/10 would scale",
    "it works on my cluster",
    "change my mind",
    "exactly once",
)
WORDLESS = ("no words", "lost in translation", "you had to be there", "just vibes")

# all of these are parts of the picture: width by the width, heights by the shorter side
LINE_WIDTH = 0.93
BAND_HEIGHT = 0.25
LARGEST_TYPE = 0.13
READABLE_TYPE = 0.055
MARGIN = 0.02
RIM = 2  # pixels more, so that accents and outlines of tiny pictures stay inside
USUAL_LINES = 3
LEADING = 1.13  # distance of two lines, in type sizes
OUTLINE = 1 / 13  # width of the outline, in type sizes

# ---------------------------------------------------------------- where a prompt breaks

_LEADS = (
    "on when and but with without in at wearing while because to from during riding eating into after before "
    "that who is are was until if then instead"
)
_CLINGS = "a an the of my your our their his her its this no not very"


def split_caption(prompt: str, rng: Random) -> tuple[str, str]:
    """Top and bottom line of a prompt: as written with `|` or a line break, else at its most natural pause.

    Prompts of up to three words get a closing line, prompts we cannot draw a single letter of get two.
    """
    parts = [" ".join(part.split()) for part in re.split(r"[|\n]", prompt, maxsplit=1)]
    if not any(map(_says_something, parts)):
        return _in_words(prompt) or rng.choice(WORDLESS), rng.choice(TAILS)
    if len(parts) > 1:
        return parts[0], parts[1]
    words = parts[0].split()
    if len(words) <= USUAL_LINES:
        return parts[0], rng.choice(TAILS)
    at = min(range(1, len(words)), key=lambda index: _break_cost(words, index))
    return " ".join(words[:at]), " ".join(words[at:])


def _break_cost(words: list[str], at: int) -> float:
    """In characters of imbalance: pauses and joining words are worth some, torn phrases cost some."""
    before, after, leads = words[at - 1].casefold(), words[at].casefold(), _LEADS.split()
    cost: float = abs(len(" ".join(words[:at])) - len(" ".join(words[at:])))
    cost -= 24 * (after in leads)
    cost -= 20 * before.endswith((",", ".", "!", "?", ":", ";"))
    cost += 12 * (before in leads or before in _CLINGS.split())
    return cost


def _in_words(prompt: str) -> str:
    """Emoji as Unicode calls them: we cannot draw them, but we can say them."""
    names = [unicodedata.name(char, "") for char in prompt if unicodedata.category(char) == "So"]
    return " ".join(dict.fromkeys(filter(None, names)))


def _says_something(text: str) -> bool:
    """Whether anything but emoji can be drawn; of those, fonts know too few to tell a story."""
    return any(unicodedata.category(char) != "So" for char in fonts.typeset(text)[0])


# ---------------------------------------------------------------- drawing


def draw_captions(image: Image, top: str | None, bottom: str | None) -> Image:
    """Caption a picture; an RGB image is drawn on in place, any other mode is converted first."""
    picture = image if image.mode == "RGB" else image.convert("RGB")
    Captions.fit(picture.size, top, bottom).draw(picture)
    return picture


@dataclass(frozen=True, slots=True)
class Block:
    """One caption, broken into lines; `type_size` in pixels."""

    lines: tuple[str, ...]
    type_size: int
    face: str

    @property
    def height(self) -> float:
        """Pixels from the top of the first line to the bottom of the last."""
        return len(self.lines) * self.type_size * LEADING

    def draw(self, image: Image, y: float) -> None:
        """Set the lines below `y`."""
        pen, font = ImageDraw.Draw(image), fonts.load(self.face, self.type_size)
        for number, line in enumerate(self.lines):
            pen.text(
                (image.width / 2, y + (number + 0.5) * self.type_size * LEADING),
                fonts.visual(line),
                fill="#ffffff",
                font=font,
                anchor="mm",
                stroke_width=_outline(self.type_size),
                stroke_fill="#000000",
            )


@dataclass(frozen=True, slots=True)
class Captions:
    """Both captions of a picture of this size, fitted; whoever composes the picture knows what they leave."""

    top: Block
    bottom: Block
    margin: float

    @classmethod
    def fit(cls, size: tuple[int, int], top: str | None, bottom: str | None) -> Self:
        """Choose face, lines and type size for both; None and "" mean no caption."""
        return cls(_fit(top or "", *size), _fit(bottom or "", *size), RIM + MARGIN * min(size))

    @property
    def top_space(self) -> float:
        """Pixels the top caption takes, with its margin."""
        return self.top.height + self.margin if self.top.lines else 0.0

    @property
    def bottom_space(self) -> float:
        """Pixels the bottom caption takes, with its margin."""
        return self.bottom.height + self.margin if self.bottom.lines else 0.0

    def draw(self, image: Image) -> None:
        """Draw on an RGB image of the size that was fitted."""
        self.top.draw(image, self.margin)
        self.bottom.draw(image, image.height - self.bottom_space)


def _fit(text: str, width: int, height: int) -> Block:
    """The largest type that shows the whole text: few lines when readable, more when not."""
    drawable, face = fonts.typeset(text)
    side = min(width, height)
    room, band = width * LINE_WIDTH, side * BAND_HEIGHT
    words = list(_broken(drawable.split(), face, room / (side * READABLE_TYPE)))
    best, lines = 0.0, [""]
    for count in range(1, len(words) + 1):
        tallest = min(side * LARGEST_TYPE, band / (count * LEADING))
        if tallest <= best or (count > USUAL_LINES and best >= side * READABLE_TYPE):
            break
        candidate, widest = _balanced(words, face, count)
        if (size := min(tallest, room / max(widest, 0.01))) > best:
            best, lines = size, candidate
    if not words:
        return Block((), 1, face)
    return Block(tuple(lines), _truly_fitting(lines, face, max(1, int(best)), room), face)


def _truly_fitting(lines: list[str], face: str, size: int, room: float) -> int:
    """Small type is set on whole pixels and runs wider than its scaled width: step down until it fits."""
    while size > 1 and max(fonts.load(face, size).getlength(line) for line in lines) > room:
        size -= 1
    return size


def _balanced(words: list[str], face: str, count: int) -> tuple[list[str], float]:
    """At most `count` lines, the widest as narrow as can be; and its width in type sizes."""
    widths, space = [fonts.width(face, word) for word in words], fonts.width(face, " ")
    narrow, wide = max(widths), sum(widths) + space * len(words)
    for _ in range(12):
        middle = (narrow + wide) / 2
        if len(_wrapped(widths, space, middle)) <= count:
            wide = middle
        else:
            narrow = middle
    spans = _wrapped(widths, space, wide)
    lines = [" ".join(words[start:stop]) for start, stop in spans]
    return lines, max(sum(widths[a:b]) + space * (b - a - 1) for a, b in spans)


def _wrapped(widths: list[float], space: float, limit: float) -> list[tuple[int, int]]:
    """Greedy lines as spans of words."""
    starts, used = [0], widths[0]
    for index, width in enumerate(widths[1:], 1):
        if used + space + width > limit:
            starts.append(index)
            used = width
        else:
            used += space + width
    return list(itertools.pairwise([*starts, len(widths)]))


def _broken(words: list[str], face: str, limit: float) -> Iterator[str]:
    """Words, those wider than `limit` type sizes in even pieces (hyphenated where the script does that)."""
    for word in words:
        pieces = int(fonts.width(face, word) / limit) + 1
        length = -(-len(word) // pieces)
        for start in range(0, len(word), length):
            more = start + length < len(word)
            yield word[start : start + length] + ("-" if more and word[start].isascii() else "")


def _outline(type_size: int) -> int:
    return max(1, round(type_size * OUTLINE))
