"""Small questions to a JSON Schema, as pydantic writes them: shared by the document, its types and its page."""

from __future__ import annotations

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
