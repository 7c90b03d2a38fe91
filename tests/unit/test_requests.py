"""Waiting for an answer that was heard before it was stored."""

from __future__ import annotations

import asyncio
from typing import Any

from memebattle.bus.answers import MemoryAnswers
from memebattle.bus.idempotency import Answer
from memebattle.bus.requests import JetStreamRequests


class LateAnswers(MemoryAnswers):
    """Stores, but shows what it stored only at the third look."""

    looks = 0

    async def lookup(self, request_id: str) -> Answer | None:
        self.looks += 1
        return await super().lookup(request_id) if self.looks >= 3 else None


async def test_hearing_of_an_answer_is_not_having_it() -> None:
    """The waiter looks again until the stream has it."""
    answers, unused, heard = LateAnswers(), Any, asyncio.Event()
    await answers.publish(Answer("cat-1", "response", b"{}", "digest"))
    requests = JetStreamRequests(unused, unused, answers, "meme.request", "MEMES")
    heard.set()

    found = await requests._wait("cat-1", heard, 30)

    assert found is not None
    assert answers.looks == 3
