"""Reading `text/event-stream`: the standard's examples, every way to cut the bytes, and the bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

import pytest

from memebattle.generation.providers.event_stream import Event, StreamRefused, events


async def reads(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(*chunks: bytes, max_event: int = 1000, max_bytes: int | None = None) -> list[Event]:
    return [event async for event in events(reads(*chunks), max_event=max_event, max_bytes=max_bytes)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: hello\n\n", [Event("hello")]),
        (b"data:hello\n\n", [Event("hello")]),
        (b"data:  two spaces\n\n", [Event(" two spaces")]),
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [Event("YHOO\n+2\n10")]),
        (b"event: add\ndata: 73857293\n\n", [Event("73857293", "add")]),
        (b"event: \ndata: x\n\n", [Event("x")]),
        (b": a comment\n\ndata: x\n: another\n\n", [Event("x")]),
        (b"data\n\ndata\ndata\n\ndata:", [Event(""), Event("\n")]),
        (b"data:test\n\ndata: test\n\n", [Event("test"), Event("test")]),
        (b"event: lonely\n\ndata: x\n\n", [Event("x")]),
        (b"unknown: field\nno colon\ndata: x\n\n", [Event("x")]),
        (b"\n\n\n\ndata: x\n\n\n", [Event("x")]),
        (b'data: {"a": "b: c"}\n\n', [Event('{"a": "b: c"}')]),
        (b"\xef\xbb\xbfdata: x\n\n\xef\xbb\xbfdata: y\n\n", [Event("x")]),
        (b"data: caf\xc3\xa9 \xf0\x9f\x9a\x80\n\n", [Event("café 🚀")]),
        (b"data: caf\xe9\n\n", [Event("caf\ufffd")]),
        (b"data: x\n\ndata: never ended\n", [Event("x")]),
        (b"", []),
    ],
)
async def test_what_a_stream_says(stream: bytes, expected: list[Event]) -> None:
    assert await read(stream) == expected


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
async def test_a_line_ends_in_three_ways(end: bytes) -> None:
    stream = end.join(
        [b"event: chunk", b"data: one", b"data: two", b"", b": ping", b"", b"data: 3", b"", b""]
    )

    assert await read(stream) == [Event("one\ntwo", "chunk"), Event("3")]


MIXED = "id: 1\revent: chunk\r\ndata: größer\n\n: ping\r\n\r\nretry: 250\r\ndata: 🚀\r\rdata: x\n\n".encode()
MIXED_EVENTS = [Event("größer", "chunk", "1"), Event("🚀", id="1", retry=250), Event("x", id="1", retry=250)]


@pytest.mark.parametrize("at", range(len(MIXED) + 1))
async def test_it_does_not_matter_where_the_bytes_are_cut(at: int) -> None:
    """Between CR and LF, in a character, in a field name: two reads say what one says."""
    assert await read(MIXED[:at], b"", MIXED[at:]) == MIXED_EVENTS


async def test_byte_by_byte_is_as_good() -> None:
    assert await read(*(MIXED[at : at + 1] for at in range(len(MIXED)))) == MIXED_EVENTS


async def test_id_and_retry_stay_until_the_server_says_otherwise() -> None:
    stream = b"id: 7\nretry: 2000\ndata: a\n\ndata: b\n\nid: 8\n\ndata: c\n\nid\nretry: soon\ndata: d\n\n"

    assert [(event.id, event.retry) for event in await read(stream)] == [
        ("7", 2000),
        ("7", 2000),
        ("8", 2000),
        ("", 2000),
    ]


@pytest.mark.parametrize("line", [b"id: a\0b", b"retry: -1", b"retry: 1.5", b"retry: " + b"9" * 5000])
async def test_an_id_or_a_retry_that_is_none_is_ignored(line: bytes) -> None:
    assert await read(line + b"\ndata: x\n\n", max_event=10_000) == [Event("x")]


def drip(head: bytes, fill: bytes, times: int) -> Iterable[bytes]:
    return [head, *[fill] * times]


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: " + b"x" * 100 + b"\n\n"],
        drip(b"data: ", b"x" * 10, 20),
        drip(b": comment ", b"x" * 10, 20),
        drip(b"data: x\n", b"data: x\n", 20),
        [b"data: fine\n\n" + b"x" * 101],
    ],
)
async def test_an_event_without_end_is_refused(chunks: Iterable[bytes]) -> None:
    """Whether it comes at once, in drops, as a comment or as many short lines."""
    with pytest.raises(StreamRefused, match="longer than 100 bytes"):
        await read(*chunks, max_event=100)


async def test_an_event_of_just_the_length_is_read() -> None:
    assert await read(b"data: " + b"x" * 94 + b"\n\n", max_event=100) == [Event("x" * 94)]


async def test_a_stream_without_end_is_refused() -> None:
    """What came before the bound has been handed out."""
    stream = events(reads(b"data: a\n\n", b"data: b\n\n", b"data: c\n\n"), max_bytes=20)
    heard = [await anext(stream), await anext(stream)]

    with pytest.raises(StreamRefused, match="longer than 20 bytes"):
        await anext(stream)
    assert heard == [Event("a"), Event("b")]
