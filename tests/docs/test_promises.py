"""Documents promise; these tests hold them to it."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from memebattle.bus.subjects import MEANINGS
from memebattle.cli.app import COMMANDS
from memebattle.kit.metrics import declared
from memebattle.settings import ORIGINAL, Settings, rows

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "architecture").rglob("*.md"))]


def test_the_tables_of_the_readme_are_up_to_date() -> None:
    """`make tables` writes them from the declarations."""
    spec = importlib.util.spec_from_file_location("tables", ROOT / "scripts" / "write-tables.py")
    assert spec is not None
    assert spec.loader is not None
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    text = (ROOT / "README.md").read_text()

    assert text == tables.filled(text)
    assert all(f"`{row.name}`" in text for row in rows())
    assert all(f"| `{name}` |" in _between(text, "original") for name in ORIGINAL)
    assert all(f"`{name}`" in text for name in declared())


def test_the_tables_of_the_readme_have_a_heading_per_group() -> None:
    """In the order of the settings, and of the metrics' prefixes."""
    text = (ROOT / "README.md").read_text()
    settings, metrics = (
        re.findall(r"^### (.*)", _between(text, name), re.MULTILINE) for name in ("settings", "metrics")
    )

    assert settings == [
        "NATS", "Delivery", "Redis", "Pictures", "Text", "Chat",
        "Priority", "What Redis keeps for priority", "The Redis channels before NATS",
        "Battle", "Gateway", "Metrics, health and logs",
    ]  # fmt: skip
    assert metrics == [
        "Memes, in the workers",
        "Chat, in the workers",
        "Chat, in workers and gateways",
        "Priority, in workers and gateways",
        "Battles, in the workers",
        "Every process",
    ]


def _between(text: str, name: str) -> str:
    return text.partition(f"<!-- {name}: ")[2].partition(f"<!-- /{name} -->")[0]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    """Relative links and picture sources exist."""
    text = document.read_text()
    targets = re.findall(r"\]\(([^)#\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    missing = [
        target for target in targets if "://" not in target and not (document.parent / target).exists()
    ]

    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_exists(document: Path) -> None:
    """`memebattle x` is a command, `make x` is a target."""
    text = document.read_text()
    makefile = (ROOT / "Makefile").read_text()
    commands = set(re.findall(r"(?:`|/bin/)memebattle ([a-z][a-z-]+)", text))
    targets = set(re.findall(r"`make ([a-z][a-z-]+)", text)) | set(
        re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)
    )

    assert commands <= set(COMMANDS)
    assert [target for target in targets if f"\n{target}:" not in makefile] == []


def test_every_variable_in_the_documents_is_declared() -> None:
    """Names that look like ours are ours."""
    names, streams = {row.name for row in rows()} | ORIGINAL.keys(), {row.default for row in rows()}
    for document in DOCUMENTS:
        spoken = set(
            re.findall(
                r"`((?:NATS|HF|WORKER|CACHE|DEDUP|ACK|CLAIM|FLIGHT|LOCAL|MAX|SHUTDOWN|CHAT|OPENAI|ANTHROPIC"
                r"|PRIORITY|PRIORITIZATION|BATTLE|JETSTREAM|LEGACY|REDIS)"
                r"_[A-Z_]+)`",
                document.read_text(),
            )
        )
        assert spoken - streams <= names, document


def test_every_subject_of_the_contract_is_in_the_readme() -> None:
    """A subject nobody hears of is not part of the contract."""
    text = (ROOT / "README.md").read_text()
    public = [subject for subject in MEANINGS if not subject.startswith(("dlq.", "answers."))]

    assert [subject for subject in public if subject not in text] == []


def test_every_error_code_is_declared_once() -> None:
    """The codes of the wire contract."""
    from typing import get_args

    from memebattle.generation.ports import ErrorCode

    assert set(get_args(ErrorCode.__value__)) == {
        "invalid_request", "payload_too_large", "rate_limited", "timeout", "nsfw", "cancelled",
        "provider_auth", "provider_quota", "model_unavailable", "provider_unavailable",
        "dead_lettered", "internal",
    }  # fmt: skip


def test_the_defaults_of_the_original_documents() -> None:
    """Seeds 000 and 003, to the letter; HF_API_TOKEN and HF_API_URL as the conflict table settles them."""
    defaults = {row.name: row.default for row in rows()}

    assert {
        name: defaults[name]
        for name in (
            "NATS_URL", "NATS_STREAM", "NATS_CONSUMER", "NATS_REQUEST_SUBJECT", "NATS_RESPONSE_SUBJECT",
            "REDIS_URL", "CACHE_TTL", "METRICS_ADDR", "ENABLE_CORE_NATS", "CORE_NATS_QUEUE_GROUP",
        )
    } == {
        "NATS_URL": "nats://nats.messaging.svc.cluster.local:4222",
        "NATS_STREAM": "MEMES",
        "NATS_CONSUMER": "meme-generator",
        "NATS_REQUEST_SUBJECT": "meme.request",
        "NATS_RESPONSE_SUBJECT": "meme.response",
        "REDIS_URL": "redis://redis.cache.svc.cluster.local:6379",
        "CACHE_TTL": "3600",
        "METRICS_ADDR": "0.0.0.0:9090",
        "ENABLE_CORE_NATS": "true",
        "CORE_NATS_QUEUE_GROUP": "meme-generator-core",
    }  # fmt: skip
    assert Settings().image_provider == "artist"


def test_the_names_of_the_chat_document() -> None:
    """Seed 001: its stream, its consumer, its queue group, and when a batch goes out."""
    defaults = {row.name: row.default for row in rows()}

    assert {
        name: defaults[name]
        for name in (
            "NATS_WORKFLOW_STREAM", "NATS_WORKFLOW_CONSUMER", "NATS_CHUNKS_STREAM", "CHAT_QUEUE_GROUP",
            "CHAT_BATCH_MAX", "CHAT_HEARTBEAT", "CHAT_FORCE_BROADCAST",
        )
    } == {
        "NATS_WORKFLOW_STREAM": "WORKFLOW_REQUESTS",
        "NATS_WORKFLOW_CONSUMER": "workflow-processor",
        "NATS_CHUNKS_STREAM": "CHAT_CHUNKS",
        "CHAT_QUEUE_GROUP": "workflow-workers",
        "CHAT_BATCH_MAX": "100",
        "CHAT_HEARTBEAT": "10",
        "CHAT_FORCE_BROADCAST": "false",
    }  # fmt: skip


def test_the_names_of_the_priority_document() -> None:
    """Seed 004: its streams, its consumer, its subjects, its cache, and the channels before NATS."""
    defaults = {row.name: row.default for row in rows()}

    assert {
        name: defaults[name]
        for name in (
            "NATS_PRIORITY_STREAM", "NATS_PRIORITY_CONSUMER", "NATS_PRIORITY_RESULTS_STREAM",
            "NATS_EVENTS_STREAM", "PRIORITY_REQUEST_SUBJECT", "PRIORITY_RESULT_SUBJECT",
            "PRIORITY_SYNC_SUBJECT", "PRIORITY_SYNC_TIMEOUT", "JETSTREAM_ENABLED", "JETSTREAM_DOMAIN",
            "CACHE_ENABLED", "CACHE_TTL_RESULTS", "CACHE_TTL_SUGGESTIONS", "CACHE_TTL_USERS",
            "PRIORITIZATION_REQUEST_CHANNEL", "PRIORITIZATION_RESULT_CHANNEL", "PRIORITIZE_CHANNEL",
            "RESULTS_CHANNEL", "LEGACY_REDIS_BRIDGE",
        )
    } == {
        "NATS_PRIORITY_STREAM": "PRIORITY_REQUESTS",
        "NATS_PRIORITY_CONSUMER": "priority-processor",
        "NATS_PRIORITY_RESULTS_STREAM": "PRIORITY_RESULTS",
        "NATS_EVENTS_STREAM": "SYSTEM_EVENTS",
        "PRIORITY_REQUEST_SUBJECT": "prioritization.request",
        "PRIORITY_RESULT_SUBJECT": "prioritization.result",
        "PRIORITY_SYNC_SUBJECT": "prioritization.sync",
        "PRIORITY_SYNC_TIMEOUT": "5",
        "JETSTREAM_ENABLED": "true",
        "JETSTREAM_DOMAIN": "",
        "CACHE_ENABLED": "true",
        "CACHE_TTL_RESULTS": "3600",
        "CACHE_TTL_SUGGESTIONS": "7200",
        "CACHE_TTL_USERS": "3600",
        "PRIORITIZATION_REQUEST_CHANNEL": "prioritization_requests",
        "PRIORITIZATION_RESULT_CHANNEL": "prioritization_results",
        "PRIORITIZE_CHANNEL": "prioritize",
        "RESULTS_CHANNEL": "results",
        "LEGACY_REDIS_BRIDGE": "false",
    }  # fmt: skip


def test_the_names_in_the_permissions_are_the_defaults() -> None:
    """`accounts.conf` cannot read settings: what is renamed there is renamed here."""
    accounts = resources.files("memebattle.bus").joinpath("accounts.conf").read_text()
    nats, delivery, chat = Settings().nats, Settings().delivery, Settings().chat
    priority = Settings().priority
    queues = (
        (nats.stream, nats.consumer),
        (nats.workflow_stream, nats.workflow_consumer),
        (nats.priority_stream, nats.priority_consumer),
    )

    assert f'"{nats.request_subject} {delivery.core_queue_group}"' in accounts
    assert f'"chat.workflow.execute.* {chat.queue_group}"' in accounts
    for stream, consumer in queues:
        assert f'"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"' in accounts
        assert f'"$JS.ACK.{stream}.{consumer}.>", "$JS.ACK.*.*.{stream}.{consumer}.>"' in accounts
        assert f'"dlq.{stream}.{consumer}"' in accounts
    assert f'"$JS.API.DIRECT.GET.{nats.chunks_stream}"' in accounts
    assert '"chat.pod.*.response", "chat.session.*.broadcast"' in accounts
    assert f'"{priority.sync_subject} {priority.queue_group}"' in accounts
    assert f'"$JS.API.DIRECT.GET.{nats.priority_results_stream}"' in accounts
    for stream in (nats.priority_stream, nats.priority_results_stream, nats.events_stream):
        assert f'"$JS.API.STREAM.CREATE.{stream}"' in accounts
    for subject in (f"{priority.request_subject}.*", f"{priority.result_subject}.*"):
        assert f'"{subject}"' in accounts


def test_the_metrics_of_the_chat_document() -> None:
    """Seed 001, "Key Metrics": rate, lag, size, errors, subscriptions."""
    assert set(declared()) >= {
        "chat_published_total",
        "chat_delivery_lag_seconds",
        "chat_message_bytes",
        "chat_publish_errors_total",
        "chat_subscribe_errors_total",
        "chat_active_subscriptions",
    }


def test_the_metric_names_of_the_original_documents() -> None:
    """Rows O1 to O10."""
    assert set(declared()) >= {
        "meme_generator_core_nats_messages_total",
        "meme_generator_jetstream_messages_total",
        "meme_generator_duplicate_messages_total",
        "meme_generator_processing_duration_seconds",
        "meme_generator_requests_total",
        "meme_generator_success_total",
        "meme_generator_errors_total",
        "meme_generator_cache_hits_total",
        "meme_generator_cache_misses_total",
        "meme_generator_generation_duration_seconds",
    }


def test_no_lock_file_names_a_registry() -> None:
    """A mirror's address in a lock is wrong for everybody else."""
    locks = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock", *ROOT.glob("*/package-lock.json")]

    assert not (ROOT / "uv.lock").exists()
    assert [path.name for path in locks if re.search("https?://", _without_funding(path))] == []


def _without_funding(path: Path) -> str:
    """npm records where to donate, as an address, an object or a list; that is no download address."""
    if path.suffix != ".json":
        return path.read_text()
    packages = json.loads(path.read_text())["packages"].values()
    return json.dumps([{name: said for name, said in each.items() if name != "funding"} for each in packages])


def test_help_is_quick_and_needs_nothing() -> None:
    """`memebattle --help` works with an empty environment and imports none of the heavy parts."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, memebattle.cli.app as app; app.create(); print(*sys.modules)"],
        capture_output=True, text=True, check=True, env={},
    ).stdout.split()  # fmt: skip

    assert {"faststream", "nats", "pydantic", "redis", "httpx", "PIL", "rich", "fastapi"} & set(
        loaded
    ) == set()


def test_every_acceptance_row_names_a_test_that_exists() -> None:
    """architecture/acceptance.md."""
    lines = [
        line
        for line in (ROOT / "architecture" / "acceptance.md").read_text().splitlines()
        if line.startswith("| ")
    ]
    named = [
        (line.split("|")[1].strip(), found)
        for line in lines
        for found in re.findall(r"`(tests/[^`]+)`", line)
    ]
    without = [line.split("|")[1].strip() for line in lines[1:] if "`tests/" not in line]
    missing = [(row, test) for row, test in named if not _test_exists(test)]

    assert len(named) > 80
    assert missing == []
    assert without == []


def _test_exists(name: str) -> bool:
    path, _, function = name.partition("::")
    file = ROOT / path
    return file.is_file() and (not function or f"def {function}(" in file.read_text())
