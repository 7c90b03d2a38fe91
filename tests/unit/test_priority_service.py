"""The priority service: one result per revision, suggestions beside it, and what others are told."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from memebattle.bus.entries import Entry
from memebattle.bus.idempotency import Delivery
from memebattle.bus.outcome import Rejected
from memebattle.kit.metrics import Metrics
from memebattle.priority.messages import PriorityError, PriorityResult
from memebattle.priority.ports import Advice, Guess
from memebattle.priority.scoring import content_digest
from tests.bureau import JS, NOW, Bureau, a_request


@pytest.fixture
def bureau(metrics: Metrics) -> Bureau:
    return Bureau(metrics)


@pytest.fixture
def with_ai(metrics: Metrics) -> Bureau:
    bureau = Bureau(metrics, PRIORITY_AI="true")
    bureau.adviser.guessed = Guess(skipped="not_needed")
    return bureau


async def test_a_task_becomes_one_result(bureau: Bureau) -> None:
    await bureau.prioritise()

    result = PriorityResult.model_validate(bureau.stored()["response"])
    assert (result.request_id, result.revision, result.model, result.worker) == (
        "t1",
        1,
        "weighted",
        "worker-1",
    )
    # T 2, R 6 x 1.3 = 7.8, U .6 x 2 + .4 x 7.8 = 4.32, B 8 + 2 = 10, A 7: S = 1.296 + 2.5 + 1.56 + 1.05 + .2
    assert result.priority_metrics.final_priority_score == pytest.approx(6.606)
    assert sum(each.points for each in result.contributions) == pytest.approx(6.606)
    assert (result.urgency_level, result.escalation_required) == ("HIGH", False)
    assert result.estimated_resolution_hours == pytest.approx(2.8)
    assert 3 <= len(result.suggestions) <= 5
    assert bureau.states() == ["completed"]
    assert bureau.count("results_total", model="weighted", level="HIGH") == 1


async def test_the_same_task_again_changes_nothing(bureau: Bureau) -> None:
    await bureau.prioritise()
    await bureau.another("worker-2").prioritise(a_request(), JS)

    assert [entry.kind for entry in bureau.log.entries] == ["response"]
    assert bureau.count("requests_total") == 1


async def test_another_task_under_the_same_id_is_a_conflict(bureau: Bureau) -> None:
    await bureau.prioritise()

    with pytest.raises(Rejected, match="id_conflict"):
        await bureau.another("worker-2").prioritise(a_request(title="Something else"), JS)


async def test_a_changed_task_is_the_next_revision(bureau: Bureau) -> None:
    await bureau.prioritise()
    await bureau.prioritise(revision=2, risk_level=10)

    assert [entry.revision for entry in bureau.log.entries] == [1, 2]
    assert bureau.stored()["response"]["priority_metrics"]["risk"] == 10


async def test_a_late_copy_of_an_old_revision_is_no_conflict(bureau: Bureau) -> None:
    await bureau.prioritise(revision=2, risk_level=10)
    await bureau.prioritise()

    assert [entry.revision for entry in bureau.log.entries] == [2]


@pytest.mark.parametrize(
    ("fields", "delivery", "name"),
    [
        ({"id": "mine"}, {}, "mine"),
        ({"id": None}, {"subject": "prioritization.request.theirs"}, "theirs"),
        ({"id": None}, {"fallback_id": "header"}, "header"),
        ({"id": None}, {}, "js-PRIORITY_REQUESTS-7"),
    ],
)
async def test_a_task_has_a_name(
    bureau: Bureau, fields: dict[str, Any], delivery: dict[str, Any], name: str
) -> None:
    await bureau.prioritise(replace(JS, **delivery), **fields)

    assert bureau.log.entries[0].request_id == name


async def test_two_names_are_one_too_many(bureau: Bureau) -> None:
    with pytest.raises(Rejected, match="invalid_request"):
        await bureau.prioritise(replace(JS, subject="prioritization.request.other"))


async def test_it_waits_since_it_arrived_if_nobody_says_since_when(bureau: Bureau) -> None:
    await bureau.prioritise(created_at=None)

    assert bureau.stored()["response"]["task"]["created_at"] == "2026-11-21T12:00:00Z"


async def test_the_result_is_cached_by_content_and_by_id(bureau: Bureau) -> None:
    await bureau.prioritise()

    digest = content_digest(a_request().task, "weighted", NOW, use_ai=False)
    by_content = await bureau.documents.get("result", digest)
    assert by_content is not None
    assert by_content == await bureau.documents.get("result", "by-id-t1")
    assert json.loads(by_content) == bureau.stored()["response"]


async def test_where_it_stands_can_be_looked_up_while_a_model_thinks(bureau: Bureau, with_ai: Bureau) -> None:
    """A score alone is there before anybody could look."""
    await bureau.prioritise()
    await with_ai.prioritise()

    status = await with_ai.documents.get("temp", "status-t1")
    assert status is not None
    assert json.loads(status)["state"] == "processing"
    assert await bureau.documents.get("temp", "status-t1") is None
    assert (bureau.states(), with_ai.states()) == (["completed"], ["processing", "completed"])


async def test_a_language_model_fills_what_is_missing(with_ai: Bureau) -> None:
    with_ai.adviser.guessed = Guess({"risk_level": 9.0})
    await with_ai.prioritise(risk_level=None)

    stored = with_ai.stored()["response"]
    origins = {each["factor"]: each["origin"] for each in stored["contributions"]}
    assert with_ai.adviser.asked == [(("risk_level",), None)]
    assert stored["priority_metrics"]["risk"] == 10
    assert origins["risk"] == "llm"
    assert "ai_skipped" not in stored


async def test_what_a_failing_model_left_undone_is_not_cached(with_ai: Bureau) -> None:
    """The same content may find it well again."""
    with_ai.adviser.guessed = Guess(skipped="timeout")
    await with_ai.prioritise(risk_level=None)

    digest = content_digest(a_request(risk_level=None).task, "weighted", NOW, use_ai=True)
    assert with_ai.stored()["response"]["ai_skipped"] == "timeout"
    assert await with_ai.documents.get("result", digest) is None


async def test_suggestions_come_after_the_result(with_ai: Bureau) -> None:
    await with_ai.prioritise()

    assert [entry.kind for entry in with_ai.log.entries] == ["response", "suggestions"]
    written = with_ai.stored()["suggestions"]
    assert (written["suggestions"], written["origin"], written["model"]) == (
        ["one", "two", "three"],
        "llm",
        "t-1",
    )


async def test_without_a_model_nothing_comes_after_the_result(bureau: Bureau, with_ai: Bureau) -> None:
    await bureau.prioritise()
    await with_ai.prioritise(use_ai=False)

    assert (bureau.adviser.advised, with_ai.adviser.advised) == (0, 0)


async def test_a_worker_that_dies_before_the_suggestions_leaves_them_to_the_next(with_ai: Bureau) -> None:
    with_ai.adviser.failure = ConnectionError("dead")
    with pytest.raises(ConnectionError):
        await with_ai.prioritise()
    with_ai.adviser.failure = None
    await with_ai.another("worker-2").prioritise(a_request(), replace(JS, deliveries=2))
    await with_ai.another("worker-3").prioritise(a_request(), replace(JS, deliveries=3))

    assert [entry.kind for entry in with_ai.log.entries] == ["response", "suggestions"]
    assert with_ai.adviser.advised == 2


async def test_suggestions_of_rules_say_why(with_ai: Bureau) -> None:
    with_ai.adviser.advice = Advice(("a", "b", "c"), skipped="breaker_open")
    await with_ai.prioritise()

    written = with_ai.stored()["suggestions"]
    assert (written["origin"], written["ai_skipped"]) == ("rules", "breaker_open")


async def test_a_task_is_cancelled_before_anybody_takes_it(bureau: Bureau) -> None:
    await bureau.service.cancel("t1", 1)
    await bureau.prioritise()

    assert bureau.stored()["error"]["code"] == "cancelled"
    assert bureau.states() == ["cancelled"]


async def test_a_task_is_cancelled_while_a_model_thinks_about_it(with_ai: Bureau) -> None:
    with_ai.adviser.may_finish.clear()
    working = asyncio.create_task(with_ai.service.prioritise(a_request(), JS))
    await with_ai.adviser.started.wait()
    await with_ai.service.cancel("t1", 2)  # another revision
    await with_ai.service.cancel("t1", 1)
    await working

    assert [entry.kind for entry in with_ai.log.entries] == ["error"]
    assert with_ai.states() == ["processing", "cancelled"]


async def test_a_stopping_worker_answers_nothing(with_ai: Bureau) -> None:
    with_ai.adviser.may_finish.clear()
    working = asyncio.create_task(with_ai.service.prioritise(a_request(), JS))
    await with_ai.adviser.started.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert with_ai.log.entries == []


@pytest.mark.parametrize(
    ("body", "subject", "name"),
    [
        (b'{"id": "t9", "title": ""}', "prioritization.request", "t9"),
        (b'{"title": ""}', "prioritization.request.t8", "t8"),
        (b"{", "prioritization.request", "js-PRIORITY_REQUESTS-7"),
        (b'{"id": "t 9", "revision": "x"}', "prioritization.request", "js-PRIORITY_REQUESTS-7"),
    ],
)
async def test_what_is_no_task_is_answered_with_an_error(
    bureau: Bureau, body: bytes, subject: str, name: str
) -> None:
    rejected = Rejected("invalid_request", "title: too short")
    await bureau.service.refuse(body, replace(JS, subject=subject), rejected)

    assert bureau.stored(name)["error"]["error"] == "title: too short"
    assert bureau.count("errors_total", source="jetstream", kind="invalid") == 1


@pytest.mark.parametrize("reason", ["id_conflict", "too_many_attempts"])
async def test_what_was_read_is_not_answered_again(bureau: Bureau, reason: Any) -> None:
    await bureau.service.refuse(b'{"id": "t1"}', JS, Rejected(reason, "?"))

    assert bureau.log.entries == []


async def test_a_question_is_answered_at_once(with_ai: Bureau) -> None:
    """No language model is asked, and the result is stored like any other."""
    reply = await with_ai.service.answer_now(a_request())

    assert isinstance(reply, PriorityResult)
    assert json.loads(reply.body()) == with_ai.stored()["response"]
    assert (with_ai.adviser.asked, with_ai.adviser.advised) == ([], 0)


async def test_a_question_asked_again_has_the_same_reply(bureau: Bureau) -> None:
    first = await bureau.service.answer_now(a_request())
    again = await bureau.another("worker-2").answer_now(a_request())
    other = await bureau.service.answer_now(a_request(title="Something else"))

    assert again == first
    assert isinstance(other, PriorityError)
    assert other.code == "id_conflict"


async def test_a_question_about_what_failed_is_told_so(bureau: Bureau) -> None:
    error = PriorityError.unreadable("gone", "t1")
    await bureau.log.add(Entry("t1", "error", error.body(), 1, a_request().digest))

    assert await bureau.service.answer_now(a_request()) == error


async def test_a_question_without_an_id_gets_one(bureau: Bureau) -> None:
    first, second = [await bureau.service.answer_now(a_request(id=None)) for _ in range(2)]

    assert len({first.request_id, second.request_id, ""}) == 3


async def test_unknown_fields_are_counted(bureau: Bureau) -> None:
    await bureau.prioritise(Delivery("jetstream", fallback_id="x"), colour="red", size=3)

    assert bureau.count("unknown_fields_total") == 2
