"""Whatever happens between a worker and a client, the client gets the chain: all of it, in order, once.

A seed decides what happens: frames are lost, told twice, late and in any order; the stream lags, fails and is
away; the client is slow, or hangs up and comes back with the id of any event it has seen.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from memebattle.bus.chunklog import MemoryChunkLog
from memebattle.chat.heard import Heard
from tests.listening import Client, Event, MoodyLog, Room, Speaker, turns

REASONS = ("gap", "silence", "registered", "reconnected")


class World:
    """One session of one seed. `ids` are the events it consists of, written down as its frames are stored."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.log = MemoryChunkLog()
        self.mood = MoodyLog(self.log)
        self.room = Room(self.mood, {"CHAT_CONNECTION_QUEUE": str(self.dice.choice([1, 3, 256]))})
        self.speaker, self.others = Speaker(self.log), Speaker(self.log, "s2")
        self.message = 0
        self.ids: list[str] = []
        self.said: list[str] = []
        self.on_the_way: list[Heard] = []
        self.seen: list[Event] = []
        self.client: Client = self.room.enter()

    async def run(self) -> None:
        steps: list[Callable[[], Coroutine[Any, Any, None]]] = [
            *[self.speaks] * 6,
            *[self.others_speak] * 2,
            *[self.delivers] * 8,
            *[self.reads] * 6,
            self.looks,
            self.changes_its_mood,
            self.leaves_and_comes_back,
            self.is_slow,
        ]
        for _ in range(self.dice.randrange(20, 150)):
            await self.dice.choice([*steps, *self.more_steps()])()

    def more_steps(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        return []

    async def speaks(self) -> None:
        """A frame of some chunks, perhaps the last of its answer; told never, once or twice."""
        texts = [f"{self.message}.{len(self.ids)}.{number} " for number in range(self.dice.randrange(4))]
        final = not texts or self.dice.random() < 0.3
        heard = await self.speaker.say(*texts, message=f"m{self.message}", final=final)
        assert heard.frame is not None
        self.ids += [f"{heard.frame.seq}-{chunk.chunk_id}" for chunk in heard.chunks]
        self.said += texts
        if final:
            self.ids.append(f"{heard.frame.seq}-end")
            self.message += 1
        self.on_the_way += [heard] * self.dice.choice([0, 1, 1, 1, 2])

    async def others_speak(self) -> None:
        """Sequences are shared."""
        await self.others.say("not for us")

    async def delivers(self) -> None:
        """Mostly in order."""
        if self.on_the_way:
            place = 0 if self.dice.random() < 0.7 else self.dice.randrange(len(self.on_the_way))
            self.client.hear(self.on_the_way.pop(place))

    async def reads(self) -> None:
        await turns(self.dice.randrange(12))

    async def looks(self) -> None:
        self.client.connection.look(self.dice.choice(REASONS))

    async def changes_its_mood(self) -> None:
        self.mood.is_away = self.dice.random() < 0.4
        self.mood.failing = self.dice.choice([None, None, "last", "after", "at", "span"])
        self.mood.lags = self.dice.choice([0, 0, 1, 5])
        self.room.clock.now += self.dice.choice([0, 2])

    async def is_slow(self) -> None:
        if self.dice.random() < 0.5:
            self.client.stop_reading()
        else:
            self.client.go_on_reading()

    async def leaves_and_comes_back(self) -> None:
        """What was under way is lost: the last event that counts may be any of them, or none."""
        await self.client.leaves()
        told = self.seen + self.client.told
        self.seen = told[: self.dice.choice([len(told), self.dice.randint(0, len(told))])]
        self.client = self.room.enter(last_event_id=self.seen[-1].id if self.seen else None)

    async def ends_well(self) -> None:
        """All is healthy again, what is on the way arrives, and the pod looks as it does now and then."""
        self.mood.is_away, self.mood.failing, self.mood.lags = False, None, 0
        self.room.clock.now += 2
        self.client.go_on_reading()
        self.client.hear(*self.on_the_way)
        self.client.connection.look("silence")
        await self.client.rests()
        await self.client.leaves()
        self.seen += self.client.told


@pytest.mark.parametrize("seed", range(300))
async def test_the_client_gets_the_chain(seed: int) -> None:
    """Its ids are the chain's, one by one; so is its text; every answer that ended is complete once."""
    world = World(seed)
    try:
        await world.run()
    finally:
        await world.ends_well()

    assert [event.id for event in world.seen] == world.ids
    chunks = [event.data["chunk"] for event in world.seen if event.name == "chunk"]
    assert [chunk for chunk in chunks if chunk] == world.said
    completions = [event.data["message_id"] for event in world.seen if event.name == "message_complete"]
    assert completions == [f"m{number}" for number in range(world.message)]


class ForgetfulWorld(World):
    """Here the stream forgets its oldest frames, too. Who cannot go on for that reason begins anew."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.lives: list[list[Event]] = []

    def more_steps(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        return [self.forgets, self.forgets, self.begins_anew]

    async def forgets(self) -> None:
        frames = self.log.frames
        if frames:
            self.log.forget(before_seq=self.dice.randint(frames[0].seq, frames[-1].seq + 1))

    async def begins_anew(self) -> None:
        if self.client.named("not_resumable"):
            await self.client.leaves()
            self.lives.append(self.seen + self.client.told)
            self.seen, self.client = [], self.room.enter()

    async def ends_well(self) -> None:
        await super().ends_well()
        self.lives.append(self.seen)


@pytest.mark.parametrize("seed", range(200))
async def test_whatever_has_expired_no_answer_has_a_hole(seed: int) -> None:
    """Of each one a client has the beginning, chunk by chunk, or nothing; never a part, and never twice."""
    world = ForgetfulWorld(seed)
    try:
        await world.run()
    finally:
        await world.ends_well()

    for life in world.lives:
        places = [world.ids.index(str(event.id)) for event in life]
        assert places == sorted(set(places)), "in order, once"
        answers: dict[str, list[int | str]] = {}
        for event in life:
            part = event.data["chunk_id"] if event.name == "chunk" else "complete"
            answers.setdefault(event.data["message_id"], []).append(part)
        for parts in answers.values():
            chunks = [part for part in parts if part != "complete"]
            assert parts in (list(range(len(chunks))), [*range(len(chunks)), "complete"])


async def test_the_seeds_do_what_they_say() -> None:
    """Holes, late and slow readers, resumes and outages all happen, or the test above proves nothing."""
    reasons: set[str] = set()
    resumed = refused = 0
    gone = 0.0
    for world in [*map(World, range(60)), *map(ForgetfulWorld, range(60))]:
        await world.run()
        await world.ends_well()
        gone += world.room.metrics.registry.get_sample_value("chat_not_resumable_total") or 0
        reasons |= {reason for reason, times in world.room.catch_ups().items() if times}
        resumed += sum(
            event.data["resumed"] for client in world.room.clients for event in client.named("connected")
        )
        refused += world.mood.refused

    assert reasons == {"connected", "gap", "slow_reader", "silence", "registered", "reconnected"}
    assert resumed > 50
    assert refused > 50
    assert gone > 10
