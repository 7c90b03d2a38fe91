"""The chart and the program speak of the same variables.

What is rendered is read by the program's own settings; a name or a value that changes on one side fails here.
"""

from __future__ import annotations

import pytest

from memebattle.settings import Settings
from tests.chart.pods import environment, pods
from tests.chart.rendering import FULL, PRESETS, ROLES, Rendering, given, merge, render
from tests.chart.variables import ROWS, read, roles_of, settable, settings_of

# of the little program in the pod of `helm test`
FOREIGN = {"GATEWAY_URL"}
# a preset's own, in `extraEnv`
EXTRA = {"everything": {"NODE"}}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_variable_is_one_that_we_read(preset: str) -> None:
    rendering = render(preset=preset)
    used = {name for pod in pods(rendering.objects) for name in environment(pod, 0, rendering.objects)}

    assert used - ROWS.keys() - FOREIGN - EXTRA.get(preset, set()) == set()


@pytest.mark.parametrize("preset", PRESETS)
def test_every_role_understands_its_environment(preset: str) -> None:
    rendering = render(preset=preset)
    contexts = {"worker": "memes", "workflow": "chat", "priority": "priority", "battle": "battle"}

    for role in roles_of(rendering):
        settings = settings_of(rendering, role)
        assert settings.delivery.contexts == contexts.get(role, Settings().delivery.contexts)
        assert settings.observability.log_format == "json"


def test_the_values_arrive() -> None:
    """One value of each kind, under the name that the program reads."""
    chosen = given(
        "nats.url=nats://n.example:4223",
        "nats.replicas=5",
        "nats.websocketUrl=wss://memes.example",
        "redis.url=redis://r.example:6380/2",
        "worker.enableCoreNats=false",
        "worker.concurrency=3",
        "workflow.concurrency=30",
        "priority.concurrency=13",
        "priority.autoscaling.maxReplicas=17",
        "worker.shutdownGrace=90",
        "settings.CACHE_TTL=60",
        "settings.JETSTREAM_MAX_STORAGE=10737418240",
        "worker.settings.MEMORY_CACHE_MB=7",
    )
    settings = settings_of(render(chosen), "worker")

    assert settings.nats.url.get_secret_value() == "nats://n.example:4223"
    assert (settings.nats.replicas, settings.gateway.websocket_url) == (5, "wss://memes.example")
    assert settings.redis.url.get_secret_value() == "redis://r.example:6380/2"
    assert (settings.delivery.enable_core, settings.delivery.concurrency) == (False, 3)
    assert (settings.chat.concurrency, settings.priority.concurrency) == (30, 13)
    assert (settings.delivery.max_replicas, settings.delivery.shutdown_grace) == (17, 90)
    assert (settings.redis.cache_ttl, settings.nats.jetstream_max_storage) == (60, 10 * 1024**3)
    assert settings.redis.memory_cache_mb == 7
    assert settings_of(render(chosen), "gateway").redis.memory_cache_mb == Settings().redis.memory_cache_mb


def test_without_a_word_the_program_s_own_defaults_hold() -> None:
    """Where the chart differs from the program, it does so on purpose."""
    found = dict(settings_of(render(), "worker").values())
    usual = dict(Settings().values())
    differing = {row.name: value for row, value in found.items() if value != usual[row] and not row.secret}

    assert differing == {
        "WORKER_CONTEXTS": "memes",
        "WORKER_ID": "told-at-run-time",
        "NATS_USER": "worker",
        "NATS_INBOX_PREFIX": "_INBOX_worker",
        "NATS_REPLICAS": 3,
        "NATS_WEBSOCKET_URL": "ws://nats.meme-generator.local",
        "SHUTDOWN_GRACE": 75,
    }


def test_every_other_variable_can_be_set_for_all_roles() -> None:
    """All at once: each is accepted by the schema, and arrives as it was written."""
    chosen = settable()
    rendering = render(merge(given("worker.shutdownGrace=600"), {"settings": chosen}))

    assert len(chosen) > 60
    for role in ROLES:
        found = rendering.environment(role)
        assert {name: found.get(name) for name in chosen} == chosen
        read(found)


def test_every_variable_can_be_set_somehow() -> None:
    """By a value of the chart, in `settings`, or in a Secret."""
    rendering = render(merge(FULL, {"settings": settable()}))
    set_somewhere = {name for role in ROLES for name in rendering.environment(role)}

    assert ROWS.keys() - set_somewhere == set()


def test_numbers_and_truth_arrive_as_they_are_written() -> None:
    """YAML's numbers are floats to a template: 10737418240 must not become 1.073741824e+10."""
    chosen = {
        "JETSTREAM_MAX_STORAGE": 10737418240,
        "CACHE_ENABLED": False,
        "PRIORITY_AGEING": 0.5,
        "CACHE_TTL": 0,
    }
    found = render({"settings": chosen}).environment("gateway")

    assert {name: found[name] for name in chosen} == {
        "JETSTREAM_MAX_STORAGE": "10737418240",
        "CACHE_ENABLED": "false",
        "PRIORITY_AGEING": "0.5",
        "CACHE_TTL": "0",
    }


def test_a_changed_variable_starts_new_pods() -> None:
    """And an unchanged one does not."""

    def checksums(rendering: Rendering) -> list[str]:
        deployments = rendering.all("Deployment")
        return [
            each["spec"]["template"]["metadata"]["annotations"]["checksum/config"] for each in deployments
        ]

    before, after = checksums(render()), checksums(render(given("settings.CACHE_TTL=60")))

    assert len(before) == 5
    assert [old for old, new in zip(before, after, strict=True) if old == new] == []
    assert before == checksums(render(is_upgrade=True))
