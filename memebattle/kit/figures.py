"""What probes of NATS and Redis find: plain figures, which know neither of them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True)


class ServerFigures(_Figures):
    """The NATS server we are connected to."""

    version: str = Field(examples=["2.12.0"])
    round_trip_ms: float = Field(description="A PING and its PONG, behind whatever this process is reading")
    reconnects: int = Field(description="Of this process since it began")


class AccountFigures(_Figures):
    """Our account of JetStream; a limit that is null does not exist."""

    memory: int = Field(description="Bytes in use")
    storage: int = Field(description="Bytes in use")
    streams: int
    consumers: int
    max_memory: int | None
    max_storage: int | None
    max_streams: int | None
    max_consumers: int | None
    fullest: float = Field(description="The largest share of any limit that is used up, from 0 to 1")


class ConsumerFigures(_Figures):
    """A durable consumer; `pending` and `in_work` together are its lag."""

    name: str
    pending: int = Field(description="Messages that nobody has taken yet")
    in_work: int = Field(description="Messages that were taken and are not acknowledged")
    redelivered: int


class StreamFigures(_Figures):
    """A stream of ours."""

    name: str
    needed: bool = Field(description="Whether priority cannot work without it")
    present: bool
    messages: int = 0
    bytes: int = 0
    consumer: ConsumerFigures | None = Field(None, description="Null when there is none, or it is not ours")


class RedisFigures(_Figures):
    """The Redis, or what is compatible to it, that we are connected to."""

    product: str = Field(examples=["valkey"])
    version: str = Field(examples=["9.0.1"])
    ping_ms: float
    uptime_seconds: int
    used_memory: int = Field(description="Bytes")
    max_memory: int | None = Field(description="Bytes; null is no limit")
    keys: int = Field(description="Of everybody in our database, as Redis itself counts them")
