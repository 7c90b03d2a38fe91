"""A client of chat as anybody could write one: posts a message to any pod, listens at any pod.

A pod that dies takes the connection with it and nothing else. The client goes to the next one and says which
event it saw last; what it missed follows. Chunks are numbered, so one that comes twice is noticed. When what
was missed is not kept any more the pod says so (410 or `not_resumable`), and this client does not pretend.

Messages get their id here, so that sending one again, to another pod, is harmless.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from memebattle.chat.events import MessageComplete
from memebattle.chat.messages import HistoryEntry, ResponseChunk
from memebattle.cli.chat_answers import (
    Lost,
    NotResumable,
    body_of,
    no_gateway,
    problem_of,
    read,
    reason_of,
    refusal,
    said,
)
from memebattle.cli.output import Problem
from memebattle.generation.providers._http import IDENTITY, httpx
from memebattle.generation.providers.event_stream import Event, StreamRefused, events

SILENCE = 35.0  # seconds; a pod pings every ten
ANSWER_TIMEOUT = 10.0  # seconds for one plain request; a pod takes as long to store a message
ROUNDS = 3  # how often all pods are asked before we say that none is there
PAUSE, LONGEST_PAUSE = 0.25, 2.0  # seconds between rounds
PATIENCE_BEFORE_TELLING = 2  # rounds

EVENT_STREAM = "text/event-stream"
JSON = {"Content-Type": "application/json", **IDENTITY}


@dataclass(frozen=True, slots=True)
class Searching:
    """No pod was in reach for a while; the search goes on."""

    reason: str


type Told = ResponseChunk | MessageComplete | Searching


class ChatClient:
    """One conversation over HTTP. `urls` are pods, any of which will do.

    Args:
        urls: at least one, without a slash at the end.
        session_id: an existing session to go on with.
        transport: what carries the requests; for tests.
        sleep: takes seconds; injected so that tests need not wait.
    """

    def __init__(
        self,
        urls: Sequence[str],
        session_id: str | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._urls, self._at, self._sleep = list(urls), 0, sleep
        self._http = httpx.AsyncClient(
            timeout=ANSWER_TIMEOUT, transport=transport, follow_redirects=False, trust_env=False
        )
        self._last_id, self._asked, self._expected = "", False, 0
        self.session_id = session_id or _new_id("sess")
        self.message_id = ""
        self.reconnects = 0

    @property
    def url(self) -> str:
        """The pod that is listened to."""
        return self._urls[self._at]

    def begin_anew(self) -> None:
        """Another session."""
        self.session_id, self._last_id = _new_id("sess"), ""

    async def ask(self, message: str, context: Mapping[str, Any] | None = None) -> AsyncGenerator[Told]:
        """Send a message and yield its answer, chunk by chunk; the last thing is a `MessageComplete`.

        Raises:
            NotResumable: a part of the answer is lost to us.
            Problem: no pod takes the message, or it is refused.
        """
        self.message_id, self.reconnects = _new_id("msg"), 0
        self._asked, self._expected = False, 0
        body = {
            "message_id": self.message_id,
            "session_id": self.session_id,
            "message": message,
            "context": {name: value for name, value in (context or {}).items() if value is not None},
        }
        async with contextlib.aclosing(self._listen()) as told:
            async for event in told:
                if isinstance(event, Searching):
                    yield event
                elif event.event == "connected" and not self._asked:
                    await self._request("POST", "/api/chat", content=json.dumps(body).encode(), headers=JSON)
                    self._asked = True
                elif event.event == "chunk" and self._is_next(chunk := read(ResponseChunk, event)):
                    yield chunk
                elif event.event == "message_complete":
                    complete = read(MessageComplete, event)
                    if complete.message_id == self.message_id:
                        yield complete
                        return

    def _is_next(self, chunk: ResponseChunk) -> bool:
        """Whether it belongs to this answer and is new.

        Raises:
            NotResumable: one before it is missing.
        """
        if chunk.message_id != self.message_id or chunk.chunk_id < self._expected:
            return False
        if chunk.chunk_id > self._expected:
            raise NotResumable(f"chunk {self._expected} never came")
        self._expected += 1
        return True

    async def stop(self) -> None:
        """Stop the answer to the last message; its end still comes.

        Raises:
            Problem: no pod takes this.
        """
        path = f"/api/chat/{self.message_id}"
        await self._request("DELETE", path, params={"session_id": self.session_id})

    async def history(self) -> list[HistoryEntry]:
        """What is remembered of this session, oldest first.

        Raises:
            Problem: nobody can say.
        """
        found = await self._request("GET", "/api/chat/history", params={"session_id": self.session_id})
        try:
            return [HistoryEntry.model_validate(entry) for entry in found.get("messages", [])]
        except ValidationError:
            raise no_gateway(self.url) from None

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _listen(self) -> AsyncGenerator[Event | Searching]:
        """Every event of the session, from pod to pod.

        Raises:
            NotResumable: a part of this answer is gone.
            Problem: there is no pod, and there never was one.
        """
        failures = 0
        while True:
            try:
                async with contextlib.aclosing(self._from_this_pod()) as told:
                    async for event in told:
                        failures = 0
                        self._last_id = event.id or self._last_id
                        yield event
                reason = "the pod ended the connection"
            except NotResumable:
                told_before, self._last_id = self._last_id, ""
                if self._expected or not told_before:
                    raise
                continue  # what is gone was said before this question
            except Lost as lost:
                reason = str(lost)
            failures += 1
            rounds, within = divmod(failures, len(self._urls))
            if not self._asked and rounds >= ROUNDS:
                raise self._nobody(reason)
            if self._asked and failures == PATIENCE_BEFORE_TELLING * len(self._urls):
                yield Searching(reason)
            self._at = (self._at + 1) % len(self._urls)
            self.reconnects += self._asked
            if within == 0:
                await self._sleep(_pause(rounds))

    async def _from_this_pod(self) -> AsyncGenerator[Event]:
        headers = {"Accept": EVENT_STREAM, "Cache-Control": "no-store", **IDENTITY}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        call = self._http.stream(
            "GET",
            f"{self.url}/api/sse",
            params={"session_id": self.session_id},
            headers=headers,
            timeout=httpx.Timeout(ANSWER_TIMEOUT, read=SILENCE),
        )
        try:
            async with call as response:
                if not response.is_success:
                    raise refusal(self.url, response.status_code, await problem_of(response))
                if not response.headers.get("content-type", "").startswith(EVENT_STREAM):
                    raise no_gateway(self.url)
                async with contextlib.aclosing(events(response.aiter_raw())) as told:
                    async for event in told:
                        if event.event == "not_resumable":
                            raise NotResumable(reason_of(event))
                        yield event
        except (httpx.TransportError, StreamRefused) as error:
            raise Lost(said(error)) from error

    async def _request(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The answer of the first pod that gives one, beginning with the one that is listened to.

        Repeating is safe: every request of ours names what it is about.
        """
        reason = ""
        for number in range(ROUNDS * len(self._urls)):
            rounds, within = divmod(number, len(self._urls))
            if rounds and within == 0:
                await self._sleep(_pause(rounds))
            url = self._urls[(self._at + number) % len(self._urls)]
            try:
                async with self._http.stream(method, f"{url}{path}", **options) as response:
                    if response.is_success:
                        return await body_of(response)
                    raise refusal(url, response.status_code, await problem_of(response))
            except (httpx.TransportError, Lost) as lost:
                reason = said(lost)
        raise self._nobody(reason)

    def _nobody(self, reason: str) -> Problem:
        shown = ", ".join(self._urls)
        return Problem(
            f"no gateway answers at {shown}", reason, "start one with `memebattle up`, or name one with --url"
        )


def _pause(rounds: int) -> float:
    return min(float(PAUSE * 2 ** (rounds - 1)), LONGEST_PAUSE)


def _new_id(kind: str) -> str:
    """An id nobody guesses: whoever knows a session's may listen to it."""
    return f"{kind}_{secrets.token_urlsafe(16)}"
