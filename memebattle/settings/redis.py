"""Where Redis is, and how long we wait for it."""

from __future__ import annotations

from pydantic import Field, SecretStr

from memebattle.settings.group import Group, Secret


class RedisSettings(Group):
    """The cache, the claims and the flights. Redis is for efficiency; answers stay exact without it."""

    url: Secret = Field(
        SecretStr("redis://redis.cache.svc.cluster.local:6379"),
        alias="REDIS_URL",
        description="Redis or Valkey",
    )
    timeout: float = Field(
        0.25,
        gt=0,
        alias="REDIS_TIMEOUT",
        description="Seconds one Redis operation may take before we go on without",
    )
    cache_ttl: int = Field(
        3600,
        ge=0,
        alias="CACHE_TTL",
        description="Seconds a generated image is cached; 0 turns the cache off",
    )
    memory_cache_mb: int = Field(
        64, ge=0, alias="MEMORY_CACHE_MB", description="Megabytes of images each worker also keeps in process"
    )
    max_connections: int = Field(
        64, ge=2, alias="REDIS_MAX_CONNECTIONS", description="Connections to Redis of one process"
    )
