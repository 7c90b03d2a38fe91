"""What becomes of one delivery, said as a value, and the few errors a service says it with.

    Undelivered
    |-- Busy       somebody else works on it; look again after `after` seconds (costs no try)
    |-- Retryable  it may work later: after `after` seconds (costs a try)
    `-- Rejected   it can never work: a dead letter with a reason

`delivery.py` turns the error into an outcome and the outcome into ack, nak(delay) or term + dead letter.
The reason is a `Literal` because dashboards and `memebattle dlq` key on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

type Reason = Literal[
    "invalid_json",
    "invalid_request",
    "malformed_headers",
    "id_conflict",
    "too_many_attempts",
]


@dataclass(frozen=True, slots=True)
class Done:
    """Served, or found served already: ack."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Give it back and see it again after `after` seconds: nak with that delay."""

    after: float


@dataclass(frozen=True, slots=True)
class Reject:
    """Put it aside for good: dead letter, then term."""

    reason: Reason
    detail: str


type Outcome = Done | Retry | Reject


class Undelivered(Exception):
    """A delivery that did not end in an answer."""


class Busy(Undelivered):
    """The request is in work elsewhere."""

    def __init__(self, after: float) -> None:
        super().__init__(f"in work elsewhere, again in {after:.2f} s")
        self.after = after


class Retryable(Undelivered):
    """Nothing is wrong with the request; it did not work this time."""

    def __init__(self, message: str, *, after: float, kind: str) -> None:
        super().__init__(message)
        self.after = after
        self.kind = kind


class Rejected(Undelivered):
    """The request can never be served."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail
