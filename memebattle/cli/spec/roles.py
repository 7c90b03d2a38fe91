"""What the two roles say of themselves: FastStream's documents of a worker and of a gateway, made one.

A channel is there once, whoever speaks on it. Where both roles do, the worker's title stays and the gateway's
operation is added: the one sends what the other receives. What FastStream cannot know is added as well: a
published dead letter, the reply of a request-reply handler, and what a gateway does for priority.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace

from faststream.specification.asyncapi import AsyncAPI

from memebattle.bootstrap.wiring import wire
from memebattle.bus.broker import HardenedBroker
from memebattle.bus.subjects import DEAD_LETTER, pattern_of
from memebattle.chat import pod_handlers
from memebattle.chat.messages import HealthResponse
from memebattle.cli.spec import battle_roles, priority_roles
from memebattle.cli.spec.schema import SCHEMAS, Json
from memebattle.cli.spec.vocabulary import Operation, Role
from memebattle.cli.spec.words import CHANNELS
from memebattle.memes import engine_handlers
from memebattle.memes.handlers import MemeCancel
from memebattle.settings import Settings
from memebattle.worker import ROUTES, create_app

# by the channel whose handlers reply -> the channel of the reply, which has no subject of its own
REPLIES = {
    "PodHealth": "PodHealthReply",
    "PodRollCall": "PodHealthReply",
    "PriorityQuestion": "PriorityReply",
    **dict.fromkeys(battle_roles.COMMANDS, "BattleReply"),
}

# not NATS request-reply: these answers come on a subject made of the request's ids
ANSWERS = {
    "MemeRequest": "MemeAnswer",
    "WorkflowRequest": "ChatStored",
    "PriorityRequest": "StoredPriorityResult",
}

# what FastStream cannot know of a channel
PAYLOADS = {
    "DeadLetter": ["DeadLetter"],
    "PodHealthReply": ["HealthResponse"],
    "PriorityReply": ["PriorityResult", "PriorityError"],
    "PriorityAudit": ["PriorityAudit"],
    **battle_roles.PAYLOADS,
}

BYTES: Json = {
    "title": "DeadLetter",
    "type": "string",
    "description": "The original body, byte for byte, cut at half of the server's `max_payload`;"
    " perhaps no JSON.",
}


@dataclass(frozen=True, slots=True)
class Roles:
    """Channels, operations and components of both roles, as FastStream writes them."""

    worker: HardenedBroker
    channels: Json
    operations: dict[str, Operation]
    messages: Json
    schemas: Json

    @classmethod
    def of(cls, settings: Settings) -> Roles:
        """Those of a whole installation, whatever a single worker of it serves."""
        broker = create_app(_serving_everything(settings)).wiring.broker
        worker, gateway = _said_by(broker), _said_by(_pod_broker(settings))
        # a pod's subjects have its own name in them; the declared templates do not
        for channel in gateway["channels"].values():
            channel["address"] = pattern_of(channel["address"])
        operations = {title: _operation(worker, title, title, "worker") for title in worker["channels"]}
        channels = dict(worker["channels"])
        for title, channel in gateway["channels"].items():
            home = _home(channel["address"], worker["channels"])
            name = f"Gateway{title}" if home else title
            operations[name] = _operation(gateway, title, home or title, "gateway")
            if home is None:
                channels[title] = channel
        return cls(
            broker,
            battle_roles.channels(channels | priority_roles.channels(settings, channels) | _UNKNOWN_CHANNELS),
            battle_roles.operations(operations | priority_roles.operations(operations) | _UNKNOWN_OPERATIONS),
            worker["components"]["messages"] | gateway["components"]["messages"],
            # FastStream drops a property that shares its name with a handler's parameter. What a worker
            # receives with a session id beside it is what a gateway sends, and there the property is left.
            worker["components"]["schemas"] | gateway["components"]["schemas"] | _unknown_schemas(),
        )


def _serving_everything(settings: Settings) -> Settings:
    delivery = settings.delivery.model_copy(update={"contexts": ",".join(ROUTES)})
    return replace(settings, delivery=delivery)


def _pod_broker(settings: Settings) -> HardenedBroker:
    broker = wire(settings, "gateway").broker
    broker.include_router(pod_handlers.routes("any-pod"))
    broker.include_router(engine_handlers.gateway_routes())
    return broker


def _said_by(broker: HardenedBroker) -> Json:
    found: Json = deepcopy(AsyncAPI(broker).to_specification().to_jsonable())
    return found


def _home(address: str, channels: Json) -> str | None:
    """The first channel with this address, in the order in which a reader meets them."""
    return next((name for name in CHANNELS if channels.get(name, {}).get("address") == address), None)


def _operation(document: Json, title: str, channel: str, role: Role) -> Operation:
    described = document["channels"][title]
    return Operation(
        channel,
        role,
        document["operations"][title]["action"],
        described.get("description", ""),
        described.get("bindings", {}).get("nats", {}).get("queue"),
    )


def _unknown_schemas() -> Json:
    reply = HealthResponse.model_json_schema(ref_template=f"{SCHEMAS}{{model}}")
    return {
        "MemeCancel": MemeCancel.model_json_schema(),
        "HealthResponse": reply,
        **battle_roles.schemas(),
        **priority_roles.schemas(),
        "DeadLetter": BYTES,
    }


_UNKNOWN_CHANNELS: Json = {"DeadLetter": {"address": DEAD_LETTER}, "PodHealthReply": {"address": None}}
_UNKNOWN_OPERATIONS = {
    "DeadLetter": Operation(
        "DeadLetter",
        "worker",
        "send",
        "Put aside a message that can never be served, with the reason in its headers.",
        None,
    ),
}
