"""What a task is called: in its body, its subject, its delivery; and what one revision of it is called."""

from __future__ import annotations

import secrets

import pydantic_core

from memebattle.bus.idempotency import Delivery
from memebattle.bus.subjects import is_token

MOST_REVISIONS = 1_000_000


def new_id() -> str:
    """An id nobody else will think of: 128 random bits, 22 characters."""
    return secrets.token_urlsafe(16)


def claim_of(request_id: str, revision: int) -> str:
    """The name of one revision, among all revisions of all tasks."""
    return f"{request_id}.{revision}"


def id_in_subject(subject: str, request_subject: str) -> str | None:
    """The last token of `{request_subject}.{id}`, if it is a usable id."""
    head, _, last = subject.rpartition(".")
    return last if head == request_subject and is_token(last) else None


def named_by(delivery: Delivery, request_subject: str) -> str | None:
    """The id of a task whose body has none."""
    return id_in_subject(delivery.subject, request_subject) or delivery.fallback_id


def named_in(body: bytes) -> tuple[str | None, int]:
    """Id and revision of a message that is not a valid task, as far as they are usable."""
    try:
        data = pydantic_core.from_json(body)
    except ValueError:
        return None, 1
    if not isinstance(data, dict):
        return None, 1
    found, revision = data.get("id"), data.get("revision")
    if not isinstance(revision, int) or not 1 <= revision <= MOST_REVISIONS:
        revision = 1
    return (found if isinstance(found, str) and is_token(found) else None), int(revision)
