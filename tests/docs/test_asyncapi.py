"""The published contract: complete, valid, true to the code, and the same on every machine."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest
import yaml
from nats.aio.client import Client
from nats.aio.msg import Msg
from PIL import Image

from memebattle import __version__
from memebattle.bus.answers import JetStreamAnswers
from memebattle.bus.idempotency import Answer
from memebattle.bus.publishing import DurablePublisher
from memebattle.bus.streams import Topology
from memebattle.bus.subjects import MEANINGS
from memebattle.cli import spec
from memebattle.cli.local import NatsServer
from memebattle.cli.spec import words
from memebattle.cli.spec.enrich import SpecError
from memebattle.cli.spec.streams import covers
from memebattle.cli.spec.types import Untranslatable, typescript
from memebattle.kit.metrics import Metrics
from memebattle.memes.messages import MemeRequest
from memebattle.settings import Settings
from memebattle.worker import create_app

ROOT = Path(__file__).parents[2]
META_SCHEMA = Path(__file__).with_name("asyncapi-3.0.0.schema.json")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return spec.build()


def resolve(document: dict[str, Any], reference: str) -> Any:
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def check(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    whole = {**schema, "components": document["components"]}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(value)


# ------------------------------------------------------------------------------------------ the document


def test_the_committed_files_follow_from_the_code() -> None:
    """Document, types and page are what the code says today."""
    assert spec.stale(ROOT) == [], "run `make spec` and commit what it writes"


def test_the_document_is_valid_asyncapi(document: dict[str, Any]) -> None:
    """Against the official schema of AsyncAPI 3.0.0."""
    jsonschema.Draft7Validator(json.loads(META_SCHEMA.read_text())).validate(document)


def test_the_official_schema_still_has_teeth(document: dict[str, Any]) -> None:
    """The trimmed copy refuses what the whole schema refuses."""
    validator = jsonschema.Draft7Validator(json.loads(META_SCHEMA.read_text()))
    operation = {**document["operations"]["MemeCancel"], "action": "shout"}

    assert not validator.is_valid({**document, "operations": {"MemeCancel": operation}})
    assert not validator.is_valid({**document, "channels": {"x": {"adress": "typo"}}})
    assert not validator.is_valid({**document, "info": {"title": "no version"}})


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))

    assert len(found) > 30
    assert all(resolve(document, each) is not None for each in found)


def test_who_we_are_without_a_person(document: dict[str, Any]) -> None:
    info = document["info"]

    assert (info["title"], info["version"]) == ("memebattle", __version__)
    assert info["contact"] == {"name": "memebattle"}
    assert info["license"]["name"] == "Apache-2.0"


def test_the_same_bytes_under_every_hash_seed() -> None:
    """FastStream keeps subscribers in a set; the order of the document must not show it."""
    code = "from memebattle.cli.spec import build, render; print(render(build()), end='')"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
            stdout=subprocess.PIPE,
        )
        for seed in ("0", "1", "42")
    ]
    outputs = {child.communicate(timeout=50)[0] for child in children}

    assert [child.returncode for child in children] == [0, 0, 0]
    assert outputs == {(ROOT / spec.DOCUMENT).read_bytes()}


def test_the_yaml_means_the_document(document: dict[str, Any]) -> None:
    text = spec.render(document)

    assert yaml.safe_load(text) == document
    assert max(map(len, text.splitlines())) < 160
    assert "&id" not in text


# --------------------------------------------------------------------------------------------- channels

ADDRESSES = {
    "MemeRequestJetStream": "meme.request",
    "MemeRequestCore": "meme.request",
    "MemeCancel": "meme.cancel.{request_id}",
    "MemeAnswer": "answers.meme.{request_id}.{kind}",
    "MemeResponse": "meme.response",
    "MemeError": "meme.response.error",
    "MemeCreated": "meme.created",
    "MemeStatus": "meme.status.{request_id}",
    "WorkflowRequestJetStream": "chat.workflow.execute.{session_id}",
    "WorkflowRequestCore": "chat.workflow.execute.{session_id}",
    "WorkflowCancel": "chat.workflow.cancel.{session_id}",
    "ChatPodResponse": "chat.pod.{pod_id}.response",
    "ChatBroadcast": "chat.session.{session_id}.broadcast",
    "ChatStored": "chat.stream.{session_id}.{message_id}",
    "PodHealth": "chat.pod.{pod_id}.health",
    "PodRollCall": "chat.pods.health",
    "PodHealthReply": None,
    "PodHeartbeat": "chat.pod.{pod_id}.heartbeat",
    "PriorityRequestById": "prioritization.request.{request_id}",
    "PriorityRequest": "prioritization.request",
    "PriorityCancel": "prioritization.cancel.{request_id}",
    "PriorityQuestion": "prioritization.sync",
    "PriorityReply": None,
    "StoredPriorityResult": "prioritization.result.{request_id}",
    "PriorityResult": "prioritization.result",
    "PrioritySuggestions": "prioritization.suggestions.{request_id}",
    "PriorityStatus": "prioritization.status.{request_id}",
    "PriorityOverride": "prioritization.override.{request_id}",
    "PriorityAudit": "audit.priority.{action}",
    "BattleCreate": "battle.command.{battle_id}.create",
    "BattleJoin": "battle.command.{battle_id}.join",
    "BattleEntry": "battle.command.{battle_id}.enter",
    "BattleQuestion": "battle.command.{battle_id}.next",
    "BattleVote": "battle.command.{battle_id}.vote",
    "BattleHost": "battle.command.{battle_id}.host",
    "BattleLook": "battle.state",
    "BattleReply": None,
    "BattleView": "battle.view.{battle_id}",
    "BattleStage": "battle.stage.{battle_id}",
    "BattleEvent": "battle.event.{battle_id}.{kind}.{key}",
    "MemeStats": "meme.stats",
    "WorkerHeartbeat": "worker.{worker_id}.heartbeat",
    "DeadLetter": "dlq.{stream}.{consumer}",
}


def test_the_subjects(document: dict[str, Any]) -> None:
    assert {name: each["address"] for name, each in document["channels"].items()} == ADDRESSES


def test_no_declared_subject_is_left_out(document: dict[str, Any]) -> None:
    assert MEANINGS.keys() == {each["address"] for each in document["channels"].values()} - {None}


def test_each_channel_names_its_parameters_and_its_guarantee(document: dict[str, Any]) -> None:
    for channel in document["channels"].values():
        assert set(channel.get("parameters", {})) == set(re.findall(r"{(\w+)}", channel["address"] or ""))
        assert set(channel["x-delivery"]) == {"guarantee", "because", "ordering"}
    assert document["channels"]["MemeCancel"]["parameters"]["request_id"]["x-pattern"] == (
        "^[A-Za-z0-9_-]{1,64}$"
    )
    assert document["channels"]["MemeAnswer"]["parameters"]["kind"]["enum"] == ["response", "response.error"]
    assert document["channels"]["DeadLetter"]["parameters"]["stream"]["enum"] == [
        "MEMES",
        "WORKFLOW_REQUESTS",
        "PRIORITY_REQUESTS",
    ]


def test_the_guarantees(document: dict[str, Any]) -> None:
    assert {name: each["x-delivery"]["guarantee"] for name, each in document["channels"].items()} == {
        "MemeRequestJetStream": "at-least-once",
        "MemeRequestCore": "at-most-once",
        "MemeCancel": "at-most-once",
        "MemeAnswer": "at-least-once",
        "MemeResponse": "exactly-once",
        "MemeError": "exactly-once",
        "MemeCreated": "at-most-once",
        "MemeStatus": "at-most-once",
        "WorkflowRequestJetStream": "at-least-once",
        "WorkflowRequestCore": "at-most-once",
        "WorkflowCancel": "at-most-once",
        "ChatPodResponse": "at-most-once",
        "ChatBroadcast": "at-most-once",
        "ChatStored": "at-least-once",
        "PodHealth": "at-most-once",
        "PodRollCall": "at-most-once",
        "PodHealthReply": "at-most-once",
        "PodHeartbeat": "at-most-once",
        "PriorityRequestById": "at-least-once",
        "PriorityRequest": "at-least-once",
        "PriorityCancel": "at-most-once",
        "PriorityQuestion": "at-most-once",
        "PriorityReply": "at-most-once",
        "StoredPriorityResult": "at-least-once",
        "PriorityResult": "exactly-once",
        "PrioritySuggestions": "at-least-once",
        "PriorityStatus": "at-most-once",
        "PriorityOverride": "at-least-once",
        "PriorityAudit": "at-most-once",
        "BattleCreate": "at-most-once",
        "BattleJoin": "at-most-once",
        "BattleEntry": "at-most-once",
        "BattleQuestion": "at-most-once",
        "BattleVote": "at-most-once",
        "BattleHost": "at-most-once",
        "BattleLook": "at-most-once",
        "BattleReply": "at-most-once",
        "BattleView": "at-most-once",
        "BattleStage": "at-most-once",
        "BattleEvent": "exactly-once",
        "MemeStats": "at-most-once",
        "WorkerHeartbeat": "at-most-once",
        "DeadLetter": "exactly-once",
    }


def test_each_operation_says_what_it_does(document: dict[str, Any]) -> None:
    """The handler's docstring for what we receive, the message's for what we send."""
    operations = document["operations"]

    assert {name for name, each in operations.items() if each["action"] == "receive"} == {
        "MemeRequestCore",
        "MemeRequestJetStream",
        "MemeCancel",
        "WorkflowRequestJetStream",
        "WorkflowRequestCore",
        "WorkflowCancel",
        "GatewayPodResponse",
        "GatewaySessionBroadcast",
        "PodHealth",
        "PodRollCall",
        "PriorityRequestById",
        "PriorityRequest",
        "PriorityCancel",
        "PriorityQuestion",
        "GatewayHearsPriorityResult",
        "GatewayHearsPrioritySuggestions",
        "GatewayHearsPriorityStatus",
        "GatewayHearsPriorityOverride",
        "BattleCreate",
        "BattleJoin",
        "BattleEntry",
        "BattleQuestion",
        "BattleVote",
        "BattleHost",
        "BattleLook",
        "BattlePicture",
        "BattleNoPicture",
        "GatewayWorkerHeartbeatHeard",
    }
    assert all(each["summary"] and each["description"] for each in operations.values())
    assert operations["MemeCancel"]["summary"].startswith("Stop one request;")
    assert operations["MemeRequestCore"]["bindings"] == {
        "nats": {"queue": "meme-generator-core", "bindingVersion": "0.1.0"}
    }
    assert operations["MemeRequestCore"]["reply"]["channel"] == {"$ref": "#/channels/MemeAnswer"}


def test_the_durable_path_tells_its_stream_and_consumer(document: dict[str, Any]) -> None:
    durable = document["channels"]["MemeRequestJetStream"]["x-nats-jetstream"]

    assert durable["stream"]["name"] == "MEMES"
    assert durable["stream"]["retention"] == "workqueue"
    assert durable["stream"]["limits"] == {
        "discard": "new",
        "max_age_seconds": 86400,
        "max_bytes": 1073741824,
        "max_msgs": 100000,
    }
    assert durable["consumer"] == {
        "durable": "meme-generator",
        "mode": "pull",
        "filter_subject": "meme.request",
        "ack_policy": "explicit",
        "ack_wait_seconds": 30,
        "max_deliver": -1,
        "max_ack_pending": 100,
        "max_attempts": 8,
    }


def test_only_the_answers_are_republished(document: dict[str, Any]) -> None:
    """The pattern `meme.>` covers more subjects than its stream is fed with."""
    channels = document["channels"]

    assert {
        name: each["x-nats-republish"]["source"]
        for name, each in channels.items()
        if "x-nats-republish" in each
    } == {
        "MemeResponse": "answers.meme.{request_id}.response",
        "MemeError": "answers.meme.{request_id}.response.error",
        "PriorityResult": "prioritization.result.{request_id}",
    }
    assert channels["MemeStatus"]["x-nats-core"] == {"fan_out": True}
    assert channels["MemeRequestCore"]["x-nats-core"] == {"queue": "meme-generator-core"}


def test_browsers_are_promised_what_the_accounts_allow(document: dict[str, Any]) -> None:
    """The `websocket` server stands on exactly the channels of the account WEB."""
    accounts = resources.files("memebattle.bus").joinpath("accounts.conf").read_text()
    browser = accounts[accounts.index('user: "browser"') : accounts.index("imports:")]
    may_publish, may_subscribe = (
        re.findall(r'"([^"]+)"', block)
        for block in re.findall(r"(?:publish|subscribe): \[(.*?)\]", browser, re.DOTALL)
    )
    for name, channel in document["channels"].items():
        said = channel["x-audience"]["browsers"]
        inbox = "_INBOX.whoever.asks" if name == "BattleReply" else "_INBOX_whoever.asks"
        address = channel["address"] or inbox
        assert (said == "publishes") == any(covers(each, address) for each in may_publish), address
        assert (said == "subscribes") == any(covers(each, address) for each in may_subscribe), address
        assert (said == "neither") == ({"$ref": "#/servers/websocket"} not in channel["servers"]), address


# --------------------------------------------------------------------------------------------- messages


def messages(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for name, message in document["components"]["messages"].items():
        for example in message["examples"]:
            yield name, message, example


def test_every_message_has_an_example_that_fits_its_schema(document: dict[str, Any]) -> None:
    assert {name for name, _, _ in messages(document)} == set(document["components"]["messages"])
    for _, message, example in messages(document):
        check(document, message["payload"], example["payload"])
        if "headers" in message:
            check(document, message["headers"], example["headers"])


def test_examples_and_their_headers_tell_the_same_story(document: dict[str, Any]) -> None:
    for name, _, example in messages(document):
        headers = example.get("headers", {})
        if name == "MemeRequest":
            assert headers["Nats-Msg-Id"] == example["payload"]["id"]
        if name == "WorkflowRequest":
            assert headers["Nats-Msg-Id"] == example["payload"]["message_id"]
        if name == "PriorityRequest" and "id" in example["payload"]:
            revision = example["payload"].get("revision", 1)
            assert headers["Nats-Msg-Id"] == f"{example['payload']['id']}.{revision}"
        if name in {"PriorityResult", "PriorityError"}:
            assert headers["Nats-Subject"] == f"prioritization.result.{example['payload']['request_id']}"
            assert headers["Mb-Revision"] == str(example["payload"]["revision"])
        if name in {"MemeResponse", "MemeError"}:
            assert headers["Nats-Subject"].split(".")[2] == example["payload"]["request_id"]


def test_the_example_picture_is_the_one_it_says(document: dict[str, Any]) -> None:
    answer = document["components"]["messages"]["MemeResponse"]["examples"][0]["payload"]
    picture = base64.b64decode(answer["image_data"])

    assert hashlib.sha256(picture).hexdigest() == answer["sha256"]
    assert Image.open(io.BytesIO(picture)).size == (answer["width"], answer["height"])
    assert answer["image_url"] == f"/images/{answer['sha256']}.webp"


def test_a_request_is_described_whole(document: dict[str, Any]) -> None:
    """FastStream drops a property that shares its name with a handler's parameter."""
    described = document["components"]["schemas"]["MemeRequest"]

    assert set(described["properties"]) == set(MemeRequest.model_fields)
    assert described["required"] == ["prompt"]
    assert all(each.get("description") for each in described["properties"].values())


def test_what_we_send_is_absent_or_there_but_never_null(document: dict[str, Any]) -> None:
    status = document["components"]["schemas"]["MemeStatus"]

    assert status["properties"]["position"]["type"] == "integer"
    assert status["required"] == ["request_id", "state", "worker", "timestamp", "created_at"]
    assert document["components"]["schemas"]["MemeRequest"]["properties"]["seed"]["default"] is None


def test_every_field_a_client_reads_is_explained(document: dict[str, Any]) -> None:
    silent = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if not described.get("description")
    ]

    assert silent == []


async def test_answers_carry_the_headers_that_are_described(
    document: dict[str, Any], developer: Client, metrics: Metrics
) -> None:
    """Stored and republished by a real server."""
    await Topology.of(Settings()).apply(developer.jetstream())
    stored = await developer.subscribe("answers.meme.one.>")
    heard = await developer.subscribe("meme.response")
    publisher = DurablePublisher(lambda: developer, metrics)
    answers = JetStreamAnswers(publisher, developer.jetstream, "MEME_RESULTS")

    trace = {"correlation_id": "corr-1", "traceparent": "00-abc"}
    await answers.publish(Answer("one", "response", b"{}", "digest", trace))

    for subscription, name in ((stored, "StoredAnswerHeaders"), (heard, "AnswerHeaders")):
        headers = dict((await subscription.next_msg(timeout=5)).headers or {})
        described = document["components"]["schemas"][name]
        check(document, described, headers)
        assert set(headers) == set(described["properties"])


# --------------------------------------------------------------------------------------------- settings


def test_names_come_from_the_settings() -> None:
    settings = Settings.from_env(
        {
            "NATS_URL": "nats://user:secret@one:4222, nats://two:4222",
            "NATS_REQUEST_SUBJECT": "eu.request",
            "NATS_RESPONSE_SUBJECT": "eu.response",
            "NATS_STREAM": "EU",
            "NATS_CONSUMER": "eu-generator",
            "NATS_RESULTS_STREAM": "EU_RESULTS",
            "CORE_NATS_QUEUE_GROUP": "eu-core",
            "NATS_WEBSOCKET_URL": "wss://nats.example.org",
        }
    )
    document = spec.build(settings)
    channels = document["channels"]

    assert channels["MemeRequestCore"]["address"] == "eu.request"
    assert channels["MemeRequestCore"]["x-nats-core"] == {"queue": "eu-core"}
    assert channels["MemeRequestJetStream"]["x-nats-jetstream"]["consumer"]["durable"] == "eu-generator"
    assert channels["MemeError"]["x-nats-republish"] == {
        "stream": "EU_RESULTS",
        "source": "answers.meme.{request_id}.response.error",
    }
    assert document["servers"]["nats"]["host"] == "one:4222"
    assert document["servers"]["nats"]["x-cluster"] == ["two:4222"]
    assert document["servers"]["websocket"]["host"] == "nats.example.org"
    assert document["servers"]["websocket"]["protocol"] == "wss"
    assert "secret" not in spec.render(document)
    assert '"eu.request", json.dumps(request)' in document["info"]["description"]


def test_the_fast_path_can_be_off() -> None:
    document = spec.build(Settings.from_env({"ENABLE_CORE_NATS": "false"}))

    assert "MemeRequestCore" not in document["channels"]
    jsonschema.Draft7Validator(json.loads(META_SCHEMA.read_text())).validate(document)


def test_a_channel_without_words_stops_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can add a subject and forget to say what one may rely on."""
    monkeypatch.delitem(words.CHANNELS, "MemeStatus")

    with pytest.raises(SpecError, match="MemeStatus"):
        spec.build()


@pytest.mark.parametrize(
    ("pattern", "address", "expected"),
    [
        ("meme.request", "meme.request", True),
        ("meme.request", "meme.response", False),
        ("meme.*", "meme.request", True),
        ("meme.*", "meme.response.error", False),
        ("meme.>", "meme.response.error", True),
        ("meme.>", "meme", False),
        ("answers.meme.*.>", "answers.meme.{request_id}.{kind}", True),
        ("answers.chat.>", "answers.meme.{request_id}.{kind}", False),
    ],
)
def test_which_filters_cover_which_subjects(pattern: str, address: str, expected: bool) -> None:
    assert covers(pattern, address) is expected


# -------------------------------------------------------------------------------------- types and page


def test_the_types_know_subjects_and_payloads(document: dict[str, Any]) -> None:
    types = typescript(document)

    assert '  "meme.request": MemeRequest;\n' in types
    assert "  [subject: `meme.status.${string}`]: MemeStatus;\n" in types
    assert "  [subject: `answers.meme.${string}.${string}`]: MemeResponse | MemeError;\n" in types
    assert "  prompt: string;\n" in types
    assert "  seed?: number | null;\n" in types
    assert "  position?: number;\n" in types
    assert '  state: "queued" | "running" | "done" | "failed" | "cancelled";\n' in types
    assert "any" not in re.findall(r": (\w+);", types)


def test_comments_in_the_types_end_where_they_should(document: dict[str, Any]) -> None:
    """The pattern of a model's name has `*/` in it."""
    for line in typescript(document).splitlines():
        assert line.count("*/") == line.count("/**")


def test_an_unknown_schema_is_refused_not_guessed(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    odd = {**schemas["MemeCreated"], "properties": {"x": {"type": "object", "minProperties": 2}}}
    changed = {
        **document,
        "components": {**document["components"], "schemas": {**schemas, "MemeCreated": odd}},
    }

    with pytest.raises(Untranslatable, match="minProperties"):
        typescript(changed)


class Tags(HTMLParser):
    """What a page loads, links to and defines; raises on a tag that is not closed in its place."""

    VOID = frozenset({"meta", "link", "br", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.seen: set[str] = set()
        self.inline_styles = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.seen.add(tag)
        self.ids += [known["id"] or ""] if "id" in known else []
        self.links += [known[key] or "" for key in ("href", "src") if key in known]
        self.inline_styles += "style" in known or any(name.startswith("on") for name in known)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def tags() -> Tags:
    tags = Tags()
    tags.feed((ROOT / spec.PAGE).read_text())
    tags.close()
    return tags


def test_the_page_needs_nobody_else(tags: Tags) -> None:
    """No script, no inline style, nothing loaded from elsewhere: good offline and under a strict policy."""
    assert tags.open == []
    assert tags.seen.isdisjoint({"script", "style", "iframe", "img", "object", "base"})
    assert tags.inline_styles == 0
    assert [each for each in tags.links if not each.startswith("#")] == [
        "style.css",
        "https://github.com/nats-io/nats.js",  # a link to follow, not a thing to load
        "asyncapi.json",
    ]
    style = (ROOT / spec.PAGE).with_name("style.css").read_text()
    assert "url(" not in style
    assert "@import" not in style


def test_every_link_on_the_page_has_its_place(tags: Tags) -> None:
    assert len(tags.ids) == len(set(tags.ids))
    assert {each[1:] for each in tags.links if each.startswith("#")} <= set(tags.ids)
    assert ADDRESSES.keys() <= set(tags.ids)


def test_the_page_escapes_what_it_shows(document: dict[str, Any]) -> None:
    """Prose, names and examples with HTML in them stay text."""
    evil = "<script>alert(1)</script>"
    changed = json.loads(json.dumps(document))
    changed["info"]["title"] = evil
    changed["channels"]["MemeStatus"] |= {"title": evil, "description": evil, "address": evil}
    changed["components"]["schemas"]["MemeStatus"]["description"] = evil
    changed["components"]["messages"]["MemeStatus"]["examples"][0]["payload"] = {"x": evil}

    shown = spec.page(changed, types=evil)

    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") >= 7


# ---------------------------------------------------------------------------------- it works as it says


async def test_the_connect_snippet_runs(
    document: dict[str, Any], nats_server: NatsServer, developer: Client, metrics: Metrics
) -> None:
    """The first thing a reader copies, run as it stands against a real server."""
    await Topology.of(Settings()).apply(developer.jetstream())
    publisher = DurablePublisher(lambda: developer, metrics)
    answers = JetStreamAnswers(publisher, developer.jetstream, "MEME_RESULTS")

    async def answer(message: Msg) -> None:
        request = MemeRequest.read(message.data)
        body = json.dumps({"image_url": f"/images/{request.prompt[:5]}.webp"}).encode()
        await answers.publish(Answer(str(request.id), "response", body, ""))

    await developer.subscribe("meme.request", cb=answer)
    await developer.flush()
    snippet = re.search(r"```python\n(.*?)```", document["info"]["description"], re.DOTALL)
    assert snippet is not None

    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        snippet[1],
        env={**os.environ, "NATS_URL": nats_server.url("developer")},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await asyncio.wait_for(child.communicate(), 30)

    assert (child.returncode, output) == (0, b"/images/A cat.webp\n")


async def test_a_browser_hears_that_its_request_is_stored(nats_server: NatsServer, developer: Client) -> None:
    """As the browser snippet has it: request-reply on the subject gives the stream's acknowledgement."""
    await Topology.of(Settings()).apply(developer.jetstream())
    said = b'CONNECT {"verbose": false}\r\nSUB _INBOX.me 1\r\nPUB meme.request _INBOX.me 2\r\n{}\r\n'
    heard = b""
    address = f"http://127.0.0.1:{nats_server.websocket_port}"
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as browser:
        await browser.send_bytes(said)
        while b'"seq"' not in heard:
            heard += await asyncio.wait_for(browser.receive_bytes(), 5)

    assert b'{"stream":"MEMES","seq":1}' in heard


def test_the_worker_has_no_route_that_publishes() -> None:
    """FastStream's "try it out" would let anyone publish anything, and a dry run stops consumption."""
    app = create_app(Settings())

    assert [path for path, _ in app.routes] == ["/metrics", "/livez", "/readyz", "/healthz"]


async def test_the_worker_refuses_to_be_posted_to() -> None:
    """Neither "try it out" nor the document itself is served by a worker."""
    app = create_app(Settings())
    statuses = {}
    for path in ("/asyncapi", "/asyncapi/try", "/docs/asyncapi", "/asyncapi.json"):
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"{}", "more_body": False}

        async def send(message: dict[str, Any], sent: list[dict[str, Any]] = sent) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
        await app(scope, receive, send)  # type: ignore[arg-type]
        statuses[path] = sent[0]["status"]

    assert set(statuses.values()) == {404}
