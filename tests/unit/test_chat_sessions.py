"""The connections of one pod: who hears what, what the registry is told, and how many there may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from memebattle.bus.chunklog import MemoryChunkLog
from memebattle.chat.reading import Gone
from memebattle.chat.sessions import PodFull, Registry, SessionFull, Sessions
from memebattle.kit.metrics import Metrics
from memebattle.settings import Settings
from memebattle.store.sessions import MemorySessions
from tests.listening import Client, MoodyLog, Speaker, turns


class Diary:
    """A registry that notes what it is told, and can be away or slow."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.unknown: frozenset[str] | None = frozenset()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def register(self, pod_id: str, entries: Sequence[tuple[str, str]]) -> frozenset[str] | None:
        self.entries.append(f"{pod_id} has {' '.join(sorted(session for session, _ in entries))}".strip())
        await self.may_answer.wait()
        return self.unknown

    async def unregister(self, pod_id: str, session_id: str, connection_id: str) -> None:
        self.entries.append(f"{pod_id} leaves {session_id}")


@pytest.fixture
def log() -> MemoryChunkLog:
    return MemoryChunkLog()


@pytest.fixture
def diary() -> Diary:
    return Diary()


def sessions_with(
    registry: Registry, log: MemoryChunkLog | MoodyLog, metrics: Metrics, **env: str
) -> Sessions:
    return Sessions("pod-1", log, registry, metrics.chat, Settings.from_env(env).chat)


@pytest.fixture
async def sessions(log: MemoryChunkLog, diary: Diary, metrics: Metrics) -> AsyncIterator[Sessions]:
    """Those of a pod; at the end nothing must be left of them."""
    sessions = sessions_with(diary, log, metrics)
    yield sessions
    assert sessions.count == 0
    assert sessions._connections == {}
    assert metrics.registry.get_sample_value("chat_connections") == 0


async def enter(sessions: Sessions, session_id: str = "s1", last_event_id: str | None = None) -> Client:
    client = Client(await sessions.connect(session_id, last_event_id))
    await client.rests()
    return client


async def test_a_connection_is_registered_before_its_first_look(
    diary: Diary, log: MemoryChunkLog, metrics: Metrics
) -> None:
    """What is said after the look is told to this pod; what was said before it is read: no gap."""
    mood = MoodyLog(log)
    sessions = sessions_with(diary, mood, metrics)
    diary.may_answer.clear()
    connecting = asyncio.create_task(sessions.connect("s1", None))
    await turns(5)
    assert (diary.entries, mood.calls) == (["pod-1 has s1"], [])

    speaker = Speaker(log)
    sessions.hear(await speaker.say("a"))
    await speaker.say("b")
    diary.may_answer.set()
    client = Client(await connecting)
    await client.rests()

    assert client.text == "ab"
    await client.leaves()


async def test_a_connection_that_leaves_is_unregistered(sessions: Sessions, diary: Diary) -> None:
    client = await enter(sessions)
    assert sessions.count == 1

    await client.leaves()

    assert diary.entries == ["pod-1 has s1", "pod-1 leaves s1"]


async def test_leaving_twice_is_leaving_once(sessions: Sessions, diary: Diary) -> None:
    """The other connection of the session stays."""
    first, second = await enter(sessions), await enter(sessions)

    await first.leaves()
    await first.connection.aclose()

    assert sessions.count == 1
    assert diary.entries.count("pod-1 leaves s1") == 1
    await second.leaves()


async def test_a_client_that_leaves_while_it_connects_leaves_nothing(
    sessions: Sessions, diary: Diary
) -> None:
    """It may have been registered already."""
    diary.may_answer.clear()
    connecting = asyncio.create_task(sessions.connect("s1", None))
    await turns(5)

    connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)

    assert connecting.cancelled()
    assert diary.entries == ["pod-1 has s1", "pod-1 leaves s1"]


async def test_unregistering_outlives_whoever_waits_for_it(log: MemoryChunkLog, metrics: Metrics) -> None:
    """A server that is stopped cancels its requests while they clean up."""
    registry = MemorySessions(30)
    release = asyncio.Event()

    class Slow(MemorySessions):
        async def unregister(self, pod_id: str, session_id: str, connection_id: str) -> None:
            await release.wait()
            await registry.unregister(pod_id, session_id, connection_id)

    slow = Slow(30)
    sessions = sessions_with(slow, log, metrics)
    connection = await sessions.connect("s1", None)
    await registry.register("pod-1", [("s1", connection.id)])
    leaving = asyncio.create_task(connection.aclose())
    await turns(3)

    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    release.set()
    await turns(3)

    assert await registry.pods("s1") == frozenset()


async def test_everyone_of_a_session_hears_and_nobody_else(sessions: Sessions, log: MemoryChunkLog) -> None:
    here = [await enter(sessions) for _ in range(3)]
    elsewhere = await enter(sessions, "s2")

    sessions.hear(await Speaker(log).say("a"))
    sessions.hear(await Speaker(log, "s3").say("nobody is here"))

    for client in here:
        await client.rests()
        assert client.ids == ["1-0"]
    await elsewhere.rests()
    assert elsewhere.told == []
    for client in (*here, elsewhere):
        await client.leaves()


async def test_a_refresh_names_every_connection(sessions: Sessions, diary: Diary) -> None:
    clients = [await enter(sessions, session_id) for session_id in ("s1", "s2", "s1")]
    diary.entries.clear()

    await sessions.refresh()

    assert diary.entries == ["pod-1 has s1 s1 s2"]
    for client in clients:
        await client.leaves()


@pytest.mark.parametrize(
    ("unknown", "who_looks"),
    [(frozenset(), []), (frozenset({"s2", "long-gone"}), ["s2"]), (None, ["s1", "s2"])],
)
async def test_those_the_registry_had_lost_look_what_they_missed(
    sessions: Sessions,
    diary: Diary,
    log: MemoryChunkLog,
    unknown: frozenset[str] | None,
    who_looks: list[str],
) -> None:
    """All of them when the registry is out of reach: who knows what it says to the workers."""
    clients = {session_id: await enter(sessions, session_id) for session_id in ("s1", "s2")}
    for session_id in clients:
        await Speaker(log, session_id).say("missed")

    diary.unknown = unknown
    await sessions.refresh()

    for client in clients.values():
        await client.rests()
    assert [session_id for session_id, client in clients.items() if client.told] == who_looks
    for client in clients.values():
        await client.leaves()


async def test_a_resume_that_is_impossible_is_refused_at_the_door(
    sessions: Sessions, log: MemoryChunkLog, diary: Diary, metrics: Metrics
) -> None:
    """Before the client is told that it is connected; nothing is left of the attempt."""
    await Speaker(log).say("a")
    log.forget(before_seq=2)

    with pytest.raises(Gone, match="older than the stream keeps it"):
        await sessions.connect("s1", "1-0")

    assert diary.entries == ["pod-1 leaves s1"]
    assert metrics.registry.get_sample_value("chat_not_resumable_total") == 1


async def test_while_the_stream_is_away_a_resume_is_taken_on_trust(
    diary: Diary, log: MemoryChunkLog, metrics: Metrics
) -> None:
    """Whether it is possible is found out in the events."""
    mood = MoodyLog(log)
    sessions = sessions_with(diary, mood, metrics)
    await Speaker(log).say("a")
    log.forget(before_seq=2)
    mood.is_away = True

    connection = await sessions.connect("s1", "1-0")
    mood.is_away = False
    sessions._shared.clock = lambda: float("inf")
    client = Client(connection)
    await client.ends()

    assert [event.name for event in client.events] == ["connected", "not_resumable"]
    await client.leaves()


@pytest.mark.parametrize(
    "last_event_id", ["x", "1", "1-", "-1", "1-x", "1-0 ", " 1-0", "1-0\n", "-1-0", "1-0-0"]
)
async def test_an_event_id_that_is_none_is_refused(sessions: Sessions, last_event_id: str) -> None:
    with pytest.raises(ValueError, match="event id"):
        await sessions.connect("s1", last_event_id)


async def test_a_pod_that_is_full_takes_no_more(diary: Diary, log: MemoryChunkLog, metrics: Metrics) -> None:
    """Until one leaves; those who connect at the same time count too."""
    sessions = sessions_with(diary, log, metrics, CHAT_MAX_CONNECTIONS="2")
    diary.may_answer.clear()
    entering = [asyncio.create_task(sessions.connect(f"s{number}", None)) for number in range(3)]
    await turns(5)
    diary.may_answer.set()
    first, second, third = await asyncio.gather(*entering, return_exceptions=True)

    assert isinstance(third, PodFull)
    assert sessions.count == 2
    assert not isinstance(first, BaseException)
    await first.aclose()
    await (await sessions.connect("s3", None)).aclose()
    assert not isinstance(second, BaseException)
    await second.aclose()


async def test_a_session_may_not_take_the_whole_pod(
    diary: Diary, log: MemoryChunkLog, metrics: Metrics
) -> None:
    sessions = sessions_with(diary, log, metrics, CHAT_MAX_SESSION_CONNECTIONS="2")
    connections = [await sessions.connect("s1", None) for _ in range(2)]

    with pytest.raises(SessionFull, match="2 connections"):
        await sessions.connect("s1", None)
    connections.append(await sessions.connect("s2", None))

    assert sessions.count == 3
    for connection in connections:
        await connection.aclose()


async def test_a_pod_that_stops_lets_everyone_go(sessions: Sessions) -> None:
    """Also who comes too late; their events end in order, and they come back elsewhere."""
    clients = [await enter(sessions, session_id) for session_id in ("s1", "s1", "s2")]

    sessions.close()
    clients.append(await enter(sessions, "s3"))

    for client in clients:
        await client.ends()
        assert [event.name for event in client.events] == ["connected"]
        await client.leaves()


async def test_after_a_reconnect_all_look(sessions: Sessions, log: MemoryChunkLog, metrics: Metrics) -> None:
    clients = [await enter(sessions, session_id) for session_id in ("s1", "s2")]
    await Speaker(log).say("missed")

    sessions.look("reconnected")

    for client in clients:
        await client.rests()
    assert [len(client.told) for client in clients] == [1, 0]
    assert metrics.registry.get_sample_value("chat_catch_ups_total", {"reason": "reconnected"}) == 2
    for client in clients:
        await client.leaves()


async def test_a_reader_that_was_let_go_is_counted(sessions: Sessions, metrics: Metrics) -> None:
    sessions.let_go()

    assert metrics.registry.get_sample_value("chat_slow_readers_total") == 1


async def test_the_connections_are_counted(sessions: Sessions, metrics: Metrics) -> None:
    clients = [await enter(sessions, session_id) for session_id in ("s1", "s1", "s2")]
    assert metrics.registry.get_sample_value("chat_connections") == 3

    for client in clients:
        await client.leaves()
