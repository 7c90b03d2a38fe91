"""Scenes with walls, and the city. Each paints the whole sheet; its furniture stands at the sides."""

from __future__ import annotations

from random import Random

from memebattle.generation.providers.artist.canvas import INK, UNITS, WHITE, Canvas, Colour, chance, mix

NEON = ("#ff2e93", "#00f5d4", "#fee440", "#00bbf9")
LAMPS = ("#52e3a4", "#52e3a4", "#52e3a4", "#fee440", "#ff5e5b", "#4df3ff")


def city(canvas: Canvas, rng: Random) -> None:
    canvas.gradient("#0f0c29", "#302b63", "#ff6b8b")
    canvas.glow(83, 30, 18, "#fdf6d8", 0.5)
    canvas.disc(83, 30, 7, "#fdf6d8")
    canvas.disc(80.8, 28.6, 1.6, "#e6dcb2")
    canvas.disc(85.4, 32.4, 1.1, "#e6dcb2")
    _skyline(canvas, rng, "#3a3276", "#8f86d9", 52)
    _skyline(canvas, rng, "#1c1740", "#ffd97a", 40)


def _skyline(canvas: Canvas, rng: Random, wall: Colour, light: Colour, tallest: float) -> None:
    x = -2.0
    while x < UNITS:
        width, height = rng.uniform(8, 15), rng.uniform(0.55, 1) * tallest
        canvas.box(x, 100 - height, x + width, 101, wall)
        for y in range(int(100 - height) + 3, 98, 5):
            for window in range(int(x) + 2, int(x + width) - 1, 3):
                if chance(rng, 0.45):
                    canvas.box(window, y, window + 1.4, y + 2.4, light)
        x += width + rng.uniform(0.2, 2)


def office(canvas: Canvas, rng: Random) -> None:
    canvas.gradient("#f3e9dc", "#e3d2bb")
    _window(canvas, rng.choice(("#bfe3ff", "#ffd9a0", "#2b3a67")))
    canvas.box(66, 28, 95, 49, "#2f3e46", corner=1.5)
    canvas.box(68, 30, 93, 47, "#52e3a4", corner=0.8)
    chart, y = [], 44.0
    for x in range(70, 93, 3):
        chart.append((float(x), y))
        y = max(32, min(45, y + rng.uniform(-5, 3)))
    canvas.line(chart, "#0b3d2e", 1)
    _plant(canvas, 90)
    canvas.box(0, 84, 100, 100, "#a47148")
    canvas.box(0, 83, 100, 86, "#8a5a33")


def _window(canvas: Canvas, sky: Colour) -> None:
    canvas.box(5, 26, 33, 56, sky, corner=1, outline=WHITE, width=1.6)
    canvas.line([(19, 26), (19, 56)], WHITE, 1.2)
    canvas.line([(5, 41), (33, 41)], WHITE, 1.2)


def _plant(canvas: Canvas, x: float) -> None:
    with canvas.at(x, 84):
        for lean, tall in ((-7, 12), (-3, 17), (2, 18), (6, 13)):
            canvas.polygon(
                [(-1, -8), (lean * 0.4 - 2, -tall), (lean, -8 - tall), (lean * 0.4 + 2, -tall)], "#52b788"
            )
        canvas.polygon([(-5, -9), (5, -9), (3.6, 0), (-3.6, 0)], "#e07a5f")


def disco(canvas: Canvas, rng: Random) -> None:
    canvas.gradient("#12002b", "#3d0066", "#7a0bc0")
    for step in range(7):
        x = 8.0 + step * 14
        foot = x + rng.uniform(-25, 25)
        beam = mix(rng.choice(NEON), "#3d0066", 0.62)
        canvas.polygon([(x, 0), (foot - 9, 100), (foot + 9, 100)], beam)
    for row in range(2):
        for column in range(11):
            x, y = column * 10 - 5.0 * row, 88 + 6.0 * row
            tile = [(x + 3, y), (x + 13, y), (x + 10, y + 6), (x, y + 6)]
            canvas.polygon(tile, NEON[(column + row) % 3])
    _mirror_ball(canvas, rng.choice((15, 85)))


def _mirror_ball(canvas: Canvas, x: float) -> None:
    canvas.line([(x, 0), (x, 26)], "#d8d8f0", 0.5)
    with canvas.at(x, 34):
        canvas.glow(0, 0, 17, WHITE, 0.5)
        canvas.disc(0, 0, 8, "#d8d8f0")
        for step in (-5.2, -2.6, 0, 2.6, 5.2):
            reach = (64 - step * step) ** 0.5
            canvas.line([(-reach, step), (reach, step)], "#8f8fce", 0.4)
            canvas.arc(0, 0, abs(step) or 0.2, (0, 360), "#8f8fce", 0.4, high=8)
        canvas.disc(-3, -3.4, 1.4, WHITE)


def datacenter(canvas: Canvas, rng: Random) -> None:
    canvas.gradient("#0a1128", "#12355b", "#1c6e8c")
    canvas.polygon([(0, 100), (100, 100), (72, 80), (28, 80)], "#0d2137")
    for left in (2, 17, 67, 82):
        canvas.box(left, 20, left + 14, 92, "#16213e", corner=1, outline="#0a0f1f")
        for shelf in range(11):
            y = 23 + shelf * 6.2
            canvas.box(left + 1.4, y, left + 12.6, y + 4.4, "#243b6b", corner=0.6)
            for lamp in range(3):
                canvas.disc(left + 3 + lamp * 2, y + 2.2, 0.6, rng.choice(LAMPS))
            canvas.line([(left + 9, y + 2.2), (left + 11.6, y + 2.2)], "#4a69a8", 0.5)
    canvas.glow(50, 56, 38, "#3fd0ff", 0.4)


def cafe(canvas: Canvas, rng: Random) -> None:
    canvas.gradient("#6f4e37", "#a9764f", "#d9a873")
    canvas.box(0, 34, 30, 36.4, "#4a2f1b")
    canvas.box(70, 34, 100, 36.4, "#4a2f1b")
    for x in (5, 14, 23, 75, 84, 93):
        _jar(canvas, x, 34, rng.choice(("#e76f51", "#2a9d8f", "#f4f1de", "#e9c46a")))
    for x in (15, 85):
        canvas.line([(x, 0), (x, 16)], INK, 0.5)
        canvas.glow(x, 20, 18, "#ffe8a3", 0.6)
        canvas.polygon([(x - 5, 20), (x + 5, 20), (x + 2, 15), (x - 2, 15)], "#264653")
    canvas.box(4, 48, 27, 70, "#2d3a3a", corner=1, outline="#4a2f1b", width=1.4)
    for row in range(4):
        canvas.line([(7.5, 53 + row * 4), (rng.uniform(14, 23), 53 + row * 4)], "#e8e8e0", 0.7)
    canvas.box(0, 82, 100, 100, "#5b3a21")
    canvas.box(0, 81, 100, 84, "#7d5232")


def _jar(canvas: Canvas, x: float, shelf: float, colour: Colour) -> None:
    canvas.box(x - 2.8, shelf - 7, x + 2.8, shelf, colour, corner=1)
    canvas.box(x - 2.2, shelf - 8.4, x + 2.2, shelf - 6.6, "#4a2f1b", corner=0.6)


def stage(canvas: Canvas, rng: Random) -> None:
    """Curtains and a spotlight, for winners and talks."""
    drape = rng.choice(("#9d0208", "#6a040f", "#5a189a", "#1d3557"))
    canvas.gradient(mix(drape, INK, 0.75), mix(drape, INK, 0.45))
    canvas.polygon([(40, 0), (60, 0), (86, 92), (14, 92)], mix(drape, "#fff3c4", 0.35))
    for side in (0, 1):
        for fold in range(5):
            x = fold * 5.4
            left, right = (x, x + 5.4) if side == 0 else (94.6 - x, 100 - x)
            canvas.box(left, 0, right, 90 - fold * 1.5, mix(drape, INK, 0.28 * (fold % 2)), corner=1.2)
    canvas.box(0, 86, 100, 100, "#7f5539")
    canvas.disc(50, 90, 36, "#e6ccb2", high=5)
