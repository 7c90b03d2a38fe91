"""The examples of priority: one task from question to decision, scored by the engine itself.

So the numbers are those of the rules of today, and a changed rule changes the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from memebattle.bus.messages import WireModel
from memebattle.priority.advice import advise
from memebattle.priority.factors import complete
from memebattle.priority.messages import (
    PriorityAudit,
    PriorityCancel,
    PriorityError,
    PriorityOverride,
    PriorityRequest,
    PriorityResult,
    PriorityStatus,
    PrioritySuggestions,
)
from memebattle.priority.scoring import score

type Example = dict[str, Any]

TASK_ID = "ticket-4711"
ARRIVED = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
SEQUENCE = 1047

_TASK = {
    "id": TASK_ID,
    "title": "VPN is down for the whole sales team",
    "description": "Nobody has been able to connect since this morning.",
    "category": "INFRASTRUCTURE",
    "requester_role": "MANAGER",
    "created_at": "2026-11-22T15:00:00Z",
    "deadline": "2026-11-22T17:00:00Z",
    "business_value": 8,
    "risk_level": 6,
    "estimated_effort_hours": 3,
    "affected_users_count": 40,
    "workaround_available": False,
    "tags": ["vpn", "sales"],
}
_DECISION = {"action": "set", "urgency_level": "CRITICAL", "reason": "The tender closes today", "by": "Kim"}

# the kind of entry that a payload is stored as
ENTRY_KINDS = {
    "PriorityResult": "response",
    "PriorityError": "error",
    "PrioritySuggestions": "suggestions",
    "PriorityOverride": "override",
}


def task_headers(body: Example, traceparent: str) -> dict[str, str]:
    """Those of a task: named by id and revision, so that the next revision is no repeat."""
    named = {"Nats-Msg-Id": f"{body['id']}.{body.get('revision', 1)}"} if "id" in body else {}
    return {**named, "traceparent": traceparent}


def entry_headers(payload: str, body: Example, traceparent: str, *, republished: bool) -> dict[str, str]:
    """Those of a stored message, or of its copy for everybody."""
    kind = ENTRY_KINDS[payload]
    found = {
        "Mb-Kind": kind,
        "Mb-Revision": str(body.get("revision", 1)),
        "Mb-Digest": PriorityRequest.model_validate(_TASK).digest if kind == "response" else "",
        "content-type": "application/json",
        "traceparent": traceparent,
    }
    if republished:
        return found | {
            "Nats-Stream": "PRIORITY_RESULTS",
            "Nats-Subject": f"prioritization.result.{body['request_id']}",
            "Nats-Sequence": str(SEQUENCE),
            "Nats-Last-Sequence": "0",
            "Nats-Time-Stamp": "2026-11-22T15:30:00.487380299Z",
        }
    return found


def _requests() -> Iterator[Example]:
    yield _example("a task", PriorityRequest, _TASK)
    least = {"title": "Order new chairs", "category": "MAINTENANCE"}
    yield _example("the least", PriorityRequest, least)
    later = {"id": TASK_ID, "revision": 2, "title": _TASK["title"], "category": "INFRASTRUCTURE"}
    changed = later | {"business_value": 9, "model": "wsjf", "use_ai": False}
    yield _example("the same task, changed, by another model", PriorityRequest, changed)


def _results() -> Iterator[Example]:
    task = PriorityRequest.model_validate(_TASK).task
    found = score(task, complete(task), ARRIVED)
    yield _said(
        "a score",
        PriorityResult(
            request_id=TASK_ID,
            urgency_level=found.level,
            priority_metrics=found.metrics,
            reasoning=found.reasoning,
            ai_confidence=found.confidence,
            estimated_resolution_hours=found.sla_hours,
            escalation_required=found.escalate,
            suggestions=advise(task, found),
            contributions=found.contributions,
            model="weighted",
            ai_skipped="disabled",
            task=task,
            processed_at=ARRIVED,
            worker="worker-1",
        ),
    )


def _errors() -> Iterator[Example]:
    told = PriorityError.unreadable("category: Field required", "ticket-4712")
    yield _said("no task", told.model_copy(update={"processed_at": ARRIVED}))
    stopped = PriorityError(
        request_id=TASK_ID,
        revision=2,
        error="cancelled on request",
        code="cancelled",
        retryable=False,
        processed_at=ARRIVED,
    )
    yield _said("stopped", stopped)


def _suggestions() -> Iterator[Example]:
    yield _said(
        "by a language model",
        PrioritySuggestions(
            request_id=TASK_ID,
            suggestions=(
                "Fail over to the second gateway before you look for the cause.",
                "Tell the sales team that somebody is on it, and when they will hear more.",
                "Compare the certificate's end date with this morning's first report.",
            ),
            origin="llm",
            provider="openai",
            model="gpt-4o-mini",
            created_at=ARRIVED + timedelta(seconds=2),
        ),
    )


def _statuses() -> Iterator[Example]:
    for state in ("processing", "completed"):
        said = {"request_id": TASK_ID, "state": state, "worker": "worker-1", "created_at": ARRIVED}
        yield _said(state, PriorityStatus.model_validate(said))


def _cancels() -> Iterator[Example]:
    yield _example("the first revision", PriorityCancel, {})
    yield _example("a later one", PriorityCancel, {"revision": 2})


def _overrides() -> Iterator[Example]:
    made = {"request_id": TASK_ID, "created_at": ARRIVED + timedelta(minutes=10)}
    yield _said("more urgent than scored", PriorityOverride.model_validate(made | _DECISION))
    withdrawn = {"action": "withdraw", "reason": "A duplicate of ticket-4710", "by": "Kim"}
    yield _said("out of the ranking", PriorityOverride.model_validate(made | withdrawn))


def _audits() -> Iterator[Example]:
    made = {"request_id": TASK_ID, "created_at": ARRIVED + timedelta(minutes=10)}
    written = made | {"at": ARRIVED + timedelta(minutes=10)}
    yield _said("more urgent than scored", PriorityAudit.model_validate(written | _DECISION))


def _example(name: str, model: type[WireModel], payload: dict[str, Any]) -> Example:
    """As somebody else writes it."""
    model.model_validate(payload, extra="forbid")
    return {"name": name, "payload": payload}


def _said(name: str, message: WireModel) -> Example:
    """As we write it."""
    return {"name": name, "payload": message.model_dump(mode="json", exclude_none=True)}


PRIORITY_EXAMPLES: dict[str, Callable[[], Iterator[Example]]] = {
    "PriorityRequest": _requests,
    "PriorityResult": _results,
    "PriorityError": _errors,
    "PrioritySuggestions": _suggestions,
    "PriorityStatus": _statuses,
    "PriorityCancel": _cancels,
    "PriorityOverride": _overrides,
    "PriorityAudit": _audits,
}
