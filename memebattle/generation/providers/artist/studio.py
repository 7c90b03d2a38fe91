"""One meme, from words to pixels: plan the scene, fit the captions, put the mascot where they leave room."""

from __future__ import annotations

from hashlib import blake2b
from random import Random
from typing import NamedTuple

from PIL import Image

from memebattle.generation.captions import Captions, split_caption
from memebattle.generation.ports import ImageSpec
from memebattle.generation.providers.artist.canvas import INK, UNITS, Canvas, Colour, chance
from memebattle.generation.providers.artist.held import HELD, SIGNS
from memebattle.generation.providers.artist.mascots import MASCOTS
from memebattle.generation.providers.artist.scenes import PLACES, Scene, plan
from memebattle.generation.providers.artist.worn import GLASSES, HATS

SHOULDERS = 23  # units below the middle of a head that no caption covers, at scale 1
AIR = 2  # units between head and caption
WIDEST = 92  # of a mascot with something in its paw
LARGEST = 1.12
SHADE = 90  # of 255: how much the picture darkens behind the captions


class Frame(NamedTuple):
    """The part of the square sheet that the picture shows, in units; top and bottom spare the captions."""

    left: float
    right: float
    top: float
    bottom: float


def draw(spec: ImageSpec) -> Image.Image:
    """The captioned picture: the same for the same prompt, seed, captions and size."""
    rng = _chance(spec)
    scene = plan(spec.prompt, rng)
    top, bottom = _words(spec, rng)
    captions = Captions.fit((spec.width, spec.height), top, bottom)
    image = _cropped(_painted(scene, rng, spec, captions), spec)
    _shade(image, captions)
    captions.draw(image)
    return image


def _chance(spec: ImageSpec) -> Random:
    """Everything random follows from the seed and the words, not from their case or spacing."""
    words = " ".join(spec.prompt.casefold().split())
    key = f"{spec.seed or 0}:{words}".encode("utf-8", "surrogatepass")
    return Random(blake2b(key, digest_size=8).digest())  # noqa: S311 - art, not cryptography


def _words(spec: ImageSpec, rng: Random) -> tuple[str, str]:
    if spec.caption_top is None and spec.caption_bottom is None:
        return split_caption(spec.prompt, rng)
    return spec.caption_top or "", spec.caption_bottom or ""


def _painted(scene: Scene, rng: Random, spec: ImageSpec, captions: Captions) -> Image.Image:
    """The square scene, as large as the picture's longer side."""
    canvas = Canvas(max(spec.width, spec.height))
    PLACES[scene.place](canvas, rng)
    _place_mascot(canvas, scene, rng, spec, captions)
    image = canvas.finished()
    # what may be turned is turned half of the time; only letters must not be read from behind
    if scene.sign != "snooze" and chance(rng, 0.5):
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image


def _place_mascot(canvas: Canvas, scene: Scene, rng: Random, spec: ImageSpec, captions: Captions) -> None:
    """As large as the room between the captions allows."""
    frame = _frame(spec, captions)
    above = _height(scene) + AIR
    free = frame.bottom - frame.top
    scale = min(LARGEST, free / (above + SHOULDERS), (frame.right - frame.left) / WIDEST)
    spare = free - (above + SHOULDERS) * scale
    with canvas.at(UNITS / 2, frame.top + spare * 0.55 + above * scale, scale):
        canvas.glow(0, 0, 38, "#ffffff", 0.35)
        _draw_mascot(canvas, scene, rng)


def _height(scene: Scene) -> float:
    """Units from the middle of the head to the top of the ears or the hat, at scale 1."""
    mascot = MASCOTS[scene.mascot]
    hat = HATS[scene.hat].height - mascot.hat if scene.hat else 0
    return max(hat, -mascot.tip)


def _frame(spec: ImageSpec, captions: Captions) -> Frame:
    """Wide pictures lose the sky of the square sheet, tall ones lose its sides."""
    side = max(spec.width, spec.height)
    unit = UNITS / side
    margin = (side - spec.width) / 2 * unit
    lost = (side - spec.height) * unit
    return Frame(
        margin, UNITS - margin, lost + captions.top_space * unit, UNITS - captions.bottom_space * unit
    )


def _cropped(image: Image.Image, spec: ImageSpec) -> Image.Image:
    """The frame's part of the square; one that is square already is not copied."""
    if image.size == (spec.width, spec.height):
        return image
    left, top = (image.width - spec.width) // 2, image.height - spec.height
    return image.crop((left, top, left + spec.width, top + spec.height))


def _draw_mascot(canvas: Canvas, scene: Scene, rng: Random) -> None:
    """Head at the origin; what it wears, holds and feels, from back to front."""
    mascot = MASCOTS[scene.mascot]
    paws = mascot.draw(canvas, rng, scene.mood)
    if scene.glasses:
        with canvas.at(0, mascot.glasses):
            GLASSES[scene.glasses](canvas)
    if scene.hat:
        with canvas.at(0, mascot.hat):
            HATS[scene.hat].draw(canvas)
    if scene.held:
        _hold(canvas, scene.held, paws)
    if scene.sign:
        with canvas.at(34, -14):
            SIGNS[scene.sign](canvas)


def _hold(canvas: Canvas, thing: str, paws: Colour) -> None:
    """An arm from the shoulder, the thing, and the paw around it."""
    arm = [(-15, 36), (-26, 34), (-32, 22)]
    canvas.line(arm, INK, 9)
    canvas.line(arm, paws, 7.2)
    with canvas.at(-33, 8):
        HELD[thing](canvas)
    canvas.disc(-32, 20, 4.8, paws, high=4.2, outline=INK)


def _shade(image: Image.Image, captions: Captions) -> None:
    """Darken the edges behind the captions, so that white text stands out before any scene."""
    for space, at_top in ((captions.top_space, True), (captions.bottom_space, False)):
        if height := round(space * 1.35):
            ramp = Image.linear_gradient("L").point([value * SHADE // 255 for value in range(256)])
            mask = ramp.resize((1, height), Image.Resampling.BILINEAR).resize((image.width, height))
            mask = mask.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if at_top else mask
            top = 0 if at_top else image.height - height
            image.paste((0, 0, 0), (0, top, image.width, top + height), mask)
