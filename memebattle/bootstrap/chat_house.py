"""The worker of chat: its service over real parts, or those it is given."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from memebattle.bootstrap.opening import opened
from memebattle.bootstrap.wiring import Wiring, chunk_log_of
from memebattle.bus.core_publishing import CorePublisher
from memebattle.bus.frames import ChunkLog
from memebattle.bus.idempotency import ExactlyOnce
from memebattle.chat.answering import History, Models
from memebattle.chat.delivery import ChunkDelivery, Publisher, Registry
from memebattle.chat.service import Workflow
from memebattle.generation.text_registry import open_text_models
from memebattle.kit.claims import Claims
from memebattle.store.claims import RedisClaims
from memebattle.store.history import RedisHistory
from memebattle.store.redis import RedisStore
from memebattle.store.sessions import RedisSessions


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


async def open_chat(
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
