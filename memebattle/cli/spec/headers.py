"""The NATS headers of our messages, as JSON Schema. Their values are text, whatever they count."""

from __future__ import annotations

from typing import Any, get_args

from memebattle.bus.entries import EntryKind
from memebattle.bus.messages import TOKEN_PATTERN
from memebattle.bus.outcome import Reason
from memebattle.cli.spec.vocabulary import HeaderKind

_TEXT = {"type": "string"}
_NUMBER = {"type": "string", "pattern": "^[0-9]+$"}
_JSON = {**_TEXT, "const": "application/json", "description": "Always JSON"}


def _header(description: str, base: dict[str, Any] = _TEXT) -> dict[str, Any]:
    return {**base, "description": description}


_STORED = {
    "Mb-Kind": {
        **_TEXT,
        "enum": ["response", "error"],
        "description": "Which of the two answers this is; a stored message without it is no answer",
    },
    "Mb-Digest": _header("Hash of what was asked: the same id with another digest is a conflict"),
    "content-type": _JSON,
    "Nats-Expected-Last-Subject-Sequence": _header("The fence: nothing may be stored before", _NUMBER),
    "Nats-Expected-Last-Subject-Sequence-Subject": _header("The fence covers both kinds of answer"),
    "Nats-Expected-Stream": _header("The stream this answer is for"),
    "correlation_id": _header("That of the request, when it had one"),
    "traceparent": _header("W3C trace context: the worker's span in the trace of the request"),
}

_FRAME = {
    "Mb-Previous": _header(
        "The sequence of the session's frame before this one; 0 when there is none", _NUMBER
    ),
    "Mb-Next-Chunk": _header("The `chunk_id` that follows this frame's last one", _NUMBER),
    "Mb-Final": {**_TEXT, "enum": ["0", "1"], "description": "`1` on the frame that ends the answer"},
    "Mb-Digest": _header("Hash of what was asked: the same id with another digest is a conflict"),
    "Mb-Writer": _header("A random token of the try that wrote it: a repeat of one frame is told by it"),
    "content-type": _JSON,
    "correlation_id": _header("That of the message, when it had one in its headers"),
    "traceparent": _header("W3C trace context: the worker's span in the trace of the message"),
}

_REPUBLISHED = {
    "Nats-Stream": _header("The stream that stored it"),
    "Nats-Subject": _header("The subject it was stored under"),
    "Nats-Sequence": _header("Its place in the stream; ask from here on after a reconnect", _NUMBER),
    "Nats-Last-Sequence": _header("The place of the last message under the same subject", _NUMBER),
    "Nats-Time-Stamp": {**_TEXT, "format": "date-time", "description": "When it was stored"},
}

_ENTRY = {
    "Mb-Kind": {
        **_TEXT,
        "enum": list(get_args(EntryKind.__value__)),
        "description": "What it is; a stored message without it is none of ours",
    },
    "Mb-Revision": _header("The revision of the task that it is about", _NUMBER),
    "Mb-Digest": _header("Hash of what was asked, of a result: the same id with another one is a conflict"),
    "content-type": _JSON,
    "Nats-Expected-Last-Subject-Sequence": _header(
        "The fence of results and suggestions: the task's message before it", _NUMBER
    ),
    "Nats-Expected-Last-Subject-Sequence-Subject": _header("The fence covers one task"),
    "Nats-Expected-Stream": _header("The stream it is for"),
    "correlation_id": _header("That of the task, when it had one"),
    "traceparent": _header("W3C trace context: the span of whoever stored it, in the trace of the task"),
}

HEADERS: dict[HeaderKind, dict[str, Any]] = {
    "Request": {
        "title": "RequestHeaders",
        "type": "object",
        "description": "All optional.",
        "properties": {
            "Nats-Msg-Id": {
                **_TEXT,
                "pattern": TOKEN_PATTERN,
                "description": "Put the id of the request here: the stream drops a second copy within its"
                " duplicate window, and it stands in where the body has no id",
            },
            "correlation_id": _header("Appears in every log line about the request, and on its answer"),
            "traceparent": _header(
                "W3C trace context; appears in every log line about the request, and on its answer"
            ),
        },
    },
    "StoredAnswer": {
        "title": "StoredAnswerHeaders",
        "type": "object",
        "required": ["Mb-Digest", "Mb-Kind"],
        "properties": _STORED,
    },
    "Answer": {
        "title": "AnswerHeaders",
        "type": "object",
        "description": "The stored answer's headers, and the stream's notes on republishing it.",
        "required": ["Mb-Kind", "Nats-Sequence", "Nats-Stream", "Nats-Subject", "Nats-Time-Stamp"],
        "properties": _STORED | _REPUBLISHED,
    },
    "Chunk": {
        "title": "ChunkHeaders",
        "type": "object",
        "description": "Say where the stored frame stands of which this is a copy. A worker that stores"
        " nothing may leave them out: its chunks are passed on, and cannot be resumed.",
        "properties": {
            **_FRAME,
            "Mb-Session": _header("The session"),
            "Mb-Message": _header("The message that is answered"),
            "Mb-Sequence": _header(
                "The frame's own sequence in the stream; 0 when it is kept nowhere", _NUMBER
            ),
            "Mb-Published-At": _header("Unix seconds with a fraction; how long the copy was under way"),
        },
    },
    "StoredChunk": {
        "title": "StoredChunkHeaders",
        "type": "object",
        "required": ["Mb-Digest", "Mb-Final", "Mb-Next-Chunk", "Mb-Previous", "Mb-Writer"],
        "properties": {
            **_FRAME,
            "Nats-Expected-Last-Subject-Sequence": _header(
                "The fence: the sequence of the session's last message", _NUMBER
            ),
            "Nats-Expected-Last-Subject-Sequence-Subject": _header("The fence covers the whole session"),
            "Nats-Expected-Stream": _header("The stream this frame is for"),
        },
    },
    "Task": {
        "title": "TaskHeaders",
        "type": "object",
        "description": "All optional.",
        "properties": {
            "Nats-Msg-Id": _header(
                "`{id}.{revision}`: the stream drops a second copy within its duplicate window, and lets the"
                " next revision pass. The id alone stands in for a task that has none elsewhere"
            ),
            "correlation_id": _header("Appears in every log line about the task, and on its result"),
            "traceparent": _header(
                "W3C trace context; appears in every log line about the task, and on its result"
            ),
        },
    },
    "StoredEntry": {
        "title": "StoredEntryHeaders",
        "type": "object",
        "required": ["Mb-Kind", "Mb-Revision"],
        "properties": _ENTRY,
    },
    "Entry": {
        "title": "EntryHeaders",
        "type": "object",
        "description": "The stored message's headers, and the stream's notes on republishing it.",
        "required": ["Mb-Kind", "Mb-Revision", "Nats-Sequence", "Nats-Stream", "Nats-Subject"],
        "properties": _ENTRY | _REPUBLISHED,
    },
    "DeadLetter": {
        "title": "DeadLetterHeaders",
        "type": "object",
        "required": ["Mb-Deliveries", "Mb-Detail", "Mb-Reason", "Mb-Sequence", "Mb-Subject", "Nats-Msg-Id"],
        "properties": {
            "Mb-Reason": {
                **_TEXT,
                "enum": list(get_args(Reason.__value__)),
                "description": "Why it could not be served, for programs",
            },
            "Mb-Detail": _header("Why, in words: printable ASCII, at most 300 characters"),
            "Mb-Subject": _header("The subject of the original"),
            "Mb-Sequence": _header("The original's place in its stream", _NUMBER),
            "Mb-Deliveries": _header("How often it was delivered", _NUMBER),
            "Nats-Msg-Id": _header("`dlq-{stream}-{sequence}`: a message becomes one dead letter"),
        },
        "patternProperties": {
            "^Mb-Original-": _header(
                "The original's own headers, within 4 KiB; server instructions are dropped"
            )
        },
    },
}
