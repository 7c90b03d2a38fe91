"""Three renderings as files, so that a change of the chart is read as a change of what reaches the cluster.

`python -m tests.chart.snapshots` writes them anew. The dashboard and the alerts are files of the chart with
tests of their own; here only their place is kept.
"""

from __future__ import annotations

from pathlib import Path

from tests.chart.rendering import render

FOLDER = Path(__file__).parent / "snapshots"
COMMAND = ".venv/bin/python -m tests.chart.snapshots"
PRESETS = ("defaults", "everything", "values-minikube")
# template -> the line behind which the content of a file begins
CONTENTS = {"grafana-dashboard.yaml": "  memebattle.json: |-", "prometheusrule.yaml": "  groups:"}


def snapshot(preset: str) -> str:
    """What Helm writes for these values, template by template, and what it says at the end."""
    text = render(preset=preset).text
    return "\n".join(f"---\n# {source}\n{_shown(source, text[source])}" for source in sorted(text))


def path(preset: str) -> Path:
    """Where it is kept."""
    return FOLDER / f"{preset}.yaml"


def _shown(source: str, text: str) -> str:
    if source.endswith(".txt"):
        return "".join(f"# {line}".rstrip() + "\n" for line in text.strip().splitlines())
    lines = [line.rstrip() for line in text.strip().splitlines()]
    if source in CONTENTS:
        lines = [*lines[: lines.index(CONTENTS[source]) + 1], "    # the content of a file of the chart"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(exist_ok=True)
    for preset in PRESETS:
        path(preset).write_text(snapshot(preset), encoding="utf-8")


if __name__ == "__main__":
    main()
