"""Hats, drawn around the point where they touch the head, and glasses, around the point between the eyes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from memebattle.generation.providers.artist.canvas import INK, WHITE, Canvas
from memebattle.generation.providers.artist.faces import SIDES
from memebattle.generation.providers.artist.shapes import GOLD, star

type Prop = Callable[[Canvas], None]


def helmet(canvas: Canvas) -> None:
    """Around the whole head, though it sits on a hat's place."""
    with canvas.at(0, 15):
        canvas.glass(0, 0, 30, "#bfe9ff", 0.2)
        canvas.disc(0, 0, 31, None, outline=INK, width=4)
        canvas.disc(0, 0, 30.3, None, outline="#f1f5f9", width=2.6)
        canvas.arc(0, 0, 25.5, (205, 250), WHITE, 1.8)
        canvas.arc(0, 0, 25.5, (258, 266), WHITE, 1.8)
        canvas.box(-17, 28, 17, 33.5, "#e2e8f0", corner=2.5, outline=INK)


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
    for x, y, jewel in (
        (-16, -13.5, "#ff5e5b"),
        (0, -16.5, "#3bceac"),
        (16, -13.5, "#ff5e5b"),
        (0, -3, "#7b2ff7"),
    ):
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
        star(canvas, x, y, 1.8, GOLD)


def cowboy_hat(canvas: Canvas) -> None:
    brim = [(-27, -4), (-18, 1.4), (0, 3), (18, 1.4), (27, -4), (16, -4), (-16, -4)]
    canvas.polygon(brim, "#8a5a33", outline=INK)
    canvas.polygon(
        [(-14, -2), (-11.5, -15), (-4, -17), (0, -14.6), (4, -17), (11.5, -15), (14, -2)],
        "#a9713f",
        outline=INK,
    )
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


class Hat(NamedTuple):
    """`height` is what it adds above the place where it sits, in units."""

    draw: Prop
    height: float


GLASSES: dict[str, Prop] = {"shades": shades, "monocle": monocle}
HATS: dict[str, Hat] = {
    "crown": Hat(crown, 19),
    "party": Hat(party_hat, 24),
    "wizard": Hat(wizard_hat, 24),
    "cowboy": Hat(cowboy_hat, 18),
    "hardhat": Hat(hard_hat, 17),
    "beanie": Hat(beanie, 20),
    "headphones": Hat(headphones, 6),
    "helmet": Hat(helmet, 17),
}
