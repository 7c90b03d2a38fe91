"""The log of battles in a stream, `battle.event.{battle}.{kind}.{key}`: read in batches, written with fences.

A fence is `Nats-Expected-Last-Subject-Sequence`: the stream stores a fact only if the last one at its place
is the one that the writer has read. `Fact.is_first` widens it to everything of that battle. A fact without a
fence has its id, so that the stream knows a repetition from another fact.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import APIError

from memebattle.bus.arbiter import WRONG_LAST_SEQUENCE
from memebattle.bus.direct_get import STORED_AT, DirectGet
from memebattle.bus.facts import PAGE, Fact, Stored
from memebattle.bus.publishing import DurablePublisher, PublishFailed
from memebattle.bus.refusals import Unavailable
from memebattle.bus.subjects import BATTLE_EVENT, fill

SUBJECT = "Nats-Subject"
PAGE_BYTES = 16 * 1024 * 1024  # a page of the longest events is a few megabytes


@dataclass(slots=True)
class JetStreamBattleLog:
    """The log in a real stream. `patience` is how many seconds one read may take."""

    publisher: DurablePublisher
    connection: Callable[[], Client]
    stream: str
    patience: float = 3.0
    domain: str = ""

    async def add(self, fact: Fact) -> int | None:
        """See the port.

        Raises:
            MessageTooLarge: over the server's limit.
        """
        headers = _fence(fact) | {"content-type": "application/json"}
        try:
            stored = await self.publisher.publish(_subject(fact), fact.body, headers, self.stream)
        except APIError as error:
            if error.err_code == WRONG_LAST_SEQUENCE:
                return None
            raise Unavailable(f"{self.stream} did not take it: {error}") from error
        except (PublishFailed, nats.errors.Error, OSError) as error:
            raise Unavailable(str(error)) from error
        return stored.seq

    async def after(self, battle: str, sequence: int) -> list[Stored]:
        """See the port."""
        direct = DirectGet(self.connection, self.stream, self.domain)
        try:
            async with asyncio.timeout(self.patience):
                batch = await direct.batch(_scope(battle), sequence + 1, PAGE, PAGE_BYTES)
        except (nats.errors.Error, APIError, TimeoutError, OSError) as error:
            raise Unavailable(f"{self.stream} cannot be read: {error!r}") from error
        return [_stored(message) for message in batch.messages] if batch is not None else []


def _stored(message: Msg) -> Stored:
    headers = message.headers or {}
    return Stored(int(headers[STORED_AT]), headers[SUBJECT].split(".")[3], message.data)


def _subject(fact: Fact) -> str:
    return fill(BATTLE_EVENT, battle_id=fact.battle, kind=fact.kind, key=fact.key)


def _scope(battle: str) -> str:
    return fill("battle.event.{battle_id}", battle_id=battle) + ".>"


def _fence(fact: Fact) -> dict[str, str]:
    if fact.after is None:
        return {"Nats-Msg-Id": fact.id} if fact.id else {}
    scope = _scope(fact.battle) if fact.is_first else _subject(fact)
    return {
        "Nats-Expected-Last-Subject-Sequence": str(fact.after),
        "Nats-Expected-Last-Subject-Sequence-Subject": scope,
    }


@dataclass(slots=True)
class MemoryBattleLog:
    """The in-memory twin: a list of facts; the place in it is the sequence."""

    stored: list[Fact] = field(default_factory=list)

    async def add(self, fact: Fact) -> int | None:
        _subject(fact)
        if fact.after is None and fact.id:
            repeated = [place for place, each in enumerate(self.stored, start=1) if each.id == fact.id]
            if repeated:
                return repeated[0]
        elif fact.after is not None and self._last(fact) != fact.after:
            return None
        self.stored.append(fact)
        return len(self.stored)

    async def after(self, battle: str, sequence: int) -> list[Stored]:
        _scope(battle)
        rows = enumerate(self.stored, start=1)
        found = [
            Stored(place, fact.kind, fact.body)
            for place, fact in rows
            if fact.battle == battle and place > sequence
        ]
        return found[:PAGE]

    def _last(self, wanted: Fact) -> int:
        """The sequence of the last fact in the scope of its fence."""
        place = (wanted.battle, wanted.kind, wanted.key)
        numbers = [
            number
            for number, fact in enumerate(self.stored, start=1)
            if (fact.battle, fact.kind, fact.key) == place
            or (wanted.is_first and fact.battle == wanted.battle)
        ]
        return max(numbers, default=0)
