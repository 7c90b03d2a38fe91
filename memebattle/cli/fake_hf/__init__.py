"""A HuggingFace of our own on loopback: real HTTP, no token, no internet.

    async with FakeHuggingFace(Manners(latency=0.8, error_rate=0.1, status=429)) as fake:
        settings = Settings.from_env({"IMAGE_PROVIDER": "huggingface", "HF_API_URL": fake.url()})

Demos, benchmarks and tests run the very client code that talks to HuggingFace. The fake speaks all five wire
formats (see `generation.providers.shapes`), paints pictures, is slow or fails as told, and counts. Every
request to draw is counted by prompt, the failed ones too; other processes read the counts at `GET /_calls`:

    {"total": 3, "by_prompt": {"a cat": 2, "a dog": 1}}
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote, unquote

from memebattle.cli.fake_hf.faults import FAULTS, refuse
from memebattle.cli.fake_hf.pictures import Format, Order, Style, order_of, paint, side
from memebattle.cli.fake_hf.wire import Exchange, converse
from memebattle.settings import DEFAULT_HF_MODEL, HuggingFaceProvider

REMEMBERED_REQUESTS = 1000
BACKLOG = 1024

_PATHS: Mapping[HuggingFaceProvider, str] = {
    "hf-inference": "/hf-inference/models/",
    "endpoint": "/",
    "fal-ai": "/fal-ai/",
    "together": "/together/v1/images/generations",
    "nscale": "/nscale/v1/images/generations",
}


@dataclass(frozen=True, slots=True)
class Manners:
    """How the fake behaves.

    Args:
        latency: seconds before every answer.
        error_rate: share of requests refused, 0 to 1.
        status: the HTTP status of a refusal.
        retry_after: seconds that a 429 or 503 asks to wait.
        style: `artist` draws memes, `noise` paints pictures as heavy as photographs.
        encoding: PNG, JPEG or WEBP.
        size: pixels a side whatever was asked for; None does as asked.
    """

    latency: float = 0.0
    error_rate: float = 0.0
    status: int = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after: float = 1.0
    style: Style = "artist"
    encoding: Format = "PNG"
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it arrived. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    document: Any


@dataclass(eq=False)
class FakeHuggingFace:
    """The server, an async context manager; `port` 0 takes a free one and then says which.

    `manners` may be replaced while it runs.
    """

    manners: Manners = field(default_factory=Manners)
    host: str = "127.0.0.1"
    port: int = 0
    rng: Callable[[], float] = random.random
    calls: Counter[str] = field(default_factory=Counter, init=False)
    log: deque[Call] = field(default_factory=lambda: deque(maxlen=REMEMBERED_REQUESTS), init=False)
    _script: deque[str] = field(default_factory=deque, init=False)
    _conversations: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    async def __aenter__(self) -> Self:
        # asyncio's own backlog of 100 turns a burst of connections into TCP retries and resets
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
        """`http://host:port`, without a slash."""
        return f"http://{self.host}:{self.port}"

    @property
    def total(self) -> int:
        """Requests to draw so far, failed ones included."""
        return self.calls.total()

    def url(self, provider: HuggingFaceProvider = "hf-inference", model: str = DEFAULT_HF_MODEL) -> str:
        """The `HF_API_URL` that reaches this server in a provider's format."""
        path = _PATHS[provider]
        return (
            f"{self.base_url}{path}{model}"
            if provider in {"hf-inference", "fal-ai"}
            else self.base_url + path
        )

    def script(self, *faults: str) -> None:
        """Play these to the next requests to draw, one each; "ok" is none. The names are in `FAULTS`."""
        unknown = set(faults) - FAULTS.keys() - {"ok"}
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        self._script.extend(faults)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(converse(reader, writer, self._respond))
        self._conversations.add(task)
        task.add_done_callback(self._conversations.discard)

    async def _respond(self, exchange: Exchange) -> None:
        document = _json(exchange.body)
        self.log.append(Call(exchange.method, exchange.path, exchange.headers, document))
        if exchange.method == "GET" and exchange.path == "/_calls":
            await exchange.answer_json(200, {"total": self.total, "by_prompt": dict(self.calls)})
        elif exchange.method == "GET" and exchange.path.startswith("/files/"):
            await self._send_file(exchange)
        elif exchange.method == "POST" and (provider := _provider(exchange.path)):
            await self._draw(exchange, provider, document)
        else:
            await exchange.answer_json(HTTPStatus.NOT_FOUND, {"error": "Not Found"})

    async def _draw(self, exchange: Exchange, provider: HuggingFaceProvider, document: Any) -> None:
        order = order_of(document, self.manners.size)
        if order is None:
            await exchange.answer_json(
                HTTPStatus.BAD_REQUEST, {"error": ["`inputs` or `prompt` is required"]}
            )
            return
        self.calls[order.prompt] += 1
        fault = self._script.popleft() if self._script else "ok"
        manners = self.manners
        if manners.latency:
            await asyncio.sleep(manners.latency)
        if fault != "ok":
            await FAULTS[fault](exchange)
        elif self.rng() < manners.error_rate:
            await refuse(exchange, manners.status, retry_after=manners.retry_after)
        else:
            await self._answer(exchange, provider, order)

    async def _answer(self, exchange: Exchange, provider: HuggingFaceProvider, order: Order) -> None:
        """The picture, wrapped as this provider wraps it."""
        if provider == "fal-ai":
            # the file's name says all there is to know about it, so nothing has to be kept
            host = exchange.headers.get("host", f"{self.host}:{self.port}")
            name = quote(order.prompt, safe="", errors="replace")
            link = f"http://{host}/files/{order.width}x{order.height}/{name}"
            image = {"url": link, "width": order.width, "height": order.height}
            await exchange.answer_json(200, {"images": [image], "has_nsfw_concepts": [False]})
            return
        picture = await self._paint(order)
        if provider in {"together", "nscale"}:
            await exchange.answer_json(200, {"data": [{"b64_json": base64.b64encode(picture).decode()}]})
        else:
            await exchange.answer(200, picture, self._content_type)

    async def _send_file(self, exchange: Exchange) -> None:
        _, _, size, name = exchange.path.split("/", 3)
        width, _, height = size.partition("x")
        order = Order(unquote(name), side(width), side(height))
        await exchange.answer(200, await self._paint(order), self._content_type)

    @property
    def _content_type(self) -> str:
        return f"image/{self.manners.encoding.lower()}"

    async def _paint(self, order: Order) -> bytes:
        return await asyncio.to_thread(paint, order, self.manners.style, self.manners.encoding)


async def serve(
    manners: Manners,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[FakeHuggingFace], None] | None = None,
) -> None:
    """Run until cancelled. `ready` is called once with the listening server."""
    async with FakeHuggingFace(manners, host=host, port=port) as fake:
        if ready:
            ready(fake)
        await asyncio.Event().wait()


def _provider(path: str) -> HuggingFaceProvider | None:
    """Whose format is spoken at a path; the classic `/models/...` is the oldest name of hf-inference."""
    if path == "/":
        return "endpoint"
    if path.startswith("/models/"):
        return "hf-inference"
    return next((name for name, prefix in _PATHS.items() if prefix != "/" and path.startswith(prefix)), None)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
