"""The clock on the wall, as pages read it."""

from __future__ import annotations

import time


def milliseconds() -> int:
    """Since 1970."""
    return round(time.time() * 1000)
