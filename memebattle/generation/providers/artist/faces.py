"""Eyes, mouths and bodies: what the mascots share, in six moods.

Every head is centred on the origin and about 22 units in radius; the body runs off the sheet below.
"""

from __future__ import annotations

from typing import Literal

from memebattle.generation.providers.artist.canvas import INK, WHITE, Canvas, Colour

type Mood = Literal["happy", "calm", "smug", "shock", "grumpy", "sleepy"]

MOODS: tuple[Mood, ...] = ("happy", "calm", "smug", "shock", "grumpy", "sleepy")
SIDES = (-1, 1)
TONGUE = "#ff7a90"
THROAT = "#8c1c3b"
BLUSH = "#ff9aa2"


def eyes(
    canvas: Canvas, mood: Mood, lid: Colour, *, spread: float = 8.2, y: float = -3, size: float = 3.7
) -> None:
    """Two eyes `spread` beside the middle; lids have the colour of the fur around them."""
    for side in SIDES:
        with canvas.at(side * spread, y):
            _eye(canvas, mood, lid, side, size)


def _eye(canvas: Canvas, mood: Mood, lid: Colour, side: int, size: float) -> None:
    match mood:
        case "happy":
            canvas.arc(0, 1.5, size, (190, 350), INK, 1.4)
        case "sleepy":
            canvas.arc(0, -1, size, (15, 165), INK, 1.3)
        case "shock":
            canvas.disc(0, 0, size + 1.4, WHITE, outline=INK)
            canvas.disc(0, 0, 1.3, INK)
        case "calm":
            _open_eye(canvas, size)
        case "smug":
            _open_eye(canvas, size)
            _lid(canvas, lid, size, tilt=0, down=-0.6)
        case "grumpy":
            _open_eye(canvas, size)
            _lid(canvas, lid, size, tilt=-side * 1.1, down=-0.9)


def _open_eye(canvas: Canvas, size: float) -> None:
    canvas.disc(0, 0, size, WHITE, outline=INK)
    canvas.disc(0.4, 0.4, size * 0.6, INK)
    canvas.disc(1.1, -0.7, size * 0.23, WHITE)


def _lid(canvas: Canvas, colour: Colour, size: float, *, tilt: float, down: float) -> None:
    """Covers the eye down to a line that falls by `tilt` to either side."""
    reach = size + 0.9
    left, right = (-reach, down - tilt), (reach, down + tilt)
    canvas.polygon([(-reach, -size - 1.2), (reach, -size - 1.2), right, left], colour)
    canvas.line([left, right], INK, 1.1)


def mouth(canvas: Canvas, mood: Mood, y: float = 10, width: float = 5) -> None:
    """A mouth whose corners are `width` beside the middle."""
    with canvas.at(0, y):
        match mood:
            case "happy":
                canvas.bowl(0, -1.5, width + 1.5, THROAT, high=6.5, outline=INK)
                canvas.bowl(0, 2.5, 3.4, TONGUE, high=2.2, angles=(0, 360))
            case "shock":
                canvas.disc(0, 1.5, 3.2, "#5d1029", high=4.2, outline=INK)
            case "grumpy":
                canvas.arc(0, 4, width, (200, 340), INK, 1.2, high=4)
            case "smug":
                canvas.arc(1, -2.2, width * 1.2, (12, 125), INK, 1.2, high=3.6)
            case "sleepy":
                canvas.disc(0.5, 1, 1.9, "#5d1029", high=1.5, outline=INK)
            case "calm":
                for side in SIDES:
                    canvas.arc(side * width / 2, -1.5, width / 2, (8, 172), INK, 1.1, high=3)


def blush(canvas: Canvas, x: float, y: float, size: float = 3) -> None:
    """Warm cheeks."""
    for side in SIDES:
        canvas.disc(side * x, y, size, BLUSH, high=size * 0.65)


def body(canvas: Canvas, colour: Colour, belly: Colour, *, width: float = 20) -> None:
    """Shoulders and a lighter front."""
    canvas.box(-width, 17.5, width, 130, colour, corner=18, outline=INK)
    canvas.box(-width * 0.55, 26, width * 0.55, 130, belly, corner=11)
