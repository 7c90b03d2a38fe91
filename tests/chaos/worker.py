"""A worker that kills itself with SIGKILL at a named point, every so often.

The production worker, with the adapters of its house wrapped: no crash code lives in the product. The points
are those of the table in architecture/delivery.md. CRASH_AT names the point, CRASH_AFTER how many requests
pass it in one life, CRASH_LOG a file that gets a line per kill.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from contextvars import ContextVar
from typing import Any

from memebattle.bootstrap.meme_house import MemeParts
from memebattle.bootstrap.wiring import answers_of, wire
from memebattle.bus.delivery import Deliveries, DeliveryMiddleware, is_jetstream
from memebattle.bus.idempotency import Answer
from memebattle.generation.ports import ImageSpec, RawImage
from memebattle.generation.registry import open_image_model
from memebattle.kit.claims import Claim, Won
from memebattle.settings import Settings
from memebattle.store.cache import RedisCache
from memebattle.store.claims import RedisClaims
from memebattle.store.redis import RedisStore
from memebattle.worker import create_app

POINTS = (
    "core_received",  # before the claim
    "jetstream_received",
    "claimed",
    "generating",  # the provider is at work
    "generated",  # before the cache
    "cached",  # before the answer
    "answered",  # stored, before the claim says done
    "done",  # before the ack
    "acked",
)

_passed = itertools.count(1)
_from_jetstream: ContextVar[bool] = ContextVar("from_jetstream", default=False)


def crash(point: str) -> None:
    """Die here, if it is time."""
    if point == os.environ["CRASH_AT"] and next(_passed) >= int(os.environ["CRASH_AFTER"]):
        with open(os.environ["CRASH_LOG"], "a") as log:
            log.write(f"{time.time():.3f} {os.environ.get('WORKER_ID')} {point}\n")
        os.kill(os.getpid(), signal.SIGKILL)


class Claims(RedisClaims):
    async def claim(self, request_id: str, lease: float) -> Claim:
        crash("jetstream_received" if _from_jetstream.get() else "core_received")
        claim = await super().claim(request_id, lease)
        if isinstance(claim, Won):
            crash("claimed")
        return claim

    async def done(self, request_id: str, digest: str) -> None:
        crash("answered")
        await super().done(request_id, digest)
        crash("done")


class Watched(Deliveries):
    """Notes which path a message came by, and the moment after its ack."""

    __slots__ = ()  # so that a finished Deliveries can become one

    def __call__(self, message: Any, /, *, context: Any) -> DeliveryMiddleware:
        _from_jetstream.set(is_jetstream(message))
        if is_jetstream(message):
            ack = message.ack

            async def watched() -> None:
                await ack()
                await message._client.flush()
                crash("acked")

            message.ack = watched
        return super().__call__(message, context=context)


class Cache(RedisCache):
    async def put(self, key: str, value: bytes) -> None:
        crash("generated")
        await super().put(key, value)


class Model:
    """The real provider; dies while it is asked."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.name, self.model = model.name, model.model
        self.style_version, self.captions_itself = model.style_version, model.captions_itself

    async def generate(self, spec: ImageSpec) -> RawImage:
        asyncio.get_running_loop().call_later(0.02, crash, "generating")
        return await self._model.generate(spec)

    async def aclose(self) -> None:
        await self._model.aclose()


class Answers:
    def __init__(self, answers: Any) -> None:
        self._answers = answers

    @property
    def max_payload(self) -> int:
        return self._answers.max_payload

    async def publish(self, answer: Answer) -> Answer | None:
        crash("cached")
        return await self._answers.publish(answer)

    async def lookup(self, request_id: str) -> Answer | None:
        return await self._answers.lookup(request_id)


def main() -> None:
    wiring = wire(Settings.from_env(), "worker", ["memes"])
    wiring.deliveries["memes"].__class__ = Watched
    store = RedisStore(wiring.settings.redis, wiring.metrics)
    app = create_app(
        wiring=wiring,
        memes=MemeParts(
            claims=Claims(store),
            cache=Cache(store, wiring.settings.redis.cache_ttl),
            model=Model(open_image_model(wiring.settings)),
            answers=Answers(answers_of(wiring)),
        ),
    )
    asyncio.run(app.run())


if __name__ == "__main__":
    main()
