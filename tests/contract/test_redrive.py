"""Reading dead letters from a real stream, also from one that never had any."""

from __future__ import annotations

from memebattle.cli.redrive import _messages
from tests.contract.conftest import Bus

SUBJECT = "dlq.MEMES.meme-generator"


async def bodies(bus: Bus) -> list[bytes | None]:
    return [message.data async for message in _messages(bus.js(), "DEAD_LETTERS")]


async def test_no_dead_letter_was_ever_there(bus: Bus) -> None:
    """The first thing somebody looks at after an installation."""
    assert await bodies(bus) == []


async def test_dead_letters_come_oldest_first_without_those_that_are_gone(bus: Bus) -> None:
    for body in (b"one", b"two", b"three"):
        await bus.js().publish(SUBJECT, body)
    await bus.js().delete_msg("DEAD_LETTERS", 2)

    assert await bodies(bus) == [b"one", b"three"]
