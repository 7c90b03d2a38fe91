"""Chat as services in other languages see it: raw messages on NATS, good ones and bad ones, and the pods."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.pods import Chat, chat_running, coach
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "a caption for my cat"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chat]:
    pod = {"CHAT_HEARTBEAT": "0.3"}
    async with chat_running(tmp_path_factory.mktemp("chat"), workers=1, pods=1, pod=pod) as chat:
        yield chat


@pytest_asyncio.fixture(loop_scope="module")
async def chat(running: Chat) -> AsyncIterator[Chat]:
    yield running
    await running.mend()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def monitor(running: Chat) -> AsyncIterator[Client]:
    """Somebody who may ask pods how they are, and nothing else of chat."""
    client = await nats.connect(running.nats.url("monitor"), inbox_prefix=b"_INBOX_monitor")
    yield client
    await client.close()


async def test_a_message_is_received_within_a_second(chat: Chat) -> None:
    """The integration test of the document, with its subject, its body and its patience."""
    done = asyncio.Event()

    async def received(_: Msg) -> None:
        done.set()

    subscription = await chat.developer.subscribe("chat.workflow.execute.test", cb=received)
    await chat.developer.publish("chat.workflow.execute.test", b"test")

    async with asyncio.timeout(1):
        await done.wait()
    await subscription.unsubscribe()


async def test_an_answer_begins_within_a_second(chat: Chat) -> None:
    """The same with a message that can be answered: from a bare publish to the client's first chunk."""
    session = chat.new_session()
    listener = await chat.listen(session)
    subject = f"chat.workflow.execute.{session}"

    await chat.developer.publish(subject, json.dumps(_request(session)).encode())

    await listener.heard(f"m-{session}", 1, timeout=1)
    await listener.complete(f"m-{session}")
    assert listener.faults() == []


async def test_a_message_without_an_id_is_given_one(chat: Chat) -> None:
    """The header's, or its place in the stream."""
    session = chat.new_session()
    listener = await chat.listen(session)
    request = {"session_id": session, "message": QUESTION}

    await chat.publish(session, request, headers={"Nats-Msg-Id": "by-header"})
    await listener.complete("by-header")
    sequence = await chat.publish(session, request)
    await listener.complete(f"js-WORKFLOW_REQUESTS-{sequence}")

    assert listener.faults() == []


async def test_a_traced_message_is_answered_within_its_trace(chat: Chat) -> None:
    """The wrapper of the document is taken off, and its trace goes on in the headers of every chunk."""
    session = chat.new_session()
    listener = await chat.listen(session)

    await chat.publish(session, {"trace_id": TRACE, "span_id": SPAN, "data": _request(session)})
    await listener.complete(f"m-{session}")

    assert listener.faults() == []
    assert listener.answer(f"m-{session}").text == await coach(QUESTION)
    stored = await chat.developer.jetstream().get_last_msg(
        "CHAT_CHUNKS", f"chat.stream.{session}.m-{session}"
    )
    _, trace, span, _ = (stored.headers or {})["traceparent"].split("-")
    assert trace == TRACE
    assert span != SPAN


async def test_an_id_that_is_used_for_something_else_is_put_aside(chat: Chat) -> None:
    """The first message keeps its answer, the other one becomes a dead letter."""
    session = chat.new_session()
    listener = await chat.listen(session)
    await chat.publish(session, _request(session))
    await listener.complete(f"m-{session}")

    sequence = await chat.publish(session, _request(session, message="something else"))
    letter = await chat.dead_letter(sequence)

    assert (letter.headers or {})["Mb-Reason"] == "id_conflict"
    assert listener.faults() == []
    assert listener.answer(f"m-{session}").text == await coach(QUESTION)


@dataclass(frozen=True, slots=True)
class Bad:
    """A body that is no message, with SESSION for the session; `told` is whether it says whose it is."""

    name: str
    body: dict[str, Any] | bytes
    reason: str = "invalid_request"
    told: bool = True


def _request(session: str, **fields: Any) -> dict[str, Any]:
    """The one message of a session, with other fields by name."""
    return {"message_id": f"m-{session}", "session_id": session, "message": QUESTION, **fields}


BAD = (
    Bad("not-json", b'{"message_id": "m-SESSION", "session_id": "SESSION", ', "invalid_json", told=False),
    Bad("empty", b"", "invalid_json", told=False),
    Bad("a-list", b"[]", "invalid_json", told=False),
    Bad("no-session", {"message_id": "m-SESSION", "message": QUESTION}, told=False),
    Bad("session-with-a-dot", _request("SESSION.x"), told=False),
    Bad("no-message", {"message_id": "m-SESSION", "session_id": "SESSION"}),
    Bad("blank-message", _request("SESSION", message=" \t ")),
    Bad("oversize", _request("SESSION", message="x" * 100_001)),
    Bad("too-hot", _request("SESSION", context={"temperature": 3})),
    Bad("traced", {"trace_id": TRACE, "span_id": SPAN, "data": _request("SESSION", message=5)}),
    Bad("traced-nothing", {"trace_id": TRACE, "span_id": SPAN, "data": None}, told=False),
)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
async def test_a_bad_message_is_put_aside(chat: Chat, bad: Bad) -> None:
    """With its reason and its bytes; its client is told, if it says whose it is. The session goes on."""
    session = chat.new_session()
    body = bad.body if isinstance(bad.body, bytes) else json.dumps(bad.body).encode()
    body = body.replace(b"SESSION", session.encode())
    listener = await chat.listen(session)

    sequence = await chat.publish(session, body)
    letter = await chat.dead_letter(sequence)
    if bad.told:
        await listener.complete(f"m-{session}")
    after = await chat.say(session, QUESTION)
    await listener.complete(after)

    assert (letter.headers or {})["Mb-Reason"] == bad.reason
    assert (letter.data or b"") == body
    assert listener.faults() == []
    assert listener.answers.keys() == ({f"m-{session}", after} if bad.told else {after})
    if bad.told:
        assert listener.answer(f"m-{session}").end == ("error", "invalid_request")
    assert listener.answer(after).end == ("stop", None)


async def test_a_message_on_the_wrong_subject_is_put_aside(chat: Chat) -> None:
    """Who names another session than the subject gets no answer there, only the error."""
    named, subject = chat.new_session(), chat.new_session()
    listeners = [await chat.listen(session) for session in (named, subject)]

    letter = await chat.dead_letter(await chat.publish(subject, _request(named)))
    await listeners[0].complete(f"m-{named}")

    assert (letter.headers or {})["Mb-Reason"] == "invalid_request"
    assert listeners[0].answer(f"m-{named}").end == ("error", "invalid_request")
    assert listeners[0].faults() == []
    assert listeners[1].answers == {}


async def test_a_pod_says_how_it_is(chat: Chat, monitor: Client) -> None:
    """Asked by its name or all at once, with the fields of the document, within its two seconds."""
    await chat.listen(chat.new_session())

    for subject in ("chat.pod.gateway-1.health", "chat.pods.health"):

        async def health(subject: str = subject) -> dict[str, Any] | None:
            said: dict[str, Any] = json.loads((await monitor.request(subject, b"", timeout=2)).data)
            return said if said["active_connections"] == 1 else None

        said = await wait_until(health, "those who left to be forgotten")
        assert said.keys() == {"pod_id", "status", "active_connections", "timestamp"}
        assert (said["pod_id"], said["status"]) == ("gateway-1", "healthy")


async def test_a_pod_has_a_heartbeat(chat: Chat, monitor: Client) -> None:
    """All five fields, again and again."""
    subscription = await monitor.subscribe("chat.pod.gateway-1.heartbeat")

    first, second = [json.loads((await subscription.next_msg(timeout=2)).data) for _ in range(2)]

    fields = {"pod_id", "timestamp", "active_connections", "memory_usage_mb", "cpu_usage_percent"}
    assert first.keys() == second.keys() == fields
    assert first["pod_id"] == "gateway-1"
    assert second["timestamp"] > first["timestamp"]
    assert second["memory_usage_mb"] > 10
    await subscription.unsubscribe()


async def test_a_process_has_one_connection(chat: Chat) -> None:
    """However many sessions it serves."""
    listeners = [await chat.listen(chat.new_session()) for _ in range(20)]
    messages = [await chat.say(listener.session_id, QUESTION) for listener in listeners]
    for listener, message in zip(listeners, messages, strict=True):
        await listener.complete(message)

    report = (await chat.http.get(f"{chat.nats.monitor_url}/connz")).json()

    names = Counter(connection.get("name", "") for connection in report["connections"])
    ours = {name: count for name, count in names.items() if name.startswith("memebattle-")}
    assert ours == {"memebattle-worker-worker-1": 1, "memebattle-gateway-gateway-1": 1}


async def test_nobody_was_harmed(chat: Chat) -> None:
    """After all that: the queue is empty, and neither process complains about itself."""
    await wait_until(chat.is_drained, "the queue to drain")

    for logs in (chat.workers.logs(), chat.pods.logs()):
        assert "Traceback" not in logs
        assert "NATS disconnected" not in logs
