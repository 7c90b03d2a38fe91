"""How the command line speaks: results on standard output, everything else on standard error.

`--json` gives one object per line for programs, `--quiet` says nothing but results, NO_COLOR is honoured by
rich. A `Problem` is what a person reads instead of a traceback: what happened, why, what to do.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

FAILED, USAGE, INTERRUPTED = 1, 2, 130


class Problem(Exception):
    """Something the user can do something about."""

    def __init__(self, what: str, why: str = "", do: str = "", code: int = FAILED) -> None:
        super().__init__(what)
        self.what, self.why, self.do, self.code = what, why, do, code

    def tell(self) -> None:
        """Say it on standard error."""
        print(f"error: {self.what}", file=sys.stderr)
        if self.why:
            print(f"  why: {self.why}", file=sys.stderr)
        if self.do:
            print(f"  try: {self.do}", file=sys.stderr)


def console(*, stderr: bool = False) -> Console:
    """A rich console; imported only when something is shown."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def emit(data: Any) -> None:
    """One JSON value on a line of standard output."""
    print(json.dumps(data, default=str), flush=True)


def note(text: str, *, quiet: bool = False) -> None:
    """A remark for the person at the terminal."""
    if not quiet:
        print(text, file=sys.stderr, flush=True)


def size(count: int) -> str:
    """Bytes for people."""
    return (
        f"{count} B" if count < 1000 else f"{count / 1000:.0f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"
    )
