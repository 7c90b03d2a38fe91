"""What to do about a task, by rule: for everybody without a language model, and whenever it is away.

Suggestions speak to whoever picks the task up. They repeat nothing of what the requester wrote, and they
depend on nothing but the task and its score, so that a cached score has the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator

from memebattle.priority.factors import missing
from memebattle.priority.messages import Category, PriorityTask
from memebattle.priority.reasoning import listed
from memebattle.priority.scoring import Score

FEWEST, MOST = 3, 5

# the first comes before the rest of the advice, the others where there is room
BY_CATEGORY: dict[Category, tuple[str, str, str]] = {
    "SECURITY": (
        "Contain it first: block the account, key or host that is concerned, and keep the logs.",
        "Find out who else is exposed before you close it.",
        "Write down what was seen and done, with times, while it is fresh.",
    ),
    "INFRASTRUCTURE": (
        "Look at what was changed last, and take it back if the failure began with it.",
        "Post a status notice, so that the same failure is not reported many times.",
        "Add an alert for the sign that would have shown it earlier.",
    ),
    "MEETING_PREP": (
        "Prepare the one page that the meeting cannot do without first; the rest is extra.",
        "Try out room, screen and link before the meeting begins.",
        "Send what is ready to the participants beforehand.",
    ),
    "SUPPORT": (
        "Tell the requester that somebody is on it, and when the next word will come.",
        "Search for the same question in solved tickets before you start.",
        "Ask for the exact message or a screenshot, if there is none.",
    ),
    "COMPLIANCE": (
        "Name the rule and the date it sets, and let whoever owns the rule confirm both.",
        "Collect the evidence while you work, not afterwards.",
        "Have a second person check the result before it is filed.",
    ),
    "DEVELOPMENT": (
        "Agree on what must be true when it is done before the first line is written.",
        "Start with a test that fails today.",
        "Deliver it in parts that are useful by themselves.",
    ),
    "MAINTENANCE": (
        "Choose a quiet hour, announce it, and write down the way back before you begin.",
        "Do it together with other work on the same system.",
        "Check backups before, and the service after.",
    ),
    "TRAINING": (
        "Ask what the participants have to be able to do afterwards, and leave out the rest.",
        "Record it, or write one page, so that it need not be given twice.",
        "Put it on a date that no deadline of the participants touches.",
    ),
}

FIELDS = {
    "business_value": "the business value",
    "risk_level": "the risk of leaving it",
    "estimated_effort_hours": "an estimate of the effort",
    "affected_users_count": "how many people are affected",
}

TODAY, AT_ONCE, SOMETIME = 7, 10, 2  # time sensitivity: within 8 hours, up by now, nothing known
SMALL, LARGE = 1, 40  # hours


def advise(task: PriorityTask, score: Score) -> tuple[str, ...]:
    """Three to five suggestions, the most pressing first."""
    first, *more = BY_CATEGORY[task.category]
    found = [*_pressing(score), first, *_from_task(task, score)]
    return tuple([*found, *more[: max(0, FEWEST - len(found))]][:MOST])


def _pressing(score: Score) -> Iterator[str]:
    if score.escalate:
        yield "Call the person on duty and whoever owns what is affected; do not leave it in the queue."
    time = score.metrics.time_sensitivity
    if time >= AT_ONCE:
        yield "Begin now: its time is up or all but up. Tell the requester what will be ready, and when."
    elif time >= TODAY:
        yield "Set time aside for it today, before anything that is due later."


def _from_task(task: PriorityTask, score: Score) -> Iterator[str]:
    yield from _about_workaround(task, score)
    if lacking := missing(task):
        names = [FIELDS[name] for name in lacking]
        yield f"Ask the requester for {listed(names)}: without it the score is an assumption."
    yield from _about_effort(task, score)
    if score.metrics.time_sensitivity <= SOMETIME and score.level != "LOW":
        yield "Agree on a date with the requester: nothing says by when it is needed."


def _about_workaround(task: PriorityTask, score: Score) -> Iterator[str]:
    if task.workaround_available:
        yield "Tell everybody affected about the workaround first; it buys the time for a proper solution."
    elif task.workaround_available is False:
        yield "Look for a workaround first: nobody affected can go on working meanwhile."
    elif score.level in {"HIGH", "CRITICAL"}:
        yield "Ask whether people can go on working meanwhile; a workaround may be quicker than the solution."


def _about_effort(task: PriorityTask, score: Score) -> Iterator[str]:
    hours = task.estimated_effort_hours
    if hours is None:
        return
    if hours >= LARGE:
        yield "Split it: find the part of at most a day that helps most, and do that first."
    elif hours <= SMALL and score.level != "LOW":
        yield "Do it in one go: it takes an hour at most, less than planning it."
