"""What strangers may put on `meme.request`: hostile bodies, odd but valid requests, raw header blocks.

Anyone with the right to publish can send any bytes. A hostile body must end as one dead letter and one error
answer, an odd one must be answered like any other, and neither may cost a worker its connection or its life.
"""

from __future__ import annotations

import gzip
import json
import pickle
from dataclasses import dataclass, field
from typing import Any

from memebattle.bus.outcome import Reason


@dataclass(frozen=True, slots=True)
class Hostile:
    """A body that is no request. `answered_as` is the id it can be answered under, if it has a usable one."""

    name: str
    body: bytes
    reason: Reason = "invalid_request"
    answered_as: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Odd:
    """A strange request that is valid all the same, and the prompt its answer repeats."""

    name: str
    prompt: str
    heard_as: str
    headers: dict[str, str] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def request_id(self) -> str:
        return f"odd-{self.name}"

    @property
    def body(self) -> bytes:
        return encoded(id=self.request_id, prompt=self.prompt, small_image=True, **self.fields)


@dataclass(frozen=True, slots=True)
class RawHeaders:
    """A header block no client library would send, before a valid request. Readable ones are no obstacle."""

    name: str
    block: bytes
    readable: bool = True

    @property
    def request_id(self) -> str:
        return f"raw-{self.name}"

    @property
    def body(self) -> bytes:
        return encoded(id=self.request_id, prompt="raw headers", small_image=True)


def encoded(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def _nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    return opening * depth + b"1" + closing * depth


HOSTILE = (
    # not JSON at all
    Hostile("empty", b"", "invalid_json"),
    Hostile("plain-text", b"hello", "invalid_json"),
    Hostile("truncated", b'{"id": "cut", "prompt": "x', "invalid_json"),
    Hostile("two-documents", b'{"id": "a1", "prompt": "x"}{"id": "a2", "prompt": "x"}', "invalid_json"),
    Hostile("script", b"<script>alert(1)</script>", "invalid_json"),
    Hostile("gzip", gzip.compress(encoded(id="gz", prompt="x"), mtime=0), "invalid_json"),
    Hostile("pickle", pickle.dumps({"id": "pk", "prompt": "x"}), "invalid_json"),
    Hostile("nul-bytes", b"\x00" * 1000, "invalid_json"),
    Hostile("every-byte", bytes(range(256)) * 16, "invalid_json"),
    # JSON in the wrong clothes
    Hostile("bad-utf8", b'{"id": "u8", "prompt": "\xff\xfe\xc3\x28"}', "invalid_json"),
    Hostile("overlong-utf8", b'{"id": "ol", "prompt": "\xc0\xaf"}', "invalid_json"),
    Hostile("utf-16", '{"id": "u16", "prompt": "x"}'.encode("utf-16"), "invalid_json"),
    Hostile("byte-order-mark", b'\xef\xbb\xbf{"id": "bom", "prompt": "x"}', "invalid_json"),
    Hostile("lone-surrogate", b'{"id": "ls", "prompt": "\\ud800"}', "invalid_json"),
    Hostile("nan", b'{"id": "nan", "prompt": NaN}', "invalid_json", answered_as="nan"),
    # too much of it
    Hostile("deep-array", b"[" * 200_000, "invalid_json"),
    Hostile("deep-object", _nested(b'{"a":', b"}", 100_000), "invalid_json"),
    Hostile("deep-prompt", b'{"id": "dp", "prompt": ' + _nested(b"[", b"]", 100_000) + b"}", "invalid_json"),
    Hostile("huge-integer", b'{"id": "hi", "prompt": "x", "n": ' + b"9" * 20_000 + b"}", "invalid_json"),
    Hostile("sixty-thousand-keys", json.dumps({f"k{n}": 0 for n in range(60_000)}).encode()),
    Hostile("prompt-100-kb", encoded(id="p100k", prompt="x" * 100_000), answered_as="p100k"),
    Hostile("prompt-900-kb", encoded(id="p900k", prompt="x" * 900_000), answered_as="p900k"),
    # JSON, but no request
    Hostile("array", b"[]", "invalid_json"),
    Hostile("null", b"null", "invalid_json"),
    Hostile("number", b"42", "invalid_json"),
    Hostile("no-prompt", encoded(id="no-prompt"), answered_as="no-prompt"),
    Hostile("prompt-null", encoded(id="p-null", prompt=None), answered_as="p-null"),
    Hostile("prompt-list", encoded(id="p-list", prompt=["a"]), answered_as="p-list"),
    Hostile("prompt-blank", encoded(id="p-blank", prompt=" \t\u0000\r\n "), answered_as="p-blank"),
    Hostile("steps-infinite", b'{"id": "inf", "prompt": "x", "guidance_scale": 1e999}', answered_as="inf"),
    # ids that would mean something on a subject or on the wire
    Hostile("id-number", encoded(id=5, prompt="x")),
    Hostile("id-wildcards", encoded(id="a.*.>", prompt="x")),
    Hostile("id-command", encoded(id="a\r\nPUB meme.cancel.good-1 0\r\n\r\n", prompt="x")),
    Hostile("id-5000", encoded(id="a" * 5000, prompt="x")),
    Hostile(
        "id-newline",
        encoded(id="a\n", prompt="x"),
        answered_as="by-header",
        headers={"Nats-Msg-Id": "by-header"},
    ),
)

# where FastStream's own JetStream parser would send a handler's result; a worker may publish there
STOLEN_REPLY = "answers.meme.stolen.response"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
ZALGO = "m\u0338\u0321\u0322\u031b\u0353" * 20

ODD = (
    Odd("zalgo", ZALGO, ZALGO),
    Odd("right-to-left", "\u202e evil \u202c", "\u202e evil \u202c"),
    Odd("zero-width", "a\u200b\u200d\u2060b", "a\u200b\u200d\u2060b"),
    Odd("family-emoji", FAMILY * 20, FAMILY * 20),
    Odd("combining-499", "e" + "\u0327" * 499, "\u0229" + "\u0327" * 29),
    Odd("fullwidth", "\uff23\uff21\uff34", "\uff23\uff21\uff34"),
    Odd("noncharacters", "a\ufffe\uffffb", "a\ufffe\uffffb"),
    Odd("separators", "a\u2028\u2029b", "a\u2028\u2029b"),
    Odd("nul", "a\x00b", "ab"),
    Odd("terminal", "a\x1b[2J\x07b", "a[2Jb"),
    Odd("html", "<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
    Odd(
        "unknown-fields", "fields", "fields", fields={"__class__": "os.system", "$where": "1", "n": 10**4000}
    ),
    Odd("many-headers", "headers", "headers", headers={f"H{n}": "v" for n in range(500)}),
    Odd("big-header", "headers", "headers", headers={"X": "y" * 30_000}),
    Odd("reply-to", "reply", "reply", headers={"reply_to": STOLEN_REPLY}),
    Odd("pickle-type", "type", "type", headers={"content-type": "application/x-python-pickle"}),
    Odd("status-header", "status", "status", headers={"Status": "503", "Description": "No Responders"}),
    Odd("broken-trace", "trace", "trace", headers={"traceparent": "00-\t-", "correlation_id": "x\ty"}),
)

# what a server tells a client, forged: a status line of NATS itself is not stored, so only the Core copy has
# it; one that names another protocol is stored as it is
RAW_HEADERS = (
    RawHeaders("no-responders", b"NATS/1.0 503\r\n\r\n"),
    RawHeaders("consumer-deleted", b"NATS/1.0 409 Consumer Deleted\r\n\r\n"),
    RawHeaders("stalled", b"NATS/1.0 100 Idle Heartbeat\r\nNats-Consumer-Stalled: meme.cancel.x\r\n\r\n"),
    RawHeaders("undecodable-status", b"NATS/1.0 \xff\xfe\xfd\r\n\r\n"),
    RawHeaders("undecodable-name", b"NATS/1.0\r\n\xff: x\r\nX: \xff\xfe\r\n\r\n"),
    RawHeaders("stored-status", b"HTTP/1.1 503 No\r\nX: y\r\n\r\n"),
    RawHeaders("stored-undecodable", b"HTTP/1.1 \xff\xfe\xfd\r\nX: y\r\n\r\n", readable=False),
)
