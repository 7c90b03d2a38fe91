"""What the AsyncAPI document says that no type can: who speaks, who listens, and what one may rely on.

Everything else in the document comes from the code (`enrich.py`). A channel without words here stops the
build: a guarantee that nobody wrote down is one that nobody knows.
"""

from __future__ import annotations

from typing import Any

from memebattle.bus.messages import TOKEN_PATTERN
from memebattle.bus.subjects import DEAD_LETTER
from memebattle.cli.spec.battle_words import BATTLES
from memebattle.cli.spec.chat_words import CHAT
from memebattle.cli.spec.engine_words import ENGINE
from memebattle.cli.spec.meme_words import MEMES
from memebattle.cli.spec.priority_words import PRIORITY
from memebattle.cli.spec.vocabulary import ChannelWords

OPERATORS: dict[str, ChannelWords] = {
    "DeadLetter": ChannelWords(
        "Dead letters",
        DEAD_LETTER,
        group="For operators",
        says="the worker that gave up",
        hears="operators: `memebattle dlq ls`, `show`, `retry`",
        guarantee="exactly-once",
        because="Stored once per message: its `Nats-Msg-Id` is made of stream and sequence, so a crash"
        " between storing and terminating leaves one.",
        ordering="the order in which messages were given up",
        headers="DeadLetter",
    ),
}

# in the order in which a reader meets them
CHANNELS: dict[str, ChannelWords] = MEMES | CHAT | PRIORITY | BATTLES | ENGINE | OPERATORS


def token(description: str, example: str) -> dict[str, Any]:
    """A parameter of a subject that is an id."""
    return {
        "description": f"{description}: one token of letters, digits, `_` and `-`, at most 64.",
        "examples": [example],
        "x-pattern": TOKEN_PATTERN,
    }


PARAMETERS: dict[str, dict[str, Any]] = {
    "request_id": token("The id of the request", "cat-on-mars-1"),
    "session_id": token("The id of the session", "sess_456"),
    "message_id": token("The id of the message that is answered", "msg_abc123"),
    "pod_id": token("The name of the pod, usually its host name", "pod-1"),
    "battle_id": token("The code of the battle, four letters", "KBDF"),
    "worker_id": token("The name of the worker, usually its host name", "worker-1"),
}
EVENT_PARAMETERS: dict[str, dict[str, Any]] = {
    "kind": {"description": "What it is about.", "enum": ["course", "seat", "entry", "meme", "vote"]},
    "key": token("Of that kind which one", "log"),
}
TASK_PARAMETERS: dict[str, dict[str, Any]] = {
    "request_id": token("The id of the task", "ticket-4711"),
    "action": {"description": "What was decided.", "enum": ["set", "clear", "withdraw"]},
}

DESCRIPTION = """\
Ask for a meme on `{request}`; get exactly one answer: a picture or the reason why there is none. Or chat: a
message becomes a stream of chunks that reaches every client of its session, each chunk once and in order. Or
send a task on `{task}`; get exactly one score, and why it is so.

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

## Chat

Clients chat over HTTP: `POST /api/chat`, and `GET /api/sse?session_id=` for the answers. The subjects here
are what the gateways (the pods that hold those connections) and the workers say to each other; a service of
yours may take either side, or ask by itself:

```python
{chat}```

- **One answer.** A message is answered once, under its `message_id`; exactly one chunk of the answer has
  `is_final`, also when it fails or is stopped, and says why in `finish_reason`.
- **Every chunk, once, in order.** `chunk_id` counts from 0. Each chunk is stored in the stream `{chunks}`
  before anybody is told; who comes late, or missed one, reads it there for ten minutes.
- **One answer of a session at a time.** The next message waits until the answer before it is complete.
- **Whatever dies.** When a worker dies in mid-answer, another one goes on behind the last stored chunk. When
  the registry is out of reach, chunks are broadcast to all pods.
- **Batches.** A message with chunks is one `ResponseChunk`, or several in a `ChunkBatch`: be ready for both.

## Priority

Clients send tasks over HTTP: `POST /api/v1/prioritization`, and everything else under `/api/v1`. A service
may send them here, and hear the results of all:

```python
{priority}```

- **One result.** A task is scored exactly once per `id` and `revision`: `{result}.{{request_id}}` carries
  its result or error, `{result}` everybody's. A changed task is sent again as the next revision.
- **Rules, not moods.** The score is computed from the task and the time; `contributions` add up to it. A
  language model may fill in factors that are missing, marked `llm`, and write suggestions; it never sets the
  score.
- **The score waits for nobody.** Suggestions of a language model come afterwards, on a subject of their own.
- **People have the last word.** A decision is stored beside the score, which stays as it was.
- **Kept for a week.** The stream `{scores}` has every result, suggestion and decision.
- **Now.** A request on `{sync}` is replied to with the result, within a moment or not at all.

## Battles

The game of the web page: people write prompts, workers paint them, everybody chooses between two at a time.
Commands are requests on `battle.command.{{battle_id}}.*`, and how it stands is told on
`battle.view.{{battle_id}}`.

- **The stream is the game.** Whatever happens is an event in the stream `{battles}`; how a battle stands is
  the fold of its events. No worker leads; any of them goes on where another one died.
- **A token is a seat.** Whoever knows the token that a seat was taken with has that seat, over any connection
  and after any time.
- **`ok` means stored.** A command that was replied to with `ok` is in the stream. Without a reply, send it
  again: a seat, a prompt and a choice are taken once.
- **One choice.** Of one voter and one match one choice counts; nobody judges what they made themselves.
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

CHAT_SNIPPET = """\
import asyncio, json, os, uuid
import nats

async def main() -> None:
    client = await nats.connect(os.environ["NATS_URL"])
    session, message = uuid.uuid4().hex, uuid.uuid4().hex
    heard = await client.subscribe(f"chat.stream.{session}.{message}")
    said = {"message_id": message, "session_id": session, "message": "What is the weather today?"}
    await client.jetstream().publish(
        f"chat.workflow.execute.{session}", json.dumps(said).encode(), headers={"Nats-Msg-Id": message}
    )
    expected, finished = 0, False
    while not finished:
        body = json.loads((await heard.next_msg(timeout=60)).data)
        for chunk in body.get("chunks", [body]):
            if chunk["chunk_id"] == expected:
                print(chunk["chunk"], end="", flush=True)
                expected, finished = expected + 1, chunk["is_final"]
    await client.close()

asyncio.run(main())
"""

PRIORITY_SNIPPET = """\
import asyncio, json, os, uuid
import nats

async def main() -> None:
    client = await nats.connect(os.environ["NATS_URL"])
    name = uuid.uuid4().hex
    results = await client.subscribe(f"prioritization.result.{name}")
    task = {"title": "VPN is down for the sales team", "category": "INFRASTRUCTURE", "business_value": 8}
    await client.jetstream().publish(
        f"prioritization.request.{name}", json.dumps(task).encode(), headers={"Nats-Msg-Id": f"{name}.1"}
    )
    result = json.loads((await results.next_msg(timeout=60)).data)
    print(result.get("urgency_level") or result["error"], result.get("reasoning", ""))
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
