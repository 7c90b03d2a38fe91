"""Everything an API for text has been seen doing instead of answering, by name.

Each takes one request and mistreats it; all `FAILURES` end in an error at the client. `FAULTS` adds the
`QUIRKS` of `answering`, which do not. `FakeLLM.script("cut", "ok")` plays them to the next requests in turn,
and a user picks one with `!cut` in a message or with the model `fake-cut`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import Mapping

from memebattle.cli.fake_llm.answering import (
    QUIRKS,
    SPOKEN_BEFORE_TROUBLE,
    STREAM,
    Answer,
    Treat,
    answer_well,
)
from memebattle.cli.fake_llm.dialects import frame

SLOW_SECONDS = 10.0
DRIP_SECONDS = 0.05  # between two comments
BLOCK = 64 * 1024


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
