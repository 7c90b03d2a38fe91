"""JETSTREAM_DOMAIN, JETSTREAM_MAX_MEMORY and JETSTREAM_MAX_STORAGE, which the original read and ignored."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import nats
import nats.errors
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError, ServiceUnavailableError
from typer.testing import CliRunner

from memebattle.bootstrap.wiring import task_log_of, wire
from memebattle.bus.streams import Topology
from memebattle.cli import develop
from memebattle.cli.children import stopping
from memebattle.cli.client import MemeClient
from memebattle.cli.connection import jetstream
from memebattle.cli.doctor import examine
from memebattle.cli.local import NatsServer, RedisServer
from memebattle.cli.ports import free_port
from memebattle.settings import Settings, SettingsError
from tests.fleet import body, fleet
from tests.waiting import wait_until

HUB = {"JETSTREAM_DOMAIN": "hub"}
MIB = 1024 * 1024


class Hub(NatsServer):
    """The server of the domain, which takes leaf nodes."""

    leaf_port = free_port()

    def configuration(self) -> str:
        return f"leafnodes {{ listen: 127.0.0.1:{self.leaf_port} }}\n{super().configuration()}"


class Leaf(NatsServer):
    """A server with a JetStream of its own, in another domain: what does not name the hub ends up here."""

    hub: Hub

    def configuration(self) -> str:
        word = self.hub.passwords["developer"]
        remote = f'{{ url: "nats-leaf://developer:{word}@127.0.0.1:{self.hub.leaf_port}", account: APP }}'
        own = super().configuration().replace('domain: "hub"', 'domain: "leaf"')
        return f"leafnodes {{ remotes: [{remote}] }}\n{own.replace('memebattle-local', 'memebattle-leaf')}"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    server = Hub(tmp_path / "hub", domain="hub")
    async with stopping(server.child):
        await server.start()
        yield server


@pytest.fixture
async def leaf(tmp_path: Path, hub: Hub) -> AsyncIterator[Leaf]:
    """Connected to the hub; its users may speak to the hub's JetStream by name."""
    server = Leaf(tmp_path / "leaf", domain="hub")
    server.hub = hub
    async with stopping(server.child):
        await server.start()
        yield server


@pytest.fixture
async def visitor(leaf: Leaf) -> AsyncIterator[Client]:
    client = await nats.connect(leaf.url("developer"))
    yield client
    await client.close()


def environment(server: NatsServer, role: str = "worker", **more: str) -> dict[str, str]:
    return {"NATS_URL": server.url(role), "NATS_INBOX_PREFIX": f"_INBOX_{role}", **more}


async def test_memes_and_priority_work_in_a_domain(
    leaf: Leaf, redis_server: RedisServer, tmp_path: Path, visitor: Client
) -> None:
    """Streams, pulls, the arbiters, direct gets, the object store: all in the hub, with a worker's rights."""
    env = environment(leaf, **HUB, REDIS_URL=redis_server.url, IMAGE_PROVIDER="artist")
    task = {"title": "VPN is down", "category": "INFRASTRUCTURE"}
    async with fleet(env | {"WORKER_CONTEXTS": "memes,priority"}, tmp_path, 1) as workers:
        js, own = jetstream(visitor, Settings.from_env(HUB)), visitor.jetstream()
        results = await visitor.subscribe("prioritization.result")
        async with MemeClient(visitor).listening() as client:
            await client.ask("A cat on Mars", request_id="cat", via="jetstream", small_image=True)
            await js.publish("prioritization.request.vpn", body(**task))
            reply = await visitor.request("prioritization.sync", body(id="now", **task), timeout=5)
            heard = {json.loads((await results.next_msg(timeout=10)).data)["request_id"] for _ in "ab"}
            assert await client.answered(["cat"], 15) == []

        assert json.loads(reply.data)["request_id"] == "now"
        assert heard == {"vpn", "now"}
        assert (await js.stream_info("MEME_RESULTS")).state.messages == 1
        await wait_until(lambda: images_in(js), "the picture to be kept")
        assert await known(leaf, "vpn") == ["response"]
        assert await own.streams_info() == []
        logs = workers.logs()
    assert [line for line in logs.splitlines() if "violation" in line.lower()] == []


async def images_in(js: JetStreamContext) -> int:
    return (await js.stream_info("OBJ_meme-images")).state.messages


async def known(server: NatsServer, request_id: str) -> list[str]:
    """What a gateway reads of a task, by direct get."""
    wiring = wire(Settings.from_env(environment(server, "gateway", **HUB)), "gateway")
    await wiring.broker.start()
    try:
        return [entry.kind for entry in await task_log_of(wiring).of(request_id)]
    finally:
        await wiring.broker.stop()


@pytest.mark.parametrize(
    ("role", "error"), [("developer", ServiceUnavailableError), ("worker", nats.errors.TimeoutError)]
)
async def test_a_worker_says_that_nobody_serves_its_domain(
    role: str,
    error: type[Exception],
    nats_server: NatsServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At once where the role may ask in any domain, after a timeout where it may not."""
    monkeypatch.setattr("memebattle.bus.broker.JETSTREAM_TIMEOUT", 0.3)
    exits: list[int] = []
    env = environment(nats_server, role, JETSTREAM_DOMAIN="elsewhere")
    wiring = wire(Settings.from_env(env), "worker", ["priority"])
    wiring.broker._exit_process = exits.append
    with pytest.raises(error):
        await wiring.broker.start()
    await wiring.broker.stop()

    assert exits == [1]
    assert "nobody answers for the JetStream domain 'elsewhere' (JETSTREAM_DOMAIN)" in caplog.text


async def test_the_doctor_asks_whether_the_domain_is_served(nats_server: NatsServer) -> None:
    settings = Settings.from_env({"JETSTREAM_DOMAIN": "elsewhere", "JETSTREAM_MAX_STORAGE": "1"})
    found = {each.name: each async for each in examine(settings, nats_server.url(), "redis://127.0.0.1:1/0")}

    assert found["JetStream"].verdict == "fail"
    assert found["JetStream"].fix.startswith("check that JETSTREAM_DOMAIN=elsewhere is served")
    assert found["room for streams"].finding.startswith("JETSTREAM_MAX_STORAGE: the streams reserve")


def test_a_configuration_for_containers_has_the_domain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its users may name it, and need not."""
    monkeypatch.setenv("JETSTREAM_DOMAIN", "hub")
    path = tmp_path / "nats.conf"
    made = CliRunner().invoke(develop.app, ["nats-config", "--output", str(path)])
    text = path.read_text()

    assert made.exit_code == 0
    assert 'domain: "hub" }' in text
    assert '"$JS.API.INFO", "$JS.hub.API.INFO"' in text


# ----------------------------------------------------------------------------------------------- limits


@pytest.fixture
def js(developer: Client) -> JetStreamContext:
    return developer.jetstream()


async def test_streams_that_are_too_large_are_not_made(js: JetStreamContext) -> None:
    """The sentence says how much it is, and what to do about it."""
    topology = Topology.of(Settings.from_env({"JETSTREAM_MAX_STORAGE": str(1024 * MIB)}), ["priority"])
    for made in (topology.apply(js), topology.ensure(js)):
        with pytest.raises(SettingsError) as refusal:
            await made

        assert str(refusal.value) == (
            "JETSTREAM_MAX_STORAGE: the streams reserve 1,879,048,192 bytes and may reserve 1,073,741,824;"
            " raise it to at least 1879048192, or to 0 for no bound, or make streams for fewer contexts"
            " (WORKER_CONTEXTS)"
        )
    with pytest.raises(NotFoundError):
        await js.stream_info("PRIORITY_REQUESTS")


async def test_streams_that_just_fit_are_made(js: JetStreamContext) -> None:
    topology = Topology.of(Settings.from_env({"JETSTREAM_MAX_STORAGE": "1879048192"}), ["priority"])

    assert {finding.action for finding in await topology.apply(js)} == {"created"}


def test_memory_is_bounded_by_itself() -> None:
    """Of a cluster, chunks are kept in memory; of a single server, nothing is."""
    bound = {"JETSTREAM_MAX_MEMORY": str(255 * MIB)}

    Topology.of(Settings.from_env(bound)).check_room()
    with pytest.raises(SettingsError, match=r"JETSTREAM_MAX_MEMORY: the streams reserve 268,435,456 bytes"):
        Topology.of(Settings.from_env({**bound, "NATS_REPLICAS": "3"})).check_room()


async def test_a_worker_whose_streams_are_too_large_leaves(
    nats_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    exits: list[int] = []
    env = environment(nats_server, JETSTREAM_MAX_STORAGE="1")
    wiring = wire(Settings.from_env(env), "worker", ["priority"])
    wiring.broker._exit_process = exits.append
    with pytest.raises(SettingsError):
        await wiring.broker.start()
    await wiring.broker.stop()

    assert exits == [1]
    assert "Cannot start on NATS: JETSTREAM_MAX_STORAGE: the streams reserve" in caplog.text


def test_the_command_line_names_what_is_too_large(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from memebattle.cli import app

    monkeypatch.setenv("JETSTREAM_MAX_STORAGE", "1")
    monkeypatch.setattr("sys.argv", ["memebattle", "streams", "apply", "--nats-url", nats_server.url()])
    with pytest.raises(SystemExit) as left:
        app.main()

    assert left.value.code == 2
    assert "JETSTREAM_MAX_STORAGE" in capsys.readouterr().err
