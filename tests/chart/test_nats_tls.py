"""helm/infra/nats-tls.yaml as three real servers: who comes in, and which server the others believe."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from memebattle.bus.tls import TlsClient, tls_context
from memebattle.settings import Settings
from tests.certificates import Authority, Pair
from tests.chart.keda import Scaler, ScalerError, Trigger, fetching
from tests.chart.nats_cluster import HERE, Cluster, running
from tests.chart.nats_values import SERVERS
from tests.chart.test_keda import scaled_object
from tests.visitors import hello, visiting

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # nats-py says its WebSocket timeout in a form that aiohttp would rather not hear
    pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float':DeprecationWarning"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    async with running(tmp_path_factory.mktemp("tls"), "nats-tls.yaml") as found:
        yield found


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Somebody else's authority."""
    return Authority(tmp_path_factory.mktemp("stranger"))


def trusting(authority: Path) -> ssl.SSLContext:
    context = tls_context(Settings.from_env({"NATS_TLS_CA_FILE": str(authority)}).nats)
    assert context is not None
    return context


@pytest.mark.parametrize("number", range(3))
async def test_a_client_that_trusts_the_authority_comes_in_by_the_name_it_was_told(
    number: int, cluster: Cluster
) -> None:
    node, client = cluster.nodes[number], TlsClient()
    await client.connect(
        node.url("developer"),
        tls=trusting(_authority(cluster)),
        tls_hostname=node.host,
        allow_reconnect=False,
    )
    account = await client.jetstream().account_info()
    await client.close()

    assert account.limits is not None


async def test_a_client_of_another_authority_does_not_come_in(cluster: Cluster, stranger: Authority) -> None:
    client = TlsClient()
    with pytest.raises(ssl.SSLCertVerificationError):
        await client.connect(
            cluster.nodes[0].url("worker"),
            tls=trusting(stranger.certificate),
            allow_reconnect=False,
            error_cb=_ignore,
        )
    await client.close()


async def test_a_name_that_is_not_in_the_certificate_is_refused(cluster: Cluster) -> None:
    client = TlsClient()
    with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'nats\.example'"):
        await client.connect(
            cluster.nodes[0].url("worker"),
            tls=trusting(_authority(cluster)),
            tls_hostname="nats.example",
            allow_reconnect=False,
            error_cb=_ignore,
        )
    await client.close()


async def test_nobody_goes_on_in_plain_text(cluster: Cluster) -> None:
    """Even with the right password."""
    reader, writer = await asyncio.open_connection(HERE, cluster.nodes[0].port)
    told = json.loads((await reader.readline()).removeprefix(b"INFO "))
    writer.write(hello({"user": "worker", "pass": cluster.passwords["worker"]}))
    heard = await _rest(reader)
    writer.close()

    assert told["tls_required"] is True
    assert b"PONG" not in heard


async def test_servers_are_one_cluster_because_each_shows_a_certificate(cluster: Cluster) -> None:
    found = [(await node.asked("varz"))["cluster"] for node in cluster.nodes]

    assert [(each["tls_required"], each["tls_verify"]) for each in found] == [(True, True)] * 3


async def test_a_stranger_does_not_become_a_server(cluster: Cluster, stranger: Authority) -> None:
    """Whoever is one of the servers hears everything. Only the last one here has a certificate of them."""
    directory = cluster.directory / "nats-certs" / "cluster"
    of_the_cluster = Pair(directory / "tls.crt", directory / "tls.key")
    tries = [None, stranger.issue("server", HERE), of_the_cluster]

    heard = [await _as_a_server(cluster, pair) for pair in tries]

    assert [each.startswith(b"INFO ") for each in heard] == [False, False, True]


async def test_pages_come_through_the_ingress_which_has_certificates_of_its_own(cluster: Cluster) -> None:
    async with visiting(cluster.nodes[1].url("nobody")) as page:
        assert page.complaints == []


async def test_keda_still_asks_in_plain_text(cluster: Cluster) -> None:
    """It finds the servers and their JetStream; there is no consumer here to be found."""
    addresses = {**cluster.monitors, SERVERS: cluster.nodes[0].monitor}
    scaler = Scaler(Trigger.of(scaled_object()), fetching(addresses))

    with pytest.raises(ScalerError, match="leader node not found"):
        await scaler.lag()


def _authority(cluster: Cluster) -> Path:
    assert cluster.authority is not None
    return cluster.authority.certificate


async def _as_a_server(cluster: Cluster, pair: Pair | None) -> bytes:
    """The first words of a server to somebody who comes as one of them, with this certificate."""
    context = trusting(_authority(cluster))
    if pair is not None:
        context.load_cert_chain(pair.certificate, pair.key)
    port = cluster.nodes[0].route_port
    reader, writer = await asyncio.open_connection(HERE, port, ssl=context, server_hostname=HERE)
    try:
        return await asyncio.wait_for(reader.readline(), 5)
    except (ssl.SSLError, ConnectionError) as error:
        return str(error).encode()
    finally:
        writer.close()


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """Everything until it ends, or until there is an answer to our PING."""
    heard = b""
    while b"PONG" not in heard and (line := await asyncio.wait_for(reader.readline(), 5)):
        heard += line
    return heard


async def _ignore(_: Exception) -> None:
    """It is raised as well."""
