"""Everything an API for text has been seen doing, by name: proper answers in odd clothes, and no answers.

Each takes one request and treats it its own way. `QUIRKS` end in the complete answer, `FAILURES` in an error;
`FAULTS` are both. `FakeLLM.script("cut", "ok")` plays them to the next requests in turn, and a user picks one
with `!cut` in a message or with the model `fake-cut`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from memebattle.cli.fake_hf.wire import Exchange
from memebattle.cli.fake_llm.dialects import DONE, Dialect, Finish, Frame, OpenAI, Order, frame, usage

SLOW_SECONDS = 10.0
DRIP_SECONDS = 0.05  # between two bytes
BLOCK = 64 * 1024
SPOKEN_BEFORE_TROUBLE = 3  # tokens
STREAM = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}

_TOKEN = re.compile(r"\s*\S+")

type Treat = Callable[["Answer"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One request and what is to be answered. `token_time` and `retry_after` are seconds."""

    exchange: Exchange
    dialect: Dialect
    order: Order
    text: str
    token_time: float
    retry_after: float

    @property
    def tokens(self) -> list[str]:
        """What is said, within the limit of the request."""
        return _TOKEN.findall(self.text)[: self.order.max_tokens]

    @property
    def finish(self) -> Finish:
        return "stop" if len(self.tokens) == len(_TOKEN.findall(self.text)) else "length"

    def spoken(self) -> Iterable[Frame]:
        return (self.dialect.text(self.order, token) for token in self.tokens)

    def closing(self) -> Sequence[Frame]:
        return self.dialect.closing(self.order, self.finish, len(self.tokens))

    async def head(self) -> None:
        await self.exchange.head(200, STREAM)

    async def send(self, data: bytes) -> None:
        """One chunk of the body, which arrives as one read."""
        await self.exchange.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def say(self, frames: Iterable[Frame]) -> None:
        """One chunk per event, each in its time."""
        for kind, data in frames:
            if self.token_time:
                await asyncio.sleep(self.token_time)
            await self.send(frame(kind, data))

    async def begin(self) -> None:
        """Head, opening and the first tokens."""
        await self.head()
        await self.say(self.dialect.opening(self.order))
        await self.say(self.dialect.text(self.order, token) for token in self.tokens[:SPOKEN_BEFORE_TROUBLE])

    async def end(self) -> None:
        await self.exchange.send(b"0\r\n\r\n")

    def whole(self) -> bytes:
        """The complete answer as it would travel."""
        frames = [*self.dialect.opening(self.order), *self.spoken(), *self.closing()]
        return b"".join(frame(kind, data) for kind, data in frames)


async def answer_well(answer: Answer) -> None:
    """What should happen: the usage in a last chunk of its own, then the end."""
    await answer.head()
    await answer.say(answer.dialect.opening(answer.order))
    await answer.say(answer.spoken())
    await answer.say(answer.closing())
    await answer.end()


# --- proper answers in odd clothes ----------------------------------------------------------------


async def _crlf(answer: Answer) -> None:
    await answer.head()
    await answer.send(answer.whole().replace(b"\n", b"\r\n"))
    await answer.end()


async def _comments(answer: Answer) -> None:
    """Comments and pings between all events, as proxies and thinking models send them."""
    await answer.head()
    ping = answer.dialect.ping()
    for kind, data in [*answer.dialect.opening(answer.order), *answer.spoken(), *answer.closing()]:
        await answer.send(b": keep-alive\n\n" + (frame(*ping) if ping else b""))
        await answer.send(frame(kind, data))
    await answer.end()


async def _split(answer: Answer) -> None:
    """Byte by byte: every character beyond ASCII is cut in the middle."""
    await answer.head()
    body = answer.whole()
    for at in range(len(body)):
        await answer.send(body[at : at + 1])
    await answer.end()


async def _lump(answer: Answer) -> None:
    """Everything at once."""
    await answer.head()
    await answer.send(answer.whole())
    await answer.end()


async def _no_usage(answer: Answer) -> None:
    """A server that does not know `stream_options`; Anthropic's always counts."""
    closing = answer.closing()
    if isinstance(answer.dialect, OpenAI):
        closing = [answer.dialect.finish(answer.order, answer.finish), DONE]
    await answer.begin()
    await answer.say([*answer.spoken()][SPOKEN_BEFORE_TROUBLE:])
    await answer.say(closing)
    await answer.end()


async def _early_usage(answer: Answer) -> None:
    """The usage beside the finish reason, and no `[DONE]`."""
    closing = answer.closing()
    if isinstance(answer.dialect, OpenAI):
        counted = usage(answer.order, len(answer.tokens))
        closing = [answer.dialect.finish(answer.order, answer.finish, counted)]
    await answer.begin()
    await answer.say([*answer.spoken()][SPOKEN_BEFORE_TROUBLE:])
    await answer.say(closing)
    await answer.end()


async def _lingers(answer: Answer) -> None:
    """Says everything and then does not hang up."""
    await answer.head()
    await answer.send(answer.whole())
    await answer.exchange.until_gone()


# --- no answers -----------------------------------------------------------------------------------


def _refuse(status: int, message: str, *, stated: int | None = None, repeats_key: bool = False) -> Treat:
    async def refuse(answer: Answer) -> None:
        headers = {"retry-after": f"{max(1, round(answer.retry_after))}"} if status == 429 else {}
        sent = answer.exchange.headers
        key = sent.get("x-api-key") or sent.get("authorization", "").removeprefix("Bearer ")
        text = f"{message}: {key}" if repeats_key else message
        await answer.exchange.answer_json(status, answer.dialect.error(stated or status, text), headers)

    return refuse


async def _error(answer: Answer) -> None:
    """An error in mid-stream, after a status of 200."""
    await answer.begin()
    await answer.say([answer.dialect.broken()])
    await answer.end()


async def _cut(answer: Answer) -> None:
    """The connection closes in the middle of the body."""
    await answer.begin()
    answer.exchange.keep_alive = False


async def _reset(answer: Answer) -> None:
    await answer.begin()
    answer.exchange.reset()


async def _ends(answer: Answer) -> None:
    """A body that is complete as HTTP, and no answer."""
    await answer.begin()
    await answer.end()


async def _filter(answer: Answer) -> None:
    await answer.begin()
    await answer.say(answer.dialect.closing(answer.order, "content_filter", SPOKEN_BEFORE_TROUBLE))
    await answer.end()


async def _slow(answer: Answer) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SLOW_SECONDS):
            await answer.exchange.until_gone()
            return
    await answer_well(answer)


async def _silence(answer: Answer) -> None:
    await answer.begin()
    await answer.exchange.until_gone()


async def _drip(answer: Answer) -> None:
    """Never silent, never done: comments for ever."""
    await answer.begin()
    while True:
        await answer.send(b": still here\n\n")
        await asyncio.sleep(DRIP_SECONDS)


async def _huge(answer: Answer) -> None:
    """One line without end."""
    await answer.begin()
    await answer.send(b"data: ")
    while True:
        await answer.send(b"x" * BLOCK)


async def _flood(answer: Answer) -> None:
    """Well-formed events without end and without text."""
    await answer.begin()
    events = frame(*answer.dialect.text(answer.order, "")) * 500
    while True:
        await answer.send(events)


async def _nonsense(answer: Answer) -> None:
    await answer.begin()
    await answer.say([(None, '{"choices": [{"delta"')])
    await answer.end()


async def _html(answer: Answer) -> None:
    await answer.exchange.answer(200, b"<!doctype html><title>Please log in</title>", "text/html")


async def _whole(answer: Answer) -> None:
    """Ignores `stream` and answers with one document."""
    document = {"choices": [{"message": {"content": answer.text}, "finish_reason": "stop"}]}
    await answer.exchange.answer_json(200, document)


async def _squeezed(answer: Answer) -> None:
    headers = {"content-encoding": "gzip"}
    body = gzip.compress(answer.whole())
    await answer.exchange.answer(200, body, STREAM["content-type"], headers)


async def _redirect(answer: Answer) -> None:
    await answer.exchange.answer(307, b"", "text/plain", {"location": answer.dialect.path})


QUIRKS: Mapping[str, Treat] = {
    "crlf": _crlf,
    "comments": _comments,
    "split": _split,
    "lump": _lump,
    "no-usage": _no_usage,
    "early-usage": _early_usage,
    "lingers": _lingers,
}
FAILURES: Mapping[str, Treat] = {
    "400": _refuse(400, "This model's maximum context length is 8192 tokens"),
    "401": _refuse(401, "Incorrect API key provided", repeats_key=True),
    "404": _refuse(404, "The model does not exist or you do not have access to it"),
    "429": _refuse(429, "Rate limit reached"),
    "quota": _refuse(429, "You exceeded your current quota", stated=402),
    "500": _refuse(500, "Internal server error"),
    "529": _refuse(529, "Overloaded"),
    "error": _error,
    "cut": _cut,
    "reset": _reset,
    "ends": _ends,
    "filter": _filter,
    "slow": _slow,
    "silence": _silence,
    "drip": _drip,
    "huge": _huge,
    "flood": _flood,
    "nonsense": _nonsense,
    "html": _html,
    "whole": _whole,
    "squeezed": _squeezed,
    "redirect": _redirect,
}
FAULTS: Mapping[str, Treat] = {**QUIRKS, **FAILURES}
