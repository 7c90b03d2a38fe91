"""Frames and their headers, in both directions: what is stored, and what travels to the pods."""

from __future__ import annotations

from dataclasses import replace
from email.header import Header

import pytest

from memebattle.bus.frames import (
    Frame,
    Overtaken,
    copy_headers_of,
    frame_from,
    frame_from_copy,
    headers_of,
    subject_of,
)
from memebattle.bus.subjects import InvalidToken

BODY = b'{"chunk_id":6}'
FRAME = Frame(
    session_id="s1",
    message_id="m-1_2",
    body=BODY,
    next_chunk=7,
    final=True,
    digest="digest",
    writer="writer",
    previous=41,
    seq=43,
    trace={"correlation_id": "corr-1"},
)
STORED = {
    "Mb-Previous": "41",
    "Mb-Next-Chunk": "7",
    "Mb-Final": "1",
    "Mb-Digest": "digest",
    "Mb-Writer": "writer",
    "content-type": "application/json",
    "correlation_id": "corr-1",
}
NO_TEXT = Header("\xff", charset="unknown-8bit")
COPIED = {**STORED, "Mb-Session": "s1", "Mb-Message": "m-1_2", "Mb-Sequence": "43"}


def test_what_is_stored_with_a_frame() -> None:
    assert headers_of(FRAME) == STORED
    assert headers_of(replace(FRAME, final=False, previous=0))["Mb-Final"] == "0"
    assert headers_of(replace(FRAME, previous=0))["Mb-Previous"] == "0"


def test_what_travels_with_a_copy() -> None:
    assert copy_headers_of(FRAME) == COPIED


def test_a_trace_cannot_say_what_a_frame_is() -> None:
    assert headers_of(replace(FRAME, trace={"Mb-Final": "0", "Mb-Previous": "9"})) == {
        name: value for name, value in STORED.items() if name != "correlation_id"
    }


def test_a_stored_message_is_read_as_the_frame_it_was() -> None:
    """The server adds headers of its own."""
    headers = {**STORED, "Nats-Stream": "CHAT_CHUNKS", "Nats-Sequence": "43", "Nats-Num-Pending": "0"}
    frame = frame_from("chat.stream.s1.m-1_2", headers, BODY, 43)

    assert frame == FRAME
    assert frame.trace == {"correlation_id": "corr-1"}


def test_a_copy_is_read_as_the_frame_it_is_a_copy_of() -> None:
    frame = frame_from_copy(COPIED, BODY)

    assert frame == FRAME
    assert frame.trace == {"correlation_id": "corr-1"}


def test_the_first_frame_of_a_session_follows_nothing() -> None:
    frame = frame_from("chat.stream.s1.m-1_2", {**STORED, "Mb-Previous": "0"}, BODY, 1)

    assert frame == replace(FRAME, previous=0, seq=1)


@pytest.mark.parametrize("headers", [None, {}, {"content-type": "application/json"}])
def test_somebody_else_s_message_is_no_frame(headers: dict[str, str] | None) -> None:
    assert frame_from("chat.stream.s1.m1", headers, BODY, 43) is None
    assert frame_from_copy(headers, BODY) is None


@pytest.mark.parametrize("missing", ["Mb-Previous", "Mb-Next-Chunk", "Mb-Final", "Mb-Digest", "Mb-Writer"])
def test_a_frame_says_everything(missing: str) -> None:
    stored = {name: value for name, value in STORED.items() if name != missing}
    copied = {name: value for name, value in COPIED.items() if name != missing}

    assert frame_from("chat.stream.s1.m1", stored, BODY, 43) is None
    assert frame_from_copy(copied, BODY) is None


@pytest.mark.parametrize("missing", ["Mb-Session", "Mb-Message", "Mb-Sequence"])
def test_a_copy_says_where_its_frame_is_stored(missing: str) -> None:
    assert frame_from_copy({name: value for name, value in COPIED.items() if name != missing}, BODY) is None


@pytest.mark.parametrize("name", ["Mb-Previous", "Mb-Next-Chunk"])
@pytest.mark.parametrize(
    "value", ["", "-1", "+1", "1.0", "1_0", "0x1", "²", "٣", "one", "9" * 21, "1" * 5000]
)
def test_a_number_that_is_none_is_no_frame_s(name: str, value: str) -> None:
    assert frame_from("chat.stream.s1.m1", {**STORED, name: value}, BODY, 43) is None
    assert frame_from_copy({**COPIED, name: value}, BODY) is None


@pytest.mark.parametrize("value", ["", "0", "-43", "41", "forty-three", "²"])
def test_a_copy_s_sequence_is_after_the_one_it_follows(value: str) -> None:
    assert frame_from_copy({**COPIED, "Mb-Sequence": value}, BODY) is None


@pytest.mark.parametrize("value", ["", "2", "true", "True", "yes", "1 "])
def test_the_end_is_one_or_nought(value: str) -> None:
    assert frame_from("chat.stream.s1.m1", {**STORED, "Mb-Final": value}, BODY, 43) is None


@pytest.mark.parametrize("name", ["Mb-Digest", "Mb-Writer"])
def test_what_is_compared_is_not_empty(name: str) -> None:
    assert frame_from("chat.stream.s1.m1", {**STORED, name: ""}, BODY, 43) is None


@pytest.mark.parametrize("seq", [41, 40, 0, -1])
def test_a_chain_leads_back(seq: int) -> None:
    """A reader that follows it comes to an end."""
    assert frame_from("chat.stream.s1.m1", STORED, BODY, seq) is None


@pytest.mark.parametrize("name", ["Mb-Previous", "Mb-Final", "Mb-Writer"])
def test_bytes_that_are_no_text_say_nothing(name: str) -> None:
    """The standard library's parser makes an object of a header with bytes above 127."""
    assert frame_from("chat.stream.s1.m1", {**STORED, name: NO_TEXT}, BODY, 43) is None


def test_a_trace_that_is_no_text_is_left_out() -> None:
    frame = frame_from("chat.stream.s1.m-1_2", {**STORED, "correlation_id": NO_TEXT}, BODY, 43)

    assert frame == FRAME
    assert frame.trace == {}


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "chat.stream",
        "chat.stream.",
        "chat.stream.s1",
        "chat.stream.s1.",
        "chat.stream..m1",
        "chat.stream.s1.m1.more",
        "chat.stream.s 1.m1",
        "chat.pod.s1.m1",
        "s1.m1",
        "xchat.stream.s1.m1",
    ],
)
def test_a_frame_is_stored_under_its_answer(subject: str) -> None:
    assert frame_from(subject, STORED, BODY, 43) is None


@pytest.mark.parametrize(
    ("name", "value"), [("Mb-Session", "s.1"), ("Mb-Message", "*"), ("Mb-Message", "a\n")]
)
def test_a_copy_s_ids_are_tokens(name: str, value: str) -> None:
    assert frame_from_copy({**COPIED, name: value}, BODY) is None


def test_where_answers_and_sessions_are() -> None:
    assert subject_of("s1", "m1") == "chat.stream.s1.m1"
    assert subject_of("s1") == "chat.stream.s1.>"


@pytest.mark.parametrize(
    ("session_id", "message_id"), [("a.b", None), (">", None), ("a", "b.c"), ("a", ""), ("", "b")]
)
def test_an_id_that_is_no_token_has_no_subject(session_id: str, message_id: str | None) -> None:
    with pytest.raises(InvalidToken):
        subject_of(session_id, message_id)


def test_a_repetition_is_the_same_piece_of_the_same_try_after_the_same_frame() -> None:
    assert replace(FRAME, seq=0, body=b"whatever", trace={}).repeats(FRAME)
    for other in (
        replace(FRAME, session_id="s2"),
        replace(FRAME, message_id="m2"),
        replace(FRAME, writer="another"),
        replace(FRAME, next_chunk=8),
        replace(FRAME, previous=40),
    ):
        assert not other.repeats(FRAME)


def test_frames_are_equal_whatever_their_trace() -> None:
    assert replace(FRAME, trace={}) == FRAME


def test_being_overtaken_says_by_what() -> None:
    assert (Overtaken(FRAME).last, str(Overtaken(FRAME))) == (FRAME, "the last frame is 43 of m-1_2")
    assert (Overtaken(None).last, str(Overtaken(None))) == (None, "no frame is left")
