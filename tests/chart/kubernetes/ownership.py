"""Server-side apply: every field has an owner, and who applies says all that he wants.

Of the real rules, those that a chart can feel. A field that a manager applied before and leaves out now is
removed. A field that somebody else set to another value since is a conflict, unless he insists. A field that
he never named is none of his business: that is how `spec.replicas` of an autoscaled Deployment outlives an
upgrade.

Lists are one field here. The real server merges lists of containers or variables by their names, which makes
a difference only where two managers apply to the same list.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

type Path = tuple[str, ...]
type Owners = dict[Path, str]


class Conflict(Exception):
    """Fields that belong to somebody else, one sentence each."""


def apply(
    live: Mapping[str, Any], wanted: Mapping[str, Any], owners: Owners, manager: str, *, force: bool
) -> dict[str, Any]:
    """The object after `manager` applied what he wants; `owners` is brought up to date.

    Raises:
        Conflict: a field belongs to another manager and has another value.
    """
    fields = dict(leaves(wanted))
    if not force and (taken := list(_conflicts(live, fields, owners, manager))):
        raise Conflict("; ".join(taken))
    result = copy.deepcopy(dict(live))
    for path in [path for path, owner in owners.items() if owner == manager and path not in fields]:
        _remove(result, path)
        del owners[path]
    for path, value in fields.items():
        _put(result, path, copy.deepcopy(value))
        owners[path] = manager
    return result


def take_over(before: Mapping[str, Any], after: Mapping[str, Any], owners: Owners, manager: str) -> None:
    """Who updates an object in another way owns what he changed."""
    old = dict(leaves(before))
    for path, value in leaves(after):
        if path not in old or old[path] != value:
            owners[path] = manager


def leaves(tree: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every field with its path. What is null is not there."""
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*above, name))
        elif value is not None:
            yield (*above, name), value


def merged(live: Any, changes: Any) -> Any:
    """A JSON merge patch (RFC 7386): null removes."""
    if not isinstance(changes, Mapping):
        return changes
    result = dict(live) if isinstance(live, Mapping) else {}
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _conflicts(
    live: Mapping[str, Any], fields: Mapping[Path, Any], owners: Owners, manager: str
) -> Iterator[str]:
    present = dict(leaves(live))
    for path, value in fields.items():
        owner = owners.get(path, manager)
        if owner != manager and present.get(path) != value:
            yield f'conflict with "{owner}": .{".".join(path)}'


def _put(tree: dict[str, Any], path: Path, value: Any) -> None:
    for name in path[:-1]:
        if not isinstance(tree.get(name), dict):
            tree[name] = {}
        tree = tree[name]
    tree[path[-1]] = value


def _remove(tree: dict[str, Any], path: Path) -> None:
    """Take a field away, and the empty mappings that it leaves behind."""
    inner = tree.get(path[0])
    if len(path) == 1:
        tree.pop(path[0], None)
    elif isinstance(inner, dict):
        _remove(inner, path[1:])
        if not inner:
            del tree[path[0]]
