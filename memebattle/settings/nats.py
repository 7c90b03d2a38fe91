"""Where NATS is, and what is ours there."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from memebattle.settings.group import Group, Secret


def _needed(enabled: bool) -> bool:  # noqa: FBT001 - a validator takes the value
    if not enabled:
        raise ValueError("requests and answers are stored in JetStream, so it cannot be off")
    return enabled


class NatsSettings(Group):
    """Where NATS is, who we are there, and what our subjects, streams and consumers are called."""

    url: Secret = Field(
        SecretStr("nats://nats.messaging.svc.cluster.local:4222"),
        alias="NATS_URL",
        description="NATS servers, comma separated; user and password may be part of the URL",
    )
    user: str = Field("", alias="NATS_USER", description="NATS user, when it is not part of the URL")
    password: Secret = Field(SecretStr(""), alias="NATS_PASSWORD", description="Password of `NATS_USER`")
    inbox_prefix: str = Field(
        "_INBOX",
        alias="NATS_INBOX_PREFIX",
        description="Prefix of reply subjects; private per user under restricted permissions",
    )
    stream: str = Field("MEMES", alias="NATS_STREAM", description="Work-queue stream of meme requests")
    consumer: str = Field(
        "meme-generator", alias="NATS_CONSUMER", description="Durable pull consumer of the workers"
    )
    request_subject: str = Field(
        "meme.request", alias="NATS_REQUEST_SUBJECT", description="Where requests arrive, Core and JetStream"
    )
    response_subject: str = Field(
        "meme.response",
        alias="NATS_RESPONSE_SUBJECT",
        description="Where answers are heard; errors on the same subject with `.error`",
    )
    log_stream: str = Field(
        "MEMES_LOG", alias="NATS_LOG_STREAM", description="Copy of every request, for replay and inspection"
    )
    results_stream: str = Field(
        "MEME_RESULTS", alias="NATS_RESULTS_STREAM", description="Answers: the arbiter of exactly one"
    )
    dead_letter_stream: str = Field(
        "DEAD_LETTERS", alias="NATS_DEAD_LETTER_STREAM", description="Messages that cannot be served"
    )
    image_bucket: str = Field(
        "meme-images", alias="NATS_IMAGE_BUCKET", description="Object store of images by SHA-256"
    )
    workflow_stream: str = Field(
        "WORKFLOW_REQUESTS", alias="NATS_WORKFLOW_STREAM", description="Work-queue stream of chat requests"
    )
    workflow_consumer: str = Field(
        "workflow-processor",
        alias="NATS_WORKFLOW_CONSUMER",
        description="Durable pull consumer of the chat workers",
    )
    chunks_stream: str = Field(
        "CHAT_CHUNKS",
        alias="NATS_CHUNKS_STREAM",
        description="Every chunk of the last ten minutes; what a late or moved client reads",
    )
    priority_stream: str = Field(
        "PRIORITY_REQUESTS",
        alias="NATS_PRIORITY_STREAM",
        description="Work-queue stream of tasks to prioritise",
    )
    priority_consumer: str = Field(
        "priority-processor",
        alias="NATS_PRIORITY_CONSUMER",
        description="Durable pull consumer of the priority workers",
    )
    priority_results_stream: str = Field(
        "PRIORITY_RESULTS",
        alias="NATS_PRIORITY_RESULTS_STREAM",
        description="Results, suggestions and human decisions of a week",
    )
    events_stream: str = Field(
        "SYSTEM_EVENTS", alias="NATS_EVENTS_STREAM", description="Audit trail and system events of a month"
    )
    jetstream_enabled: Annotated[bool, AfterValidator(_needed)] = Field(
        True,
        alias="JETSTREAM_ENABLED",
        description="`false` is refused: nothing here works without JetStream",
    )
    jetstream_domain: str = Field(
        "", alias="JETSTREAM_DOMAIN", description="JetStream domain, e.g. of a leaf node; empty = none"
    )
    jetstream_max_memory: int = Field(
        0,
        ge=0,
        alias="JETSTREAM_MAX_MEMORY",
        description="Bytes of memory our streams may reserve in all; 0 = no bound of ours",
    )
    jetstream_max_storage: int = Field(
        0,
        ge=0,
        alias="JETSTREAM_MAX_STORAGE",
        description="Bytes of disk our streams may reserve in all; 0 = no bound of ours",
    )
    replicas: int = Field(
        1, ge=1, le=5, alias="NATS_REPLICAS", description="Copies of every stream; 3 on a three-node cluster"
    )
