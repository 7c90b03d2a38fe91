"""The engine room: the pulse of a worker, and the gateway that tells everybody how the platform is."""

from __future__ import annotations

from memebattle.bootstrap.wiring import Wiring
from memebattle.bus.backlogs import Backlogs
from memebattle.bus.events import CoreEvents
from memebattle.bus.slots import Slots
from memebattle.bus.subjects import as_token
from memebattle.memes.pulse import Pulse
from memebattle.memes.telling import Scaling, Teller


def pulse_of(wiring: Wiring) -> Pulse:
    """The heartbeats of this worker."""
    broker = wiring.broker
    return Pulse(
        as_token(wiring.settings.worker_id),
        wiring.contexts,
        _places(wiring),
        wiring.metrics.memes,
        CoreEvents(lambda: broker.client),
        lambda: wiring.health.stopping,
    )


def _places(wiring: Wiring) -> list[Slots]:
    """Those of memes, whose backlog and workers the engine room shows; of who draws none, all."""
    served = {name: each.slots for name, each in wiring.deliveries.items() if name in wiring.contexts}
    return [served["memes"]] if "memes" in served else list(served.values())


def teller_of(wiring: Wiring, backlogs: Backlogs) -> Teller:
    """What this gateway tells, when it is the one that does."""
    broker, names, delivery = wiring.broker, wiring.settings.nats, wiring.settings.delivery

    async def lag() -> int | None:
        return await backlogs.lag(names.stream, names.consumer)

    return Teller(
        as_token(wiring.settings.worker_id),
        Scaling(delivery.concurrency, delivery.max_replicas),
        CoreEvents(lambda: broker.client),
        lag,
        wiring.health.optional.get("redis", lambda: False),
    )
