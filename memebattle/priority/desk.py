"""All a gateway needs for the REST of priority, put together from its ports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from memebattle.bus.entries import TaskLog
from memebattle.generation.ports import Cache
from memebattle.priority.asking import Prioritising
from memebattle.priority.deciding import Audit, Deciding
from memebattle.priority.events import OnStop, TaskEvents
from memebattle.priority.limits import Admission, Limiter
from memebattle.priority.ports import Documents, Tasks
from memebattle.priority.sending import Sending
from memebattle.priority.standing import Standing
from memebattle.settings import PrioritySettings


class Profiles(Protocol):
    """What is remembered of users; what could not be done is told apart from what was."""

    async def remember(self, user_id: str, fields: dict[str, object]) -> dict[str, str]: ...

    async def recall(self, user_id: str) -> dict[str, str] | None: ...

    async def forget(self, user_id: str) -> bool | None: ...

    async def opt_out(self, user_id: str) -> bool: ...

    async def opt_in(self, user_id: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class PriorityDesk:
    """What the routes speak to."""

    prioritising: Prioritising
    standing: Standing
    deciding: Deciding
    events: TaskEvents
    admission: Admission
    profiles: Profiles


def open_desk(
    tasks: Tasks,
    task_log: TaskLog,
    documents: Documents,
    asked: Cache,
    limiter: Limiter | None,
    profiles: Profiles,
    connected: Callable[[], bool],
    settings: PrioritySettings,
    *,
    audit: Audit,
    on_stop: OnStop,
    on_refused: Callable[[], object] = lambda: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> PriorityDesk:
    """Put it together. `limiter` None: no limit; `on_refused` is called for whatever it refuses."""
    standing = Standing(task_log, documents, asked, connected)
    sending = Sending(tasks, task_log, documents, standing, settings.model, settings.sync_timeout)
    admission = Admission(limiter, settings.max_concurrent, on_refused)
    return PriorityDesk(
        prioritising=Prioritising(sending, standing, documents, profiles, settings, now=now),
        standing=standing,
        deciding=Deciding(tasks, task_log, standing, audit, now),
        events=TaskEvents(tasks, standing, admission.streams, on_stop),
        admission=admission,
        profiles=profiles,
    )
