"""The lines of `bench priority` to its workers: how a task gets there, and how its result is heard."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import pydantic_core

from memebattle.cli.output import Problem
from memebattle.settings import Settings

if TYPE_CHECKING:
    from nats.aio.client import Client

    from memebattle.store.channels import RedisChannels

PATIENCE = 30.0  # seconds for one call
LOOK = 0.02  # seconds between looks
DRAINING_LOOKS = 1500


class Line(Protocol):
    """How tasks go in."""

    async def send(self, request_id: str, body: bytes) -> None: ...

    async def kept(self, request_id: str) -> bool:
        """Whether its result can be read although it was not heard."""
        ...

    async def drained(self) -> None:
        """Return when nothing is waiting or in work that is kept somewhere."""
        ...


@dataclass(slots=True)
class Ears:
    """What came back: how often, and when for the last time (on the clock of the event loop)."""

    counts: Counter[str] = field(default_factory=Counter)
    last: float = 0.0
    _awaited: dict[str, asyncio.Future[None]] = field(default_factory=dict)

    def expect(self, request_id: str) -> asyncio.Future[None]:
        """Done when the result is heard."""
        return self._awaited.setdefault(request_id, asyncio.get_running_loop().create_future())

    def hear(self, body: bytes) -> None:
        request_id = str(pydantic_core.from_json(body)["request_id"])
        self.counts[request_id] += 1
        self.last = asyncio.get_running_loop().time()
        awaited = self._awaited.pop(request_id, None)
        if awaited is not None and not awaited.done():
            awaited.set_result(None)


@dataclass(frozen=True, slots=True)
class JetStreamLine:
    """Tasks are stored in the stream; results are heard where what was stored is repeated."""

    client: Client
    settings: Settings

    async def send(self, request_id: str, body: bytes) -> None:
        subject = f"{self.settings.priority.request_subject}.{request_id}"
        js = self.client.jetstream(timeout=PATIENCE)
        await js.publish(subject, body, headers={"Nats-Msg-Id": f"{request_id}.1"})

    async def kept(self, request_id: str) -> bool:
        from nats.js.errors import NotFoundError

        subject = f"{self.settings.priority.result_subject}.{request_id}"
        try:
            await self.client.jetstream().get_last_msg(self.settings.nats.priority_results_stream, subject)
        except NotFoundError:
            return False
        return True

    async def drained(self) -> None:
        nats, js = self.settings.nats, self.client.jetstream(timeout=PATIENCE)
        for _ in range(DRAINING_LOOKS):
            info = await js.consumer_info(nats.priority_stream, nats.priority_consumer)
            if not info.num_pending and not info.num_ack_pending:
                return
            await asyncio.sleep(LOOK)
        raise Problem("the worker answered, but never acknowledged what it answered")


@dataclass(frozen=True, slots=True)
class PubSubLine:
    """Tasks are published, and nothing is kept."""

    channels: RedisChannels
    channel: str

    async def send(self, request_id: str, body: bytes) -> None:  # noqa: ARG002 - the body has it
        await self.channels.tell(self.channel, body)

    async def kept(self, request_id: str) -> bool:  # noqa: ARG002 - nothing is
        return False

    async def drained(self) -> None:
        """At once."""
