"""The routes of chat over in-memory twins: what is taken, what is streamed, what is refused and how."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import pytest

from memebattle.bus.publishing import MessageTooLarge, PublishFailed
from memebattle.chat.messages import WorkflowCancel, WorkflowRequest
from memebattle.chat.workflows import MemoryWorkflows
from memebattle.gateway.app import create_app
from memebattle.store.history import MemoryHistory
from memebattle.store.sessions import MemorySessions
from tests.desk import Desk, Listening, open_desk
from tests.listening import Speaker
from tests.waiting import wait_until

PROBLEM = "application/problem+json"
HELLO = {"session_id": "sess_456", "message": "What is the weather today?"}
KIB = 1024


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with open_desk() as desk:
        yield desk


# ------------------------------------------------------------------------------------- saying something


async def test_a_message_is_accepted_and_stored(desk: Desk) -> None:
    """202 with all ids; what is stored is the message as it was said."""
    body = {
        **HELLO,
        "message_id": "msg_abc123",
        "user_id": "user_789",
        "context": {"ai_provider": "openai", "model": "gpt-4", "temperature": 0.7, "max_tokens": 2000},
        "timestamp": "2025-11-17T20:30:00Z",
        "correlation_id": "corr_xyz",
    }

    response = await desk.http.post("/api/chat", json=body)

    assert response.status_code == 202
    assert response.json() == {
        "message_id": "msg_abc123",
        "session_id": "sess_456",
        "status": "accepted",
        "timestamp": "2025-11-17T20:30:00.000Z",
        "correlation_id": "corr_xyz",
    }
    stored = WorkflowRequest.read(desk.workflows.submitted["msg_abc123"].body())
    assert stored == WorkflowRequest.model_validate(body)


async def test_ids_that_are_missing_are_made_up(desk: Desk) -> None:
    """Whoever knows a session may listen to it, so nobody must guess one."""
    first, second = [(await desk.http.post("/api/chat", json={"message": "hi"})).json() for _ in range(2)]

    assert re.fullmatch(r"msg_[A-Za-z0-9_-]{22}", first["message_id"])
    assert re.fullmatch(r"sess_[A-Za-z0-9_-]{22}", first["session_id"])
    assert datetime.fromisoformat(first["timestamp"]).tzinfo is not None
    assert not {first["message_id"], first["session_id"]} & {second["message_id"], second["session_id"]}
    assert desk.workflows.submitted[first["message_id"]].session_id == first["session_id"]


async def test_the_same_message_again_is_accepted_and_not_stored_again(desk: Desk) -> None:
    """A client that did not hear our answer asks once more."""
    body = {"message_id": "m1", "message": "hi"}
    first = await desk.http.post("/api/chat", json=body)
    desk.workflows.submitted.clear()

    again = await desk.http.post("/api/chat", json=body)

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["session_id"] == first.json()["session_id"]
    assert desk.workflows.submitted == {}


async def test_another_message_under_the_same_id_is_a_conflict(desk: Desk) -> None:
    await desk.http.post("/api/chat", json={**HELLO, "message_id": "m1"})

    response = await desk.http.post("/api/chat", json={**HELLO, "message_id": "m1", "message": "another"})

    assert response.status_code == 409
    assert response.json()["type"] == "urn:memebattle:problem:id-conflict"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b'{"message": "\xff"}', 400),
        (b'{"message": NaN}', 400),
        (b"[]", 422),
        (b'"hi"', 422),
        (b"{}", 422),
        (b'{"message": ""}', 422),
        (b'{"message": " \\u0000 "}', 422),
        (b'{"message": 7}', 422),
        (b'{"message": "hi", "session_id": "a.b"}', 422),
        (b'{"message": "hi", "session_id": "s1\\n"}', 422),
        (b'{"message": "hi", "session_id": ""}', 422),
        (b'{"message": "hi", "message_id": ">"}', 422),
        (b'{"message": "hi", "correlation_id": "a\\r\\nb: c"}', 422),
        (b'{"message": "hi", "context": {"temperature": 3}}', 422),
        (b'{"message": "hi", "context": {"ai_provider": "nobody"}}', 422),
        (b'{"message": "hi", "context": {"conversation_history": [{"role": "root", "content": ""}]}}', 422),
        (b'{"message": "hi", "timestamp": "2025-11-17T20:30:00"}', 422),
    ],
)
async def test_what_is_no_message_is_a_problem(desk: Desk, body: bytes, status: int) -> None:
    """400 when it is not JSON, 422 when it is no message; nothing is stored."""
    response = await desk.http.post("/api/chat", content=body)

    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM)
    assert desk.workflows.submitted == {}


async def test_a_message_has_a_longest_length() -> None:
    """The setting's; the problem names the field."""
    async with open_desk({"CHAT_MAX_MESSAGE": "10"}) as desk:
        fits = await desk.http.post("/api/chat", json={**HELLO, "message": "x" * 10})
        is_longer = await desk.http.post("/api/chat", json={**HELLO, "message": "x" * 11})

    assert (fits.status_code, is_longer.status_code) == (202, 422)
    assert is_longer.json()["errors"] == [{"pointer": "#/message", "detail": "has more than 10 characters"}]


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_message_may_bring_its_conversation(desk: Desk, is_chunked: bool) -> None:
    """256 KiB where a message is taken; 16 KiB stay the rule."""
    history = [{"role": "user", "content": "x" * 60 * KIB}] * 4
    body = json.dumps({**HELLO, "context": {"conversation_history": history}}).encode()
    assert 240 * KIB < len(body) < 256 * KIB

    async def post(path: str, body: bytes) -> int:
        async def parts() -> AsyncIterator[bytes]:
            for start in range(0, len(body), 10_000):
                yield body[start : start + 10_000]

        content: Any = parts() if is_chunked else body
        return (await desk.http.post(path, content=content)).status_code

    assert await post("/api/chat", body) == 202
    assert await post("/api/chat", body + b" " * 16 * KIB) == 413
    assert await post("/api/memes", body) == 413


@pytest.mark.parametrize(
    ("failure", "status", "problem"),
    [
        (PublishFailed("secret-host"), 503, "nats-unavailable"),
        (TimeoutError(), 503, "nats-unavailable"),
        (MessageTooLarge("secret-host"), 413, "content-too-large"),
    ],
)
async def test_a_message_that_cannot_be_stored(failure: Exception, status: int, problem: str) -> None:
    """The client reads a problem; the details are in the log."""

    class Failing(MemoryWorkflows):
        async def submit(self, request: WorkflowRequest, traceparent: str) -> None:
            raise failure

    async with open_desk(workflows=Failing()) as desk:
        response = await desk.http.post("/api/chat", json=HELLO)

    assert response.status_code == status
    assert response.json()["type"] == f"urn:memebattle:problem:{problem}"
    assert "secret-host" not in response.text


async def test_a_full_queue_says_when_to_come_back(desk: Desk) -> None:
    desk.workflows.limit = 0

    response = await desk.http.post("/api/chat", json=HELLO)

    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    assert response.json()["type"] == "urn:memebattle:problem:queue-full"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/chat"), ("DELETE", "/api/chat/m1"), ("DELETE", "/api/chat/m1?session_id=s1")],
)
async def test_without_nats_it_says_so_at_once(desk: Desk, method: str, path: str) -> None:
    desk.is_connected = False

    response = await desk.http.request(method, path, json=HELLO if method == "POST" else None)

    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    assert response.json()["type"] == "urn:memebattle:problem:nats-unavailable"


async def test_a_message_goes_on_with_the_trace_of_its_request() -> None:
    traces: list[str] = []

    class Traced(MemoryWorkflows):
        async def submit(self, request: WorkflowRequest, traceparent: str) -> None:
            traces.append(traceparent)

    async with open_desk(workflows=Traced()) as desk:
        trace = "0af7651916cd43dd8448eb211c80319c"
        headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        await desk.http.post("/api/chat", json=HELLO, headers=headers)

    [traceparent] = traces
    assert traceparent.split("-")[1] == trace


# ------------------------------------------------------------------------------------- listening


async def says(desk: Desk, speaker: Speaker, *texts: str, message: str = "m1", final: bool = False) -> None:
    """A worker stores a frame, and this pod is told."""
    desk.app.state.sessions.hear(await speaker.say(*texts, message=message, final=final))


async def test_a_client_hears_its_session(desk: Desk) -> None:
    """From `connected` to `message_complete`, on a connection that the registry knows."""
    speaker = Speaker(desk.chunks)
    async with desk.listens("s1") as client:
        assert await desk.registry.pods("s1") is not None
        await says(desk, speaker, "Hel")
        await says(desk, speaker, "lo")
        await says(desk, speaker, final=True)
        events = await client.hears(5)

    assert (client.status, client.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert [(event.name, event.id) for event in events] == [
        ("connected", None),
        ("chunk", "1-0"),
        ("chunk", "2-1"),
        ("chunk", "3-2"),
        ("message_complete", "3-end"),
    ]
    assert await desk.registry.pods("s1") == frozenset()


async def test_a_stream_is_not_cached_not_buffered_and_as_secure_as_the_rest(desk: Desk) -> None:
    async with desk.listens() as client:
        await client.hears(1)

    assert client.headers["cache-control"] == "no-store, no-transform"
    assert client.headers["x-accel-buffering"] == "no"
    assert client.headers["x-content-type-options"] == "nosniff"
    assert client.headers["x-frame-options"] == "DENY"
    assert "default-src 'self'" in client.headers["content-security-policy"]
    assert "content-encoding" not in client.headers


@pytest.mark.parametrize("where", ["header", "query"])
async def test_a_client_goes_on_where_it_was(desk: Desk, where: str) -> None:
    """An EventSource says so in a header; a page that starts anew can only put it into the address."""
    speaker = Speaker(desk.chunks)
    await speaker.say("a", "b", final=True)
    headers, query = ({"Last-Event-ID": "1-0"}, {}) if where == "header" else ({}, {"last_event_id": "1-0"})
    client = Listening(desk.app, headers, {"session_id": "s1", **query})

    events = await client.hears(4)
    await client.leave()

    assert events[0].data["resumed"] is True
    assert [event.id for event in events[1:]] == ["1-1", "1-2", "1-end"]


async def test_the_header_counts_before_the_address(desk: Desk) -> None:
    """The browser repeats the address for ever."""
    await Speaker(desk.chunks).say("a", "b", "c")
    client = Listening(desk.app, {"Last-Event-ID": "1-1"}, {"session_id": "s1", "last_event_id": "1-0"})

    events = await client.hears(2)
    await client.leave()

    assert events[1].id == "1-2"


@pytest.mark.parametrize("session_id", [None, "", "a.b", "a b", "*", ">", "s1\n", "x" * 65])
async def test_a_session_that_is_none_is_refused(desk: Desk, session_id: str | None) -> None:
    async with desk.listens(session_id) as client:
        await client.ends()

    assert client.status == 422
    assert client.problem["errors"][0]["pointer"] == "#/query/session_id"


@pytest.mark.parametrize("last_event_id", ["7", "x-1", "1-", "1-1-1", "NaN"])
async def test_an_event_id_that_is_none_is_refused(desk: Desk, last_event_id: str) -> None:
    async with desk.listens(last_event_id=last_event_id) as client:
        await client.ends()

    assert client.status == 400
    assert client.problem["detail"] == "Last-Event-ID: not an event id of ours"


async def test_what_cannot_be_resumed_is_gone(desk: Desk) -> None:
    """410: the client reads the conversation, and listens again without an id."""
    speaker = Speaker(desk.chunks)
    await speaker.say("a")
    await speaker.say("b")
    desk.chunks.forget(before_seq=2)

    async with desk.listens(last_event_id="1-0") as client:
        await client.ends()

    assert client.status == 410
    assert client.problem["type"] == "urn:memebattle:problem:not-resumable"
    assert desk.app.state.sessions.count == 0


async def test_a_pod_that_is_full_says_when_to_come_back() -> None:
    """Or rather elsewhere."""
    async with (
        open_desk({"CHAT_MAX_CONNECTIONS": "1"}) as desk,
        desk.listens("s1"),
        desk.listens("s2") as refused,
    ):
        await refused.ends()

    assert (refused.status, refused.headers["retry-after"]) == (503, "2")
    assert refused.problem["type"] == "urn:memebattle:problem:pod-full"


async def test_a_session_has_so_many_connections() -> None:
    async with open_desk({"CHAT_MAX_SESSION_CONNECTIONS": "1"}) as desk, desk.listens("s1"):
        async with desk.listens("s1") as refused:
            await refused.ends()
        async with desk.listens("s2") as another:
            await another.hears(1)

    assert (refused.status, refused.headers["retry-after"]) == (429, "2")
    assert refused.problem["type"] == "urn:memebattle:problem:session-full"


async def test_a_gateway_that_stops_ends_its_streams(desk: Desk) -> None:
    """In order, before the server waits for them."""
    async with desk.listens("s1") as client:
        await client.hears(1)
        desk.app.state.wiring.health.stop()
        await client.ends()

    assert [event.name for event in client.events] == ["connected"]
    assert client.body.endswith(b"\n\n")


async def test_a_client_that_hangs_up_is_noticed(desk: Desk) -> None:
    """Although nothing is sent; and nothing is stopped."""
    async with desk.listens("s1") as client:
        await client.hears(1)
        assert desk.app.state.sessions.count == 1

    assert desk.app.state.sessions.count == 0
    assert desk.workflows.cancelled == []


async def test_a_client_that_does_not_read_is_let_go_and_counted() -> None:
    """It holds memory here; it may come back and go on where it was."""
    async with open_desk({"CHAT_SEND_TIMEOUT": "0.02"}) as desk, desk.listens("s1") as client:
        await client.hears(1)
        client.may_read.clear()
        await says(desk, Speaker(desk.chunks), "a")
        await client.ends()

        assert desk.app.state.sessions.count == 0
        assert "\nchat_slow_readers_total 1.0\n" in (await desk.http.get("/metrics")).text


async def test_a_heartbeat_that_fails_is_not_the_last() -> None:
    """Without the next ones every registration would run out."""

    class Failing(MemorySessions):
        failures = 0

        async def register(self, pod_id: str, entries: Sequence[tuple[str, str]]) -> frozenset[str] | None:
            if not entries and not self.failures:
                self.failures += 1
                raise RuntimeError("a bug")
            return await super().register(pod_id, entries)

    registry = Failing(30)
    async with open_desk({"CHAT_HEARTBEAT": "0.01"}, registry=registry) as desk:
        await wait_until(lambda: registry.failures, "a heartbeat that fails")
        async with desk.listens("s1"):
            registry._expiries.clear()
            await wait_until(lambda: registry._expiries.get("s1"), "the next heartbeat")


async def test_a_connection_is_kept_registered() -> None:
    """By the heartbeat, which also pings its clients."""
    async with open_desk({"CHAT_HEARTBEAT": "0.02"}) as desk, desk.listens("s1") as client:
        desk.registry._expiries.clear()
        await wait_until(lambda: desk.registry._expiries.get("s1"), "the connection to be registered again")
        await wait_until(lambda: "ping" in [event.name for event in client.events], "a ping")


# ------------------------------------------------------------------------------------- stopping, looking back


async def test_a_message_can_be_stopped_by_its_id(desk: Desk) -> None:
    """By whoever has it; the workers hear whose it is."""
    await desk.http.post("/api/chat", json={**HELLO, "message_id": "m1"})

    response = await desk.http.delete("/api/chat/m1")

    assert response.status_code == 202
    body = response.json()
    assert datetime.fromisoformat(body.pop("timestamp")).tzinfo is not None
    assert body == {
        "message_id": "m1",
        "session_id": "sess_456",
        "status": "cancelling",
        "correlation_id": None,
    }
    assert desk.workflows.cancelled == [WorkflowCancel(session_id="sess_456", message_id="m1")]


async def test_a_message_of_others_can_be_stopped_with_its_session(desk: Desk) -> None:
    """It came over NATS, so no pod has seen it."""
    unknown = await desk.http.delete("/api/chat/m7")
    response = await desk.http.delete("/api/chat/m7?session_id=s7")

    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:memebattle:problem:unknown-message")
    assert (response.status_code, response.json()["session_id"]) == (202, "s7")
    assert desk.workflows.cancelled == [WorkflowCancel(session_id="s7", message_id="m7")]


@pytest.mark.parametrize("path", ["/api/chat/a.b", "/api/chat/m1?session_id=a.b", "/api/chat/m1?session_id="])
async def test_ids_that_are_none_are_refused(desk: Desk, path: str) -> None:
    """A dot would be a part of the subject."""
    response = await desk.http.delete(path)

    assert (response.status_code, response.headers["content-type"]) == (422, PROBLEM)
    assert desk.workflows.cancelled == []


async def test_a_conversation_is_remembered(desk: Desk) -> None:
    """For whoever could not resume; oldest first, in the form in which a message can bring it along."""
    await desk.memory.remember("s1", "m1", "hello", "hi")
    await desk.memory.remember("s1", "m2", "and?", "so")

    response = await desk.http.get("/api/chat/history?session_id=s1")

    assert response.status_code == 200
    assert response.json() == {
        "session_id": "s1",
        "messages": [
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "hi"},
            {"role": "user", "content": "and?"},
            {"role": "assistant", "content": "so"},
        ],
    }
    brought = {**HELLO, "context": {"conversation_history": response.json()["messages"]}}
    assert (await desk.http.post("/api/chat", json=brought)).status_code == 202


async def test_a_session_nobody_knows_has_no_conversation(desk: Desk) -> None:
    response = await desk.http.get("/api/chat/history?session_id=s9")

    assert response.json() == {"session_id": "s9", "messages": []}


@pytest.mark.parametrize("query", ["", "?session_id=", "?session_id=a.b"])
async def test_a_conversation_needs_its_session(desk: Desk, query: str) -> None:
    assert (await desk.http.get(f"/api/chat/history{query}")).status_code == 422


async def test_a_memory_that_is_away_says_so() -> None:
    """It is not NATS that is away."""

    class Away(MemoryHistory):
        async def recall(self, session_id: str) -> list[tuple[str, str]] | None:
            return None

    async with open_desk(memory=Away(10, 3600)) as desk:
        response = await desk.http.get("/api/chat/history?session_id=s1")

    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    assert response.json()["type"] == "urn:memebattle:problem:memory-unavailable"


# ------------------------------------------------------------------------------------- the documents


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return create_app().openapi()


@pytest.mark.parametrize(
    ("path", "method", "parameters"),
    [
        ("/api/chat", "post", {("header", "traceparent")}),
        (
            "/api/sse",
            "get",
            {("query", "session_id"), ("query", "last_event_id"), ("header", "Last-Event-ID")},
        ),
        ("/api/chat/{message_id}", "delete", {("path", "message_id"), ("query", "session_id")}),
        ("/api/chat/history", "get", {("query", "session_id")}),
    ],
)
def test_the_documents_name_every_parameter_once(
    spec: dict[str, Any], path: str, method: str, parameters: set[tuple[str, str]]
) -> None:
    found = spec["paths"][path][method].get("parameters", [])

    assert sorted((each["in"], each["name"]) for each in found) == sorted(parameters)
    assert all(each.get("description") for each in found)


def test_the_documents_have_examples(spec: dict[str, Any]) -> None:
    """A body that is accepted, an event as it comes, a value for each id."""
    say = spec["paths"]["/api/chat"]["post"]["requestBody"]
    body = say["content"]["application/json"]
    listen = spec["paths"]["/api/sse"]["get"]

    assert say["required"] is True
    assert WorkflowRequest.model_validate(body["example"]).session_id == "sess_456"
    assert listen["responses"]["200"]["content"]["text/event-stream"]["example"].startswith("id: 1047-12\n")
    for parameter in listen["parameters"]:
        assert parameter["schema"].get("examples") or parameter.get("examples"), parameter["name"]


def test_the_documents_describe_every_event(spec: dict[str, Any]) -> None:
    [content] = spec["paths"]["/api/sse"]["get"]["responses"]["200"]["content"].items()

    assert content[0] == "text/event-stream"
    assert {name: set(schema["properties"]) for name, schema in content[1]["x-events"].items()} == {
        "connected": {"session_id", "pod_id", "resumed", "timestamp"},
        "chunk": {
            "session_id",
            "message_id",
            "chunk_id",
            "chunk",
            "chunk_type",
            "is_final",
            "metadata",
            "error",
            "timestamp",
            "correlation_id",
        },
        "message_complete": {
            "session_id",
            "message_id",
            "chunks",
            "metadata",
            "error",
            "correlation_id",
            "timestamp",
        },
        "not_resumable": {"session_id", "reason"},
        "ping": {"timestamp"},
    }


def test_every_reference_in_the_documents_leads_somewhere(spec: dict[str, Any]) -> None:
    """A body that we read ourselves is unknown to the framework, and so would be its parts."""
    references = re.findall(r'"\$ref": "([^"]+)"', json.dumps(spec))

    assert references
    for reference in set(references):
        found: Any = spec
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_the_documents_say_what_may_go_wrong(spec: dict[str, Any]) -> None:
    for path, method in (("/api/chat", "post"), ("/api/sse", "get"), ("/api/chat/{message_id}", "delete")):
        responses = spec["paths"][path][method]["responses"]
        assert {"400", "404", "409", "410", "413", "422", "429", "503"} <= set(responses)
        assert list(responses["503"]["content"]) == [PROBLEM]
