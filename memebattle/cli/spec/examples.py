"""Examples for every message, made from the message classes: they cannot name a field that is gone.

Together they tell one story: a request, its progress, its answer, and what the broker adds on the way. The
picture is a real one (a plain yellow square), so that sizes and hashes agree. Those of chat stand in
`chat_examples.py`, those of priority in `priority_examples.py`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from memebattle.bus.messages import WireModel
from memebattle.cli.spec.battle_examples import BATTLE_EXAMPLES
from memebattle.cli.spec.chat_examples import CHAT_EXAMPLES, Example, chunk_headers
from memebattle.cli.spec.engine_examples import ENGINE_EXAMPLES
from memebattle.cli.spec.priority_examples import PRIORITY_EXAMPLES, entry_headers, task_headers
from memebattle.cli.spec.vocabulary import HeaderKind
from memebattle.memes.messages import MemeCreated, MemeError, MemeRequest, MemeResponse, MemeStatus

PICTURE = "UklGRi4AAABXRUJQVlA4TCEAAAAv/8F/AAdQ4v5H/wMCgWR/7xmK6H/Gf/7zn//85z//+T8A"
PROMPT = "A cat wearing a space helmet on Mars"
REQUEST_ID = "cat-on-mars-1"
AT = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
STAMP: dict[str, Any] = {"timestamp": int(AT.timestamp()), "created_at": AT}

TRACEPARENT = f"00-{'4b' * 16}-{'00f0' * 4}-01"


def examples_of(payload: str, headers: HeaderKind | None) -> list[Example]:
    """AsyncAPI message examples for a payload schema, with the headers of the channel it is heard on.

    Raises:
        KeyError: there are none; every message has some.
    """
    return [_with_headers(payload, headers, example) for example in _EXAMPLES[payload]()]


def _with_headers(payload: str, headers: HeaderKind | None, example: Example) -> Example:
    body = example["payload"]
    found = _headers(headers, payload, body)
    return {"name": example["name"], **({"headers": found} if found else {}), "payload": body}


def _id_of(body: Any) -> str:
    named = body if isinstance(body, dict) else {}
    return str(named.get("id") or named.get("request_id") or named.get("message_id") or REQUEST_ID)


def _headers(kind: HeaderKind | None, payload: str, body: Any) -> dict[str, str]:
    match kind:
        case "Chunk" | "StoredChunk":
            return chunk_headers(body, TRACEPARENT, copy=kind == "Chunk")
        case "Task":
            return task_headers(body, TRACEPARENT)
        case "StoredEntry" | "Entry":
            return entry_headers(payload, body, TRACEPARENT, republished=kind == "Entry")
        case _:
            return _meme_headers(kind, payload, _id_of(body))


def _meme_headers(kind: HeaderKind | None, payload: str, request_id: str) -> dict[str, str]:
    match kind:
        case "Request":
            return {"Nats-Msg-Id": request_id, "traceparent": TRACEPARENT}
        case "StoredAnswer":
            return _stored(payload)
        case "Answer":
            return _stored(payload) | {
                "Nats-Stream": "MEME_RESULTS",
                "Nats-Subject": f"answers.meme.{request_id}.{_subject_kind(payload)}",
                "Nats-Sequence": "4711",
                "Nats-Last-Sequence": "0",
                "Nats-Time-Stamp": "2026-11-20T22:00:00.487380299Z",
            }
        case "DeadLetter":
            return {
                "Mb-Reason": "invalid_request",
                "Mb-Detail": "prompt: Field required",
                "Mb-Subject": "meme.request",
                "Mb-Sequence": "42",
                "Mb-Deliveries": "1",
                "Mb-Original-Nats-Msg-Id": request_id,
                "Nats-Msg-Id": "dlq-MEMES-42",
            }
        case _:
            return {}


def _stored(payload: str) -> dict[str, str]:
    return {
        "Mb-Kind": "error" if payload == "MemeError" else "response",
        "Mb-Digest": hashlib.sha256(PROMPT.encode()).hexdigest()[:32],
        "content-type": "application/json",
    }


def _subject_kind(payload: str) -> str:
    return "response.error" if payload == "MemeError" else "response"


def _example(name: str, message: WireModel, *only: str) -> Example:
    payload = message.model_dump(mode="json", exclude_none=True)
    keys = only or sorted(payload, key=lambda key: key in STAMP)
    return {"name": name, "payload": {key: payload[key] for key in keys}}


def _requests() -> Iterator[Example]:
    least = MemeRequest(id=REQUEST_ID, prompt=PROMPT)
    yield _example("the least", least, "id", "prompt")
    yield _example(
        "with wishes",
        MemeRequest(
            id="deploy-friday-7",
            prompt="a dog in a burning server room, oil painting",
            small_image=True,
            seed=7,
            negative_prompt="text, watermark",
            caption_top="deploying on friday",
            caption_bottom="this is fine",
            client_id="web-3f2a",
        ),
    )


def _drawn() -> dict[str, Any]:
    image = base64.b64decode(PICTURE)
    digest = hashlib.sha256(image).hexdigest()
    return {
        "request_id": REQUEST_ID,
        "prompt": PROMPT,
        "content_type": "image/webp",
        "width": 512,
        "height": 512,
        "sha256": digest,
        "image_url": f"/images/{digest}.webp",
        "cached": False,
        "coalesced": False,
        "provider": "huggingface",
        "model": "black-forest-labs/FLUX.1-schnell",
        "duration_ms": 812,
        **STAMP,
    }


def _responses() -> Iterator[Example]:
    yield _example("a picture", MemeResponse(**_drawn(), image_data=PICTURE))


def _created() -> Iterator[Example]:
    yield _example("a meme is there", MemeCreated(**_drawn()))


def _errors() -> Iterator[Example]:
    yield _example(
        "the model is gone",
        MemeError(
            request_id=REQUEST_ID,
            error="no provider serves black-forest-labs/FLUX.1-schnell any more",
            code="model_unavailable",
            retryable=False,
            **STAMP,
        ),
    )
    yield _example(
        "not a request",
        MemeError(
            request_id="cat-on-mars-2",
            error="prompt: Field required",
            code="invalid_request",
            retryable=False,
            **STAMP,
        ),
    )


def _statuses() -> Iterator[Example]:
    yield _example(
        "waiting",
        MemeStatus(request_id=REQUEST_ID, state="queued", worker="worker-2", position=3, **STAMP),
    )
    yield _example("done", MemeStatus(request_id=REQUEST_ID, state="done", worker="worker-1", **STAMP))


def _cancels() -> Iterator[Example]:
    yield {"name": "stop", "payload": {}}


def _dead_letters() -> Iterator[Example]:
    yield {"name": "a request without a prompt", "payload": '{"id": "cat-on-mars-1"}'}


_EXAMPLES = {
    "MemeRequest": _requests,
    "MemeResponse": _responses,
    "MemeError": _errors,
    "MemeCreated": _created,
    "MemeStatus": _statuses,
    "MemeCancel": _cancels,
    "DeadLetter": _dead_letters,
    **CHAT_EXAMPLES,
    **PRIORITY_EXAMPLES,
    **BATTLE_EXAMPLES,
    **ENGINE_EXAMPLES,
}
