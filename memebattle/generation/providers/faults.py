"""What a provider's refusal means: status, headers and body -> one of our few named errors.

    401 403   ProviderAuthError      the token
    402       ProviderQuotaError     the credits
    404 410   ModelUnavailable       also a 400 that says so: models come and go
    408 504   ProviderTimeout
    429       ProviderRateLimited    `Retry-After`, else `RateLimit: ...;t=`
    other 4xx InvalidPrompt          or ContentBlocked, when the text says so
    the rest  ProviderUnavailable    5xx (a loading model says `estimated_time`), redirects, nonsense

Providers put the reason under `error`, `detail` or `message`, as a string, a list or an object, or send HTML.
Beside it the APIs for text put a word, as `type` or `code`. Some words say more than the status (OpenAI sends
429 for an empty account), and in an error that comes in mid-stream the word is all there is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
# words that say more than the status they come with
_PRECISE: Mapping[str, int] = {
    "insufficient_quota": 402,
    "billing_error": 402,
    "model_not_found": 404,
}
# words of errors in mid-stream, which have no status; Anthropic's are documented with one
_STATUS_OF: Mapping[str, int] = {
    **_PRECISE,
    "invalid_request_error": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "timeout_error": 504,
}
_MODEL_GONE = re.compile(
    r"model.*(not (supported|found|available|served)|does not exist|deprecated|no longer)", re.IGNORECASE
)
_BLOCKED = re.compile(
    r"nsfw|content[ _]?(policy|filter|management policy)|safety (system|checker|filter)", re.IGNORECASE
)
_NO_CREDIT = re.compile(r"credit balance is too low", re.IGNORECASE)
_RESET = re.compile(r";\s*t=(\d+)")
_CLIENT_FAULTS = range(400, 500)
_ERRORS = range(400, 600)


@dataclass(frozen=True, slots=True)
class Provider:
    """Who refuses: its name in our messages, and what to do about each kind of error."""

    name: str
    advice: Mapping[type[GenerationError], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that did not bring what we want. `headers` compare without case; `body` may be cut short."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def named(refusal: Refusal, *, provider: Provider, secret: str, now: float) -> GenerationError:
    """The error for this refusal, to be raised by the caller.

    Args:
        refusal: what came back.
        provider: whom it came from.
        secret: the token; struck out should the provider repeat it.
        now: unix seconds, for `Retry-After` in its form as a date.
    """
    document = parse_json(refusal.body)
    words = [word for word in _words(document) if isinstance(word, str)]
    status = next((_PRECISE[word] for word in words if word in _PRECISE), refusal.status)
    error = _error(status, document, f"{provider.name} answered {refusal.status}", provider, secret)
    if error.retryable:
        error.retry_after = _retry_after(refusal, document, now)
    return error


def broken_off(document: Any, *, provider: Provider, secret: str) -> GenerationError:
    """The error for an error object that came in the middle of a stream, after a status of 200.

    Args:
        document: what came, parsed: `{"error": {"message": ..., "type": ..., "code": ...}}` or less.
        provider: whom it came from.
        secret: the token; struck out should the provider repeat it.
    """
    return _error(_stated_status(document), document, f"{provider.name} broke off", provider, secret)


def _error(status: int, document: Any, what: str, provider: Provider, secret: str) -> GenerationError:
    reason = _reason(document)
    kind = _kind(status, f"{reason} {' '.join(map(str, _words(document)))}")
    if secret:
        reason = reason.replace(secret, "***")
    message = f"{what} ({reason[:MAX_REASON]})" if reason else what
    if advice := provider.advice.get(kind):
        message += f": {advice}"
    return kind(message)


def _kind(status: int, text: str) -> type[GenerationError]:
    if kind := _KINDS.get(status):
        return kind
    if status not in _CLIENT_FAULTS:
        return ProviderUnavailable
    if _BLOCKED.search(text):
        return ContentBlocked
    if _NO_CREDIT.search(text):
        return ProviderQuotaError
    return ModelUnavailable if _MODEL_GONE.search(text) else InvalidPrompt


def _words(document: Any) -> Iterator[Any]:
    """`code` and `type` of the error, the more exact one first; some servers put a status under `code`."""
    match document:
        case {"error": dict(error)} | dict(error):
            yield from (error[name] for name in ("code", "type") if error.get(name) is not None)


def _stated_status(document: Any) -> int:
    """The status an error would have had as an answer; 500 when it does not say."""
    for word in _words(document):
        if isinstance(word, int) and word in _ERRORS:
            return word
        if isinstance(word, str) and word in _STATUS_OF:
            return _STATUS_OF[word]
        if isinstance(word, str) and _BLOCKED.search(word):
            return HTTPStatus.BAD_REQUEST
    return HTTPStatus.INTERNAL_SERVER_ERROR


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
