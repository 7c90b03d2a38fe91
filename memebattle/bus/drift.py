"""What a server has beside what is declared, and how what is missing is made."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, RePublish, StreamConfig, StreamSource
from nats.js.errors import NotFoundError, ServerError

TRIES, PAUSE = 5, 0.2  # of creating a stream; seconds between them

type Action = Literal["ok", "missing", "created", "updated", "drift"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one stream or consumer, and what was done about it."""

    kind: Literal["stream", "consumer", "bucket"]
    name: str
    action: Action
    drift: dict[str, tuple[Any, Any]]  # field -> (declared, found)

    def __str__(self) -> str:
        changes = ", ".join(
            f"{key}: {have!r} instead of {want!r}" for key, (want, have) in self.drift.items()
        )
        return f"{self.kind} {self.name}: {self.action}" + (f" ({changes})" if changes else "")


async def inspect_stream(js: JetStreamContext, config: StreamConfig) -> Finding:
    kind: Literal["stream", "bucket"] = "bucket" if str(config.name).startswith("OBJ_") else "stream"
    try:
        info = await js.stream_info(str(config.name))
    except NotFoundError:
        return Finding(kind, str(config.name), "missing", {})
    return _compared(kind, str(config.name), _stored_alike(config, info.config), info.config)


async def update_stream(js: JetStreamContext, config: StreamConfig) -> None:
    """Change an existing stream to what is declared, but for what no server changes.

    Raises:
        nats.js.errors.APIError: the server refuses, e.g. a change of retention.
    """
    found = (await js.stream_info(str(config.name))).config
    await js.update_stream(_stored_alike(config, found))


def _stored_alike(config: StreamConfig, found: StreamConfig) -> StreamConfig:
    """A stream stays where it is, on disk or in memory: nobody moves it, and it serves as well there."""
    return replace(config, storage=found.storage)


async def inspect_consumer(js: JetStreamContext, stream: str, config: ConsumerConfig) -> Finding:
    name = str(config.durable_name)
    try:
        info = await js.consumer_info(stream, name)
    except NotFoundError:
        return Finding("consumer", name, "missing", {})
    return _compared("consumer", name, config, info.config)


def _compared(kind: Literal["stream", "consumer", "bucket"], name: str, declared: Any, found: Any) -> Finding:
    drift = dict(_differences(declared, found))
    return Finding(kind, name, "drift" if drift else "ok", drift)


def _differences(declared: Any, found: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for field in fields(declared):
        want, have = getattr(declared, field.name), getattr(found, field.name)
        unset = want in (None, 0, -1, False) and have in (None, 0, -1, False)
        if want is not None and not unset and not _same(want, have):
            yield field.name, (want, have)


def _same(want: Any, have: Any) -> bool:
    if isinstance(want, list):
        return [_plain(item) for item in want] == [_plain(item) for item in have or []]
    return bool(_plain(want) == _plain(have))


def _plain(value: Any) -> Any:
    """Comparable form: enums by value, nested configuration by the fields we set."""
    if isinstance(value, StreamSource):
        return value.name
    if isinstance(value, RePublish):
        return (value.src, value.dest)
    return getattr(value, "value", value)


async def create_stream(js: JetStreamContext, config: StreamConfig, pause: float = PAUSE) -> None:
    """Create a stream, unless somebody else is doing the same right now.

    Creating twice what is the same is fine, but while both are under way the server counts its `max_bytes`
    twice, and may refuse one of them for want of room.
    """
    for left in reversed(range(TRIES)):
        try:
            await js.add_stream(config)
        except ServerError:
            if (await inspect_stream(js, config)).action != "missing":
                return
            if not left:
                raise
            await asyncio.sleep(pause)
        else:
            return
