"""Asking for memes on behalf of a client that speaks neither NATS nor JetStream.

A request is durable before the client hears that it was accepted, and its id is remembered in the shared
store, so that any gateway can say "still in work" about it. The answers themselves are kept by their stream;
here nothing is kept that would be missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from memebattle.bus.idempotency import Answer, Answers
from memebattle.bus.refusals import IdConflict, Unavailable
from memebattle.bus.subjects import MEME_REQUEST
from memebattle.generation.ports import Cache
from memebattle.kit.tracing import messaging, parent_in, span
from memebattle.memes.messages import MemeRequest

SUBMIT_BUDGET = 10.0  # seconds; longer than an election, shorter than a client's patience

type Wait = Callable[[float], Awaitable[Answer | None]]


class Requests(Protocol):
    """Where requests go."""

    async def submit(self, request_id: str, body: bytes, traceparent: str) -> None:
        """Store the request durably; storing the same id twice is harmless."""
        ...

    async def cancel(self, request_id: str) -> None: ...

    def answered(self, request_id: str) -> AbstractAsyncContextManager[Wait]:
        """Listen before asking; the yielded function waits so many seconds for the answer."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of asking: the answer, when it is there."""

    request_id: str
    answer: Answer | None


def new_id() -> str:
    """An id nobody else will think of: 128 random bits, 22 characters."""
    return secrets.token_urlsafe(16)


class Asking:
    """Asks, looks and cancels. `connected` says whether NATS is in reach right now."""

    def __init__(
        self, requests: Requests, answers: Answers, asked: Cache, connected: Callable[[], bool]
    ) -> None:
        self._requests, self._answers, self._asked = requests, answers, asked
        self._connected = connected

    async def ask(self, request: MemeRequest, wait: float = 0, traceparent: str | None = None) -> Asked:
        """Have the request worked on, as a part of its trace, and wait at most `wait` seconds for its answer.

        Raises:
            IdConflict: the id was used for something else.
            Unavailable: NATS is out of reach, or took too long to store the request.
        """
        request_id = request.id or new_id()
        if request.id is not None and (known := await self._known(request_id, request.digest)) is not None:
            return Asked(request_id, known)
        self._require_connection()
        async with contextlib.AsyncExitStack() as stack:
            answered = await stack.enter_async_context(self._requests.answered(request_id)) if wait else None
            await self._submit(request.model_copy(update={"id": request_id}), traceparent)
            return Asked(request_id, await answered(wait) if answered else None)

    async def answer(self, request_id: str) -> Answer | None:
        """The stored answer.

        Raises:
            Unavailable: NATS is out of reach.
        """
        self._require_connection()
        return await self._answers.lookup(request_id)

    async def pending(self, request_id: str) -> bool:
        """Whether some gateway accepted this request within the last day."""
        return await self._asked.get(_key(request_id)) is not None

    async def cancel(self, request_id: str) -> None:
        """Ask every worker to leave it.

        Raises:
            Unavailable: NATS is out of reach.
        """
        self._require_connection()
        await self._requests.cancel(request_id)

    async def _known(self, request_id: str, digest: str) -> Answer | None:
        answer = await self.answer(request_id)
        asked = answer.digest.encode() if answer else await self._asked.get(_key(request_id))
        if asked is not None and asked != digest.encode():
            raise IdConflict(f"{request_id} was used before for another request")
        return answer

    async def _submit(self, request: MemeRequest, traceparent: str | None) -> None:
        request_id = str(request.id)
        attributes, parent = messaging("send", MEME_REQUEST, request_id), parent_in(traceparent)
        with span("publish_request", parent, kind="producer", attributes=attributes) as here:
            try:
                async with asyncio.timeout(SUBMIT_BUDGET):
                    await self._requests.submit(request_id, request.body(), here.traceparent)
            except TimeoutError as error:
                raise Unavailable(f"the request was not stored within {SUBMIT_BUDGET:g} s") from error
        await self._asked.put(_key(request_id), request.digest.encode())

    def _require_connection(self) -> None:
        if not self._connected():
            raise Unavailable("NATS is out of reach")


def _key(request_id: str) -> str:
    return f"asked:{request_id}"
