"""Scenes out of doors. Each paints the whole sheet; its sights keep to the sides, where the mascot is not."""

from __future__ import annotations

from random import Random

from memebattle.generation.providers.artist.canvas import UNITS, WHITE, Canvas, Colour, lighter, mix, polar

BURSTS = (
    ("#ff5e5b", "#ffb400"),
    ("#00a6a6", "#3bceac"),
    ("#7b2ff7", "#f107a3"),
    ("#2176ff", "#33a1fd"),
    ("#f77f00", "#fcbf49"),
    ("#38b000", "#9ef01a"),
)


def burst(canvas: Canvas, rng: Random) -> None:
    """Rays behind the hero: the home of every meme without a place."""
    ground, ray = rng.choice(BURSTS)
    canvas.fill(ground)
    turn = rng.uniform(0, 30)
    with canvas.at(50, 58):
        for angle in range(0, 360, 30):
            edge = [polar(100, angle + turn), polar(100, angle + turn + 15)]
            canvas.polygon([(0, 0), *edge], ray)
        canvas.glow(0, 0, 40, lighter(ray, 0.5), 0.7)


def sunset(canvas: Canvas, rng: Random) -> None:
    canvas.gradient("#2b1055", rng.choice(("#7597de", "#d76d77", "#b5548c")), "#ffaf7b", "#ffe29a")
    canvas.glow(50, 56, 40, "#fff3c4", 0.7)
    canvas.disc(50, 56, 17, "#fff3c4")
    for height, colour in ((60, "#8e4a6d"), (70, "#5e3560"), (80, "#352548")):
        _ridge(canvas, rng, height, colour)


def _ridge(canvas: Canvas, rng: Random, height: float, colour: Colour) -> None:
    points, x = [(0.0, 100.0)], 0.0
    while x < UNITS:
        points.append((x, height + rng.uniform(-9, 6)))
        x += rng.uniform(7, 14)
    canvas.polygon([*points, (100, height), (100, 100)], colour)


def space(canvas: Canvas, rng: Random) -> None:
    _universe(canvas, rng)
    _soil(canvas, rng, "#8d99ae", "#cfd6e6", "#6c7690")


def mars(canvas: Canvas, rng: Random) -> None:
    _universe(canvas, rng)
    canvas.glow(50, 84, 46, "#ff7b3a", 0.5)
    _ridge(canvas, rng, 80, "#8c2f0b")
    _soil(canvas, rng, "#c1440e", "#e77d52", "#8c2f0b")


def _universe(canvas: Canvas, rng: Random) -> None:
    canvas.gradient("#05010f", "#1a0b3b", "#4a1d6b")
    for _ in range(90):
        canvas.disc(
            rng.uniform(0, 100),
            rng.uniform(0, 80),
            rng.choice((0.18, 0.25, 0.35, 0.5)),
            mix("#8f8fc0", WHITE, rng.choice((0, 0.3, 0.6, 0.9))),
        )
    planet, bright = rng.choice((("#f7b267", "#ffd9a0"), ("#6a8eea", "#a5c0ff"), ("#e27396", "#ffb3cb")))
    with canvas.at(rng.choice((14, 86)), 34):
        canvas.glow(0, 0, 19, planet, 0.4)
        canvas.disc(0, 0, 10, planet)
        canvas.disc(-2.3, -2.3, 6.9, bright)
        canvas.arc(0, 0, 16, (-14, 194), "#ffe9c9", 1.1, high=4.4)


def _soil(canvas: Canvas, rng: Random, edge: Colour, ground: Colour, crater: Colour) -> None:
    canvas.disc(50, 150, 88, edge, high=72)
    canvas.disc(50, 153, 88, ground, high=72)
    for _ in range(7):
        with canvas.at(rng.uniform(4, 96), rng.uniform(87, 97), rng.uniform(0.6, 1.3)):
            canvas.disc(0, 0, 4.5, crater, high=1.2)
            canvas.disc(0.4, 0.5, 3.6, edge, high=0.8)


def beach(canvas: Canvas, rng: Random) -> None:
    canvas.gradient("#3ec5ff", "#b9f0ff", bottom=62)
    canvas.glow(82, 26, 20, "#fff6b0", 0.8)
    canvas.disc(82, 26, 8, "#fff6b0")
    canvas.gradient("#0a84c6", "#3fd0d4", top=58, bottom=80)
    canvas.gradient("#f9e2a8", "#e8c57b", top=78)
    for row in range(5):
        canvas.arc(rng.uniform(10, 90), 65 + row * 3.6, 14, (205, 335), "#e8fbff", 0.7, high=2.4)
    _cloud(canvas, 24, 24)
    _cloud(canvas, 63, 34, 0.7)
    canvas.line([(10, 96), (13.5, 76), (12, 56)], "#8a5a33", 2.6)
    with canvas.at(12, 56):
        for angle in (-165, -120, -65, -20, 15, 165):
            leaf = [(0, 0), polar(9, angle - 16), polar(18, angle), polar(9, angle + 12)]
            canvas.polygon(leaf, "#2e9e4f", outline="#1f7a3c", width=0.5)


def _cloud(canvas: Canvas, x: float, y: float, scale: float = 1) -> None:
    with canvas.at(x, y, scale):
        for dx, dy, radius in ((-6, 1, 4), (0, -2, 6), (6, 1, 4.5), (2, 2, 5)):
            canvas.disc(dx, dy, radius, WHITE)


def hills(canvas: Canvas, rng: Random) -> None:
    canvas.gradient("#6ec6ff", "#d9f3ff")
    canvas.glow(17, 28, 20, "#fff2a8", 0.9)
    canvas.disc(17, 28, 8, "#fff2a8")
    for x, y, scale in ((78, 26, 1.1), (42, 36, 0.7), (92, 44, 0.6)):
        _cloud(canvas, x + rng.uniform(-4, 4), y, scale)
    for x, y, radius, colour in (
        (20, 108, 55, "#8bd450"),
        (82, 110, 60, "#6cc24a"),
        (50, 124, 80, "#4caf50"),
    ):
        canvas.disc(x, y, radius, colour, high=42)
    for _ in range(11):
        _flower(canvas, rng)


def _flower(canvas: Canvas, rng: Random) -> None:
    petal = rng.choice((WHITE, "#ffd1e8", "#fff2a8", "#ffadad"))
    with canvas.at(rng.uniform(3, 97), rng.uniform(86, 97), rng.uniform(0.8, 1.3)):
        for angle in range(0, 360, 72):
            canvas.disc(*polar(1.3, angle), 0.9, petal)
        canvas.disc(0, 0, 0.8, "#ffb703")


def snow(canvas: Canvas, rng: Random) -> None:
    canvas.gradient("#4a6fa5", "#a9c6e8", "#e4f0fb")
    for x, height in ((6, 30), (19, 22), (83, 24), (95, 33)):
        _fir(canvas, x, 86, height)
    canvas.disc(24, 118, 60, "#f1f7fd", high=38)
    canvas.disc(80, 120, 60, WHITE, high=38)
    for _ in range(70):
        canvas.disc(rng.uniform(0, 100), rng.uniform(0, 96), rng.choice((0.4, 0.6, 0.9)), WHITE)


def _fir(canvas: Canvas, x: float, foot: float, height: float) -> None:
    with canvas.at(x, foot, height / 30):
        canvas.box(-1.2, -5, 1.2, 3, "#6b4a2f")
        for step, width in ((0, 9), (8, 7.4), (16, 5.6)):
            canvas.polygon([(-width, -4 - step), (width, -4 - step), (0, -17 - step)], "#2f6b4f")
            canvas.polygon(
                [(-width * 0.36, -12.3 - step), (width * 0.36, -12.3 - step), (0, -17 - step)], WHITE
            )


def deep(canvas: Canvas, rng: Random) -> None:
    """Under water."""
    canvas.gradient("#48cae4", "#0077b6", "#023e8a")
    for x in (12, 34, 60, 80):
        lean = rng.uniform(-6, 10)
        canvas.polygon(
            [(x, 0), (x + 9, 0), (x + 16 + lean, 78), (x - 8 + lean, 78)], mix("#48cae4", "#0077b6", 0.6)
        )
    canvas.gradient("#e9c46a", "#c9973f", top=88)
    for x in (5, 13, 84, 94):
        reach = rng.uniform(24, 36)
        weed = [(x + (1.8 if step % 2 else -1.8), 92 - reach * step / 6) for step in range(7)]
        canvas.line(weed, rng.choice(("#2a9d8f", "#52b788", "#e76f51")), 2.6)
    for _ in range(16):
        canvas.disc(
            rng.uniform(2, 98), rng.uniform(16, 86), rng.uniform(0.7, 2), None, outline="#caf0f8", width=0.5
        )


def fire(canvas: Canvas, rng: Random) -> None:
    """This is fine."""
    canvas.gradient("#3a0d0d", "#8a1c0f", "#e85d04", "#ffba08")
    for colour, height, step in (("#dc2f02", 44, 9.0), ("#f48c06", 32, 8.0), ("#ffd166", 20, 7.0)):
        x = -4.0
        while x < UNITS + 4:
            tall = height * rng.uniform(0.65, 1.1) * (0.75 + abs(x - 50) / 90)
            _flame(canvas, x, tall, step, colour)
            x += step
    for _ in range(24):
        canvas.disc(rng.uniform(0, 100), rng.uniform(8, 70), rng.uniform(0.2, 0.6), "#ffd166")


def _flame(canvas: Canvas, foot: float, tall: float, wide: float, colour: Colour) -> None:
    with canvas.at(foot, 101):
        shape = ((-1, 0), (-0.8, 0.4), (-0.2, 0.66), (0.1, 1), (0.55, 0.55), (0.9, 0.35), (1, 0))
        canvas.polygon([(x * wide, -y * tall) for x, y in shape], colour)
