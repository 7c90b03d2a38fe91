"""Processes of a running stack that may be killed, to see that nobody misses them.

The file that tells where a stack is may be old, and the number of an ended process may have gone to somebody
else. So a process is only touched when it still is what the file says.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memebattle.cli.output import Problem


@dataclass(frozen=True, slots=True)
class Victim:
    """A worker or a gateway."""

    name: str
    pid: int

    @property
    def is_alive(self) -> bool:
        """Whether the process still is one of ours; where nobody can say, it is."""
        module = f"memebattle.{self.name.partition('-')[0]}"
        if not Path("/proc/self").exists():
            return True
        try:
            return module.encode() in Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return False

    def kill(self) -> str:
        """End it at once; its name, for the report."""
        if not self.is_alive:
            return f"{self.name} (which was gone already)"
        os.kill(self.pid, signal.SIGKILL)
        return self.name


def victims_of(stack: Mapping[str, Any], roles: Sequence[str]) -> list[Victim]:
    """The last process of each of these roles: whoever comes first is often asked first.

    Raises:
        Problem: there is none.
    """
    pids: Mapping[str, int] = stack.get("pids") or {}
    found = []
    for role in roles:
        alive = [Victim(name, pid) for name, pid in pids.items() if name.partition("-")[0] == role]
        alive = [victim for victim in alive if victim.is_alive]
        if not alive:
            raise Problem(
                f"there is no {role} to kill",
                why="only processes of a `memebattle up` of yours on this machine are ended",
                do="`memebattle up --workers 2 --gateways 2` in another terminal",
            )
        found.append(alive[-1])
    return found
