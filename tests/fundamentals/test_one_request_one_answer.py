"""Ask with a prompt, hear an answer."""

from __future__ import annotations

import base64

from tests.fundamentals.conftest import Platform


async def test_one_request_one_answer(platform: Platform) -> None:
    """A client publishes a prompt on `meme.request` and hears one message on `meme.response`.

    Every request reaches the workers twice, over Core NATS and through the stream. Only one answer is heard.
    """
    async with platform.worker():
        await platform.ask("A cat wearing a space helmet on Mars", id="cat-on-mars")
        answer = await platform.answer_to("cat-on-mars")
        await platform.quiet()

    assert answer["prompt"] == "A cat wearing a space helmet on Mars"
    assert base64.b64decode(answer["image_data"]).startswith(b"RIFF")
    assert [subject for subject, _ in platform.answers_to("cat-on-mars")] == ["meme.response"]


async def test_a_request_needs_no_id(platform: Platform) -> None:
    """Without an id the stream gives the request one: its name and the message's number."""
    async with platform.worker():
        await platform.ask("A dog in a submarine")
        answer = await platform.answer_to("js-MEMES-1")

    assert answer["prompt"] == "A dog in a submarine"
