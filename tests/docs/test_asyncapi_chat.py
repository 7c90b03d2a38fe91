"""The published contract of chat: what both roles say of it, in the words of the original document."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from nats.aio.client import Client

from memebattle.bus.chunklog import JetStreamChunkLog
from memebattle.bus.core_publishing import CorePublisher
from memebattle.bus.frames import Frame, copy_headers_of
from memebattle.bus.publishing import DurablePublisher
from memebattle.bus.streams import Topology
from memebattle.bus.subjects import CHAT_POD, fill
from memebattle.chat.messages import ResponseChunk, WorkflowCancel, WorkflowRequest
from memebattle.cli import spec
from memebattle.cli.local import NatsServer
from memebattle.cli.spec.schema import name_in
from memebattle.cli.spec.types import typescript
from memebattle.kit.metrics import Metrics
from memebattle.settings import Settings
from tests.fleet import fleet

# the two messages that the document of the original system shows, to the letter
REQUEST = """{
  "message_id": "msg_abc123",
  "session_id": "sess_456",
  "user_id": "user_789",
  "message": "What is the weather today?",
  "context": {
    "ai_provider": "openai",
    "model": "gpt-4",
    "temperature": 0.7,
    "max_tokens": 2000
  },
  "timestamp": "2025-11-17T20:30:00Z",
  "correlation_id": "corr_xyz"
}"""
CHUNK = """{
  "session_id": "sess_456",
  "message_id": "msg_abc123",
  "chunk_id": 42,
  "chunk": " weather",
  "chunk_type": "content",
  "is_final": false,
  "metadata": {
    "model": "gpt-4",
    "tokens_used": 15
  },
  "timestamp": "2025-11-17T20:30:05.123Z",
  "correlation_id": "corr_xyz"
}"""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return spec.build()


def check(document: dict[str, Any], name: str, value: Any) -> None:
    whole = {**document["components"]["schemas"][name], "components": document["components"]}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(value)


# ------------------------------------------------------------------------------------------ the two roles


def test_each_operation_says_whose_it_is(document: dict[str, Any]) -> None:
    roles = {name: each["tags"][0]["name"] for name, each in document["operations"].items()}

    assert {name for name, role in roles.items() if role == "gateway" and "Priority" not in name} == {
        "GatewayWorkflowRequest",
        "GatewayWorkflowCancel",
        "GatewayPodResponse",
        "GatewaySessionBroadcast",
        "PodHealth",
        "PodRollCall",
        "PodHeartbeat",
        "MemeStats",
        "GatewayWorkerHeartbeatHeard",
    }
    assert set(roles.values()) == {"worker", "gateway"}


def test_what_one_role_sends_the_other_receives(document: dict[str, Any]) -> None:
    """Two operations of one channel are its two ends."""
    ends: dict[str, set[tuple[str, str]]] = {}
    for operation in document["operations"].values():
        ends.setdefault(name_in(operation["channel"]), set()).add(
            (operation["tags"][0]["name"], operation["action"])
        )

    to_workers, to_pods = (
        {("gateway", "send"), ("worker", "receive")},
        {("worker", "send"), ("gateway", "receive")},
    )
    assert {name: each for name, each in ends.items() if len(each) > 1 and "Priority" not in name} == {
        "WorkflowRequestJetStream": to_workers,
        "WorkflowCancel": to_workers,
        "ChatPodResponse": to_pods,
        "ChatBroadcast": to_pods,
        "WorkerHeartbeat": to_pods,
        # workers of battles hear what workers of memes say
        "MemeCreated": {("worker", "send"), ("worker", "receive")},
        "MemeError": {("worker", "send"), ("worker", "receive")},
    }


def test_no_pod_s_name_is_in_the_document(document: dict[str, Any]) -> None:
    """A gateway subscribes subjects with its own name in them; the document has a parameter there."""
    for name in ("ChatPodResponse", "PodHealth", "PodHeartbeat"):
        parameter = document["channels"][name]["parameters"]["pod_id"]
        assert parameter["examples"] == ["pod-1"]
        assert parameter["x-pattern"] == "^[A-Za-z0-9_-]{1,64}$"


def test_a_worker_of_memes_alone_does_not_shorten_the_document() -> None:
    """It is the contract of the installation, not of this process."""
    assert spec.build(Settings.from_env({"WORKER_CONTEXTS": "memes"})) == spec.build()


def test_pods_are_asked_with_request_reply(document: dict[str, Any]) -> None:
    """The reply has no subject of its own, which AsyncAPI says with an address of null."""
    replies = {
        name: name_in(each["reply"]["channel"])
        for name, each in document["operations"].items()
        if "reply" in each and not name.startswith(("Priority", "Battle"))
    }
    assert replies == {
        "MemeRequestJetStream": "MemeAnswer",
        "MemeRequestCore": "MemeAnswer",
        "WorkflowRequestJetStream": "ChatStored",
        "WorkflowRequestCore": "ChatStored",
        "PodHealth": "PodHealthReply",
        "PodRollCall": "PodHealthReply",
    }
    assert document["channels"]["PodHealthReply"]["address"] is None
    assert set(document["channels"]["PodHealthReply"]["messages"]) == {"HealthResponse"}


# ---------------------------------------------------------------------------------------------- messages


@pytest.mark.parametrize(("name", "text"), [("WorkflowRequest", REQUEST), ("ResponseChunk", CHUNK)])
def test_the_messages_of_the_original_document_are_the_first_examples(
    name: str, text: str, document: dict[str, Any]
) -> None:
    check(document, name, json.loads(text))

    assert document["components"]["messages"][name]["examples"][0]["payload"] == json.loads(text)


@pytest.mark.parametrize("model", [WorkflowRequest, WorkflowCancel, ResponseChunk])
def test_every_field_is_described(model: Any, document: dict[str, Any]) -> None:
    """FastStream drops a property that shares its name with a handler's parameter: `session_id`."""
    described = document["components"]["schemas"][model.__name__]["properties"]

    assert described.keys() == model.model_fields.keys()


def test_the_field_names_are_those_of_the_original_document(document: dict[str, Any]) -> None:
    fields = {
        name: set(each.get("properties", {})) for name, each in document["components"]["schemas"].items()
    }

    assert fields["WorkflowRequest"] == {
        "message_id", "session_id", "user_id", "message", "context", "timestamp", "correlation_id",
    }  # fmt: skip
    assert fields["WorkflowContext"] == {
        "ai_provider", "model", "temperature", "max_tokens", "system_prompt", "conversation_history",
    }  # fmt: skip
    assert fields["ResponseChunk"] == {
        "session_id", "message_id", "chunk_id", "chunk", "chunk_type", "is_final", "metadata", "error",
        "timestamp", "correlation_id",
    }  # fmt: skip
    assert fields["ChunkMetadata"] >= {"model", "tokens_used", "finish_reason"}
    assert fields["ChunkError"] == {"code", "message"}
    assert fields["ChunkBatch"] == {"session_id", "chunks"}
    assert fields["HealthResponse"] == {"pod_id", "status", "active_connections", "timestamp"}
    assert fields["HeartbeatMessage"] == {
        "pod_id", "timestamp", "active_connections", "memory_usage_mb", "cpu_usage_percent",
    }  # fmt: skip


def test_what_is_in_a_chunk_is_absent_or_there_but_never_null(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert schemas["ResponseChunk"]["required"] == [
        "session_id", "message_id", "chunk_id", "chunk", "chunk_type", "is_final", "timestamp",
    ]  # fmt: skip
    assert schemas["ChunkMetadata"]["properties"]["tokens_used"]["type"] == "integer"
    assert schemas["ChunkMetadata"]["required"] == []
    assert schemas["WorkflowRequest"]["required"] == ["session_id", "message"]


def test_the_headers_of_an_example_chunk_fit_its_body(document: dict[str, Any]) -> None:
    messages = document["components"]["messages"]
    for name in ("ResponseChunk", "ChunkBatch", "StoredResponseChunk", "StoredChunkBatch"):
        for example in messages[name]["examples"]:
            last = example["payload"].get("chunks", [example["payload"]])[-1]
            assert example["headers"]["Mb-Next-Chunk"] == str(last["chunk_id"] + 1)
            assert example["headers"]["Mb-Final"] == ("1" if last["is_final"] else "0")


async def test_chunks_carry_the_headers_that_are_described(
    document: dict[str, Any], developer: Client, metrics: Metrics
) -> None:
    """Stored and copied over a real server."""
    await Topology.of(Settings()).apply(developer.jetstream())
    stored = await developer.subscribe("chat.stream.sess_456.*")
    heard = await developer.subscribe("chat.pod.pod-1.response")
    log = JetStreamChunkLog(
        DurablePublisher(lambda: developer, metrics), developer.jetstream, lambda: developer, "CHAT_CHUNKS"
    )
    trace = {"correlation_id": "corr_xyz", "traceparent": f"00-{'4b' * 16}-{'00f0' * 4}-01"}
    frame = Frame("sess_456", "msg_abc123", CHUNK.encode(), 43, False, "digest", "writer", trace=trace)

    seq = await log.append(frame)
    (kept,) = await log.after("sess_456", 0, 10)
    publisher = CorePublisher(lambda: developer, metrics.chat)
    await publisher.publish(fill(CHAT_POD, pod_id="pod-1"), kept.body, copy_headers_of(kept))

    assert seq == kept.seq == 1
    for subscription, name in ((stored, "StoredChunkHeaders"), (heard, "ChunkHeaders")):
        headers = dict((await subscription.next_msg(timeout=5)).headers or {})
        check(document, name, headers)
        assert set(headers) == set(document["components"]["schemas"][name]["properties"])


# ------------------------------------------------------------------------------------ streams and settings


def test_the_durable_path_tells_its_stream_and_consumer(document: dict[str, Any]) -> None:
    durable = document["channels"]["WorkflowRequestJetStream"]["x-nats-jetstream"]

    assert (durable["stream"]["name"], durable["stream"]["subjects"]) == (
        "WORKFLOW_REQUESTS",
        ["chat.workflow.execute.*"],
    )
    assert (durable["stream"]["retention"], durable["stream"]["storage"]) == ("workqueue", "file")
    assert durable["stream"]["limits"]["max_age_seconds"] == 86400
    assert durable["consumer"] == {
        "durable": "workflow-processor",
        "mode": "pull",
        "filter_subject": "chat.workflow.execute.*",
        "ack_policy": "explicit",
        "ack_wait_seconds": 30,
        "max_deliver": -1,
        "max_ack_pending": 640,
        "max_attempts": 4,
    }


def test_chunks_tell_how_long_they_are_kept(document: dict[str, Any]) -> None:
    kept = document["channels"]["ChatStored"]["x-nats-jetstream"]

    assert kept["stream"]["name"] == "CHAT_CHUNKS"
    assert kept["stream"]["subjects"] == ["chat.stream.*.*"]
    assert kept["stream"]["limits"] == {"discard": "old", "max_age_seconds": 600, "max_bytes": 268435456}
    assert "consumer" not in kept
    assert document["channels"]["WorkflowRequestCore"]["x-nats-core"] == {"queue": "workflow-workers"}
    assert document["channels"]["ChatPodResponse"]["x-nats-core"] == {"fan_out": True}


def test_names_come_from_the_settings() -> None:
    settings = Settings.from_env(
        {
            "NATS_WORKFLOW_STREAM": "EU_WORKFLOWS",
            "NATS_WORKFLOW_CONSUMER": "eu-processor",
            "NATS_CHUNKS_STREAM": "EU_CHUNKS",
            "CHAT_QUEUE_GROUP": "eu-workers",
            "CHAT_MAX_ATTEMPTS": "2",
            "NATS_REPLICAS": "3",
            "WORKER_ID": "pod.in.europe",
        }
    )
    document = spec.build(settings)
    durable = document["channels"]["WorkflowRequestJetStream"]["x-nats-jetstream"]
    kept = document["channels"]["ChatStored"]["x-nats-jetstream"]["stream"]

    assert (durable["stream"]["name"], durable["stream"]["storage"]) == ("EU_WORKFLOWS", "file")
    assert (durable["consumer"]["durable"], durable["consumer"]["max_attempts"]) == ("eu-processor", 2)
    assert (kept["name"], kept["storage"], kept["replicas"]) == ("EU_CHUNKS", "memory", 3)
    assert document["channels"]["WorkflowRequestCore"]["x-nats-core"] == {"queue": "eu-workers"}
    assert document["channels"]["DeadLetter"]["parameters"]["consumer"]["enum"] == [
        "meme-generator",
        "eu-processor",
        "priority-processor",
    ]
    assert "pod-in-europe" not in spec.render(document)


# ---------------------------------------------------------------------------------------- types and page


def test_the_types_know_what_services_say_to_each_other(document: dict[str, Any]) -> None:
    types = typescript(document)

    assert "  [subject: `chat.workflow.execute.${string}`]: WorkflowRequest;\n" in types
    assert "  [subject: `chat.pod.${string}.response`]: ResponseChunk | ChunkBatch;\n" in types
    assert '  "chat.pods.health": HealthResponse;\n' in types
    assert "  conversation_history?: Array<HistoryEntry> | null;\n" in types
    assert '"content" | "metadata" | "error" | "system"' in types
    assert "  chunk: string;\n" in types
    assert "DeadLetter" not in types


def test_the_page_shows_what_is_inside_of_a_field() -> None:
    """`context.model` and the entries of `conversation_history`, indented; but no chunk twice."""
    page = (Path(__file__).parents[2] / spec.PAGE).read_text()

    assert '<span class="inner"><code>ai_provider</code></span>' in page
    assert '<span class="inner"><span class="inner"><code>role</code>' in page
    assert "list of <code>ResponseChunk</code>" in page
    assert "kept for 10 minutes" in page
    assert '<a href="#PodHealthReply">A pod replies</a>' in page


# ---------------------------------------------------------------------------------- it works as it says


async def test_the_chat_snippet_runs(
    document: dict[str, Any], worker_env: dict[str, str], tmp_path: Path, nats_server: NatsServer
) -> None:
    """Run as it stands against a real worker, with the offline provider."""
    snippet = re.findall(r"```python\n(.*?)```", document["info"]["description"], re.DOTALL)[1]

    async with fleet({**worker_env, "WORKER_CONTEXTS": "chat", "LOCAL_TOKEN_MS": "0"}, tmp_path, 1):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            snippet,
            env={**os.environ, "NATS_URL": nats_server.url("developer")},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await asyncio.wait_for(child.communicate(), 30)

    assert child.returncode == 0
    assert len(output.split()) > 5
