"""How tasks are prioritised, what is cached for that, and the bridge to the system we grew out of."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from memebattle.settings.group import Group, Secret


class PrioritySettings(Group):
    """How tasks are taken and scored, and how many a client may send."""

    request_subject: str = Field(
        "prioritization.request",
        alias="PRIORITY_REQUEST_SUBJECT",
        description="Where tasks arrive; with `.{id}` behind it too",
    )
    result_subject: str = Field(
        "prioritization.result",
        alias="PRIORITY_RESULT_SUBJECT",
        description="Where results are heard; each is stored as `.{id}` behind it",
    )
    sync_subject: str = Field(
        "prioritization.sync",
        alias="PRIORITY_SYNC_SUBJECT",
        description="Where a task is answered at once, as the reply to a request",
    )
    queue_group: str = Field(
        "priority-workers", alias="PRIORITY_QUEUE_GROUP", description="Queue group of that subscription"
    )
    concurrency: int = Field(
        16, ge=1, le=1000, alias="PRIORITY_CONCURRENCY", description="Tasks in work at one time per worker"
    )
    model: Literal["weighted", "wsjf", "rice", "eisenhower"] = Field(
        "weighted",
        alias="PRIORITY_MODEL",
        description="How a task is scored that names no model: `weighted`, `wsjf`, `rice` or `eisenhower`",
    )
    ageing: float = Field(
        1.0,
        ge=0,
        le=240,
        alias="PRIORITY_AGEING",
        description="Points a waiting task gains per day in the ranking, so that none starves",
    )
    use_ai: bool = Field(
        False,
        alias="PRIORITY_AI",
        description="A language model fills missing factors and writes suggestions; see `CHAT_PROVIDER`",
    )
    ai_budget: float = Field(
        5, gt=0, le=60, alias="PRIORITY_AI_BUDGET", description="Seconds it may take before rules step in"
    )
    sync_timeout: float = Field(
        5, gt=0, alias="PRIORITY_SYNC_TIMEOUT", description="Seconds a synchronous question may take"
    )
    rate_limit: int = Field(
        1000,
        ge=0,
        le=10_000,
        alias="PRIORITY_RATE_LIMIT",
        description="Tasks one client may send per `PRIORITY_RATE_WINDOW`; 0 = no limit",
    )
    rate_window: float = Field(
        60, gt=0, alias="PRIORITY_RATE_WINDOW", description="Seconds of the sliding window of that limit"
    )
    max_concurrent: int = Field(
        256,
        ge=1,
        alias="MAX_CONCURRENT_REQUESTS",
        description="Requests of priority a gateway works on at one time; beyond that it answers 503",
    )


class CacheSettings(Group):
    """What Redis keeps for priority, and for how long."""

    enabled: bool = Field(True, alias="CACHE_ENABLED", description="Whether results are cached at all")
    results_ttl: float = Field(
        3600, ge=0, alias="CACHE_TTL_RESULTS", description="Seconds a result is cached by its content"
    )
    suggestions_ttl: float = Field(
        7200, ge=0, alias="CACHE_TTL_SUGGESTIONS", description="Seconds suggestions are cached by content"
    )
    users_ttl: float = Field(
        3600, ge=0, alias="CACHE_TTL_USERS", description="Seconds a user's role and department are remembered"
    )
    sessions_ttl: float = Field(
        24 * 3600, ge=0, alias="CACHE_TTL_SESSIONS", description="Seconds a client's submissions are listed"
    )
    metrics_ttl: float = Field(
        24 * 3600, gt=0, alias="CACHE_TTL_METRICS", description="Seconds the figures of a minute are kept"
    )
    max_size: int = Field(
        65_536, ge=1024, alias="CACHE_MAX_SIZE", description="Bytes of the largest value that is cached"
    )
    user_key: Secret = Field(
        SecretStr(""),
        alias="CACHE_USER_KEY",
        description="Key that hides user ids in Redis keys; the same on all replicas",
    )


class LegacySettings(Group):
    """The Redis channels of the system before NATS, for a gradual migration."""

    bridge: bool = Field(
        False,
        alias="LEGACY_REDIS_BRIDGE",
        description="Forward the old Redis channels to NATS and results back; each once",
    )
    request_channel: str = Field(
        "prioritization_requests",
        alias="PRIORITIZATION_REQUEST_CHANNEL",
        description="Redis channel on which old clients ask",
    )
    result_channel: str = Field(
        "prioritization_results",
        alias="PRIORITIZATION_RESULT_CHANNEL",
        description="Redis channel on which they hear results",
    )
    older_request_channel: str = Field(
        "prioritize",
        alias="PRIORITIZE_CHANNEL",
        description="A second such channel; the same as the first = none",
    )
    older_result_channel: str = Field(
        "results",
        alias="RESULTS_CHANNEL",
        description="The channel for results of those; the same as the first = none",
    )
