"""One broker, one connection, hardened.

What the plain client does not do: reconnect for ever with jitter and say so; exit when the connection is
closed for good (the orchestrator restarts us; a process that hears nothing is worse than none); put back a
stream or consumer that vanished; drain before it stops; tell readiness the truth.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import nats.errors
from faststream.nats import NatsBroker
from faststream.nats.security import NatsSecurity, NatsUserPassword
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import Error as JetStreamError
from nats.js.errors import ServiceUnavailableError

from memebattle.bus.framework import (
    Handling,
    close_unheard,
    guard_headers,
    keep_reconnecting,
)
from memebattle.bus.slots import Slots
from memebattle.bus.streams import Topology
from memebattle.bus.tls import NoTls, TlsClient, tls_context
from memebattle.kit.metrics import Metrics
from memebattle.settings import Settings, SettingsError

log = logging.getLogger(__name__)

JETSTREAM_TIMEOUT = 3.0  # seconds for one JetStream API call
LAST_WORDS = 3.0  # seconds for cancelled handlers to give back what they have
NOT_LET_IN = "authorization violation"
EXIT_CANNOT_START = 1
EXIT_CLOSED = 70  # EX_SOFTWARE


class HardenedBroker(NatsBroker):
    """A `NatsBroker` that survives what was found in testing; see `framework.py` for the details.

    `topology` is ensured at start and watched; without one (a gateway) nothing is. `slots` bound the pulls of
    each stream. `on_reconnect` is called after each reconnection: what Core said meanwhile was missed.
    `before_consuming` is awaited once, connected, before the first message is taken.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        *,
        name: str,
        topology: Topology | None = None,
        slots: Mapping[str, Slots] | None = None,
        middlewares: Sequence[Any] = (),
        exit_process: Callable[[int], object] = os._exit,
    ) -> None:
        nats_settings, self.settings = settings.nats, settings
        self.metrics, self._topology, self._slots = metrics, topology, slots or {}
        self._exit_process = exit_process
        self._stopping, self._handling = False, Handling()
        self._watching: asyncio.Task[None] | None = None
        self.consumers_present = topology is None
        self.lag: dict[str, int] = {}  # stream -> what waits or is in work, as last seen
        self.on_reconnect: list[Callable[[], object]] = []
        self.before_consuming: list[Callable[[], Awaitable[object]]] = []
        super().__init__(
            nats_settings.url.get_secret_value().split(","),
            name=name,
            security=_security(settings),
            max_reconnect_attempts=-1,
            reconnect_time_wait=2 * random.uniform(0.75, 1.25),  # type: ignore[arg-type]  # noqa: S311
            connect_timeout=2,
            ping_interval=10,
            max_outstanding_pings=2,
            inbox_prefix=nats_settings.inbox_prefix,
            js_options=_domain(settings),
            graceful_timeout=settings.delivery.shutdown_grace,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            closed_cb=self._on_closed,
            error_cb=self._on_error,
            decoder=_raw_body,
            middlewares=middlewares,
            logger=logging.getLogger("memebattle.broker"),
            log_level=logging.DEBUG,
        )

    @property
    def client(self) -> Client:
        """The connection.

        Raises:
            nats.errors.ConnectionClosedError: not connected yet, or not any more.
        """
        if self._connection is None:
            raise nats.errors.ConnectionClosedError
        return self._connection

    def js(self) -> JetStreamContext:
        """A JetStream context over the connection."""
        return self.client.jetstream(timeout=JETSTREAM_TIMEOUT, **_domain(self.settings))

    @property
    def is_connected(self) -> bool:
        return self._connection is not None and self._connection.is_connected

    @property
    def subscription_count(self) -> int:
        """Subscriptions that are active now."""
        return len(self.subscribers) if self.is_connected else 0

    async def start(self) -> None:
        """Connect, ensure the topology, subscribe, watch.

        Raises:
            nats.errors.Error: wrong credentials, or JetStream refuses what we need.
            SettingsError: the streams are larger than they may be.
        """
        try:
            await self.connect()  # waits for ever for a server; fails at once when that does not let us in
            guard_headers(self.client, self.metrics.bad_headers.inc)
            keep_reconnecting(self.client, self._on_error)
            self.metrics.nats_connected.set(1)
            await self._start_consuming()
        except (JetStreamError, nats.errors.Error, TimeoutError, SettingsError) as error:
            # under ASGI the failure would be swallowed and the process would live on, deaf
            log.critical(
                "Cannot start on NATS: %s; `memebattle doctor` says what is missing", self._reason(error)
            )
            self._exit_process(EXIT_CANNOT_START)
            raise

    def _reason(self, error: Exception) -> str:
        """Why it could not start; a domain that nobody serves looks like a server without JetStream."""
        domain, said = self.settings.nats.jetstream_domain, str(error) or repr(error)
        if domain and isinstance(error, ServiceUnavailableError | TimeoutError):
            return f"nobody answers for the JetStream domain {domain!r} (JETSTREAM_DOMAIN): {said}"
        return said

    async def _connect(self) -> Client:
        """FastStream's own, with a client that does not fall back to plain text."""
        connection = TlsClient()
        await connection.connect(**self._connection_kwargs)
        self.config.connect(connection)
        return connection

    async def _start_consuming(self) -> None:
        if self._topology is not None:
            await self._topology.ensure(self.js())
        for prepare in self.before_consuming:
            await prepare()
        if self._topology is not None:  # a pod hears chunks in order, one by one
            self._handling.take_over(self.subscribers)
        await super().start()
        self._handling.guard_pulls(self.subscribers, {name: each.free for name, each in self._slots.items()})
        if self._topology is not None:
            self.consumers_present = True
            self._watching = asyncio.create_task(self._watch(self._topology))

    async def stop(self, *args: Any) -> None:
        """Stop pulling, finish or give back what is in work, drain, close."""
        self._stopping = True
        if self._watching is not None:
            self._watching.cancel()
        heard = self.subscribers if self.is_connected else ()
        await self._handling.finish(heard, self.settings.delivery.shutdown_grace, LAST_WORDS)
        try:
            await super().stop(*args)
        except nats.errors.ConnectionReconnectingError:
            await close_unheard(self.client)  # there is nobody to drain to

    async def _watch(self, topology: Topology) -> None:
        """Every few seconds: is everything there, and how much waits?"""
        while True:
            with contextlib.suppress(nats.errors.Error, JetStreamError, TimeoutError, OSError):
                await self._look(topology)
            await asyncio.sleep(self.settings.delivery.watch_interval)

    async def _look(self, topology: Topology) -> None:
        missing = [finding for finding in await topology.diff(self.js()) if finding.action == "missing"]
        self.consumers_present = not missing
        self.metrics.chat.subscriptions.set(self.subscription_count)
        if missing:
            log.error("Lost, putting it back: %s", ", ".join(finding.name for finding in missing))
            await topology.ensure(self.js())
            self.metrics.consumer_restores.inc(len(missing))
            self.consumers_present = True
        for stream, consumer in topology.consumers:
            info = await self.js().consumer_info(stream, str(consumer.durable_name))
            self.lag[stream] = (info.num_pending or 0) + (info.num_ack_pending or 0)
            if stream in self._slots:
                self._slots[stream].metrics.lag.set(self.lag[stream])

    async def _on_disconnected(self) -> None:
        if not self._stopping:
            self.metrics.nats_connected.set(0)
            log.warning("NATS disconnected")

    async def _on_reconnected(self) -> None:
        self.metrics.nats_connected.set(1)
        self.metrics.nats_reconnects.inc()
        log.info("NATS reconnected")
        for called in self.on_reconnect:
            called()

    async def _on_closed(self) -> None:
        # it also closes at the end of a graceful drain; leaving then would cut off work in flight
        if not self._stopping:
            log.critical("NATS closed the connection for good, leaving")
            self._exit_process(EXIT_CLOSED)

    async def _on_error(self, error: Exception) -> None:
        log.warning("NATS: %r", error)
        self.metrics.chat.subscribe_errors.inc(isinstance(error, nats.errors.SlowConsumerError))
        if self._stopping:
            return
        if isinstance(error, ssl.SSLCertVerificationError | NoTls):
            log.critical("NATS cannot be trusted, leaving; see NATS_TLS_CA_FILE: %s", error)
            self._exit_process(EXIT_CANNOT_START if self._connection is None else EXIT_CLOSED)
        elif self._connection is not None and NOT_LET_IN in str(error).lower():
            log.critical("NATS does not let us in any more; a restart may find new credentials")
            self._exit_process(EXIT_CLOSED)


async def _raw_body(message: Any) -> bytes:
    """Leave the body to the model: see `bus/messages.py`."""
    body: bytes = message.body
    return body


def _domain(settings: Settings) -> dict[str, str]:
    """Options of a JetStream context; an empty domain would be one too."""
    domain = settings.nats.jetstream_domain
    return {"domain": domain} if domain else {}


def _security(settings: Settings) -> NatsSecurity | None:
    nats_settings, context = settings.nats, tls_context(settings.nats)
    if nats_settings.user:
        password = nats_settings.password.get_secret_value()
        return NatsUserPassword(nats_settings.user, password, ssl_context=context)
    return NatsSecurity(ssl_context=context) if context is not None else None
