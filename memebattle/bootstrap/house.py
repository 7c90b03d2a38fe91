"""The worker's house: the services of the contexts it works for."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from memebattle.bootstrap.opening import image_cache, open_flights, open_store, opened
from memebattle.bootstrap.wiring import Wiring, answers_of, chunk_log_of
from memebattle.bus.core_publishing import CorePublisher
from memebattle.bus.events import CoreEvents
from memebattle.bus.frames import ChunkLog
from memebattle.bus.idempotency import Answers, ExactlyOnce
from memebattle.bus.objects import NatsImages
from memebattle.chat.answering import History, Models
from memebattle.chat.delivery import ChunkDelivery, Publisher, Registry
from memebattle.chat.service import Workflow
from memebattle.generation.ports import Cache, Flights, ImageModel, ImageStore
from memebattle.generation.registry import open_image_model
from memebattle.generation.service import GenerationService
from memebattle.generation.text_registry import open_text_models
from memebattle.kit.claims import Claims
from memebattle.memes.service import Events, MemeService, image_budget
from memebattle.store.claims import RedisClaims
from memebattle.store.history import RedisHistory
from memebattle.store.redis import RedisStore
from memebattle.store.sessions import RedisSessions


@dataclass(frozen=True, slots=True)
class House:
    """The services of one worker; None for a context it does not serve."""

    memes: MemeService | None = None
    chat: Workflow | None = None


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


@dataclass(frozen=True, slots=True)
class ChatParts:
    """What chat may be given instead of the real thing."""

    chunks: ChunkLog | None = None
    claims: Claims | None = None
    registry: Registry | None = None
    history: History | None = None
    models: Models | None = None
    publisher: Publisher | None = None

    @property
    def need_a_store(self) -> bool:
        return self.registry is None or self.claims is None or self.history is None


@contextlib.asynccontextmanager
async def open_house(
    wiring: Wiring, *, memes: MemeParts | None = None, chat: ChatParts | None = None
) -> AsyncIterator[House]:
    """Open what was not given, in order, and close it again."""
    memes, chat = memes or MemeParts(), chat or ChatParts()
    parts: dict[str, MemeParts | ChatParts] = {"memes": memes, "chat": chat}
    async with contextlib.AsyncExitStack() as stack:
        store = None
        if any(parts[name].need_a_store for name in wiring.contexts):
            store = await open_store(stack, wiring)
        yield House(
            await _open_memes(stack, wiring, store, memes) if "memes" in wiring.contexts else None,
            await _open_chat(stack, wiring, store, chat) if "chat" in wiring.contexts else None,
        )


async def _open_memes(
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


async def _open_chat(
    stack: contextlib.AsyncExitStack, wiring: Wiring, store: RedisStore | None, given: ChatParts
) -> Workflow:
    settings, metrics, broker = wiring.settings, wiring.metrics, wiring.broker
    claims = given.claims or RedisClaims(opened(store), "chat-claim")
    models = given.models
    if models is None:
        text_models = open_text_models(settings)
        stack.push_async_callback(text_models.aclose)
        models = text_models
    registry = given.registry or RedisSessions(opened(store), settings.chat.registry_ttl)
    publisher = given.publisher or CorePublisher(lambda: broker.client, metrics.chat)
    tries = settings.delivery.model_copy(update={"max_attempts": settings.chat.max_attempts})
    service = Workflow(
        ExactlyOnce(claims, tries, metrics.workflow),
        models,
        given.chunks or chunk_log_of(wiring),
        ChunkDelivery(registry, publisher, metrics.workflow, settings.chat),
        given.history or RedisHistory(opened(store), settings.chat.history_turns, settings.chat.history_ttl),
        claims,
        metrics.workflow,
        settings.chat,
    )
    wiring.deliveries["chat"].refusals = service
    return service
