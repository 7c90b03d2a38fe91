"""What exists before anything is connected: the broker, and what its deliveries need."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import memebattle
from memebattle.bus.answers import JetStreamAnswers
from memebattle.bus.battlelog import JetStreamBattleLog
from memebattle.bus.broker import HardenedBroker
from memebattle.bus.chunklog import JetStreamChunkLog
from memebattle.bus.delivery import Deliveries
from memebattle.bus.publishing import DurablePublisher
from memebattle.bus.requests import JetStreamRequests
from memebattle.bus.slots import Slots
from memebattle.bus.streams import Topology
from memebattle.bus.tasklog import JetStreamTaskLog
from memebattle.bus.tasks import JetStreamTasks
from memebattle.kit.health import Health
from memebattle.kit.metrics import Metrics
from memebattle.settings import Settings


@dataclass(frozen=True, slots=True)
class Wiring:
    """One process, not connected yet."""

    settings: Settings
    metrics: Metrics
    health: Health
    broker: HardenedBroker
    publisher: DurablePublisher
    contexts: tuple[str, ...]
    deliveries: dict[str, Deliveries]  # by context


def wire(settings: Settings, role: str, contexts: Collection[str] = ()) -> Wiring:
    """Make a broker that is not connected yet. Needs no environment, no secret, no network.

    `contexts` are those it takes work for; a gateway takes none.
    """
    metrics, health = Metrics(), Health()
    metrics.introduce(contexts or [role], memebattle.__version__)
    slots = _slots(settings, metrics)
    publisher = DurablePublisher(lambda: broker.client, metrics, settings.delivery.publish_budget)
    broker = HardenedBroker(
        settings,
        metrics,
        name=f"memebattle-{role}-{settings.worker_id}",
        topology=Topology.of(settings, contexts) if contexts else None,
        slots=dict(slots.values()),
    )
    deliveries = {
        name: Deliveries(each, publisher, each.metrics, settings.delivery.ack_wait)
        for name, (_, each) in slots.items()
    }
    health.required["nats"] = lambda: broker.is_connected and broker.consumers_present
    return Wiring(settings, metrics, health, broker, publisher, tuple(contexts), deliveries)


def answers_of(wiring: Wiring) -> JetStreamAnswers:
    """The arbiter of memes over this broker."""
    nats = wiring.settings.nats
    return JetStreamAnswers(wiring.publisher, wiring.broker.js, nats.results_stream, nats.response_subject)


def requests_of(wiring: Wiring, budget: float) -> JetStreamRequests:
    """Where requests for memes go over this broker; one takes at most `budget` seconds."""
    nats, broker = wiring.settings.nats, wiring.broker
    publisher = replace(wiring.publisher, budget=budget)
    return JetStreamRequests(
        publisher, lambda: broker.client, answers_of(wiring), nats.request_subject, nats.stream
    )


def battle_log_of(wiring: Wiring, budget: float) -> JetStreamBattleLog:
    """What happened in battles over this broker; storing something takes at most `budget` seconds."""
    nats, broker = wiring.settings.nats, wiring.broker
    publisher = replace(wiring.publisher, budget=budget)
    return JetStreamBattleLog(
        publisher, lambda: broker.client, nats.battle_stream, domain=nats.jetstream_domain
    )


def chunk_log_of(wiring: Wiring) -> JetStreamChunkLog:
    """The chunks of chat over this broker."""
    broker, nats = wiring.broker, wiring.settings.nats
    return JetStreamChunkLog(
        wiring.publisher,
        broker.js,
        lambda: broker.client,
        nats.chunks_stream,
        domain=nats.jetstream_domain,
    )


def task_log_of(wiring: Wiring) -> JetStreamTaskLog:
    """What is known of tasks over this broker."""
    settings, broker = wiring.settings, wiring.broker
    return JetStreamTaskLog(
        wiring.publisher,
        broker.js,
        lambda: broker.client,
        settings.nats.priority_results_stream,
        settings.priority.result_subject,
        domain=settings.nats.jetstream_domain,
    )


def tasks_of(wiring: Wiring) -> JetStreamTasks:
    """Where tasks go over this broker."""
    settings, broker = wiring.settings, wiring.broker
    return JetStreamTasks(
        wiring.publisher,
        lambda: broker.client,
        settings.priority.request_subject,
        settings.priority.sync_subject,
        settings.nats.priority_stream,
        settings.priority.result_subject,
    )


def _slots(settings: Settings, metrics: Metrics) -> dict[str, tuple[str, Slots]]:
    """Context -> the stream of its work, and how much of it is done at one time."""
    return {
        "memes": (settings.nats.stream, Slots(settings.delivery.concurrency, metrics.memes)),
        "chat": (settings.nats.workflow_stream, Slots(settings.chat.concurrency, metrics.workflow)),
        "priority": (
            settings.nats.priority_stream,
            Slots(settings.priority.concurrency, metrics.priority),
        ),
    }
