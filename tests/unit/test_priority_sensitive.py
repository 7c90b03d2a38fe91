"""What must not be shown to a language model is recognised; what tickets are full of is not."""

from __future__ import annotations

import time

import pytest

from memebattle.priority.sensitive import KINDS, _plain, luhn, sensitive_reason
from tests.priority_tasks import task

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


def reason(text: str) -> str | None:
    return sensitive_reason(task(description=text))


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "see -----BEGIN PGP PRIVATE KEY BLOCK-----",
        "PuTTY-User-Key-File-3: ssh-ed25519",
        "AGE-SECRET-KEY-1QQPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQG",
    ],
)
def test_private_keys(text: str) -> None:
    assert reason(text) == "private key"


@pytest.mark.parametrize(
    "text",
    [
        "the key AKIAIOSFODNN7EXAMPLE is in the log",
        "ASIAIOSFODNN7EXAMPLE",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "github_pat_11ABCDEFG0abcdefghijkl_mnop",
        "glpat-abcdefghij0123456789",
        "OPENAI sk-proj-abcdefghijklmnop1234567890",
        "sk-ant-api03-abcdefghijk-lmnop_1234567890",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH",
        "npm_abcdefghijklmnopqrstuvwxyz0123456789",
        "AIzaSyA1234567890abcdefghijklmnopqrstuv",
        "xoxb-123456789012-abcdef",
        f"Authorization: Bearer {JWT}",
        f"it says {JWT}.",
        "curl -H 'Authorization: Bearer a1b2c3d4e5f6g7h8i9j0'",
    ],
)
def test_access_tokens(text: str) -> None:
    assert reason(text) == "access token"


@pytest.mark.parametrize(
    "text",
    [
        "password: hunter2",
        "Password: hunter",
        "password:x",
        "PASSWORD = Tr0ub4dor&3",
        "DB_PASSWORD=letmein please help",
        "user: bob, password: hunter, server: db1",
        'password: "hunter" does not work any more',
        "user bob pass: s3cret! since Monday",
        "my password is hunter2 and it fails",
        "pwd=abc",
        "api_key=abcdef",
        "apikey: 8f3b-11",
        "API key: 8f3b11 since yesterday",
        "client_secret: 0d9f8e7c",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG",
        '{"token": "abc"}',
        "export TOKEN=abc",
        "passphrase: 4711 for the key",
        "Passwort: geheim1",
        "\u043f\u0430\u0440\u043e\u043b\u044c: qwerty1",
        "password:\nhunter2\nthanks",
        "https://bob:hunter2@db.example/x",
        "Password: users complain. password=hunter2",
        "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44: hunter2",
        "pass\u200bword: hunter2",
    ],
)
def test_passwords(text: str) -> None:
    assert reason(text) == "password"


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "card 5500 0000 0000 0004 was charged twice",
        "2223003122003222",
        "378282246310005",
        "3782 822463 10005",
        "30569309025904",
        "6011 1111 1111 1117",
        "3530111333300000",
        "6304000000000000",
        "4222222222222",
        "41 11 11 11 11 11 11 11",
        "4111 1111 1111 1111 12/27 123",
        "4111111111111111 123",
        "order 1234 4111 1111 1111 1111",
        "Visa-4111111111111111.",
        "\uff14\uff11\uff11\uff11\u00a01111 1111 1111",
    ],
)
def test_payment_cards(text: str) -> None:
    assert reason(text) == "payment card"


@pytest.mark.parametrize(
    "text",
    [
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00 and nothing else",
        "pay to GB82 WEST 1234 5698 7654 32, please",
        "AT611904300234573201",
        "AT61 1904 3002 3457 3201 bank",
        "NO93 8601 1117 947",
        "MT84MALT011000012345MTLCAST001S",
        "fr14 2004 1010 0505 0001 3m02 606",
        "CH93-0076-2011-6238-5295-7",
    ],
)
def test_ibans(text: str) -> None:
    assert reason(text) == "IBAN"


@pytest.mark.parametrize(
    "text",
    [
        "bob@example.com",
        "Write to <ada.lovelace+work@mail.example.co.uk>!",
        "mailto:x@y.io",
        "J\u00fcrgen@b\u00fccher.example",
        "bob\uff20example.com",
    ],
)
def test_email_addresses(text: str) -> None:
    assert reason(text) == "e-mail address"


@pytest.mark.parametrize(
    "text",
    [
        # numbers of orders, tickets, parcels, devices and articles
        "order 1234567890123456 is late",
        "order 4111111111111112",
        "ticket 2026-000123, parcel 00340434161094021501",
        "IMEI 356938035643809",
        "tweet 1234567890123456789",
        "1732197600000 and 1732197600",
        "pi is 3.141592653589793",
        # dates, times and telephone numbers
        "2026-11-21T14:32:30.123456Z until 2026-11-22 14:32:30",
        "20261121143230",
        "+49 170 1234567, (030) 1234-5678, +4917012345678",
        "0049 170 1234567 or +1 (555) 010-4477 ext. 12",
        # names of things
        "550e8400-e29b-41d4-a716-446655440000",
        "12345678-1234-4123-8123-123456789012",
        "commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "10.0.0.1:8080 and fe80::1ff:fe23:4567:890a",
        "git@github.com:org/repo.git",
        "react@18.2.0, logo@2x.png, @channel, root@localhost",
        "task-12345678901234567890",
        "AKIA is how such keys begin, ghp_ and sk- too",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
        "DE12 is an exit of the road, DE89 3704 0044 0532 0130 01 is mistyped",
        "room GB82 WEST wing",
        # sentences about passwords
        "Forgot my password",
        "Password reset: user is locked out",
        "Password: users cannot log in since Monday",
        "Forgotten password: self-service portal is down",
        "password: expired",
        "Password: ********",
        "password=<your password>",
        "API_KEY=${API_KEY}",
        "The password is wrong",
        "my password is not accepted",
        "token: expired, again",
        "Tokens: 5000 per day",
        "Secretary: Anna",
        "compass: north",
        "Secret Santa: who is in",
        "https://example.com:8080/path?page=2",
        "12 of 20 tests pass: 8 fail",
    ],
)
def test_everyday_words_of_tickets_are_not_sensitive(text: str) -> None:
    assert reason(text) is None


@pytest.mark.parametrize("field", ["title", "description", "context", "tags"])
def test_everything_that_a_model_would_be_shown_is_looked_at(field: str) -> None:
    text = "password: hunter2"
    asked = task(**{field: [text] if field == "tags" else text})

    assert sensitive_reason(asked) == "password"


def test_the_requester_is_not_shown_to_a_model_and_so_not_looked_at() -> None:
    assert sensitive_reason(task(requester_name="bob@example.com", requester_id="bob@example.com")) is None


def test_the_gravest_kind_is_named_and_never_the_content() -> None:
    asked = task(title="bob@example.com", description="4111111111111111", context="password: hunter2")

    assert sensitive_reason(asked) == "password"
    assert next(iter(KINDS)) == "private key"


def test_the_check_digit_of_a_card() -> None:
    assert luhn("79927398713")
    assert not any(luhn(f"7992739871{digit}") for digit in "012456789")


def test_no_text_grows_while_it_is_looked_at() -> None:
    """The Arabic ligature stands for 18 letters."""
    assert len(_plain("\ufdfa" * 4000)) == 4000


PIECES = [
    "1",
    "1 ",
    "1-",
    "4111 ",
    "4111 1111 1111 111",
    "1.",
    "a",
    "a@",
    "@",
    "a.",
    "a@a.",
    "a@" + "a." * 8,
    "-" * 5 + "BEGIN ",
    "-----BEGIN RSA ",
    "eyJ",
    "eyJabcdefgh.",
    "-eyJabcdefgh",
    "sk-",
    "sk-a ",
    "ghp_",
    "AKIA",
    "bearer ",
    "Bearer aaaaaaaaaaaaaaaa",
    "password",
    "password ",
    "password:",
    "password: a ",
    "password is ",
    "password is a",
    "token=",
    "://",
    "://a:",
    "DE89",
    "DE89 ",
    "DE89 3704 ",
    "d8",
    "D1 ",
    "' ",
    "\n",
    "\u0301",
    "\ufdfa",
    "\uff11",
    "\u200b",
]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("end", ["", "x", "!"])
def test_hostile_text_takes_no_longer_than_other_text(piece: str, end: str) -> None:
    """In processor time, which busy neighbours do not lengthen; a quadratic pattern takes seconds."""
    text = (piece * 4000)[: 4000 - len(end)] + end
    asked = task(title="x" + end, description=text, context=text)
    before = time.process_time()
    sensitive_reason(asked)

    assert time.process_time() - before < 0.2
