"""Subjects: what a token is, how templates are filled, and which template a subject belongs to."""

from __future__ import annotations

import pytest

from memebattle.bus.subjects import ANSWER, MEANINGS, MEME_STATUS, InvalidToken, fill, is_token, pattern_of

BAD_TOKENS = ["", "a.b", "a b", "*", ">", "a\nb", "a\n", "\na", "a\r\n", "a\x00", "ümlaut", "x" * 65, "$JS"]


@pytest.mark.parametrize("token", ["a", "cat-on-mars-1", "A_b-9", "js-MEMES-17", "x" * 64])
def test_letters_digits_underscore_and_hyphen_make_a_token(token: str) -> None:
    assert is_token(token)
    assert fill(MEME_STATUS, request_id=token) == f"meme.status.{token}"


@pytest.mark.parametrize("value", BAD_TOKENS)
def test_anything_else_is_refused_by_its_name(value: str) -> None:
    assert not is_token(value)
    with pytest.raises(InvalidToken, match="request_id must be 1 to 64"):
        fill(MEME_STATUS, request_id=value)


def test_none_is_no_token() -> None:
    assert not is_token(None)


def test_every_parameter_is_checked() -> None:
    with pytest.raises(InvalidToken, match="kind must be"):
        fill(ANSWER, request_id="r1", kind="response.error")


def test_a_long_value_is_not_repeated_whole() -> None:
    with pytest.raises(InvalidToken) as refusal:
        fill(MEME_STATUS, request_id="." * 10_000)

    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    ("subject", "pattern"),
    [
        ("meme.request", "meme.request"),
        ("meme.response", "meme.response"),
        ("meme.response.error", "meme.response.error"),
        ("meme.status.r1", "meme.status.{request_id}"),
        ("meme.cancel.r1", "meme.cancel.{request_id}"),
        ("answers.meme.r1.response", "answers.meme.{request_id}.{kind}"),
        ("answers.meme.r1.response.error", "answers.meme.{request_id}.{kind}"),
        ("dlq.MEMES.meme-generator", "dlq.{stream}.{consumer}"),
        ("prioritization.request", "prioritization.request"),
        ("prioritization.request.t1", "prioritization.request.{request_id}"),
        ("prioritization.result", "prioritization.result"),
        ("prioritization.result.t1", "prioritization.result.{request_id}"),
        ("prioritization.suggestions.t1", "prioritization.suggestions.{request_id}"),
        ("prioritization.override.t1", "prioritization.override.{request_id}"),
        ("prioritization.status.t1", "prioritization.status.{request_id}"),
        ("prioritization.cancel.t1", "prioritization.cancel.{request_id}"),
        ("prioritization.sync", "prioritization.sync"),
        ("audit.priority.override", "audit.priority.{action}"),
        ("something.else", "other"),
        ("meme.status.r1.more", "other"),
    ],
)
def test_a_subject_is_counted_under_its_pattern(subject: str, pattern: str) -> None:
    """Metric labels are bounded: a raw subject would make one time series per request."""
    assert pattern_of(subject) == pattern


def test_every_subject_has_a_meaning() -> None:
    assert all(meaning.strip() for meaning in MEANINGS.values())
