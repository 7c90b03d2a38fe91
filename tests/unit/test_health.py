"""Liveness and readiness: what each of them says, and when."""

from __future__ import annotations

import json
from typing import Any

import pytest

from memebattle.kit.health import Health


def health(
    *, nats: bool = True, redis: bool = True, starting: bool = False, stopping: bool = False
) -> Health:
    return Health(starting, stopping, required={"nats": lambda: nats}, optional={"redis": lambda: redis})


async def ask(probe: Any) -> tuple[int, dict[str, str]]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await probe({}, None, send)
    start, body = sent
    assert dict(start["headers"])[b"content-length"] == str(len(body["body"])).encode()
    return start["status"], json.loads(body["body"])


@pytest.mark.parametrize(
    ("state", "status", "answer"),
    [
        (health(), 200, {"status": "ok", "nats": "up", "redis": "up"}),
        (health(redis=False), 200, {"status": "degraded", "nats": "up", "redis": "down"}),
        (health(nats=False), 503, {"status": "unavailable", "nats": "down", "redis": "up"}),
        (
            health(starting=True),
            503,
            {"status": "unavailable", "nats": "up", "redis": "up", "process": "starting"},
        ),
        (
            health(stopping=True),
            503,
            {"status": "unavailable", "nats": "up", "redis": "up", "process": "stopping"},
        ),
    ],
    ids=["ok", "degraded", "no nats", "starting", "stopping"],
)
async def test_readiness(state: Health, status: int, answer: dict[str, str]) -> None:
    assert await ask(state.readyz) == (status, answer)


@pytest.mark.parametrize("state", [health(nats=False, redis=False), health(stopping=True), Health()])
async def test_liveness_checks_nothing_outside(state: Health) -> None:
    assert await ask(state.livez) == (200, {"status": "ok"})


def test_a_process_that_has_not_said_it_started_is_not_ready() -> None:
    assert Health().report() == ("unavailable", {"process": "starting"})
