"""Redis makes us cheaper, never more correct."""

from __future__ import annotations

from memebattle.cli.local import RedisServer
from tests.fundamentals.conftest import Platform
from tests.toys import ScriptedModel
from tests.waiting import wait_until


async def test_without_redis_the_answer_still_comes_once(
    platform: Platform, redis_server: RedisServer
) -> None:
    """Claims, flights and the shared cache are gone; the stream still stores one answer per request.

    The fast path pauses meanwhile, so that two workers do not draw the same request side by side.
    """
    model = ScriptedModel()
    async with platform.worker(model) as worker, platform.worker(model):
        await redis_server.child.stop()
        await wait_until(lambda: worker.wiring.health.report()[0] == "degraded", "the loss to be noticed")
        for number in range(5):
            await platform.ask(f"Cat number {number}", id=f"cat-{number}")
        for number in range(5):
            await platform.answer_to(f"cat-{number}")
        await platform.quiet()

    assert len(platform.heard) == 5
    assert len(model.calls) == 5
