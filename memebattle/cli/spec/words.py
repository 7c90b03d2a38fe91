"""What the AsyncAPI document says that no type can: who speaks, who listens, and what one may rely on.

Everything else in the document comes from the code (`enrich.py`). A channel without words here stops the
build: a guarantee that nobody wrote down is one that nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from memebattle.bus.messages import TOKEN_PATTERN
from memebattle.bus.outcome import Reason
from memebattle.bus.subjects import (
    ANSWER,
    DEAD_LETTER,
    MEME_CANCEL,
    MEME_CREATED,
    MEME_REQUEST,
    MEME_RESPONSE,
    MEME_STATUS,
)

type Guarantee = Literal["exactly-once", "at-least-once", "at-most-once"]
type Browser = Literal["publishes", "subscribes", "neither"]
type HeaderKind = Literal["Request", "StoredAnswer", "Answer", "DeadLetter"]


@dataclass(frozen=True, slots=True)
class ChannelWords:
    """One channel. `subject` is its template under default settings: the key of `subjects.MEANINGS`."""

    title: str
    subject: str
    says: str
    hears: str
    guarantee: Guarantee
    because: str
    ordering: str
    browser: Browser
    headers: HeaderKind | None = None
    message_prefix: str = ""  # tells a message apart that is heard elsewhere with other headers


# in the order in which a reader meets them
CHANNELS: dict[str, ChannelWords] = {
    "MemeRequestJetStream": ChannelWords(
        "Request, the durable path",
        MEME_REQUEST,
        says="clients",
        hears="one worker at a time, through the durable consumer",
        guarantee="at-least-once",
        because="The stream keeps a request until its answer is stored. A crashed worker's request is"
        " delivered again; the answer stream sees to it that there is one answer all the same.",
        ordering="none; requests are served side by side",
        browser="publishes",
        headers="Request",
    ),
    "MemeRequestCore": ChannelWords(
        "Request, the fast path",
        MEME_REQUEST,
        says="clients",
        hears="one worker of the queue group",
        guarantee="at-most-once",
        because="The copy of a request that arrives at once. A busy worker drops it, because the stream"
        " keeps the other copy; whoever claims the request first answers it.",
        ordering="none",
        browser="publishes",
        headers="Request",
    ),
    "MemeCancel": ChannelWords(
        "Cancel a request",
        MEME_CANCEL,
        says="clients",
        hears="every worker",
        guarantee="at-most-once",
        because="Best effort: a request that is finished already keeps its answer.",
        ordering="send it after the request; before it, it is remembered for a while",
        browser="publishes",
    ),
    "MemeAnswer": ChannelWords(
        "Answer, for the one who asked",
        ANSWER,
        says="the worker that made it",
        hears="the client that asked, the gateway",
        guarantee="at-least-once",
        because="The stream stores the first answer of a request and refuses every other, but a raw"
        " subscriber hears each attempt to publish. Take the first and unsubscribe.",
        ordering="one answer per request; none between requests",
        browser="subscribes",
        headers="StoredAnswer",
        message_prefix="Stored",
    ),
    "MemeResponse": ChannelWords(
        "Answer with a picture, for everybody",
        MEME_RESPONSE,
        says="the broker, which republishes what the answer stream stored",
        hears="everybody who follows all answers",
        guarantee="exactly-once",
        because="Per request one of this and the error is published, once. It is a Core message: who is"
        " disconnected misses it, and reads it from the stream.",
        ordering="the order of storage; `Nats-Sequence` counts up over both kinds of answer",
        browser="subscribes",
        headers="Answer",
    ),
    "MemeError": ChannelWords(
        "Answer without a picture, for everybody",
        f"{MEME_RESPONSE}.error",
        says="the broker, which republishes what the answer stream stored",
        hears="everybody who follows all answers",
        guarantee="exactly-once",
        because="Per request one of this and the response is published, once.",
        ordering="the order of storage; `Nats-Sequence` counts up over both kinds of answer",
        browser="subscribes",
        headers="Answer",
    ),
    "MemeCreated": ChannelWords(
        "A meme is there",
        MEME_CREATED,
        says="the worker, after the answer is stored",
        hears="galleries, the web page",
        guarantee="at-most-once",
        because="A plain event without the bytes: lost when nobody listens. The answer is what counts.",
        ordering="none",
        browser="subscribes",
    ),
    "MemeStatus": ChannelWords(
        "Where a request stands",
        MEME_STATUS,
        says="workers",
        hears="the client that asked",
        guarantee="at-most-once",
        because="Best effort, for progress bars. A retried request may run more than once.",
        ordering="mostly queued, running, then one final state; trust the answer, not the order",
        browser="subscribes",
    ),
    "DeadLetter": ChannelWords(
        "Dead letters",
        DEAD_LETTER,
        says="the worker that gave up",
        hears="operators: `memebattle dlq ls`, `show`, `retry`",
        guarantee="exactly-once",
        because="Stored once per message: its `Nats-Msg-Id` is made of stream and sequence, so a crash"
        " between storing and terminating leaves one.",
        ordering="the order in which messages were given up",
        browser="neither",
        headers="DeadLetter",
    ),
}

REQUEST_ID: dict[str, Any] = {
    "description": "The id of the request: one token of letters, digits, `_` and `-`, at most 64.",
    "examples": ["cat-on-mars-1"],
    "x-pattern": TOKEN_PATTERN,
}

_TEXT = {"type": "string"}
_NUMBER = {"type": "string", "pattern": "^[0-9]+$"}


def _header(description: str, base: dict[str, Any] = _TEXT) -> dict[str, Any]:
    return {**base, "description": description}


_STORED = {
    "Mb-Kind": {
        **_TEXT,
        "enum": ["response", "error"],
        "description": "Which of the two answers this is; a stored message without it is no answer",
    },
    "Mb-Digest": _header("Hash of what was asked: the same id with another digest is a conflict"),
    "content-type": {**_TEXT, "const": "application/json", "description": "Always JSON"},
    "Nats-Expected-Last-Subject-Sequence": _header("The fence: nothing may be stored before", _NUMBER),
    "Nats-Expected-Last-Subject-Sequence-Subject": _header("The fence covers both kinds of answer"),
    "Nats-Expected-Stream": _header("The stream this answer is for"),
    "correlation_id": _header("That of the request, when it had one"),
    "traceparent": _header("That of the request, when it had one: W3C trace context"),
}

# NATS header values are text, whatever they count
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
                " duplicate window, and it stands in for a missing `id`",
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
        "properties": {
            **_STORED,
            "Nats-Stream": _header("The stream that stored the answer"),
            "Nats-Subject": _header("The subject it was stored under"),
            "Nats-Sequence": _header("Its place in the stream; ask from here on after a reconnect", _NUMBER),
            "Nats-Last-Sequence": _header("The place of the last message under the same subject", _NUMBER),
            "Nats-Time-Stamp": {**_TEXT, "format": "date-time", "description": "When it was stored"},
        },
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

DESCRIPTION = """\
Ask for a meme on `{request}`; get exactly one answer: a picture or the reason why there is none.

## Connect

With credentials of your own in `NATS_URL` (`memebattle up` prints one that works on your machine):

```python
{python}```

From a browser, over WebSocket, with [nats.js](https://github.com/nats-io/nats.js):

```typescript
{browser}```

From a terminal: `memebattle send "A cat wearing a space helmet on Mars"`.

## What you may rely on

- **One answer.** A request is answered exactly once, under its `id`: on `{response}` with the picture or
  on `{response}.error` without. The same `id` twice gives one answer; the same `id` with another prompt
  becomes a dead letter. Put the `id` into the `Nats-Msg-Id` header as well.
- **Nothing is lost.** A publish that the stream has acknowledged is answered, over crashes of workers and
  restarts of servers. When the stream is full it refuses: try again later.
- **No order.** Requests are served side by side. Answers come in the order in which they are stored.
- **Listen before you ask.** `answers.meme.{{request_id}}.>` carries your answer alone (drop repeats);
  `{response}` carries everybody's (no repeats). Both are heard live; what you missed stands in the stream
  `{results}`.
- **The reply is not the answer.** Who publishes on `{request}` with a reply subject gets the stream's
  acknowledgement there: the request is stored. The answer comes on the subjects above.
- **Ignore what you do not know.** Fields may be added, none is removed or changes its meaning. What is
  optional in a message of ours is absent, never null.
"""

PYTHON_SNIPPET = """\
import asyncio, json, os, uuid
import nats

async def main() -> None:
    client = await nats.connect(os.environ["NATS_URL"])
    request = {"id": uuid.uuid4().hex, "prompt": "A cat wearing a space helmet on Mars"}
    answers = await client.subscribe(f"answers.meme.{request['id']}.>")
    await client.jetstream().publish(
        "meme.request", json.dumps(request).encode(), headers={"Nats-Msg-Id": request["id"]}
    )
    answer = json.loads((await answers.next_msg(timeout=60)).data)
    print(answer.get("image_url") or answer["error"])
    await client.close()

asyncio.run(main())
"""

BROWSER_SNIPPET = """\
import { wsconnect, headers } from "@nats-io/nats-core";
import type { MemeRequest, MemeResponse, MemeError } from "./types";

const client = await wsconnect({ servers: "ws://localhost:8080" });
const request: MemeRequest = { id: crypto.randomUUID(), prompt: "A cat wearing a space helmet on Mars" };
client.subscribe(`answers.meme.${request.id}.>`, {
  max: 1,
  callback: (_error, message) => console.log(message.json<MemeResponse | MemeError>()),
});
const once = headers();
once.set("Nats-Msg-Id", request.id!);
await client.request("meme.request", JSON.stringify(request), { headers: once, timeout: 5000 });
console.log("stored");
"""

NATS_SERVER = (
    "For services and command lines. One user per role, each allowed its own subjects and no other;"
    " bodies stay below the server's `max_payload` (1 MiB unless changed)."
)
WEBSOCKET_SERVER = (
    "For browsers: the same broker over WebSocket. They live in the NATS account `WEB`, which hears answers"
    " and events, may ask and cancel, and can do nothing else. Behind TLS the scheme is `wss`."
)
