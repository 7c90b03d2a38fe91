"""A square sheet of 100 x 100 units, y downwards, and the few strokes all our pictures are made of.

Shapes are drawn twice as large as asked and reduced at the end: that is all the anti-aliasing there is.
`at` moves and scales the sheet for a while, so that every figure is drawn around its own origin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from math import cos, radians, sin
from random import Random

from PIL import Image, ImageDraw

type Point = tuple[float, float]
type Colour = str  # always "#rrggbb"

SUPERSAMPLING = 2
UNITS = 100
INK = "#1d1a2b"
WHITE = "#ffffff"
OUTLINE = 0.9  # units
# of 255: what Pillow's radial gradient, which fades out in the corners, has at the middle of an edge
RIM = 179


@cache
def rgb(colour: Colour) -> tuple[int, int, int]:
    """Red, green, blue of "#rrggbb"."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@lru_cache(1024)
def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`share` of the second colour, the rest of the first."""
    parts = (round(a + (b - a) * share) for a, b in zip(rgb(first), rgb(second), strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts)


def lighter(colour: Colour, share: float = 0.4) -> Colour:
    return mix(colour, WHITE, share)


def darker(colour: Colour, share: float = 0.3) -> Colour:
    return mix(colour, INK, share)


def polar(radius: float, degrees: float, squash: float = 1.0) -> Point:
    """The point at this angle of a circle (of an ellipse, when squashed) around the origin."""
    return radius * cos(radians(degrees)), radius * squash * sin(radians(degrees))


def chance(rng: Random, share: float) -> bool:
    """True this often."""
    return rng.random() < share


class Canvas:
    """The sheet. All lengths are units; `outline` draws a line of the colour around a filled shape."""

    def __init__(self, side: int) -> None:
        """Start black, `side` pixels wide and high when finished."""
        self._pixels = side * SUPERSAMPLING
        self._image = Image.new("RGB", (self._pixels, self._pixels))
        self._pen = ImageDraw.Draw(self._image)
        self._x, self._y, self._unit = 0.0, 0.0, self._pixels / UNITS

    def finished(self) -> Image.Image:
        """The picture at its final size."""
        return self._image.reduce(SUPERSAMPLING)

    @contextmanager
    def at(self, x: float, y: float, scale: float = 1.0) -> Iterator[None]:
        """Draw around (x, y), `scale` times as large; nests."""
        before = self._x, self._y, self._unit
        self._x, self._y = self._to(x, y)
        self._unit *= scale
        try:
            yield
        finally:
            self._x, self._y, self._unit = before

    # ------------------------------------------------------------ fills

    def fill(self, colour: Colour) -> None:
        """Paint the whole sheet."""
        self._image.paste(rgb(colour), (0, 0, self._pixels, self._pixels))

    def gradient(self, *stops: Colour, top: float = 0, bottom: float = UNITS) -> None:
        """Paint a band over the whole width, from the first colour above to the last below."""
        start, stop = round(self._to(0, top)[1]), round(self._to(0, bottom)[1])
        strip = _strip(stops).resize((1, stop - start), Image.Resampling.BILINEAR)
        self._image.paste(strip.resize((self._pixels, strip.height), Image.Resampling.NEAREST), (0, start))

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float = 0.5) -> None:
        """Light that fades outwards."""
        size = max(1, round(2 * radius * self._unit / SUPERSAMPLING))
        # smooth at the final size is smooth enough, and half the time of one that is smooth before
        soft = _radial(round(strength * 255)).resize((size, size), Image.Resampling.BILINEAR)
        large = (size * SUPERSAMPLING, size * SUPERSAMPLING)
        self._tint(soft.resize(large, Image.Resampling.NEAREST), x, y, radius, colour)

    def glass(self, x: float, y: float, radius: float, colour: Colour, strength: float = 0.3) -> None:
        """A disc that what is behind it shines through."""
        size = max(1, round(2 * radius * self._unit))
        mask = Image.new("L", (size, size))
        ImageDraw.Draw(mask).ellipse((0, 0, size - 1, size - 1), round(strength * 255))
        self._tint(mask, x, y, radius, colour)

    # ------------------------------------------------------------ shapes

    def disc(
        self,
        x: float,
        y: float,
        radius: float,
        fill: Colour | None,
        *,
        high: float | None = None,
        outline: Colour | None = None,
        width: float = OUTLINE,
    ) -> None:
        """A circle, or an ellipse `high` units from centre to top."""
        box = self._box(x, y, radius, radius if high is None else high)
        self._pen.ellipse(box, fill, outline, self._thick(width) if outline else 0)

    def polygon(
        self,
        points: Iterable[Point],
        fill: Colour,
        *,
        outline: Colour | None = None,
        width: float = OUTLINE,
    ) -> None:
        """A closed shape through these points."""
        corners = [self._to(*point) for point in points]
        self._pen.polygon(corners, fill)
        if outline:
            self._pen.line([*corners, *corners[:2]], outline, self._thick(width), joint="curve")

    def line(self, points: Iterable[Point], colour: Colour, width: float = OUTLINE) -> None:
        """A line with round joints and ends."""
        way, thick = [self._to(*point) for point in points], self._thick(width)
        self._pen.line(way, colour, thick, joint="curve")
        if thick > 2 * SUPERSAMPLING:
            for x, y in (way[0], way[-1]):
                self._pen.circle((x, y), thick / 2, colour)

    def arc(
        self,
        x: float,
        y: float,
        radius: float,
        angles: Point,
        colour: Colour,
        width: float = OUTLINE,
        *,
        high: float | None = None,
    ) -> None:
        """A part of an ellipse's rim; angles in degrees, clockwise from three o'clock."""
        box = self._box(x, y, radius, radius if high is None else high)
        self._pen.arc(box, *angles, colour, self._thick(width))

    def bowl(
        self,
        x: float,
        y: float,
        radius: float,
        fill: Colour,
        *,
        high: float | None = None,
        outline: Colour | None = None,
        angles: Point = (0, 180),
    ) -> None:
        """An ellipse cut off straight; by default its lower half."""
        box = self._box(x, y, radius, radius if high is None else high)
        self._pen.chord(box, *angles, fill, outline, self._thick(OUTLINE) if outline else 0)

    def box(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        fill: Colour | None,
        *,
        corner: float = 0,
        outline: Colour | None = None,
        width: float = OUTLINE,
    ) -> None:
        """A rectangle, rounded by `corner`."""
        frame = (*self._to(left, top), *self._to(right, bottom))
        thick = self._thick(width) if outline else 0
        self._pen.rounded_rectangle(frame, corner * self._unit, fill, outline, thick)

    # ------------------------------------------------------------ units to pixels

    def _to(self, x: float, y: float) -> Point:
        return self._x + x * self._unit, self._y + y * self._unit

    def _box(self, x: float, y: float, wide: float, high: float) -> tuple[float, float, float, float]:
        return (*self._to(x - wide, y - high), *self._to(x + wide, y + high))

    def _thick(self, width: float) -> int:
        return max(1, round(width * self._unit))

    def _tint(self, mask: Image.Image, x: float, y: float, radius: float, colour: Colour) -> None:
        left, top = self._to(x - radius, y - radius)
        self._image.paste(Image.new("RGB", mask.size, colour), (round(left), round(top)), mask)


@lru_cache(64)
def _strip(stops: tuple[Colour, ...]) -> Image.Image:
    """A gradient, one pixel wide."""
    strip = Image.new("RGB", (1, len(stops)))
    strip.putdata([rgb(stop) for stop in stops])
    return strip.resize((1, 128), Image.Resampling.BILINEAR, box=(0, 0.5, 1, len(stops) - 0.5))


@lru_cache(32)
def _radial(strength: int) -> Image.Image:
    """A mask: `strength` (of 255) in the middle, softly nothing at the rim."""
    return Image.radial_gradient("L").point(
        [round(strength * max(0, 1 - step / RIM) ** 1.5) for step in range(256)]
    )
