"""Every environment variable, once: name, default, meaning.

Settings are frozen groups of values read from a mapping (the process environment unless a test passes
another one). Nothing here imports anything of ours, and importing this module reads nothing.

`rows()` lists the variables for the README table, `.env.example`, `memebattle config` and the Helm chart;
`tests/docs/test_promises.py` holds all of them to it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

DEFAULT_HF_MODEL = "black-forest-labs/FLUX.1-schnell"

type ImageProvider = Literal["auto", "huggingface", "artist"]
type HuggingFaceProvider = Literal["hf-inference", "endpoint", "fal-ai", "together", "nscale"]
type TextProvider = Literal["openai", "anthropic", "custom", "local"]
type RedisFailurePolicy = Literal["jetstream_only", "open", "closed"]


class SettingsError(ValueError):
    """A variable has a value we cannot use. The message names the variable and what it accepts."""


def _trimmed(secret: SecretStr) -> SecretStr:
    """Tokens pasted into a Secret often carry a newline; an HTTP header must not."""
    return SecretStr(secret.get_secret_value().strip())


Secret = Annotated[SecretStr, AfterValidator(_trimmed)]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class NatsSettings(_Group):
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
    replicas: int = Field(
        1, ge=1, le=5, alias="NATS_REPLICAS", description="Copies of every stream; 3 on a three-node cluster"
    )


class DeliverySettings(_Group):
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
        "memes,chat", alias="WORKER_CONTEXTS", description="What this worker process serves, comma separated"
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


class RedisSettings(_Group):
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


class GenerationSettings(_Group):
    """Who draws the pictures, and within which bounds."""

    provider: ImageProvider = Field(
        "auto",
        alias="IMAGE_PROVIDER",
        description="`huggingface`, `artist` (offline), or `auto`: HuggingFace when there is a token",
    )
    hf_token: Secret = Field(
        SecretStr(""), alias="HF_API_TOKEN", description="HuggingFace token; required for `huggingface` only"
    )
    hf_url: str = Field(
        "",
        alias="HF_API_URL",
        description="Full inference URL; empty = the HuggingFace router for `HF_PROVIDER` and `HF_MODEL`",
    )
    hf_model: str = Field(DEFAULT_HF_MODEL, alias="HF_MODEL", description="Model on the HuggingFace Hub")
    hf_provider: HuggingFaceProvider = Field(
        "hf-inference", alias="HF_PROVIDER", description="Inference provider whose wire format is spoken"
    )
    hf_bill_to: str = Field("", alias="HF_BILL_TO", description="HuggingFace organisation to bill")
    hf_allowed_hosts: str = Field(
        "router.huggingface.co,*.endpoints.huggingface.cloud,127.0.0.1,localhost",
        alias="HF_ALLOWED_HOSTS",
        description="Hosts `HF_API_URL` may name, comma separated; plain http only on loopback",
    )
    hf_timeout: float = Field(
        60, gt=0, alias="HF_TIMEOUT", description="Seconds one provider call may take in all"
    )
    max_image_bytes: int = Field(
        8 * 1024 * 1024, gt=0, alias="MAX_IMAGE_BYTES", description="Largest provider answer that is read"
    )
    max_image_pixels: int = Field(
        2048 * 2048, gt=0, alias="MAX_IMAGE_PIXELS", description="Largest picture that is decoded"
    )
    local_latency_ms: int = Field(
        0, ge=0, alias="LOCAL_LATENCY_MS", description="Makes the offline artist as slow as a real model"
    )


class TextSettings(_Group):
    """Who writes the text of a chat. A message may choose among these, never bring an address or a key."""

    provider: Literal["auto"] | TextProvider = Field(
        "auto",
        alias="CHAT_PROVIDER",
        description="Who answers a message that names nobody: `openai`, `anthropic`, `custom`, `local`"
        " (offline), or `auto`: the first that is configured; while none is, `local` answers for all",
    )
    openai_key: Secret = Field(SecretStr(""), alias="OPENAI_API_KEY", description="Key of the OpenAI API")
    openai_url: str = Field(
        "https://api.openai.com/v1", alias="OPENAI_BASE_URL", description="Where the OpenAI API is"
    )
    openai_models: str = Field(
        "gpt-4o-mini,gpt-4o,gpt-4.1-mini,gpt-4.1,gpt-4",
        alias="OPENAI_MODELS",
        description="Models a message may name, comma separated, the default first; `*` allows any",
    )
    anthropic_key: Secret = Field(
        SecretStr(""), alias="ANTHROPIC_API_KEY", description="Key of the Anthropic API"
    )
    anthropic_url: str = Field(
        "https://api.anthropic.com", alias="ANTHROPIC_BASE_URL", description="Where the Anthropic API is"
    )
    anthropic_models: str = Field(
        "claude-haiku-4-5,claude-sonnet-4-5,claude-opus-4-5",
        alias="ANTHROPIC_MODELS",
        description="Models a message may name, comma separated, the default first; `*` allows any",
    )
    custom_url: str = Field(
        "",
        alias="CHAT_CUSTOM_URL",
        description="Any OpenAI-compatible API: the HuggingFace router, vLLM, Ollama, llama.cpp",
    )
    custom_key: Secret = Field(SecretStr(""), alias="CHAT_CUSTOM_KEY", description="Its key, if it wants one")
    custom_models: str = Field(
        "*",
        alias="CHAT_CUSTOM_MODELS",
        description="Models a message may name, comma separated, the default first; `*` allows any",
    )
    custom_token_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens",
        alias="CHAT_CUSTOM_TOKEN_FIELD",
        description="What the custom API calls the longest answer",
    )
    idle_timeout: float = Field(
        30,
        gt=0,
        alias="CHAT_IDLE_TIMEOUT",
        description="Seconds a provider may be silent, at the start or midway",
    )
    timeout: float = Field(300, gt=0, alias="CHAT_TIMEOUT", description="Seconds one answer may take in all")
    max_answer_bytes: int = Field(
        256 * 1024,
        gt=0,
        alias="CHAT_MAX_ANSWER_BYTES",
        description="Longest answer that is read from a provider",
    )
    local_token_ms: float = Field(
        20, ge=0, alias="LOCAL_TOKEN_MS", description="Milliseconds the offline provider takes for each token"
    )


class ChatSettings(_Group):
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


class GatewaySettings(_Group):
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


class ObservabilitySettings(_Group):
    """Metrics, health and logs."""

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


@dataclass(frozen=True, slots=True)
class Row:
    """One variable as a document shows it."""

    name: str
    default: str
    meaning: str
    group: str
    secret: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """All groups together. `Settings()` is the default configuration; it needs no environment."""

    nats: NatsSettings = field(default_factory=NatsSettings)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    generation: GenerationSettings = field(default_factory=GenerationSettings)
    text: TextSettings = field(default_factory=TextSettings)
    chat: ChatSettings = field(default_factory=ChatSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    observability: ObservabilitySettings = field(default_factory=ObservabilitySettings)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read every group from one mapping; empty values count as not set.

        Raises:
            SettingsError: naming the variable, the value's fault and what it is for.
        """
        source = os.environ if environ is None else environ
        return cls(
            nats=_read(NatsSettings, source),
            delivery=_read(DeliverySettings, source),
            redis=_read(RedisSettings, source),
            generation=_read(GenerationSettings, source),
            text=_read(TextSettings, source),
            chat=_read(ChatSettings, source),
            gateway=_read(GatewaySettings, source),
            observability=_read(ObservabilitySettings, source),
        )

    @property
    def worker_id(self) -> str:
        """How this process signs its work."""
        return self.observability.worker_id or socket.gethostname()

    @property
    def image_provider(self) -> Literal["huggingface", "artist"]:
        """The provider that `auto` stands for."""
        chosen = self.generation.provider
        if chosen != "auto":
            return chosen
        return "huggingface" if self.generation.hf_token.get_secret_value() else "artist"

    def values(self) -> Iterator[tuple[Row, Any]]:
        """Every variable with its effective value; secrets stay wrapped."""
        for name in _GROUPS:
            group = getattr(self, name)
            for attribute, row in zip(type(group).model_fields, _rows_of(name), strict=True):
                yield row, getattr(group, attribute)


_GROUPS: dict[str, type[_Group]] = {
    "nats": NatsSettings,
    "delivery": DeliverySettings,
    "redis": RedisSettings,
    "generation": GenerationSettings,
    "text": TextSettings,
    "chat": ChatSettings,
    "gateway": GatewaySettings,
    "observability": ObservabilitySettings,
}


def rows() -> list[Row]:
    """Every environment variable we read, in the order of the documents."""
    return [row for name in _GROUPS for row in _rows_of(name)]


def _rows_of(group: str) -> Iterator[Row]:
    for info in _GROUPS[group].model_fields.values():
        default, secret = info.default, isinstance(info.default, SecretStr)
        text = default.get_secret_value() if secret else default
        shown = str(text).lower() if isinstance(text, bool) else str(text)
        yield Row(str(info.alias), shown, info.description or "", group, secret)


def _read[G: _Group](group: type[G], environ: Mapping[str, str]) -> G:
    present = {
        str(info.alias): environ[str(info.alias)]
        for info in group.model_fields.values()
        if environ.get(str(info.alias), "").strip()
    }
    try:
        return group.model_validate(present)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        name = str(fault["loc"][0])
        meaning = next(row.meaning for row in rows() if row.name == name)
        raise SettingsError(f"{name}: {fault['msg']} ({meaning})") from None
