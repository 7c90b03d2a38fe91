"""Chatting on behalf of an HTTP client: any pod takes a message, whichever pod holds the connections.

A message is durable before the client hears that it was accepted. Its id is remembered in the shared store:
the same message again is harmless, another one under the same id is refused, and any pod can stop it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from typing import Protocol

from memebattle.bus.refusals import IdConflict, Unavailable
from memebattle.bus.subjects import CHAT_EXECUTE
from memebattle.chat.messages import WorkflowCancel, WorkflowRequest
from memebattle.generation.ports import Cache
from memebattle.kit.tracing import messaging, parent_in, span

SUBMIT_BUDGET = 10.0  # seconds; longer than an election, shorter than a client's patience


class Workflows(Protocol):
    """Where messages go."""

    async def submit(self, request: WorkflowRequest, traceparent: str) -> None:
        """Store the message durably; storing the same id twice is harmless.

        Raises:
            QueueFull: too much is waiting.
        """
        ...

    async def cancel(self, session_id: str, cancel: WorkflowCancel) -> None: ...


class Memory(Protocol):
    """What was said in a session."""

    async def recall(self, session_id: str) -> list[tuple[str, str]] | None: ...


class UnknownMessage(Exception):
    """Nobody sent this message here lately, so there is no saying whose answer to stop."""


class MemoryAway(Exception):
    """What was said is kept somewhere that is out of reach."""


class Chatting:
    """Takes and stops messages. `connected` says whether NATS is in reach right now."""

    def __init__(
        self, workflows: Workflows, asked: Cache, memory: Memory, connected: Callable[[], bool]
    ) -> None:
        self._workflows, self._asked, self._memory, self._connected = workflows, asked, memory, connected

    async def say[M: WorkflowRequest](self, request: M, traceparent: str | None = None) -> M:
        """Have the message answered, as a part of the trace it belongs to; returns it with its ids.

        A message that was sent before without naming its session is found again in the one it began.

        Raises:
            IdConflict: the id was used for something else.
            Unavailable: NATS is out of reach, or took too long to store the message.
        """
        self._require_connection()
        if request.message_id is None:
            request = request.model_copy(update={"message_id": new_message_id()})
        elif (said := await self._as_said_before(request)) is not None:
            return said
        attributes = messaging("send", CHAT_EXECUTE, str(request.message_id))
        parent = parent_in(traceparent or request.traceparent)
        with span("publish_message", parent, kind="producer", attributes=attributes) as here:
            try:
                async with asyncio.timeout(SUBMIT_BUDGET):
                    await self._workflows.submit(request, here.traceparent)
            except TimeoutError as error:
                raise Unavailable(f"the message was not stored within {SUBMIT_BUDGET:g} s") from error
        note = json.dumps({"session_id": request.session_id, "digest": request.digest})
        await self._asked.put(_key(request.message_id), note.encode())
        return request

    async def stop(self, message_id: str, session_id: str | None = None) -> str:
        """Stop the answer to a message; returns its session.

        Raises:
            UnknownMessage: say whose message it is.
            Unavailable: NATS is out of reach.
        """
        self._require_connection()
        if session_id is None:
            note = await self._asked.get(_key(message_id))
            if note is None:
                raise UnknownMessage(f"nobody sent {message_id} within the last day; name its session_id too")
            session_id = str(json.loads(note)["session_id"])
        await self._workflows.cancel(session_id, WorkflowCancel(session_id=session_id, message_id=message_id))
        return session_id

    async def conversation(self, session_id: str) -> list[tuple[str, str]]:
        """Questions with their answers, oldest first, as far as they are remembered.

        Raises:
            MemoryAway: the memory is out of reach.
        """
        found = await self._memory.recall(session_id)
        if found is None:
            raise MemoryAway("the memory of conversations is out of reach")
        return found

    async def _as_said_before[M: WorkflowRequest](self, request: M) -> M | None:
        note = await self._asked.get(_key(request.message_id))
        if note is None:
            return None
        said = json.loads(note)
        if "session_id" not in request.model_fields_set:
            request = request.model_copy(update={"session_id": said["session_id"]})
        if said["digest"] != request.digest:
            raise IdConflict(f"{request.message_id} was used before for another message")
        return request

    def _require_connection(self) -> None:
        if not self._connected():
            raise Unavailable("NATS is out of reach")


def new_message_id() -> str:
    """An id nobody else will think of."""
    return f"msg_{secrets.token_urlsafe(16)}"


def new_session_id() -> str:
    """The same for a session: whoever knows it may listen, so it must not be guessable."""
    return f"sess_{secrets.token_urlsafe(16)}"


def _key(message_id: str | None) -> str:
    return f"chat-asked:{message_id}"
