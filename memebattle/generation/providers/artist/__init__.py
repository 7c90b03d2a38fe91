"""The offline artist: prompts to memes without a model, a network or a bill.

A prompt's words choose a place, a mascot, its mood and what it wears and holds; a hash of seed and prompt
chooses the rest, so that the same request always gets the same picture. A meme of 512 pixels takes about as
long as a database query, which makes the artist the provider of demos and tests, and `latency` makes it as
slow as a real model when queues are the point.

Shapes are drawn on a `canvas`; `skies` and `rooms` paint the places, `mascots` (with their `faces`), `worn`
and `held` the figures; `vocabulary` and `scenes` choose among them and the `studio` puts them together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from memebattle.generation.ports import ImageSpec, InvalidPrompt, RawImage

if TYPE_CHECKING:
    from PIL.Image import Image

SMALLEST, LARGEST = 8, 2048  # pixels a side


class Artist:
    """An `ImageModel` that draws on this machine.

    Args:
        latency: seconds to wait before drawing; `fast` requests wait half of it.
        sleep: how to wait.
    """

    name = "artist"
    model = "fredoka-1"
    style_version = "1"
    captions_itself = True

    def __init__(
        self, *, latency: float = 0.0, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        self._latency = latency
        self._sleep = sleep

    async def generate(self, spec: ImageSpec) -> RawImage:
        """Draw one meme as WebP, in a thread.

        Raises:
            InvalidPrompt: a side is not 8 to 2048 pixels long.
        """
        if self._latency:
            await self._sleep(self._latency / 2 if spec.fast else self._latency)
        return await asyncio.to_thread(self._generate, spec)

    def _generate(self, spec: ImageSpec) -> RawImage:
        from memebattle.generation.pictures import WEBP, encode  # noqa: PLC0415 - see draw

        return RawImage(encode(self.draw(spec)), WEBP, spec.width, spec.height)

    def draw(self, spec: ImageSpec) -> Image:
        """The same picture, not encoded; for callers that have a thread of their own.

        Raises:
            InvalidPrompt: a side is not 8 to 2048 pixels long.
        """
        if not all(SMALLEST <= side <= LARGEST for side in (spec.width, spec.height)):
            raise InvalidPrompt(f"the artist draws {SMALLEST} to {LARGEST} pixels a side")
        # Pillow and the font load with the first picture: a worker must be ready before that
        from memebattle.generation.providers.artist.studio import draw  # noqa: PLC0415

        return draw(spec)

    async def aclose(self) -> None:
        """Nothing to give back."""
