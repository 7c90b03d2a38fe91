"""A machine on which `minikube`, `kubectl` and `helm` only write down what they are told."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

from tests.chart.programs import Programs

ROOT = Path(__file__).parents[2]
UP, DOWN = ROOT / "helm" / "minikube-up.sh", ROOT / "helm" / "minikube-down.sh"
NODE = "192.168.49.2"
HOSTS_LINE = f"{NODE} meme-generator.local nats.meme-generator.local"
QUESTIONS = {("kubectl", "get"), ("helm", "status"), ("minikube", "ip")}  # they change nothing
FOUND_NOTHING, FOUND_ALL = 1, 0

type Call = list[str]


class Machine:
    """A machine with a cluster of our making. `found` is the exit code of every question to it."""

    def __init__(self, directory: Path, found: int = FOUND_NOTHING) -> None:
        self.programs = Programs(directory / "bin")
        self.hosts = directory / "hosts"
        self.hosts.write_text("127.0.0.1 localhost\n", encoding="utf-8")
        self.applied = directory / "applied"
        self.set_up(found)

    def set_up(self, found: int) -> None:
        kubectl = f'case "$3" in get) exit {found};; apply|create) [ -t 0 ] || cat >>{self.applied};; esac'
        self.programs.add(
            {
                "minikube": f'[ "$1" != ip ] || echo {NODE}',
                "helm": f'[ "$3" != status ] || exit {found}',
                "kubectl": kubectl,
            }
        )

    def run(
        self, script: Path | str, *options: str, directory: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(script), *options],
            cwd=directory,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            env={
                "PATH": f"{self.programs.directory}:/usr/bin:/bin",
                "HOME": str(self.programs.directory),
                "HOSTS_FILE": str(self.hosts),
                **environment,
            },
        )

    def changes(self) -> list[Call]:
        """What was called, without the questions."""
        return [call for call in self.programs.calls() if (call[0], verb_of(call)) not in QUESTIONS]


def verb_of(call: Call) -> str:
    """The word after the program and its context."""
    return call[3] if call[1] in {"--context", "--kube-context"} else call[1]


def printed_commands(output: str) -> list[Call]:
    """The commands that a run says it runs."""
    lines = (line.removeprefix("   $ ") for line in output.splitlines() if line.startswith("   $ "))
    return [shlex.split(line) for line in lines if line.startswith(("minikube", "kubectl", "helm"))]


def installs_of(calls: list[Call]) -> dict[str, Call]:
    return {call[5]: call for call in calls if call[0] == "helm" and call[3:5] == ["upgrade", "--install"]}


def merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: merged(base[key], change[key])
        for key in base.keys() & change.keys()
        if _both_map(base, change, key)
    }
    return base | change | both


def _both_map(base: dict[str, Any], change: dict[str, Any], key: str) -> bool:
    return isinstance(base[key], dict) and isinstance(change[key], dict)
