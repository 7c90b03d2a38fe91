"""Write the tables of README.md from the declarations: settings and metrics. Run by `make tables`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from memebattle.kit.metrics import declared
from memebattle.settings import rows

README = Path(__file__).parent.parent / "README.md"


def settings_table() -> str:
    """Every environment variable."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for row in rows():
        default = f"`{row.default}`" if row.default else ""
        lines.append(f"| `{row.name}` | {default} | {_cell(row.meaning)} |")
    return "\n".join(lines)


def metrics_table() -> str:
    """Every metric."""
    lines = ["| metric | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {_cell(meaning)} |" for name, meaning in declared().items()]
    return "\n".join(lines)


def filled(text: str) -> str:
    """The README with both tables written anew."""
    for name, table in (("settings", settings_table()), ("metrics", metrics_table())):
        text = re.sub(
            rf"(<!-- {name}: .*? -->\n).*?(<!-- /{name} -->)",
            lambda found, table=table: f"{found[1]}{table}\n{found[2]}",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
    return text


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
