"""The ranking as a fold of the log: who is in it, in which order, and what that is made of."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random

import pytest

from memebattle.bus.entries import Entry
from memebattle.bus.tasklog import MemoryTaskLog
from memebattle.priority import board as board_module
from memebattle.priority.measures import timing
from memebattle.priority.messages import PriorityOverride
from memebattle.priority.rescoring import Present, as_of, decided, factors_of, holds_until, stored
from memebattle.priority.scoring import score
from tests.priority_tasks import MODELS, NOW, hours_from_now, random_task, random_tasks
from tests.ranked import Office, a_result
from tests.waiting import wait_until


@pytest.fixture
def office() -> Office:
    return Office()


async def test_the_most_urgent_task_is_first(office: Office) -> None:
    await office.scores("low", risk_level=1)
    await office.scores("high", risk_level=10)

    await office.board.refresh()
    ranking = office.board.top(10)
    assert (ranking.total, ranking.truncated) == (2, False)
    assert [(item.rank, item.request_id) for item in ranking.items] == [(1, "high"), (2, "low")]
    # T 2, R 10, U .6 x 2 + .4 x 10 = 5.2, B 5 + 1 = 6, A 4: S = 1.56 + 1.5 + 2 + .6 + .2
    assert ranking.items[0].score == ranking.items[0].effective_score == pytest.approx(5.86)
    assert sum(row.points for row in ranking.items[0].contributions) == pytest.approx(5.86)
    assert (ranking.items[0].title, ranking.items[0].urgency_level) == ("A task", "MEDIUM")


async def test_waiting_tasks_gain_a_point_a_day_and_overtake(office: Office) -> None:
    """Ageing: in the end the old one is first, though nothing about it is urgent."""
    await office.scores("old", risk_level=5)
    office.wall.goes_on(24 * 3)
    await office.scores("new", risk_level=10)

    assert await office.order() == ["old", "new"]
    old = office.board.top(1).items[0]
    assert (old.waited_hours, old.effective_score) == (72, pytest.approx(old.score + 3))


async def test_without_ageing_only_the_score_counts() -> None:
    office = Office(ageing=0)
    await office.scores("old", risk_level=5)
    office.wall.goes_on(24 * 365)
    await office.scores("new", risk_level=10)

    assert await office.order() == ["new", "old"]


async def test_of_equals_the_one_that_waits_longest_is_first_then_the_smaller_id() -> None:
    office = Office(ageing=0)
    for request_id, hours in (("b", 0), ("c", -1), ("a", 0)):
        await office.scores(request_id, created_at=hours_from_now(hours))

    assert await office.order() == ["c", "a", "b"]


async def test_a_task_from_the_future_waits_since_it_was_scored(office: Office) -> None:
    await office.scores("future", created_at=hours_from_now(1000))
    office.wall.goes_on(12)
    await office.order()

    assert office.board.top(1).items[0].waited_hours == 12


async def test_a_deadline_that_comes_closer_counts(office: Office) -> None:
    """The stored score would say LOW for ever."""
    await office.scores("dated", deadline=hours_from_now(100), risk_level=6)
    await office.scores("steady", risk_level=8)
    assert await office.order() == ["steady", "dated"]

    office.wall.goes_on(99)
    await office.scores("fresh")
    assert (await office.order())[0] == "dated"
    dated = office.board.top(1).items[0]
    # T 9, R 6, U .6 x 9 + .4 x 6 = 7.8, B 6, A 4: S = 2.34 + 1.5 + 1.2 + .6 + .9
    assert dated.score == pytest.approx(6.54)
    assert dated.urgency_level == "HIGH"
    assert sum(row.points for row in dated.contributions) == pytest.approx(6.54)


async def test_the_newest_revision_counts_and_a_late_old_one_does_not(office: Office) -> None:
    await office.scores("other", risk_level=7)
    await office.scores("task", revision=2, risk_level=1)
    late = a_result("task", revision=1, risk_level=10)
    office.log.entries.append(Entry("task", "response", late.body(), 1, seq=3))

    assert await office.order() == ["other", "task"]
    assert office.board.top(2).items[1].revision == 2


async def test_a_newer_revision_that_failed_takes_the_task_out_and_the_next_one_brings_it_back(
    office: Office,
) -> None:
    await office.scores("task")
    await office.fails("task", revision=2)
    assert await office.order() == []

    await office.scores("task", revision=3)
    assert await office.order() == ["task"]


async def test_a_decision_replaces_the_score_until_it_is_cleared(office: Office) -> None:
    await office.scores("high", risk_level=10)
    await office.scores("task", risk_level=1)
    await office.decides("task", "set", final_priority_score=9)
    assert await office.order() == ["task", "high"]
    item = office.board.top(1).items[0]
    assert (item.score, item.urgency_level, item.overridden) == (9, "CRITICAL", True)
    assert item.escalation_required
    assert sum(row.points for row in item.contributions) < 5  # how it was scored is still to be seen

    await office.decides("task", "clear")
    assert await office.order() == ["high", "task"]
    assert not office.board.top(2).items[1].overridden


async def test_a_decided_task_waits_since_the_decision(office: Office) -> None:
    await office.scores("task")
    office.wall.goes_on(48)
    await office.decides("task", "set", final_priority_score=3)
    office.wall.goes_on(12)
    await office.order()

    item = office.board.top(1).items[0]
    assert (item.effective_score, item.waited_hours) == (3.5, 60)


async def test_a_decision_before_the_first_result_counts_too(office: Office) -> None:
    await office.decides("task", "set", urgency_level="CRITICAL")
    await office.scores("task")
    await office.order()

    assert office.board.top(1).items[0].urgency_level == "CRITICAL"


async def test_what_was_withdrawn_comes_back_with_a_newer_result(office: Office) -> None:
    await office.scores("task")
    await office.decides("task", "withdraw")
    assert await office.order() == []
    assert office.board.find("task") is not None

    await office.scores("task", revision=2)
    assert await office.order() == ["task"]


async def test_the_last_decision_counts(office: Office) -> None:
    """Whoever withdraws by mistake clears that."""
    await office.scores("task")
    await office.decides("task", "withdraw")
    await office.decides("task", "clear")

    assert await office.order() == ["task"]


@pytest.mark.parametrize(
    ("fields", "score_after", "level", "escalates"),
    [
        ({"urgency_level": "CRITICAL"}, 8.5, "CRITICAL", True),
        ({"urgency_level": "HIGH"}, 6.5, "HIGH", False),
        ({"urgency_level": "MEDIUM"}, 5.0, "MEDIUM", False),
        ({"urgency_level": "LOW"}, 3.9999, "LOW", False),
        ({"final_priority_score": 6.5}, 6.5, "HIGH", False),
        ({"urgency_level": "LOW", "final_priority_score": 9}, 9, "LOW", False),
    ],
)
def test_a_set_level_moves_the_score_as_far_as_it_must(
    fields: dict[str, object], score_after: float, level: str, escalates: bool
) -> None:
    override = PriorityOverride.model_validate(
        {"request_id": "t", "action": "set", "created_at": NOW, **fields}
    )

    found = decided(Present(5.0, "MEDIUM", escalate=False), override, "SUPPORT")
    assert found == Present(score_after, level, escalate=escalates)  # type: ignore[arg-type]


async def test_pages_and_filters_keep_the_rank_among_all(office: Office) -> None:
    for number in range(9):
        category = "SECURITY" if number % 2 else "SUPPORT"
        await office.scores(f"t{number}", risk_level=number + 1, category=category)
    everything = await office.order()
    ranks = {request_id: rank for rank, request_id in enumerate(everything, 1)}

    assert await office.order(limit=3, offset=2) == everything[2:5]
    page = office.board.top(2, offset=1, category="SECURITY")
    assert page.total == 4
    assert [item.rank for item in page.items] == [ranks[item.request_id] for item in page.items]
    assert {item.category for item in page.items} == {"SECURITY"}
    levels = {item.request_id: item.urgency_level for item in office.board.top(9).items}
    assert await office.order(level="MEDIUM") == [name for name in everything if levels[name] == "MEDIUM"]
    assert office.board.top(5, offset=100).items == ()


async def test_beyond_the_limit_the_lowest_are_forgotten_and_it_is_said() -> None:
    office = Office(limit=3)
    for number in (1, 5, 3, 2, 4):
        await office.scores(f"t{number}", risk_level=number)

    assert await office.order() == ["t5", "t4", "t3"]
    assert office.board.top(1).truncated
    assert office.board.find("t1") is None


async def test_an_entry_that_is_not_readable_is_passed_over(office: Office) -> None:
    await office.log.add(Entry("bad", "response", b"{}"))
    await office.log.add(Entry("worse", "override", b"\xff"))
    await office.log.add(Entry("other", "suggestions", b"{}"))
    await office.scores("good")

    assert await office.order() == ["good"]


async def test_what_the_log_has_forgotten_is_forgotten(office: Office) -> None:
    """A gateway that starts now would not know it either."""
    await office.scores("old")
    await office.scores("revised")
    await office.decides("revised", "set", final_priority_score=9)
    await office.scores("revised", revision=2)
    assert await office.order() == ["revised", "old"]
    office.log.entries = _Forgetful(office.log.entries, first=4)

    assert await office.order() == await office.order(office.another_board()) == ["revised"]
    assert not office.board.top(1).items[0].overridden


async def test_another_log_under_the_same_name_is_read_from_its_beginning(office: Office) -> None:
    for number in range(3):
        await office.scores(f"before-{number}")
    await office.order()
    office.log.entries.clear()
    assert await office.order() == []

    await office.scores("one")
    await office.order()
    office.log.entries.clear()
    await office.scores("two")
    assert await office.order() == ["two"]


async def test_callers_who_come_while_somebody_reads_share_the_next_round() -> None:
    """And see what was stored before they asked."""
    office, log = Office(), _SlowLog()
    office.log = log
    board = office.another_board()
    first = asyncio.create_task(board.refresh())
    await wait_until(lambda: log.reads, "somebody reads")
    await office.scores("late")
    others = [asyncio.create_task(board.refresh()) for _ in range(20)]
    log.may_answer.set()
    await asyncio.gather(first, *others)

    assert board.top(1).total == 1
    assert log.reads < 10


async def test_a_failure_is_shared_too_and_the_next_caller_tries_again() -> None:
    office, log = Office(), _SlowLog()
    office.log = log
    await office.scores("task")
    board = office.another_board()
    log.failure = TimeoutError()
    first = asyncio.create_task(board.refresh())
    await wait_until(lambda: log.reads, "somebody reads")
    others = [asyncio.create_task(board.refresh()) for _ in range(20)]
    log.may_answer.set()
    ends = await asyncio.gather(first, *others, return_exceptions=True)

    assert [type(end) for end in ends] == [TimeoutError] * 21
    assert log.reads == 2
    log.failure = None
    assert await office.order(board) == ["task"]


async def test_a_caller_who_leaves_does_not_spoil_it_for_the_others() -> None:
    office, log = Office(), _SlowLog()
    office.log = log
    await office.scores("task")
    board = office.another_board()
    first = asyncio.create_task(board.refresh())
    await wait_until(lambda: log.reads, "somebody reads")
    second = asyncio.create_task(board.refresh())
    first.cancel()
    log.may_answer.set()
    await second

    assert board.top(1).total == 1


async def test_it_warms_up_over_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "PAUSE", 0)
    office, log = Office(), _SlowLog()
    office.log = log
    await office.scores("task")
    board = office.another_board()
    log.may_answer.set()
    log.failure = TimeoutError()
    warming = asyncio.create_task(board.warm())
    await wait_until(lambda: log.reads > 2, "it tries again")
    log.failure = None
    await warming

    assert board.top(1).total == 1


@pytest.mark.parametrize("seed", range(6))
async def test_read_in_any_pages_the_ranking_is_that_of_a_fresh_fold(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results, errors, decisions and the passing of time in any order; some of the log expires."""
    rng, office = Random(seed), Office()
    for _ in range(300):
        await _something_happens(office, rng)
        if rng.random() < 0.1:
            monkeypatch.setattr(board_module, "PAGE", rng.randint(1, 40))
            await office.board.refresh()
    entries = office.log.entries
    office.log.entries = _Forgetful(entries, first=rng.randint(1, 80))
    await office.board.refresh()
    monkeypatch.setattr(board_module, "PAGE", 1000)
    fresh = office.another_board()
    await fresh.refresh()

    assert fresh.top(1000) == office.board.top(1000)
    assert fresh.top(1000).total > 3
    items = fresh.top(1000).items
    assert [item.effective_score for item in items] == sorted(
        (item.effective_score for item in items), reverse=True
    )


async def _something_happens(office: Office, rng: Random) -> None:
    request_id, revision = f"t{rng.randint(1, 40)}", rng.randint(1, 9)
    chance = rng.random()
    if chance < 0.55:
        task = random_task(rng).model_dump(exclude_none=True)
        task["created_at"] = office.wall.now - timedelta(hours=rng.randint(0, 100))
        await office.scores(request_id, revision=revision, model=rng.choice(MODELS), **task)
    elif chance < 0.65:
        await office.fails(request_id, revision)
    elif chance < 0.75:
        await office.decides(request_id, rng.choice(("clear", "withdraw")))
    elif chance < 0.85:
        level = rng.choice(("CRITICAL", "HIGH", "MEDIUM", "LOW"))
        await office.decides(request_id, "set", urgency_level=level)
    else:
        office.wall.goes_on(rng.choice((0.01, 0.5, 5)))


def test_as_long_as_time_presses_as_it_did_the_stored_score_stands() -> None:
    result = a_result("t", deadline=hours_from_now(7)).model_copy(update={"urgency_level": "LOW"})

    assert as_of(NOW + timedelta(hours=4), result) == (stored(result), result.contributions)
    assert as_of(NOW + timedelta(hours=6), result)[0].level != "LOW"


@pytest.mark.parametrize("model", MODELS)
def test_scored_again_it_has_the_score_it_would_have_had_then(model: str) -> None:
    """From its measures alone: the factors that a language model guessed are not stored."""
    guesses = {"business_value": 7.5, "risk_level": 3.5, "affected_users_count": 900}
    for task in random_tasks(200, seed=3):
        fields = task.model_dump(exclude_none=True)
        unknown = dict.fromkeys(("business_value", "risk_level"))
        for later in (1, 30, 600):
            at = NOW + timedelta(hours=later)
            result = a_result("t", model=model, guesses=guesses, **{**fields, **unknown})  # type: ignore[arg-type]
            afresh = a_result("t", model=model, guesses=guesses, at=at, **{**fields, **unknown})  # type: ignore[arg-type]
            found, rows = as_of(at, result)

            expected = afresh.priority_metrics.final_priority_score
            assert found.score == pytest.approx(expected, abs=2e-4)
            assert [(row.factor, row.origin) for row in rows] == [
                (row.factor, row.origin) for row in afresh.contributions
            ]


@pytest.mark.parametrize("model", MODELS)
def test_the_measures_of_a_stored_result_lead_to_its_score(model: str) -> None:
    for task in random_tasks(200, seed=5):
        fields = task.model_dump(exclude_none=True)
        result = a_result("t", model=model, guesses={"risk_level": 9.5}, **fields)  # type: ignore[arg-type]
        found = score(result.task, factors_of(result), NOW, result.model)

        assert found.metrics.final_priority_score == pytest.approx(
            result.priority_metrics.final_priority_score, abs=2e-4
        )


def test_until_it_holds_no_longer_time_presses_the_same() -> None:
    """And a moment later it often does not."""
    rng, changes = Random(7), 0
    for _ in range(2000):
        task = random_task(rng)
        at = NOW + timedelta(seconds=rng.randint(-200_000, 200_000))
        until = holds_until(task, at)
        pressure = timing(task, at).pressure
        moments = [at + (until - at) * rng.random(), until - timedelta(microseconds=1)]

        assert at < until <= at + timedelta(days=1)
        assert {timing(task, moment).pressure for moment in moments} == {pressure}
        changes += timing(task, until).pressure != pressure
    assert changes > 500


class _Forgetful(list[Entry]):
    """The entries of a log that has forgotten those before `first`; places stay."""

    def __init__(self, entries: list[Entry], first: int) -> None:
        super().__init__(entries)
        self._first = first

    def __getitem__(self, key):  # type: ignore[no-untyped-def] # noqa: ANN204
        return [entry for entry in super().__getitem__(key) if entry.seq >= self._first]


class _SlowLog(MemoryTaskLog):
    """Answers when it may, and fails when it shall."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.failure: Exception | None = None
        self.may_answer = asyncio.Event()

    async def after(self, seq: int, limit: int, request_id: str | None = None) -> list[Entry]:
        self.reads += 1
        await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure
        return await super().after(seq, limit, request_id)
