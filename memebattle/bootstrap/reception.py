"""The gateway's reception: somebody to ask, pictures to show, and the connections of chat."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from memebattle.battle.reading import BattleReading
from memebattle.bootstrap.engine_house import teller_of
from memebattle.bootstrap.opening import asked_cache, connecting, ended, image_cache, open_store, opened
from memebattle.bootstrap.priority_front import PriorityFront, PriorityFrontParts, open_priority_front
from memebattle.bootstrap.wiring import Wiring, answers_of, battle_log_of, chunk_log_of
from memebattle.bus.backlogs import Backlogs
from memebattle.bus.events import CoreEvents
from memebattle.bus.facts import BattleLog
from memebattle.bus.frames import ChunkLog
from memebattle.bus.hearing import CoreNews, News
from memebattle.bus.idempotency import Answers
from memebattle.bus.objects import NatsImages
from memebattle.bus.requests import JetStreamRequests
from memebattle.chat.asking import Chatting, Memory, Workflows
from memebattle.chat.pod import Pod, pod_id_of
from memebattle.chat.pod_handlers import hear_straight
from memebattle.chat.sessions import Registry, Sessions
from memebattle.chat.workflows import JetStreamWorkflows
from memebattle.generation.gallery import Gallery
from memebattle.generation.ports import Cache, ImageStore
from memebattle.kit.wall import milliseconds
from memebattle.memes.asking import Asking, Requests
from memebattle.store.history import RedisHistory
from memebattle.store.redis import RedisStore
from memebattle.store.sessions import RedisSessions

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reception:
    """What a gateway needs. It never draws and never writes."""

    asking: Asking
    gallery: Gallery
    chatting: Chatting
    sessions: Sessions
    pod: Pod
    priority: PriorityFront
    battles: BattleReading


@dataclass(frozen=True, slots=True)
class GatewayParts:
    """What a gateway may be given instead of the real thing."""

    requests: Requests | None = None
    answers: Answers | None = None
    images: ImageStore | None = None
    cache: Cache | None = None
    asked: Cache | None = None
    workflows: Workflows | None = None
    chunks: ChunkLog | None = None
    registry: Registry | None = None
    memory: Memory | None = None
    priority: PriorityFrontParts = field(default_factory=PriorityFrontParts)
    facts: BattleLog | None = None
    news: News | None = None
    connected: Callable[[], bool] | None = None

    @property
    def need_a_store(self) -> bool:
        parts = (self.cache, self.asked, self.registry, self.memory)
        return self.priority.need_a_store or any(each is None for each in parts)


@contextlib.asynccontextmanager
async def open_reception(wiring: Wiring, given: GatewayParts | None = None) -> AsyncIterator[Reception]:
    """Open what was not given. NATS may come later: until then `connected` says no, and nobody waits."""
    given = given or GatewayParts()
    broker = wiring.broker
    connected = given.connected or (lambda: broker.is_connected)
    async with contextlib.AsyncExitStack() as stack:
        store = await open_store(stack, wiring) if given.need_a_store else None
        asked = given.asked or asked_cache(opened(store))
        sessions = _sessions(wiring, store, given)
        events = CoreEvents(lambda: broker.client, wiring.metrics.chat)
        reception = Reception(
            _asking(wiring, given, asked, connected),
            _gallery(wiring, store, given),
            _chatting(wiring, store, given, asked, connected),
            sessions,
            Pod(sessions, events, wiring.metrics.chat, stopping=lambda: wiring.health.stopping),
            open_priority_front(stack, wiring, store, asked, connected, given.priority),
            _battles(wiring, given, connected),
        )
        if given.connected is not None:
            wiring.health.required["nats"] = given.connected
        else:
            backlogs = Backlogs.of(wiring.settings, wiring.metrics, broker.js)
            teller = teller_of(wiring, backlogs)
            broker.context.set_global("teller", teller)
            broker.context.set_global("pod", reception.pod)
            hear_straight(broker.subscribers, reception.pod)
            broker.on_reconnect.append(lambda: sessions.look("reconnected"))
            await stack.enter_async_context(connecting(broker))
            stack.push_async_callback(ended, asyncio.create_task(backlogs.keep_looking()))
            stack.push_async_callback(ended, asyncio.create_task(teller.keep_telling()))
        wiring.health.on_stop(sessions.close)
        beating = asyncio.create_task(_keep_beating(wiring, reception.pod))
        stack.push_async_callback(ended, beating)
        yield reception


async def _keep_beating(wiring: Wiring, pod: Pod) -> None:
    while True:
        try:
            await pod.beat()
        except Exception:  # the next beat may work; without one every registration would run out
            log.exception("A heartbeat failed")
        wiring.metrics.chat.subscriptions.set(wiring.broker.subscription_count)
        await asyncio.sleep(wiring.settings.chat.heartbeat)


def _battles(wiring: Wiring, given: GatewayParts, connected: Callable[[], bool]) -> BattleReading:
    broker = wiring.broker
    return BattleReading(
        given.facts or battle_log_of(wiring, wiring.settings.delivery.publish_budget),
        given.news or CoreNews(lambda: broker.client),
        milliseconds,
        wiring.health.on_stop,
        connected,
    )


def _asking(wiring: Wiring, given: GatewayParts, asked: Cache, connected: Callable[[], bool]) -> Asking:
    nats, broker = wiring.settings.nats, wiring.broker
    answers = given.answers or answers_of(wiring)
    requests = given.requests or JetStreamRequests(
        wiring.publisher, lambda: broker.client, answers, nats.request_subject, nats.stream
    )
    return Asking(requests, answers, asked, connected)


def _gallery(wiring: Wiring, store: RedisStore | None, given: GatewayParts) -> Gallery:
    bucket = wiring.settings.nats.image_bucket
    return Gallery(
        given.cache or image_cache(wiring.settings, opened(store)),
        given.images or NatsImages(wiring.broker.js, bucket, wiring.metrics),
    )


def _chatting(
    wiring: Wiring, store: RedisStore | None, given: GatewayParts, asked: Cache, connected: Callable[[], bool]
) -> Chatting:
    settings, broker, metrics = wiring.settings, wiring.broker, wiring.metrics.chat
    workflows = given.workflows or JetStreamWorkflows(
        wiring.publisher,
        CoreEvents(lambda: broker.client, metrics),
        metrics,
        settings.nats.workflow_stream,
        pod_id_of(settings.worker_id),
    )
    memory = given.memory or RedisHistory(
        opened(store), settings.chat.history_turns, settings.chat.history_ttl
    )
    return Chatting(workflows, asked, memory, connected)


def _sessions(wiring: Wiring, store: RedisStore | None, given: GatewayParts) -> Sessions:
    settings = wiring.settings
    return Sessions(
        pod_id_of(settings.worker_id),
        given.chunks or chunk_log_of(wiring),
        given.registry or RedisSessions(opened(store), settings.chat.registry_ttl),
        wiring.metrics.chat,
        settings.chat,
    )
