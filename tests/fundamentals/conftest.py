"""The platform in one process: real NATS, real Valkey, and as many workers as a lesson needs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from memebattle.bootstrap.meme_house import MemeParts
from memebattle.generation.ports import ImageModel
from memebattle.settings import Settings
from memebattle.worker import WorkerApp, create_app
from tests.toys import ScriptedModel
from tests.waiting import wait_until


@dataclass
class Platform:
    """What a client sees: publish a request, hear what is on the air."""

    client: Client
    env: dict[str, str]
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    sent: int = 0

    @property
    def js(self) -> JetStreamContext:
        return self.client.jetstream()

    async def listen(self) -> None:
        async def note(message: Msg) -> None:
            self.heard.append((message.subject, json.loads(message.data)))

        for subject in ("meme.response", "meme.response.error"):
            await self.client.subscribe(subject, cb=note)
        await self.client.flush()

    @contextlib.asynccontextmanager
    async def worker(self, model: ImageModel | None = None, **env: str) -> AsyncIterator[WorkerApp]:
        """A worker, from ready to stopped."""
        # a busy machine may keep us from hearing Redis for longer than the quarter of a second of production
        env = {"REDIS_TIMEOUT": "2"} | self.env | env
        app = create_app(Settings.from_env(env), memes=MemeParts(model=model or ScriptedModel()))
        health = app.wiring.health
        async with app.start_lifespan_context():
            await wait_until(lambda: health.report()[0] != "unavailable", "the worker to be ready")
            yield app

    async def ask(self, prompt: str, **fields: Any) -> None:
        """Publish a request as any NATS client would: the simplest way there is."""
        await self.send(json.dumps({"prompt": prompt, **fields}).encode())

    async def send(self, body: bytes) -> None:
        """Publish any bytes as a request."""
        self.sent += 1
        await self.client.publish("meme.request", body)

    def answers_to(self, request_id: str) -> list[tuple[str, dict[str, Any]]]:
        """What was heard about one request: the subject and the message."""
        return [(subject, body) for subject, body in self.heard if body["request_id"] == request_id]

    async def answer_to(self, request_id: str) -> dict[str, Any]:
        """Wait for the answer to one request."""
        await wait_until(lambda: self.answers_to(request_id), f"the answer to {request_id}")
        return self.answers_to(request_id)[0][1]

    async def quiet(self) -> None:
        """Wait until no request is waiting or in work: whatever was to be said has been said."""

        async def all_done() -> bool:
            if (await self.js.stream_info("MEMES")).state.last_seq < self.sent:
                return False
            consumer = await self.js.consumer_info("MEMES", "meme-generator")
            return not consumer.num_pending and not consumer.num_ack_pending

        await wait_until(all_done, "the queue to be empty")
        await self.client.flush()


@pytest.fixture
async def platform(developer: Client, worker_env: dict[str, str]) -> Platform:
    """Servers without a worker; a client is listening."""
    platform = Platform(developer, worker_env)
    await platform.listen()
    return platform
