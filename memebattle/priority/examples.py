"""One task from question to decision, as the documents show it."""

from __future__ import annotations

from typing import Any

TASK: dict[str, Any] = {
    "id": "ticket-4711",
    "title": "VPN is down for the whole sales team",
    "description": "Nobody has been able to connect since this morning.",
    "category": "INFRASTRUCTURE",
    "requester_role": "MANAGER",
    "deadline": "2026-11-22T17:00:00Z",
    "business_value": 8,
    "risk_level": 6,
    "affected_users_count": 40,
}
RESULT: dict[str, Any] = {
    "request_id": "ticket-4711",
    "revision": 1,
    "urgency_level": "HIGH",
    "priority_metrics": {
        "urgency": 8.52,
        "business_impact": 9.6021,
        "risk": 7.8,
        "role_weight": 7.0,
        "time_sensitivity": 9.0,
        "effort_complexity": 3.1699,
        "final_priority_score": 8.4665,
    },
    "reasoning": "HIGH, mostly from urgency (2.6 points) and business impact (2.4 points); its deadline is"
    " within 2 hours. The work takes up to a day; not given, and taken as usual for the category: effort.",
    "ai_confidence": 1.0,
    "estimated_resolution_hours": 2.8,
    "escalation_required": True,
    "suggestions": [
        "Set time aside for it today, before anything that is due later.",
        "Look at what was changed last, and take it back if the failure began with it.",
    ],
    "contributions": [
        {"factor": "urgency", "value": 8.52, "weight": 0.3, "points": 2.556, "origin": "derived"},
        {"factor": "business_impact", "value": 9.6021, "weight": 0.25, "points": 2.4005, "origin": "given"},
        {"factor": "risk", "value": 7.8, "weight": 0.2, "points": 1.56, "origin": "given"},
        {"factor": "role_weight", "value": 7.0, "weight": 0.15, "points": 1.05, "origin": "given"},
        {"factor": "time_sensitivity", "value": 9.0, "weight": 0.1, "points": 0.9, "origin": "given"},
    ],
    "model": "weighted",
    "cached": False,
    "ai_skipped": "disabled",
    "task": {name: value for name, value in TASK.items() if name != "id"},
    "processed_at": "2026-11-22T15:30:00Z",
    "worker": "worker-1",
}
DECISION: dict[str, Any] = {
    "action": "set",
    "urgency_level": "CRITICAL",
    "reason": "The tender closes today",
    "by": "Kim",
}
ACCEPTED: dict[str, Any] = {"request_id": "ticket-4711", "revision": 1, "status": "accepted"}
STATE: dict[str, Any] = {
    "request_id": "ticket-4711",
    "revision": 1,
    "state": "completed",
    "urgency_level": "HIGH",
    "final_priority_score": 8.4665,
    "result": RESULT,
}
DECIDED: dict[str, Any] = {
    **STATE,
    "urgency_level": "CRITICAL",
    "override": {**DECISION, "request_id": "ticket-4711", "created_at": "2026-11-22T15:40:00Z"},
}
BATCH: dict[str, Any] = {
    "tasks": [TASK, {"title": "Order new chairs", "category": "MAINTENANCE"}, {"title": "No category"}]
}
BATCH_ITEMS: dict[str, Any] = {
    "items": [
        {
            "request_id": "ticket-4711",
            "status": "accepted",
            "location": "/api/v1/prioritization/status/ticket-4711",
        },
        {
            "request_id": "jv3zVbS0y2eH1m4xLQm9ig",
            "status": "answered",
            "location": "/api/v1/prioritization/status/jv3zVbS0y2eH1m4xLQm9ig",
        },
        {
            "request_id": None,
            "status": "refused",
            "error": {
                "type": "urn:memebattle:problem:invalid-request",
                "status": 422,
                "detail": "category: Field required",
            },
        },
    ]
}
EVENTS = (
    'event: status\nretry: 1000\ndata: {"request_id": "ticket-4711", "revision": 1, "state": "queued"}\n\n'
    'id: 4711\nevent: result\ndata: {"request_id":"ticket-4711","urgency_level":"HIGH"}\n\n'
)
PROFILE: dict[str, Any] = {"role": "MANAGER", "department": "Sales", "timezone": "Europe/Berlin"}
MINE: dict[str, Any] = {"session_id": "sess_456", "request_ids": ["ticket-4711"]}


def shown(example: Any, description: str = "") -> dict[str, Any]:
    """A response of JSON for OpenAPI."""
    return {"description": description, "content": {"application/json": {"example": example}}}
