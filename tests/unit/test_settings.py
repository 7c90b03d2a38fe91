"""Settings: the documents' defaults, bad values that name their variable, secrets that stay secret."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import ValidationError

from memebattle.kit.metrics import Metrics
from memebattle.settings import ORIGINAL, Settings, SettingsError, rows
from memebattle.store.redis import RedisStore

DOCUMENTED = {
    "NATS_URL": "nats://nats.messaging.svc.cluster.local:4222",
    "NATS_STREAM": "MEMES",
    "NATS_CONSUMER": "meme-generator",
    "NATS_REQUEST_SUBJECT": "meme.request",
    "NATS_RESPONSE_SUBJECT": "meme.response",
    "REDIS_URL": "redis://redis.cache.svc.cluster.local:6379",
    "HF_API_TOKEN": "",
    "CACHE_TTL": "3600",
    "METRICS_ADDR": "0.0.0.0:9090",
    "ENABLE_CORE_NATS": "true",
    "CORE_NATS_QUEUE_GROUP": "meme-generator-core",
    # "automatic cleanup of old entries after 5 minutes"
    "DEDUP_TTL": "300",
}
SECRETS = {
    "NATS_URL": "nats://worker:url-pa55word@127.0.0.1:4222",
    "NATS_PASSWORD": "nats-pa55word",
    "REDIS_URL": "redis://:redis-pa55word@127.0.0.1:6379",
    "HF_API_TOKEN": "hf_abcdefghijklmnop",
    "OPENAI_API_KEY": "openai-pa55word",
    "ANTHROPIC_API_KEY": "anthropic-pa55word",
    "CHAT_CUSTOM_KEY": "custom-pa55word",
    "CACHE_USER_KEY": "user-pa55word",
}


@pytest.mark.parametrize(("name", "default"), DOCUMENTED.items())
def test_the_defaults_are_those_of_the_documents(name: str, default: str) -> None:
    assert {row.name: row.default for row in rows()}[name] == default


def test_the_defaults_arrive_where_they_are_used() -> None:
    settings = Settings.from_env({})

    assert settings.nats.url.get_secret_value() == "nats://nats.messaging.svc.cluster.local:4222"
    assert (settings.nats.stream, settings.nats.consumer) == ("MEMES", "meme-generator")
    assert (settings.nats.request_subject, settings.nats.response_subject) == (
        "meme.request",
        "meme.response",
    )
    assert settings.redis.url.get_secret_value() == "redis://redis.cache.svc.cluster.local:6379"
    assert settings.redis.cache_ttl == 3600
    assert settings.observability.metrics_address == "0.0.0.0:9090"
    assert settings.delivery.enable_core is True
    assert settings.delivery.core_queue_group == "meme-generator-core"
    assert settings == Settings()


def test_every_variable_is_named_once_and_explained() -> None:
    names = [row.name for row in rows()]

    assert len(names) == len(set(names))
    assert [row.name for row in rows() if not row.meaning] == []


def test_the_environment_overrides() -> None:
    settings = Settings.from_env(
        {"NATS_STREAM": "OTHER", "WORKER_CONCURRENCY": "7", "ENABLE_CORE_NATS": "false"}
    )

    assert (settings.nats.stream, settings.delivery.concurrency, settings.delivery.enable_core) == (
        "OTHER",
        7,
        False,
    )


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_an_empty_variable_counts_as_not_set(empty: str) -> None:
    assert Settings.from_env({"NATS_STREAM": empty, "CACHE_TTL": empty}) == Settings()


def test_what_is_not_ours_is_ignored() -> None:
    assert Settings.from_env({"PATH": "/bin", "NATS_SERVICE_HOST": "10.0.0.1"}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("CACHE_TTL", "soon", "valid integer"),
        ("CACHE_TTL", "-1", "greater than or equal to 0"),
        ("WORKER_CONCURRENCY", "0", "greater than or equal to 1"),
        ("ACK_WAIT", "0", "greater than 0"),
        ("ENABLE_CORE_NATS", "perhaps", "valid boolean"),
        ("IMAGE_PROVIDER", "dalle", "'auto', 'huggingface' or 'artist'"),
        ("DEDUP_ON_REDIS_FAILURE", "panic", "'jetstream_only', 'open' or 'closed'"),
        ("NATS_REPLICAS", "6", "less than or equal to 5"),
        ("LOG_LEVEL", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "OTLP over HTTP"),
        ("PRIORITY_MODEL", "loudest", "'weighted', 'wsjf', 'rice' or 'eisenhower'"),
        ("PRIORITY_AGEING", "-1", "greater than or equal to 0"),
        ("MAX_CONCURRENT_REQUESTS", "0", "greater than or equal to 1"),
        ("CACHE_TTL_RESULTS", "an hour", "valid number"),
        ("JETSTREAM_MAX_STORAGE", "10G", "valid integer"),
        ("JETSTREAM_ENABLED", "false", "requests and answers are stored in JetStream, so it cannot be off"),
        *(("JETSTREAM_DOMAIN", value, "one word of letters") for value in ("my hub", "hub.eu", "hub\n", ">")),
        ("NATS_TLS_KEY_FILE", "/tls/tls.key", "NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE need each other"),
    ],
)
def test_a_bad_value_names_its_variable_its_fault_and_its_purpose(name: str, value: str, fault: str) -> None:
    meaning = {row.name: row.meaning for row in rows()}[name]

    with pytest.raises(SettingsError) as refusal:
        Settings.from_env({name: value})

    message = str(refusal.value)
    assert message.startswith(f"{name}: ")
    assert fault in message
    assert message.endswith(f"({meaning})")


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_never_shown(name: str) -> None:
    settings = Settings.from_env(SECRETS)

    shown = repr(settings) + str(settings) + repr(list(settings.values()))

    assert SECRETS[name] not in shown
    assert "pa55word" not in shown


def test_a_password_in_the_nats_url_is_not_shown() -> None:
    settings = Settings.from_env({"NATS_URL": "nats://worker:pa55word@127.0.0.1:4222"})

    assert "pa55word" not in repr(settings)


def test_secrets_are_marked_in_the_table() -> None:
    assert {row.name for row in rows() if row.secret} == set(SECRETS)


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_pasted_secret_is_trimmed(name: str) -> None:
    settings = Settings.from_env({name: "  redis://secret \r\n"})
    found = {row.name: value for row, value in settings.values()}[name]

    assert found.get_secret_value() == "redis://secret"


@pytest.mark.parametrize(
    ("env", "provider"),
    [
        ({}, "artist"),
        ({"HF_API_TOKEN": "hf_x"}, "huggingface"),
        ({"HF_API_TOKEN": "hf_x", "IMAGE_PROVIDER": "artist"}, "artist"),
        ({"IMAGE_PROVIDER": "huggingface"}, "huggingface"),
    ],
)
def test_auto_means_huggingface_when_there_is_a_token(env: dict[str, str], provider: str) -> None:
    assert Settings.from_env(env).image_provider == provider


def test_settings_are_frozen() -> None:
    settings = Settings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.nats = settings.nats  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.nats.stream = "OTHER"  # type: ignore[misc]


def test_the_worker_signs_with_its_name_or_its_host() -> None:
    assert Settings.from_env({"WORKER_ID": "worker-7"}).worker_id == "worker-7"
    assert Settings().worker_id


def test_every_value_is_listed_with_its_row() -> None:
    listed = {row.name: value for row, value in Settings.from_env({"WORKER_CONCURRENCY": "7"}).values()}

    assert listed["WORKER_CONCURRENCY"] == 7
    assert list(listed) == [row.name for row in rows()]


# ------------------------------------------------------------------- the names of the original systems


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({"NATS_HOST": "nats"}, "nats://nats:4222"),
        ({"NATS_HOST": "nats", "NATS_PORT": "14222"}, "nats://nats:14222"),
        ({"NATS_HOST": "nats", "NATS_TLS_ENABLED": "true"}, "tls://nats:4222"),
        ({"NATS_HOST": "nats", "NATS_TLS_ENABLED": "false"}, "nats://nats:4222"),
        ({"NATS_HOST": "fd00::7", "NATS_PORT": "14222"}, "nats://[fd00::7]:14222"),
        ({"NATS_HOST": "[fd00::7]"}, "nats://[fd00::7]:4222"),
        ({"NATS_HOST": "nats", "NATS_URL": "nats://ours:4222"}, "nats://ours:4222"),
        ({"NATS_HOST": "nats", "NATS_URL": " "}, "nats://nats:4222"),
        ({"NATS_PORT": "14222"}, Settings().nats.url.get_secret_value()),
    ],
)
def test_where_nats_is_may_be_said_as_the_original_did(env: dict[str, str], url: str) -> None:
    """And `NATS_URL` wins."""
    assert Settings.from_env(env).nats.url.get_secret_value() == url


def test_who_we_are_on_nats_may_be_said_as_the_original_did() -> None:
    original = {"NATS_USERNAME": "worker", "NATS_PASSWORD": "p@ss"}
    nats = Settings.from_env(original).nats

    assert (nats.user, nats.password.get_secret_value()) == ("worker", "p@ss")
    assert Settings.from_env(original | {"NATS_USER": "ours"}).nats.user == "ours"


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({"REDIS_HOST": "redis"}, "redis://redis:6379/0"),
        ({"REDIS_HOST": "redis", "REDIS_PORT": "16379", "REDIS_DB": "3"}, "redis://redis:16379/3"),
        ({"REDIS_HOST": "fd00::7"}, "redis://[fd00::7]:6379/0"),
        ({"REDIS_HOST": "redis", "REDIS_URL": "redis://ours:6379"}, "redis://ours:6379"),
        ({"REDIS_PORT": "16379"}, Settings().redis.url.get_secret_value()),
    ],
)
def test_where_redis_is_may_be_said_as_the_original_did(env: dict[str, str], url: str) -> None:
    """And `REDIS_URL` wins."""
    assert Settings.from_env(env).redis.url.get_secret_value() == url


@pytest.mark.parametrize("password", ["plain", "p@ss:w/rd#?%25 &=", "pässwörd", "$(id)", "[::1]"])
async def test_any_password_reaches_redis_as_it_is(password: str, metrics: Metrics) -> None:
    """It travels in a URL, where half of these characters mean something."""
    env = {"REDIS_HOST": "fd00::7", "REDIS_PORT": "16379", "REDIS_DB": "3", "REDIS_PASSWORD": password}
    store = RedisStore(Settings.from_env(env).redis, metrics)
    found = store.client.connection_pool.connection_kwargs
    await store.aclose()

    assert (found["host"], found["port"], found["db"]) == ("fd00::7", 16379, 3)
    assert found["password"] == password


async def test_connections_to_redis_are_bounded_as_the_original_bounded_them(metrics: Metrics) -> None:
    store = RedisStore(Settings.from_env({"REDIS_MAX_CONNECTIONS": "7"}).redis, metrics)
    bound = store.client.connection_pool.max_connections
    await store.aclose()

    assert bound == 7


def test_how_long_results_are_cached_may_be_said_as_the_original_did() -> None:
    original = {"CACHE_TTL_SECONDS": "120"}

    assert Settings.from_env(original).cache.results_ttl == 120
    assert Settings.from_env(original | {"CACHE_TTL_RESULTS": "60"}).cache.results_ttl == 60
    assert Settings.from_env(original).redis.cache_ttl == Settings().redis.cache_ttl  # pictures are ours


def test_the_names_of_the_original_configuration_are_read() -> None:
    """Rows P39 to P43, under the names of the document, and of the channels before it."""
    settings = Settings.from_env(
        {
            "JETSTREAM_ENABLED": "true",
            "JETSTREAM_DOMAIN": "hub",
            "JETSTREAM_MAX_MEMORY": "1073741824",
            "JETSTREAM_MAX_STORAGE": "10737418240",
            "CACHE_ENABLED": "false",
            "CACHE_MAX_SIZE": "2048",
            "PRIORITY_REQUEST_SUBJECT": "tasks.ask",
            "PRIORITY_RESULT_SUBJECT": "tasks.rate",
            "PRIORITY_SYNC_SUBJECT": "tasks.now",
            "PRIORITIZATION_REQUEST_CHANNEL": "ask",
            "PRIORITIZATION_RESULT_CHANNEL": "tell",
            "PRIORITIZE_CHANNEL": "old-ask",
            "RESULTS_CHANNEL": "old-tell",
        }
    )
    nats, priority, legacy = settings.nats, settings.priority, settings.legacy

    assert (nats.jetstream_domain, nats.jetstream_max_memory, nats.jetstream_max_storage) == (
        "hub",
        1_073_741_824,
        10_737_418_240,
    )
    assert (settings.cache.enabled, settings.cache.max_size) == (False, 2048)
    assert (priority.request_subject, priority.result_subject, priority.sync_subject) == (
        "tasks.ask",
        "tasks.rate",
        "tasks.now",
    )
    assert (legacy.request_channel, legacy.result_channel) == ("ask", "tell")
    assert (legacy.older_request_channel, legacy.older_result_channel) == ("old-ask", "old-tell")


def test_no_original_name_is_one_of_ours() -> None:
    """Else its meaning would depend on where it is read."""
    assert ORIGINAL.keys().isdisjoint(row.name for row in rows())
    assert all(ORIGINAL.values())


@pytest.mark.parametrize("name", ORIGINAL)
def test_every_original_name_changes_something(name: str) -> None:
    values = {"NATS_TLS_ENABLED": "true", "NATS_HOST": "elsewhere", "REDIS_HOST": "elsewhere"}
    others = {key: value for key, value in values.items() if key.endswith("_HOST") and key != name}
    hosts = {} if name.endswith("_HOST") else others

    assert Settings.from_env(hosts | {name: values.get(name, "7")}) != Settings.from_env(hosts)
