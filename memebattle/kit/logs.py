"""Structured logs: one JSON object a line for machines, one coloured line for people, no secrets in either.

`bound(request_id=...)` adds fields to every line logged inside it, in this task and the ones it starts.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Literal

_fields: ContextVar[dict[str, Any] | None] = ContextVar("log_fields", default=None)

# tokens, bearer headers, JWTs, and whatever stands before the host of a URL (a token, or user and password)
_SECRETS = re.compile(
    r"\bhf_[A-Za-z0-9]{8,}|(?i:(?<=bearer ))\S+|\beyJ[\w-]+\.[\w-]+\.[\w-]*|(?<=://)[^\s/]+(?=@)"
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_COLOURS = {"DEBUG": "2", "INFO": "36", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}


@contextlib.contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """Add fields to every log line of this block; None values are left out."""
    known = {name: value for name, value in fields.items() if value is not None}
    token = _fields.set({**(_fields.get() or {}), **known})
    try:
        yield
    finally:
        _fields.reset(token)


def redacted(text: str) -> str:
    """The text with everything that looks like a credential replaced by stars."""
    return _SECRETS.sub("***", text)


def configure(level: str, style: Literal["json", "console"]) -> None:
    """Send everything to standard error in one form. Called once per process, by its entry point."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else ConsoleFormatter(sys.stderr.isatty()))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # FastStream speaks through "memebattle.broker"; what we have to say about messages is said elsewhere
    for chatty in (
        "memebattle.broker",
        "uvicorn.access",
        "uvicorn.error",
        "faststream",
        "httpx",
        "httpcore",
        "PIL",
    ):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for parent in ("uvicorn", "uvicorn.error"):
        logging.getLogger(parent).handlers.clear()


class JsonFormatter(logging.Formatter):
    """`{"ts", "level", "logger", "message", ...fields}`."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "ts": _timestamp(record),
            "level": record.levelname,
            "logger": record.name,
            "message": redacted(record.getMessage()),
            **_extras(record),
        }
        if record.exc_info:
            entry["exception"] = redacted(self.formatException(record.exc_info))
        return json.dumps(entry)


class ConsoleFormatter(logging.Formatter):
    """`12:00:01 INFO  message  request_id=...`."""

    def __init__(self, colours: bool) -> None:  # noqa: FBT001 - a formatter is made in one place
        super().__init__()
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname.ljust(7)
        if self._colours:
            level = f"\x1b[{_COLOURS.get(record.levelname, '0')}m{level}\x1b[0m"
        extras = " ".join(f"{name}={value}" for name, value in _extras(record).items())
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        line = f"{clock} {level} {redacted(record.getMessage())}" + (f"  {extras}" if extras else "")
        return line + ("\n" + redacted(self.formatException(record.exc_info)) if record.exc_info else "")


def _timestamp(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    given = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    fields = {**(_fields.get() or {}), **given}
    return {name: _harmless(value) for name, value in fields.items()}


def _harmless(value: Any) -> Any:
    """Numbers as they are; anything else as text, because the text of an exception may quote a URL."""
    return value if value is None or isinstance(value, int | float) else redacted(str(value))
