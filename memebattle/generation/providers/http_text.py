"""Text from an API over HTTP: one bounded call, whose answer is read while it is written.

    spec -> dialect (how this API is asked) -> POST -> events -> reader (what they say) -> pieces

The dialects (`openai_compatible`, `anthropic`) are pure; this is the only place that does I/O for them. As in
`huggingface.py` there is one attempt, the throttle stands in for an API that is down, and the key goes to the
API's address and nowhere else. Three bounds hold whatever the API does:

- time: the whole answer has a deadline, in which the caller's own time between two pieces counts too, and
  every read has the idle timeout. Bytes are a sign of life, also when they are a ping: a model may think. The
  timeouts are set around each read and never around a piece handed out, or they would hit the caller.
- length: an answer of `max_answer_bytes` of text ends there, with the reason `length`. On the wire it is a
  lot longer (a token of four bytes comes in 130 bytes from Anthropic, in 350 from OpenAI), so the wire has a
  bound of its own, beyond which a stream is nonsense.
- connections: closing the generator closes the connection, which is what stops the model from writing on.

An answer that is complete may still be followed by the usage and by the end of the stream. They are waited
for, but not long: what matters has been said.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, cast

from memebattle.generation.ports import GenerationError, InvalidPrompt, ProviderTimeout, ProviderUnavailable
from memebattle.generation.providers._http import (
    IDENTITY,
    BodyRefused,
    httpx,
    open_client,
    read_body,
    refuse_compressed,
)
from memebattle.generation.providers.dialect import Account, Bounds, Dialect, Reader
from memebattle.generation.providers.event_stream import Event, StreamRefused, events
from memebattle.generation.providers.faults import Refusal, broken_off, named
from memebattle.generation.providers.shapes import parse_json
from memebattle.generation.text import StreamCut, TextPiece, TextSpec
from memebattle.generation.throttle import Throttle

MAX_REFUSAL_BYTES = 64 * 1024
WIRE_BYTES_PER_BYTE = 128  # what a stream may spend on each byte of text
LAST_WORDS = 2.0  # seconds for what follows a complete answer

_MEDIA_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9.+-]{1,40}")


class HttpText:
    """A `TextModel` behind an HTTP API.

    Args:
        name: signs the answers.
        models: what may be named, the default first; `*` allows any name.
        dialect: whose wire format is spoken.
        account: address and key.
        bounds: of one answer.
        connections: answers streamed at one time; sizes the pool.
        throttle: shared by everybody who calls this API.
        now: unix seconds.
    """

    def __init__(
        self,
        name: str,
        models: tuple[str, ...],
        *,
        dialect: Dialect,
        account: Account,
        bounds: Bounds | None = None,
        connections: int = 32,
        throttle: Throttle | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.models = models
        self._dialect = dialect
        self._account = account
        self._bounds = bounds or Bounds()
        self._throttle = throttle or Throttle()
        # of its own timeouts only that for connecting strikes: ours are around every call of it
        self._client = open_client(timeout=self._bounds.timeout, connections=connections)
        self._now = now

    async def stream(self, spec: TextSpec) -> AsyncGenerator[TextPiece]:
        """Ask once and hand the answer on; closing the generator hangs up.

        The throttle counts a call as taken from its first piece on: a stream that is cut later was taken.

        Raises:
            GenerationError: one of the subclasses in `ports`, or `StreamCut`.
        """
        body = self._body(spec)
        self._throttle.admit()
        taken = False
        try:
            async with contextlib.aclosing(self._answer(body)) as pieces:
                async for piece in pieces:
                    if not taken:
                        self._throttle.record(accepted=True)
                        taken = True
                    yield piece
        except GenerationError as error:
            if not taken:
                self._throttle.record(accepted=not error.retryable)
            raise

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _body(self, spec: TextSpec) -> bytes:
        try:
            # NaN is no JSON; a lone surrogate is escaped here, where httpx's own encoder would fail on it
            return json.dumps(self._dialect.body(spec), allow_nan=False).encode()
        except ValueError:
            raise InvalidPrompt("`temperature` is not a finite number") from None

    async def _answer(self, body: bytes) -> AsyncGenerator[TextPiece]:
        """The call, with every way to fail made one of ours."""
        name, started = self._account.provider.name, False
        deadline = asyncio.get_running_loop().time() + self._bounds.timeout
        try:
            async with self._call(body, deadline) as response:
                started = True
                async with contextlib.aclosing(self._pieces(response, deadline)) as pieces:
                    async for piece in pieces:
                        yield piece
        except TimeoutError:
            raise ProviderTimeout(self._late(deadline)) from None
        except httpx.TimeoutException:
            raise ProviderTimeout(f"{name} did not take the connection in time") from None
        except (BodyRefused, StreamRefused) as error:
            raise ProviderUnavailable(f"{name}: {error}") from None
        except httpx.HTTPError as error:
            # only the kind: httpx's texts may quote headers
            kind, what = (StreamCut, "broke off") if started else (ProviderUnavailable, "is out of reach")
            raise kind(f"{name} {what} ({type(error).__name__})") from None

    @contextlib.asynccontextmanager
    async def _call(self, body: bytes, deadline: float) -> AsyncIterator[httpx.Response]:
        """The response of a stream of events, its body not yet read; anything else is an error."""
        url = f"{self._account.url.rstrip('/')}{self._dialect.path}"
        request = self._client.build_request("POST", url, content=body, headers=self._headers())
        async with self._in_time(deadline):
            response = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if not response.is_success or kind != "text/event-stream":
                async with self._in_time(deadline):
                    text = await read_body(response, MAX_REFUSAL_BYTES, cut=True)
                raise self._refused(response, kind, text)
            refuse_compressed(response)
            yield response
        finally:
            await response.aclose()

    async def _pieces(self, response: httpx.Response, deadline: float) -> AsyncGenerator[TextPiece]:
        """What the events say, until the stream ends or there is enough of it."""
        reader = self._dialect.reader(self._fault)
        room = self._bounds.max_answer_bytes
        async with contextlib.aclosing(self._reads(response, reader, deadline)) as source:
            async for event in events(source, max_bytes=WIRE_BYTES_PER_BYTE * room):
                if not (text := _clean(reader.read(self._document(event)))):
                    continue
                size = len(text) if text.isascii() else len(text.encode())
                if size > room:
                    yield TextPiece(finish_reason="length", model=reader.model)
                    return
                room -= size
                yield TextPiece(text, model=reader.model)
        yield reader.last()

    async def _reads(
        self, response: httpx.Response, reader: Reader, deadline: float
    ) -> AsyncGenerator[bytes]:
        """The body in reads, each in time. Once the answer is complete, nothing that happens matters."""
        clock = asyncio.get_running_loop().time
        # httpx promises an iterator and returns a generator, which has to be closed at once and not by luck
        generator = cast("AsyncGenerator[bytes]", response.aiter_raw())
        async with contextlib.aclosing(generator) as raw:
            while True:
                if reader.complete:
                    deadline = min(deadline, clock() + LAST_WORDS)
                try:
                    async with self._in_time(deadline):
                        chunk = await anext(raw, None)
                except (TimeoutError, httpx.HTTPError):
                    if reader.complete:
                        return
                    raise
                if chunk is None:
                    return
                yield chunk

    def _in_time(self, deadline: float) -> asyncio.Timeout:
        """For one read: until the provider has been silent for too long, or the answer is due."""
        silent_at = asyncio.get_running_loop().time() + self._bounds.idle_timeout
        return asyncio.timeout_at(min(deadline, silent_at))

    def _late(self, deadline: float) -> str:
        name, bounds = self._account.provider.name, self._bounds
        if asyncio.get_running_loop().time() >= deadline:
            return f"{name} did not finish within {bounds.timeout:g} s"
        return f"{name} said nothing for {bounds.idle_timeout:g} s"

    def _document(self, event: Event) -> dict[str, Any] | None:
        """The JSON object of an event; None for the word that ends OpenAI's streams."""
        if event.data == "[DONE]":
            return None
        try:
            document = json.loads(event.data)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise ProviderUnavailable(f"{self._account.provider.name} sent an event that is no JSON object")
        return document

    def _refused(self, response: httpx.Response, kind: str, body: bytes) -> GenerationError:
        provider, secret = self._account.provider, self._account.key
        if not response.is_success:
            refusal = Refusal(response.status_code, response.headers, body)
            return named(refusal, provider=provider, secret=secret, now=self._now())
        document = parse_json(body)
        if isinstance(document, dict) and "error" in document:
            return self._fault(document)
        what = kind if _MEDIA_TYPE.fullmatch(kind) else "something"
        return ProviderUnavailable(f"{provider.name} answered with {what} instead of a stream of events")

    def _fault(self, document: Any) -> GenerationError:
        return broken_off(document, provider=self._account.provider, secret=self._account.key)

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "text/event-stream",
            "Content-Type": "application/json",
            **IDENTITY,
            **self._dialect.headers(self._account.key),
        }


def _clean(text: str) -> str:
    """Without half surrogate pairs, which JSON can name and no encoder downstream takes."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
