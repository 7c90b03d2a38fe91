"""As whom the command line comes to NATS: what the environment says, unless the URL says it."""

from __future__ import annotations

import pytest

from memebattle.cli.connection import connected
from memebattle.cli.local import NatsServer


async def test_the_environment_says_who_we_are_and_which_inbox_is_ours(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a pod. `monitor` may hear its own inbox only."""
    monkeypatch.setenv("NATS_USER", "monitor")
    monkeypatch.setenv("NATS_PASSWORD", nats_server.passwords["monitor"])
    monkeypatch.setenv("NATS_INBOX_PREFIX", "_INBOX_monitor")

    async with connected(f"nats://127.0.0.1:{nats_server.port}") as client:
        assert (await client.jetstream().account_info()).limits is not None


async def test_a_user_in_the_url_comes_first(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_USER", "stranger")

    async with connected(nats_server.url("developer")) as client:
        assert (await client.jetstream().account_info()).limits is not None


async def test_a_wrong_variable_of_somebody_else_is_not_looked_at(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_TTL", "soon")

    async with connected(nats_server.url("developer")) as client:
        assert client.is_connected
