"""Where NATS is, and what is ours there."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from memebattle.settings.group import Group, Secret

DOMAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _needed(enabled: bool) -> bool:  # noqa: FBT001 - a validator takes the value
    if not enabled:
        raise ValueError("requests and answers are stored in JetStream, so it cannot be off")
    return enabled


def _one_token(domain: str) -> str:
    """A domain is a part of subjects between two dots; what is no token there would be another subject."""
    if domain and not DOMAIN.fullmatch(domain):
        raise ValueError("a domain is one word of letters, digits, `-` and `_`, at most 64")
    return domain


class NatsSettings(Group):
    """Where NATS is, who we are there, and what our subjects, streams and consumers are called."""

    url: Secret = Field(
        SecretStr("nats://nats.messaging.svc.cluster.local:4222"),
        alias="NATS_URL",
        description="NATS servers, comma separated; user and password may be part of the URL",
    )
    user: str = Field("", alias="NATS_USER", description="NATS user, when it is not part of the URL")
    password: Secret = Field(SecretStr(""), alias="NATS_PASSWORD", description="Password of `NATS_USER`")
    tls_ca_file: str = Field(
        "",
        alias="NATS_TLS_CA_FILE",
        description="Certificate of the authority that is trusted, and no other; "
        "with it nothing is said to a server without TLS",
    )
    tls_cert_file: str = Field(
        "", alias="NATS_TLS_CERT_FILE", description="Our own certificate, where the servers verify clients"
    )
    tls_key_file: str = Field(
        "",
        validate_default=True,
        alias="NATS_TLS_KEY_FILE",
        description="Key of `NATS_TLS_CERT_FILE`, without a password",
    )
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
    battle_stream: str = Field(
        "BATTLES", alias="NATS_BATTLE_STREAM", description="Everything that happened in battles of a week"
    )
    events_stream: str = Field(
        "SYSTEM_EVENTS", alias="NATS_EVENTS_STREAM", description="Audit trail and system events of a month"
    )
    jetstream_enabled: Annotated[bool, AfterValidator(_needed)] = Field(
        True,
        alias="JETSTREAM_ENABLED",
        description="`false` is refused: nothing here works without JetStream",
    )
    jetstream_domain: Annotated[str, AfterValidator(_one_token)] = Field(
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

    @field_validator("tls_key_file")
    @classmethod
    def _goes_with_the_certificate(cls, key: str, info: ValidationInfo) -> str:
        if bool(key) != bool(info.data.get("tls_cert_file")):
            raise ValueError("NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE need each other")
        return key
