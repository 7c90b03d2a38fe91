"""Making a stream while others make the same one."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError, ServerError

from memebattle.bus.drift import TRIES, create_stream

NO_ROOM = ServerError(code=500, err_code=10047, description="insufficient storage resources available")
STREAM = StreamConfig(name="MEMES", subjects=["meme.request"])


@dataclass
class Server:
    """Refuses so many times; whether the stream is there then is the other workers' doing."""

    refusals: int
    others_make_it: bool = False
    asked: list[str] = field(default_factory=list)

    async def add_stream(self, config: StreamConfig) -> None:
        self.asked.append("add")
        if self.refusals:
            self.refusals -= 1
            raise NO_ROOM

    async def stream_info(self, name: str) -> SimpleNamespace:
        self.asked.append("look")
        if self.others_make_it:
            return SimpleNamespace(config=STREAM)
        raise NotFoundError


async def test_a_stream_is_made_at_once() -> None:
    server = Server(0)
    await create_stream(server, STREAM, pause=0)

    assert server.asked == ["add"]


async def test_a_stream_that_somebody_else_has_made_is_made() -> None:
    server = Server(1, others_make_it=True)
    await create_stream(server, STREAM, pause=0)

    assert server.asked == ["add", "look"]


async def test_room_that_others_reserved_for_a_moment_is_waited_for() -> None:
    server = Server(2)
    await create_stream(server, STREAM, pause=0)

    assert server.asked == ["add", "look", "add", "look", "add"]


async def test_a_server_without_room_is_said_to_be_one() -> None:
    server = Server(TRIES)
    with pytest.raises(ServerError, match="insufficient storage"):
        await create_stream(server, STREAM, pause=0)

    assert server.asked == ["add", "look"] * TRIES
