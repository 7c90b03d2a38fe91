"""KEDA's nats-jetstream scaler: what it asks of NATS, and what it takes the answer for.

After KEDA 2.20.2, `pkg/scalers/nats_jetstream_scaler.go`, with the one more try of
`pkg/scaling/cache/scalers_cache.go`. See `keda.py` for what is done with the number.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

type Fetch = Callable[[str], dict[str, Any]]

REQUEST_TIMEOUT = 3.0  # seconds; KEDA_HTTP_DEFAULT_TIMEOUT


class ScalerError(Exception):
    """KEDA cannot see the backlog; the message is KEDA's."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """The metadata of a nats-jetstream trigger, as KEDA reads it."""

    endpoint: str  # host:port of the monitoring
    account: str
    account_id: str
    stream: str
    consumer: str
    lag_threshold: int = 10
    activation_lag_threshold: int = 0
    use_https: bool = False

    @classmethod
    def of(cls, scaled_object: dict[str, Any]) -> Self:
        """The one trigger of a ScaledObject.

        Raises:
            ScalerError: KEDA would refuse it.
        """
        (trigger,) = scaled_object["spec"]["triggers"]
        if trigger["type"] != "nats-jetstream" or trigger.get("metricType", "AverageValue") != "AverageValue":
            raise ScalerError(f"no scaler here for {trigger['type']} with {trigger.get('metricType')}")
        metadata = trigger["metadata"]
        for name, value in metadata.items():
            if not isinstance(value, str):
                raise ScalerError(f"spec.triggers[0].metadata.{name}: expected string, got {value!r}")
        account, account_id = metadata.get("account", ""), metadata.get("accountID", "")
        if not account and not account_id:
            raise ScalerError("no account name or id given")
        return cls(
            endpoint=_needed(metadata, "natsServerMonitoringEndpoint"),
            account=account,
            account_id=account_id or account,
            stream=_needed(metadata, "stream"),
            consumer=_needed(metadata, "consumer"),
            lag_threshold=_number(metadata, "lagThreshold", 10),
            activation_lag_threshold=_number(metadata, "activationLagThreshold", 0),
            use_https=_flag(metadata, "useHttps"),
        )

    def url(self, host: str, path: str) -> str:
        """`host` takes the place of the endpoint's, which keeps its port."""
        endpoint = urlsplit(f"//{self.endpoint}")
        port = "" if endpoint.port is None else f":{endpoint.port}"
        scheme = "https" if self.use_https else "http"
        return f"{scheme}://{host or endpoint.hostname}{port}{path}"

    @property
    def jetstream_path(self) -> str:
        return "/jsz?" + urlencode({"acc": self.account_id, "config": "true", "consumers": "true"})


def _needed(metadata: Mapping[str, str], name: str) -> str:
    if not metadata.get(name):
        raise ScalerError(f'missing required parameter "{name}" in [triggerMetadata]')
    return metadata[name]


def _number(metadata: Mapping[str, str], name: str, usual: int) -> int:
    try:
        return int(metadata.get(name) or usual)
    except ValueError:
        raise ScalerError(f'unable to set param "{name}" value "{metadata[name]}"') from None


def _flag(metadata: Mapping[str, str], name: str) -> bool:
    value = metadata.get(name) or "false"
    if value.lower() not in {"true", "false", "1", "0", "t", "f"}:
        raise ScalerError(f'unable to set param "{name}" value "{value}"')
    return value.lower() in {"true", "1", "t"}


class Scaler:
    """Asks NATS how much waits or is in work.

    Only the consumer's leader knows; the others say 0. So the leader is looked for, and remembered.

    Args:
        trigger: what is asked for.
        fetch: the JSON object at an address; raises OSError or ValueError. It is called in a thread.
    """

    def __init__(self, trigger: Trigger, fetch: Fetch) -> None:
        self.trigger, self._fetch = trigger, fetch
        self._leader, self._leader_url = "", ""

    async def lag(self) -> int:
        """num_pending + num_ack_pending of the consumer.

        Raises:
            ScalerError: not to be seen, not even by a scaler that remembers nothing.
        """
        try:
            return await self._lag()
        except ScalerError:
            self._leader = self._leader_url = ""
            return await self._lag()

    async def _lag(self) -> int:
        remembered = self._leader
        answer = await self._get(self._leader_url or self.trigger.url("", self.trigger.jetstream_path))
        consumer = self._consumer(answer)
        self._leader = _leader(consumer)
        if remembered and consumer is None:
            self._leader_url = ""
        is_cluster = (answer.get("meta_cluster") or {}).get("cluster_size", 0) > 1
        if is_cluster and (not remembered or remembered != self._leader):
            consumer = await self._from_the_leader()
        if consumer is None:
            raise ScalerError(
                f'consumer "{self.trigger.consumer}" not found in stream "{self.trigger.stream}"'
            )
        return int(consumer.get("num_pending", 0)) + int(consumer.get("num_ack_pending", 0))

    async def _from_the_leader(self) -> dict[str, Any]:
        """Ask one server after the other whether it leads. One that is not there ends it."""
        server = await self._get(self.trigger.url("", "/varz"))
        advertised = server.get("connect_urls") or []
        for address in advertised or (server.get("cluster") or {}).get("urls") or []:
            name, url = await (self._advertised(address) if advertised else self._by_label(address))
            consumer = self._consumer(await self._get(url))
            if consumer is not None and _leader(consumer) == name:
                self._leader, self._leader_url = name, url
                return consumer
        raise ScalerError(f"leader node not found for consumer {self.trigger.consumer}")

    async def _advertised(self, address: str) -> tuple[str, str]:
        host = address.partition(":")[0]
        server = await self._get(self.trigger.url(host, "/varz"))
        return server.get("server_name", ""), self.trigger.url(host, self.trigger.jetstream_path)

    async def _by_label(self, address: str) -> tuple[str, str]:
        """With `no_advertise`: the first label of a route is taken for the server's name and host."""
        node, host = address.partition(".")[0], urlsplit(f"//{self.trigger.endpoint}").hostname
        return node, self.trigger.url(f"{node}.{host}", self.trigger.jetstream_path)

    def _consumer(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        for account in answer.get("account_details") or ():
            if account.get("id") == self.trigger.account_id or account.get("name") == self.trigger.account:
                stream = _named(self.trigger.stream, account.get("stream_detail"))
                consumer = _named(self.trigger.consumer, (stream or {}).get("consumer_detail"))
                if consumer is not None:
                    return consumer
        return None

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            return await asyncio.to_thread(self._fetch, url)
        except (OSError, ValueError) as error:
            raise ScalerError(f"Get {url}: {error}") from None


def _named(name: str, among: list[dict[str, Any]] | None) -> dict[str, Any] | None:
    return next((each for each in among or () if each.get("name") == name), None)


def _leader(consumer: dict[str, Any] | None) -> str:
    return str(((consumer or {}).get("cluster") or {}).get("leader", ""))


def fetching(addresses: Mapping[str, str]) -> Fetch:
    """A fetch that knows these hosts and no others: host name (with or without port) -> host:port."""

    def fetch(url: str) -> dict[str, Any]:
        parts = urlsplit(url)
        address = addresses.get(parts.netloc) or addresses.get(parts.hostname or "")
        if address is None:
            raise OSError(f"lookup {parts.hostname}: no such host")
        target = parts._replace(netloc=address).geturl()
        with urllib.request.urlopen(target, timeout=REQUEST_TIMEOUT) as response:
            answer: dict[str, Any] = json.load(response)
        return answer

    return fetch
