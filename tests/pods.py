"""Gateway processes as production runs them, several at a time, and the whole of chat around them.

async with chat_running(directory, worker={"LOCAL_TOKEN_MS": "20"}) as chat:
    listener = await chat.listen("s1", pod=1)
    message_id = await chat.say("s1", "a caption for my cat", pod=2)
    await listener.complete(message_id)
    assert listener.answer(message_id).text == await coach("a caption for my cat")
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import nats
from nats.aio.client import Client
from nats.js.api import RawStreamMsg
from redis.asyncio import Redis

from memebattle.cli.children import Child, http_status, stopping
from memebattle.cli.local import NatsServer, RedisServer
from memebattle.cli.ports import free_port
from memebattle.generation.providers.local_text import MODEL, LocalText
from memebattle.generation.text import TextSpec, Turn
from tests.chat_client import Listener
from tests.fleet import Fleet
from tests.waiting import wait_until
from tests.zygote import forked_gateway


@dataclass
class Pods(Fleet):
    """Gateways 1..n; the pod ids are `gateway-1` and so on. The metrics are on the port of the API."""

    async def start_one(self, number: int) -> Child:
        port = self.ports.setdefault(number, free_port())
        env = {**self.env, "GATEWAY_ADDR": f"127.0.0.1:{port}"}
        log = self.directory / f"gateway-{number}.log"
        child = self.workers[number] = forked_gateway(env, log, number=number)
        await child.start()
        return child

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.directory.glob("gateway-*.log")))


@dataclass
class Chat:
    """Real servers, workers and pods, and one HTTP client and one developer beside them."""

    nats: NatsServer
    redis: RedisServer
    workers: Fleet
    pods: Pods
    developer: Client
    http: httpx.AsyncClient
    listeners: list[Listener] = field(default_factory=list)
    _sessions: int = 0

    def new_session(self) -> str:
        """A session that no other test has."""
        self._sessions += 1
        return f"session-{self._sessions}"

    async def listen(self, session_id: str, pod: int = 1, **options: Any) -> Listener:
        """A client of this session, connected to this pod."""
        listener = Listener(session_id)
        self.listeners.append(listener)
        return await listener.connect(self.pods.ports[pod], **options)

    async def post(self, session_id: str, message: str, pod: int = 1, **fields: Any) -> httpx.Response:
        """Send a message; other fields of it by name."""
        body = {"session_id": session_id, "message": message, **fields}
        return await self.http.post(self.url(pod, "api/chat"), json=body)

    async def say(self, session_id: str, message: str, pod: int = 1, **fields: Any) -> str:
        """The id of the message, once it is accepted."""
        response = await self.post(session_id, message, pod, **fields)
        assert response.status_code == 202, response.text
        message_id: str = response.json()["message_id"]
        return message_id

    async def stop(self, message_id: str, pod: int = 1) -> httpx.Response:
        """Ask to stop the answer to a message."""
        return await self.http.delete(self.url(pod, f"api/chat/{message_id}"))

    def url(self, pod: int, path: str) -> str:
        return f"http://127.0.0.1:{self.pods.ports[pod]}/{path}"

    async def publish(
        self, session_id: str, body: Mapping[str, Any] | bytes, headers: dict[str, str] | None = None
    ) -> int:
        """A message as a service in another language sends it; its sequence in the stream."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        subject = f"chat.workflow.execute.{session_id}"
        return (await self.developer.jetstream().publish(subject, data, headers=headers)).seq

    async def stored(self, session_id: str) -> dict[str, list[dict[str, Any]]]:
        """message id -> its chunks, as the stream holds them."""
        return (await self.all_stored(f"chat.stream.{session_id}.*")).get(session_id, {})

    async def all_stored(self, subjects: str) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """session id -> message id -> chunks."""
        found: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
        for subject, data in await self.frames(subjects):
            _, _, session_id, message_id = subject.split(".")
            body = json.loads(data)
            found[session_id][message_id] += body.get("chunks", [body])
        return found

    async def frames(self, subjects: str) -> list[tuple[str, bytes]]:
        """(subject, body) of what CHAT_CHUNKS holds."""
        js = self.developer.jetstream()
        state = (await js.stream_info("CHAT_CHUNKS", subjects_filter=subjects)).state
        count = sum((state.subjects or {}).values())
        subscription = await js.subscribe(subjects, ordered_consumer=True)
        try:
            messages = [await subscription.next_msg(timeout=5) for _ in range(count)]
        finally:
            await subscription.unsubscribe()
        return [(message.subject, message.data) for message in messages]

    async def is_final(self, session_id: str, message_id: str) -> bool:
        """Whether the stream holds the whole answer."""
        chunks = (await self.stored(session_id)).get(message_id, [])
        return bool(chunks) and chunks[-1]["is_final"]

    async def dead_letter(self, sequence: int) -> RawStreamMsg:
        """The dead letter of the message with this sequence, when it comes."""
        letter: RawStreamMsg = await wait_until(
            lambda: self._dead_letter(sequence), f"message {sequence} to be put aside", 20
        )
        return letter

    async def _dead_letter(self, sequence: int) -> RawStreamMsg | None:
        letters = [
            one for one in await self.dead_letters() if (one.headers or {})["Mb-Sequence"] == str(sequence)
        ]
        return letters[0] if letters else None

    async def dead_letters_of(self, *message_ids: str) -> list[RawStreamMsg]:
        """One for each of these messages, in that order; none as long as there is not one for each."""
        letters = {
            json.loads(letter.data or b"")["message_id"]: letter for letter in await self.dead_letters()
        }
        return [letters[each] for each in message_ids] if letters.keys() >= set(message_ids) else []

    async def dead_letters(self) -> list[RawStreamMsg]:
        js = self.developer.jetstream()
        last = (await js.stream_info("DEAD_LETTERS")).state.last_seq
        return [await js.get_msg("DEAD_LETTERS", sequence) for sequence in range(1, last + 1)]

    async def is_drained(self) -> bool:
        """Nothing waits, nothing is in work."""
        info = await self.developer.jetstream().consumer_info("WORKFLOW_REQUESTS", "workflow-processor")
        return not info.num_pending and not info.num_ack_pending

    async def ready(self, pod: int) -> bool:
        return await http_status(self.url(pod, "readyz")) == 200

    async def mend(self) -> None:
        """Start again what a test has ended, and wait until all is well."""
        for listener in self.listeners:
            await listener.leave()
        self.listeners.clear()
        for server in (self.nats, self.redis):
            if not server.child.running:
                await server.start()
        for fleet in (self.workers, self.pods):
            for number in [number for number, child in fleet.workers.items() if not child.running]:
                await fleet.start_one(number)
            await asyncio.gather(*(fleet.is_ready(number) for number in fleet.workers))
        await wait_until(lambda: self.developer.is_connected, "the developer to be connected")


@contextlib.asynccontextmanager
async def chat_running(
    directory: Path,
    *,
    workers: int = 2,
    pods: int = 2,
    worker: Mapping[str, str] | None = None,
    pod: Mapping[str, str] | None = None,
) -> AsyncIterator[Chat]:
    """All of chat, ready, with settings of workers and of pods.

    At the end no message may be left in the work queue, and every key must have a time to live.
    """
    server, redis = NatsServer(directory / "nats"), RedisServer(directory / "redis")
    async with stopping(server.child, redis.child), httpx.AsyncClient(timeout=30) as http:
        await asyncio.gather(server.start(), redis.start())
        chat = Chat(
            server,
            redis,
            Fleet(_worker_env(server, redis) | dict(worker or {}), directory),
            Pods(_pod_env(server, redis) | dict(pod or {}), directory),
            await nats.connect(server.url()),
            http,
        )
        try:
            await asyncio.gather(chat.workers.start(workers), chat.pods.start(pods))
            yield chat
            await wait_until(chat.is_drained, "the work queue to drain", 20)
            assert await keys_without_end(redis.url) == []
        finally:
            for listener in chat.listeners:
                await listener.leave()
            await chat.developer.close()
            await asyncio.gather(chat.workers.stop(), chat.pods.stop())


def _worker_env(server: NatsServer, redis: RedisServer) -> dict[str, str]:
    return {
        "NATS_URL": server.url("worker"),
        "NATS_INBOX_PREFIX": "_INBOX_worker",
        "REDIS_URL": redis.url,
        "REDIS_TIMEOUT": "5",
        "WORKER_CONTEXTS": "chat",
        "LOCAL_TOKEN_MS": "10",
        "ACK_WAIT": "3",
        "CLAIM_LEASE": "2",
        "WATCH_INTERVAL": "0.3",
    }


def _pod_env(server: NatsServer, redis: RedisServer) -> dict[str, str]:
    return {
        "NATS_URL": server.url("gateway"),
        "NATS_INBOX_PREFIX": "_INBOX_gateway",
        "REDIS_URL": redis.url,
        "REDIS_TIMEOUT": "5",
    }


async def keys_without_end(url: str) -> list[bytes]:
    """Keys that would stay for ever."""
    async with Redis.from_url(url) as client:
        return [key async for key in client.scan_iter() if await client.pttl(key) == -1]


async def coach(message: str, *, after: Sequence[tuple[str, str]] = (), max_tokens: int | None = None) -> str:
    """What the offline provider answers, undisturbed, `after` these questions with their answers."""
    turns = [turn for user, assistant in after for turn in (Turn("user", user), Turn("assistant", assistant))]
    spec = TextSpec((*turns, Turn("user", message)), MODEL, max_tokens=max_tokens)
    return "".join([piece.text async for piece in LocalText(token_time=0).stream(spec)])
