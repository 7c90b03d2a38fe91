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


def test_a_stop_is_told_once_to_whoever_waits_for_it() -> None:
    """The last one first; the process is unready by then."""
    state = health()
    told: list[tuple[str, str]] = []
    state.on_stop(lambda: told.append(("chat", state.report()[0])))
    state.on_stop(lambda: told.append(("game", state.report()[0])))

    state.stop()
    state.stop()

    assert told == [("game", "unavailable"), ("chat", "unavailable")]


def test_who_comes_after_the_stop_is_told_at_once() -> None:
    """A stream that opens while the others end has to end too."""
    state = health()
    told: list[str] = []
    state.stop()

    forget = state.on_stop(lambda: told.append("late"))
    forget()

    assert told == ["late"]


def test_who_takes_it_back_is_not_told() -> None:
    """Also by somebody who is told before, and also twice."""
    state = health()
    told: list[str] = []
    forget_one = state.on_stop(lambda: told.append("one"))
    forget_two = state.on_stop(lambda: told.append("two"))
    state.on_stop(forget_two)

    forget_one()
    forget_one()
    state.stop()

    assert told == []


def test_one_that_fails_does_not_keep_the_others_from_being_told(caplog: pytest.LogCaptureFixture) -> None:
    """It is in the log, and the stop goes on."""
    state = health()
    told: list[str] = []
    state.on_stop(lambda: told.append("first"))
    state.on_stop(lambda: told.remove("nobody"))
    state.on_stop(lambda: told.append("last"))

    state.stop()

    assert told == ["last", "first"]
    assert "ValueError" in caplog.text
