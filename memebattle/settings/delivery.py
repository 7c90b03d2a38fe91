"""How work is taken, shared, retried and given up."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from memebattle.settings.group import Group

type RedisFailurePolicy = Literal["jetstream_only", "open", "closed"]


class DeliverySettings(Group):
    """How requests are taken, shared, retried and given up."""

    enable_core: bool = Field(
        True,
        alias="ENABLE_CORE_NATS",
        description="Serve the fast Core NATS path too; false = JetStream only",
    )
    core_queue_group: str = Field(
        "meme-generator-core",
        alias="CORE_NATS_QUEUE_GROUP",
        description="Queue group of the Core subscription",
    )
    contexts: str = Field(
        "memes,chat,priority,battle",
        alias="WORKER_CONTEXTS",
        description="What this worker process serves, comma separated",
    )
    concurrency: int = Field(
        5,
        ge=1,
        le=1000,
        alias="WORKER_CONCURRENCY",
        description="Requests in work per replica, both paths together",
    )
    max_replicas: int = Field(
        10, ge=1, alias="WORKER_MAX_REPLICAS", description="Upper end of autoscaling; sizes `max_ack_pending`"
    )
    ack_wait: float = Field(
        30, gt=0, alias="ACK_WAIT", description="Seconds until JetStream redelivers a silent worker's message"
    )
    claim_lease: float = Field(
        10,
        gt=0,
        alias="CLAIM_LEASE",
        description="Seconds a claim or flight in Redis outlives its worker's last renewal",
    )
    flight_wait: float = Field(
        5,
        gt=0,
        alias="FLIGHT_WAIT",
        description="Seconds a request waits in its slot for a replica's identical work before it yields",
    )
    dedup_ttl: float = Field(
        300, gt=0, alias="DEDUP_TTL", description="Seconds the in-process set remembers answered request ids"
    )
    on_redis_failure: RedisFailurePolicy = Field(
        "jetstream_only",
        alias="DEDUP_ON_REDIS_FAILURE",
        description="`jetstream_only`: the Core path pauses; `open`: both work; `closed`: no new generation",
    )
    max_attempts: int = Field(
        8, ge=1, alias="MAX_ATTEMPTS", description="Tries of one request before it becomes a dead letter"
    )
    max_deliveries: int = Field(
        25, ge=1, alias="MAX_DELIVERIES", description="The same bound while Redis cannot count the tries"
    )
    publish_budget: float = Field(
        30,
        gt=0,
        alias="PUBLISH_BUDGET",
        description="Seconds a durable publish is repeated, e.g. over an election",
    )
    shutdown_grace: float = Field(
        20,
        ge=0,
        alias="SHUTDOWN_GRACE",
        description="Seconds a stopping worker may finish what it has in work",
    )
    watch_interval: float = Field(
        5,
        gt=0,
        alias="WATCH_INTERVAL",
        description="Seconds between checks that stream and consumer still exist",
    )
