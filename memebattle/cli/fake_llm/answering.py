"""One answer of the fake, sent as it should be, and in the odd clothes that servers have put on it.

All of these end in the complete answer; what does not is in `faults`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from memebattle.cli.fake_hf.wire import Exchange
from memebattle.cli.fake_llm.dialects import DONE, Dialect, Finish, Frame, OpenAI, Order, frame, usage

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


QUIRKS: Mapping[str, Treat] = {
    "crlf": _crlf,
    "comments": _comments,
    "split": _split,
    "lump": _lump,
    "no-usage": _no_usage,
    "early-usage": _early_usage,
    "lingers": _lingers,
}
