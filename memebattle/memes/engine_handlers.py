"""The engine room on the wire: workers say how they are, gateways hear it and tell everybody."""

from __future__ import annotations

from typing import Annotated

from faststream.nats import NatsRouter

from memebattle.bus.framework import Local
from memebattle.bus.subjects import MEME_STATS, WORKER_HEARTBEAT
from memebattle.memes.messages import MemeStats, WorkerHeartbeat
from memebattle.memes.telling import Teller

TheTeller = Annotated[Teller, Local("teller")]


async def on_heartbeat(beat: WorkerHeartbeat, teller: TheTeller) -> None:
    """Note that a worker lives, and what it did."""
    teller.hear_worker(beat)


async def on_stats(stats: MemeStats, teller: TheTeller) -> None:
    """Note that another gateway tells how the platform is."""
    teller.hear_gateway(stats)


def worker_routes() -> NatsRouter:
    """What a worker publishes, whatever it serves."""
    router = NatsRouter()
    router.publisher(WORKER_HEARTBEAT, schema=WorkerHeartbeat, title="WorkerHeartbeat")
    return router


def gateway_routes() -> NatsRouter:
    """What a gateway hears and tells."""
    router = NatsRouter()
    router.subscriber(WORKER_HEARTBEAT, no_reply=True, title="WorkerHeartbeatHeard")(on_heartbeat)
    # how gateways agree on who tells is theirs alone
    router.subscriber(MEME_STATS, no_reply=True, title="MemeStatsHeard", include_in_schema=False)(on_stats)
    router.publisher(MEME_STATS, schema=MemeStats, title="MemeStats")
    return router
