"""The wire language of priority: a task is asked about, a result says how urgent it is and why.

Suggestions and human decisions are messages of their own, so that a score never waits for a language
model and is never rewritten by a person.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ModelWrapValidatorHandler, model_validator

from memebattle.bus.messages import Token, WireModel, decode
from memebattle.kit.text import composed

type Category = Literal[
    "SECURITY",
    "INFRASTRUCTURE",
    "MEETING_PREP",
    "SUPPORT",
    "COMPLIANCE",
    "DEVELOPMENT",
    "MAINTENANCE",
    "TRAINING",
]
type RequesterRole = Literal["CEO", "CFO", "CTO", "MANAGER", "IT_ADMIN", "CLIENT", "DEVELOPER", "EMPLOYEE"]
type UrgencyLevel = Literal["CRITICAL", "HIGH", "MEDIUM", "LOW"]
type ScoringModel = Literal["weighted", "wsjf", "rice", "eisenhower"]
type Origin = Literal["given", "llm", "default", "derived"]
type State = Literal["queued", "processing", "completed", "failed", "cancelled"]
type PriorityErrorCode = Literal["invalid_request", "cancelled", "dead_lettered", "id_conflict", "internal"]
type AiSkipped = Literal[
    "disabled",
    "not_needed",
    "no_model",
    "sensitive_content",
    "breaker_open",
    "timeout",
    "provider_error",
    "invalid_output",
]

MAX_BATCH = 500


def _clean(text: str) -> str:
    """NFC, without control characters but line breaks and tabs, trimmed."""
    kept = (ch for ch in composed(text) if ch in "\n\t" or unicodedata.category(ch) not in {"Cc", "Cs"})
    return "".join(kept).strip()


def _text_only(value: Any) -> Any:
    return _clean(value) if isinstance(value, str) else value


def _upper(value: Any) -> Any:
    """Names of categories, roles and levels are read in any case."""
    return value.strip().upper().replace("-", "_").replace(" ", "_") if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _in_utc(moment: datetime) -> datetime:
    """A time without a zone is UTC."""
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("too far away to be told in UTC") from error


Text = BeforeValidator(_text_only)
Moment = Annotated[datetime, AfterValidator(_in_utc)]
AnyCase = BeforeValidator(_upper)
Level = Annotated[float, Field(ge=1, le=10)]


class PriorityTask(WireModel):
    """What is to be done, for whom, and by when."""

    title: Annotated[str, Text] = Field(
        min_length=1,
        max_length=200,
        description="What it is about, in a line",
        examples=["VPN is down for the whole sales team"],
    )
    description: Annotated[str, Text] = Field(
        "",
        max_length=4000,
        description="What is known about it",
        examples=["Nobody has been able to connect since this morning."],
    )
    category: Annotated[Category, AnyCase] = Field(
        description="What kind of task it is; read in any case", examples=["INFRASTRUCTURE"]
    )
    requester_role: Annotated[RequesterRole, AnyCase] = Field(
        "EMPLOYEE", description="What the person is who asks; read in any case", examples=["MANAGER"]
    )
    requester_name: Annotated[str, Text] | None = Field(
        None, max_length=120, description="Who asks; changes no score"
    )
    requester_id: str | None = Field(
        None, min_length=1, max_length=128, description="Names the user whose remembered role is used"
    )
    created_at: Moment | None = Field(
        None, description="Since when it waits, for ageing; missing: the time it arrived"
    )
    deadline: Moment | None = Field(
        None, description="By when it has to be done", examples=["2026-11-22T17:00:00Z"]
    )
    meeting_time: Moment | None = Field(None, description="The meeting it is needed for")
    business_value: Level | None = Field(None, description="1 (nice to have) to 10 (the business stops)")
    risk_level: Level | None = Field(None, description="1 (harmless) to 10 (catastrophic) if it is not done")
    estimated_effort_hours: float | None = Field(
        None, gt=0, le=10_000, description="Hours of work it will take"
    )
    workaround_available: bool | None = Field(None, description="Whether people can go on working meanwhile")
    affected_users_count: int | None = Field(
        None, ge=0, le=10_000_000_000, description="How many people it is about"
    )
    context: Annotated[str, Text] | None = Field(
        None, max_length=4000, description="What else may matter to whoever works on it"
    )
    tags: tuple[Annotated[str, Text, Field(max_length=60)], ...] = Field(
        (), max_length=20, description="Words to find it by; they change no score"
    )


class PriorityRequest(PriorityTask):
    """Please say how urgent this task is."""

    id: Token | None = Field(
        None,
        description="Names the task and its result; the same id twice gives one result. Missing: the last"
        " token of `prioritization.request.{id}`, or the `Nats-Msg-Id` header, stands in",
        examples=["ticket-4711"],
    )
    revision: int = Field(
        1, ge=1, le=1_000_000, description="A changed task is asked about again as the next revision"
    )
    model: Annotated[ScoringModel, BeforeValidator(_lower)] | None = Field(
        None, description="How the score is made; missing: as configured"
    )
    use_ai: bool | None = Field(
        None, description="Whether a language model may fill missing factors; missing: as configured"
    )

    @model_validator(mode="wrap")
    @classmethod
    def _count_unknown_fields(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        decoded = decode(data)
        request = handler(decoded)
        if isinstance(decoded, dict):
            request._unknown_fields = len(decoded.keys() - cls.model_fields.keys())  # noqa: SLF001
        return request

    @property
    def unknown_fields(self) -> int:
        """How many fields of the message we did not know."""
        return self._unknown_fields

    @property
    def task(self) -> PriorityTask:
        """Without the id and the wishes."""
        return PriorityTask.model_construct(
            **{name: getattr(self, name) for name in PriorityTask.model_fields}
        )

    @property
    def digest(self) -> str:
        """Names what is asked, without the id: a reused id is told apart by it."""
        asked = self.model_dump(mode="json", exclude={"id", "revision"})
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]


class PriorityMetrics(WireModel):
    """The factors behind a score, each from 0 to 10."""

    urgency: float = Field(ge=0, le=10, description="Of time and risk together")
    business_impact: float = Field(ge=0, le=10, description="Business value, and how many people it is about")
    risk: float = Field(ge=0, le=10, description="Risk level, by category")
    role_weight: float = Field(ge=0, le=10, description="Who asks")
    time_sensitivity: float = Field(ge=0, le=10, description="How near meeting or deadline is")
    effort_complexity: float = Field(ge=0, le=10, description="How much work it is")
    final_priority_score: float = Field(ge=0, le=10, description="What is ranked by")


class Contribution(WireModel):
    """What one factor did to the score."""

    factor: str = Field(description="Its name; those of a model are always the same", examples=["urgency"])
    value: float = Field(description="What the task has of it")
    weight: float = Field(description="What it counts in this model")
    points: float = Field(description="value times weight; all points together are the score")
    origin: Origin = Field(description="Where the value is from: `llm` was guessed by a language model")


class PriorityResult(WireModel):
    """How urgent a task is, and why. Stored once per revision."""

    request_id: str = Field(description="The id of the task", examples=["ticket-4711"])
    revision: int = Field(1, description="The revision that was scored")
    urgency_level: UrgencyLevel = Field(description="The score as a word")
    priority_metrics: PriorityMetrics = Field(description="The score and the factors behind it")
    reasoning: str = Field(description="The score in words")
    ai_confidence: float = Field(ge=0, le=1, description="Share of the score that rests on given values")
    estimated_resolution_hours: float = Field(gt=0, description="By the service level of level and category")
    escalation_required: bool = Field(description="Whether somebody should be told at once")
    suggestions: tuple[str, ...] = Field((), description="What to do, by rule; see also PrioritySuggestions")
    contributions: tuple[Contribution, ...] = Field(description="What each factor did to the score")
    model: ScoringModel = Field(description="How the score was made")
    cached: bool = Field(default=False, description="Whether the same content had been scored before")
    ai_skipped: AiSkipped | None = Field(
        None, description="Why no language model filled the missing factors; missing: one did"
    )
    task: PriorityTask = Field(description="What was scored, so that it can be scored again later")
    processed_at: datetime = Field(description="When it was scored")
    worker: str | None = Field(None, description="Which worker scored it")


class PriorityError(WireModel):
    """Why there is no score; stored in the result's place."""

    request_id: str = Field(description="The id of the task; empty when none could be read")
    revision: int = Field(1, description="The revision that has no score")
    error: str = Field(description="What is wrong, for people")
    code: PriorityErrorCode = Field(description="What is wrong, for programs")
    retryable: bool = Field(description="Whether the same task may succeed later, as the next revision")
    processed_at: datetime = Field(description="When it was given up")

    @classmethod
    def unreadable(cls, detail: str, request_id: str = "") -> Self:
        """What is said to somebody who sent no task."""
        return cls(
            request_id=request_id,
            error=detail[:500],
            code="invalid_request",
            retryable=False,
            processed_at=datetime.now(UTC),
        )


class PrioritySuggestions(WireModel):
    """What to do about it, written after the result; at most one per revision."""

    request_id: str = Field(description="The id of the task")
    revision: int = Field(1, description="The revision they are about")
    suggestions: tuple[str, ...] = Field(max_length=5, description="What to do, most helpful first")
    origin: Literal["llm", "rules"] = Field(description="Who wrote them")
    provider: str | None = Field(None, description="Whose language model it was")
    model: str | None = Field(None, description="Which language model it was")
    ai_skipped: AiSkipped | None = Field(None, description="Why no language model wrote them")
    created_at: datetime = Field(description="When they were written")


class PriorityOverride(WireModel):
    """A human decision about a task; the last one counts, and the score stays as it was."""

    request_id: str = Field(description="The id of the task")
    action: Literal["set", "clear", "withdraw"] = Field(
        description="`set` level or score, `clear` what was set, `withdraw` the task from the ranking"
    )
    urgency_level: UrgencyLevel | None = Field(None, description="How urgent it really is")
    final_priority_score: float | None = Field(
        None, ge=0, le=10, description="What it is ranked by instead of its score"
    )
    reason: str = Field("", max_length=500, description="Why, for whoever asks later")
    by: str = Field("", max_length=120, description="Who decided")
    created_at: datetime = Field(description="When it was decided")


class PriorityAudit(PriorityOverride):
    """A human decision as the audit trail keeps it."""

    revision: int = Field(1, description="The revision whose score it was about")
    at: datetime = Field(description="When it was written down")


class PriorityStatus(WireModel):
    """Where one task stands. Best effort; what is stored counts."""

    request_id: str = Field(description="The id of the task")
    revision: int = Field(1, description="The revision that is meant")
    state: State = Field(description="Where it stands")
    worker: str | None = Field(None, description="Which worker says so")
    created_at: datetime = Field(description="When it was so")


class PriorityCancel(WireModel):
    """Stop one revision of a task, whose id is in the subject."""

    revision: int = Field(1, ge=1, description="The revision to stop")
