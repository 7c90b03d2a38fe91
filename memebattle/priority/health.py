"""What is said about the health of priority: the words of the health routes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from memebattle.kit.figures import AccountFigures, RedisFigures, ServerFigures, StreamFigures

type Status = Literal["OK", "DEGRADED", "CRITICAL"]


class Parts(BaseModel):
    """Whether each part is well."""

    nats: bool = Field(description="Connected, and it answers; false is CRITICAL, all others are DEGRADED")
    jetstream: bool = Field(description="Our account can be used, and no limit of it is nearly reached")
    streams: bool = Field(description="The streams that priority needs are there")
    redis: bool = Field(description="It answers; without it nothing is cached, each gateway limits alone")


class Verdict(BaseModel):
    """How priority is, from where this gateway stands."""

    status: Status
    parts: Parts
    reasons: tuple[str, ...] = Field(description="What is not well, in words", examples=[["Redis is away"]])
    version: str
    checked_at: datetime


class Part[Figures](BaseModel):
    """One part: what was measured, or why it could not be."""

    up: bool
    error: str | None = None
    figures: Figures | None = None


class Lookups(BaseModel):
    """How lookups of one kind of document ended in this process since it began."""

    hits: int
    misses: int
    errors: int = Field(description="Redis did not answer; neither a hit nor a miss")
    ratio: float | None = Field(description="Hits among hits and misses; null when there were none")


class Durations(BaseModel):
    """How long something took, over all replicas. Null where nothing was counted."""

    count: int
    per_second: float
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class Detailed(Verdict):
    """The same with what it rests on."""

    nats: Part[ServerFigures]
    jetstream: Part[AccountFigures]
    streams: Part[tuple[StreamFigures, ...]]
    redis: Part[RedisFigures]
    cache: Mapping[str, Lookups] = Field(description="Our own lookups by kind, not those of Redis")
    processing: Part[Durations] = Field(description="Scoring within the last five minutes, on all replicas")


class MinutesReport(BaseModel):
    """What all replicas counted lately."""

    available: bool = Field(description="False: the figures are in Redis, which is away")
    minutes: int
    since: datetime | None
    counts: Mapping[str, float]
    durations: Mapping[str, Durations]


class SystemReport(BaseModel):
    """What this gateway takes of its machine."""

    version: str
    python: str
    uptime_seconds: float
    memory_mb: float = Field(description="Resident")
    cpu_seconds: float = Field(description="Since the process began, of all its threads")
    threads: int
    cpus: int | None
    load_average: tuple[float, float, float] | None = Field(description="Of the machine: 1, 5, 15 minutes")
