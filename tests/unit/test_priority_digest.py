"""What names the content of a task: the same question is answered once, another one is not taken for it."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from memebattle.priority.advice import advise
from memebattle.priority.measures import DEADLINE_STEPS, MEETING_STEPS, NO_DATE, OVERDUE
from memebattle.priority.messages import PriorityTask
from memebattle.priority.scoring import (
    content_digest,
    normalised,
)
from tests.priority_tasks import (
    MODELS,
    NOW,
    hours_from_now,
    known,
    random_tasks,
    scored,
)


def digest(asked: PriorityTask, **more: Any) -> str:
    wishes = {"model": "weighted", "now": NOW, "use_ai": False} | more
    return content_digest(asked, **wishes)


@pytest.mark.parametrize(
    "same",
    [
        {"title": "vpn IS down!"},
        {"title": "  (VPN)   is \u201cdown\u201d... "},
        {"title": "\uff36\uff30\uff2e is \u2014 down"},
        {"requester_name": "Ada", "requester_id": "u1", "created_at": NOW},
        {"context": "since  monday\n"},
        {"tags": ["Vpn", "network"]},
        {"tags": ["network", "network", "vpn"]},
        {"deadline": hours_from_now(7.9)},
    ],
)
def test_the_same_question_has_the_same_digest(same) -> None:
    asked = {
        "title": "VPN is down",
        "context": "Since Monday",
        "tags": ["network", "vpn"],
        "deadline": hours_from_now(3),
    }

    assert digest(known(**asked | same)) == digest(known(**asked))


@pytest.mark.parametrize(
    "other",
    [
        {"title": "VPN is up"},
        {"title": "VPN isdown"},
        {"description": "VPN is down"},
        {"context": "since Tuesday"},
        {"category": "INFRASTRUCTURE"},
        {"requester_role": "CEO"},
        {"business_value": 6},
        {"business_value": None},
        {"risk_level": 6},
        {"estimated_effort_hours": 9},
        {"affected_users_count": 11},
        {"workaround_available": False},
        {"tags": ["vpn"]},
        {"deadline": hours_from_now(1)},
        {"deadline": None},
        {"meeting_time": hours_from_now(1)},
    ],
)
def test_another_question_has_another_digest(other) -> None:
    asked = {"title": "VPN is down", "deadline": hours_from_now(3)}

    assert digest(known(**asked | other)) != digest(known(**asked))


def test_model_use_of_ai_and_time_are_parts_of_the_question() -> None:
    asked = known(deadline=hours_from_now(3))
    digests = {
        digest(asked),
        digest(asked, model="wsjf"),
        digest(asked, use_ai=True),
        digest(asked, now=NOW + timedelta(hours=2)),
    }

    assert len(digests) == 4
    assert all(len(each) == 64 for each in digests)


def test_all_workers_at_all_times_find_the_same_digest() -> None:
    """Who changes this value on purpose raises `RULES` with it."""
    asked = known(title="VPN is down", tags=list("edcba"), deadline=hours_from_now(3))

    assert digest(asked) == "428d924fe37957116aba516d50bea4965de1f3f858ac46269f2c2b21b14f1931"


def test_an_overdue_task_is_not_one_whose_meeting_is_near() -> None:
    overdue, near = known(deadline=hours_from_now(-1)), known(meeting_time=hours_from_now(1))

    assert scored(overdue).metrics == scored(near).metrics
    assert digest(overdue) != digest(near)


def test_words_of_time_name_one_value_each() -> None:
    timings = [NO_DATE, OVERDUE, *(timing for _, timing in (*MEETING_STEPS, *DEADLINE_STEPS))]

    assert len({timing.words for timing in timings}) == len(timings)


@pytest.mark.parametrize("model", MODELS)
def test_tasks_with_one_digest_have_one_score_down_to_the_words(model) -> None:
    """What may differ within a digest is varied; each pair must meet in its digest to prove anything."""
    rng, met = Random(4), 0
    for asked in random_tasks(300):
        twin = asked.model_copy(
            update={
                "title": "  A TASK! ",
                "requester_name": "Ada",
                "tags": tuple(reversed(asked.tags)),
                "deadline": asked.deadline and asked.deadline - timedelta(minutes=rng.choice((0, 0, 1, 50))),
                "meeting_time": asked.meeting_time and asked.meeting_time - timedelta(minutes=1),
            }
        )
        if digest(asked, model=model) == digest(twin, model=model):
            met += 1
            assert scored(asked, model) == scored(twin, model)
            assert advise(asked, scored(asked, model)) == advise(twin, scored(twin, model))
    assert 100 < met < 300


def test_random_tasks_that_share_a_digest_share_a_score() -> None:
    seen: dict[str, object] = {}
    shared = 0
    for number, asked in enumerate(random_tasks(1500, seed=5)):
        plain = asked.model_copy(
            update={
                "business_value": None,
                "estimated_effort_hours": None,
                "risk_level": None,
                "affected_users_count": number % 2,
                "tags": (),
                "workaround_available": None,
            }
        )
        key, found = digest(plain), scored(plain)
        shared += key in seen

        assert seen.setdefault(key, found) == found
    assert shared > 300


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello,  WORLD!", "hello world"),
        ("C++ and C#", "c++ and c#"),
        ("-5 degrees - or 5?", "-5 degrees or 5"),
        (".NET (v4.8)", ".net v4.8"),
        ("Stra\u00dfe \ufb01x", "strasse fix"),
        ("can't, won't", "can't won't"),
        ("... !!! ---", ""),
    ],
)
def test_text_is_compared_as_a_reader_would(text: str, expected: str) -> None:
    assert normalised(text) == expected
    assert normalised(expected) == expected
