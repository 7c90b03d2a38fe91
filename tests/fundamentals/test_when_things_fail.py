"""Every request ends in an answer, also the ones that cannot be served."""

from __future__ import annotations

from memebattle.generation.ports import ContentBlocked, ProviderUnavailable
from tests.fundamentals.conftest import Platform
from tests.toys import ScriptedModel


async def test_a_broken_message_is_put_aside(platform: Platform) -> None:
    """It cannot be read, so trying again is pointless: it goes to the dead letters, with the reason.

    The queue behind it moves on, and who can be answered is answered.
    """
    async with platform.worker():
        await platform.send(b"this is not JSON")
        await platform.ask("", id="empty-prompt")
        await platform.ask("A cat", id="cat")
        await platform.answer_to("cat")
        refusal = await platform.answer_to("empty-prompt")
        await platform.quiet()

    assert (refusal["code"], refusal["retryable"]) == ("invalid_request", False)
    assert refusal["error"].startswith("prompt: ")
    letter = await platform.js.get_msg("DEAD_LETTERS", 1)
    assert letter.data == b"this is not JSON"
    assert (letter.headers or {})["Mb-Reason"] == "invalid_json"


async def test_a_failure_is_an_answer_too(platform: Platform) -> None:
    """There will be no picture; the client is told why, on `meme.response.error`."""
    async with platform.worker(ScriptedModel(ContentBlocked("the safety checker blocked it"))):
        await platform.ask("Something awful", id="awful")
        error = await platform.answer_to("awful")

    assert (error["code"], error["error"]) == ("nsfw", "the safety checker blocked it")
    assert [subject for subject, _ in platform.answers_to("awful")] == ["meme.response.error"]


async def test_a_passing_failure_is_tried_again(platform: Platform) -> None:
    """The provider is overloaded for a moment: the stream keeps the request until it works."""
    model = ScriptedModel(ProviderUnavailable("overloaded", retry_after=0.1))
    async with platform.worker(model):
        await platform.ask("A cat", id="cat")
        answer = await platform.answer_to("cat")

    assert answer["prompt"] == "A cat"
    assert len(model.calls) == 2


async def test_a_request_can_be_cancelled(platform: Platform) -> None:
    """`meme.cancel.{request_id}` stops the work; the request is then answered with the error `cancelled`."""
    model = ScriptedModel()
    model.hold()
    async with platform.worker(model):
        await platform.ask("A very slow cat", id="slow")
        await model.started.wait()
        await platform.client.publish("meme.cancel.slow")
        answer = await platform.answer_to("slow")

    assert answer["code"] == "cancelled"


async def test_a_stopping_worker_hands_its_work_over(platform: Platform) -> None:
    """What it cannot finish in time it gives back, and another worker answers, once."""
    stuck, fresh = ScriptedModel(), ScriptedModel()
    stuck.hold()
    # nothing here may have to wait for a lease or a redelivery to run out
    patient = {"ACK_WAIT": "60", "CLAIM_LEASE": "60", "SHUTDOWN_GRACE": "0"}
    async with platform.worker(stuck, **patient):
        await platform.ask("A cat", id="cat")
        await stuck.started.wait()
    async with platform.worker(fresh, **patient):
        await platform.answer_to("cat")
        await platform.quiet()

    assert len(platform.answers_to("cat")) == 1
    assert len(fresh.calls) == 1
