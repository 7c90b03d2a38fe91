"""What is known of tasks, in a stream: results, suggestions and human decisions, each behind its task's id.

    {result}.{id}                       one result or error per revision, fenced; republished on {result}
    prioritization.suggestions.{id}     at most one per revision, fenced
    prioritization.override.{id}        every decision; the last one counts

The stream is the truth: status, ranking, history and events are read from it, so none of them is lost with
Redis, and every replica says the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg

from memebattle.bus.arbiter import Arbiter
from memebattle.bus.direct_get import STORED_AT, DirectGet
from memebattle.bus.entries import Entry, EntryKind
from memebattle.bus.publishing import DurablePublisher
from memebattle.bus.subjects import PRIORITY_OVERRIDE, PRIORITY_RESULT, PRIORITY_SUGGESTIONS, fill

KIND, DIGEST, REVISION = "Mb-Kind", "Mb-Digest", "Mb-Revision"
PAGE_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class JetStreamTaskLog:
    """The log in a real stream. `patience` is how many seconds one read may take."""

    publisher: DurablePublisher
    js: Callable[[], JetStreamContext]
    connection: Callable[[], Client]
    stream: str
    result_subject: str = PRIORITY_RESULT
    patience: float = 3.0
    domain: str = ""

    @property
    def max_payload(self) -> int:
        return self.publisher.max_payload

    async def add(self, entry: Entry) -> Entry | None:
        """Store it, or return what was stored in its place.

        Raises:
            PublishFailed: no stream took it within the publisher's budget.
            MessageTooLarge: over the server's limit.
        """
        subject = self._subjects(entry.request_id)[entry.kind]
        if entry.kind == "override":
            await self.publisher.publish(subject, entry.body, _headers(entry), self.stream)
            return None
        arbiter = Arbiter(self.publisher, self.js, self.stream)
        read = partial(_read_from, entry.request_id, entry.revision)
        return await arbiter.store(subject, subject, entry.body, _headers(entry), read)

    async def of(self, request_id: str) -> list[Entry]:
        """See the port.

        Raises:
            nats.errors.Error: nobody answers.
            TimeoutError: nor in time.
        """
        subjects = sorted(set(self._subjects(request_id).values()))
        async with asyncio.timeout(self.patience):
            found = await self._direct().last_of_each(subjects)
        return sorted(filter(None, map(_entry, found)), key=lambda entry: entry.seq)

    async def after(self, seq: int, limit: int, request_id: str | None = None) -> list[Entry]:
        """See the port.

        Raises:
            nats.errors.Error: nobody answers.
            TimeoutError: nor in time.
        """
        subject = f"{self.result_subject}.{request_id}" if request_id else ">"
        entries: list[Entry] = []
        async with asyncio.timeout(self.patience):
            while len(entries) < limit:
                batch = await self._direct().batch(subject, seq + 1, limit - len(entries), PAGE_BYTES)
                if batch is None or not batch.messages:
                    break
                entries += filter(None, map(_entry, batch.messages))  # strangers' messages are passed over
                seq = _seq(batch.messages[-1])
        return entries

    def _subjects(self, request_id: str) -> dict[EntryKind, str]:
        result = fill(f"{self.result_subject}.{{request_id}}", request_id=request_id)
        return {
            "response": result,
            "error": result,
            "suggestions": fill(PRIORITY_SUGGESTIONS, request_id=request_id),
            "override": fill(PRIORITY_OVERRIDE, request_id=request_id),
        }

    def _direct(self) -> DirectGet:
        return DirectGet(self.connection, self.stream, self.domain)


def _headers(entry: Entry) -> dict[str, str]:
    return {
        KIND: entry.kind,
        REVISION: str(entry.revision),
        DIGEST: entry.digest,
        "content-type": "application/json",
        **entry.trace,
    }


def _entry(message: Msg) -> Entry | None:
    headers = message.headers or {}
    request_id = headers.get("Nats-Subject", "").rpartition(".")[2]
    return _of_headers(request_id, headers, message.data, _seq(message))


def _read_from(request_id: str, revision: int, message: RawStreamMsg) -> Entry | None:
    """An entry of this revision or a later one."""
    found = _of_headers(request_id, message.headers or {}, message.data or b"", message.seq or 0)
    return found if found is not None and found.revision >= revision else None


def _of_headers(request_id: str, headers: Mapping[str, str], body: bytes, seq: int) -> Entry | None:
    # nats-py gives what is no ASCII as an object that is no string
    kind, revision, digest = (str(headers.get(name, "")) for name in (KIND, REVISION, DIGEST))
    if not (revision.isascii() and revision.isdigit() and len(revision) < 8):  # noqa: PLR2004 - 1,000,000
        return None
    kinds: dict[str, EntryKind] = {
        "response": "response",
        "error": "error",
        "suggestions": "suggestions",
        "override": "override",
    }
    if kind not in kinds:
        return None
    return Entry(request_id, kinds[kind], body, int(revision), digest, seq)


def _seq(message: Msg) -> int:
    return int((message.headers or {}).get(STORED_AT, 0))


class MemoryTaskLog:
    """The in-memory twin: a list is a stream too."""

    def __init__(self, max_payload: int = 1024 * 1024) -> None:
        self.entries: list[Entry] = []
        self._max_payload = max_payload

    @property
    def max_payload(self) -> int:
        return self._max_payload

    async def add(self, entry: Entry) -> Entry | None:
        if entry.kind != "override":
            for stored in reversed(self._family(entry)):
                if stored.revision >= entry.revision:
                    return stored
        self.entries.append(replace(entry, seq=len(self.entries) + 1))
        return None

    async def of(self, request_id: str) -> list[Entry]:
        last = {_place(entry): entry for entry in self.entries if entry.request_id == request_id}
        return sorted(last.values(), key=lambda entry: entry.seq)

    async def after(self, seq: int, limit: int, request_id: str | None = None) -> list[Entry]:
        found = [
            entry
            for entry in self.entries[max(seq, 0) :]
            if request_id is None or (entry.request_id == request_id and entry.is_result)
        ]
        return found[:limit]

    def _family(self, entry: Entry) -> list[Entry]:
        return [
            each
            for each in self.entries
            if each.request_id == entry.request_id and _place(each) == _place(entry)
        ]


def _place(entry: Entry) -> str:
    return "result" if entry.is_result else entry.kind
