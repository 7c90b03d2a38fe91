"""helm/infra's values for NATS as three real servers: what a cluster would run, on this machine.

The matrix of permissions is proved on one server in tests/integration; here every user comes to another of
three. What the chart itself makes of these values was compared with `nats_values.py`, which says so.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from nats.aio.client import Client

from memebattle.bus.streams import Topology
from memebattle.cli.local import accounts
from memebattle.settings import Settings
from tests.chart.nats_cluster import Cluster, Node, running
from tests.chart.nats_values import SERVERS, values
from tests.integration.permissions import RULES, Check, checks
from tests.visitors import hello, settled, visiting
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # nats-py says its WebSocket timeout in a form that aiohttp would rather not hear
    pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float':DeprecationWarning"),
]

GIB = 1024**3
VARIANTS = [
    (),
    ("nats-small.yaml",),
    ("nats-single.yaml",),
    ("nats-tls.yaml",),
    ("nats-small.yaml", "nats-single.yaml", "nats-tls.yaml"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    async with running(tmp_path_factory.mktemp("nats")) as found:
        yield found


@pytest.mark.parametrize("overlays", VARIANTS, ids=lambda names: "+".join(names) or "nats.yaml")
async def test_a_server_finds_nothing_wrong(overlays: tuple[str, ...], tmp_path: Path) -> None:
    variant = Cluster(tmp_path, *overlays)
    variant.write()

    assert [await variant.accepts(node) for node in variant.nodes] == [True] * len(variant.nodes)


async def test_a_server_finds_a_wrong_user(tmp_path: Path) -> None:
    """Or else the test before this would show nothing."""
    variant = Cluster(tmp_path, "nats-single.yaml")
    variant.write()
    variant.allow("accounts { APP { users: [ { user: x, pasword: y } ] } }")

    assert not await variant.accepts(variant.nodes[0])


async def test_three_servers_are_one_cluster_with_jetstream(cluster: Cluster) -> None:
    found = [await node.asked("varz") for node in cluster.nodes]

    assert [each["server_name"] for each in found] == ["nats-0", "nats-1", "nats-2"]
    assert {each["routes"] > 0 for each in found} == {True}
    assert {each["max_payload"] for each in found} == {1024 * 1024}
    for each in found:
        limits = each["jetstream"]["config"]
        assert (limits["max_memory"], limits["max_storage"]) == (2 * GIB, 10 * GIB)
        assert limits["sync_always"] is True


async def test_servers_say_where_they_are_and_browsers_hear_of_the_ingress(cluster: Cluster) -> None:
    """Names that pods can resolve, and never the address of a pod for a browser."""
    async with (
        visiting(cluster.nodes[0].url("worker")) as worker,
        visiting(cluster.nodes[0].url("nobody")) as page,
    ):
        told = [visitor.client._server_info["connect_urls"] for visitor in (worker, page)]

    assert sorted(told[0]) == [f"nats-{number}.{SERVERS}:4222" for number in range(3)]
    assert set(told[1]) == {"nats.meme-generator.local:80"}


async def test_everybody_may_do_what_the_table_says_on_whichever_server(cluster: Cluster) -> None:
    async def verdicts(role: str, number: int) -> dict[Check, bool]:
        async with visiting(cluster.nodes[number % 3].url(role)) as visitor:
            return {check: await visitor.may(check) for check in checks() if check.role == role}

    found = await asyncio.gather(*(verdicts(role, number) for number, role in enumerate(RULES)))
    wrong = [check for each in found for check, may in each.items() if may is not check.allowed]

    assert wrong == []
    assert sum(map(len, found)) == len(checks())


@pytest.mark.parametrize(
    "credentials",
    [{}, {"user": "browser", "pass": "{browser}"}, {"user": "worker", "pass": "wrong"}],
    ids=["nobody", "browser", "worker with a wrong password"],
)
async def test_over_tcp_nobody_comes_in_without_a_name_of_its_own(
    credentials: dict[str, str], cluster: Cluster
) -> None:
    filled_in = {name: word.format(**cluster.passwords) for name, word in credentials.items()}

    assert not await _comes_in(cluster.nodes[1], filled_in)


@pytest_asyncio.fixture(loop_scope="module")
async def developer(cluster: Cluster) -> AsyncIterator[Client]:
    """With our streams, each on all three servers."""
    settings = Settings.from_env({"NATS_REPLICAS": "3"})
    async with visiting(cluster.nodes[1].url("provision"), "_INBOX_provision") as provision:
        await Topology.of(settings).apply(provision.client.jetstream(timeout=5))
        assert provision.complaints == []
    async with visiting(cluster.nodes[0].url("developer")) as visitor:
        yield visitor.client


async def test_a_page_on_one_server_does_nothing_on_another(cluster: Cluster, developer: Client) -> None:
    """Its `reply` is rewritten between the accounts. Within one account the PubAck is stored, as the last
    one here shows."""
    replies = [
        "answers.meme.victim.response",
        "answers.meme.victim.response.error",
        "dlq.MEMES.meme-generator",
        "$O.meme-images.M.victim",
        "$JS.API.STREAM.PURGE.MEME_RESULTS",
        "$JS.API.STREAM.DELETE.MEMES",
    ]
    async with (
        visiting(cluster.nodes[2].url("nobody")) as page,
        visiting(cluster.nodes[2].url("gateway"), "_INBOX_gateway") as gateway,
    ):
        for reply in replies:
            await page.client.publish("meme.request", b"{}", reply=reply)
        await settled(page.client)
        await gateway.client.publish("meme.request", b"{}", reply="answers.meme.control.response")
        await settled(gateway.client)
        await wait_until(lambda: _messages(developer, "MEME_RESULTS"), "the last PubAck to be stored")

    stored = await developer.jetstream().get_last_msg("MEME_RESULTS", "answers.>")
    counts = {name: await _messages(developer, name) for name in ("MEMES", "MEME_RESULTS", "DEAD_LETTERS")}
    assert stored.subject == "answers.meme.control.response"
    assert counts == {"MEMES": len(replies) + 1, "MEME_RESULTS": 1, "DEAD_LETTERS": 0}


@pytest.mark.parametrize(
    ("origin", "status"), [("http://meme-generator.local", 101), ("http://evil.example", 403)]
)
async def test_pages_of_others_do_not_connect(origin: str, status: int, cluster: Cluster) -> None:
    url = cluster.nodes[0].url("nobody").replace("ws:", "http:")
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(url, origin=origin):
                found = 101
        except aiohttp.WSServerHandshakeError as error:
            found = error.status

    assert found == status


async def test_our_streams_fit_into_every_variant(developer: Client) -> None:
    """A server sets aside what a stream may grow to, and refuses one that does not fit."""
    info = await developer.jetstream().account_info()
    sizes = {
        values("nats.yaml", *names)["config"]["jetstream"]["fileStore"]["pvc"]["size"] for names in VARIANTS
    }
    declared = sum(config.max_bytes or 0 for config in Topology.of(Settings()).streams)

    assert info.streams == len(Topology.of(Settings()).streams)
    assert sizes == {"10Gi"}
    assert declared == 8.25 * GIB < 10 * GIB


async def test_a_changed_secret_is_loaded_while_the_server_runs(tmp_path: Path) -> None:
    """SIGHUP is what the reloader beside it sends. What somebody may do changes, who is connected stays."""
    gained = Check("monitor", "subscribe", "meme.created", allowed=True)
    lost = Check("monitor", "subscribe", "$JS.EVENT.ADVISORY.>", allowed=False)
    async with running(tmp_path, "nats-single.yaml") as single:
        (node,) = single.nodes
        log = tmp_path / "nats-0.log"
        old = {"user": "worker", "pass": single.passwords["worker"]}
        async with visiting(node.url("developer")) as developer:
            before = [await _may(node, check) for check in (gained, lost)]
            single.passwords["worker"] = "new"
            hears = 'subscribe: ["_INBOX_monitor.>", "$JS.EVENT.ADVISORY.>"'
            now = accounts(single.passwords).replace(hears, 'subscribe: ["_INBOX_monitor.>", "meme.created"')
            single.allow(now)
            node.child.signal(signal.SIGHUP)
            await wait_until(lambda: "Reloaded server configuration" in log.read_text(), "the new accounts")
            after = [await _may(node, check) for check in (gained, lost)]
            await settled(developer.client)
            assert developer.complaints == []
        passwords = [await _comes_in(node, each) for each in (old, old | {"pass": "new"})]

    assert (before, after) == ([False, True], [True, False])
    assert passwords == [False, True]


async def _comes_in(node: Node, credentials: dict[str, str]) -> bool:
    """By hand: nats-py does not give its connection back after a refusal."""
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    writer.write(hello(credentials))
    heard = b""
    while b"PONG" not in heard and (line := await reader.readline()):
        heard += line
    writer.close()
    await writer.wait_closed()
    assert (b"PONG" in heard) is not (b"Authorization Violation" in heard)
    return b"PONG" in heard


async def _may(node: Node, check: Check) -> bool:
    async with visiting(node.url(check.role)) as visitor:
        return await visitor.may(check)


async def _messages(client: Client, stream: str) -> int:
    return (await client.jetstream().stream_info(stream)).state.messages
