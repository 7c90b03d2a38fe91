"""Structured logs: their shape, their context, and what never stands in them."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from memebattle.kit.logs import ConsoleFormatter, JsonFormatter, bound, redacted

TOKEN = "hf_" + "A1b2" * 8
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-_x"


def record(message: str, *arguments: Any, level: int = logging.INFO, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("memebattle.test", level, __file__, 1, message, arguments, None)
    made.created, made.msecs = 1795212001.5, 500.0
    vars(made).update(extra)
    return made


def as_json(made: logging.LogRecord) -> dict[str, Any]:
    line = JsonFormatter().format(made)
    assert "\n" not in line
    parsed: dict[str, Any] = json.loads(line)
    return parsed


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"token {TOKEN}.", "token ***."),
        (f"HF_API_TOKEN={TOKEN}", "HF_API_TOKEN=***"),
        (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer ***"),
        ("authorization: bearer abc.def/ghi+=", "authorization: bearer ***"),
        ("AUTHORIZATION: BEARER abcdef", "AUTHORIZATION: BEARER ***"),
        (f"jwt {JWT} ends", "jwt *** ends"),
        ("redis://:pw@host:6379/0", "redis://***@host:6379/0"),
        ("redis://user:pw@host:6379/0", "redis://***@host:6379/0"),
        ("nats://worker:pw@a:4222,nats://worker:pw@b:4222", "nats://***@a:4222,nats://***@b:4222"),
        ("nats://s3cr3t-token@host:4222", "nats://***@host:4222"),
        ("nats://worker:p@ss@host:4222", "nats://***@host:4222"),
        ("'nats://worker:pw@host'", "'nats://***@host'"),
    ],
)
def test_what_looks_like_a_credential_is_replaced(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Cache hit for prompt: A cat wearing a space helmet on Mars",
        "nats://host:4222 and https://router.huggingface.co/hf-inference/models/a/b",
        "hf_short",
        "mail to somebody@example.com",
        "the bearer of this ring",
        "meme.response.error",
    ],
)
def test_everything_else_stays(text: str) -> None:
    if "bearer of" in text:
        assert redacted(text).startswith("the bearer ")
    else:
        assert redacted(text) == text


def test_a_line_is_one_json_object() -> None:
    assert as_json(record("Generated image in %.2f seconds", 1.5, digest="abc", bytes=17)) == {
        "ts": "2026-11-20T22:00:01.500Z",
        "level": "INFO",
        "logger": "memebattle.test",
        "message": "Generated image in 1.50 seconds",
        "digest": "abc",
        "bytes": 17,
    }


def test_a_newline_in_a_message_does_not_make_a_second_line() -> None:
    assert as_json(record("two\nlines"))["message"] == "two\nlines"


@pytest.mark.parametrize(
    "value", [f"with {TOKEN}", ConnectionError(f"with {TOKEN}"), [TOKEN], {"token": TOKEN}, TOKEN.encode()]
)
def test_secrets_hide_in_fields_of_any_type(value: Any) -> None:
    """An exception passed as a field is written as text, and its text may quote a URL."""
    made = record("failed", error=value)

    assert TOKEN not in JsonFormatter().format(made)
    assert TOKEN not in ConsoleFormatter(colours=False).format(made)


@pytest.mark.parametrize("formatter", [JsonFormatter(), ConsoleFormatter(colours=False)])
def test_secrets_hide_in_messages_and_tracebacks(formatter: logging.Formatter) -> None:
    made = record("gave up on %s", f"redis://:pw-{TOKEN}@host", level=logging.ERROR)
    failure = ConnectionError(f"cannot reach redis://:pw-{TOKEN}@host")
    made.exc_info = (ConnectionError, failure, None)
    line = formatter.format(made)

    assert TOKEN not in line
    assert "pw-" not in line
    assert "ConnectionError" in line


def test_numbers_booleans_and_none_keep_their_type() -> None:
    made = as_json(record("x", count=3, ratio=0.5, ok=True, nothing=None))

    assert (made["count"], made["ratio"], made["ok"], made["nothing"]) == (3, 0.5, True, None)


def test_bound_fields_stand_in_every_line_of_the_block() -> None:
    with bound(request_id="r1", client_id=None):
        with bound(source="jetstream"):
            inner = as_json(record("inner"))
        outer = as_json(record("outer", request_id="its own"))
    after = as_json(record("after"))

    assert (inner["request_id"], inner["source"]) == ("r1", "jetstream")
    assert "client_id" not in inner
    assert outer["request_id"] == "its own"
    assert "source" not in outer
    assert "request_id" not in after


async def test_bound_fields_follow_into_tasks_and_stay_out_of_neighbours() -> None:
    async def line() -> dict[str, Any]:
        await asyncio.sleep(0)
        return as_json(record("x"))

    async def job(name: str) -> dict[str, Any]:
        with bound(request_id=name):
            return await asyncio.create_task(line())

    one, two = await asyncio.gather(job("r1"), job("r2"))

    assert (one["request_id"], two["request_id"]) == ("r1", "r2")


def test_people_read_one_line_with_the_fields_at_its_end() -> None:
    line = ConsoleFormatter(colours=False).format(record("Cache hit", digest="abc"))

    assert line[8:] == " INFO    Cache hit  digest=abc"


def test_colours_only_where_they_are_shown() -> None:
    assert "\x1b[36mINFO" in ConsoleFormatter(colours=True).format(record("x"))
    assert "\x1b" not in ConsoleFormatter(colours=False).format(record("x"))
