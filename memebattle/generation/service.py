"""The one generation service behind every path: cache, single flight, provider, finish, keep.

    digest(spec) -> cache -> flight in this process -> flight over all replicas -> provider
                 -> caption, WebP under the payload budget -> cache and image store -> wake the waiters

Identical work runs once. In one process the callers share a task; over replicas the first takes the flight
and the others wait for its landing, for a bounded time, because a waiting request holds a worker's slot.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pydantic_core

from memebattle.generation import ports
from memebattle.generation.gallery import pack, unpack
from memebattle.generation.ports import (
    Cache,
    Flights,
    GenerationError,
    ImageModel,
    ImageSpec,
    ImageStore,
    Meme,
    RawImage,
    StillGenerating,
)
from memebattle.kit.heartbeat import every
from memebattle.kit.metrics import Metrics
from memebattle.kit.tracing import asking_a_model, current, span

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Generated:
    """A meme and where it came from: `cached` was there before us, `coalesced` is somebody else's work."""

    meme: Meme
    cached: bool = False
    coalesced: bool = False


class GenerationService:
    """Draws memes, each distinct one once.

    `image_budget` says how many bytes a finished picture may have; it is a function because the limit is the
    connected server's. `flight_wait` and `flight_beat`, between renewals of a flight's lease, are in seconds.
    """

    def __init__(
        self,
        model: ImageModel,
        cache: Cache,
        flights: Flights,
        images: ImageStore,
        metrics: Metrics,
        *,
        image_budget: Callable[[], int],
        flight_wait: float = 5.0,
        flight_beat: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model, self._cache, self._flights, self._images = model, cache, flights, images
        self._metrics, self._image_budget = metrics.memes, image_budget
        self._flight_wait, self._flight_beat, self._clock = flight_wait, flight_beat, clock
        self._flying: dict[str, _SharedTask] = {}

    async def generate(self, spec: ImageSpec) -> Generated:
        """The meme for this spec.

        Raises:
            StillGenerating: somebody else is at it for longer than `flight_wait`.
            GenerationError: the provider could not; waiters of one flight get the same error.
        """
        digest = self.digest(spec)
        if digest not in self._flying and (meme := await self._cached(digest)) is not None:
            self._metrics.cache_hits.inc()
            log.info("Cache hit for prompt: %s", shortened(spec.prompt), extra={"digest": digest})
            return Generated(await self._fitting(meme), cached=True)
        shared = self._flying.get(digest)
        # work whose last caller left still winds down; joining it would be cancelled with it
        leads = shared is None or bool(shared.task.cancelling())
        if shared is None or leads:
            shared = self._flying[digest] = _SharedTask(self._fly(digest, spec))
            shared.task.add_done_callback(lambda task: self._landed(digest, task))
        generated = await shared.join(None if leads else self._flight_wait)
        if not leads and not generated.cached:
            generated = replace(generated, coalesced=True)
        if generated.coalesced:
            self._metrics.coalesced.inc()
        return replace(generated, meme=await self._fitting(generated.meme))

    def digest(self, spec: ImageSpec) -> str:
        """What makes two requests the same picture: spec, provider, model and the style we finish it in."""
        identity = [spec, self._model.name, spec.model or self._model.model, self._model.style_version]
        return hashlib.sha256(pydantic_core.to_json(identity)).hexdigest()[:40]

    def _landed(self, digest: str, task: asyncio.Task[Generated]) -> None:
        shared = self._flying.get(digest)
        if shared is not None and shared.task is task:
            del self._flying[digest]

    async def _fly(self, digest: str, spec: ImageSpec) -> Generated:
        self._metrics.cache_misses.inc()
        log.info("Cache miss for prompt: %s", shortened(spec.prompt), extra={"digest": digest})
        token, deadline = uuid.uuid4().hex, self._clock() + self._flight_wait
        while (verdict := await self._flights.join(digest, token)) == "wait":
            if self._clock() >= deadline:
                raise StillGenerating("another replica is generating this picture", retry_after=0.5)
            await self._flights.wait(digest, deadline - self._clock())
            if (meme := await self._cached(digest)) is not None:
                return Generated(meme, coalesced=True)
        if verdict != "lead":
            raise _failure_of(verdict)
        return await self._lead(digest, token, spec)

    async def _lead(self, digest: str, token: str, spec: ImageSpec) -> Generated:
        failure: str | None = None
        try:
            # the flight before ours may have landed between our look at the cache and our take-off
            if (meme := await self._cached(digest)) is not None:
                return Generated(meme, coalesced=True)
            async with every(self._flight_beat, lambda: self._flights.renew(digest, token)):
                meme = await self._draw(spec)
            await self._keep(digest, meme)
            return Generated(meme)
        except GenerationError as error:
            failure = _note_of(error)
            raise
        finally:
            await asyncio.shield(self._flights.land(digest, token, failure))

    async def _draw(self, spec: ImageSpec) -> Meme:
        log.info("Generating image for prompt: %s", shortened(spec.prompt))
        model, started = spec.model or self._model.model, self._clock()
        try:
            raw = await self._asked(spec, model)
            meme = await asyncio.to_thread(
                _finish,
                raw,
                spec,
                provider=self._model.name,
                model=model,
                budget=self._image_budget(),
                captions_itself=self._model.captions_itself,
            )
        except GenerationError as error:
            self._metrics.provider_calls.labels(self._model.name, error.code).inc()
            raise
        seconds = self._clock() - started
        self._metrics.provider_calls.labels(self._model.name, "ok").inc()
        self._metrics.generation.labels(self._model.name, self._model.model).observe(seconds)
        log.info(
            "Generated image in %.2f seconds (%d bytes, %dx%d)",
            seconds,
            len(meme.data),
            meme.width,
            meme.height,
        )
        return meme

    async def _asked(self, spec: ImageSpec, model: str) -> RawImage:
        attributes = asking_a_model("image", self._model.name, model)
        with span("generate_image", current(), kind="client", attributes=attributes):
            return await self._model.generate(spec)

    async def _keep(self, digest: str, meme: Meme) -> None:
        await self._cache.put(f"meme:{digest}", pack(meme))
        await self._cache.put(f"image:{meme.sha256}", f"meme:{digest}".encode())
        await self._images.put(meme)

    async def _cached(self, digest: str) -> Meme | None:
        packed = await self._cache.get(f"meme:{digest}")
        return unpack(packed) if packed is not None else None

    async def _fitting(self, meme: Meme) -> Meme:
        """A picture cached under a larger limit than this server's is made smaller for it."""
        if len(meme.data) <= (budget := self._image_budget()):
            return meme
        smaller = await asyncio.to_thread(_shrink, meme, budget)
        await self._images.put(smaller)  # its address in the answer is a new one
        return smaller


# Pillow loads with the first picture, in the thread that makes it: in the event loop its import is a pause of
# a tenth of a second and more, which leases and the short timeout of Redis would feel


def _finish(raw: RawImage, spec: ImageSpec, **options: Any) -> Meme:
    from memebattle.generation.pictures import finish  # noqa: PLC0415

    return finish(raw, spec, **options)


def _shrink(meme: Meme, budget: int) -> Meme:
    from memebattle.generation.pictures import shrink  # noqa: PLC0415

    return shrink(meme, budget)


class _SharedTask:
    """A task that several callers await; it is cancelled when the last of them is."""

    def __init__(self, work: Any) -> None:
        self.task: asyncio.Task[Generated] = asyncio.create_task(work)
        self._callers = 0

    async def join(self, patience: float | None) -> Generated:
        self._callers += 1
        try:
            return await asyncio.wait_for(asyncio.shield(self.task), patience)
        except TimeoutError:
            raise StillGenerating("this picture is being generated", retry_after=0.5) from None
        finally:
            self._callers -= 1
            if not self._callers and not self.task.done():
                self.task.cancel()


def shortened(prompt: str, limit: int = 60) -> str:
    """A prompt as logs show it: people type private things."""
    return prompt if len(prompt) <= limit else prompt[: limit - 1] + "…"


def _note_of(error: GenerationError) -> str:
    return json.dumps([type(error).__name__, str(error), error.retry_after])


def _failure_of(note: str) -> GenerationError:
    name, message, retry_after = json.loads(note)
    kind = getattr(ports, name)
    failure: GenerationError = kind(message, retry_after=retry_after)
    return failure
