"""The published contract of priority: one consumer behind two subjects, one result, and a reply."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import jsonschema
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from memebattle.bootstrap.priority_front import _Audit
from memebattle.bus.entries import Entry, EntryKind
from memebattle.bus.publishing import DurablePublisher
from memebattle.bus.streams import Topology
from memebattle.bus.subjects import pattern_of
from memebattle.bus.tasklog import JetStreamTaskLog
from memebattle.bus.tasks import JetStreamTasks
from memebattle.cli import spec
from memebattle.cli.local import NatsServer
from memebattle.cli.spec.schema import name_in
from memebattle.cli.spec.types import typescript
from memebattle.kit.metrics import Metrics
from memebattle.priority.messages import (
    Category,
    PriorityAudit,
    PriorityOverride,
    PriorityRequest,
    PriorityResult,
    RequesterRole,
)
from memebattle.settings import Settings
from tests.fleet import fleet

TRACE = {"correlation_id": "corr_xyz", "traceparent": f"00-{'4b' * 16}-{'00f0' * 4}-01"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return spec.build()


def check(document: dict[str, Any], name: str, value: Any) -> None:
    whole = {**document["components"]["schemas"][name], "components": document["components"]}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(value)


def addresses(document: dict[str, Any], role: str, action: str) -> set[str]:
    """Where a role does this, as far as tasks are concerned."""
    channels = document["channels"]
    return {
        channels[name_in(each["channel"])]["address"]
        for name, each in document["operations"].items()
        if "Priority" in name and (each["tags"][0]["name"], each["action"]) == (role, action)
    }


# ------------------------------------------------------------------------------------------ the two roles


def test_what_a_worker_does(document: dict[str, Any]) -> None:
    assert addresses(document, "worker", "receive") == {
        "prioritization.request",
        "prioritization.request.{request_id}",
        "prioritization.cancel.{request_id}",
        "prioritization.sync",
    }
    assert addresses(document, "worker", "send") == {
        "prioritization.result",
        "prioritization.result.{request_id}",
        "prioritization.suggestions.{request_id}",
        "prioritization.status.{request_id}",
    }


def test_what_a_gateway_does(document: dict[str, Any]) -> None:
    assert addresses(document, "gateway", "send") == {
        "prioritization.request.{request_id}",
        "prioritization.cancel.{request_id}",
        "prioritization.sync",
        "prioritization.result.{request_id}",
        "prioritization.override.{request_id}",
        "audit.priority.{action}",
    }
    assert addresses(document, "gateway", "receive") == {
        "prioritization.result.{request_id}",
        "prioritization.suggestions.{request_id}",
        "prioritization.override.{request_id}",
        "prioritization.status.{request_id}",
    }


class Wire:
    """A connection that writes down where something is said and heard."""

    max_payload = 1024 * 1024

    def __init__(self) -> None:
        self.said: set[str] = set()
        self.heard: set[str] = set()
        self.inboxes: dict[str, Any] = {}

    async def publish(self, subject: str, _: bytes, reply: str = "", **__: object) -> None:
        self.said.add(pattern_of(subject))
        if reply:
            await self.inboxes[reply](Msg(self, data=b"{}"))

    async def subscribe(self, subject: str, *, cb: Any, **_: object) -> Any:
        self.inboxes[subject] = cb
        if not subject.startswith("_INBOX"):
            self.heard.add(pattern_of(subject))
        return self

    async def unsubscribe(self) -> None:
        """Nothing was kept."""


class Stored:
    """A publisher that writes down what would be stored."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def publish(self, subject: str, body: bytes, *_: object, **__: object) -> None:
        await self._wire.publish(subject, body)


async def test_what_a_gateway_does_is_what_the_document_says(document: dict[str, Any]) -> None:
    """Written down by hand there, because no handler says it; results and decisions go through the log."""
    wire: Any = Wire()
    publisher: Any = Stored(wire)
    tasks = JetStreamTasks(
        publisher, lambda: wire, "prioritization.request", "prioritization.sync", "PRIORITY_REQUESTS"
    )
    await tasks.submit("t1", 1, b"{}")
    await tasks.cancel("t1", 1)
    await tasks.ask_now(b"{}", 1)
    async with tasks.heard("t1"):
        pass

    stored = {"prioritization.result.{request_id}", "prioritization.override.{request_id}"}
    assert wire.said == addresses(document, "gateway", "send") - stored - {"audit.priority.{action}"}
    assert wire.heard == addresses(document, "gateway", "receive")


def test_a_question_is_replied_to_with_the_result(document: dict[str, Any]) -> None:
    """The reply has no subject of its own; what is sent into the queue is answered by id."""
    replies = {
        name: name_in(each["reply"]["channel"])
        for name, each in document["operations"].items()
        if "reply" in each and "Priority" in name
    }

    assert replies == {
        "PriorityQuestion": "PriorityReply",
        "PriorityRequest": "StoredPriorityResult",
        "PriorityRequestById": "StoredPriorityResult",
    }
    reply = document["channels"]["PriorityReply"]
    assert reply["address"] is None
    assert set(reply["messages"]) == {"ReplyPriorityResult", "ReplyPriorityError"}
    assert document["operations"]["PriorityQuestion"]["bindings"] == {
        "nats": {"queue": "priority-workers", "bindingVersion": "0.1.0"}
    }


# ---------------------------------------------------------------------------------------------- messages


@pytest.mark.parametrize("model", [PriorityRequest, PriorityResult, PriorityOverride, PriorityAudit])
def test_every_field_is_described(model: Any, document: dict[str, Any]) -> None:
    """FastStream drops a property that shares its name with a handler's parameter."""
    described = document["components"]["schemas"][model.__name__]["properties"]

    assert described.keys() == model.model_fields.keys()


def test_the_words_of_the_engine_are_in_the_document(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert tuple(schemas["Category"]["enum"]) == get_args(Category.__value__)
    assert tuple(schemas["RequesterRole"]["enum"]) == get_args(RequesterRole.__value__)
    assert schemas["UrgencyLevel"]["enum"] == ["CRITICAL", "HIGH", "MEDIUM", "LOW"]
    kinds = schemas["StoredEntryHeaders"]["properties"]["Mb-Kind"]["enum"]
    assert tuple(kinds) == get_args(EntryKind.__value__)


def test_what_is_sent_is_whole_and_what_is_asked_may_be_little(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert schemas["PriorityRequest"]["required"] == ["title", "category"]
    assert schemas["PriorityTask"]["properties"]["deadline"]["type"] == "string"
    assert schemas["PriorityResult"]["required"] == [
        "request_id", "revision", "urgency_level", "priority_metrics", "reasoning", "ai_confidence",
        "estimated_resolution_hours", "escalation_required", "suggestions", "contributions", "model",
        "cached", "task", "processed_at",
    ]  # fmt: skip
    assert schemas["PriorityCancel"].get("required", []) == []


def test_the_example_result_is_that_of_the_example_task(document: dict[str, Any]) -> None:
    """The contributions add up, and the task is the one that was asked about."""
    messages = document["components"]["messages"]
    asked = messages["PriorityRequest"]["examples"][0]["payload"]
    result = messages["PriorityResult"]["examples"][0]["payload"]
    points = sum(each["points"] for each in result["contributions"])

    assert result["request_id"] == asked["id"]
    assert result["task"]["title"] == asked["title"]
    assert points == pytest.approx(result["priority_metrics"]["final_priority_score"], abs=1e-3)
    digest = messages["PriorityResult"]["examples"][0]["headers"]["Mb-Digest"]
    assert digest == PriorityRequest.model_validate(asked).digest


async def test_results_carry_the_headers_that_are_described(
    document: dict[str, Any], developer: Client, metrics: Metrics
) -> None:
    """Stored and republished by a real server."""
    await Topology.of(Settings()).apply(developer.jetstream())
    stored = await developer.subscribe("prioritization.result.*")
    heard = await developer.subscribe("prioritization.result")
    publisher = DurablePublisher(lambda: developer, metrics)
    log = JetStreamTaskLog(publisher, developer.jetstream, lambda: developer, "PRIORITY_RESULTS")

    await log.add(Entry("ticket-4711", "response", b"{}", 1, "digest", trace=TRACE))

    for subscription, name in ((stored, "StoredEntryHeaders"), (heard, "EntryHeaders")):
        headers = dict((await subscription.next_msg(timeout=5)).headers or {})
        check(document, name, headers)
        assert set(headers) == set(document["components"]["schemas"][name]["properties"])


async def test_a_decision_is_audited_in_the_words_of_the_document(document: dict[str, Any]) -> None:
    """As a gateway writes it down, with the headers of nobody but the stream."""
    written: list[tuple[str, bytes]] = []

    class Publisher:
        async def publish(self, subject: str, body: bytes, *_: object) -> None:
            written.append((subject, body))

    wiring: Any = SimpleNamespace(publisher=Publisher(), settings=Settings())
    made = document["components"]["messages"]["PriorityAudit"]["examples"][0]["payload"]
    details = {name: value for name, value in made.items() if name != "at"}
    await _Audit(wiring).write("set", details)
    [(subject, body)] = written
    said = json.loads(body)

    check(document, "PriorityAudit", said)
    assert said.keys() == made.keys()
    assert pattern_of(subject) == document["channels"]["PriorityAudit"]["address"]


# ------------------------------------------------------------------------------------ streams and settings


@pytest.mark.parametrize("name", ["PriorityRequest", "PriorityRequestById"])
def test_both_subjects_tell_their_stream_and_consumer(name: str, document: dict[str, Any]) -> None:
    durable = document["channels"][name]["x-nats-jetstream"]

    assert (durable["stream"]["name"], durable["stream"]["retention"]) == ("PRIORITY_REQUESTS", "workqueue")
    assert durable["stream"]["limits"] == {
        "discard": "new",
        "max_age_seconds": 86400,
        "max_bytes": 268435456,
        "max_msgs": 100000,
    }
    assert durable["consumer"] == {
        "durable": "priority-processor",
        "mode": "pull",
        "filter_subjects": ["prioritization.request", "prioritization.request.*"],
        "ack_policy": "explicit",
        "ack_wait_seconds": 30,
        "max_deliver": -1,
        "max_ack_pending": 320,
        "max_attempts": 8,
    }


@pytest.mark.parametrize(
    ("name", "stream", "days"),
    [
        ("StoredPriorityResult", "PRIORITY_RESULTS", 7),
        ("PrioritySuggestions", "PRIORITY_RESULTS", 7),
        ("PriorityOverride", "PRIORITY_RESULTS", 7),
        ("PriorityAudit", "SYSTEM_EVENTS", 30),
    ],
)
def test_what_is_kept_says_where_and_how_long(
    name: str, stream: str, days: int, document: dict[str, Any]
) -> None:
    kept = document["channels"][name]["x-nats-jetstream"]["stream"]

    assert (kept["name"], kept["limits"]["max_age_seconds"]) == (stream, days * 86400)


def test_what_is_kept_nowhere(document: dict[str, Any]) -> None:
    channels = document["channels"]

    assert channels["PriorityStatus"]["x-nats-core"] == {"fan_out": True}
    assert channels["PriorityCancel"]["x-nats-core"] == {"fan_out": True}
    assert channels["PriorityQuestion"]["x-nats-core"] == {"queue": "priority-workers"}
    assert channels["PriorityResult"]["x-nats-republish"]["stream"] == "PRIORITY_RESULTS"


def test_names_come_from_the_settings() -> None:
    settings = Settings.from_env(
        {
            "PRIORITY_REQUEST_SUBJECT": "eu.ask",
            "PRIORITY_RESULT_SUBJECT": "eu.rate",
            "PRIORITY_SYNC_SUBJECT": "eu.now",
            "PRIORITY_QUEUE_GROUP": "eu-workers",
            "NATS_PRIORITY_STREAM": "EU_TASKS",
            "NATS_PRIORITY_CONSUMER": "eu-processor",
            "NATS_PRIORITY_RESULTS_STREAM": "EU_RATES",
        }
    )
    document = spec.build(settings)
    channels, said = document["channels"], document["info"]["description"]

    assert channels["PriorityRequestById"]["address"] == "eu.ask.{request_id}"
    assert channels["PriorityRequestById"]["x-nats-jetstream"]["stream"]["name"] == "EU_TASKS"
    assert channels["PriorityRequest"]["x-nats-jetstream"]["consumer"]["durable"] == "eu-processor"
    assert channels["StoredPriorityResult"]["address"] == "eu.rate.{request_id}"
    assert channels["PriorityResult"]["x-nats-republish"] == {
        "stream": "EU_RATES",
        "source": "eu.rate.{request_id}",
    }
    assert channels["PriorityQuestion"]["x-nats-core"] == {"queue": "eu-workers"}
    assert 'f"eu.ask.{name}"' in said
    assert "prioritization.re" not in said


# ---------------------------------------------------------------------------------------- types and page


def test_the_types_know_tasks_and_results(document: dict[str, Any]) -> None:
    types = typescript(document)

    assert '  "prioritization.request": PriorityRequest;\n' in types
    assert "  [subject: `prioritization.request.${string}`]: PriorityRequest;\n" in types
    assert "  [subject: `prioritization.result.${string}`]: PriorityResult | PriorityError;\n" in types
    assert '  "prioritization.sync": PriorityResult | PriorityError;\n' in types
    assert "  contributions: Array<Contribution>;\n" in types
    assert '  action: "set" | "clear" | "withdraw";\n' in types
    assert "  deadline?: string;\n" in types  # of a task in a result
    assert "  deadline?: string | null;\n" in types  # of a task that is sent


def test_the_page_shows_the_way_of_a_task() -> None:
    page = (Path(__file__).parents[2] / spec.PAGE).read_text()

    assert 'aria-label="The way of a task"' in page
    assert '<span class="inner"><code>final_priority_score</code>' in page
    assert "kept for 7 days" in page
    assert '<a href="#PriorityReply">A worker replies</a>' in page


# ---------------------------------------------------------------------------------- it works as it says


async def test_the_priority_snippet_runs(
    document: dict[str, Any], worker_env: dict[str, str], tmp_path: Path, nats_server: NatsServer
) -> None:
    """Run as it stands against a real worker."""
    snippet = re.findall(r"```python\n(.*?)```", document["info"]["description"], re.DOTALL)[2]

    async with fleet({**worker_env, "WORKER_CONTEXTS": "priority"}, tmp_path, 1):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            snippet,
            env={**os.environ, "NATS_URL": nats_server.url("developer")},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await asyncio.wait_for(child.communicate(), 30)

    assert child.returncode == 0
    assert output.split()[0] in {b"LOW", b"MEDIUM", b"HIGH", b"CRITICAL"}
