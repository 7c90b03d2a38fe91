"""Small shapes that several props are made of."""

from __future__ import annotations

from memebattle.generation.providers.artist.canvas import Canvas, Colour, Point, polar

GOLD = "#ffd60a"


def star(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    """Five points, `size` from middle to tip."""
    points = [polar(size if step % 2 == 0 else size * 0.42, step * 36 - 90) for step in range(10)]
    with canvas.at(x, y):
        canvas.polygon(points, colour)


def heart(x: float, y: float, size: float) -> list[Point]:
    """The outline of a heart, about ten times `size` high."""
    half = [(0, 5), (-5, 0), (-5.6, -2.4), (-4.4, -4.4), (-2.4, -4.6), (-0.8, -3.8), (0, -2.2)]
    other = [(-a, b) for a, b in reversed(half[1:-1])]
    return [(x + a * size, y + b * size) for a, b in half + other]
