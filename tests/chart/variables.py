"""The environment of a role as the program reads it, and what may be in it at all.

Values that only a cluster knows, of Secrets and of the pod itself, are made up.
"""

from __future__ import annotations

import re
from functools import cache

from memebattle.settings import Row, Settings, rows
from tests.chart.pods import Value, pods
from tests.chart.rendering import FULL, ROLES, Rendering, render

ROWS = {row.name: row for row in rows()}
WORKERS = ("worker", "workflow", "priority", "battle")


def settings_of(rendering: Rendering, role: str) -> Settings:
    """What the process in that pod would work with.

    Raises:
        SettingsError: a value that it would not accept.
    """
    return read(rendering.environment(role))


def read(variables: dict[str, Value]) -> Settings:
    """The same from an environment alone."""
    return Settings.from_env({name: _told(name, value) for name, value in variables.items()})


def _told(name: str, value: Value) -> str:
    if isinstance(value, str):
        return value
    return "redis://:pa55@redis.cache.svc:6379" if name == "REDIS_URL" else "told-at-run-time"


def roles_of(rendering: Rendering) -> list[str]:
    """Those that a preset has switched on."""
    there = {pod.component for pod in pods(rendering.objects)}
    return [role for role in ROLES if role in there]


@cache
def settable() -> dict[str, str]:
    """Every variable that neither the chart sets nor a Secret, with a value other than its default."""
    rendering = render(FULL)
    taken = {name for role in ROLES for name in rendering.environment(role)}
    return {name: another(row) for name, row in ROWS.items() if name not in taken and not row.secret}


def another(row: Row) -> str:
    """A value of the same type that is not the default."""
    choices = {
        "IMAGE_PROVIDER": "artist",
        "HF_PROVIDER": "nscale",
        "DEDUP_ON_REDIS_FAILURE": "open",
        "CHAT_PROVIDER": "local",
        "CHAT_CUSTOM_TOKEN_FIELD": "max_completion_tokens",
        "PRIORITY_MODEL": "wsjf",
        "LOG_LEVEL": "DEBUG",
        "JETSTREAM_ENABLED": "true",  # the only value it takes
    }
    if row.name in choices:
        return choices[row.name]
    if row.default in {"true", "false"}:
        return "false" if row.default == "true" else "true"
    if re.fullmatch(r"\d+(\.\d+)?", row.default):
        return str(int(float(row.default)) + 1)
    return f"other-{row.name.lower()}"
