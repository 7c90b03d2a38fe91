"""The chart, the program, KEDA and the published contract speak of the same streams and consumers.

Streams are computed from the rendered environment as the workers and the Job do it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from memebattle.bus.declared import declared
from memebattle.settings import Settings
from tests.chart.pods import Object, pods
from tests.chart.rendering import CHART, PRESETS, ROOT, given, render
from tests.chart.variables import roles_of, settable, settings_of


@pytest.mark.parametrize("preset", PRESETS)
def test_all_roles_and_the_job_declare_the_same_streams(preset: str) -> None:
    """Else one would undo what the other did, with each start."""
    rendering = render(preset=preset)
    said = [declared(settings_of(rendering, role)) for role in roles_of(rendering)]

    assert [each for each in said if each != said[0]] == []


def test_what_decides_about_streams_is_refused_for_a_single_role() -> None:
    """Tried with every variable that one role may have for itself."""
    usual = declared(Settings())
    decisive = [
        name for name, value in settable().items() if declared(Settings.from_env({name: value})) != usual
    ]
    refused = _refused_for_a_role()

    assert len(decisive) > 5
    assert [name for name in decisive if name not in refused] == []


def _refused_for_a_role() -> set[str]:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    properties: dict[str, Any] = schema["definitions"]["roleSettings"]["properties"]
    return {name for name, found in properties.items() if "const" in found}


def test_streams_have_the_names_of_the_values() -> None:
    chosen = given(
        *(
            f"streams.{queue}.{part}={queue}-{part}"
            for queue in ("memes", "workflow", "priority")
            for part in ("stream", "consumer")
        )
    )
    found = declared(settings_of(render(chosen), "streams"))

    assert {(stream, each.durable_name) for stream, each in found.consumers} == {
        ("memes-stream", "memes-consumer"),
        ("workflow-stream", "workflow-consumer"),
        ("priority-stream", "priority-consumer"),
    }
    assert {stream for stream, _ in found.consumers} <= {stream.name for stream in found.streams}


@pytest.mark.parametrize("preset", PRESETS)
def test_keda_looks_at_the_streams_of_the_settings(preset: str) -> None:
    rendering = render(preset=preset)
    for scaled in rendering.all("ScaledObject"):
        name = scaled["spec"]["scaleTargetRef"]["name"]
        (pod,) = [each for each in pods(rendering.objects) if each.title == f"Deployment/{name}"]
        nats = settings_of(rendering, pod.component).nats
        queues = {
            "worker": (nats.stream, nats.consumer),
            "workflow": (nats.workflow_stream, nats.workflow_consumer),
            "priority": (nats.priority_stream, nats.priority_consumer),
        }
        metadata = trigger(scaled)

        assert (metadata["stream"], metadata["consumer"]) == queues[pod.component]


def test_a_replica_takes_no_more_than_the_next_is_started_for() -> None:
    """WORKER_CONCURRENCY and its sisters, beside the trigger's lagThreshold."""
    settings = settings_of(render(), "worker")
    concurrency = {
        "meme-generator": settings.delivery.concurrency,
        "meme-generator-workflow": settings.chat.concurrency,
        "meme-generator-priority": settings.priority.concurrency,
    }
    lags = {name: int(trigger(render().only("ScaledObject", name))["lagThreshold"]) for name in concurrency}

    assert lags == {"meme-generator": 5, "meme-generator-workflow": 32, "meme-generator-priority": 50}
    assert [name for name in lags if concurrency[name] > lags[name]] == []


def test_the_consumers_let_all_replicas_work() -> None:
    """`max_ack_pending` is for all together; smaller, it would throttle what KEDA starts."""
    rendering = render()
    settings = settings_of(rendering, "streams")
    work = {
        settings.nats.consumer: ("meme-generator", settings.delivery.concurrency),
        settings.nats.workflow_consumer: ("meme-generator-workflow", settings.chat.concurrency),
        settings.nats.priority_consumer: ("meme-generator-priority", settings.priority.concurrency),
    }
    for _, consumer in declared(settings).consumers:
        name, concurrency = work[str(consumer.durable_name)]
        most = rendering.only("ScaledObject", name)["spec"]["maxReplicaCount"]
        assert (consumer.max_ack_pending or 0) >= most * concurrency


def test_the_trigger_of_the_defaults() -> None:
    """What the documents say of it, as it has to be: see architecture/decisions."""
    spec = render().only("ScaledObject", "meme-generator")["spec"]

    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, 10)
    assert (spec["pollingInterval"], spec["cooldownPeriod"]) == (15, 120)
    assert trigger({"spec": spec}) == {
        "natsServerMonitoringEndpoint": "nats-headless.messaging.svc.cluster.local:8222",
        "account": "APP",
        "stream": "MEMES",
        "consumer": "meme-generator",
        "lagThreshold": "5",
        "activationLagThreshold": "0",
        "useHttps": "false",
    }


def test_an_account_survives_as_it_is_written() -> None:
    """`$G` is no variable of a shell or template here; a public key takes the place of a name."""
    key = "A" + "B" * 55

    assert trigger(render(given("nats.account=$G")).all("ScaledObject")[0])["account"] == "$G"
    operator = trigger(render(given(f"nats.accountID={key}")).all("ScaledObject")[0])
    assert (operator.get("account"), operator["accountID"]) == (None, key)


def test_the_published_contract_names_the_same_streams_and_consumers() -> None:
    """asyncapi/asyncapi.yaml."""
    text = (ROOT / "asyncapi" / "asyncapi.yaml").read_text(encoding="utf-8")
    channels = yaml.load(text, yaml.CSafeLoader)["channels"].values()
    published = [each["x-nats-jetstream"] for each in channels if "x-nats-jetstream" in each]
    found = declared(settings_of(render(), "streams"))

    assert {
        (each["stream"]["name"], each["consumer"]["durable"]) for each in published if "consumer" in each
    } == {(stream, each.durable_name) for stream, each in found.consumers}
    assert {each["stream"]["name"] for each in published} <= {stream.name for stream in found.streams}


def trigger(scaled: Object) -> Object:
    found: Object = scaled["spec"]["triggers"][0]["metadata"]
    return found
