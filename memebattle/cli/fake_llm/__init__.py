"""OpenAI and Anthropic of our own on loopback: real HTTP, no key, no internet, and faults on request.

    async with FakeLLM(Manners(token_time=0.02)) as fake:
        settings = Settings.from_env({"OPENAI_BASE_URL": fake.openai_url})

`/v1/chat/completions` and `/v1/messages` stream the same answer, each in its own format. A fault is chosen by
a word in the last message (`!429`), by the model (`fake-429`), or by `script`; `faults.FAULTS` has the names.
Every request is counted by its last message; other processes read the counts at `GET /_calls`:

    {"total": 3, "by_prompt": {"a caption for my cat": 2, "another one": 1}}
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

from memebattle.cli.fake_hf.wire import Exchange, converse
from memebattle.cli.fake_llm.answering import Answer, answer_well
from memebattle.cli.fake_llm.dialects import DIALECTS, Dialect
from memebattle.cli.fake_llm.faults import FAULTS

REMEMBERED_REQUESTS = 1000
BACKLOG = 1024
MODELS = ("fake-1", *(f"fake-{name}" for name in FAULTS))

ANSWER = (
    'Oh, the crowd knows this feeling. Try this: "When the queue is empty | schöne Grüße from KEDA 🚀". '
    "Put the surprise last, because the vote is won on the bottom line. Paint it and let the crowd decide."
)


@dataclass(frozen=True, slots=True)
class Manners:
    """How the fake behaves.

    Args:
        latency: seconds before every answer.
        token_time: seconds before every token.
        answer: what it says; its words are its tokens.
        retry_after: seconds that a 429 asks to wait.
    """

    latency: float = 0.0
    token_time: float = 0.0
    answer: str = ANSWER
    retry_after: float = 1.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it arrived. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    document: Any


@dataclass(eq=False)
class FakeLLM:
    """The server, an async context manager; `port` 0 takes a free one and then says which.

    `manners` may be replaced while it runs.
    """

    manners: Manners = field(default_factory=Manners)
    host: str = "127.0.0.1"
    port: int = 0
    calls: Counter[str] = field(default_factory=Counter, init=False)
    log: deque[Call] = field(default_factory=lambda: deque(maxlen=REMEMBERED_REQUESTS), init=False)
    connections: int = field(default=0, init=False)
    _script: deque[str] = field(default_factory=deque, init=False)
    _conversations: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, self.port, backlog=BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._conversations:
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def base_url(self) -> str:
        """`http://host:port`, without a slash: the `ANTHROPIC_BASE_URL` that reaches this server."""
        return f"http://{self.host}:{self.port}"

    @property
    def openai_url(self) -> str:
        """The `OPENAI_BASE_URL` or `CHAT_CUSTOM_URL` that reaches it."""
        return f"{self.base_url}/v1"

    @property
    def total(self) -> int:
        """Requests for text so far, failed ones included."""
        return self.calls.total()

    @property
    def open_connections(self) -> int:
        """Clients that have not hung up."""
        return len(self._conversations)

    def script(self, *faults: str) -> None:
        """Play these to the next requests, one each; "ok" is none. The names are in `FAULTS`."""
        unknown = set(faults) - FAULTS.keys() - {"ok"}
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        self._script.extend(faults)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(converse(reader, writer, self._respond))
        self._conversations.add(task)
        task.add_done_callback(self._conversations.discard)

    async def _respond(self, exchange: Exchange) -> None:
        document = _json(exchange.body)
        self.log.append(Call(exchange.method, exchange.path, exchange.headers, document))
        dialect = DIALECTS.get(exchange.path)
        if exchange.method == "GET" and exchange.path == "/_calls":
            await exchange.answer_json(200, {"total": self.total, "by_prompt": dict(self.calls)})
        elif exchange.method == "GET" and exchange.path == "/v1/models":
            data = [{"id": name, "object": "model", "owned_by": "memebattle"} for name in MODELS]
            await exchange.answer_json(200, {"object": "list", "data": data})
        elif exchange.method == "POST" and dialect:
            await self._write(exchange, dialect, document)
        else:
            await exchange.answer_json(HTTPStatus.NOT_FOUND, {"error": {"message": "Not Found"}})

    async def _write(self, exchange: Exchange, dialect: Dialect, document: Any) -> None:
        if refused := dialect.refused(document):
            await exchange.answer_json(HTTPStatus.BAD_REQUEST, dialect.error(400, refused))
            return
        order = dialect.order(document)
        self.calls[order.question] += 1
        manners = self.manners
        if manners.latency:
            await asyncio.sleep(manners.latency)
        answer = Answer(exchange, dialect, order, manners.answer, manners.token_time, manners.retry_after)
        await FAULTS.get(self._fault(order.model, order.question), answer_well)(answer)

    def _fault(self, model: str, question: str) -> str:
        if self._script:
            return self._script.popleft()
        asked = {word[1:] for word in question.split() if word.startswith("!")}
        return next((name for name in FAULTS if name in asked), model.removeprefix("fake-"))


async def serve(
    manners: Manners,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[FakeLLM], None] | None = None,
) -> None:
    """Run until cancelled. `ready` is called once with the listening server."""
    async with FakeLLM(manners, host=host, port=port) as fake:
        if ready:
            ready(fake)
        await asyncio.Event().wait()


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
