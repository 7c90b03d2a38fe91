"""Programs that only write down how they were called: `kubectl`, `helm` and `minikube` for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

SCRIPT = """#!/bin/sh
{{ printf '%s' '{name}'; for word; do printf '\\t%s' "$word"; done; echo; }} >>'{calls}'
{body}
"""


@dataclass(frozen=True, slots=True)
class Programs:
    """A directory for PATH, and what was called from it."""

    directory: Path

    @property
    def calls_file(self) -> Path:
        return self.directory / "calls.tsv"

    def add(self, bodies: Mapping[str, str]) -> None:
        """Make these programs; `body` is what each does after it has written down its call."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for name, body in bodies.items():
            path = self.directory / name
            path.write_text(SCRIPT.format(name=name, calls=self.calls_file, body=body), encoding="utf-8")
            path.chmod(0o755)

    def calls(self, *programs: str) -> list[list[str]]:
        """Every call with its arguments, in order; of these programs, or of all."""
        if not self.calls_file.exists():
            return []
        lines = self.calls_file.read_text(encoding="utf-8").splitlines()
        found = [line.split("\t") for line in lines]
        return [call for call in found if not programs or call[0] in programs]

    def forget(self) -> None:
        """Forget the calls."""
        self.calls_file.unlink(missing_ok=True)


def after(call: Iterable[str], option: str) -> list[str]:
    """The words that follow this option, each time it is given."""
    words = list(call)
    return [words[i + 1] for i, word in enumerate(words) if word == option]
