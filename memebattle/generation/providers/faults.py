"""What a refusal of HuggingFace means: status, headers and body -> one of our few named errors.

    401 403   ProviderAuthError      the token
    402       ProviderQuotaError     the credits
    404 410   ModelUnavailable       also a 400 that says so: models come and go
    408 504   ProviderTimeout
    429       ProviderRateLimited    `Retry-After`, else `RateLimit: ...;t=`
    other 4xx InvalidPrompt          or ContentBlocked, when the text says so
    the rest  ProviderUnavailable    5xx (a loading model says `estimated_time`), redirects, nonsense

Providers put the reason under `error`, `detail` or `message`, as a string, a list or an object, or send HTML.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from memebattle.generation.ports import (
    ContentBlocked,
    GenerationError,
    InvalidPrompt,
    ModelUnavailable,
    ProviderAuthError,
    ProviderQuotaError,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
)
from memebattle.generation.providers.shapes import parse_json

MAX_RETRY_AFTER = 60.0
MAX_REASON = 200  # characters of the provider's own text that we repeat

_KINDS: dict[int, type[GenerationError]] = {
    401: ProviderAuthError,
    402: ProviderQuotaError,
    403: ProviderAuthError,
    404: ModelUnavailable,
    408: ProviderTimeout,
    410: ModelUnavailable,
    425: ProviderUnavailable,
    429: ProviderRateLimited,
    504: ProviderTimeout,
}
_ADVICE: dict[type[GenerationError], str] = {
    ProviderAuthError: "check HF_API_TOKEN: it needs the permission 'Make calls to Inference Providers'",
    ProviderQuotaError: "the credits of HF_API_TOKEN are used up; buy more or set HF_BILL_TO",
    ModelUnavailable: "set HF_MODEL to a model that HF_PROVIDER serves",
}
_MODEL_GONE = re.compile(
    r"model.*(not (supported|found|available|served)|does not exist|deprecated|no longer)", re.IGNORECASE
)
_BLOCKED = re.compile(r"nsfw|content[ _]?policy|safety (system|checker|filter)", re.IGNORECASE)
_RESET = re.compile(r";\s*t=(\d+)")
_CLIENT_FAULTS = range(400, 500)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that brought no picture. `headers` compare without case; `body` may be cut short."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def named(refusal: Refusal, *, secret: str, now: float) -> GenerationError:
    """The error for this refusal, to be raised by the caller.

    Args:
        refusal: what came back.
        secret: the token; struck out should the provider repeat it.
        now: unix seconds, for `Retry-After` in its form as a date.
    """
    document = parse_json(refusal.body)
    reason = _reason(document)
    kind = _kind(refusal.status, reason)
    if secret:
        reason = reason.replace(secret, "***")
    message = f"HuggingFace answered {refusal.status}"
    if reason:
        message += f" ({reason[:MAX_REASON]})"
    if advice := _ADVICE.get(kind):
        message += f": {advice}"
    return kind(message, retry_after=_retry_after(refusal, document, now) if kind.retryable else None)


def _kind(status: int, reason: str) -> type[GenerationError]:
    if kind := _KINDS.get(status):
        return kind
    if status not in _CLIENT_FAULTS:
        return ProviderUnavailable
    if _BLOCKED.search(reason):
        return ContentBlocked
    return ModelUnavailable if _MODEL_GONE.search(reason) else InvalidPrompt


def _reason(document: Any) -> str:
    """The provider's own words on one line, without control characters; empty when it said nothing."""
    match document:
        case {"error": {"message": text}} | {"error": text} | {"detail": text} | {"message": text}:
            words = "; ".join(map(str, text)) if isinstance(text, list) else str(text)
            return " ".join("".join(c if c.isprintable() else " " for c in words).split())
        case _:
            return ""


def _retry_after(refusal: Refusal, document: Any, now: float) -> float | None:
    """Seconds to wait, at most a minute; None when the provider did not say."""
    stated = _header_seconds(refusal.headers.get("retry-after", ""), now)
    if stated is None and refusal.status == HTTPStatus.TOO_MANY_REQUESTS:
        # only here: a RateLimit header also comes with answers that have nothing to do with the limit
        reset = _RESET.search(refusal.headers.get("ratelimit", ""))
        stated = _seconds(reset[1]) if reset else None
    if stated is None and isinstance(document, dict):
        stated = _seconds(document.get("estimated_time"))
    return None if stated is None else min(max(stated, 0.0), MAX_RETRY_AFTER)


def _header_seconds(value: str, now: float) -> float | None:
    if (seconds := _seconds(value)) is not None:
        return seconds
    try:
        return parsedate_to_datetime(value).timestamp() - now
    except (ValueError, OverflowError):
        return None


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) else None
