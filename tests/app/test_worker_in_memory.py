"""The whole worker without any server: FastStream's test broker, and every port an in-memory twin.

The test broker delivers to both subscribers of `meme.request`, one after the other. Its messages carry no
JetStream acknowledgement subject, so both are handled as Core copies; where a test is about the durable
path, it gives the message the reply subject that a consumer would have given it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from faststream.nats import TestApp, TestNatsBroker

from memebattle.bootstrap.meme_house import MemeParts
from memebattle.bus.answers import MemoryAnswers
from memebattle.bus.events import MemoryEvents
from memebattle.bus.objects import MemoryImages
from memebattle.generation.ports import ContentBlocked
from memebattle.settings import Settings, SettingsError
from memebattle.store.cache import MemoryCache
from memebattle.store.claims import MemoryClaims
from memebattle.store.flights import MemoryFlights
from memebattle.worker import WorkerApp, create_app
from tests.toys import ScriptedModel

ACK = "$JS.ACK.MEMES.meme-generator.1.7.7.1795212000000000000.0"


@dataclass
class InMemory:
    """A worker whose world is this process."""

    model: ScriptedModel = field(default_factory=ScriptedModel)
    answers: MemoryAnswers = field(default_factory=MemoryAnswers)
    events: MemoryEvents = field(default_factory=MemoryEvents)
    claims: MemoryClaims = field(default_factory=MemoryClaims)

    def app(self, **env: str) -> WorkerApp:
        return create_app(
            Settings.from_env({"WORKER_CONTEXTS": "memes"} | env),
            memes=MemeParts(
                model=self.model,
                answers=self.answers,
                events=self.events,
                claims=self.claims,
                cache=MemoryCache(3600),
                flights=MemoryFlights(),
                images=MemoryImages(),
            ),
        )

    @contextlib.asynccontextmanager
    async def running(self, **env: str) -> AsyncIterator[TestNatsBroker]:
        app = self.app(**env)
        async with TestNatsBroker(app.broker, connect_only=True) as broker, TestApp(app):
            yield broker

    def answer(self, request_id: str) -> dict[str, Any]:
        answer = self.answers.stored[request_id]
        return {"kind": answer.kind} | json.loads(answer.body)


@pytest.fixture
def world() -> InMemory:
    return InMemory()


async def test_a_request_becomes_one_answer(world: InMemory) -> None:
    """O22: publish, and the answer is there when `publish` returns."""
    async with world.running() as broker:
        await broker.publish({"id": "r1", "prompt": "A cat"}, "meme.request")

    assert (world.answer("r1")["kind"], world.answer("r1")["prompt"]) == ("response", "A cat")
    assert len(world.model.calls) == 1
    assert [subject for subject, _ in world.events.told].count("meme.created") == 1


async def test_the_durable_path_alone_answers_too(world: InMemory) -> None:
    async with world.running() as broker:
        await broker.publish({"prompt": "A cat"}, "meme.request", stream="MEMES", reply_to=ACK)

    assert world.answer("js-MEMES-7")["prompt"] == "A cat"


async def test_both_copies_of_a_request_are_one_answer(world: InMemory) -> None:
    async with world.running() as broker:
        await broker.publish({"id": "r1", "prompt": "A cat"}, "meme.request")
        await broker.publish({"id": "r1", "prompt": "A cat"}, "meme.request", stream="MEMES", reply_to=ACK)

    assert len(world.model.calls) == 1
    assert list(world.answers.stored) == ["r1"]


async def test_without_core_only_the_durable_path_is_subscribed(world: InMemory) -> None:
    async with world.running(ENABLE_CORE_NATS="false") as broker:
        assert (
            len([each for each in broker.subscribers if each.calls and "request" in str(each.calls[0])]) <= 2
        )
        await broker.publish({"id": "r1", "prompt": "A cat"}, "meme.request", stream="MEMES", reply_to=ACK)

    assert world.answer("r1")["kind"] == "response"


async def test_a_failure_becomes_an_error_answer(world: InMemory) -> None:
    world.model.script = [ContentBlocked("the safety checker blocked it")]
    async with world.running() as broker:
        await broker.publish({"id": "r1", "prompt": "Something awful"}, "meme.request")

    assert (world.answer("r1")["kind"], world.answer("r1")["code"]) == ("error", "nsfw")


async def test_a_message_that_is_no_request_breaks_nothing(world: InMemory) -> None:
    async with world.running() as broker:
        await broker.publish(b"this is not JSON", "meme.request")
        await broker.publish({"id": "r1", "prompt": "A cat"}, "meme.request")

    assert list(world.answers.stored) == ["r1"]


async def test_the_subject_says_what_to_cancel(world: InMemory) -> None:
    async with world.running() as broker:
        await broker.publish(b"", "meme.cancel.r1")
        await broker.publish({"id": "r1", "prompt": "A cat"}, "meme.request")

    assert (world.answer("r1")["code"], world.model.calls) == ("cancelled", [])


async def test_the_names_come_from_the_settings(world: InMemory) -> None:
    names = {
        "NATS_REQUEST_SUBJECT": "pictures.wanted",
        "NATS_STREAM": "PICTURES",
        "NATS_CONSUMER": "painters",
    }
    async with world.running(**names) as broker:
        await broker.publish({"id": "r1", "prompt": "A cat"}, "pictures.wanted")

    assert world.answer("r1")["kind"] == "response"


async def test_it_says_when_it_is_ready_and_when_it_stops(world: InMemory) -> None:
    app = world.app()
    health = app.wiring.health
    assert health.starting

    async with TestNatsBroker(app.broker, connect_only=True), TestApp(app):
        assert (health.starting, health.stopping) == (False, False)

    assert health.stopping


def test_it_builds_with_an_empty_environment() -> None:
    """No secret, no connection: the documents and the tests need none."""
    app = create_app(Settings.from_env({}))

    assert [path for path, _ in app.routes] == ["/metrics", "/livez", "/readyz", "/healthz"]


def test_an_unknown_context_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="WORKER_CONTEXTS: no context 'poker'"):
        create_app(Settings.from_env({"WORKER_CONTEXTS": "memes,poker"}))


async def test_the_house_leaves_alone_what_it_was_given(world: InMemory) -> None:
    """What it opens it closes, what it is given belongs to somebody else."""
    closed: list[str] = []

    async def aclose() -> None:
        closed.append("model")

    world.model.aclose = aclose  # type: ignore[method-assign]
    async with world.running():
        pass

    assert closed == []
