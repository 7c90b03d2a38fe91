"""Core NATS is fast, JetStream forgets nothing, and a client need not know which is which."""

from __future__ import annotations

from memebattle.bus.streams import Topology
from memebattle.settings import Settings
from tests.fundamentals.conftest import Platform


async def test_core_and_jetstream_are_the_same_door(platform: Platform) -> None:
    """A plain publish is stored by the stream; a JetStream publish is heard by the Core queue group.

    So both reach both paths. The JetStream publisher also gets the server's word that the request is safe.
    """
    async with platform.worker():
        await platform.ask("Asked over Core NATS", id="core")
        stored = await platform.js.publish(
            "meme.request", b'{"id":"durable","prompt":"Asked over JetStream"}'
        )

        assert (await platform.answer_to("core"))["prompt"] == "Asked over Core NATS"
        assert (await platform.answer_to("durable"))["prompt"] == "Asked over JetStream"

    assert stored.stream == "MEMES"


async def test_the_fast_path_can_be_switched_off(platform: Platform) -> None:
    """With `ENABLE_CORE_NATS=false` everything comes through the stream, with the same results."""
    async with platform.worker(ENABLE_CORE_NATS="false") as worker:
        await platform.ask("A cat", id="cat")
        await platform.answer_to("cat")

    count = worker.wiring.metrics.registry.get_sample_value
    assert count("meme_generator_core_nats_messages_total") == 0
    assert count("meme_generator_jetstream_messages_total") == 1


async def test_requests_wait_until_there_is_a_worker(platform: Platform) -> None:
    """Nobody works, nothing is lost: this is what lets the autoscaler go down to zero."""
    await Topology.of(Settings()).apply(platform.js)
    for number in range(3):
        await platform.ask("A cat", id=f"early-{number}")

    async with platform.worker():
        for number in range(3):
            await platform.answer_to(f"early-{number}")
