"""The Helm chart, and what renders it.

The chart lies in the checkout, or in the wheel beside this file. The `helm` on PATH renders it, or else the
library of Helm that the extra `memebattle[k8s]` brings: the same templates, the same schema, no cluster.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import yaml

from memebattle.cli.k8s_yaml import Manifest, from_yaml
from memebattle.cli.output import USAGE, Problem

HELM_TIMEOUT = 60.0  # seconds; it takes a tenth of one
_FAILED_AT = re.compile(r"^.*execution error at \([^)]*\): ", re.DOTALL)
_BEFORE_FINDINGS = re.compile(r"^.*?(?=^- at )", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Release:
    """The names a release gets, and what is said beside the chart's own values."""

    name: str
    namespace: str
    files: tuple[Path, ...] = ()
    settings: tuple[str, ...] = ()


class Renderer(Protocol):
    """Makes manifests of a chart, hooks and tests among them."""

    def render(self, chart: Path, release: Release) -> list[Manifest]:
        """Every object of this release.

        Raises:
            Problem: the chart refuses these values.
        """
        ...


@dataclass(frozen=True, slots=True)
class HelmProgram:
    """The `helm` of this machine."""

    path: str

    def render(self, chart: Path, release: Release) -> list[Manifest]:
        argv = [self.path, "template", release.name, str(chart), "--namespace", release.namespace]
        argv += [word for file in release.files for word in ("--values", str(file))]
        argv += [word for setting in release.settings for word in ("--set", setting)]
        ended = subprocess.run(
            argv,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=HELM_TIMEOUT,
        )
        if ended.returncode:
            raise _refused(ended.stderr)
        return from_yaml(ended.stdout)


@dataclass(frozen=True, slots=True)
class HelmLibrary:
    """Helm's library in this process."""

    def render(self, chart: Path, release: Release) -> list[Manifest]:
        import helm_python

        try:
            values = self._values(release)
            with helm_python.Chart.load(chart) as loaded:
                rendered = loaded.render(values, name=release.name, namespace=release.namespace)
        except helm_python.HelmError as error:
            raise _refused(str(error)) from None
        texts = (rendered[path] for path in sorted(rendered) if path.endswith((".yaml", ".yml")))
        return [manifest for text in texts for manifest in from_yaml(text)]

    @staticmethod
    def _values(release: Release) -> dict[str, Any]:
        import helm_python

        values: dict[str, Any] = {}
        for file in release.files:
            values = _over(values, _content(file))
        for setting in release.settings:
            values = _over(values, helm_python.parse_set_string(setting))
        return values


def renderer() -> Renderer:
    """What this machine has.

    Raises:
        Problem: neither the program nor the library.
    """
    if program := shutil.which("helm"):
        return HelmProgram(program)
    try:
        import helm_python  # noqa: F401
    except (ImportError, OSError):
        raise Problem(
            "nothing here can render a Helm chart",
            why="there is no `helm` on PATH, and the extra `k8s` is not installed",
            do="`pip install 'memebattle[k8s]'`, or install Helm: https://helm.sh/docs/intro/install/",
        ) from None
    return HelmLibrary()


def chart_directory() -> Path:
    """Where the chart is: in the checkout, else in the wheel.

    Raises:
        Problem: it is in neither.
    """
    package = Path(str(resources.files("memebattle")))
    for candidate in (package.parent / "helm" / "memebattle", package / "cli" / "chart"):
        if (candidate / "Chart.yaml").is_file():
            return candidate
    raise Problem(
        "the chart is not here",
        why=f"neither beside {package} nor in it",
        do="run this in a checkout, or install the package anew",
    )


def checked(files: Iterable[Path]) -> tuple[Path, ...]:
    """These values files, each of which can be read.

    Raises:
        Problem: one is missing, or is no mapping.
    """
    found = tuple(files)
    for file in found:
        _content(file)
    return found


def _content(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise _unusable(f"cannot read {file}", error.strerror or str(error)) from None
    except yaml.YAMLError as error:
        raise _unusable(f"{file} is no YAML", " ".join(str(error).split())) from None
    if not isinstance(content, dict):
        raise _unusable(f"{file} holds no values", "a values file is a mapping: `key: value`")
    return content


def _unusable(what: str, why: str) -> Problem:
    return Problem(what, why, "helm/memebattle/values-minikube.yaml shows how one looks", USAGE)


def _over(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """`change` laid over `base`, mapping by mapping, as Helm does it: a list replaces a list."""
    merged = dict(base)
    for key, value in change.items():
        below = merged.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        merged[key] = _over(below, value) if both else value  # type: ignore[arg-type]
    return merged


def _refused(message: str) -> Problem:
    """Helm's words without the template they came from: the chart's sentence, or the schema's findings."""
    sentence = _BEFORE_FINDINGS.sub("", _FAILED_AT.sub("", message.strip()), count=1)
    lines = (line.strip().removeprefix("- ").removeprefix("Error: ") for line in sentence.splitlines())
    said = [line for line in lines if line and not line.startswith("Use --debug flag")]
    return Problem(
        "the chart refuses these values",
        why="; ".join(said).replace(":;", ":"),
        do="helm/memebattle/README.md describes every value",
        code=USAGE,
    )
