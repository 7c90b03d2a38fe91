"""Write the tables of README.md from the declarations: subjects, settings, metrics. Run by `make tables`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from pathlib import Path

from memebattle.bus.subjects import MEANINGS
from memebattle.kit.metrics import declared
from memebattle.settings import ORIGINAL, Row, rows

README = Path(__file__).parent.parent / "README.md"

# group of settings -> its heading
SETTINGS = {
    "nats": "NATS",
    "delivery": "Delivery",
    "redis": "Redis",
    "generation": "Pictures",
    "text": "Text",
    "chat": "Chat",
    "priority": "Priority",
    "cache": "What Redis keeps for priority",
    "legacy": "The Redis channels before NATS",
    "battle": "Battle",
    "gateway": "Gateway",
    "observability": "Metrics, health and logs",
}

# what a name begins with -> the heading; the first that fits
METRICS = {
    "meme_generator_": "Memes, in the workers",
    "chat_workflow_": "Chat, in the workers",
    "chat_": "Chat, in workers and gateways",
    "priority_": "Priority, in workers and gateways",
    "battles_": "Battles, in the workers",
    "memebattle_": "Every process",
}


def subjects_table() -> str:
    """Every subject."""
    return _table(
        "| subject | meaning |", (f"| `{name}` | {_cell(said)} |" for name, said in MEANINGS.items())
    )


def settings_table() -> str:
    """Every environment variable, by group."""
    groups = groupby(rows(), key=lambda row: row.group)
    return "\n\n".join(
        f"### {SETTINGS[name]}\n\n{_table('| variable | default | meaning |', map(_setting, group))}"
        for name, group in groups
    )


def original_table() -> str:
    """What the variables of the original systems stand for."""
    return _table(
        "| variable | stands for |", (f"| `{name}` | {_cell(said)} |" for name, said in ORIGINAL.items())
    )


def metrics_table() -> str:
    """Every metric, by group."""
    groups = groupby(declared().items(), key=lambda item: _heading(METRICS, item[0]))
    return "\n\n".join(
        f"### {heading}\n\n"
        + _table("| metric | meaning |", (f"| `{name}` | {_cell(meaning)} |" for name, meaning in group))
        for heading, group in groups
    )


TABLES: dict[str, Callable[[], str]] = {
    "subjects": subjects_table,
    "settings": settings_table,
    "original": original_table,
    "metrics": metrics_table,
}


def filled(text: str) -> str:
    """The README with all tables written anew."""
    for name, table in TABLES.items():
        text = re.sub(
            rf"(<!-- {name}: .*? -->\n).*?(<!-- /{name} -->)",
            lambda found, table=table: f"{found[1]}{table()}\n{found[2]}",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
    return text


def _setting(row: Row) -> str:
    default = f"`{row.default}`" if row.default else ""
    return f"| `{row.name}` | {default} | {_cell(row.meaning)} |"


def _table(head: str, lines: Iterable[str]) -> str:
    return "\n".join([head, "|" + "---|" * (head.count("|") - 1), *lines])


def _heading(headings: Mapping[str, str], name: str) -> str:
    return next(heading for prefix, heading in headings.items() if name.startswith(prefix))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write, or with --check only compare."""
    text = README.read_text()
    if "--check" in sys.argv[1:]:
        sys.exit(text != filled(text))
    README.write_text(filled(text))


if __name__ == "__main__":
    main()
