"""Small stand-ins that several layers of tests share."""

from __future__ import annotations

import asyncio
import io
from functools import cache

from PIL import Image

from memebattle.generation.ports import GenerationError, ImageSpec, RawImage


class Clock:
    """Time that passes when told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@cache
def picture(width: int = 16, height: int = 16) -> RawImage:
    """A grey WebP that is drawn once."""
    buffer = io.BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(buffer, "WEBP", quality=50, method=0)
    return RawImage(buffer.getvalue(), "image/webp", width, height)


class ScriptedModel:
    """An image model that fails as the script says, then draws; it can be held while it works."""

    name, model, style_version, captions_itself = "toy", "toy-1", "1", True

    def __init__(self, *script: GenerationError | None) -> None:
        self.script = list(script)
        self.calls: list[ImageSpec] = []
        self.cancelled = 0
        self.started = asyncio.Event()
        self.may_finish = asyncio.Event()
        self.may_finish.set()

    def hold(self) -> None:
        """Work until `may_finish` is set."""
        self.may_finish.clear()

    async def generate(self, spec: ImageSpec) -> RawImage:
        self.calls.append(spec)
        self.started.set()
        try:
            await self.may_finish.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.script and (failure := self.script.pop(0)) is not None:
            raise failure
        return picture()

    async def aclose(self) -> None:
        """Nothing to give back."""
