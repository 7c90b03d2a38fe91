"""How NATS is: the server, our account of JetStream, and our streams, measured now.

A PING that is given up kills the connection: nats-py puts its PONG, when that comes at last, into a future
that was cancelled, and the read loop ends on it without a word. So a round trip goes on behind the back of
whoever stops waiting for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AccountLimits, Tier
from nats.js.errors import NotFoundError

from memebattle.kit.figures import AccountFigures, ConsumerFigures, ServerFigures, StreamFigures
from memebattle.settings import NatsSettings

# seconds; by then a connection without a PONG was given up, and a new one expects none for it
LONGEST_ROUND_TRIP = 120


@dataclass(slots=True)
class NatsProbe:
    """Measures a real server. Who asks bounds the time.

    `streams`: their names, and whether priority cannot work without them; `consumers`: the durable consumers
    we may ask about, by stream.
    """

    connection: Callable[[], Client]
    js: Callable[[], JetStreamContext]
    streams_of_ours: Mapping[str, bool]
    consumers: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.perf_counter
    _round: tuple[int, asyncio.Task[float]] | None = field(default=None, init=False)

    @classmethod
    def of(
        cls, settings: NatsSettings, connection: Callable[[], Client], js: Callable[[], JetStreamContext]
    ) -> NatsProbe:
        """For the streams of these settings. For health only the consumer of priority is of interest."""
        needed = dict.fromkeys((settings.priority_stream, settings.priority_results_stream), True)
        others = (
            settings.events_stream,
            settings.stream,
            settings.log_stream,
            settings.results_stream,
            settings.workflow_stream,
            settings.chunks_stream,
            settings.dead_letter_stream,
        )
        consumers = {settings.priority_stream: settings.priority_consumer}
        return cls(connection, js, dict.fromkeys(others, False) | needed, consumers)

    async def server(self) -> ServerFigures:
        """The server, and how far away it is.

        Raises:
            nats.errors.Error: not connected.
        """
        client = self.connection()
        seconds = await self._round_trip(client)
        return ServerFigures(
            version=_version(client),
            round_trip_ms=seconds * 1000,
            reconnects=client.stats["reconnects"],
        )

    async def account(self) -> AccountFigures:
        """Our account of JetStream.

        Raises:
            nats.errors.Error: there is no JetStream, or nobody answers.
        """
        info = await self.js().account_info()
        tiers = list((info.tiers or {}).values())
        parts: list[Tier] = tiers or [
            Tier(info.memory, info.storage, info.streams, info.consumers, info.limits)
        ]
        limits = info.limits
        return AccountFigures(
            memory=info.memory,
            storage=info.storage,
            streams=info.streams,
            consumers=info.consumers,
            max_memory=_limit(limits.max_memory),
            max_storage=_limit(limits.max_storage),
            max_streams=_limit(limits.max_streams),
            max_consumers=_limit(limits.max_consumers),
            fullest=max(map(_fullest, parts)),
        )

    async def streams(self) -> Sequence[StreamFigures]:
        """Our streams, as they are declared.

        Raises:
            nats.errors.Error: there is no JetStream, or nobody answers.
        """
        names = self.streams_of_ours.items()
        return await asyncio.gather(*(self._stream(name, needed) for name, needed in names))

    async def _stream(self, name: str, needed: bool) -> StreamFigures:  # noqa: FBT001 - a pair of the mapping
        try:
            info = await self.js().stream_info(name)
        except NotFoundError:
            return StreamFigures(name=name, needed=needed, present=False)
        return StreamFigures(
            name=name,
            needed=needed,
            present=True,
            messages=info.state.messages,
            bytes=info.state.bytes,
            consumer=await self._consumer(name),
        )

    async def _consumer(self, stream: str) -> ConsumerFigures | None:
        if (name := self.consumers.get(stream)) is None:
            return None
        try:
            info = await self.js().consumer_info(stream, name)
        except NotFoundError:
            return None
        return ConsumerFigures(
            name=name,
            pending=info.num_pending or 0,
            in_work=info.num_ack_pending or 0,
            redelivered=info.num_redelivered or 0,
        )

    async def _round_trip(self, client: Client) -> float:
        """The seconds of a round trip, perhaps of one that is on its way already."""
        connection = client.stats["reconnects"]
        if self._round is None or self._round[0] != connection or self._round[1].done():
            task = asyncio.create_task(self._ping(client))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # it has been seen
            self._round = connection, task
        return await asyncio.shield(self._round[1])

    async def _ping(self, client: Client) -> float:
        began = self.clock()
        await client.flush(timeout=LONGEST_ROUND_TRIP)
        return self.clock() - began


def _version(client: Client) -> str:
    found = client.connected_server_version
    try:
        return f"{found.major}.{found.minor}.{found.patch}"
    except ValueError:  # a build of somebody's own
        return "unknown"


def _limit(value: int) -> int | None:
    """-1 is no limit; 0 is one, of an account that may have nothing."""
    return value if value >= 0 else None


def _fullest(part: Tier) -> float:
    limits: AccountLimits = part.limits
    pairs = (
        (part.memory, limits.max_memory),
        (part.storage, limits.max_storage),
        (part.streams, limits.max_streams),
        (part.consumers, limits.max_consumers),
    )
    return max((used / most for used, most in pairs if most > 0), default=0.0)


@dataclass(slots=True)
class MemoryNatsProbe:
    """The in-memory twin: says what it was told, or fails, or answers only when it may."""

    streams_of_ours: Mapping[str, bool]
    missing: set[str] = field(default_factory=set)
    failures: dict[str, Exception] = field(default_factory=dict)  # by part: server, account, streams
    held: dict[str, asyncio.Event] = field(default_factory=dict)  # likewise
    fullest: float = 0.0

    async def server(self) -> ServerFigures:
        await self._may("server")
        return ServerFigures(version="2.12.0", round_trip_ms=0.5, reconnects=0)

    async def account(self) -> AccountFigures:
        await self._may("account")
        return AccountFigures(
            memory=0,
            storage=1024,
            streams=len(self.streams_of_ours),
            consumers=1,
            max_memory=None,
            max_storage=None,
            max_streams=None,
            max_consumers=None,
            fullest=self.fullest,
        )

    async def streams(self) -> Sequence[StreamFigures]:
        await self._may("streams")
        return [
            StreamFigures(name=name, needed=needed, present=name not in self.missing)
            for name, needed in self.streams_of_ours.items()
        ]

    async def _may(self, part: str) -> None:
        if (event := self.held.get(part)) is not None:
            await event.wait()
        if (failure := self.failures.get(part)) is not None:
            raise failure
