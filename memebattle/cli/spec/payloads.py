"""What is said on a channel: messages, and their payload schemas made readable."""

from __future__ import annotations

from copy import deepcopy

from memebattle.bus.messages import Stamped
from memebattle.cli.spec.examples import examples_of
from memebattle.cli.spec.schema import SCHEMAS, Json, without_null
from memebattle.cli.spec.vocabulary import ChannelWords

# where a message says which request it is about; a cancel of a meme or a task says it in its subject, a
# batch in its chunks, and a dead letter may not know
CORRELATION = {
    "MemeRequest": "id",
    "MemeResponse": "request_id",
    "MemeError": "request_id",
    "MemeCreated": "request_id",
    "MemeStatus": "request_id",
    "WorkflowRequest": "message_id",
    "WorkflowCancel": "message_id",
    "ResponseChunk": "message_id",
    "PriorityRequest": "id",
    "PriorityResult": "request_id",
    "PriorityError": "request_id",
    "PrioritySuggestions": "request_id",
    "PriorityOverride": "request_id",
    "PriorityAudit": "request_id",
    "PriorityStatus": "request_id",
}

STAMP = Stamped.model_fields.keys()


def message(payload: str, words: ChannelWords) -> Json:
    """A payload as it is heard on a channel, with its headers and examples."""
    field = CORRELATION.get(payload)
    return {
        "name": words.message_prefix + payload,
        "title": words.message_prefix + payload,
        "contentType": "application/octet-stream" if payload == "DeadLetter" else "application/json",
        **({"correlationId": {"location": f"$message.payload#/{field}"}} if field else {}),
        **({"headers": {"$ref": f"{SCHEMAS}{words.headers}Headers"}} if words.headers else {}),
        "payload": {"$ref": SCHEMAS + payload},
        "examples": examples_of(payload, words.headers),
    }


def tidy(schema: Json, *, sent: bool) -> Json:
    """Without the property titles; in what we send, optional is what may be absent, and nothing is null."""
    found = deepcopy(schema)
    optional = set()
    for name, field in found.get("properties", {}).items():
        field.pop("title", None)
        if sent and "default" in field and field.pop("default") is None:
            optional.add(name)
            field.update(without_null(field))
            del field["anyOf"]
    if sent and "properties" in found:
        # what every message of ours carries comes last: a reader looks for what is special about this one
        found["properties"] = dict(sorted(found["properties"].items(), key=lambda item: item[0] in STAMP))
        found["required"] = [name for name in found["properties"] if name not in optional]
    return found
