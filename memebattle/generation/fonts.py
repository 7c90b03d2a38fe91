"""Which font draws a text, and what of the text it can draw.

The display font (Fredoka One) knows western European letters. A text with others is set, as a whole, in the
font of this machine that knows most of it: one caption, one face. What that font does not know either loses
its accent or is left out, so that a picture never shows the empty boxes of missing glyphs.

A face is the path of a font file; loaded fonts are kept.
"""

from __future__ import annotations

import os
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from font_fredoka_one import FredokaOne
from PIL import ImageFont, features

DISPLAY: str = FredokaOne
MEASURED_AT = 100  # pixels; widths are measured once at this size and scaled

FONT_DIRECTORIES = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
FALLBACK_FONTS = (  # in order of preference; bold ones look at home beside the display font
    "DejaVuSans-Bold.ttf",
    "NotoSans-Bold.ttf",
    "NotoSansCJK-Bold.ttc",
    "NotoSansCJK-Regular.ttc",
    "NotoSansArabic-Bold.ttf",
    "NotoSansHebrew-Bold.ttf",
    "NotoSansDevanagari-Bold.ttf",
    "NotoSansThai-Bold.ttf",
    "WenQuanYiZenHei.ttf",
    "wqy-zenhei.ttc",
    "Arial Unicode.ttf",
    "PingFang.ttc",
    "arialbd.ttf",
    "msgothic.ttc",
)


@lru_cache(1024)
def typeset(text: str) -> tuple[str, str]:
    """What of the text can be drawn, in capitals, and the face that draws most of it."""
    capitals = unicodedata.normalize("NFC", " ".join(text.split())).upper()
    wanted = "".join(char for char in capitals if _is_shown(char))
    face = _best_face(wanted)
    return " ".join("".join(_known(char, face) for char in wanted).split()), face


def _is_shown(char: str) -> bool:
    """No controls, joiners, surrogates; no accent that would not compose with its letter (stacks of them)."""
    return char == " " or (unicodedata.category(char)[0] not in "CZ" and not "\u0300" <= char <= "\u036f")


def _best_face(text: str) -> str:
    """The display font where it suffices, else the font that knows the most of the text."""
    inked = set(text) - {" "}
    if all(_covers(DISPLAY, char) for char in inked):
        return DISPLAY
    return max((DISPLAY, *_fallback_faces()), key=lambda face: sum(_covers(face, char) for char in text))


def _known(char: str, face: str) -> str:
    """The character, or its base letter, or nothing."""
    if char == " " or _covers(face, char):
        return char
    base = unicodedata.normalize("NFKD", char)[:1].upper()
    return base if base.isprintable() and _covers(face, base) else ""


@lru_cache(8192)
def _covers(face: str, char: str) -> bool:
    """Fonts draw every unknown character as the same mark, so one that looks like it is unknown."""
    unknown, glyph = (load(face, 32).getmask(sample) for sample in ("\U0010ffff", char))
    return (glyph.size, bytes(glyph)) != (unknown.size, bytes(unknown))


@lru_cache(8192)
def width(face: str, word: str) -> float:
    """In type sizes."""
    return load(face, MEASURED_AT).getlength(word) / MEASURED_AT


@lru_cache(256)
def load(face: str, pixels: int) -> ImageFont.FreeTypeFont:
    # the display font needs no shaping, and the simple engine is several times faster
    simple = face == DISPLAY or not _shapes()
    engine = ImageFont.Layout.BASIC if simple else ImageFont.Layout.RAQM
    return ImageFont.truetype(face, pixels, layout_engine=engine)


@cache
def _fallback_faces() -> tuple[str, ...]:
    """The fallback faces this machine has, the preferred first; looked for once, when first needed."""
    found: dict[str, str] = {}
    for directory in FONT_DIRECTORIES:
        for folder, _, files in os.walk(Path(directory).expanduser()):
            for name in FALLBACK_FONTS:
                if name in files:
                    found.setdefault(name, str(Path(folder, name)))
    return tuple(found[name] for name in FALLBACK_FONTS if name in found)


def visual(line: str) -> str:
    """A line as the font engine wants it: in reading order, or turned by us if it cannot do that."""
    return line if _shapes() else _turned(line)


def _turned(line: str) -> str:
    """Right-to-left text from left to right; good enough for lines of one script."""
    leftward = any(unicodedata.bidirectional(char) in {"R", "AL"} for char in line)
    return line[::-1] if leftward else line


@cache
def _shapes() -> bool:
    """Whether this Pillow shapes and turns text (Raqm is built in, FriBiDi is found at run time)."""
    return all(map(features.check, ("raqm", "fribidi")))
