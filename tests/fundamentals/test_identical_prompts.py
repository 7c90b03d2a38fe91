"""Drawing is expensive; identical work runs once."""

from __future__ import annotations

from tests.fundamentals.conftest import Platform
from tests.toys import ScriptedModel
from tests.waiting import wait_until


async def test_an_identical_prompt_is_drawn_once(platform: Platform) -> None:
    """Six people ask for the same picture at the same time, on two workers: one call, six answers.

    One answer says that it was drawn; the others that they shared it or found it in the cache.
    """
    model = ScriptedModel()
    model.hold()
    async with platform.worker(model), platform.worker(model):
        for number in range(6):
            await platform.ask("A cat wearing a space helmet on Mars", id=f"cat-{number}")
        await model.started.wait()
        model.may_finish.set()
        answers = [await platform.answer_to(f"cat-{number}") for number in range(6)]

    assert len(model.calls) == 1
    assert len({answer["sha256"] for answer in answers}) == 1
    assert sum(not answer["cached"] and not answer["coalesced"] for answer in answers) == 1


async def test_a_picture_is_cached_for_everybody(platform: Platform) -> None:
    """A worker that was never asked before answers from the cache that all of them share."""
    async with platform.worker():
        await platform.ask("A cat", id="first")
        await platform.answer_to("first")

    unused = ScriptedModel()
    async with platform.worker(unused):
        await platform.ask("A cat", id="second")
        answer = await platform.answer_to("second")

    assert answer["cached"]
    assert unused.calls == []


async def test_another_prompt_is_another_picture(platform: Platform) -> None:
    """Whatever changes the picture makes it a different one: the prompt, the size, the seed."""
    model = ScriptedModel()
    async with platform.worker(model):
        await platform.ask("A cat", id="large")
        await platform.ask("A cat", id="small", small_image=True)
        await platform.ask("A cat", id="seeded", seed=7)
        await wait_until(lambda: len(platform.heard) == 3, "three answers")

    assert {(spec.width, spec.seed) for spec in model.calls} == {(1024, None), (512, None), (1024, 7)}
