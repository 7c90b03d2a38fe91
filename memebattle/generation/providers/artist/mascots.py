"""The cast. A mascot is a drawing around its own head and the places where a hat and glasses sit on it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from memebattle.generation.providers.artist.canvas import (
    INK,
    WHITE,
    Canvas,
    Colour,
    darker,
    lighter,
    mix,
    polar,
)
from memebattle.generation.providers.artist.faces import SIDES, TONGUE, Mood, blush, body, eyes, mouth

NIGHT = "#0b132b"
SCREEN = "#4df3ff"


class Mascot(NamedTuple):
    """Heights are units above (negative) or below the middle of the head; `draw` returns the paws' colour."""

    draw: Callable[[Canvas, Random, Mood], Colour]
    tip: float  # of ears and antennas
    hat: float = -17
    glasses: float = -3


def cat(canvas: Canvas, rng: Random, mood: Mood) -> Colour:
    fur = rng.choice(("#f4a259", "#8d99ae", "#6c7086", "#f2e2cd", "#d98c5f"))
    pale = lighter(fur, 0.45)
    tail = [(19, 40), (29, 33), (32, 24), (27, 17), (31, 12)]
    canvas.line(tail, INK, 6.6)
    canvas.line(tail, fur, 4.8)
    body(canvas, fur, pale)
    for side in SIDES:
        canvas.polygon([(side * 7, -16), (side * 19.5, -27), (side * 21.5, -6)], fur, outline=INK)
        canvas.polygon([(side * 12, -15.5), (side * 18, -22), (side * 19, -10)], "#ffb3c1")
    canvas.disc(0, 0, 22.5, fur, high=18.5, outline=INK)
    for x in (-5, 0, 5):
        canvas.line([(x, -17.2), (x * 0.8, -12)], darker(fur), 1.5)
    canvas.disc(0, 9, 9.5, pale, high=6.5)
    eyes(canvas, mood, fur)
    canvas.polygon([(-2.3, 4), (2.3, 4), (0, 6.6)], TONGUE, outline=INK, width=0.6)
    mouth(canvas, mood, 9.5)
    for side in SIDES:
        for dy in (-1.5, 1.5):
            canvas.line([(side * 13, 6 + dy), (side * 27, 4 + dy * 2.2)], INK, 0.5)
    return fur


def dog(canvas: Canvas, rng: Random, mood: Mood) -> Colour:
    fur = rng.choice(("#d9a066", "#c68642", "#f0d9b5", "#a07a55"))
    pale, dark = lighter(fur, 0.6), darker(fur, 0.35)
    body(canvas, fur, pale)
    canvas.disc(0, 0, 20.5, fur, high=19, outline=INK)
    for side in SIDES:
        ear = [(8, -18), (17, -19), (25, -9), (28, 4), (25, 10), (20, 8), (17, -4)]
        canvas.polygon([(side * x, y) for x, y in ear], dark, outline=INK)
    canvas.disc(-8.2, -3, 6.4, pale, high=7)
    canvas.disc(0, 8.5, 11, pale, high=8.5)
    eyes(canvas, mood, fur)
    canvas.disc(0, 4.2, 3.8, INK, high=2.8)
    canvas.disc(-1, 3.3, 1, "#8a8a9c", high=0.6)
    mouth(canvas, mood, 11, 5.4)
    if mood == "happy":
        canvas.box(-2.6, 12.6, 2.6, 20.5, TONGUE, corner=2.6, outline=INK, width=0.7)
    canvas.box(-12, 19, 12, 22.6, "#e63946", corner=1.8, outline=INK, width=0.7)
    canvas.disc(0, 24, 2.6, "#ffd60a", outline=INK, width=0.7)
    return fur


def fox(canvas: Canvas, rng: Random, mood: Mood) -> Colour:
    fur = rng.choice(("#f3722c", "#e85d04", "#f48c42"))
    body(canvas, fur, "#fff1e0")
    for side in SIDES:
        canvas.polygon([(side * 5, -15), (side * 18, -29), (side * 22, -5)], fur, outline=INK)
        canvas.polygon([(side * 16, -24.6), (side * 18, -29), (side * 20, -19)], INK)
    face = [
        (-23, -4),
        (-12, -17),
        (0, -18.5),
        (12, -17),
        (23, -4),
        (20, 6),
        (8, 16),
        (0, 19),
        (-8, 16),
        (-20, 6),
    ]
    canvas.polygon(face, fur, outline=INK)
    for side in SIDES:
        cheek = [(0, 18), (7.6, 15.4), (19, 5.8), (22, -2.6), (12, 2), (5, 3), (0, 8)]
        canvas.polygon([(side * x, y) for x, y in cheek], "#fff1e0")
    eyes(canvas, mood, fur, spread=9, y=-4)
    canvas.disc(0, 7.4, 2.8, INK, high=2.1)
    mouth(canvas, mood, 11.5, 3.6)
    return fur


def panda(canvas: Canvas, rng: Random, mood: Mood) -> Colour:
    black = rng.choice(("#2b2d42", "#33303f", "#3a2f2f"))
    body(canvas, black, WHITE)
    for side in SIDES:
        canvas.disc(side * 16, -15.5, 7, black, outline=INK)
    canvas.disc(0, 0, 22.5, WHITE, high=19.5, outline=INK)
    for side in SIDES:
        canvas.disc(side * 9, -1.6, 6.8, black, high=7.6)
    with canvas.at(0, 0.5):
        eyes(canvas, "calm" if mood in ("happy", "sleepy") else mood, black, spread=8.6, size=3.5)
    blush(canvas, 15.5, 8)
    canvas.disc(0, 5.2, 2.8, INK, high=1.9)
    mouth(canvas, mood, 9.6, 4)
    return black


def frog(canvas: Canvas, rng: Random, mood: Mood) -> Colour:
    skin = rng.choice(("#6ab04c", "#4caf50", "#7bc950"))
    body(canvas, skin, mix(skin, "#ffffcc", 0.55))
    for side in SIDES:
        canvas.disc(side * 11, -14.5, 8, skin, outline=INK)
    canvas.disc(0, 2, 24, skin, high=17, outline=INK)
    for side in SIDES:
        canvas.disc(side * 11, -12, 6.6, skin)
        canvas.disc(side * 2, 0, 0.6, INK)
    eyes(canvas, mood, skin, spread=11, y=-13.5, size=5)
    blush(canvas, 17, 4, 3.4)
    match mood:
        case "happy":
            canvas.bowl(0, 4, 13, "#8c1c3b", high=10, outline=INK)
            canvas.bowl(0, 9.5, 7, TONGUE, high=3, angles=(0, 360))
        case "grumpy":
            canvas.arc(0, 15, 13, (205, 335), INK, 1.3, high=7)
        case "shock":
            mouth(canvas, mood, 8)
        case _:
            canvas.arc(0, 2, 14, (15, 165), INK, 1.3, high=7)
    return skin


def robot(canvas: Canvas, rng: Random, mood: Mood) -> Colour:
    shell = rng.choice(("#b8c4d6", "#9fb8ad", "#e0b1cb", "#8ecae6"))
    dark = darker(shell)
    canvas.box(-5, 15, 5, 28, dark, outline=INK)
    canvas.box(-18, 23, 18, 130, shell, corner=5, outline=INK)
    canvas.box(-10, 28, 10, 36, dark, corner=1.5)
    for x, light in ((-5, "#ff5e5b"), (0, "#fee440"), (5, "#3bceac")):
        canvas.disc(x, 32, 1.6, light)
    canvas.line([(0, -18), (0, -25)], INK, 1.2)
    canvas.disc(0, -26.5, 2.6, "#ff5e5b", outline=INK)
    for side in SIDES:
        canvas.box(side * 24 - 2.8, -5, side * 24 + 2.8, 6, dark, corner=1.4, outline=INK)
    canvas.box(-22, -18, 22, 19, shell, corner=7, outline=INK)
    canvas.box(-18, -13, 18, 14, NIGHT, corner=5)
    canvas.line([(-14, -9), (-9, -11)], "#31466e", 1.4)
    _robot_face(canvas, mood)
    return shell


def _robot_face(canvas: Canvas, mood: Mood) -> None:
    for x in (-8, 8):
        match mood:
            case "happy":
                canvas.arc(x, -1, 4, (190, 350), SCREEN, 1.8, high=4.5)
            case "shock":
                canvas.disc(x, -3, 4.4, None, outline=SCREEN, width=1.6)
            case "grumpy":
                inner = 3.4 if x < 0 else -3.4
                canvas.line([(x - inner, -5.5), (x + inner, -2.5)], SCREEN, 2)
            case "sleepy":
                canvas.line([(x - 3.4, -2), (x + 3.4, -2)], SCREEN, 1.6)
            case "calm" | "smug":
                top = -6.5 if mood == "calm" else -3
                canvas.box(x - 3.4, top, x + 3.4, 0.5, SCREEN, corner=1.4)
    match mood:
        case "shock":
            canvas.disc(0, 8, 2.6, None, outline=SCREEN, width=1.4)
        case "grumpy":
            canvas.line([(-6, 9), (-3, 6.5), (0, 9), (3, 6.5), (6, 9)], SCREEN, 1.3)
        case "smug":
            canvas.arc(2, 3, 7, (20, 120), SCREEN, 1.5, high=4.5)
        case _:
            canvas.arc(0, 4, 7, (20, 160), SCREEN, 1.5, high=4.5)


def alien(canvas: Canvas, rng: Random, mood: Mood) -> Colour:
    skin = rng.choice(("#9ef01a", "#80ffdb", "#c77dff"))
    body(canvas, skin, lighter(skin, 0.5), width=17)
    for side in SIDES:
        canvas.line([(side * 4, -17), (side * 9, -26)], INK, 1.1)
        canvas.disc(side * 9, -26.5, 2.4, lighter(skin, 0.5), outline=INK)
    head = [polar(22, angle, 0.95) for angle in range(0, 360, 6)]
    canvas.polygon([(x * (1 - max(0.0, y) / 50), y - 1) for x, y in head], skin, outline=INK)
    tall = {"grumpy": 4.6, "smug": 4.8, "sleepy": 1.4}.get(mood, 7.4)
    for side in SIDES:
        canvas.disc(side * 9.2, -3, 6.2, "#120b2e", high=tall)
        if tall > 2:  # noqa: PLR2004 - a closed eye does not shine
            canvas.disc(side * 9.2 + 1.8, -3 - tall * 0.45, 1.7, WHITE, high=min(1.7, tall * 0.3))
    mouth(canvas, mood, 11.5, 3.6)
    return skin


def penguin(canvas: Canvas, rng: Random, mood: Mood) -> Colour:
    coat = rng.choice(("#2b2d42", "#2f3e5c", "#3d405b"))
    body(canvas, coat, WHITE, width=21)
    canvas.disc(0, 0, 21, coat, high=19.5, outline=INK)
    for side in SIDES:
        canvas.disc(side * 8.4, 1, 10, WHITE, high=12.5)
    canvas.disc(0, 8, 12.4, WHITE, high=9)
    eyes(canvas, mood, WHITE, spread=8, y=-2, size=3.5)
    if mood in ("happy", "shock"):
        canvas.polygon([(-4.6, 10), (4.6, 10), (0, 16.5)], "#fb8500", outline=INK)
    canvas.polygon([(-5.6, 5), (5.6, 5), (0, 12)], "#ffb703", outline=INK)
    blush(canvas, 14.5, 6, 2.7)
    return coat


def duck(canvas: Canvas, rng: Random, mood: Mood) -> Colour:
    down = rng.choice(("#ffd60a", "#ffdd32", "#ffe566"))
    body(canvas, down, lighter(down, 0.5), width=22)
    canvas.polygon([(-3, -18), (-1, -26), (2, -20), (6, -24), (5, -17)], down, outline=INK)
    canvas.disc(0, 0, 21, down, high=19.5, outline=INK)
    eyes(canvas, mood, down, spread=8.6, y=-4, size=4)
    if mood in ("happy", "shock"):
        canvas.disc(0, 11, 8, "#d9480f", high=5.5, outline=INK)
    canvas.disc(0, 7.5, 11, "#fb8500", high=4.6, outline=INK)
    canvas.arc(0, 4.5, 9, (35, 145), "#b85c00", 0.9, high=4)
    for side in SIDES:
        canvas.disc(side * 2, 5, 0.6, "#8a4400")
    blush(canvas, 15.5, 4, 2.8)
    return down


MASCOTS: dict[str, Mascot] = {
    "cat": Mascot(cat, tip=-27.5),
    "dog": Mascot(dog, tip=-20),
    "fox": Mascot(fox, tip=-29.5, glasses=-4),
    "panda": Mascot(panda, tip=-23, hat=-18),
    "frog": Mascot(frog, tip=-23, hat=-15, glasses=-13),
    "robot": Mascot(robot, tip=-29.5, hat=-18),
    "alien": Mascot(alien, tip=-29.5, hat=-18),
    "penguin": Mascot(penguin, tip=-20, hat=-18, glasses=-2),
    "duck": Mascot(duck, tip=-26.5, hat=-17.5, glasses=-4),
}
