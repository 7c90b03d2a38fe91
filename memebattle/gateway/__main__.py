"""`python -m memebattle.gateway`: serve on GATEWAY_ADDR until SIGTERM or Ctrl-C."""

from __future__ import annotations

import sys

from memebattle.gateway.app import create_app
from memebattle.gateway.server import serve
from memebattle.kit import logs, tracing
from memebattle.settings import Settings, SettingsError


def main() -> int:
    """Serve; on a signal finish the requests in work within the grace period.

    Returns:
        0, 2 when a setting cannot be used, or 3 when the server cannot start.
    """
    try:
        settings = Settings.from_env()
        logs.configure(settings.observability.log_level, settings.observability.log_format)
        with tracing.exported(settings.observability.otlp_endpoint, "memebattle-gateway", settings.worker_id):
            return _serve(settings)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for whoever reads no log
        return 2


def _serve(settings: Settings) -> int:
    app = create_app(settings)
    return serve(
        app,
        settings.gateway.address,
        grace=settings.delivery.shutdown_grace,
        on_stop=app.state.wiring.health.stop,
    )


if __name__ == "__main__":
    sys.exit(main())
