"""The worker's house: the services of the contexts it works for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from memebattle.bootstrap.opening import (
    ended,
    image_cache,
    open_documents,
    open_flights,
    open_rollup,
    open_store,
    opened,
)
from memebattle.bootstrap.wiring import Wiring, answers_of, chunk_log_of, task_log_of, tasks_of
from memebattle.bus.core_publishing import CorePublisher
from memebattle.bus.entries import TaskLog
from memebattle.bus.events import CoreEvents
from memebattle.bus.frames import ChunkLog
from memebattle.bus.hearing import hear_as_group
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
from memebattle.priority.adviser import LanguageAdviser, RuleAdviser
from memebattle.priority.bridge import Bridge
from memebattle.priority.ports import Adviser, Documents, Figures
from memebattle.priority.service import PriorityService
from memebattle.store.channels import RedisChannels
from memebattle.store.claims import RedisClaims
from memebattle.store.history import RedisHistory
from memebattle.store.redis import RedisStore
from memebattle.store.sessions import RedisSessions

BRIDGE_GROUP = "priority-bridge"  # one worker tells the old clients a result


@dataclass(frozen=True, slots=True)
class House:
    """The services of one worker; None for a context it does not serve."""

    memes: MemeService | None = None
    chat: Workflow | None = None
    priority: PriorityService | None = None


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


@dataclass(frozen=True, slots=True)
class PriorityParts:
    """What priority may be given instead of the real thing."""

    tasks: TaskLog | None = None
    claims: Claims | None = None
    documents: Documents | None = None
    adviser: Adviser | None = None
    events: Events | None = None
    figures: Figures | None = None

    @property
    def need_a_store(self) -> bool:
        return any(each is None for each in (self.claims, self.documents, self.figures))


@contextlib.asynccontextmanager
async def open_house(
    wiring: Wiring,
    *,
    memes: MemeParts | None = None,
    chat: ChatParts | None = None,
    priority: PriorityParts | None = None,
) -> AsyncIterator[House]:
    """Open what was not given, in order, and close it again."""
    memes, chat, priority = memes or MemeParts(), chat or ChatParts(), priority or PriorityParts()
    parts: dict[str, MemeParts | ChatParts | PriorityParts] = {
        "memes": memes,
        "chat": chat,
        "priority": priority,
    }
    async with contextlib.AsyncExitStack() as stack:
        store = None
        if any(parts[name].need_a_store for name in wiring.contexts):
            store = await open_store(stack, wiring)
        yield House(
            await _open_memes(stack, wiring, store, memes) if "memes" in wiring.contexts else None,
            await _open_chat(stack, wiring, store, chat) if "chat" in wiring.contexts else None,
            await _open_priority(stack, wiring, store, priority) if "priority" in wiring.contexts else None,
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


async def _open_priority(
    stack: contextlib.AsyncExitStack, wiring: Wiring, store: RedisStore | None, given: PriorityParts
) -> PriorityService:
    settings, metrics, broker = wiring.settings, wiring.metrics.priority, wiring.broker
    claims = given.claims or RedisClaims(opened(store), "priority-claim")
    figures: Figures = given.figures or open_rollup(stack, wiring, opened(store))
    documents = given.documents or open_documents(wiring, opened(store), figures)
    service = PriorityService(
        ExactlyOnce(claims, settings.delivery, metrics),
        given.tasks or task_log_of(wiring),
        claims,
        documents,
        given.adviser or _open_adviser(stack, wiring, documents),
        given.events or CoreEvents(lambda: broker.client),
        metrics,
        settings.priority,
        figures,
        worker=settings.worker_id,
    )
    wiring.deliveries["priority"].refusals = service
    if settings.legacy.bridge:
        _open_bridge(stack, wiring, opened(store))
    return service


def _open_bridge(stack: contextlib.AsyncExitStack, wiring: Wiring, store: RedisStore) -> None:
    """The old Redis channels, for as long as the house stands."""
    settings, broker = wiring.settings, wiring.broker
    bridge = Bridge(
        RedisChannels(store),
        tasks_of(wiring),
        task_log_of(wiring),
        settings.legacy,
        wiring.metrics.priority,
    )
    results = hear_as_group(
        lambda: broker.client,
        lambda: broker.is_connected,
        settings.priority.result_subject,
        BRIDGE_GROUP,
        bridge.on_result,
    )
    for running in (bridge.run(), results):
        stack.push_async_callback(ended, asyncio.create_task(running))


def _open_adviser(stack: contextlib.AsyncExitStack, wiring: Wiring, documents: Documents) -> Adviser:
    settings = wiring.settings
    if not settings.priority.use_ai:
        return RuleAdviser()
    models = open_text_models(settings)
    stack.push_async_callback(models.aclose)
    return LanguageAdviser(models, documents, settings.priority, wiring.metrics.priority)
