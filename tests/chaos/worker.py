"""A worker that kills itself with SIGKILL at a named point, now and then.

The production worker, with the adapters of its house wrapped: no crash code lives in the product. The points
are those of the table in architecture/delivery.md. CRASH_AT names one (or several, comma separated),
CRASH_RATE is the probability, CRASH_LOG a file that gets a line per kill.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from typing import Any

from memebattle.bootstrap import answers_of, wire
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
    "received",  # before the claim
    "claimed",
    "generating",  # the provider is at work
    "generated",  # before the cache
    "cached",  # before the answer
    "answered",  # stored, before the claim says done
    "done",  # before the ack
)

_rng = random.Random()


def crash(point: str) -> None:
    """Die here, perhaps."""
    if point in os.environ.get("CRASH_AT", "").split(",") and _rng.random() < float(os.environ["CRASH_RATE"]):
        with open(os.environ["CRASH_LOG"], "a") as log:
            log.write(f"{time.time():.3f} {os.environ.get('WORKER_ID')} {point}\n")
        os.kill(os.getpid(), signal.SIGKILL)


class Claims(RedisClaims):
    async def claim(self, request_id: str, lease: float) -> Claim:
        crash("received")
        claim = await super().claim(request_id, lease)
        if isinstance(claim, Won):
            crash("claimed")
        return claim

    async def done(self, request_id: str, digest: str) -> None:
        crash("answered")
        await super().done(request_id, digest)
        crash("done")


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
    wiring = wire(Settings.from_env(), "worker", consumes=True)
    store = RedisStore(wiring.settings.redis, wiring.metrics)
    app = create_app(
        wiring=wiring,
        claims=Claims(store),
        cache=Cache(store, wiring.settings.redis.cache_ttl),
        model=Model(open_image_model(wiring.settings)),
        answers=Answers(answers_of(wiring)),
    )
    asyncio.run(app.run())


if __name__ == "__main__":
    main()
