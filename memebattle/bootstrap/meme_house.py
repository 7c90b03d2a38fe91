"""The worker of memes: its service over real parts, or those it is given."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from memebattle.bootstrap.opening import image_cache, open_flights, opened
from memebattle.bootstrap.wiring import Wiring, answers_of
from memebattle.bus.events import CoreEvents
from memebattle.bus.idempotency import Answers, ExactlyOnce
from memebattle.bus.objects import NatsImages
from memebattle.generation.ports import Cache, Flights, ImageModel, ImageStore
from memebattle.generation.registry import open_image_model
from memebattle.generation.service import GenerationService
from memebattle.kit.claims import Claims
from memebattle.memes.service import Events, MemeService, image_budget
from memebattle.store.claims import RedisClaims
from memebattle.store.redis import RedisStore


@dataclass(frozen=True, slots=True)
class MemeParts:
    """What memes may be given instead of the real thing."""

    answers: Answers | None = None
    cache: Cache | None = None
    claims: Claims | None = None
    flights: Flights | None = None
    images: ImageStore | None = None
    model: ImageModel | None = None
    events: Events | None = None

    @property
    def need_a_store(self) -> bool:
        return self.cache is None or self.claims is None or self.flights is None


async def open_memes(
    stack: contextlib.AsyncExitStack, wiring: Wiring, store: RedisStore | None, given: MemeParts
) -> MemeService:
    settings, metrics, broker = wiring.settings, wiring.metrics, wiring.broker
    lease, stream = settings.delivery.claim_lease, settings.nats.stream
    answers = given.answers or answers_of(wiring)
    claims = given.claims or RedisClaims(opened(store))
    model = given.model
    if model is None:
        model = open_image_model(settings)
        stack.push_async_callback(model.aclose)
    generation = GenerationService(
        model,
        given.cache or image_cache(settings, opened(store)),
        given.flights or open_flights(stack, opened(store), lease),
        given.images or NatsImages(broker.js, settings.nats.image_bucket, metrics),
        metrics,
        image_budget=lambda: image_budget(answers.max_payload),
        flight_wait=settings.delivery.flight_wait,
        flight_beat=lease / 3,
    )
    service = MemeService(
        ExactlyOnce(claims, settings.delivery, metrics.memes),
        generation,
        answers,
        claims,
        given.events or CoreEvents(lambda: broker.client),
        metrics,
        worker=settings.worker_id,
        position=lambda: broker.lag[stream] + 1 if stream in broker.lag else None,
    )
    wiring.deliveries["memes"].refusals = service
    return service
