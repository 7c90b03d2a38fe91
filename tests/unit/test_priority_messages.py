"""The wire of priority: tolerant where people differ, strict where a score would be wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from memebattle.priority.messages import PriorityError, PriorityRequest, PriorityTask


def a_request(**fields: Any) -> PriorityRequest:
    return PriorityRequest.read(json.dumps({"title": "VPN", "category": "SUPPORT", **fields}).encode())


@pytest.mark.parametrize("written", ["MEETING_PREP", "meeting-prep", " Meeting prep "])
def test_names_are_read_in_any_case(written: str) -> None:
    assert a_request(category=written, requester_role="it_admin").category == "MEETING_PREP"


@pytest.mark.parametrize(
    "written", ["2026-11-22T17:00:00Z", "2026-11-22T17:00:00", "2026-11-22T19:00:00+02:00"]
)
def test_times_are_utc(written: str) -> None:
    assert a_request(deadline=written).deadline == datetime(2026, 11, 22, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    "fields",
    [
        {"title": " \x00 "},
        {"title": "x" * 201},
        {"category": "LUNCH"},
        {"requester_role": "KING"},
        {"business_value": 0},
        {"risk_level": 10.5},
        {"estimated_effort_hours": 0},
        {"affected_users_count": -1},
        {"deadline": "soon"},
        {"deadline": "0001-01-01T00:00:00+14:00"},  # before there was UTC
        {"tags": ["x"] * 21},
        {"id": "a.b"},
        {"revision": 0},
        {"model": "dice"},
    ],
)
def test_what_cannot_be_scored_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_request(**fields)


def test_text_is_cleaned_and_keeps_its_lines() -> None:
    assert a_request(description="a\x1b[31m\nb\t ").description == "a[31m\nb"


def test_the_digest_names_the_question_and_not_the_ids() -> None:
    first = a_request(id="t1")

    assert first.digest == a_request(id="t2", revision=2).digest
    assert first.digest != a_request(id="t1", risk_level=3).digest
    assert first.digest != a_request(id="t1", model="rice").digest


def test_the_task_is_the_request_without_its_wishes() -> None:
    request = a_request(id="t1", revision=3, model="wsjf", use_ai=False, tags=["vpn"])

    assert request.task == PriorityTask(title="VPN", category="SUPPORT", tags=("vpn",))
    assert b"revision" not in request.task.body()


def test_a_refusal_is_short() -> None:
    refusal = PriorityError.unreadable("x" * 1000, "t1")

    assert (len(refusal.error), refusal.code, refusal.request_id) == (500, "invalid_request", "t1")
