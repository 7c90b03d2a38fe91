"""Settings: the documents' defaults, bad values that name their variable, secrets that stay secret."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import ValidationError

from memebattle.settings import Settings, SettingsError, rows

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
        settings.nats.stream = "OTHER"


def test_the_worker_signs_with_its_name_or_its_host() -> None:
    assert Settings.from_env({"WORKER_ID": "worker-7"}).worker_id == "worker-7"
    assert Settings().worker_id


def test_every_value_is_listed_with_its_row() -> None:
    listed = {row.name: value for row, value in Settings.from_env({"WORKER_CONCURRENCY": "7"}).values()}

    assert listed["WORKER_CONCURRENCY"] == 7
    assert list(listed) == [row.name for row in rows()]
