"""The gateway's side of priority: somebody to ask, the ranking, and who is told what a person decided."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from memebattle.bootstrap.opening import ended, opened
from memebattle.bootstrap.priority_opening import open_documents, open_rollup
from memebattle.bootstrap.wiring import Wiring, task_log_of, tasks_of
from memebattle.bus.entries import TaskLog
from memebattle.bus.probe import NatsProbe
from memebattle.bus.subjects import AUDIT, fill
from memebattle.bus.tasks import AWAY
from memebattle.generation.ports import Cache
from memebattle.priority.board import Board
from memebattle.priority.desk import PriorityDesk, Profiles, open_desk
from memebattle.priority.insight import Insight
from memebattle.priority.limits import Limiter
from memebattle.priority.ports import Documents, Tasks
from memebattle.priority.vitals import Vitals
from memebattle.store.documents import RedisDocuments
from memebattle.store.probe import RedisProbe
from memebattle.store.profiles import Profiles as RedisProfiles
from memebattle.store.ratelimit import MemoryRateLimiter, RedisRateLimiter
from memebattle.store.redis import RedisStore
from memebattle.store.rollup import Rollup

log = logging.getLogger(__name__)

AUDIT_PATIENCE = 3.0  # seconds a decision waits for its entry in the audit trail


@dataclass(frozen=True, slots=True)
class PriorityFront:
    """What a gateway shows of priority."""

    desk: PriorityDesk
    insight: Insight
    vitals: Vitals


@dataclass(frozen=True, slots=True)
class PriorityFrontParts:
    """What it may be given instead of the real thing."""

    tasks: Tasks | None = None
    task_log: TaskLog | None = None
    documents: Documents | None = None
    limiter: Limiter | None = None
    profiles: Profiles | None = None
    vitals: Vitals | None = None

    @property
    def need_a_store(self) -> bool:
        return any(each is None for each in (self.documents, self.limiter, self.profiles, self.vitals))


def open_priority_front(
    stack: contextlib.AsyncExitStack,
    wiring: Wiring,
    store: RedisStore | None,
    asked: Cache,
    connected: Callable[[], bool],
    given: PriorityFrontParts,
) -> PriorityFront:
    """Open what was not given."""
    settings, metrics = wiring.settings, wiring.metrics.priority
    task_log = given.task_log or task_log_of(wiring)
    documents, vitals = given.documents, given.vitals
    if documents is None or vitals is None:
        rollup = open_rollup(stack, wiring, opened(store))
        counted = open_documents(wiring, opened(store), rollup)
        documents = documents or counted
        vitals = vitals or _vitals(wiring, opened(store), counted, rollup, connected)
    desk = open_desk(
        given.tasks or tasks_of(wiring),
        task_log,
        documents,
        asked,
        given.limiter or _limiter(wiring, store),
        given.profiles or _profiles(wiring, opened(store)),
        connected,
        settings.priority,
        audit=_Audit(wiring).write,
        on_stop=wiring.health.on_stop,
        on_refused=metrics.rate_limited.inc,
    )
    board = Board(task_log, settings.priority)
    # read before the first one asks for a ranking; it waits for NATS by itself
    stack.push_async_callback(ended, asyncio.create_task(board.warm()))
    return PriorityFront(desk, Insight(board, task_log, connected, settings.priority), vitals)


def _vitals(
    wiring: Wiring,
    store: RedisStore,
    documents: RedisDocuments,
    rollup: Rollup,
    connected: Callable[[], bool],
) -> Vitals:
    broker = wiring.broker
    nats = NatsProbe.of(wiring.settings.nats, lambda: broker.client, broker.js)
    return Vitals(nats, RedisProbe(store), documents, rollup, connected)


def _limiter(wiring: Wiring, store: RedisStore | None) -> Limiter | None:
    """Over all gateways; by each for itself while Redis is away. None without a limit."""
    settings = wiring.settings.priority
    if not settings.rate_limit:
        return None
    limit, window = settings.rate_limit, settings.rate_window
    alone = MemoryRateLimiter(limit, window)
    on_away = wiring.metrics.priority.limiter_away.inc
    return RedisRateLimiter(opened(store), limit, window, alone, on_away=on_away)


def _profiles(wiring: Wiring, store: RedisStore) -> Profiles:
    cache = wiring.settings.cache
    key = cache.user_key.get_secret_value().encode()
    return RedisProfiles(store, key, cache.users_ttl if cache.enabled else 0)


@dataclass(frozen=True, slots=True)
class _Audit:
    """The audit trail in its stream; what cannot be stored there is in the log, whole."""

    wiring: Wiring

    async def write(self, action: str, record: dict[str, Any]) -> None:
        entry = {"action": action, "at": datetime.now(UTC).isoformat(), **record}
        try:
            async with asyncio.timeout(AUDIT_PATIENCE):
                await self.wiring.publisher.publish(
                    fill(AUDIT, action=action),
                    json.dumps(entry, ensure_ascii=False).encode(),
                    {"Nats-Msg-Id": secrets.token_hex(16), "content-type": "application/json"},
                    self.wiring.settings.nats.events_stream,
                )
        except AWAY as error:
            log.error("Not in the audit trail", extra={"record": entry, "error": repr(error)})  # noqa: TRY400
