"""What FastStream cannot know of priority: a consumer with two filters, a reply, and all that a gateway does.

A gateway speaks about tasks when somebody asks it over HTTP, and listens as long as somebody waits; neither
is a handler. What it does is written down here and held to `bus/tasks.py` by a test.
"""

from __future__ import annotations

from copy import deepcopy

from memebattle.bus.subjects import AUDIT
from memebattle.cli.spec.schema import SCHEMAS, Json
from memebattle.cli.spec.vocabulary import Operation
from memebattle.priority.messages import PriorityAudit
from memebattle.settings import Settings

# the channel behind `{request_subject}.{id}`, which the same consumer reads
ALSO_PULLED = {"PriorityRequestById": "PriorityRequest"}


def channels(settings: Settings, known: Json) -> Json:
    """Those that no subscriber or publisher declares."""
    by_id = deepcopy(known["PriorityRequest"])
    by_id["address"] = f"{settings.priority.request_subject}.{{request_id}}"
    return {
        "PriorityRequestById": by_id,
        "PriorityReply": {"address": None},
        "PriorityAudit": {"address": AUDIT},
    }


def operations(known: dict[str, Operation]) -> dict[str, Operation]:
    """Those of a gateway, and the worker's at the second filter of its consumer."""
    taken = known["PriorityRequest"]
    return {
        "PriorityRequestById": Operation(
            "PriorityRequestById", taken.role, taken.action, taken.handler, taken.queue
        ),
        # a worker's router declares it for the document, and no worker ever sends it
        "PriorityOverride": _sent("PriorityOverride", "Store a human decision beside the result."),
        "PriorityAudit": _sent("PriorityAudit", "Put a human decision on the audit trail."),
        "GatewayPriorityRequest": _sent("PriorityRequestById", "Send a task that a client asks about."),
        "GatewayPriorityCancel": _sent("PriorityCancel", "Stop a task that a client no longer wants."),
        "GatewayPriorityQuestion": _sent("PriorityQuestion", "Have a task answered while a client waits."),
        "GatewayPriorityResult": _sent(
            "StoredPriorityResult", "Record the result of content that had been scored before."
        ),
        "GatewayHearsPriorityResult": _heard("StoredPriorityResult"),
        "GatewayHearsPrioritySuggestions": _heard("PrioritySuggestions"),
        "GatewayHearsPriorityStatus": _heard("PriorityStatus"),
        "GatewayHearsPriorityOverride": _heard("PriorityOverride"),
    }


def schemas() -> Json:
    """Payloads of which no handler knows; what they refer to is known."""
    audit = PriorityAudit.model_json_schema(ref_template=f"{SCHEMAS}{{model}}")
    audit.pop("$defs", None)
    return {"PriorityAudit": audit}


def _sent(channel: str, what: str) -> Operation:
    return Operation(channel, "gateway", "send", what, None)


def _heard(channel: str) -> Operation:
    return Operation(channel, "gateway", "receive", "Look at the task again, for whoever waits for it.", None)
