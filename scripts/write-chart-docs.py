"""Write what describes the values of the Helm chart: the tables of its README.md, and values.schema.json.

Keys, defaults and meanings come from values.yaml, whose comments that begin with `# --` are the descriptions;
a key of `workflow`, `priority`, `battle` or `gateway` without one means what it means for `worker`. Variables
in `settings` come from memebattle/settings/, and those that the chart keeps for itself from `_variables.tpl`.
What a single value may be stands in chart-value-rules.yaml; which values do not fit together, in the
chart's `_validations.tpl`.

Run by `make chart-docs`; with --check it only compares.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from memebattle.settings import Settings, rows

CHART = Path(__file__).parents[1] / "helm" / "memebattle"
VALUES, README, SCHEMA = CHART / "values.yaml", CHART / "README.md", CHART / "values.schema.json"
VARIABLES = CHART / "templates" / "_variables.tpl"

RULES = Path(__file__).with_name("chart-value-rules.yaml")

ROLES = ("worker", "workflow", "priority", "battle", "gateway")
TYPES = {bool: "boolean", int: "integer", str: "string"}


@dataclass(frozen=True, slots=True)
class Value:
    """One key of values.yaml; `rule` says more than its type, `parts` are those of a map of fixed keys."""

    path: str
    default: Any
    meaning: str
    rule: Mapping[str, Any]
    parts: list[Value] = field(default_factory=list)

    @property
    def key(self) -> str:
        """Its name in the map it is in."""
        return self.path.rpartition(".")[2]

    def leaves(self) -> Iterator[Value]:
        """The values a user would set."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


def values() -> list[Value]:
    """Every top-level key of values.yaml.

    Raises:
        ValueError: a key has no description, and none to inherit.
    """
    text = VALUES.read_text()
    return list(_values(yaml.safe_load(text), "", dict(_meanings(yaml.compose(text), text.splitlines()))))


def _meanings(node: yaml.Node | None, lines: list[str], prefix: str = "") -> Iterator[tuple[str, str]]:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        path = f"{prefix}{key.value}"
        above = lines[key.start_mark.line - 1].strip() if key.start_mark.line else ""
        if above.startswith("# --"):
            yield path, above.removeprefix("# --").strip()
        yield from _meanings(value, lines, f"{path}.")


def _values(defaults: Mapping[str, Any], prefix: str, meanings: Mapping[str, str]) -> Iterator[Value]:
    for key, default in defaults.items():
        path, rule = prefix + key, _rule(prefix + key)
        fixed = isinstance(default, dict) and not rule
        parts = list(_values(default, f"{path}.", meanings)) if fixed else []
        yield Value(path, default, _meaning(path, meanings), rule, parts)


def _meaning(path: str, meanings: Mapping[str, str]) -> str:
    role, _, rest = path.partition(".")
    found = meanings.get(path) or (meanings.get(f"worker.{rest}") if role in ROLES else None)
    if found is None:
        raise ValueError(f"values.yaml: there is no `# --` above {path}")
    return found


def _rule(path: str) -> Mapping[str, Any]:
    return next((rule for pattern, rule in _rules().items() if fnmatchcase(path, pattern)), {})


@cache
def _rules() -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = yaml.safe_load(RULES.read_text())
    return found


def schema() -> str:
    """The whole of values.schema.json."""
    document = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the memebattle chart",
        "description": "Written by `make chart-docs`",
        **_object(values()),
        "definitions": {"settings": _settings(), "roleSettings": _role_settings()},
    }
    # Helm puts it into the values of every subchart
    document["properties"]["global"] = {"type": "object"}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _object(parts: list[Value]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [part.key for part in parts],
        "properties": {part.key: _schema_of(part) for part in parts},
    }


def _schema_of(value: Value) -> dict[str, Any]:
    described = {"description": value.meaning}
    if value.parts:
        return described | _object(value.parts)
    typed: dict[str, Any] = {"type": TYPES[type(value.default)]} if type(value.default) in TYPES else {}
    if typed.get("type") == "integer":
        typed["minimum"] = 0
    return described | typed | dict(value.rule)


def _settings() -> dict[str, Any]:
    """Variables for all roles: each of ours, but no secret and none that the chart sets."""
    kinds = dict(_kinds())
    kept = {
        row.name: {"description": row.meaning, **kinds[row.name]}
        for row in rows()
        if row.name not in _own_variables()
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": kept | {name: _refused(said) for name, said in _own_variables().items()},
    }


def _role_settings() -> dict[str, Any]:
    """Those for one role: not what decides about streams, which all share."""
    shared = _listed("streamVariables")
    properties = {
        name: _refused("set it in `settings`, for all roles")
        if name in shared
        else {"$ref": f"#/definitions/settings/properties/{name}"}
        for name in _settings()["properties"]
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _refused(instead: str) -> dict[str, Any]:
    """No value fits; the sentence is what Helm shows."""
    return {"description": instead[0].upper() + instead[1:], "const": f"left out: {instead}"}


def _own_variables() -> dict[str, str]:
    found: dict[str, str] = _listed("ownVariables")
    return found


def _listed(name: str) -> Any:
    """The YAML in a block of `_variables.tpl`."""
    head, end = re.escape(f'{{{{- define "memebattle.{name}" -}}}}\n'), re.escape("{{- end -}}")
    block = re.search(f"{head}(.*?){end}", VARIABLES.read_text(), re.DOTALL)
    if block is None:
        raise ValueError(f"{VARIABLES.name} has no block {name}")
    return yaml.safe_load(block[1])


def _kinds() -> Iterator[tuple[str, dict[str, Any]]]:
    """What each variable may be, from the types of the settings."""
    for group in fields(Settings):
        described = group.default_factory.model_json_schema(by_alias=True)  # type: ignore[union-attr]
        for name, found in described["properties"].items():
            yield name, _kind(found, described.get("$defs", {}))


def _kind(found: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """The environment is text, so numbers and truth may come as text, too."""
    if choices := list(_choices(found, named)):
        return {"enum": choices}
    bounds = {name: found[name] for name in ("minimum", "exclusiveMinimum", "maximum") if name in found}
    match found.get("type"):
        case "integer":
            return {"type": ["integer", "string"], **bounds, "pattern": "^[0-9]+$"}
        case "number":
            return {"type": ["number", "string"], **bounds, "pattern": r"^[0-9]+(\.[0-9]+)?$"}
        case "boolean":
            return {"type": ["boolean", "string"], "pattern": "^(true|false|1|0|yes|no|on|off)$"}
    return {"type": ["string", "number", "boolean"]}


def _choices(found: Mapping[str, Any], named: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in found:
        found = named[found["$ref"].rpartition("/")[2]]
    yield from found.get("enum", [])
    if "const" in found:
        yield found["const"]
    for part in found.get("anyOf", []):
        yield from _choices(part, named)


def tables() -> str:
    """The values, a table for each top-level key that has parts; the others come first."""
    alone = [value for value in values() if not value.parts]
    paragraphs = ["### Everything", _table(alone)]
    for value in values():
        if value.parts:
            paragraphs += [f"### `{value.key}`", f"{value.meaning}.", _table(list(value.leaves()))]
    return "\n\n".join(paragraphs)


def _table(leaves: list[Value]) -> str:
    lines = [f"| `{leaf.path}` | {_shown(leaf.default)} | {_cell(leaf.meaning)} |" for leaf in leaves]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *lines])


def _shown(default: Any) -> str:
    text = default if isinstance(default, str) else json.dumps(default)
    return f"`{_cell(text)}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def filled(text: str) -> str:
    """The README with its tables written anew."""
    return re.sub(
        r"(<!-- values: .*? -->\n).*?(<!-- /values -->)",
        lambda found: f"{found[1]}\n{tables()}\n\n{found[2]}",
        text,
        flags=re.DOTALL,
    )


def main() -> None:
    """Write, or with --check only compare."""
    wanted = {README: filled(README.read_text()), SCHEMA: schema()}
    if "--check" in sys.argv[1:]:
        stale = [path.name for path, text in wanted.items() if not path.exists() or path.read_text() != text]
        sys.exit(f"{', '.join(stale)}: run `make chart-docs`" if stale else 0)
    for path, text in wanted.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
