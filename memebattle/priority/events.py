"""What a client of `GET /api/v1/prioritization/{id}/events` is sent: where one task stands, as it changes.

    result        or `error`, once per revision: the data is the stored message, the id its place in the log
    suggestions   the same
    override      the same, for every human decision
    status        where the task stands now; without an id, because it is kept nowhere
    ping          after ten seconds in which nothing was sent

Everything but `ping` is read from the log and the notes beside it. What is heard only says when to look, so
nothing is lost that was not heard, and whoever comes back with a `Last-Event-ID` is sent what is behind it.
While NATS is away the stream waits. A minute after the last news of a task that is done it ends by itself.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from memebattle.bus.entries import Entry
from memebattle.bus.refusals import Unavailable
from memebattle.bus.tasks import AWAY
from memebattle.kit.sse import Event
from memebattle.kit.watch import Watch
from memebattle.priority.limits import Room
from memebattle.priority.ports import Tasks
from memebattle.priority.standing import Standing, TaskState, UnknownTask

RETRY = 1000  # milliseconds until an EventSource comes back
FIRST_LOOK = 0.01  # seconds; a subscriber may hear what the stream is still storing
HEARTBEAT = 10.0  # seconds
LINGER = 60.0  # seconds

NOT_NOW: tuple[type[Exception], ...] = (UnknownTask, Unavailable, *AWAY)

type OnStop = Callable[[Callable[[], None]], Callable[[], object]]


@dataclass(frozen=True, slots=True)
class TaskEvents:
    """Opens event streams. `on_stop` is `Health.on_stop`; times in seconds."""

    tasks: Tasks
    standing: Standing
    room: Room
    on_stop: OnStop
    heartbeat: float = HEARTBEAT
    linger: float = LINGER
    clock: Callable[[], float] = time.monotonic

    async def watch(self, request_id: str, last_event: int | None = None) -> TaskWatch:
        """Follow a task, from behind an event or from the beginning; close it with its `aclose`.

        Raises:
            UnknownTask: nobody asked about it.
            Unavailable: NATS is out of reach.
            Busy: there are too many streams.
        """
        with ExitStack() as stack:
            stack.enter_context(self.room.place())
            await self.standing.state(request_id)
            watch = TaskWatch(request_id, self, last_event or 0)
            stack.callback(self.on_stop(watch.close))
            watch.leaving = stack.pop_all()
            return watch


class TaskWatch(Watch):
    """One client that follows one task: every event, until the task is done or the process stops."""

    def __init__(self, request_id: str, shared: TaskEvents, seen: int) -> None:
        super().__init__()
        self._id, self._shared, self._seen = request_id, shared, seen
        self._told: tuple[str, int] | None = None  # state and revision
        self._is_done = False

    async def events(self) -> AsyncGenerator[Event]:
        clock, heartbeat, linger = self._shared.clock, self._shared.heartbeat, self._shared.linger
        async with self._shared.tasks.heard(self._id) as heard:
            news = said = clock()
            pause = heartbeat
            while not self.is_closing:
                for event in await self._news():
                    yield event
                    news = said = clock()
                if (now := clock()) >= said + heartbeat:
                    yield _ping()
                    said = now
                end = news + linger if self._is_done else math.inf
                if now >= end:
                    return
                has_heard = await self.sound(heard, min(pause, said + heartbeat - now, end - now))
                pause = FIRST_LOOK if has_heard else min(2 * pause, heartbeat)

    async def _news(self) -> list[Event]:
        """What was not told yet."""
        try:
            state, entries = await self._shared.standing.look(self._id)
        except NOT_NOW:
            return []  # not now; what is missing now is told later
        self._is_done = not state.is_pending
        return [*self._stored(entries), *self._changed(state)]

    def _stored(self, entries: list[Entry]) -> Iterator[Event]:
        last = max((entry.seq for entry in entries), default=0)
        if self._told is None and self._seen > last:
            self._seen = 0  # an id of a stream that was there before this one
        for entry in entries:
            if entry.seq > self._seen:
                self._seen = entry.seq
                name = "result" if entry.kind == "response" else entry.kind
                yield Event(name, entry.body, id=str(entry.seq))

    def _changed(self, state: TaskState) -> Iterator[Event]:
        if self._told == (state.state, state.revision):
            return
        self._told = (state.state, state.revision)
        where = {"request_id": state.request_id, "revision": state.revision, "state": state.state}
        yield Event("status", json.dumps(where), retry=RETRY)


def _ping() -> Event:
    return Event("ping", json.dumps({"timestamp": datetime.now(UTC).isoformat()}))
