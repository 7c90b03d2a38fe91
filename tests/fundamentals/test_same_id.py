"""The id names the request."""

from __future__ import annotations

from tests.fundamentals.conftest import Platform
from tests.toys import ScriptedModel


async def test_the_same_id_twice_is_one_answer(platform: Platform) -> None:
    """A client that is not sure whether its request arrived sends it again, with the same id.

    Nobody draws twice and nobody hears a second answer, whichever worker gets the copies.
    """
    model = ScriptedModel()
    async with platform.worker(model), platform.worker(model):
        for _ in range(5):
            await platform.ask("A cat wearing a space helmet on Mars", id="cat-on-mars")
        await platform.answer_to("cat-on-mars")
        await platform.quiet()

    assert len(model.calls) == 1
    assert len(platform.answers_to("cat-on-mars")) == 1


async def test_an_id_that_was_used_for_something_else_gets_nobody_s_picture(platform: Platform) -> None:
    """The second question under the same id is put aside; its sender does not get the first one's picture."""
    async with platform.worker():
        await platform.ask("A cat", id="mine")
        await platform.answer_to("mine")
        await platform.ask("A dog", id="mine")
        await platform.quiet()

    assert [body["prompt"] for _, body in platform.answers_to("mine")] == ["A cat"]
    letter = await platform.js.get_last_msg("DEAD_LETTERS", "dlq.MEMES.meme-generator")
    assert (letter.headers or {})["Mb-Reason"] == "id_conflict"
