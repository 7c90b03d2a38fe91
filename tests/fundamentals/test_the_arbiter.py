"""Exactly one answer is a property of the answer stream, not of careful workers."""

from __future__ import annotations

import asyncio

from memebattle.bootstrap.wiring import answers_of, wire
from memebattle.bus.idempotency import Answer
from memebattle.settings import Settings
from tests.fundamentals.conftest import Platform
from tests.waiting import wait_until


async def test_the_stream_decides_who_answered_first(platform: Platform) -> None:
    """Ten workers believe they should answer. The stream stores the first and tells the others about it.

    It republishes only what it stored, so listeners hear one answer, whoever else tried.
    """
    wiring = wire(Settings.from_env(platform.env), "worker", ["memes"])
    await wiring.broker.start()
    arbiter = answers_of(wiring)
    candidates = [Answer("r1", "response", b'{"request_id":"r1","n":%d}' % n, "digest") for n in range(10)]
    found = await asyncio.gather(*(arbiter.publish(each) for each in candidates))
    await wait_until(lambda: platform.heard, "the answer on the air")
    await wiring.broker.stop()

    (first,) = [mine for mine, existing in zip(candidates, found, strict=True) if existing is None]
    assert [existing for existing in found if existing is not None] == [first] * 9
    assert [body["n"] for _, body in platform.heard] == [candidates.index(first)]


async def test_an_answer_can_be_read_later(platform: Platform) -> None:
    """A client that was away reads its answer from the stream, by the id of its request."""
    async with platform.worker():
        await platform.ask("A cat", id="cat")
        heard = await platform.answer_to("cat")

    stored = await platform.js.get_last_msg("MEME_RESULTS", "answers.meme.cat.response")
    assert heard["sha256"].encode() in (stored.data or b"")
