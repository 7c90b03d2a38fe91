"""TypeScript types from the AsyncAPI document: an interface per payload, and a map from subject to payload.

Covers the JSON Schema that pydantic emits for our messages and refuses everything else: a type that is
silently `any` would be worse than none. With the maps, `publish("meme.request", x)` is type-checked, and so
is a subject with parameters: `meme.status.{request_id}` becomes the key `meme.status.${string}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from memebattle.cli.spec.schema import Json, closure, name_in, notes

SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}

LINE = 80

BANNER = """\
// Generated from asyncapi.yaml by `make spec`; edit the code.
"""


class Untranslatable(ValueError):
    """A schema this generator does not know."""


def typescript(document: Json) -> str:
    """The types of everything that is JSON, for browsers and for services.

    Raises:
        Untranslatable: a payload uses JSON Schema beyond what is known here.
    """
    channels = [each for each in document["channels"].values() if _is_json(document, each)]
    schemas = document["components"]["schemas"]
    payloads = dict.fromkeys(name for each in channels for name in _payloads(document, each))
    declared = [_declaration(name, schemas[name]) for name in closure(payloads, schemas)]
    requests = [each for each in channels if each["x-audience"]["browsers"] == "publishes"]
    events = [each for each in channels if each["x-audience"]["browsers"] == "subscribes"]
    internal = [each for each in channels if each["x-audience"]["browsers"] == "neither" and each["address"]]
    return "\n".join(
        [
            BANNER,
            *declared,
            _subjects(document, "Requests", "What clients send, by subject.", requests),
            _subjects(document, "Events", "What clients hear, by subject.", events),
            _subjects(document, "Messages", "What services say to each other, by subject.", internal),
            _map("Replies", "What a request on a subject is replied to with.", _replies(document)),
        ]
    )


def _is_json(document: Json, channel: Json) -> bool:
    messages = document["components"]["messages"]
    return all(messages[name]["contentType"] == "application/json" for name in channel["messages"])


def _replies(document: Json) -> Iterator[tuple[str, list[str]]]:
    """NATS request-reply: the operations whose answer has no subject of its own."""
    channels = document["channels"]
    for operation in document["operations"].values():
        reply = operation.get("reply")
        if reply and channels[name_in(reply["channel"])]["address"] is None:
            asked, answered = channels[name_in(operation["channel"])], channels[name_in(reply["channel"])]
            yield _key_of(asked["address"]), _payloads(document, answered)


def _payloads(document: Json, channel: Json) -> list[str]:
    messages = document["components"]["messages"]
    return [name_in(messages[name_in(each)]["payload"]) for each in channel["messages"].values()]


def _declaration(name: str, schema: Json) -> str:
    doc = _doc(schema.get("description", ""))
    if not schema.get("properties"):
        return f"{doc}export type {name} ={_wrapped(_type(schema))};\n"
    required = schema.get("required", [])
    lines = [
        f"{_doc(notes(field), '  ')}  {_key(key)}{'' if key in required else '?'}: {_type(field)};\n"
        for key, field in schema["properties"].items()
    ]
    return f"{doc}export interface {name} {{\n{''.join(lines)}}}\n"


def _wrapped(union: str) -> str:
    return f" {union}" if len(union) < LINE else "\n  | " + union.replace(" | ", "\n  | ")


def _type(schema: Json) -> str:
    match schema:
        case {"$ref": str()}:
            return name_in(schema)
        case {"enum": values}:
            return " | ".join(json.dumps(value) for value in values)
        case {"const": value}:
            return json.dumps(value)
        case {"anyOf": options}:
            return " | ".join(_type(option) for option in options)
        case _:
            return _plain_type(schema)


def _plain_type(schema: Json) -> str:
    match schema:
        case {"type": "array", "items": items}:
            return f"Array<{_type(items)}>"
        case {"type": "object", "properties": fields} if not fields:
            return "Record<string, never>"
        case {"type": "object", "additionalProperties": values} if isinstance(values, dict):
            return f"Record<string, {_type(values)}>"
        case {"type": str(kind)} if kind in SCALARS:
            return SCALARS[kind]
    raise Untranslatable(f"no TypeScript for {json.dumps(schema)[:200]}")


def _subjects(document: Json, name: str, doc: str, channels: list[Json]) -> str:
    """One entry per address; two channels on one subject are one entry, and a reply has no subject."""
    addressed = (each for each in channels if each["address"] is not None)
    return _map(name, doc, ((_key_of(each["address"]), _payloads(document, each)) for each in addressed))


def _map(name: str, doc: str, entries: Iterable[tuple[str, list[str]]]) -> str:
    lines = [f"  {subject}: {' | '.join(payloads)};\n" for subject, payloads in dict(entries).items()]
    return f"{_doc(doc)}export interface {name} {{\n{''.join(lines)}}}\n"


def _key_of(address: str) -> str:
    pattern = re.sub(r"{\w+}", "${string}", address)
    return f"[subject: `{pattern}`]" if "$" in pattern else json.dumps(pattern)


def _doc(text: str, indent: str = "") -> str:
    return f"{indent}/** {text.replace('*/', '*\\/')} */\n" if text else ""


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)
