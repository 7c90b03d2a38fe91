"""The checks behind `memebattle doctor`: each looks at one thing and says how to mend it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from memebattle.cli.connection import connected, jetstream
from memebattle.cli.output import Problem
from memebattle.settings import Settings, SettingsError

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

OLDEST_SERVER = (2, 12)
SMALLEST_PAYLOAD = 256 * 1024


@dataclass(frozen=True, slots=True)
class Check:
    """One finding."""

    name: str
    verdict: Literal["pass", "warn", "fail"]
    finding: str
    fix: str = ""


async def examine(settings: Settings, nats_url: str, redis_url: str) -> AsyncIterator[Check]:
    """Every check, in the order in which one depends on the other."""
    try:
        async with connected(nats_url) as client:
            async for check in _nats(client, settings):
                yield check
    except Problem as problem:
        yield Check("NATS", "fail", f"{problem.what} ({problem.why})", problem.do)
    yield await _redis(settings, redis_url)
    yield await _provider(settings)
    yield await _text_provider(settings)


async def _nats(client: Client, settings: Settings) -> AsyncIterator[Check]:
    started = time.perf_counter()
    await client.flush()
    trip = (time.perf_counter() - started) * 1000
    yield Check("NATS", "pass", f"connected, round trip {trip:.1f} ms")
    version = client.connected_server_version
    new_enough = (version.major, version.minor) >= OLDEST_SERVER
    yield Check(
        "nats-server",
        "pass" if new_enough else "fail",
        f"version {version.major}.{version.minor}.{version.patch}",
        "" if new_enough else "upgrade to 2.12 or newer: older ones race on expected sequences",
    )
    limit = client.max_payload
    yield Check(
        "max_payload",
        "pass" if limit >= SMALLEST_PAYLOAD else "warn",
        f"{limit // 1024} KiB",
        "" if limit >= SMALLEST_PAYLOAD else "images will be shrunk hard; 1 MiB is the usual limit",
    )
    async for check in _streams(client, settings):
        yield check


async def _streams(client: Client, settings: Settings) -> AsyncIterator[Check]:
    from nats.errors import Error
    from nats.js.errors import Error as JetStreamError

    from memebattle.bus.streams import Topology

    js, topology = jetstream(client, settings, timeout=3), Topology.of(settings)
    try:
        topology.check_room()
    except SettingsError as error:
        yield Check("room for streams", "fail", str(error), "`memebattle config` lists every variable")
    try:
        findings = await topology.diff(js)
    except (JetStreamError, Error, TimeoutError) as error:
        domain = settings.nats.jetstream_domain
        first = f"check that JETSTREAM_DOMAIN={domain} is served" if domain else "enable JetStream"
        yield Check("JetStream", "fail", str(error), f"{first}, then `memebattle streams apply`")
        return
    for finding in findings:
        fine = finding.action == "ok"
        missing = finding.action == "missing"
        yield Check(
            f"{finding.kind} {finding.name}",
            "pass" if fine else "fail" if missing else "warn",
            "as declared" if fine else str(finding).partition(": ")[2],
            "" if fine else "`memebattle streams apply`",
        )
    there = {finding.name for finding in findings if finding.action != "missing"}
    for stream, consumer in topology.consumers:
        if consumer.durable_name in there:
            yield await _backlog(js, stream, str(consumer.durable_name))


async def _backlog(js: JetStreamContext, stream: str, consumer: str) -> Check:
    info = await js.consumer_info(stream, consumer)
    lag = (info.num_pending or 0) + (info.num_ack_pending or 0)
    return Check(
        f"backlog {stream}",
        "pass",
        f"{lag} requests wait or are in work, {info.num_redelivered or 0} redelivered",
    )


async def _redis(settings: Settings, url: str) -> Check:
    from pydantic import SecretStr

    from memebattle.kit.metrics import Metrics
    from memebattle.store.redis import RedisStore

    store = RedisStore(settings.redis.model_copy(update={"url": SecretStr(url)}), Metrics())
    started = time.perf_counter()
    up = await store.ping()
    trip = (time.perf_counter() - started) * 1000
    await store.aclose()
    if up:
        return Check("Redis", "pass", f"answers in {trip:.1f} ms")
    return Check(
        "Redis", "warn", "does not answer", "answers stay exact without it, but cost more; set REDIS_URL"
    )


async def _provider(settings: Settings) -> Check:
    from memebattle.generation.registry import open_image_model

    try:
        model = open_image_model(settings)
    except SettingsError as error:
        return Check("provider", "fail", str(error), "set HF_API_TOKEN, or IMAGE_PROVIDER=artist")
    await model.aclose()
    return Check("provider", "pass", f"{model.name} with {model.model}")


async def _text_provider(settings: Settings) -> Check:
    from memebattle.generation.text_registry import open_text_models

    try:
        models = open_text_models(settings)
    except SettingsError as error:
        return Check("chat provider", "fail", str(error), "`memebattle config` lists every variable")
    await models.aclose()
    offers = "; ".join(f"{name} with {', '.join(each)}" for name, each in models.names.items())
    return Check("chat provider", "pass", f"{offers}; usually {models.default}")
