"""Least privilege, checked on a server with the accounts of production: who may say and hear what."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import nats
import pytest
from nats.aio.client import Client

from memebattle.bootstrap.wiring import Wiring, task_log_of, tasks_of, wire
from memebattle.bus.entries import Entry, TaskLog
from memebattle.bus.tasks import JetStreamTasks
from memebattle.cli.children import stopping
from memebattle.cli.client import MemeClient
from memebattle.cli.local import ROLES, NatsServer
from memebattle.settings import Settings
from tests.fleet import body, fleet, stored_answers
from tests.integration.permissions import ACK, RULES, Check, checks
from tests.pods import chat_running
from tests.visitors import hello, settled, visiting
from tests.waiting import wait_until

# nats-py says its WebSocket timeout in a form that aiohttp would rather not hear
pytestmark = pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float':DeprecationWarning")


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[Check, bool]:
    """Every check, tried on one server over one connection per role."""
    return asyncio.run(_try_everything(tmp_path_factory.mktemp("permissions")))


@pytest.mark.parametrize("check", checks(), ids=str)
def test_permission(check: Check, verdicts: dict[Check, bool]) -> None:
    assert verdicts[check] is check.allowed


def test_no_role_is_forgotten() -> None:
    """`sys` may do everything in an account of its own, and nothing of ours uses it."""
    assert set(ROLES) - {"sys"} == RULES.keys() - {"nobody"}


@pytest.mark.parametrize(
    ("who", "credentials"),
    [
        ("nobody", {}),
        ("a stranger", {"user": "stranger", "pass": "secret"}),
        ("a worker with a wrong password", {"user": "worker", "pass": "wrong"}),
        ("a developer without a password", {"user": "developer", "pass": ""}),
        ("a browser that does not come over WebSocket", {"user": "browser", "pass": "{browser}"}),
    ],
)
async def test_the_door_is_closed_to(who: str, credentials: dict[str, str], nats_server: NatsServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", nats_server.port)
    writer.write(hello({name: word.format(**nats_server.passwords) for name, word in credentials.items()}))
    heard = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert b"Authorization Violation" in heard
    assert b"PONG" not in heard


async def test_the_websocket_door_is_closed_to_a_wrong_password(nats_server: NatsServer) -> None:
    url = f"http://127.0.0.1:{nats_server.websocket_port}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_bytes(hello({"user": "browser", "pass": "wrong"}))
        heard = b"".join([message.data async for message in socket])

    assert b"Authorization Violation" in heard
    assert b"PONG" not in heard


async def test_a_browser_s_reply_subject_reaches_nothing_of_ours(
    worker_env: dict[str, str], tmp_path: Path, nats_server: NatsServer, developer: Client
) -> None:
    """The broker's PubAck goes to `reply`, unchecked. Across accounts it is rewritten, and lands nowhere."""
    replies = [
        "answers.meme.victim.response",
        "answers.meme.victim.response.error",
        "meme.response",
        "meme.cancel.victim",
        "dlq.MEMES.meme-generator",
        "$O.meme-images.M.victim",
        "$JS.API.STREAM.PURGE.MEME_RESULTS",
        "$JS.API.STREAM.DELETE.MEMES",
    ]
    echoes = await developer.subscribe("meme.cancel.*")
    async with (
        fleet(worker_env, tmp_path, 1),
        MemeClient(developer).listening() as client,
        _browser(nats_server) as browser,
    ):
        for number, reply in enumerate(replies):
            await browser.publish("meme.request", _asked(f"attack-{number}"), reply=reply)
        await browser.publish("meme.request", _asked("victim"))
        expected = ["victim", *(f"attack-{number}" for number in range(len(replies)))]

        assert await client.answered(expected, 15) == []
        await wait_until(lambda: _drained(developer), "the queue to drain")

        assert await stored_answers(developer) == dict.fromkeys(expected, 1)
        assert {name: [each.ok for each in heard] for name, heard in client.answers.items()} == {
            name: [True] for name in expected
        }
        assert echoes.pending_msgs == 0
        assert (await developer.jetstream().stream_info("DEAD_LETTERS")).state.messages == 0


@pytest.mark.parametrize("role", ["gateway", "developer"])
async def test_nobody_acknowledges_somebody_else_s_message(
    role: str, nats_server: NatsServer, developer: Client
) -> None:
    """A Core copy whose reply is an ack subject would be taken for a delivery of the consumer."""
    heard = await developer.subscribe("meme.request")
    await settled(developer)
    async with visiting(nats_server.url(role)) as visitor:
        await visitor.client.publish("meme.request", _asked("attack"), reply=f"$JS.ACK.{ACK}")
        await settled(visitor.client)
        complaints = list(visitor.complaints)
    await settled(developer)

    assert "permissions violation for publish with reply" in "".join(complaints)
    assert heard.pending_msgs == 0


async def test_a_hijacked_gateway_cannot_take_away_an_answer(
    worker_env: dict[str, str], tmp_path: Path, nats_server: NatsServer, developer: Client
) -> None:
    """Within the services' account the PubAck is stored as if it were an answer; the real one replaces it."""
    async with (
        fleet(worker_env, tmp_path, 1),
        MemeClient(developer).listening() as client,
        visiting(nats_server.url("gateway")) as gateway,
    ):
        await gateway.client.publish("meme.request", _asked("attack"), reply="answers.meme.victim.response")
        await wait_until(lambda: _is_stored(developer, "victim"), "the PubAck to be stored as an answer")
        await client.ask("A cat on Mars", request_id="victim", via="jetstream", small_image=True)

        assert await client.answered(["victim", "attack"], 15) == []

        subject = "answers.meme.victim.response"
        stored = await developer.jetstream().get_last_msg("MEME_RESULTS", subject)
        assert (stored.headers or {})["Mb-Kind"] == "response"
        assert [each.ok for each in client.answers["victim"]] == [True]


async def test_a_publisher_s_acknowledgement_is_the_broker_s(
    worker_env: dict[str, str], tmp_path: Path, developer: Client
) -> None:
    """Core handlers hear the same message with the same reply subject, and must keep quiet."""
    js = developer.jetstream()
    async with fleet(worker_env, tmp_path, 2), MemeClient(developer).listening() as client:
        acks = await asyncio.gather(
            *(js.publish("meme.request", _asked(f"r{number}", f"p{number % 4}")) for number in range(100))
        )

        assert {ack.stream for ack in acks} == {"MEMES"}
        assert sorted(ack.seq for ack in acks) == list(range(1, 101))
        assert await client.answered([f"r{number}" for number in range(100)], 20) == []


async def test_a_reply_subject_hears_the_broker_and_nobody_else(
    worker_env: dict[str, str], tmp_path: Path, developer: Client
) -> None:
    """Even where a worker could speak: one acknowledgement, no result of a handler."""
    replies = await developer.subscribe("meme.status.the-reply")
    async with fleet(worker_env, tmp_path, 1), MemeClient(developer).listening() as client:
        await developer.publish("meme.request", _asked("r1"), reply="meme.status.the-reply")
        assert await client.answered(["r1"], 10) == []
        await wait_until(lambda: _drained(developer), "the queue to drain")
    await settled(developer)

    assert replies.pending_msgs == 1
    assert json.loads((await replies.next_msg()).data) == {"stream": "MEMES", "seq": 1}


async def test_a_browser_hears_each_answer_once(
    worker_env: dict[str, str], tmp_path: Path, nats_server: NatsServer, developer: Client
) -> None:
    """With an id, with one in the header, and without: then the acknowledgement says which one it got."""
    async with (
        fleet(worker_env, tmp_path, 2),
        _browser(nats_server) as browser,
        MemeClient(browser).listening() as client,
    ):
        named = await client.ask("A cat on Mars", small_image=True)
        await browser.publish("meme.request", _asked(None), headers={"Nats-Msg-Id": "by-header"})
        ack = json.loads((await browser.request("meme.request", _asked(None), timeout=5)).data)
        expected = [named, "by-header", f"js-MEMES-{ack['seq']}"]

        assert await client.answered(expected, 15) == []
        await wait_until(lambda: _drained(developer), "the queue to drain")
        await settled(browser)

        assert {name: len(heard) for name, heard in client.answers.items()} == dict.fromkeys(expected, 1)


async def test_a_hijacked_gateway_cannot_acknowledge_in_the_broker_s_place(nats_server: NatsServer) -> None:
    """It hears a worker store an answer, reply subject and all: its word there would be a forged PubAck."""
    async with (
        visiting(nats_server.url("worker"), "_INBOX_worker") as worker,
        visiting(nats_server.url("gateway"), "_INBOX_gateway") as gateway,
    ):
        answers = await gateway.client.subscribe("answers.meme.>")
        await settled(gateway.client)
        asking = asyncio.create_task(
            worker.client.request("answers.meme.victim.response", b"{}", timeout=0.5)
        )
        heard = await answers.next_msg(timeout=5)
        assert heard.reply.startswith("_INBOX_worker.")
        await gateway.client.publish(heard.reply, b'{"stream": "MEME_RESULTS", "seq": 1}')
        await settled(gateway.client)

        assert "permissions violation for publish" in "".join(gateway.complaints)
        with pytest.raises(nats.errors.TimeoutError):
            await asking


async def test_the_roles_need_nothing_that_they_may_not(tmp_path: Path) -> None:
    """A worker and two gateways make their streams, chat in every way there is, draw, and hear no refusal."""
    # so that a heartbeat comes soon, and one session is told by broadcast
    pods = {"CHAT_HEARTBEAT": "0.2"}
    async with chat_running(tmp_path, workers=1, worker={"WORKER_CONTEXTS": "memes,chat"}, pod=pods) as chat:
        await chat.publish(
            "nobody", {"session_id": "nobody", "message_id": "m0", "message": "told to all pods"}
        )
        listener = await chat.listen("s", pod=1)
        told = await chat.say("s", "A caption for a deploy on Friday, please", pod=2)
        await listener.complete(told)
        again = await chat.listen("s", pod=2)  # reads from the stream what was said
        await again.complete(told)
        stopped = await chat.say("s", "!long a story", pod=1)
        await listener.heard(stopped, 1)
        assert (await chat.stop(stopped, pod=2)).status_code == 202
        await listener.complete(stopped)
        await chat.publish("s", b"no JSON", {"Nats-Msg-Id": "m1"})
        await wait_until(chat.dead_letters, "the dead letter")
        drawn = await chat.http.post(
            chat.url(1, "api/memes"), json={"prompt": "A cat on Mars"}, headers={"Prefer": "wait=20"}
        )
        image = await chat.http.get(chat.url(2, drawn.json()["image_url"].removeprefix("/")))
        assert await _replies(chat.nats, "chat.pods.health", 2) == {"gateway-1", "gateway-2"}
        assert await _replies(chat.nats, "chat.pod.gateway-2.health", 1) == {"gateway-2"}
        assert await _heartbeats(chat.nats, 2) == {"gateway-1", "gateway-2"}
        await wait_until(lambda: chat.is_final("nobody", "m0"), "the answer that nobody hears")

        assert (drawn.status_code, image.status_code) == (200, 200)
        assert listener.faults() == again.faults() == []
        assert listener.answer(stopped).end == ("cancelled", None)
        logs = chat.workers.logs() + chat.pods.logs()
    assert "Message published" in logs
    assert [line for line in logs.splitlines() if "violation" in line.lower()] == []


async def test_priority_needs_nothing_that_its_roles_may_not(
    worker_env: dict[str, str],
    tmp_path: Path,
    nats_server: NatsServer,
    developer: Client,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A worker takes, scores, suggests, replies and gives up; a gateway does all that its routes need."""
    task = body(title="VPN is down", category="INFRASTRUCTURE")
    async with (
        fleet(worker_env | {"WORKER_CONTEXTS": "priority", "PRIORITY_AI": "true"}, tmp_path, 1) as workers,
        _gateway(nats_server) as gateway,
    ):
        tasks, log = tasks_of(gateway), task_log_of(gateway)
        async with tasks.heard("scored") as hears:
            await tasks.submit("scored", 1, task)
            assert await hears(10)
        await wait_until(lambda: _kinds(log, "scored", {"response", "suggestions"}), "score and suggestions")
        reply = json.loads(await tasks.ask_now(body(id="now", title="x", category="SUPPORT"), 5))
        names = (f"stopped-{number}" for number in itertools.count())
        await wait_until(lambda: _stopped(tasks, log, next(names), task), "a task that was stopped")
        await tasks.submit("bad", 1, b"{}")
        await wait_until(lambda: _dead_letters(developer), "the dead letter")
        recorded = await log.add(Entry("cached", "response", b"{}", digest="d"))
        decided = await log.add(Entry("scored", "override", b"{}"))
        await gateway.publisher.publish("audit.priority.set", b"{}", {}, "SYSTEM_EVENTS")
        info = await gateway.broker.js().consumer_info("PRIORITY_REQUESTS", "priority-processor")
        everything = await log.after(0, 100)
        logs = workers.logs()

    assert reply["request_id"] == "now"
    assert recorded is decided is None
    assert info.name == "priority-processor"
    assert {"scored", "now", "bad", "cached"} <= {entry.request_id for entry in everything}
    complaints = [line for line in (logs + caplog.text).splitlines() if "violation" in line.lower()]
    assert complaints == []


@contextlib.asynccontextmanager
async def _gateway(server: NatsServer) -> AsyncIterator[Wiring]:
    """A gateway's connection, with the rights of a gateway."""
    env = {"NATS_URL": server.url("gateway"), "NATS_INBOX_PREFIX": "_INBOX_gateway", "PUBLISH_BUDGET": "3"}
    wiring = wire(Settings.from_env(env), "gateway")
    await wiring.broker.start()
    try:
        yield wiring
    finally:
        await wiring.broker.stop()


async def _kinds(log: TaskLog, request_id: str, wanted: set[str]) -> bool:
    return {entry.kind for entry in await log.of(request_id)} >= wanted


async def _stopped(tasks: JetStreamTasks, log: TaskLog, name: str, task: bytes) -> bool:
    """A cancellation is remembered, so a task sent after it ends at once, unless it overtakes it."""
    async with tasks.heard(name) as hears:
        await tasks.cancel(name, 1)
        await tasks.submit(name, 1, task)
        while not (entries := await log.of(name)):
            await hears(1)
    return entries[0].kind == "error"


async def _dead_letters(developer: Client) -> int:
    return (await developer.jetstream().stream_info("DEAD_LETTERS")).state.messages


async def _replies(server: NatsServer, subject: str, count: int) -> set[str]:
    """Who answers monitoring; its question has no body."""
    async with visiting(server.url("monitor"), "_INBOX_monitor") as monitor:
        inbox = monitor.client.new_inbox()
        heard = await monitor.client.subscribe(inbox)
        await monitor.client.publish(subject, reply=inbox)
        found = {json.loads((await heard.next_msg(timeout=2)).data)["pod_id"] for _ in range(count)}
        await settled(monitor.client)
        assert monitor.complaints == []
        return found


async def _heartbeats(server: NatsServer, pods: int) -> set[str]:
    """The first pods that monitoring hears of."""
    found: set[str] = set()
    async with visiting(server.url("monitor"), "_INBOX_monitor") as monitor:
        heard = await monitor.client.subscribe("chat.pod.*.heartbeat")
        while len(found) < pods:
            found.add(json.loads((await heard.next_msg(timeout=2)).data)["pod_id"])
    return found


async def _try_everything(directory: Path) -> dict[Check, bool]:
    server = NatsServer(directory)
    async with stopping(server.child):
        await server.start()
        found: dict[Check, bool] = {}
        for role in RULES:
            async with visiting(_address(server, role)) as visitor:
                for check in checks():
                    if check.role == role:
                        found[check] = await visitor.may(check)
        return found


def _address(server: NatsServer, role: str) -> str:
    match role:
        case "browser":
            return server.websocket_url
        case "nobody":
            return f"ws://127.0.0.1:{server.websocket_port}"
        case _:
            return server.url(role)


@contextlib.asynccontextmanager
async def _browser(server: NatsServer) -> AsyncIterator[Client]:
    """A page: over WebSocket, with no name."""
    async with visiting(_address(server, "nobody")) as visitor:
        yield visitor.client


def _asked(request_id: str | None, prompt: str = "A cat on Mars") -> bytes:
    return body(id=request_id, prompt=prompt, small_image=True)


async def _is_stored(client: Client, request_id: str) -> bool:
    return request_id in await stored_answers(client)


async def _drained(client: Client) -> bool:
    info = await client.jetstream().consumer_info("MEMES", "meme-generator")
    return info.num_pending == info.num_ack_pending == 0
