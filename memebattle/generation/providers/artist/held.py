"""What a mascot holds up in its paw, and the signs beside its head; each drawn around its own middle."""

from __future__ import annotations

from collections.abc import Callable

from memebattle.generation.providers.artist.canvas import INK, WHITE, Canvas, polar
from memebattle.generation.providers.artist.faces import SIDES
from memebattle.generation.providers.artist.shapes import GOLD, heart, star

type Prop = Callable[[Canvas], None]


def mug(canvas: Canvas) -> None:
    canvas.arc(7.5, 0.5, 4.4, (270, 90), INK, 3.4)
    canvas.arc(7.5, 0.5, 4, (270, 90), WHITE, 1.6)
    canvas.box(-7.5, -7, 7.5, 8.5, WHITE, corner=2.2, outline=INK)
    canvas.disc(0, -6.6, 7.2, "#6f4e37", high=2, outline=INK)
    canvas.polygon(heart(0, 1.6, 0.55), "#e63946")
    for x in (-3.5, 0, 3.5):
        canvas.line([(x, -10.5), (x + 1.1, -12.6), (x - 0.6, -14.8), (x + 0.6, -17)], WHITE, 0.9)


def trophy(canvas: Canvas) -> None:
    for side in SIDES:
        canvas.disc(side * 7, -4.4, 4, None, high=4.4, outline=INK, width=2.4)
        canvas.disc(side * 7, -4.4, 3.4, None, high=3.8, outline=GOLD, width=1)
    canvas.bowl(0, -9.5, 8, GOLD, high=13, outline=INK)
    canvas.box(-1.6, 3, 1.6, 8, GOLD, outline=INK)
    canvas.box(-6, 7.4, 6, 11.4, "#7f5539", corner=1, outline=INK)
    star(canvas, 0, -5, 3.2, WHITE)


def pizza(canvas: Canvas) -> None:
    canvas.polygon([(-9.5, -8), (9.5, -8), (0, 14)], "#ffd166", outline=INK)
    canvas.box(-11, -11.5, 11, -6.6, "#d4943a", corner=2.4, outline=INK)
    for x, y in ((-4, -3), (4, -2.4), (0, 4)):
        canvas.disc(x, y, 2.1, "#e63946", outline="#a4161a", width=0.5)


def balloon(canvas: Canvas) -> None:
    canvas.line([(0, 2), (1.6, 9), (-1, 16), (0, 24)], INK, 0.6)
    canvas.polygon([(-2, 3.4), (2, 3.4), (0, 0)], "#d90429")
    canvas.disc(0, -10, 9, "#ef233c", high=11, outline=INK)
    canvas.disc(-3.4, -14, 1.8, "#ff9aa9", high=2.8)


def helm(canvas: Canvas) -> None:
    """The steering wheel of Kubernetes."""
    heptagon = [polar(13, angle * 360 / 7 - 90) for angle in range(7)]
    canvas.polygon(heptagon, "#326ce5", outline=INK)
    canvas.disc(0, 0, 6.4, None, outline=WHITE, width=1.4)
    for angle in range(7):
        canvas.line([polar(1.6, angle * 360 / 7 - 90), polar(9, angle * 360 / 7 - 90)], WHITE, 1)
    canvas.disc(0, 0, 2.2, WHITE)
    canvas.disc(0, 0, 1, "#326ce5")


def rocket(canvas: Canvas) -> None:
    canvas.polygon([(-3, 9), (3, 9), (0, 18)], "#ffb703", outline="#fb8500")
    for side in SIDES:
        canvas.polygon([(side * 4.6, 2), (side * 9.6, 9.6), (side * 4, 8)], "#ef233c", outline=INK)
    hull = [(0, -15), (4.4, -9), (5.6, -1), (4, 9), (-4, 9), (-5.6, -1), (-4.4, -9)]
    canvas.polygon(hull, "#f8f9fa", outline=INK)
    canvas.polygon([(0, -15), (4.2, -9.2), (-4.2, -9.2)], "#ef233c")
    canvas.disc(0, -3, 2.6, "#4cc9f0", outline=INK)


def laptop(canvas: Canvas) -> None:
    canvas.box(-12, -10, 12, 7, "#495057", corner=1.6, outline=INK)
    canvas.box(-10, -8, 10, 5, "#0b132b", corner=0.8)
    for y, left, right, code in ((-5, -8, 0, "#ff2e93"), (-2, -6, 6, "#4df3ff"), (1, -6, 3, "#9ef01a")):
        canvas.line([(left, y), (right, y)], code, 1.1)
    canvas.polygon([(-12, 7), (12, 7), (15, 10.6), (-15, 10.6)], "#adb5bd", outline=INK)


def bug(canvas: Canvas) -> None:
    for side in SIDES:
        for hip in (-3, 2, 7):
            canvas.line([(side * 5, hip), (side * 10, hip - 2), (side * 11.6, hip + 1)], INK, 1)
        canvas.line([(side * 1.6, -9), (side * 4.4, -13.6)], INK, 0.9)
    canvas.disc(0, -7.4, 4, INK)
    canvas.disc(0, 2, 7.4, "#ef233c", high=9, outline=INK)
    canvas.line([(0, -6.6), (0, 11)], INK, 0.9)
    for x, y in ((-3.6, -1.4), (3.6, -1.4), (-3.2, 5), (3.2, 5)):
        canvas.disc(x, y, 1.4, INK)


# ---------------------------------------------------------------- signs


def exclamation(canvas: Canvas) -> None:
    for x, lean in ((-3.6, -1.6), (3.6, 1.6)):
        canvas.line([(x + lean, -8), (x, 1.6)], INK, 4.6)
        canvas.disc(x - lean * 0.4, 7.4, 2.6, INK)
        canvas.line([(x + lean, -8), (x, 1.6)], "#ff3b3b", 3)
        canvas.disc(x - lean * 0.4, 7.4, 1.7, "#ff3b3b")


def snooze(canvas: Canvas) -> None:
    for x, y, size in ((-5.0, 6.0, 0.6), (0.0, 0.0, 0.8), (6.4, -7.0, 1.05)):
        with canvas.at(x, y, size):
            canvas.line([(-4, -4), (4, -4), (-4, 4), (4, 4)], INK, 3.4)
            canvas.line([(-4, -4), (4, -4), (-4, 4), (4, 4)], WHITE, 1.9)


def love(canvas: Canvas) -> None:
    for x, y, size in ((-4, 5, 0.8), (4, -4, 1.3)):
        canvas.polygon(heart(x, y, size), "#ff4d6d", outline=INK, width=0.8)


def anger(canvas: Canvas) -> None:
    for angle in (45, 135, 225, 315):
        bend = [polar(9, angle - 28), polar(3.4, angle), polar(9, angle + 28)]
        canvas.line(bend, INK, 3.6)
        canvas.line(bend, "#ff3b3b", 2)


def sparkles(canvas: Canvas) -> None:
    for x, y, size in ((-4, 4, 3.4), (4, -5, 5.6)):
        _twinkle(canvas, x, y, size)


def notes(canvas: Canvas) -> None:
    for x, y, colour in ((-5, 4, "#fee440"), (5, -4, "#00f5d4")):
        with canvas.at(x, y):
            canvas.line([(2, 4), (2, -6), (6, -4)], INK, 2.4)
            canvas.disc(0, 4, 3, INK, high=2.5)
            canvas.line([(2, 4), (2, -6), (6, -4)], colour, 1.1)
            canvas.disc(0, 4, 2.2, colour, high=1.7)


def _twinkle(canvas: Canvas, x: float, y: float, size: float) -> None:
    ray = [polar(size if angle % 90 == 0 else size * 0.3, angle) for angle in range(0, 360, 45)]
    with canvas.at(x, y):
        canvas.polygon(ray, "#fff3b0", outline=INK, width=0.7)


HELD: dict[str, Prop] = {
    "mug": mug,
    "trophy": trophy,
    "pizza": pizza,
    "balloon": balloon,
    "helm": helm,
    "rocket": rocket,
    "laptop": laptop,
    "bug": bug,
}
SIGNS: dict[str, Prop] = {
    "exclamation": exclamation,
    "snooze": snooze,
    "love": love,
    "anger": anger,
    "sparkles": sparkles,
    "notes": notes,
}
