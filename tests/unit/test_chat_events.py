"""What a client is sent, byte by byte, and the positions in event ids."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from memebattle.chat.events import (
    Position,
    chunk_event,
    complete_event,
    connected_event,
    gone_event,
    ping_event,
    position_of,
)
from memebattle.chat.messages import ChunkError, ChunkMetadata, ResponseChunk
from tests.listening import read_event
from tests.unit.test_sse import as_a_browser_reads

WHEN = datetime(2025, 11, 17, 20, 30, 5, 123456, tzinfo=UTC)


def chunk(**fields: object) -> ResponseChunk:
    return ResponseChunk.model_validate(
        {"session_id": "sess_456", "message_id": "msg_abc123", "chunk_id": 12, "timestamp": WHEN, **fields}
    )


def test_a_chunk() -> None:
    """The chunk of the wire as it is, with its place as the id."""
    assert chunk_event(chunk(chunk=" weather", correlation_id="corr_xyz"), 1047) == (
        b"id: 1047-12\n"
        b"event: chunk\n"
        b'data: {"session_id":"sess_456","message_id":"msg_abc123","chunk_id":12,"chunk":" weather",'
        b'"chunk_type":"content","is_final":false,"timestamp":"2025-11-17T20:30:05.123Z",'
        b'"correlation_id":"corr_xyz"}\n\n'
    )


def test_a_chunk_that_is_kept_nowhere_has_no_id() -> None:
    assert chunk_event(chunk(), None).startswith(b"event: chunk\ndata: {")


def test_the_completion_of_an_answer() -> None:
    """How many chunks there were, what it cost, and when it ended: the same on every pod."""
    last = chunk(
        is_final=True,
        chunk_type="metadata",
        metadata=ChunkMetadata(model="gpt-4", tokens_used=15, finish_reason="stop"),
        correlation_id="corr_xyz",
    )

    assert complete_event(last, 1047) == (
        b"id: 1047-end\n"
        b"event: message_complete\n"
        b'data: {"session_id":"sess_456","message_id":"msg_abc123","chunks":13,'
        b'"metadata":{"model":"gpt-4","tokens_used":15,"finish_reason":"stop"},'
        b'"correlation_id":"corr_xyz","timestamp":"2025-11-17T20:30:05.123Z"}\n\n'
    )


def test_the_completion_of_an_answer_that_failed() -> None:
    last = chunk(
        chunk_id=0, is_final=True, chunk_type="error", error=ChunkError(code="timeout", message="too slow")
    )

    assert complete_event(last, None) == (
        b"event: message_complete\n"
        b'data: {"session_id":"sess_456","message_id":"msg_abc123","chunks":1,'
        b'"error":{"code":"timeout","message":"too slow"},"timestamp":"2025-11-17T20:30:05.123Z"}\n\n'
    )


def test_the_greeting_says_how_long_to_wait_before_coming_back() -> None:
    head, _, data = connected_event("sess_456", "pod-1", resumed=True).partition(b"data: ")

    assert head == b"event: connected\nretry: 1000\n"
    body = json.loads(data)
    assert datetime.fromisoformat(body.pop("timestamp")).tzinfo is not None
    assert body == {"session_id": "sess_456", "pod_id": "pod-1", "resumed": True}


def test_the_end_makes_a_client_forget_where_it_was() -> None:
    assert gone_event("sess_456", "too old") == (
        b'id: \nevent: not_resumable\ndata: {"session_id":"sess_456","reason":"too old"}\n\n'
    )


def test_a_ping_has_no_id() -> None:
    """It must not move the place of the client."""
    event = read_event(ping_event())

    assert (event.name, event.id) == ("ping", None)
    assert datetime.fromisoformat(event.data["timestamp"]).tzinfo is not None


@pytest.mark.parametrize(
    "text",
    [
        "\n\nevent: connected\ndata: {}\n\n",
        "\r\rid: 9-end\r\r",
        "\r\n: comment\r\nretry: 1\r\n",
        '"}\n\ndata: {"chunk_id": 99',
        "\u2028\u2029\x85\x00\ufeff",
        "data: data: ",
    ],
)
def test_a_text_stays_a_text(text: str) -> None:
    """Whatever a model says, a client sees one event with one id, and in it the text."""
    wire = chunk_event(chunk(chunk=text, correlation_id=text), 7)

    [(name, data, event_id)] = as_a_browser_reads(wire)
    assert (name, event_id) == ("chunk", "7-12")
    assert json.loads(data)["chunk"] == text
    assert json.loads(data)["correlation_id"] == text


def test_an_error_stays_an_error() -> None:
    """What a provider complains of is somebody else's text, too."""
    text = "no\n\nevent: connected\ndata: {}\n\n"
    last = chunk(is_final=True, error=ChunkError(code=text, message=text))

    for wire in (complete_event(last, 7), gone_event("s1", text)):
        [(_, data, _)] = as_a_browser_reads(wire)
        assert text in (json.loads(data).get("reason") or json.loads(data)["error"]["message"])


@pytest.mark.parametrize(
    ("event_id", "position"),
    [
        ("1047-12", Position(1047, 12)),
        ("1047-end", Position(1047, None)),
        ("1-0", Position(1, 0)),
        ("9999999999999999999-999999999", Position(9999999999999999999, 999999999)),
    ],
)
def test_a_position(event_id: str, position: Position) -> None:
    assert position_of(event_id) == position


@pytest.mark.parametrize(
    "event_id",
    [
        "",
        "1047",
        "1047-",
        "-12",
        "end",
        "1047-END",
        "1047-12-13",
        "1047-12\n",
        " 1047-12",
        "1047--12",
        "+1-1",
        "1e3-1",
        "0x10-1",
        "\u0661-\u0661",
        "99999999999999999999-1",
        "1-9999999999",
        "1" * 100_000,
    ],
)
def test_what_is_no_position(event_id: str) -> None:
    """Neither what other servers give, nor other digits, nor numbers without bounds."""
    with pytest.raises(ValueError, match="not an event id of ours"):
        position_of(event_id)
