"""Small questions to a JSON Schema as pydantic writes it: for the document, its types and its page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

type Json = dict[str, Any]

SCHEMAS = "#/components/schemas/"


def name_in(reference: Json) -> str:
    """The last part of a `$ref`."""
    return str(reference["$ref"]).rsplit("/", 1)[-1]


def closure(names: Iterable[str], schemas: Json) -> Iterator[str]:
    """The named schemas, each followed by those it refers to that were not there yet."""
    waiting, seen = list(names), set[str]()
    while waiting:
        if (name := waiting.pop(0)) not in seen:
            seen.add(name)
            yield name
            waiting = [*_references(schemas[name]), *waiting]


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            yield reference.removeprefix(SCHEMAS)
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def is_nullable(field: Json) -> bool:
    """Whether null is one of the options."""
    return any(each.get("type") == "null" for each in field.get("anyOf", []))


def without_null(field: Json) -> Json:
    """The first option that is not null."""
    found: Json = next(each for each in field["anyOf"] if each.get("type") != "null")
    return found


def constraints(schema: Json) -> Iterator[str]:
    """The bounds of a value, in words."""
    if "pattern" in schema:
        yield f"matches `{schema['pattern']}`"
    yield from _bounds(schema.get("minLength"), schema.get("maxLength"), " characters")
    yield from _bounds(schema.get("minimum"), schema.get("maximum"), "")


def _bounds(low: float | None, high: float | None, unit: str) -> Iterator[str]:
    if low is not None and high is not None:
        yield f"{low} to {high}{unit}"
    elif high is not None:
        yield f"at most {high}{unit}"
    elif low is not None:
        yield f"at least {low}{unit}"


def kind(schema: Json, schemas: Json) -> str:
    """The type of a value, in words; references are followed."""
    if "$ref" in schema:
        return kind(schemas[name_in(schema)], schemas)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(kind(option, schemas) for option in schema["anyOf"]))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    named = f"{schema['type']}, {schema['format']}" if "format" in schema else schema["type"]
    return str(named)


def notes(field: Json) -> str:
    """What a reader has to know about a field: its description, its bounds, its default."""
    schema = without_null(field) if is_nullable(field) else field
    facts = [field.get("description", ""), *constraints(schema)]
    if field.get("default") is not None:
        facts.append(f"default `{json.dumps(field['default'])}`")
    return "; ".join(fact for fact in facts if fact)
