"""Manifests as YAML that every reader understands alike.

Python's YAML and Kubernetes' disagree about which bare words are text: `1e3` is text to one and a number to
the other. So a text stays bare only where nobody could take it for anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml

type Manifest = dict[str, Any]

# a letter or a slash first, and nothing that YAML gives a meaning to
_BARE = re.compile(r"[A-Za-z/][A-Za-z0-9/._=+-]*(?:[: ][A-Za-z0-9/._=+-]+)*")
_WORDS_WITH_A_MEANING = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}


class Quoted(str):
    """A text that is written in quotes whatever it looks like: a password."""

    __slots__ = ()


def to_yaml(manifests: Iterable[Manifest]) -> str:
    """These manifests as one stream of documents."""
    dumped = (
        yaml.dump(
            manifest, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False
        )
        for manifest in manifests
    )
    return "".join(f"---\n{text}" for text in dumped)


def from_yaml(text: str) -> list[Manifest]:
    """Every document of a stream that is one; comments alone are none."""
    return [document for document in yaml.safe_load_all(text) if document]


class _Dumper(yaml.SafeDumper):
    """Without anchors: two equal parts of a manifest are two parts."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" in text:
        style: str | None = "|"
    elif _BARE.fullmatch(text) and text.lower() not in _WORDS_WITH_A_MEANING:
        style = None
    else:
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _quoted(dumper: yaml.SafeDumper, text: Quoted) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Quoted, _quoted)
