"""TLS of our connections to NATS: trust one authority, show a certificate where the servers want one.

A NATS server says in plain text whether it speaks TLS, and nats-py believes it: whoever stands in between
could say no, and would hear the password. So `TlsClient` keeps silent towards a server without TLS when it
was told to use it, by a context or by the scheme `tls://`.

And where a certificate cannot be trusted, nats-py 2.16 waits for ever for the end of a connection that is
gone. The methods that this needs are pinned in `tests/unit/test_framework_pins.py`.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import nats.errors
from nats.aio.client import Client

from memebattle.settings import NatsSettings, SettingsError


class NoTls(nats.errors.Error):
    """TLS was asked for, and the server does not speak it."""

    def __str__(self) -> str:
        return "nats: TLS was asked for, and the server does not speak it"


class TlsClient(Client):
    """A client that says nothing in plain text where TLS was asked for."""

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:  # noqa: FBT001, FBT002 - nats-py's
        """Called with the server's first words, before we say who we are.

        Raises:
            NoTls: it wants to go on in plain text.
        """
        server = self._current_server
        wanted = "tls" in self.options or (server is not None and server.uri.scheme == "tls")
        if initial_connection and wanted and not info.get("tls_required"):
            raise NoTls
        await super()._process_info(info, initial_connection)

    async def _process_connect_init(self) -> None:
        try:
            await super()._process_connect_init()
        except (OSError, TimeoutError):
            if self._transport is not None:
                self._transport.close()  # type: ignore[no-untyped-call]
                self._transport = (
                    None  # else its end would be waited for, which a failed handshake never tells
                )
            raise


def tls_context(settings: NatsSettings) -> ssl.SSLContext | None:
    """What the settings say about TLS; None when they say nothing.

    Without NATS_TLS_CA_FILE the system's authorities are trusted, with it only those in the file.

    Raises:
        SettingsError: a file cannot be read, or is not what it should be; it names the variable.
    """
    if not settings.tls_ca_file and not settings.tls_cert_file:
        return None
    context = _trusting(settings.tls_ca_file) if settings.tls_ca_file else ssl.create_default_context()
    if settings.tls_cert_file:
        _show(context, settings.tls_cert_file, settings.tls_key_file)
    return context


def _trusting(authority: str) -> ssl.SSLContext:
    found = _text("NATS_TLS_CA_FILE", authority)
    try:
        context = ssl.create_default_context(cadata=found) if found.strip() else None
    except ssl.SSLError:
        context = None
    if context is None:  # an empty text would mean: whom the system trusts
        raise SettingsError(f"NATS_TLS_CA_FILE: {authority} is no certificate in PEM")
    return context


def _show(context: ssl.SSLContext, certificate: str, key: str) -> None:
    _text("NATS_TLS_CERT_FILE", certificate)
    _text("NATS_TLS_KEY_FILE", key)
    try:
        context.load_cert_chain(certificate, key, password="")  # a key with a password: refuse, do not ask
    except ssl.SSLError as error:
        raise SettingsError(
            f"NATS_TLS_CERT_FILE, NATS_TLS_KEY_FILE: {certificate} and {key} are no certificate in PEM with "
            f"its key without a password ({(error.reason or 'not readable').replace('_', ' ').lower()})"
        ) from None


def _text(variable: str, path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(f"{variable}: cannot read {path} ({reason})") from None
