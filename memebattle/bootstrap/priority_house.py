"""The worker of priority: its service over real parts, or those it is given, and the bridge."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from memebattle.bootstrap.opening import ended, opened
from memebattle.bootstrap.priority_opening import open_documents, open_rollup
from memebattle.bootstrap.wiring import Wiring, task_log_of, tasks_of
from memebattle.bus.entries import TaskLog
from memebattle.bus.events import CoreEvents
from memebattle.bus.hearing import hear_as_group
from memebattle.bus.idempotency import ExactlyOnce
from memebattle.generation.text_registry import open_text_models
from memebattle.kit.claims import Claims
from memebattle.memes.service import Events
from memebattle.priority.adviser import LanguageAdviser, RuleAdviser
from memebattle.priority.bridge import Bridge
from memebattle.priority.ports import Adviser, Documents, Figures
from memebattle.priority.service import PriorityService
from memebattle.store.channels import RedisChannels
from memebattle.store.claims import RedisClaims
from memebattle.store.redis import RedisStore

BRIDGE_GROUP = "priority-bridge"  # one worker tells the old clients a result


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


async def open_priority(
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
    stack.push_async_callback(ended, asyncio.create_task(bridge.run()))
    broker.before_consuming.append(
        lambda: hear_as_group(broker.client, settings.priority.result_subject, BRIDGE_GROUP, bridge.on_result)
    )


def _open_adviser(stack: contextlib.AsyncExitStack, wiring: Wiring, documents: Documents) -> Adviser:
    settings = wiring.settings
    if not settings.priority.use_ai:
        return RuleAdviser()
    models = open_text_models(settings)
    stack.push_async_callback(models.aclose)
    return LanguageAdviser(models, documents, settings.priority, wiring.metrics.priority)
