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


def within(field: Json, schemas: Json) -> Json | None:
    """The schema of the object, or the objects, in a field; None when it holds none."""
    schema = without_null(field) if is_nullable(field) else field
    if "items" in schema:
        return within(schema["items"], schemas)
    if "$ref" not in schema:
        return None
    found: Json = schemas[name_in(schema)]
    return found if "properties" in found else None


def constraints(schema: Json) -> Iterator[str]:
    """The bounds of a value, in words."""
    if "pattern" in schema:
        yield f"matches `{schema['pattern']}`"
    yield from _bounds(schema.get("minLength"), schema.get("maxLength"), " characters")
    yield from _bounds(schema.get("minItems"), schema.get("maxItems"), " entries")
    yield from _bounds(schema.get("minimum"), schema.get("maximum"), "")
    if "exclusiveMinimum" in schema:
        yield f"more than {schema['exclusiveMinimum']}"


def _bounds(low: float | None, high: float | None, unit: str) -> Iterator[str]:
    if low is not None and high is not None:
        yield f"{low} to {high}{unit}"
    elif high is not None:
        yield f"at most {high}{unit}"
    elif low is not None:
        yield f"at least {low}{unit}"


def kind(schema: Json, schemas: Json) -> str:
    """The type of a value, in words; references are followed, to objects they are named."""
    if "$ref" in schema:
        found = schemas[name_in(schema)]
        return f"`{name_in(schema)}`" if "properties" in found else kind(found, schemas)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(kind(option, schemas) for option in schema["anyOf"]))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if "items" in schema:
        return f"list of {kind(schema['items'], schemas)}"
    named = f"{schema['type']}, {schema['format']}" if "format" in schema else schema["type"]
    return str(named)


def notes(field: Json) -> str:
    """What a reader has to know about a field: its description, its bounds, its default."""
    schema = without_null(field) if is_nullable(field) else field
    facts = [field.get("description", ""), *constraints(schema)]
    if field.get("default") is not None:
        facts.append(f"default `{json.dumps(field['default'])}`")
    return "; ".join(fact for fact in facts if fact)
