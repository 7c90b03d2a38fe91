"""What the fake provider paints: the offline artist's memes, or noise that weighs as much as a photograph.

A diffusion model's PNG of 1024 pixels is 2 to 3 MB, an artist's drawing a tenth of that: a demo with drawings
alone hides every payload limit. `noise` has the weight of the former. Both depend on the prompt, so that
different requests bring different pictures, and both are CPU-bound: call `paint` in a thread.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from PIL import Image

from memebattle.generation.ports import ImageSpec

type Style = Literal["artist", "noise"]
type Format = Literal["PNG", "JPEG", "WEBP"]

SMALLEST, LARGEST, USUAL = 8, 2048, 1024  # pixels a side


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be painted."""

    prompt: str
    width: int
    height: int


def order_of(document: Any, size: int | None) -> Order | None:
    """Prompt and size out of any of the five request bodies; None without a prompt.

    Args:
        document: the parsed JSON body.
        size: pixels a side whatever was asked for; None does as asked.
    """
    match document:
        case {"inputs": str(prompt), "parameters": {"width": width, "height": height}}:
            pass
        case {"prompt": str(prompt), "image_size": {"width": width, "height": height}}:
            pass
        case {"prompt": str(prompt), "width": width, "height": height}:
            pass
        case {"prompt": str(prompt), "size": str(text)}:
            width, _, height = text.partition("x")
        case {"inputs": str(prompt)} | {"prompt": str(prompt)}:
            width = height = USUAL
        case _:
            return None
    return Order(prompt, size or side(width), size or side(height))


def side(pixels: Any) -> int:
    """A side we are willing to paint, near the one that was asked for."""
    try:
        return min(max(int(pixels), SMALLEST), LARGEST)
    except (TypeError, ValueError, OverflowError):
        return USUAL


def paint(order: Order, style: Style, encoding: Format) -> bytes:
    """One encoded picture."""
    drawn = _noise(order) if style == "noise" else _drawing(order)
    out = io.BytesIO()
    # level 1: a real model's PNG is not squeezed either, and it is four times faster
    drawn.convert("RGB").save(out, encoding, **({"compress_level": 1} if encoding == "PNG" else {}))
    return out.getvalue()


def _drawing(order: Order) -> Image.Image:
    from memebattle.generation.providers.artist import Artist

    return Artist().draw(ImageSpec(prompt=order.prompt, width=order.width, height=order.height))


def _noise(order: Order) -> Image.Image:
    """The grain of a size, in a light of the prompt's own colour."""
    colour = zlib.crc32(order.prompt.encode("utf-8", "surrogatepass"))
    shade = (colour & 255, colour >> 8 & 255, colour >> 16 & 255)
    return Image.blend(
        _grain(order.width, order.height), Image.new("RGB", (order.width, order.height), shade), 0.3
    )


@lru_cache(maxsize=4)
def _grain(width: int, height: int) -> Image.Image:
    """A gradient, as photographs have, under noise, as sensors have."""
    gradient = Image.linear_gradient("L").resize((width, height))
    bands = [Image.blend(gradient, Image.effect_noise((width, height), 24.0), 0.5) for _ in "RGB"]
    return Image.merge("RGB", bands)
