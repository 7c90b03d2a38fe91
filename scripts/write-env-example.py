"""Write `.env.example` from the settings: one line per variable, its meaning above it.

Run by `make env-example`; `tests/docs/test_env_example.py` fails when the file and the settings part ways.
Secrets stay empty, so that nobody mistakes an example for a credential. The one exception is a secret whose
default is an address (`REDIS_URL`): it says where the server is and carries no password.
"""

from itertools import groupby
from pathlib import Path

from memebattle.settings import Row, rows

TARGET = Path(__file__).parents[1] / ".env.example"

HEADER = """\
# Every variable memebattle reads, with its default. Copy to .env and change what differs; an empty value
# counts as not set. Written by `make env-example` from memebattle/settings/.
"""


def line(row: Row) -> str:
    """One variable: its meaning as a comment, then the assignment."""
    return f"# {row.meaning}\n{row.name}={row.default}\n"


def document() -> str:
    """The whole file, one paragraph per group of settings."""
    groups = [(name, list(group)) for name, group in groupby(rows(), key=lambda row: row.group)]
    paragraphs = [f"# --- {name} ---\n" + "".join(map(line, group)) for name, group in groups]
    return "\n".join([HEADER, *paragraphs])


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
