"""`python -m memebattle.gateway`: serve on GATEWAY_ADDR until SIGTERM or Ctrl-C."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import uvicorn

from memebattle.gateway.app import create_app
from memebattle.kit import logs
from memebattle.settings import Settings, SettingsError


def main() -> int:
    """Serve; on a signal finish the requests in work within the grace period.

    Returns:
        0, or 2 when a setting cannot be used.
    """
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - there is no log yet
        return 2
    logs.configure(settings.observability.log_level, settings.observability.log_format)
    signal.signal(signal.SIGTERM, _stop_was_asked_for)
    host, _, port = settings.gateway.address.rpartition(":")
    uvicorn.run(
        create_app(settings),
        host=host or "0.0.0.0",
        port=int(port),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=round(settings.delivery.shutdown_grace) or None,
    )
    return 0


def _stop_was_asked_for(_number: int, _frame: FrameType | None) -> None:
    """Uvicorn raises the signal again after it has stopped; a stop on request is no failure."""


if __name__ == "__main__":
    sys.exit(main())
