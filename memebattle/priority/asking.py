"""Asking how urgent tasks are, on behalf of a client that speaks neither NATS nor JetStream.

    a known id        what is stored about it, if it is the same request; another one is refused
    known content     its score becomes this task's own result, stored like any other
    everything else   the work queue; or, when the client cannot wait, a worker that replies at once

What a request leaves open is filled in here, so that all workers and all replicas see the same task: the
scoring model, since when it waits, and the role of a requester who is remembered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Never, Protocol, get_args

from pydantic import ValidationError

from memebattle.bus.refusals import IdConflict
from memebattle.priority.known import Known, filled_in, wants_role
from memebattle.priority.messages import PriorityRequest, PriorityResult, RequesterRole
from memebattle.priority.naming import new_id
from memebattle.priority.ports import Documents
from memebattle.priority.scoring import content_digest
from memebattle.priority.sending import Asked, Job, Sending
from memebattle.priority.standing import Standing, UnknownTask
from memebattle.settings import PrioritySettings

AT_ONE_TIME = 32  # tasks of one batch
REMEMBERED = 100  # tasks of one session
ROLES: frozenset[str] = frozenset(get_args(RequesterRole.__value__))

type Otherwise = Callable[[Job], Awaitable[Asked]]


class Profiles(Protocol):
    """What is remembered of users."""

    async def recall(self, user_id: str) -> dict[str, str] | None: ...


class Prioritising:
    """Takes tasks. `now` is the wall clock, in UTC."""

    def __init__(
        self,
        sending: Sending,
        standing: Standing,
        documents: Documents,
        profiles: Profiles,
        settings: PrioritySettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sending, self._standing = sending, standing
        self._documents, self._profiles = documents, profiles
        self._settings, self._now = settings, now

    async def ask(
        self,
        request: PriorityRequest,
        wait: float = 0,
        session: str | None = None,
        traceparent: str | None = None,
    ) -> Asked:
        """Have the task scored, and wait at most `wait` seconds for its result.

        Raises:
            IdConflict: the id was used for something else.
            Unavailable: NATS is out of reach, or took too long to store the task.
            QueueFull: too much is waiting.
        """
        send = partial(self._sending.send, wait=wait, traceparent=traceparent)
        return await self._ask(request, send, session)

    async def ask_now(
        self, request: PriorityRequest, session: str | None = None, traceparent: str | None = None
    ) -> Asked:
        """Have the task scored while the client waits.

        Raises:
            TooSlow: it takes longer than `PRIORITY_SYNC_TIMEOUT`.
            IdConflict: the id was used for something else.
            Unavailable: NATS is out of reach, or no worker is there.
        """
        return await self._ask(request, partial(self._sending.question, traceparent=traceparent), session)

    async def ask_again(
        self,
        request_id: str,
        request: PriorityRequest,
        wait: float = 0,
        session: str | None = None,
        traceparent: str | None = None,
    ) -> Asked:
        """Have a changed task scored, as its next revision.

        The same content changes nothing, unless it ended in an error. The task still waits since it was first
        asked about. Of two changes at the same moment one counts.

        Raises:
            UnknownTask: there is nothing to change.
            Unavailable: NATS is out of reach, or took too long to store the task.
            QueueFull: too much is waiting.
        """
        self._standing.require_connection()
        if (known := await self._standing.newest(request_id)) is None:
            raise UnknownTask(f"nobody asked about {request_id} here lately")
        is_same = known.is_same(request, self._settings.model) and not known.has_failed
        if is_same and known.ended is not None:
            return Asked.stored(known.ended)
        revision = known.revision if is_same else known.revision + 1
        request = request.model_copy(update={"id": request_id, "revision": revision})
        send = partial(self._sending.send, wait=wait, traceparent=traceparent)
        return await self._score(request, known, send, session)

    async def ask_all(
        self, requests: Sequence[PriorityRequest], session: str | None = None
    ) -> list[Asked | BaseException]:
        """Ask about many; what became of each, in their order. A refusal of one stops no other.

        The same id twice is one request; with different content the second one is refused.
        """
        gate = asyncio.Semaphore(AT_ONE_TIME)
        begun: dict[tuple[str, int], tuple[str, asyncio.Future[Asked]]] = {}

        async def ask(request: PriorityRequest) -> Asked:
            async with gate:
                return await self.ask(request, session=session)

        def begin(request: PriorityRequest) -> Awaitable[Asked]:
            if request.id is None:
                return ask(request)
            key = (request.id, request.revision)
            if key not in begun:
                begun[key] = (request.digest, asyncio.ensure_future(ask(request)))
            digest, asking = begun[key]
            return asking if digest == request.digest else _refused(request.id)

        return await asyncio.gather(*map(begin, requests), return_exceptions=True)

    async def mine(self, session: str) -> list[str]:
        """The tasks of a session, newest first."""
        items = await self._documents.items("session", session)
        return list(dict.fromkeys(item.decode(errors="replace") for item in items))

    async def _ask(self, request: PriorityRequest, otherwise: Otherwise, session: str | None) -> Asked:
        known = await self._standing.newest(request.id) if request.id is not None else None
        if known is not None and known.revision >= request.revision:
            if not known.is_same(request, self._settings.model):
                _conflict(request.id)
            if known.ended is not None:
                return Asked.stored(known.ended)
            request = request.model_copy(update={"revision": known.revision})
        return await self._score(request, known, otherwise, session)

    async def _score(
        self, sent: PriorityRequest, known: Known | None, otherwise: Otherwise, session: str | None
    ) -> Asked:
        now = self._now()
        job = Job(sent, await self._filled_in(sent, known, now))
        if (result := await self._cached(job.request, now)) is not None:
            asked = await self._sending.record(job, result, now)
        else:
            asked = await otherwise(job)
        if session is not None:
            await self._documents.push("session", session, asked.request_id.encode(), REMEMBERED)
        return asked

    async def _filled_in(
        self, request: PriorityRequest, known: Known | None, now: datetime
    ) -> PriorityRequest:
        since = (known.since if known is not None else None) or now
        role = await self._role_of(request.requester_id) if wants_role(request) else None
        request = request.model_copy(update={"id": request.id or new_id()})
        return filled_in(request, model=self._settings.model, role=role, since=since)

    async def _role_of(self, user_id: str | None) -> str | None:
        profile = await self._profiles.recall(user_id) if user_id is not None else None
        role = (profile or {}).get("role")
        return role if role in ROLES else None

    async def _cached(self, request: PriorityRequest, now: datetime) -> PriorityResult | None:
        """The score of a task with the same content."""
        use_ai = self._settings.use_ai and request.use_ai is not False
        key = content_digest(request.task, request.model or self._settings.model, now, use_ai=use_ai)
        body = await self._documents.get("result", key)
        try:
            return PriorityResult.read(body) if body is not None else None
        except ValidationError:  # of another version
            return None


def _conflict(request_id: str | None) -> Never:
    raise IdConflict(f"{request_id} was used before for another task")


async def _refused(request_id: str) -> Any:
    _conflict(request_id)
