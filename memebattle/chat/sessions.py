"""The SSE connections of one pod, by session; and the registry in which workers find this pod."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from typing import Protocol

from memebattle.bus.frames import ChunkLog, LogAway
from memebattle.chat.connection import Connection
from memebattle.chat.events import Position, position_of
from memebattle.chat.heard import Heard
from memebattle.chat.reading import Gone, Shared
from memebattle.kit.metrics import ChatMetrics
from memebattle.settings import ChatSettings


class PodFull(Exception):
    """This pod holds as many connections as it may; another one may have room."""


class SessionFull(Exception):
    """This pod holds as many connections of one session as it may: no person has that many windows open."""


class Registry(Protocol):
    """Where other processes learn which sessions are connected here. Never raises."""

    async def register(self, pod_id: str, entries: Sequence[tuple[str, str]]) -> frozenset[str] | None:
        """Add or refresh (session, connection); the sessions that were not known, None when out of reach."""
        ...

    async def unregister(self, pod_id: str, session_id: str, connection_id: str) -> None: ...


class Sessions:
    """All connections of this pod, by session."""

    def __init__(
        self, pod_id: str, chunks: ChunkLog, registry: Registry, metrics: ChatMetrics, settings: ChatSettings
    ) -> None:
        self.pod_id, self.settings = pod_id, settings
        self._shared = Shared(pod_id, chunks, metrics, settings)
        self._registry, self._metrics = registry, metrics
        self._connections: dict[str, dict[str, Connection]] = {}
        self._count = 0
        self._closing = False

    @property
    def count(self) -> int:
        """Connections open now."""
        return self._count

    async def connect(self, session_id: str, last_event_id: str | None) -> Connection:
        """Open a connection; close it with its `aclose`.

        It hears and is registered before its first look at the stream, so that nothing falls between.

        Raises:
            ValueError: the event id is none of ours.
            PodFull: there is no room here.
            SessionFull: not for this session.
            Gone: what follows the event id is not kept any more.
        """
        start = position_of(last_event_id) if last_event_id else None
        connection = Connection(session_id, self._shared, start, self._leave)
        self._enter(connection)
        try:
            if start is not None:
                await self._check(session_id, start)
            await self._registry.register(self.pod_id, [(session_id, connection.id)])
        except BaseException:  # a client that leaves in the middle included
            await connection.aclose()
            raise
        if self._closing:
            connection.close()
        return connection

    def hear(self, heard: Heard) -> None:
        """Pass on to whoever is connected; a session that is not here is somebody else's."""
        for connection in self._connections.get(heard.session_id, {}).values():
            connection.offer(heard)

    async def refresh(self) -> None:
        """Tell the registry that all are still here; those it had lost may have missed something."""
        entries = [(session_id, each) for session_id, some in self._connections.items() for each in some]
        unknown = await self._registry.register(self.pod_id, entries)
        self.look("registered", self._connections if unknown is None else unknown)

    def look(self, reason: str, sessions: Iterable[str] | None = None) -> None:
        """Let connections look for what they may have missed: of these sessions, or all."""
        for session_id in list(self._connections if sessions is None else sessions):
            for connection in self._connections.get(session_id, {}).values():
                connection.look(reason)

    def close(self) -> None:
        """End all streams: their clients come back to another pod, with their `Last-Event-ID`."""
        self._closing = True
        for connections in self._connections.values():
            for connection in connections.values():
                connection.close()

    def let_go(self) -> None:
        """Count a client that was dropped because it did not read."""
        self._metrics.let_go.inc()

    async def _check(self, session_id: str, start: Position) -> None:
        """Refuse now what would be refused anyway; while the stream is away it is found out later."""
        try:
            with contextlib.suppress(LogAway):
                await self._shared.at(session_id, start)
        except Gone:
            self._metrics.not_resumable.inc()
            raise

    def _enter(self, connection: Connection) -> None:
        of_session = self._connections.get(connection.session_id, {})
        if self._count >= self.settings.max_connections:
            raise PodFull(f"this pod holds {self._count} connections and takes no more")
        if len(of_session) >= self.settings.max_session_connections:
            raise SessionFull(f"a session may have {len(of_session)} connections here")
        self._connections[connection.session_id] = of_session
        of_session[connection.id] = connection
        self._count += 1
        self._metrics.connections.set(self._count)

    async def _leave(self, connection: Connection) -> None:
        of_session = self._connections.get(connection.session_id, {})
        if of_session.pop(connection.id, None) is None:
            return
        if not of_session:
            del self._connections[connection.session_id]
        self._count -= 1
        self._metrics.connections.set(self._count)
        await asyncio.shield(self._registry.unregister(self.pod_id, connection.session_id, connection.id))
