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
        min_length=1, max_length=200, examples=["VPN is down for the whole sales team"]
    )
    description: Annotated[str, Text] = Field(
        "", max_length=4000, examples=["Nobody has been able to connect since this morning."]
    )
    category: Annotated[Category, AnyCase] = Field(examples=["INFRASTRUCTURE"])
    requester_role: Annotated[RequesterRole, AnyCase] = Field("EMPLOYEE", examples=["MANAGER"])
    requester_name: Annotated[str, Text] | None = Field(None, max_length=120)
    requester_id: str | None = Field(
        None, min_length=1, max_length=128, description="Names the user whose remembered role is used"
    )
    created_at: Moment | None = Field(
        None, description="Since when it waits, for ageing; missing: the time it arrived"
    )
    deadline: Moment | None = Field(None, examples=["2026-11-22T17:00:00Z"])
    meeting_time: Moment | None = Field(None, description="The meeting it is needed for")
    business_value: Level | None = Field(None, description="1 (nice to have) to 10 (the business stops)")
    risk_level: Level | None = Field(None, description="1 (harmless) to 10 (catastrophic) if it is not done")
    estimated_effort_hours: float | None = Field(None, gt=0, le=10_000)
    workaround_available: bool | None = Field(None, description="Whether people can go on working meanwhile")
    affected_users_count: int | None = Field(None, ge=0, le=10_000_000_000)
    context: Annotated[str, Text] | None = Field(None, max_length=4000)
    tags: tuple[Annotated[str, Text, Field(max_length=60)], ...] = Field((), max_length=20)


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

    urgency: float = Field(ge=0, le=10)
    business_impact: float = Field(ge=0, le=10)
    risk: float = Field(ge=0, le=10)
    role_weight: float = Field(ge=0, le=10)
    time_sensitivity: float = Field(ge=0, le=10)
    effort_complexity: float = Field(ge=0, le=10)
    final_priority_score: float = Field(ge=0, le=10, description="What is ranked by")


class Contribution(WireModel):
    """What one factor did to the score."""

    factor: str = Field(examples=["urgency"])
    value: float
    weight: float
    points: float = Field(description="value times weight; all points together are the score")
    origin: Origin = Field(description="Where the value is from: `llm` was guessed by a language model")


class PriorityResult(WireModel):
    """How urgent a task is, and why. Stored once per revision."""

    request_id: str = Field(examples=["ticket-4711"])
    revision: int = 1
    urgency_level: UrgencyLevel
    priority_metrics: PriorityMetrics
    reasoning: str = Field(description="The score in words")
    ai_confidence: float = Field(ge=0, le=1, description="Share of the score that rests on given values")
    estimated_resolution_hours: float = Field(gt=0, description="By the service level of level and category")
    escalation_required: bool
    suggestions: tuple[str, ...] = Field((), description="What to do, by rule; see also PrioritySuggestions")
    contributions: tuple[Contribution, ...]
    model: ScoringModel
    cached: bool = Field(default=False, description="Whether the same content had been scored before")
    ai_skipped: AiSkipped | None = Field(
        None, description="Why no language model filled the missing factors; missing: one did"
    )
    task: PriorityTask = Field(description="What was scored, so that it can be scored again later")
    processed_at: datetime
    worker: str | None = None


class PriorityError(WireModel):
    """Why there is no score; stored in the result's place."""

    request_id: str
    revision: int = 1
    error: str
    code: PriorityErrorCode
    retryable: bool
    processed_at: datetime

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

    request_id: str
    revision: int = 1
    suggestions: tuple[str, ...] = Field(max_length=5)
    origin: Literal["llm", "rules"]
    provider: str | None = None
    model: str | None = None
    ai_skipped: AiSkipped | None = None
    created_at: datetime


class PriorityOverride(WireModel):
    """A human decision about a task; the last one counts, and the score stays as it was."""

    request_id: str
    action: Literal["set", "clear", "withdraw"] = Field(
        description="`set` level or score, `clear` what was set, `withdraw` the task from the ranking"
    )
    urgency_level: UrgencyLevel | None = None
    final_priority_score: float | None = Field(None, ge=0, le=10)
    reason: str = Field("", max_length=500)
    by: str = Field("", max_length=120)
    created_at: datetime


class PriorityStatus(WireModel):
    """Where one task stands. Best effort; what is stored counts."""

    request_id: str
    revision: int = 1
    state: State
    worker: str | None = None
    created_at: datetime


class PriorityCancel(WireModel):
    """Stop one revision of a task, whose id is in the subject."""

    revision: int = Field(1, ge=1)
