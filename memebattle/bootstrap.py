"""The composition root: Settings in, a house full of services out.

`open_house` is the only place that decides which adapter serves which port. Every part can be given by
name; what it is given it leaves alone, what it opens it closes. Tests build the same house with fakes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from memebattle.bus.answers import JetStreamAnswers
from memebattle.bus.broker import HardenedBroker
from memebattle.bus.delivery import Deliveries
from memebattle.bus.events import CoreEvents
from memebattle.bus.idempotency import Answers, ExactlyOnce
from memebattle.bus.objects import NatsImages
from memebattle.bus.publishing import DurablePublisher
from memebattle.bus.requests import JetStreamRequests
from memebattle.bus.slots import Slots
from memebattle.bus.streams import Topology
from memebattle.generation.gallery import Gallery
from memebattle.generation.ports import Cache, Flights, ImageModel, ImageStore
from memebattle.generation.registry import open_image_model
from memebattle.generation.service import GenerationService
from memebattle.kit.claims import Claims
from memebattle.kit.health import Health
from memebattle.kit.metrics import Metrics
from memebattle.memes.asking import Asking, Requests
from memebattle.memes.service import Events, MemeService, image_budget
from memebattle.settings import Settings
from memebattle.store.cache import MemoryCache, RedisCache, TieredCache
from memebattle.store.claims import RedisClaims
from memebattle.store.flights import RedisFlights
from memebattle.store.redis import RedisStore

log = logging.getLogger(__name__)

MIB = 1024 * 1024
DAY = 24 * 3600.0  # seconds; as long as the streams keep requests and answers


@dataclass(frozen=True, slots=True)
class Wiring:
    """What exists before anything is connected: the broker and what its middleware needs."""

    settings: Settings
    metrics: Metrics
    health: Health
    broker: HardenedBroker
    publisher: DurablePublisher
    deliveries: Deliveries


@dataclass(frozen=True, slots=True)
class House:
    """The services of one process."""

    memes: MemeService
    generation: GenerationService
    answers: Answers


@dataclass(frozen=True, slots=True)
class Reception:
    """What a gateway needs: somebody to ask, and pictures to show. It never draws."""

    asking: Asking
    gallery: Gallery


def wire(settings: Settings, role: str, *, consumes: bool) -> Wiring:
    """Make a broker that is not connected yet. Needs no environment, no secret, no network."""
    metrics, health = Metrics(), Health()
    slots = Slots(settings.delivery.concurrency, metrics)
    publisher = DurablePublisher(lambda: broker.client, metrics, settings.delivery.publish_budget)
    deliveries = Deliveries(slots, publisher, metrics, settings.delivery.ack_wait)
    broker = HardenedBroker(
        settings,
        metrics,
        name=f"memebattle-{role}-{settings.worker_id}",
        topology=Topology.of(settings) if consumes else None,
        capacity=slots.free,
        middlewares=[deliveries] if consumes else (),
    )
    health.required["nats"] = lambda: broker.is_connected and broker.consumers_present
    return Wiring(settings, metrics, health, broker, publisher, deliveries)


def answers_of(wiring: Wiring) -> JetStreamAnswers:
    """The arbiter over this broker."""
    nats = wiring.settings.nats
    return JetStreamAnswers(wiring.publisher, wiring.broker.js, nats.results_stream, nats.response_subject)


def requests_of(wiring: Wiring, answers: Answers) -> JetStreamRequests:
    """How this process asks for memes."""
    nats = wiring.settings.nats
    return JetStreamRequests(
        wiring.publisher, lambda: wiring.broker.client, answers, nats.request_subject, nats.stream
    )


@contextlib.asynccontextmanager
async def open_house(
    wiring: Wiring,
    *,
    answers: Answers | None = None,
    cache: Cache | None = None,
    claims: Claims | None = None,
    flights: Flights | None = None,
    images: ImageStore | None = None,
    model: ImageModel | None = None,
    events: Events | None = None,
) -> AsyncIterator[House]:
    """Open what was not given, in order, and close it again."""
    settings, metrics, broker = wiring.settings, wiring.metrics, wiring.broker
    async with contextlib.AsyncExitStack() as stack:
        if cache is None or claims is None or flights is None:
            store = await _open_store(stack, wiring)
            cache = cache or _cache(settings, store)
            claims = claims or RedisClaims(store)
            flights = flights or _open_flights(stack, store, settings.delivery.claim_lease)
        if model is None:
            model = open_image_model(settings)
            stack.push_async_callback(model.aclose)
        answers = answers or answers_of(wiring)
        budget_of = answers
        generation = GenerationService(
            model,
            cache,
            flights,
            images or NatsImages(broker.js, settings.nats.image_bucket, metrics),
            metrics,
            image_budget=lambda: image_budget(budget_of.max_payload),
            flight_wait=settings.delivery.flight_wait,
            flight_beat=settings.delivery.claim_lease / 3,
        )
        memes = MemeService(
            ExactlyOnce(claims, answers, settings.delivery, metrics),
            generation,
            answers,
            claims,
            events or CoreEvents(lambda: broker.client),
            metrics,
            worker=settings.worker_id,
            position=lambda: None if broker.lag is None else broker.lag + 1,
        )
        wiring.deliveries.refusals = memes
        yield House(memes, generation, answers)


@contextlib.asynccontextmanager
async def open_reception(
    wiring: Wiring,
    *,
    requests: Requests | None = None,
    answers: Answers | None = None,
    images: ImageStore | None = None,
    cache: Cache | None = None,
    asked: Cache | None = None,
    connected: Callable[[], bool] | None = None,
) -> AsyncIterator[Reception]:
    """Open what was not given. NATS may come later: until then `connected` says no, and nobody waits."""
    settings, broker = wiring.settings, wiring.broker
    async with contextlib.AsyncExitStack() as stack:
        if requests is None or answers is None or images is None:
            await stack.enter_async_context(_connecting(broker))
        if cache is None or asked is None:
            store = await _open_store(stack, wiring)
            cache = cache or _cache(settings, store)
            asked = asked or TieredCache(MemoryCache(DAY, 4 * MIB), RedisCache(store, DAY))
        answers = answers or answers_of(wiring)
        requests = requests or requests_of(wiring, answers)
        images = images or NatsImages(broker.js, settings.nats.image_bucket, wiring.metrics)
        if connected is not None:
            wiring.health.required["nats"] = connected
        asking = Asking(requests, answers, asked, connected or (lambda: broker.is_connected))
        yield Reception(asking, Gallery(cache, images))


@contextlib.asynccontextmanager
async def _connecting(broker: HardenedBroker) -> AsyncIterator[None]:
    """Connect in the background for as long as it takes; disconnect at the end."""
    task = asyncio.create_task(broker.start())
    try:
        yield
    finally:
        await _ended(task)
        await broker.stop()


async def _open_store(stack: contextlib.AsyncExitStack, wiring: Wiring) -> RedisStore:
    store = RedisStore(wiring.settings.redis, wiring.metrics)
    stack.push_async_callback(store.aclose)
    wiring.health.optional["redis"] = lambda: store.up
    stack.push_async_callback(_ended, asyncio.create_task(store.keep_watch()))
    return store


def _open_flights(stack: contextlib.AsyncExitStack, store: RedisStore, lease: float) -> RedisFlights:
    flights = RedisFlights(store, lease)
    stack.push_async_callback(_ended, asyncio.create_task(flights.listen()))
    return flights


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _cache(settings: Settings, store: RedisStore) -> Cache:
    ttl = settings.redis.cache_ttl
    near = MemoryCache(ttl, settings.redis.memory_cache_mb * MIB)
    return TieredCache(near, RedisCache(store, ttl))
