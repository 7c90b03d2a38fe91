"""TLS to NATS: what the variables mean, what a wrong file says, and whom a connection is made to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from memebattle.bus.broker import EXIT_CANNOT_START, HardenedBroker
from memebattle.bus.tls import NoTls, TlsClient, tls_context
from memebattle.cli.children import stopping
from memebattle.cli.connection import connected
from memebattle.cli.local import NatsServer
from memebattle.cli.output import Problem
from memebattle.cli.supervisor import Plan, Stack
from memebattle.kit.metrics import Metrics
from memebattle.settings import NatsSettings, Settings, SettingsError
from tests.certificates import Authority, Pair

CA, CERTIFICATE, KEY = "NATS_TLS_CA_FILE", "NATS_TLS_CERT_FILE", "NATS_TLS_KEY_FILE"


@dataclass(frozen=True, slots=True)
class Papers:
    """What everybody in these tests shows."""

    authority: Path
    server: Pair
    us: Pair
    stranger: Path  # another authority


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    directory = tmp_path_factory.mktemp("papers")
    ours, other = Authority(directory / "ours"), Authority(directory / "other")
    return Papers(ours.certificate, ours.issue("server", "127.0.0.1"), ours.issue("us"), other.certificate)


def context(**variables: object) -> ssl.SSLContext | None:
    return tls_context(Settings.from_env({name: str(value) for name, value in variables.items()}).nats)


def test_nothing_is_said_about_tls_by_default() -> None:
    assert tls_context(NatsSettings()) is None


def test_only_the_named_authority_is_trusted(papers: Papers) -> None:
    found = context(**{CA: papers.authority})

    assert found is not None
    trusted = [dict(part[0] for part in authority["subject"]) for authority in found.get_ca_certs()]
    assert [subject["organizationName"] for subject in trusted] == ["authority"]
    assert (found.verify_mode, found.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_without_an_authority_a_certificate_is_shown_to_servers_that_the_system_trusts(
    papers: Papers,
) -> None:
    found = context(**{CERTIFICATE: papers.us.certificate, KEY: papers.us.key})

    assert found is not None
    assert (found.verify_mode, found.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("given", [CERTIFICATE, KEY])
def test_a_certificate_and_its_key_need_each_other(given: str) -> None:
    with pytest.raises(SettingsError, match="NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE need each other"):
        Settings.from_env({given: "/tls/file.pem"})


@pytest.mark.parametrize("variable", [CA, CERTIFICATE, KEY])
def test_a_missing_file_is_named_with_its_variable(variable: str, papers: Papers, tmp_path: Path) -> None:
    there = {CA: papers.authority, CERTIFICATE: papers.us.certificate, KEY: papers.us.key}

    with pytest.raises(SettingsError, match=rf"^{variable}: cannot read {tmp_path}/gone \(No such file"):
        context(**there | {variable: tmp_path / "gone"})


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"hello", b"\xff\xfe"], ids=["empty", "blank", "text", "bytes"]
)
def test_a_file_that_is_no_authority_trusts_nobody_else_instead(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_bytes(content)

    with pytest.raises(SettingsError, match=r"^NATS_TLS_CA_FILE: "):
        context(**{CA: file})


def test_a_key_of_another_certificate_is_refused(papers: Papers) -> None:
    with pytest.raises(SettingsError, match="key values mismatch"):
        context(**{CERTIFICATE: papers.us.certificate, KEY: papers.server.key})


class SecureServer(NatsServer):
    """With TLS for clients, who have to show a certificate."""

    papers: Papers

    def configuration(self) -> str:
        server = self.papers.server
        files = (
            f'cert_file: "{server.certificate}", key_file: "{server.key}", ca_file: "{self.papers.authority}"'
        )
        return f"tls {{ {files}, verify: true }}\n{super().configuration()}"


@pytest.fixture
async def secure(tmp_path: Path, papers: Papers) -> AsyncIterator[SecureServer]:
    server = SecureServer(tmp_path / "nats")
    server.papers = papers
    async with stopping(server.child):
        await server.start()
        yield server


def environment(server: NatsServer, papers: Papers, **more: object) -> dict[str, str]:
    return {
        "NATS_URL": f"nats://127.0.0.1:{server.port}",
        "NATS_USER": "monitor",
        "NATS_PASSWORD": server.passwords["monitor"],
        "NATS_INBOX_PREFIX": "_INBOX_monitor",
        CA: str(papers.authority),
        CERTIFICATE: str(papers.us.certificate),
        KEY: str(papers.us.key),
    } | {name: str(value) for name, value in more.items()}


async def test_a_broker_speaks_tls_and_shows_its_certificate(secure: SecureServer, papers: Papers) -> None:
    broker = HardenedBroker(Settings.from_env(environment(secure, papers)), Metrics(), name="test")
    await broker.start()
    connection: Any = broker.client._transport
    version = connection._io_writer.get_extra_info("ssl_object").version()
    account = await broker.js().account_info()
    await broker.stop()

    assert version == "TLSv1.3"
    assert account.limits is not None


async def test_the_command_line_speaks_tls_as_the_user_of_the_environment(
    secure: SecureServer, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(secure, papers).items():
        monkeypatch.setenv(name, value)

    async with connected(f"nats://127.0.0.1:{secure.port}") as client:
        # the monitor may hear nobody's inbox but its own
        assert (await client.jetstream().account_info()).limits is not None


async def faults(server: NatsServer, authority: Path) -> list[Exception]:
    """What a client with this authority hears of a server that it cannot trust."""
    heard: list[Exception] = []

    async def hear(error: Exception) -> None:
        heard.append(error)

    client, tls = TlsClient(), context(**{CA: authority})
    with pytest.raises((OSError, NoTls)):
        await client.connect(server.url("worker"), tls=tls, allow_reconnect=False, error_cb=hear)
    await client.close()
    return heard


async def test_a_broker_leaves_what_it_cannot_trust(
    secure: SecureServer, nats_server: NatsServer, papers: Papers, caplog: pytest.LogCaptureFixture
) -> None:
    """A server of another authority, and one without TLS: after a restart the file may be another one."""
    left: list[int] = []
    broker = HardenedBroker(Settings(), Metrics(), name="test", exit_process=left.append)
    errors = await faults(secure, papers.stranger) + await faults(nats_server, papers.authority)
    for error in errors:
        await broker._on_error(error)

    assert [type(error) for error in errors] == [ssl.SSLCertVerificationError, NoTls]
    assert left == [EXIT_CANNOT_START, EXIT_CANNOT_START]
    assert "see NATS_TLS_CA_FILE: [SSL: CERTIFICATE_VERIFY_FAILED]" in caplog.text
    assert "see NATS_TLS_CA_FILE: nats: TLS was asked for, and the server does not speak it" in caplog.text


@pytest.mark.parametrize("scheme", ["nats", "tls"])
async def test_no_password_reaches_a_server_that_denies_tls(scheme: str, papers: Papers) -> None:
    """Somebody in between, who says that there is no TLS."""
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def in_between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b'INFO {"server_id":"x","version":"2.15.0","auth_required":true,"max_payload":1048576}\r\n'
        )
        said = await reader.read()
        writer.close()
        await writer.wait_closed()
        heard.set_result(said)

    server = await asyncio.start_server(in_between, "127.0.0.1", 0)
    port, client = server.sockets[0].getsockname()[1], TlsClient()
    url = f"{scheme}://worker:secret@127.0.0.1:{port}"
    tls = context(**{CA: papers.authority}) if scheme == "nats" else None
    async with server:
        with pytest.raises(NoTls):
            await client.connect(url, tls=tls, allow_reconnect=False, error_cb=_ignore)
        await client.close()
        said = await asyncio.wait_for(heard, 5)

    assert said == b""


async def test_the_command_line_says_why_there_is_no_connection(
    nats_server: NatsServer, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CA, str(papers.authority))

    with pytest.raises(Problem) as problem:
        async with connected(nats_server.url()):
            pass

    assert "the server does not speak it" in problem.value.why


async def test_the_command_line_gives_up_on_a_certificate_that_nobody_vouches_for(
    secure: SecureServer,
) -> None:
    """nats-py by itself would wait for ever."""
    with pytest.raises(Problem) as problem:
        async with connected(secure.url()):
            pass

    assert "CERTIFICATE_VERIFY_FAILED" in problem.value.why
    assert problem.value.do == "name the authority that signed its certificate in NATS_TLS_CA_FILE"


async def test_what_the_environment_says_is_not_about_our_own_server(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (CA, "NATS_USER", "NATS_PASSWORD", "NATS_INBOX_PREFIX"):
        monkeypatch.setenv(name, "of-somebody-else")

    async with connected(nats_server.url(), ours=True) as client:
        assert (await client.jetstream().account_info()).limits is not None


def test_the_roles_that_we_start_hear_nothing_of_somebody_else_s_server(tmp_path: Path) -> None:
    stack = Stack(Plan(http_port=0, metrics_port=0), tmp_path, print)
    stack.nats = NatsServer(tmp_path)
    env = dict.fromkeys((CA, CERTIFICATE, KEY, "NATS_USER", "NATS_USERNAME"), "of-somebody-else")

    settings = Settings.from_env(env | stack._role_env("worker")).nats

    assert (settings.user, settings.tls_ca_file, settings.tls_cert_file) == ("", "", "")


async def _ignore(_: Exception) -> None:
    """It is raised as well."""
