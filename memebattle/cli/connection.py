"""Which NATS the command line talks to, and one way to connect to it."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memebattle.cli.output import Problem

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

    from memebattle.settings import Settings

FALLBACK = "nats://127.0.0.1:4222"


def nats_url(given: str | None = None) -> str:
    """The option, else NATS_URL, else the `memebattle up` that runs here, else localhost."""
    return given or _named("NATS_URL") or str(running_stack().get("nats_url") or FALLBACK)


def redis_url() -> str | None:
    """REDIS_URL, else that of the `memebattle up` that runs here."""
    found = _named("REDIS_URL") or running_stack().get("redis_url")
    return str(found) if found else None


def _named(variable: str) -> str | None:
    """What the environment says, under our name or in the names of the original systems."""
    from memebattle.settings.original import translated

    return translated(os.environ).get(variable)


def running_stack() -> dict[str, object]:
    """What a running `memebattle up` of this user said about itself; empty when there is none."""
    try:
        found: dict[str, object] = json.loads(state_file().read_text())
    except (OSError, ValueError):
        return {}
    return found


def state_file() -> Path:
    """Where a running `up` tells other commands of this user how to reach it."""
    runtime = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(runtime) / f"memebattle-{os.getuid()}.json"


@contextlib.asynccontextmanager
async def connected(
    url: str, *, inbox_prefix: str | None = None, ours: bool = False
) -> AsyncIterator[Client]:
    """A connection for the length of a command.

    As whom, with which inbox and which TLS, the environment says like it does for the roles; what the URL or
    `inbox_prefix` says comes first. `ours` is a server that we started: its URL says all there is to say.

    Raises:
        Problem: nobody there, or not let in; or this user may not do what was asked for.
        SettingsError: a variable of NATS is wrong.
    """
    from nats.errors import Error, NoServersError
    from nats.errors import TimeoutError as NoReply

    from memebattle.bus.tls import TlsClient

    errors: list[str] = []

    async def on_error(error: Exception) -> None:
        errors.append(str(error))

    options = _options({} if ours else os.environ, has_user="@" in url)
    if inbox_prefix is not None:
        options["inbox_prefix"] = inbox_prefix.encode()
    client = TlsClient()
    try:
        await client.connect(
            url.split(","),
            name="memebattle-cli",
            connect_timeout=2,
            allow_reconnect=True,
            max_reconnect_attempts=1,
            reconnect_time_wait=0.1,  # type: ignore[arg-type] # it sleeps that long
            error_cb=on_error,
            **options,
        )
    except (NoServersError, Error, OSError, TimeoutError) as error:
        raise Problem(
            f"cannot connect to {_shown(url)}",
            why="; ".join(dict.fromkeys(errors)) or str(error),
            do=_advice(errors),
        ) from None
    try:
        yield client
    except NoReply:
        # who may not ask is not answered: the reason comes beside it
        if forbidden := [error for error in errors if "permissions violation" in error.lower()]:
            raise _not_allowed(forbidden[0]) from None
        raise
    finally:
        if not client.is_closed:
            await client.close()


def _not_allowed(violation: str) -> Problem:
    if '"_inbox.' in violation.lower():
        do = "each user has an inbox of its own: NATS_INBOX_PREFIX, for `monitor` it is `_INBOX_monitor`"
    else:
        do = "name one that may, such as `developer`, in NATS_USER or in the URL"
    return Problem("this user of NATS may not do that", why=violation, do=do)


def _advice(errors: list[str]) -> str:
    if any("CERTIFICATE_VERIFY_FAILED" in error for error in errors):
        return "name the authority that signed its certificate in NATS_TLS_CA_FILE"
    return "start one with `memebattle up`, or name one with --nats-url or NATS_URL"


def _options(environ: Mapping[str, str], *, has_user: bool) -> dict[str, Any]:
    """What the variables of NATS mean for a connection; none of the others is looked at."""
    from memebattle.bus.tls import tls_context
    from memebattle.settings import Settings

    ours = {name: value for name, value in environ.items() if name.startswith("NATS_")}
    settings = Settings.from_env(ours).nats
    options: dict[str, Any] = {"inbox_prefix": settings.inbox_prefix.encode()}
    if settings.user and not has_user:
        options |= {"user": settings.user, "password": settings.password.get_secret_value()}
    if (context := tls_context(settings)) is not None:
        options["tls"] = context
    return options


def jetstream(client: Client, settings: Settings, timeout: float = 5.0) -> JetStreamContext:
    """JetStream over this connection, in the domain of JETSTREAM_DOMAIN; `timeout` seconds for one call."""
    domain = settings.nats.jetstream_domain
    return client.jetstream(timeout=timeout, **({"domain": domain} if domain else {}))


def _shown(url: str) -> str:
    from memebattle.kit.logs import redacted

    return redacted(url)
