"""The routes of priority over in-memory twins: what is read, what is called, what is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from memebattle.bus.publishing import PublishFailed
from memebattle.bus.tasks import MemoryTasks
from memebattle.priority import examples
from memebattle.priority.messages import MAX_BATCH, PriorityRequest, PriorityResult
from memebattle.store.profiles import MemoryProfiles
from tests.priority_desk import CHAIRS, VPN, Counter, application, served
from tests.waiting import wait_until

ASK = "/api/v1/prioritization"
STATUS = f"{ASK}/status"
CACHE = "/api/v1/users/kim/cache"


@pytest.fixture
async def counter() -> AsyncIterator[Counter]:
    async with served(Counter()) as counter:
        yield counter


def problem_of(response: httpx.Response) -> tuple[int, str]:
    """Status and name of a problem."""
    assert response.headers["content-type"] == "application/problem+json"
    name: str = response.json()["type"]
    assert response.json()["status"] == response.status_code
    return response.status_code, name.removeprefix("urn:memebattle:problem:")


async def test_a_task_is_accepted_stored_and_named(counter: Counter) -> None:
    """202 with the place to look."""
    response = await counter.http.post(ASK, json={**VPN, "id": "t1"})

    assert (response.status_code, response.headers["location"]) == (202, f"{STATUS}/t1")
    assert response.json() == {"request_id": "t1", "revision": 1, "status": "accepted"}
    assert counter.submitted("t1")["title"] == "VPN is down"


async def test_known_content_is_answered_at_once(counter: Counter) -> None:
    """200, and the header says that nobody had to work for it."""
    await counter.http.post(ASK, json={**VPN, "id": "t1"})
    await counter.work("t1")

    response = await counter.http.post(ASK, json={**VPN, "id": "t2"})

    assert (response.status_code, response.headers["x-cache"]) == (200, "HIT")
    assert "x-recorded" not in response.headers
    result = PriorityResult.read(response.content)
    assert (result.request_id, result.cached) == ("t2", True)


async def test_without_nats_known_content_is_answered_and_the_rest_refused(counter: Counter) -> None:
    await counter.http.post(ASK, json={**VPN, "id": "t1"})
    await counter.work("t1")
    counter.is_connected = False

    known = await counter.http.post(ASK, json=VPN)
    other = await counter.http.post(ASK, json=CHAIRS)
    state = await counter.http.get(f"{STATUS}/t1")

    assert (known.status_code, known.headers["x-cache"], known.headers["x-recorded"]) == (200, "HIT", "false")
    assert problem_of(other) == (503, "nats-unavailable")
    assert "retry-after" in other.headers
    assert state.json()["state"] == "completed"


async def test_prefer_wait_holds_the_response_for_the_result(counter: Counter) -> None:
    asking = asyncio.create_task(
        counter.http.post(ASK, json={**VPN, "id": "t1"}, headers={"Prefer": "wait=30"})
    )
    await wait_until(lambda: counter.tasks.submitted, "the task")
    result = await counter.work("t1")

    response = await asking

    assert (response.status_code, response.content) == (200, result.body())
    assert response.headers["x-cache"] == "MISS"
    assert response.headers["preference-applied"] == "wait=30"


async def test_an_idempotency_key_stands_in_for_the_id(counter: Counter) -> None:
    for _ in range(2):
        response = await counter.http.post(ASK, json=VPN, headers={"Idempotency-Key": "key-1"})

        assert response.json()["request_id"] == "key-1"
    assert list(counter.tasks.submitted) == [("key-1", 1)]


@pytest.mark.parametrize("key", ["other", "no token", "a.b"])
async def test_an_idempotency_key_that_does_not_fit_is_refused(counter: Counter, key: str) -> None:
    response = await counter.http.post(ASK, json={**VPN, "id": "t1"}, headers={"Idempotency-Key": key})

    assert problem_of(response) == (422, "invalid-request")
    assert counter.tasks.submitted == {}


async def test_the_same_id_for_another_task_is_a_conflict(counter: Counter) -> None:
    await counter.http.post(ASK, json={**VPN, "id": "t1"})

    assert problem_of(await counter.http.post(ASK, json={**CHAIRS, "id": "t1"})) == (409, "id-conflict")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 422), (b"null", 422), (b'{"title":"x"}', 422), (b"[" * 5000, 400)],
)
@pytest.mark.parametrize(("method", "path"), [("POST", ASK), ("PUT", f"{ASK}/t1"), ("POST", f"{ASK}/sync")])
async def test_what_is_no_task_is_refused(
    counter: Counter, method: str, path: str, body: bytes, status: int
) -> None:
    response = await counter.http.request(method, path, content=body)

    assert response.status_code == status
    assert counter.tasks.submitted == {}


async def test_a_changed_task_is_the_next_revision(counter: Counter) -> None:
    await counter.http.post(ASK, json={**VPN, "id": "t1"})
    result = await counter.work("t1")

    same = await counter.http.put(f"{ASK}/t1", json=VPN)
    changed = await counter.http.put(f"{ASK}/t1", json={**VPN, "risk_level": 9})

    assert (same.status_code, same.content) == (200, result.body())
    assert (changed.status_code, changed.json()["revision"]) == (202, 2)


async def test_only_what_is_there_is_changed(counter: Counter) -> None:
    assert problem_of(await counter.http.put(f"{ASK}/t1", json=VPN)) == (404, "unknown-task")
    other = await counter.http.put(f"{ASK}/t1", json={**VPN, "id": "t2"})
    assert problem_of(other) == (422, "invalid-request")
    assert other.json()["errors"][0]["pointer"] == "#/id"


async def test_a_question_is_answered_while_the_client_waits(counter: Counter) -> None:
    counter.tasks.worker = counter.reply

    response = await counter.http.post(f"{ASK}/sync", json={**VPN, "id": "t1"})

    assert (response.status_code, response.headers["x-cache"]) == (200, "MISS")
    assert PriorityResult.read(response.content).request_id == "t1"


async def test_a_question_nobody_answers_in_time_names_the_other_way() -> None:
    async def silence(body: bytes) -> bytes:
        await asyncio.Event().wait()
        return body

    slow = Counter({"PRIORITY_SYNC_TIMEOUT": "0.02"}, tasks=MemoryTasks(silence))
    async with served(slow) as counter:
        response = await counter.http.post(f"{ASK}/sync", json=VPN)

    assert problem_of(response) == (504, "too-slow")
    assert "POST /api/v1/prioritization " in response.json()["detail"]


async def test_without_a_worker_a_question_is_refused(counter: Counter) -> None:
    assert problem_of(await counter.http.post(f"{ASK}/sync", json=VPN)) == (503, "nats-unavailable")


@pytest.mark.parametrize("is_bare", [True, False])
async def test_each_task_of_a_batch_has_its_own_outcome(counter: Counter, is_bare: bool) -> None:
    """In their order: accepted, answered from the cache, refused for what it is."""
    await counter.http.post(ASK, json={**VPN, "id": "known"})
    await counter.work("known")
    tasks = [{**CHAIRS, "id": "t1"}, {**VPN, "id": "t2"}, {"id": "t3"}, 7, {**CHAIRS, "id": "known"}]

    response = await counter.http.post(f"{ASK}/batch", json=tasks if is_bare else {"tasks": tasks})

    items = response.json()["items"]
    assert response.status_code == 202
    assert [(item.get("request_id"), item["status"]) for item in items] == [
        ("t1", "accepted"),
        ("t2", "answered"),
        ("t3", "refused"),
        (None, "refused"),
        ("known", "refused"),
    ]
    assert [item.get("location") for item in items[:3]] == [f"{STATUS}/t1", f"{STATUS}/t2", None]
    assert [item["error"]["status"] for item in items[2:]] == [422, 422, 409]
    assert "title" in items[2]["error"]["detail"]


async def test_a_batch_of_nothing_new_needs_no_second_look(counter: Counter) -> None:
    response = await counter.http.post(f"{ASK}/batch", json=[{}])

    assert response.status_code == 200


async def test_what_nobody_expects_stops_one_task_only() -> None:
    """NATS that goes away in the middle, and a bug of ours: the others are taken."""

    class Failing(MemoryTasks):
        async def submit(self, request_id: str, revision: int, body: bytes, traceparent: str = "") -> None:
            if request_id == "away":
                raise PublishFailed("prioritization.request.away: secret details")
            if request_id == "bug":
                raise KeyError("secret details")
            await super().submit(request_id, revision, body, traceparent)

    tasks = [{**VPN, "id": each} for each in ("away", "bug", "t1")]
    async with served(Counter(tasks=Failing())) as counter:
        response = await counter.http.post(f"{ASK}/batch", json=tasks)

    items = response.json()["items"]
    assert [item.get("error", {}).get("status") for item in items] == [503, 500, None]
    assert "secret" not in response.text


@pytest.mark.parametrize("body", [[], {"tasks": []}, {}, 7, {"tasks": 7}])
async def test_what_is_no_batch_is_refused(counter: Counter, body: Any) -> None:
    assert problem_of(await counter.http.post(f"{ASK}/batch", json=body)) == (422, "invalid-request")


async def test_a_batch_has_at_most_500_tasks(counter: Counter) -> None:
    most = [{**VPN, "id": f"t{number}"} for number in range(MAX_BATCH)]

    over = await counter.http.post(f"{ASK}/batch", json=[*most, VPN])
    assert problem_of(over) == (413, "too-many-tasks")
    assert "500" in over.json()["detail"]
    assert counter.tasks.submitted == {}

    full = await counter.http.post(f"{ASK}/batch", json=most)
    assert len(full.json()["items"]) == len(counter.tasks.submitted) == MAX_BATCH


async def test_a_task_is_looked_for_until_it_is_done(counter: Counter) -> None:
    """Pending tasks say when to look again."""
    await counter.http.post(ASK, json={**VPN, "id": "t1"})
    queued = await counter.http.get(f"{STATUS}/t1")
    result = await counter.work("t1")
    done = await counter.http.get(f"{STATUS}/t1")

    assert (queued.status_code, queued.json()["state"], queued.headers["retry-after"]) == (200, "queued", "1")
    assert "retry-after" not in done.headers
    assert (done.json()["state"], done.json()["urgency_level"]) == ("completed", result.urgency_level)
    assert PriorityResult.model_validate(done.json()["result"]) == result
    assert problem_of(await counter.http.get(f"{STATUS}/t9")) == (404, "unknown-task")


async def test_who_knows_the_state_does_not_get_it_again(counter: Counter) -> None:
    """Until something changes: a state, a decision."""
    await counter.http.post(ASK, json={**VPN, "id": "t1"})
    tags: list[str] = []
    for change in (None, counter.work("t1"), counter.suggest("t1", "Restart it")):
        if change is not None:
            await change
        known = {"If-None-Match": ", ".join(tags)} if tags else {}
        fresh = await counter.http.get(f"{STATUS}/t1", headers=known)
        assert fresh.status_code == 200
        tags.append(fresh.headers["etag"])

    same = await counter.http.get(f"{STATUS}/t1", headers={"If-None-Match": f"W/{tags[-1]}"})

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tags[-1])
    assert len(set(tags)) == 3


@pytest.mark.parametrize("bad_id", ["a.b", "a*b", "x" * 65, "%20", "%3E"])
async def test_an_id_that_cannot_be_a_subject_token_is_refused(counter: Counter, bad_id: str) -> None:
    """It never reaches NATS."""
    for method, path in (
        ("GET", f"{STATUS}/{bad_id}"),
        ("GET", f"{ASK}/{bad_id}/events"),
        ("DELETE", f"{ASK}/{bad_id}"),
        ("PATCH", f"{ASK}/{bad_id}"),
        ("PUT", f"{ASK}/{bad_id}"),
        ("GET", f"/api/v1/sessions/{bad_id}/prioritizations"),
    ):
        response = await counter.http.request(method, path, json={**VPN, "urgency_level": "LOW"})
        assert response.status_code == 422, (method, path)


async def test_delete_stops_or_withdraws(counter: Counter) -> None:
    await counter.http.post(ASK, json={**VPN, "id": "t1"})
    pending = await counter.http.delete(f"{ASK}/t1")
    await counter.work("t1")
    done = await counter.http.delete(f"{ASK}/t1")

    assert (pending.status_code, pending.json()) == (202, {"request_id": "t1", "status": "cancelling"})
    assert done.json()["status"] == "withdrawn"
    assert counter.tasks.cancelled == [("t1", 1)]
    assert problem_of(await counter.http.delete(f"{ASK}/t9")) == (404, "unknown-task")


async def test_a_person_decides_about_a_scored_task(counter: Counter) -> None:
    await counter.http.post(ASK, json={**VPN, "id": "t1"})
    decision = {"urgency_level": "critical", "by": "Kim", "reason": "the tender closes today"}
    early = await counter.http.patch(f"{ASK}/t1", json=decision)
    result = await counter.work("t1")

    decided = await counter.http.patch(f"{ASK}/t1", json=decision)

    assert problem_of(early) == (409, "not-scored")
    assert decided.json()["urgency_level"] == "CRITICAL"
    assert decided.json()["result"]["urgency_level"] == result.urgency_level
    assert counter.audits[0][1]["reason"] == "the tender closes today"
    assert (await counter.http.get(f"{STATUS}/t1")).json() == decided.json()


@pytest.mark.parametrize(
    "body", [{}, {"action": "clear", "urgency_level": "LOW"}, {"final_priority_score": 11}]
)
async def test_a_decision_that_says_nothing_is_refused(counter: Counter, body: dict[str, Any]) -> None:
    assert problem_of(await counter.http.patch(f"{ASK}/t1", json=body)) == (422, "invalid-request")


async def test_a_session_finds_its_tasks_again(counter: Counter) -> None:
    session = {"X-Session-Id": "s1"}
    await counter.http.post(ASK, json={**VPN, "id": "t1"}, headers=session)
    await counter.http.post(f"{ASK}/batch", json=[{**CHAIRS, "id": "t2"}], headers=session)

    response = await counter.http.get("/api/v1/sessions/s1/prioritizations")
    bad = await counter.http.post(ASK, json=VPN, headers={"X-Session-Id": "a b"})

    assert response.json() == {"session_id": "s1", "request_ids": ["t2", "t1"]}
    assert problem_of(bad) == (422, "invalid-request")


async def test_events_of_a_finished_task_are_streamed(counter: Counter) -> None:
    """The process stops, so that the stream ends while this test looks."""
    await counter.http.post(ASK, json={**VPN, "id": "t1"})
    result = await counter.work("t1")
    app, sent = application(counter), []

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)
        if b"event: status" in message.get("body", b""):
            counter.health.stop()

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    path = f"{ASK}/t1/events"
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await asyncio.wait_for(app(scope, receive, send), 5)

    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent)
    assert (sent[0]["status"], headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert b"id: 1\nevent: result\ndata: " + result.body() + b"\n\n" in body
    assert counter.desk.admission.streams.taken == 0


async def test_events_of_nobody_s_task_are_no_stream(counter: Counter) -> None:
    assert problem_of(await counter.http.get(f"{ASK}/t9/events")) == (404, "unknown-task")


@pytest.mark.parametrize("event_id", ["x", "-1", "1.5", "9" * 20, "²"])
async def test_an_event_id_that_is_none_of_ours_is_refused(counter: Counter, event_id: str) -> None:
    await counter.http.post(ASK, json={**VPN, "id": "t1"})

    response = await counter.http.get(f"{ASK}/t1/events", params={"last_event_id": event_id})

    assert response.status_code == 400


async def test_every_answer_says_what_is_left_of_the_limit() -> None:
    """Refusals too. A batch costs as much as it has tasks; reading costs nothing."""
    async with served(Counter(limit=10)) as counter:
        first = await counter.http.post(ASK, json={**VPN, "id": "t1"})
        bad = await counter.http.post(ASK, content=b"{")
        batch = await counter.http.post(f"{ASK}/batch", json=[CHAIRS] * 3)
        status = await counter.http.get(f"{STATUS}/t1")
        deleted = await counter.http.delete(f"{ASK}/t1")

    assert first.headers["ratelimit-limit"] == "10"
    assert first.headers["ratelimit-reset"] == "60"
    assert "retry-after" not in first.headers
    left = [each.headers["ratelimit-remaining"] for each in (first, bad, batch, deleted)]
    assert left == ["9", "8", "5", "4"]
    assert "ratelimit-remaining" not in status.headers


async def test_over_the_limit_a_client_is_told_when_to_come_back() -> None:
    async with served(Counter(limit=2)) as counter:
        await counter.http.post(ASK, json=VPN)
        counter.clock.now += 20.4
        await counter.http.post(ASK, json=CHAIRS)
        refused = await counter.http.post(ASK, json=VPN)
        counter.clock.now += 40
        again = await counter.http.post(ASK, json=VPN)

    assert problem_of(refused) == (429, "rate-limited")
    assert refused.headers["retry-after"] == "40"  # 39.6, rounded up
    assert refused.headers["ratelimit-remaining"] == "0"
    assert again.status_code == 202
    assert len(counter.refused) == 1


async def test_a_batch_over_the_limit_is_told_how_many_are_allowed() -> None:
    async with served(Counter(limit=2)) as counter:
        response = await counter.http.post(f"{ASK}/batch", json=[VPN] * 3)

    assert problem_of(response) == (413, "too-many-tasks")
    assert "2" in response.json()["detail"]
    assert response.headers["ratelimit-limit"] == "2"
    assert "retry-after" not in response.headers


async def test_without_a_limit_nothing_is_said_about_it() -> None:
    async with served(Counter(limit=0)) as counter:
        response = await counter.http.post(ASK, json=VPN)

    assert response.status_code == 202
    assert "ratelimit-limit" not in response.headers


async def test_a_full_gateway_refuses_at_once_and_has_room_again() -> None:
    """Reading too; who waits for a result is in work."""
    async with served(Counter({"MAX_CONCURRENT_REQUESTS": "1"})) as counter:
        asking = asyncio.create_task(
            counter.http.post(ASK, json={**VPN, "id": "t1"}, headers={"Prefer": "wait=30"})
        )
        await wait_until(lambda: counter.tasks.submitted, "the task")

        busy = await counter.http.get(f"{STATUS}/t1")
        await counter.work("t1")
        await asking
        free = await counter.http.get(f"{STATUS}/t1")

    assert problem_of(busy) == (503, "busy")
    assert "retry-after" in busy.headers
    assert free.status_code == 200


async def test_what_is_remembered_of_a_user_is_used_shown_and_forgotten(counter: Counter) -> None:
    """Only the fields of the list are kept."""
    put = await counter.http.put(CACHE, json={"role": "ceo", "department": " Sales ", "salary": 7})
    await counter.http.post(ASK, json={**VPN, "id": "t1", "requester_id": "kim"})
    shown = await counter.http.get(CACHE)
    forgotten = await counter.http.delete(CACHE)

    assert put.json() == shown.json() == {"role": "CEO", "department": "Sales"}
    assert counter.submitted("t1")["requester_role"] == "CEO"
    assert shown.headers["cache-control"] == "no-store"
    assert (forgotten.status_code, forgotten.content) == (204, b"")
    assert (await counter.http.get(CACHE)).status_code == 404


async def test_a_user_opts_out_and_in(counter: Counter) -> None:
    await counter.http.put(CACHE, json={"role": "CEO"})
    out = await counter.http.put(CACHE, json={"opt_out": True})
    after = await counter.http.put(CACHE, json={"role": "CEO"})
    gone = await counter.http.get(CACHE)
    await counter.http.put(CACHE, json={"opt_out": False})
    again = await counter.http.put(CACHE, json={"role": "CEO"})

    assert (out.json(), after.json(), gone.status_code) == ({"opt_out": True}, {}, 404)
    assert again.json() == {"role": "CEO"}


@pytest.mark.parametrize(
    "body", [{}, {"salary": 7}, {"role": "emperor"}, {"opt_out": True, "role": "CEO"}, {"language": "x" * 65}]
)
async def test_what_is_no_profile_is_refused(counter: Counter, body: dict[str, Any]) -> None:
    assert problem_of(await counter.http.put(CACHE, json=body)) == (422, "invalid-request")


async def test_a_promise_to_a_person_does_not_fail_in_silence() -> None:
    class Away(MemoryProfiles):
        async def forget(self, user_id: str) -> bool | None:
            return None

        async def opt_out(self, user_id: str) -> bool:
            return False

    async with served(Counter(profiles=Away(3600))) as counter:
        responses = [
            await counter.http.delete(CACHE),
            await counter.http.put(CACHE, json={"opt_out": True}),
        ]

    assert [problem_of(response) for response in responses] == [(503, "memory-unavailable")] * 2


async def test_the_document_shows_an_example_of_every_body(counter: Counter) -> None:
    """And what is shown would be taken."""
    document = (await counter.http.get("/openapi.json")).json()

    operations = [each for path in document["paths"].values() for each in path.values()]
    assert len(operations) == 12
    for operation in operations:
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["example"], operation["summary"]
        [*shown] = [
            content
            for status, response in operation["responses"].items()
            if status.startswith("2") and status != "204"
            for content in response["content"].values()
        ]
        assert all("example" in content for content in shown), operation["summary"]
    example = document["paths"][ASK]["post"]["requestBody"]["content"]["application/json"]["example"]
    PriorityRequest.model_validate(example)


async def test_the_examples_are_what_is_answered(counter: Counter) -> None:
    """A worker scores the task of the documents as they say."""
    await counter.http.post(ASK, json=examples.TASK)
    result = await counter.work(examples.TASK["id"])
    shown = PriorityResult.model_validate(examples.RESULT)

    assert json.loads(result.body())["priority_metrics"] == examples.RESULT["priority_metrics"]
    assert (result.urgency_level, result.escalation_required) == (
        shown.urgency_level,
        shown.escalation_required,
    )
    assert result.reasoning == shown.reasoning
    assert result.estimated_resolution_hours == shown.estimated_resolution_hours
