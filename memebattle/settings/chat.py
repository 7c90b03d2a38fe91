"""How chat streams."""

from __future__ import annotations

from pydantic import Field

from memebattle.settings.group import Group


class ChatSettings(Group):
    """How messages become streams of chunks, and how those reach the right pods."""

    concurrency: int = Field(
        32, ge=1, le=1000, alias="CHAT_CONCURRENCY", description="Answers streamed at one time per worker"
    )
    queue_group: str = Field(
        "workflow-workers", alias="CHAT_QUEUE_GROUP", description="Queue group of the Core subscription"
    )
    max_attempts: int = Field(
        4, ge=1, alias="CHAT_MAX_ATTEMPTS", description="Tries of one message before it ends with an error"
    )
    force_broadcast: bool = Field(
        False,
        alias="CHAT_FORCE_BROADCAST",
        description="Send every chunk to all pods instead of asking the registry: the emergency switch",
    )
    batch_ms: int = Field(
        0,
        ge=0,
        le=1000,
        alias="CHAT_BATCH_MS",
        description="Milliseconds chunks are gathered into one message, e.g. 50; 0 sends each by itself",
    )
    batch_max: int = Field(
        100, ge=1, le=1000, alias="CHAT_BATCH_MAX", description="Chunks that fill a batch before its time"
    )
    registry_ttl: float = Field(
        30,
        gt=0,
        alias="CHAT_REGISTRY_TTL",
        description="Seconds a connection stays registered without a heartbeat",
    )
    registry_cache: float = Field(
        0.5, ge=0, alias="CHAT_REGISTRY_CACHE", description="Seconds a worker trusts what the registry said"
    )
    heartbeat: float = Field(
        10,
        gt=0,
        alias="CHAT_HEARTBEAT",
        description="Seconds between a pod's heartbeats; also between SSE pings",
    )
    max_connections: int = Field(
        10_000,
        ge=1,
        alias="CHAT_MAX_CONNECTIONS",
        description="SSE connections of one gateway; beyond that it answers 503",
    )
    max_session_connections: int = Field(
        50,
        ge=1,
        alias="CHAT_MAX_SESSION_CONNECTIONS",
        description="SSE connections of one session at one gateway; beyond that it answers 429",
    )
    connection_queue: int = Field(
        256,
        ge=1,
        alias="CHAT_CONNECTION_QUEUE",
        description="Chunks kept for one slow reader; beyond that it reads from the stream at its own pace",
    )
    send_timeout: float = Field(
        15,
        gt=0,
        alias="CHAT_SEND_TIMEOUT",
        description="Seconds a reader may block one write before it is let go; less than `SHUTDOWN_GRACE`",
    )
    history_turns: int = Field(
        10,
        ge=0,
        alias="CHAT_HISTORY_TURNS",
        description="Questions with answers remembered per session; 0 = none",
    )
    history_ttl: float = Field(
        24 * 3600,
        gt=0,
        alias="CHAT_HISTORY_TTL",
        description="Seconds a session's conversation is remembered",
    )
    max_message: int = Field(
        8000, ge=1, le=100_000, alias="CHAT_MAX_MESSAGE", description="Longest message in characters"
    )
