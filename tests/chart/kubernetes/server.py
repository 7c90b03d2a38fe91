"""HTTP: which request is which operation on the store.

What it does not know it refuses with a sentence and notes in `unknown`, so that a test fails with the request
instead of with whatever Helm makes of the refusal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import yaml

from memebattle.cli.fake_hf.wire import Exchange, converse
from tests.chart.kubernetes import protobuf
from tests.chart.kubernetes.helm import Helm
from tests.chart.kubernetes.resources import Resource, described, resource_at
from tests.chart.kubernetes.selection import Selection
from tests.chart.kubernetes.store import Key, Manifest, Refused, Store
from tests.chart.kubernetes.watching import watch

APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names: a collection, or with a name one object of it."""

    resource: Resource
    namespace: str
    name: str
    part: str  # "log", "status"; usually empty

    @property
    def key(self) -> Key:
        return Key(self.resource, self.namespace, self.name)

    def selection(self, query: Mapping[str, str]) -> Selection:
        """What a list or a watch of this collection is about."""
        return Selection.of(self.resource, self.namespace, query)


@dataclass(eq=False)
class ApiServer:
    """The server, an async context manager; it listens on a free port of loopback.

    `requests` are method and path of all that was asked, in order.
    """

    store: Store = field(default_factory=Store)
    requests: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    port: int = 0
    _conversations: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._conversations:
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await self._server.wait_closed()

    def helm(self, namespace: str) -> Helm:
        """Helm, speaking to this server."""
        return Helm(f"http://127.0.0.1:{self.port}", namespace)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(converse(reader, writer, self._respond))
        self._conversations.add(task)
        task.add_done_callback(self._conversations.discard)

    async def _respond(self, exchange: Exchange) -> None:
        url = urlsplit(exchange.path)
        path, query = url.path.strip("/"), dict(parse_qsl(url.query))
        self.requests.append(f"{exchange.method} {exchange.path}")
        try:
            if (document := described(path)) is not None:
                await exchange.answer_json(HTTPStatus.OK, document)
                return
            await self._act(exchange, _target(path), query)
        except Refused as refusal:
            if refusal.reason == "Unknown":
                self.unknown.append(f"{exchange.method} {exchange.path}: {refusal.message}")
            await exchange.answer_json(refusal.status, refusal.body())

    async def _act(self, exchange: Exchange, target: Target, query: Mapping[str, str]) -> None:
        match exchange.method, target.name, target.part:
            case "GET", "", _ if query.get("watch") in {"true", "1"}:
                initial = query.get("sendInitialEvents") == "true"
                await watch(exchange, self.store, target.selection(query), initial=initial)
            case "GET", "", _:
                await exchange.answer_json(HTTPStatus.OK, self._list(target, query))
            case "GET", _, "log":
                await exchange.answer(HTTPStatus.OK, self._log(target), "text/plain")
            case "GET", _, "":
                await exchange.answer_json(HTTPStatus.OK, self.store.get(target.key))
            case "DELETE", name, "" if name:
                await exchange.answer_json(HTTPStatus.OK, self.store.delete(target.key))
            case _:
                status, written = self._write(exchange, target, query)
                await exchange.answer_json(status, written)

    def _write(
        self, exchange: Exchange, target: Target, query: Mapping[str, str]
    ) -> tuple[HTTPStatus, Manifest]:
        if target.part or "dryRun" in query or exchange.method not in {"POST", "PUT", "PATCH"}:
            raise _unknown(f"no {exchange.method} {target.part or 'of that kind'} here")
        body, key = _body(exchange), target.key
        manager = query.get("fieldManager", "unknown")
        content = exchange.headers.get("content-type", "")
        match exchange.method:
            case "POST":
                name = body["metadata"]["name"]
                created = self.store.create(Key(target.resource, target.namespace, name), body)
                return HTTPStatus.CREATED, created
            case "PUT":
                return HTTPStatus.OK, self.store.replace(key, body, manager)
            case "PATCH" if content == APPLY:
                status = HTTPStatus.OK if key in self.store.objects else HTTPStatus.CREATED
                return status, self.store.apply(key, body, manager, force=query.get("force") == "true")
            case "PATCH" if content == MERGE:
                return HTTPStatus.OK, self.store.patch(key, body, manager)
        raise _unknown(f"no {exchange.method} with {content or 'no content type'} here")

    def _list(self, target: Target, query: Mapping[str, str]) -> Manifest:
        return {
            "kind": f"{target.resource.kind}List",
            "apiVersion": target.resource.api,
            "metadata": {"resourceVersion": str(self.store.version)},
            "items": target.selection(query).present(self.store),
        }

    def _log(self, target: Target) -> bytes:
        self.store.get(target.key)
        return self.store.logs.get(target.key, "").encode()


def _target(path: str) -> Target:
    """`api/v1/namespaces/x/secrets/y` or `apis/apps/v1/deployments`, and so on."""
    words = path.split("/")
    at = 2 if words[0] == "api" else 3
    api, rest = "/".join(words[1:at]), words[at:]
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource = resource_at(api, rest[0]) if rest else None
    if words[0] not in {"api", "apis"} or resource is None:
        raise _unknown(f"nothing is known at /{path}")
    name, part, *_ = [*rest[1:], "", ""]
    return Target(resource, namespace, name, part)


def _body(exchange: Exchange) -> Manifest:
    if exchange.body.startswith(protobuf.MAGIC):
        try:
            return protobuf.decoded(exchange.body)
        except protobuf.UnknownMessage as error:
            raise _unknown(str(error)) from None
    body: Any = yaml.load(exchange.body, yaml.CSafeLoader)
    return dict(body)


def _unknown(message: str) -> Refused:
    return Refused(HTTPStatus.NOT_FOUND, "Unknown", f"this server in memory: {message}")
