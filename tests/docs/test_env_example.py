"""`.env.example` promises the variables, their order and their defaults; this holds it to the settings."""

import re
from pathlib import Path

import pytest

from memebattle.settings import Row, Settings, rows

EXAMPLE = Path(__file__).parents[2] / ".env.example"
ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")
HOW = "run `make env-example`"


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return EXAMPLE.read_text(encoding="utf-8").splitlines()


def assignments(lines: list[str]) -> list[tuple[str, str]]:
    return [(match[1], match[2]) for line in lines if (match := ASSIGNMENT.fullmatch(line))]


def test_every_variable_is_there_in_the_order_of_the_settings(lines: list[str]) -> None:
    names = [name for name, _ in assignments(lines)]

    assert names == [row.name for row in rows()], HOW


def test_every_value_is_the_default(lines: list[str]) -> None:
    defaults = {row.name: row.default for row in rows()}

    assert dict(assignments(lines)) == defaults, HOW


def test_the_line_above_each_variable_says_what_it_means(lines: list[str]) -> None:
    above = {lines[i].partition("=")[0]: lines[i - 1] for i in range(len(lines)) if "=" in lines[i]}

    assert {row.name: f"# {row.meaning}" for row in rows()}.items() <= above.items(), HOW


def test_nothing_else_is_assigned(lines: list[str]) -> None:
    """Every line is a comment, empty, or one well-formed assignment."""
    strange = [line for line in lines if line and not line.startswith("#") and not ASSIGNMENT.fullmatch(line)]

    assert strange == []


@pytest.mark.parametrize("row", [row for row in rows() if row.secret], ids=lambda row: row.name)
def test_a_secret_is_empty_or_an_address_without_a_password(row: Row, lines: list[str]) -> None:
    value = dict(assignments(lines))[row.name]

    assert value == "" or ("://" in value and "@" not in value)


def test_an_unchanged_copy_configures_nothing(lines: list[str]) -> None:
    """Reading the example as the environment gives exactly the default settings."""
    assert Settings.from_env(dict(assignments(lines))) == Settings()


def test_known_promises_of_the_first_documents(lines: list[str]) -> None:
    """Names and defaults that clients' deployments rely on, written down by hand."""
    promised = {
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
        # of the priority document
        "JETSTREAM_ENABLED": "true",
        "JETSTREAM_DOMAIN": "",
        "JETSTREAM_MAX_MEMORY": "0",
        "JETSTREAM_MAX_STORAGE": "0",
        "REDIS_MAX_CONNECTIONS": "64",
        "CACHE_ENABLED": "true",
        "CACHE_TTL_RESULTS": "3600",
        "CACHE_MAX_SIZE": "65536",
        "PRIORITY_REQUEST_SUBJECT": "prioritization.request",
        "PRIORITY_RESULT_SUBJECT": "prioritization.result",
        "PRIORITY_SYNC_SUBJECT": "prioritization.sync",
    }

    assert promised.items() <= dict(assignments(lines)).items()
