"""What mascots wear, hold up, and what floats beside their heads.

Hats are drawn around the point where they touch the head, glasses around the point between the eyes, things
in the paw and signs around their own middle.
"""

from __future__ import annotations

from collections.abc import Callable

from memebattle.generation.providers.artist.canvas import INK, WHITE, Canvas, Colour, polar
from memebattle.generation.providers.artist.faces import SIDES

type Prop = Callable[[Canvas], None]

GOLD = "#ffd60a"


# ---------------------------------------------------------------- worn


def helmet(canvas: Canvas) -> None:
    """Around the whole head."""
    canvas.glass(0, -2, 30, "#bfe9ff", 0.27)
    canvas.disc(0, -2, 31, None, outline=INK, width=4)
    canvas.disc(0, -2, 30.3, None, outline="#f1f5f9", width=2.6)
    canvas.arc(0, -2, 25.5, (205, 250), WHITE, 1.8)
    canvas.arc(0, -2, 25.5, (258, 266), WHITE, 1.8)
    canvas.box(-17, 26, 17, 31.5, "#e2e8f0", corner=2.5, outline=INK)


def shades(canvas: Canvas) -> None:
    for side in SIDES:
        lens = [(1.6, -3.6), (18.5, -3.6), (16.5, 5.4), (6, 6)]
        canvas.polygon([(side * x, y) for x, y in lens], "#11131c")
        canvas.line([(side * 10 - 4, -1.4), (side * 10, 3.2)], "#5c6784", 1)
    canvas.line([(-19, -3.4), (19, -3.4)], "#11131c", 1.6)


def monocle(canvas: Canvas) -> None:
    canvas.glass(8.2, 0, 6.4, "#e8f6ff", 0.35)
    canvas.disc(8.2, 0, 6.6, None, outline=GOLD, width=1.2)
    canvas.line([(13.4, 4), (17, 14), (16, 22)], GOLD, 0.6)


def crown(canvas: Canvas) -> None:
    spikes = [(-13, 1), (-16, -13), (-7, -6), (0, -16), (7, -6), (16, -13), (13, 1)]
    canvas.polygon(spikes, GOLD, outline=INK)
    for x, y, jewel in ((-16, -13.5, "#ff5e5b"), (0, -16.5, "#3bceac"), (16, -13.5, "#ff5e5b"), (0, -3, "#7b2ff7")):
        canvas.disc(x, y, 1.7, jewel, outline=INK, width=0.5)


def party_hat(canvas: Canvas) -> None:
    canvas.polygon([(-10, 1), (10, 1), (2, -20)], "#ff2e93", outline=INK)
    canvas.line([(-6.9, -4.4), (7.2, -5)], "#fee440", 1.8)
    canvas.line([(-3.4, -11), (4.6, -11.4)], "#00f5d4", 1.8)
    canvas.disc(2, -20, 3, WHITE, outline=INK)


def wizard_hat(canvas: Canvas) -> None:
    canvas.disc(0, 1, 24, "#3a0ca3", high=3.4, outline=INK)
    canvas.polygon([(-15, 1), (15, 1), (5, -12), (9, -23), (-5, -15)], "#4361ee", outline=INK)
    canvas.polygon([(-14.6, 0.6), (14.6, 0.6), (12, -2.8), (-12.4, -2.8)], "#3a0ca3")
    for x, y in ((-5, -6.5), (3, -8), (0, -14), (8, -5)):
        _star(canvas, x, y, 1.8, GOLD)


def cowboy_hat(canvas: Canvas) -> None:
    brim = [(-27, -4), (-18, 1.4), (0, 3), (18, 1.4), (27, -4), (16, -4), (-16, -4)]
    canvas.polygon(brim, "#8a5a33", outline=INK)
    canvas.polygon([(-14, -2), (-11.5, -15), (-4, -17), (0, -14.6), (4, -17), (11.5, -15), (14, -2)], "#a9713f", outline=INK)
    canvas.polygon([(-13.8, -2.2), (-13, -6), (13, -6), (13.8, -2.2)], "#5b3a21")


def hard_hat(canvas: Canvas) -> None:
    canvas.bowl(0, 1, 18.5, "#ffb703", high=16, outline=INK, angles=(180, 360))
    canvas.box(-3, -16, 3, 1, "#fb8500", corner=2.5, outline=INK)
    canvas.box(-23, -1, 23, 2.4, "#ffb703", corner=1.7, outline=INK)


def beanie(canvas: Canvas) -> None:
    canvas.disc(0, -15.5, 3.8, WHITE, outline=INK)
    canvas.bowl(0, 1, 18, "#e63946", high=15, outline=INK, angles=(180, 360))
    canvas.box(-19.5, -2.6, 19.5, 3.4, "#f1faee", corner=2.6, outline=INK)


def headphones(canvas: Canvas) -> None:
    """Sits on the hat's place, reaches down to the ears."""
    canvas.arc(0, 16, 24.6, (190, 350), INK, 4.6, high=19.5)
    canvas.arc(0, 16, 24, (190, 350), "#ff2e93", 2.8, high=19)
    for side in SIDES:
        canvas.box(side * 22.5 - 4, 9, side * 22.5 + 4, 24, "#2b2d42", corner=3.6, outline=INK)
        canvas.box(side * 24.4 - 1.6, 11, side * 24.4 + 1.6, 22, "#ff2e93", corner=1.4)


# ---------------------------------------------------------------- held


def mug(canvas: Canvas) -> None:
    canvas.arc(7.5, 0.5, 4.4, (270, 90), INK, 3.4)
    canvas.arc(7.5, 0.5, 4, (270, 90), WHITE, 1.6)
    canvas.box(-7.5, -7, 7.5, 8.5, WHITE, corner=2.2, outline=INK)
    canvas.disc(0, -6.6, 7.2, "#6f4e37", high=2, outline=INK)
    canvas.polygon(_heart(0, 1.6, 0.55), "#e63946")
    for x in (-3.5, 0, 3.5):
        canvas.line([(x, -10.5), (x + 1.1, -12.6), (x - 0.6, -14.8), (x + 0.6, -17)], WHITE, 0.9)


def trophy(canvas: Canvas) -> None:
    for side in SIDES:
        canvas.disc(side * 7, -4.4, 4, None, high=4.4, outline=INK, width=2.4)
        canvas.disc(side * 7, -4.4, 3.4, None, high=3.8, outline=GOLD, width=1)
    canvas.bowl(0, -9.5, 8, GOLD, high=13, outline=INK)
    canvas.box(-1.6, 3, 1.6, 8, GOLD, outline=INK)
    canvas.box(-6, 7.4, 6, 11.4, "#7f5539", corner=1, outline=INK)
    _star(canvas, 0, -5, 3.2, WHITE)


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
        for y in (-3, 2, 7):
            canvas.line([(side * 5, y), (side * 10, y - 2), (side * 11.6, y + 1)], INK, 1)
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
    for x, y, size in ((-5, 6, 2.4), (0, 0, 3.2), (6.4, -7, 4.2)):
        letter = [(x - size, y - size), (x + size, y - size), (x - size, y + size), (x + size, y + size)]
        canvas.line(letter, INK, 2.8)
        canvas.line(letter, WHITE, 1.5)


def love(canvas: Canvas) -> None:
    for x, y, size in ((-4, 5, 0.8), (4, -4, 1.3)):
        canvas.polygon(_heart(x, y, size), "#ff4d6d", outline=INK, width=0.8)


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


def _star(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    points = [polar(size if step % 2 == 0 else size * 0.42, step * 36 - 90) for step in range(10)]
    with canvas.at(x, y):
        canvas.polygon(points, colour)


def _heart(x: float, y: float, size: float) -> list[tuple[float, float]]:
    half = [(0, 5), (-5, 0), (-5.6, -2.4), (-4.4, -4.4), (-2.4, -4.6), (-0.8, -3.8), (0, -2.2)]
    other = [(-a, b) for a, b in reversed(half[1:-1])]
    return [(x + a * size, y + b * size) for a, b in half + other]


GLASSES: dict[str, Prop] = {"shades": shades, "monocle": monocle}
HATS: dict[str, Prop] = {
    "crown": crown,
    "party": party_hat,
    "wizard": wizard_hat,
    "cowboy": cowboy_hat,
    "hardhat": hard_hat,
    "beanie": beanie,
    "headphones": headphones,
}
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
