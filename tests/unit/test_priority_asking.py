"""Asking about tasks over in-memory twins: known ids, known content, and everything else."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from memebattle.bus.entries import Entry
from memebattle.bus.publishing import PublishFailed
from memebattle.bus.refusals import IdConflict, QueueFull, Unavailable
from memebattle.bus.tasklog import MemoryTaskLog
from memebattle.bus.tasks import MemoryTasks
from memebattle.priority import sending
from memebattle.priority.deciding import Decision, NotScored
from memebattle.priority.messages import PriorityResult, PriorityStatus, State
from memebattle.priority.sending import Asked, TooSlow
from memebattle.priority.standing import UnknownTask
from tests.priority_desk import CHAIRS, NOW, Counter, task
from tests.waiting import wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def counter() -> Counter:
    return Counter()


def result_of(asked: Asked | BaseException) -> PriorityResult:
    assert isinstance(asked, Asked)
    assert asked.answer is not None
    return PriorityResult.read(asked.answer)


async def test_a_task_is_sent_with_what_it_left_open(counter: Counter) -> None:
    """All workers shall see the same task: model and time of arrival are filled in."""
    asked = await counter.desk.prioritising.ask(task(id="t1"))

    assert asked == Asked("t1", 1)
    sent = counter.submitted("t1")
    assert (sent["id"], sent["model"], sent["created_at"]) == ("t1", "weighted", "2026-11-22T15:30:00Z")


async def test_what_the_client_says_is_not_filled_in(counter: Counter) -> None:
    await counter.desk.prioritising.ask(task(id="t1", model="wsjf", created_at="2026-11-20T08:00:00Z"))

    sent = counter.submitted("t1")
    assert (sent["model"], sent["created_at"]) == ("wsjf", "2026-11-20T08:00:00Z")


async def test_without_an_id_there_is_one_nobody_guesses(counter: Counter) -> None:
    first, second = [await counter.desk.prioritising.ask(task()) for _ in range(2)]

    assert first.request_id != second.request_id
    assert len(first.request_id) == 22


async def test_a_task_goes_on_with_the_trace_of_its_client(counter: Counter) -> None:
    parent = f"00-{TRACE}-b7ad6b7169203331-01"
    await counter.desk.prioritising.ask(task(id="t1"), traceparent=parent)

    trace = counter.tasks.traces["t1", 1]
    assert TRACE in trace
    assert trace != parent


@pytest.mark.parametrize(
    ("fields", "role"),
    [
        ({"requester_id": "kim"}, "CEO"),
        ({"requester_id": "kim", "requester_role": "CLIENT"}, "CLIENT"),
        ({"requester_id": "somebody"}, "EMPLOYEE"),
        ({}, "EMPLOYEE"),
    ],
)
async def test_the_role_of_a_remembered_requester_is_used(
    counter: Counter, fields: dict[str, str], role: str
) -> None:
    """Only if the task names the requester and leaves the role open."""
    await counter.profiles.remember("kim", {"role": "CEO"})

    await counter.desk.prioritising.ask(task(id="t1", **fields))

    assert counter.submitted("t1")["requester_role"] == role


async def test_a_remembered_role_we_do_not_know_is_none(counter: Counter) -> None:
    await counter.profiles.remember("kim", {"role": "emperor"})

    await counter.desk.prioritising.ask(task(id="t1", requester_id="kim"))

    assert counter.submitted("t1")["requester_role"] == "EMPLOYEE"


async def test_the_same_request_again_gets_what_is_stored(counter: Counter) -> None:
    """Also when time has passed, and a role was filled in that is forgotten by now."""
    await counter.profiles.remember("kim", {"role": "CEO"})
    await counter.desk.prioritising.ask(task(id="t1", requester_id="kim"))
    await counter.work("t1")
    counter.now += timedelta(hours=1)
    await counter.profiles.forget("kim")

    asked = await counter.desk.prioritising.ask(task(id="t1", requester_id="kim"))

    assert result_of(asked).task.requester_role == "CEO"
    assert asked.is_cached
    assert len(counter.tasks.submitted) == 1


async def test_the_same_request_again_while_it_is_queued_is_the_same_message(counter: Counter) -> None:
    """Word for word, so that a second copy in the queue is no other request."""
    await counter.desk.prioritising.ask(task(id="t1"))
    first = counter.tasks.submitted.pop(("t1", 1))
    counter.now += timedelta(minutes=5)

    await counter.desk.prioritising.ask(task(id="t1"))

    assert counter.tasks.submitted["t1", 1] == first


@pytest.mark.parametrize("end", ["queued", "scored", "failed"])
async def test_the_same_id_for_another_task_is_a_conflict(counter: Counter, end: str) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    if end == "scored":
        await counter.work("t1")
    if end == "failed":
        await counter.fail("t1")

    with pytest.raises(IdConflict):
        await counter.desk.prioritising.ask(task(CHAIRS, id="t1"))


async def test_without_the_shared_store_the_log_knows_a_request_again(counter: Counter) -> None:
    """Redis may be emptied at any time: what is stored says what was asked."""
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")
    forgetful = Counter(log=counter.log, now=counter.now + timedelta(hours=1))

    assert result_of(await forgetful.desk.prioritising.ask(task(id="t1"))).request_id == "t1"
    with pytest.raises(IdConflict):
        await forgetful.desk.prioritising.ask(task(id="t1", risk_level=7))
    with pytest.raises(IdConflict):
        await forgetful.desk.prioritising.ask(task(id="t1", model="wsjf"))


async def test_a_task_that_was_asked_over_nats_is_known_too(counter: Counter) -> None:
    """Its digest is that of the bare request: nobody filled anything in."""
    request = task(id="t1")
    result = counter.scored(request)
    await counter.log.add(Entry("t1", "response", result.body(), 1, request.digest))

    assert result_of(await counter.desk.prioritising.ask(task(id="t1"))) == result


async def test_an_error_without_a_note_is_taken_for_ours(counter: Counter) -> None:
    """It does not say what was asked, and the time that was filled in is forgotten."""
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.fail("t1")
    forgetful = Counter(log=counter.log)

    asked = await forgetful.desk.prioritising.ask(task(id="t1"))

    assert json.loads(asked.answer or b"")["code"] == "dead_lettered"


async def test_known_content_is_answered_without_work(counter: Counter) -> None:
    """The result is this task's own, and the log knows it."""
    await counter.desk.prioritising.ask(task(id="t1"))
    scored = await counter.work("t1")
    counter.now += timedelta(minutes=1)

    asked = await counter.desk.prioritising.ask(task(id="t2", requester_name="Kim"))

    result = result_of(asked)
    assert (asked.is_cached, asked.is_recorded, result.cached) == (True, True, True)
    assert result.priority_metrics == scored.priority_metrics
    assert (result.request_id, result.processed_at) == ("t2", counter.now)
    assert (result.task.requester_name, result.task.created_at) == ("Kim", counter.now)
    assert ("t2", 1) not in counter.tasks.submitted
    [entry] = await counter.log.of("t2")
    assert (entry.kind, entry.body) == ("response", asked.answer)
    state = await counter.desk.standing.state("t2")
    assert (state.state, state.result) == ("completed", result)


async def test_a_recorded_result_is_known_as_the_same_request(counter: Counter) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")
    first = await counter.desk.prioritising.ask(task(id="t2"))
    counter.now += timedelta(minutes=1)

    assert await counter.desk.prioritising.ask(task(id="t2")) == first


@pytest.mark.parametrize("more", [{"risk_level": 7}, {"model": "rice"}, {"requester_role": "CEO"}])
async def test_other_content_is_scored(counter: Counter, more: dict[str, Any]) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")

    assert (await counter.desk.prioritising.ask(task(id="t2", **more))).answer is None


async def test_what_a_model_may_not_have_seen_is_other_content() -> None:
    """A request that wants no language model is not answered with what one guessed."""
    counter = Counter({"PRIORITY_AI": "true"})
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")

    assert (await counter.desk.prioritising.ask(task(id="t2", use_ai=False))).answer is None
    assert (await counter.desk.prioritising.ask(task(id="t3", use_ai=True))).answer is not None


async def test_a_damaged_cache_is_no_hit(counter: Counter) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")
    for name, (expires, _) in list(counter.documents._kept.items()):
        counter.documents._kept[name] = (expires, [b'{"damaged":1}'])

    assert (await counter.desk.prioritising.ask(task(id="t2"))).answer is None


async def test_without_nats_known_content_is_still_answered(counter: Counter) -> None:
    """Nobody but this client knows it then, and it is told so."""
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")
    counter.is_connected = False

    asked = await counter.desk.prioritising.ask(task(id="t2"))

    assert (result_of(asked).request_id, asked.is_recorded) == ("t2", False)
    assert await counter.log.of("t2") == []
    assert (await counter.desk.standing.state("t2")).state == "completed"  # still cached by its id


async def test_a_result_that_cannot_be_recorded_is_answered(counter: Counter) -> None:
    """The connection looks well, but nobody stores anything."""

    class Full(MemoryTaskLog):
        async def add(self, entry: Entry) -> Entry | None:
            raise PublishFailed("away")

    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")
    broken = Counter(log=Full(), documents=counter.documents)

    asked = await broken.desk.prioritising.ask(task(id="t2"))

    assert (result_of(asked).request_id, asked.is_recorded) == ("t2", False)


async def test_without_nats_nothing_else_is_taken(counter: Counter) -> None:
    counter.is_connected = False

    for asking in (
        counter.desk.prioritising.ask(task(id="t1"), wait=30),
        counter.desk.prioritising.ask_now(task(id="t1")),
        counter.desk.prioritising.ask_again("t1", task()),
        counter.desk.deciding.cancel("t1"),
        counter.desk.standing.state("t1"),
    ):
        with pytest.raises(Unavailable):
            await asking
    assert counter.tasks.submitted == {}


async def test_a_queue_that_takes_too_long_is_refused(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(MemoryTasks):
        async def submit(self, request_id: str, revision: int, body: bytes, traceparent: str = "") -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(sending, "SUBMIT_BUDGET", 0.02)
    slow = Counter(tasks=Slow())

    with pytest.raises(Unavailable, match="not stored"):
        await slow.desk.prioritising.ask(task(id="t1"))
    with pytest.raises(UnknownTask):
        await slow.desk.standing.state("t1")


async def test_whoever_waits_hears_the_result(counter: Counter) -> None:
    """It is looked for again when it is heard before it is stored."""
    asking = asyncio.create_task(counter.desk.prioritising.ask(task(id="t1"), wait=30))
    await wait_until(lambda: counter.tasks.submitted, "the task")
    counter.tasks.say("t1")  # "processing"
    result = await counter.work("t1")

    asked = await asyncio.wait_for(asking, 5)

    assert (result_of(asked), asked.is_cached) == (result, False)


async def test_patience_ends_without_a_result(counter: Counter) -> None:
    assert (await counter.desk.prioritising.ask(task(id="t1"), wait=0.02)).answer is None


async def test_waiting_survives_a_log_that_is_away(counter: Counter) -> None:
    """The task is stored: not being able to look for its result is no failure."""

    class Moody(MemoryTaskLog):
        looks = 0

        async def of(self, request_id: str) -> list[Entry]:
            self.looks += 1
            if self.looks == 2:
                raise TimeoutError
            return await super().of(request_id)

    moody = Counter(log=Moody())

    assert (await moody.desk.prioritising.ask(task(id="t1"), wait=0.02)).answer is None


async def test_somebody_else_s_result_under_our_id_is_a_conflict(counter: Counter) -> None:
    """Two clients at the same moment: the log decides, and the other one is told."""
    asking = asyncio.create_task(counter.desk.prioritising.ask(task(id="t1"), wait=30))
    await wait_until(lambda: counter.tasks.submitted, "the task")
    other = task(CHAIRS, id="t1")
    await counter.log.add(Entry("t1", "response", counter.scored(other).body(), 1, other.digest))
    counter.tasks.say("t1")

    with pytest.raises(IdConflict):
        await asyncio.wait_for(asking, 5)


async def test_a_question_is_answered_by_a_worker(counter: Counter) -> None:
    counter.tasks.worker = counter.reply

    asked = await counter.desk.prioritising.ask_now(task(id="t1"))

    assert (result_of(asked).request_id, asked.is_cached) == ("t1", False)
    assert counter.tasks.submitted == {}


async def test_a_question_about_known_content_needs_no_worker(counter: Counter) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")

    assert result_of(await counter.desk.prioritising.ask_now(task(id="t2"))).cached


async def test_a_question_that_takes_too_long_names_the_other_way() -> None:
    async def silence(body: bytes) -> bytes:
        await asyncio.Event().wait()
        return body

    counter = Counter({"PRIORITY_SYNC_TIMEOUT": "0.02"}, tasks=MemoryTasks(silence))

    with pytest.raises(TooSlow, match="POST /api/v1/prioritization "):
        await counter.desk.prioritising.ask_now(task(id="t1"))


async def test_a_question_with_somebody_else_s_id_is_a_conflict(counter: Counter) -> None:
    async def conflict(body: bytes) -> bytes:
        return b'{"request_id":"t1","code":"id_conflict","error":"used"}'

    counter.tasks.worker = conflict

    with pytest.raises(IdConflict):
        await counter.desk.prioritising.ask_now(task(id="t1"))


async def test_a_changed_task_is_the_next_revision(counter: Counter) -> None:
    """It waits since it was first asked about."""
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")
    counter.now += timedelta(hours=1)

    asked = await counter.desk.prioritising.ask_again("t1", task(risk_level=9))

    assert (asked.request_id, asked.revision) == ("t1", 2)
    sent = counter.submitted("t1", 2)
    assert (sent["revision"], sent["risk_level"]) == (2, 9)
    assert sent["created_at"] == "2026-11-22T15:30:00Z"
    state = await counter.desk.standing.state("t1")
    assert (state.revision, state.state) == (2, "queued")
    assert state.result is not None
    assert state.result.revision == 1


async def test_changes_in_a_row_count_on(counter: Counter) -> None:
    """Also those that nobody scored yet."""
    await counter.desk.prioritising.ask(task(id="t1"))
    for risk in (7, 8, 8):
        asked = await counter.desk.prioritising.ask_again("t1", task(risk_level=risk))

    assert asked.revision == 3
    assert list(counter.tasks.submitted) == [("t1", 1), ("t1", 2), ("t1", 3)]


async def test_the_same_content_changes_nothing(counter: Counter) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    result = await counter.work("t1")

    asked = await counter.desk.prioritising.ask_again("t1", task())

    assert (asked.revision, result_of(asked)) == (1, result)
    assert len(counter.tasks.submitted) == 1


async def test_the_same_content_is_scored_again_after_an_error(counter: Counter) -> None:
    """Somebody cancelled it and now wants it after all."""
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.fail("t1", "cancelled")

    assert await counter.desk.prioritising.ask_again("t1", task()) == Asked("t1", 2)


async def test_nobody_changes_what_nobody_asked(counter: Counter) -> None:
    with pytest.raises(UnknownTask):
        await counter.desk.prioritising.ask_again("t1", task())


async def test_a_batch_keeps_its_order_and_survives_refusals(counter: Counter) -> None:
    await counter.desk.prioritising.ask(task(id="taken"))
    counter.tasks.limit = 3

    asked = await counter.desk.prioritising.ask_all(
        [task(id="a"), task(CHAIRS, id="taken"), task(id="b", risk_level=1), task(id="c", risk_level=2)]
    )

    assert [type(each) for each in asked] == [Asked, IdConflict, Asked, QueueFull]
    assert [each.request_id for each in asked if isinstance(each, Asked)] == ["a", "b"]


async def test_the_same_id_twice_in_a_batch_is_one_task(counter: Counter) -> None:
    first, second, other = await counter.desk.prioritising.ask_all(
        [task(id="a"), task(id="a"), task(CHAIRS, id="a")]
    )

    assert first == second == Asked("a", 1)
    assert isinstance(other, IdConflict)
    assert len(counter.tasks.submitted) == 1


async def test_a_batch_does_not_send_everything_at_once(counter: Counter) -> None:
    class Counting(MemoryTasks):
        busy = most = 0

        async def submit(self, request_id: str, revision: int, body: bytes, traceparent: str = "") -> None:
            self.busy += 1
            self.most = max(self.most, self.busy)
            await asyncio.sleep(0)
            self.busy -= 1
            await super().submit(request_id, revision, body, traceparent)

    tasks = Counting()
    many = Counter(tasks=tasks)

    asked = await many.desk.prioritising.ask_all([task(id=f"t{number}") for number in range(100)])

    assert [each.request_id for each in asked if isinstance(each, Asked)] == [f"t{n}" for n in range(100)]
    assert 1 < tasks.most <= 32


async def test_a_session_lists_what_it_sent(counter: Counter) -> None:
    """Newest first, from the queue or from the cache, each once."""
    for request_id in ("t1", "t2", "t1"):
        await counter.desk.prioritising.ask(task(id=request_id), session="s1")
    await counter.desk.prioritising.ask(task(id="t3"), session="s2")

    assert await counter.desk.prioritising.mine("s1") == ["t1", "t2"]
    assert await counter.desk.prioritising.mine("s9") == []


async def note_status(counter: Counter, state: State, revision: int = 1) -> None:
    status = PriorityStatus(request_id="t1", revision=revision, state=state, created_at=NOW)
    await counter.documents.put("temp", "status-t1", status.body())


@pytest.mark.parametrize(
    ("noted", "state"),
    [
        ("queued", "queued"),
        ("processing", "processing"),
        ("completed", "processing"),
        ("failed", "processing"),
    ],
)
async def test_a_worker_s_note_says_that_it_has_begun(counter: Counter, noted: State, state: State) -> None:
    """What it says about the end waits until the log says so too."""
    await counter.desk.prioritising.ask(task(id="t1"))
    await note_status(counter, noted)

    assert (await counter.desk.standing.state("t1")).state == state


async def test_a_note_about_what_is_stored_is_an_old_one(counter: Counter) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")
    await note_status(counter, "processing")
    assert (await counter.desk.standing.state("t1")).state == "completed"

    await note_status(counter, "processing", revision=2)
    state = await counter.desk.standing.state("t1")
    assert (state.state, state.revision) == ("processing", 2)


@pytest.mark.parametrize(("code", "state"), [("cancelled", "cancelled"), ("dead_lettered", "failed")])
async def test_an_error_is_an_end(counter: Counter, code: str, state: str) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.fail("t1", code)

    found = await counter.desk.standing.state("t1")

    assert (found.state, found.error and found.error.code) == (state, code)
    assert found.result is None


async def test_suggestions_belong_to_their_revision(counter: Counter) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")
    await counter.suggest("t1", "Restart it")
    state = await counter.desk.standing.state("t1")
    assert state.suggestions is not None
    assert state.suggestions.suggestions == ("Restart it",)

    await counter.desk.prioritising.ask_again("t1", task(risk_level=9))
    await counter.work("t1", 2)

    assert (await counter.desk.standing.state("t1")).suggestions is None


async def test_without_nats_a_newer_revision_hides_what_is_cached(counter: Counter) -> None:
    """An answer is better than none, but not an old one that looks like the new one."""
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")
    await counter.desk.prioritising.ask_again("t1", task(risk_level=9))
    counter.is_connected = False

    with pytest.raises(Unavailable):
        await counter.desk.standing.state("t1")


async def test_a_pending_task_is_cancelled_in_its_newest_revision(counter: Counter) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")
    await counter.desk.prioritising.ask_again("t1", task(risk_level=9))

    await counter.desk.deciding.cancel("t1")

    assert counter.tasks.cancelled == [("t1", 2)]
    assert counter.audits == []


async def test_a_scored_task_is_withdrawn_once(counter: Counter) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")

    for _ in range(2):
        state = await counter.desk.deciding.cancel("t1", by="Kim")

    assert state.override is not None
    assert (state.override.action, state.override.by) == ("withdraw", "Kim")
    assert [(each.kind, each.revision) for each in counter.log.entries] == [("response", 1), ("override", 1)]
    assert [action for action, _ in counter.audits] == ["withdraw"]
    assert counter.tasks.cancelled == []


async def test_a_withdrawn_task_comes_back_with_a_new_result(counter: Counter) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")
    await counter.desk.deciding.cancel("t1")
    await counter.desk.prioritising.ask_again("t1", task(risk_level=9))
    await counter.work("t1", 2)

    assert (await counter.desk.standing.state("t1")).override is None


async def test_a_failed_task_stays_as_it_is(counter: Counter) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.fail("t1")

    assert (await counter.desk.deciding.cancel("t1")).state == "failed"
    assert (counter.tasks.cancelled, counter.audits) == ([], [])


async def test_a_decision_counts_and_the_score_stays(counter: Counter) -> None:
    """What was not decided moves as far as it must: the status says what the ranking says."""
    await counter.desk.prioritising.ask(task(id="t1"))
    result = await counter.work("t1")

    decided = await counter.desk.deciding.override("t1", Decision(urgency_level="CRITICAL", by="Kim"))

    assert decided == await counter.desk.standing.state("t1")
    assert (decided.urgency_level, decided.final_priority_score) == ("CRITICAL", 8.5)
    assert decided.result == result
    [(action, details)] = counter.audits
    assert (action, details["request_id"], details["by"], details["revision"]) == ("set", "t1", "Kim", 1)

    await counter.desk.deciding.override("t1", Decision(final_priority_score=0))
    last = await counter.desk.standing.state("t1")
    assert (last.urgency_level, last.final_priority_score) == ("LOW", 0)


async def test_a_decision_is_taken_back(counter: Counter) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    result = await counter.work("t1")
    await counter.desk.deciding.override("t1", Decision(urgency_level="CRITICAL"))

    state = await counter.desk.deciding.override("t1", Decision(action="clear"))

    assert state.urgency_level == result.urgency_level


async def test_a_decision_outlives_a_new_revision(counter: Counter) -> None:
    await counter.desk.prioritising.ask(task(id="t1"))
    await counter.work("t1")
    await counter.desk.deciding.override("t1", Decision(urgency_level="CRITICAL"))
    await counter.desk.prioritising.ask_again("t1", task(risk_level=1))
    await counter.work("t1", 2)

    assert (await counter.desk.standing.state("t1")).urgency_level == "CRITICAL"


async def test_there_is_nothing_to_decide_without_a_score(counter: Counter) -> None:
    with pytest.raises(UnknownTask):
        await counter.desk.deciding.override("t1", Decision(urgency_level="LOW"))
    await counter.desk.prioritising.ask(task(id="t1"))
    with pytest.raises(NotScored, match="queued"):
        await counter.desk.deciding.override("t1", Decision(urgency_level="LOW"))


async def test_what_another_version_stored_is_passed_over(counter: Counter) -> None:
    """A state without the part that cannot be read, instead of an error."""
    await counter.log.add(Entry("t1", "response", b'{"of":"tomorrow"}', 1, "digest"))

    state = await counter.desk.standing.state("t1")

    assert (state.state, state.result) == ("completed", None)


def test_a_decision_says_what_it_sets() -> None:
    for wrong in ({"action": "set"}, {"action": "clear", "urgency_level": "LOW"}, {"reason": "no"}):
        with pytest.raises(ValueError, match="set"):
            Decision.model_validate(wrong)
    assert Decision.model_validate({"urgency_level": "high"}).urgency_level == "HIGH"
