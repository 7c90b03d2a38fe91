"""What one process offers to the outside: addresses, the page, metrics and logs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from memebattle.settings.group import Group


class GatewaySettings(Group):
    """The HTTP side: REST, images and the page."""

    address: str = Field("0.0.0.0:8000", alias="GATEWAY_ADDR", description="Listen address of the gateway")
    websocket_url: str = Field(
        "",
        alias="NATS_WEBSOCKET_URL",
        description="What the page connects to; empty = `ws://nats.<host of the page>`",
    )
    max_wait: float = Field(
        60, ge=0, alias="GATEWAY_MAX_WAIT", description="Most seconds `Prefer: wait=N` may hold a request"
    )
    contexts: str = Field(
        "memes,chat,priority,battle",
        alias="PAGE_CONTEXTS",
        description="What the page offers, comma separated; name only what some worker serves",
    )


class ObservabilitySettings(Group):
    """Metrics, health, logs and traces."""

    metrics_address: str = Field(
        "0.0.0.0:9090", alias="METRICS_ADDR", description="Listen address of /metrics, /livez and /readyz"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", alias="LOG_LEVEL", description="DEBUG, INFO, WARNING or ERROR"
    )
    log_format: Literal["json", "console"] = Field(
        "json", alias="LOG_FORMAT", description="`json` for machines, `console` for people"
    )
    worker_id: str = Field(
        "", alias="WORKER_ID", description="Name of this process in logs and answers; empty = the host name"
    )
    otlp_endpoint: str = Field(
        "",
        pattern=r"^$|^https?://[^\s/]",
        alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="Collector of traces, OTLP over HTTP: `http://127.0.0.1:4318`; needs the extra `otel`;"
        " empty = none",
    )
