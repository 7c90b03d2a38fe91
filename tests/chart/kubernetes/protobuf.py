"""Secrets as Helm sends them: Kubernetes' envelope of protocol buffers.

Everything else comes as JSON or YAML, so this knows one kind. A message is a row of numbered fields; a field
is a tag (number and wire type) and a value, which may itself be a message:

    "k8s\\0"  Unknown { 1: TypeMeta { 1: apiVersion, 2: kind }, 2: raw }
    raw      Secret  { 1: ObjectMeta, 2: data (map of bytes), 3: type }
    ObjectMeta       { 1: name, 3: namespace, 6: resourceVersion, 11: labels, 12: annotations }
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

MAGIC = b"k8s\0"
_VARINT, _BYTES = 0, 2


class UnknownMessage(ValueError):
    """Not one of the messages described above."""


def decoded(body: bytes) -> dict[str, Any]:
    """The Secret in an envelope, as its JSON would be.

    Raises:
        UnknownMessage: it is another kind.
    """
    envelope = dict(_fields(body.removeprefix(MAGIC)))
    api, kind = (value.decode() for _, value in sorted(_fields(envelope[1])))
    if (api, kind) != ("v1", "Secret"):
        raise UnknownMessage(f"only Secrets are known as protocol buffers, not {kind} of {api}")
    secret: dict[str, Any] = {"apiVersion": api, "kind": kind, "metadata": {}, "data": {}}
    for number, value in _fields(envelope[2]):
        if number == 1:
            secret["metadata"] = _metadata(value)
        elif number == 2:
            name, data = _entry(value)
            secret["data"][name] = base64.b64encode(data).decode()
        elif number == 3:
            secret["type"] = value.decode()
    return secret


def _metadata(message: bytes) -> dict[str, Any]:
    names = {1: "name", 3: "namespace", 6: "resourceVersion"}
    maps = {11: "labels", 12: "annotations"}
    found: dict[str, Any] = {}
    for number, value in _fields(message):
        if number in names and value:
            found[names[number]] = value.decode()
        elif number in maps:
            key, text = _entry(value)
            found.setdefault(maps[number], {})[key] = text.decode()
    return found


def _entry(message: bytes) -> tuple[str, bytes]:
    """Key and value of a map; an empty one is left out of the message."""
    fields = dict(_fields(message))
    return fields.get(1, b"").decode(), fields.get(2, b"")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields that are bytes; numbers are passed over, nothing here needs them."""
    at = 0
    while at < len(message):
        tag, at = _number(message, at)
        value, at = _number(message, at)
        if tag & 7 == _BYTES:
            yield tag >> 3, message[at : at + value]
            at += value
        elif tag & 7 != _VARINT:
            raise UnknownMessage(f"wire type {tag & 7}")


def _number(message: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value, at, shift = value | (byte & 0x7F) << shift, at + 1, shift + 7
        if byte < 0x80:
            return value, at
