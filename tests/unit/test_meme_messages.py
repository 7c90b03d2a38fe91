"""The wire language of memes: what is accepted, what is refused, what is sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from memebattle.generation.ports import ImageSpec
from memebattle.memes.messages import MemeCreated, MemeError, MemeRequest, MemeResponse, MemeStatus


def read(**fields: Any) -> MemeRequest:
    return MemeRequest.read(json.dumps(fields).encode())


def a_response() -> MemeResponse:
    return MemeResponse(
        request_id="r1",
        prompt="cat",
        image_data="AAAA",
        content_type="image/webp",
        width=16,
        height=16,
        sha256="ab" * 32,
        image_url="/images/" + "ab" * 32 + ".webp",
        cached=False,
        coalesced=False,
        provider="toy",
        model="toy-1",
        duration_ms=12,
        timestamp=1795212001,
        created_at=datetime(2026, 11, 20, 22, 0, 1, tzinfo=UTC),
    )


def test_a_prompt_is_all_it_takes() -> None:
    """`nats pub meme.request '{"prompt": "cat"}'` of the original system."""
    request = read(prompt="cat")

    assert (request.id, request.prompt, request.fast_mode, request.small_image) == (None, "cat", False, False)
    assert request.spec() == ImageSpec("cat", 1024, 1024)


def test_the_original_request_is_understood() -> None:
    request = read(id="r1", prompt="cat", fast_mode=True, small_image=True)

    assert request.spec() == ImageSpec("cat", 512, 512, fast=True)


def test_everything_that_can_be_asked_for_arrives() -> None:
    request = read(
        prompt="cat",
        guidance_scale=7.5,
        num_inference_steps=4,
        negative_prompt="dogs",
        seed=42,
        model="stabilityai/sdxl-turbo",
        caption_top="WHEN",
        caption_bottom="CAT",
    )

    assert request.spec() == ImageSpec(
        "cat",
        guidance_scale=7.5,
        num_inference_steps=4,
        negative_prompt="dogs",
        seed=42,
        model="stabilityai/sdxl-turbo",
        caption_top="WHEN",
        caption_bottom="CAT",
    )


@pytest.mark.parametrize(
    ("sent", "understood"),
    [
        ("  cat  ", "cat"),
        ("two\nlines\tand tabs", "two lines and tabs"),
        ("bell\x07 and escape\x1b[31m", "bell and escape[31m"),
        ("e\u0301", "é"),
        ("猫 🐈‍⬛", "猫 🐈‍⬛"),
        ("x" * 500, "x" * 500),
        (" " * 600 + "cat", "cat"),
    ],
)
def test_a_prompt_is_cleaned(sent: str, understood: str) -> None:
    assert read(prompt=sent).prompt == understood


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"prompt": ""},
        {"prompt": "   "},
        {"prompt": "\x00\x07"},
        {"prompt": "x" * 501},
        {"prompt": 7},
        {"prompt": None},
        {"prompt": ["cat"]},
        {"prompt": "cat", "id": ""},
        {"prompt": "cat", "id": "a.b"},
        {"prompt": "cat", "id": "a b"},
        {"prompt": "cat", "id": "*"},
        {"prompt": "cat", "id": "a\n"},
        {"prompt": "cat", "id": "x" * 65},
        {"prompt": "cat", "id": 7},
        {"prompt": "cat", "guidance_scale": -1},
        {"prompt": "cat", "guidance_scale": "much"},
        {"prompt": "cat", "num_inference_steps": 0},
        {"prompt": "cat", "num_inference_steps": 10_000},
        {"prompt": "cat", "seed": -1},
        {"prompt": "cat", "seed": 2**64},
        {"prompt": "cat", "model": "../../etc/passwd"},
        {"prompt": "cat", "model": "https://evil.example/x"},
        {"prompt": "cat", "caption_top": "x" * 201},
    ],
)
def test_what_cannot_be_drawn_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(**fields)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nope",
        b"[]",
        b'"cat"',
        b"null",
        b'{"prompt": "cat"',
        b'{"prompt": "cat", "guidance_scale": NaN}',
        b'{"prompt": "cat", "guidance_scale": 1e999}',
        b"\xff\xfe\x00",
        b'{"prompt": "\\ud800"}',
        b"[" * 200_000,
        b'{"prompt": "cat", "seed": ' + b"9" * 20_000 + b"}",
    ],
)
def test_hostile_bodies_are_refused_and_nothing_worse(body: bytes) -> None:
    with pytest.raises(ValidationError):
        MemeRequest.read(body)


def test_unknown_fields_are_ignored_and_counted() -> None:
    assert read(prompt="cat", reply_to="x", style="anime").unknown_fields == 2
    assert read(prompt="cat").unknown_fields == 0


def test_a_request_is_sent_without_what_was_not_said() -> None:
    assert json.loads(MemeRequest(prompt="cat", id="r1").body()) == {
        "id": "r1",
        "prompt": "cat",
        "fast_mode": False,
        "small_image": False,
    }


def test_who_asks_does_not_change_what_is_asked() -> None:
    one = read(id="r1", client_id="alice", prompt="cat")
    other = read(id="r2", client_id="bob", prompt=" cat ")

    assert one.digest == other.digest
    assert one.digest != read(prompt="dog").digest
    assert one.digest != read(prompt="cat", small_image=True).digest


def test_a_response_begins_with_what_the_original_clients_read() -> None:
    sent = json.loads(a_response().body())

    assert {name: sent[name] for name in ("request_id", "image_data", "prompt", "timestamp")} == {
        "request_id": "r1",
        "image_data": "AAAA",
        "prompt": "cat",
        "timestamp": 1795212001,
    }
    assert sent["created_at"] == "2026-11-20T22:00:01Z"


def test_an_error_says_what_the_original_clients_read_and_more() -> None:
    error = MemeError(request_id="r1", error="too slow", code="timeout", retryable=True)
    sent = json.loads(error.body())

    assert sorted(sent) == ["code", "created_at", "error", "request_id", "retryable", "timestamp"]
    assert isinstance(sent["timestamp"], int)


def test_the_small_event_is_the_response_without_its_bytes() -> None:
    response = a_response()
    created = response.without_image()

    assert type(created) is MemeCreated
    full, small = json.loads(response.body()), json.loads(created.body())
    assert full.pop("image_data") == "AAAA"
    assert small == full


def test_a_status_says_who_and_where() -> None:
    sent = json.loads(MemeStatus(request_id="r1", state="queued", worker="worker-1", position=3).body())

    assert (sent["state"], sent["worker"], sent["position"]) == ("queued", "worker-1", 3)


def test_messages_are_frozen() -> None:
    with pytest.raises(ValidationError):
        read(prompt="cat").prompt = "dog"  # type: ignore[misc]
