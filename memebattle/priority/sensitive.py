"""Whether a task holds something that must not be shown to a language model, and of which kind.

Kinds are named, contents never: the reason goes into results and logs. Texts and tags are looked at; name and
id of the requester are not, because no model is shown them. A task is better scored by rule once too often
than a password sent away once, yet order numbers, dates, telephone numbers, UUIDs and hashes are everyday
words of a ticket and pass. Cards and IBANs are believed only with the right length and check digits.

Every pattern is bounded or starts at a place of its own, so that hostile text takes linear time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from memebattle.priority.messages import PriorityTask


def sensitive_reason(task: PriorityTask) -> str | None:
    """The kind of sensitive content in a task, the gravest first; None if there is none."""
    texts = [_plain(text) for text in (task.title, task.description, task.context, *task.tags) if text]
    return next((kind for kind, holds in KINDS.items() if any(map(holds, texts))), None)


def _plain(text: str) -> str:
    """Full-width letters as the usual ones, without characters that nobody sees, and never longer."""
    if text.isascii():
        return text
    return "".join(_usual(char) for char in text if unicodedata.category(char) != "Cf")


def _usual(char: str) -> str:
    usual = unicodedata.normalize("NFKC", char)
    return usual if len(usual) == 1 else char


_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File-\d|AGE-SECRET-KEY-1[A-Z0-9]{20}"
)

_TOKEN = re.compile(
    r"""(?<![A-Za-z0-9])(?:
      A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])        # Amazon Web Services
    | gh[pousr]_[A-Za-z0-9]{16} | github_pat_\w{20} | glpat-[\w-]{20}
    | sk-(?=[\w-]{0,60}\d)[\w-]{16}             # OpenAI, Anthropic and those like them
    | [sr]k_(?:live|test)_[A-Za-z0-9]{16}       # Stripe
    | hf_[A-Za-z0-9]{16} | npm_[A-Za-z0-9]{30} | pypi-[\w-]{40} | AIza[\w-]{35}
    | xox[abeoprs]-[\w-]{10}                    # Slack
    | (?<![_-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.     # a JSON Web Token
    )""",
    re.VERBOSE | re.ASCII,
)
_BEARER = re.compile(r"\bbearer\s{1,8}(?=[\w.~+/=-]{0,60}\d)[\w.~+/=-]{16}", re.IGNORECASE | re.ASCII)


def _holds_token(text: str) -> bool:
    return bool(_TOKEN.search(text) or _BEARER.search(text))


_NAME = r"""(?:
    pass(?:word|wd|phrase|code) | passwort | kennwort | contrase\u00f1a | mot\ de\ passe | senha
    | \u043f\u0430\u0440\u043e\u043b\u044c | \u5bc6\u7801
    | (?<![^\W_])(?:pwd | pass | secret | token
      | (?:api | secret | private | access | account)[ _-]?key
      | (?:api | access | auth | refresh | client | bearer)[ _-]?(?:token | secret | key))
    )"""
_ASSIGNED = re.compile(
    _NAME
    + r"""["'`]?\s{0,8}(?P<sign>:=|=>|={1,2}|:)\s{0,8}
    (?P<value><[^<>\n]{1,60}>|\S{1,200})(?=(?P<after>[^\n]{0,80}))""",
    re.VERBOSE | re.IGNORECASE,
)
_SAID = re.compile(
    _NAME + r"\s{1,8}(?:is|was|ist|lautet)\s{1,8}[\"'`]?(?=\S{0,40}\d)(?=\S{0,40}[^\W\d_])\S{6}",
    re.VERBOSE | re.IGNORECASE,
)
_IN_ADDRESS = re.compile(r"://[^\s:/@]{1,64}:[^\s:/@]{1,128}@")

_PROSE = re.compile(r"[^\W\d_]+(?:['\u2019/-][^\W\d_]+)*")
_PLACEHOLDER = re.compile(r"[*\u2022.x_-]{2,}|<.*>|\[.*\]|\$?\{.*\}?", re.IGNORECASE)
_STATE = re.compile(
    "expir(ed|es|ing)|forgot(ten)?|reset|changed?|unknown|wrong|incorrect|invalid|missing|lost|locked|required"
    "|needed|none|null|yes|no|ok|todo|redacted|hidden|removed|rejected|denied|refused|broken|policy|problems?"
    "|issues?|error|help|please",
    re.IGNORECASE,
)
_QUOTES = "\"'`"
_PIN = 4  # digits


def _holds_password(text: str) -> bool:
    """A name such as `password`, a sign such as `:` or `=`, and behind it what is not just a sentence."""
    if _SAID.search(text) or _IN_ADDRESS.search(text):
        return True
    return any(_is_secret(**found.groupdict()) for found in _ASSIGNED.finditer(text))


def _is_secret(sign: str, value: str, after: str) -> bool:
    """Neither a placeholder nor a usual state, and either no plain word or a word that stands alone.

    "Password: users cannot log in" is a sentence; `password: hunter`, `password=hunter, user=bob` and
    `password: "hunter" for the VPN` are not.
    """
    bare = value.strip(_QUOTES + ".,;:!?()")
    if not bare or _PLACEHOLDER.fullmatch(bare) or _STATE.fullmatch(bare):
        return False
    if "=" in sign or value[0] in _QUOTES or value[-1] in ",;" or not after.strip(_QUOTES + " \t.,;:!?)"):
        return True
    return len(bare) >= _PIN and not _PROSE.fullmatch(bare)


# in a row, in any groups, and in the usual groups among other numbers
_DIGITS = (
    re.compile(r"(?<![\w+])(?<!\d\.)(\d{13,19})(?!\w)", re.ASCII),
    re.compile(r"(?<![\w+])(?<!\d\.)(\d(?:[ -]?\d){12,})(?!\w)", re.ASCII),
    re.compile(r"(?<![\w+])(?=(\d{4}([ .-])(?:\d{4}\2\d{4}\2\d{4}|\d{6}\2\d{4,5})(?!\w)))", re.ASCII),
)
# which first digits occur, with which lengths (ISO/IEC 7812 and the networks' own lists)
_CARD = re.compile(
    r"""4\d{12}(?:\d{3}){0,2} | 5[1-5]\d{14} | 2(?:2[2-9]|[3-6]\d|7[01])\d{13} | 2720\d{12} | 3[47]\d{13}
    | 3(?:0[0-5]|[689]\d)\d{11,16} | 35\d{14,17} | (?:6\d|5[06-9])\d{11,17}""",
    re.VERBOSE | re.ASCII,
)


def _holds_card(text: str) -> bool:
    runs = (found[1] for pattern in _DIGITS for found in pattern.finditer(text))
    return any(_is_card(re.sub(r"\D", "", run)) for run in runs)


def _is_card(digits: str) -> bool:
    return bool(_CARD.fullmatch(digits)) and luhn(digits)


def luhn(digits: str) -> bool:
    """Whether the check digit is right (Luhn, 1954)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


_IBAN_START = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{2})\d{2}(?=[ -]?[A-Za-z0-9])", re.ASCII)
_IBAN_LENGTHS = dict(
    re.findall(
        r"(\w\w)(\d\d)",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28"
        " EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26"
        " IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28"
        " NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25"
        " SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30",
    )
)


def _holds_iban(text: str) -> bool:
    starts = _IBAN_START.finditer(text)
    return any(_is_iban(text[found.start() :][:80], found[1].upper()) for found in starts)


def _is_iban(text: str, country: str) -> bool:
    """Whether an account number of that country's length begins here, and its check digits are right."""
    if country not in _IBAN_LENGTHS:
        return False
    more = int(_IBAN_LENGTHS[country]) - 1
    found = re.match(rf"[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){{{more}}}(?![A-Za-z0-9])", text)
    return found is not None and _divides(re.sub(r"[ -]", "", found[0]))


def _divides(account: str) -> bool:
    """The check of ISO 13616: letters as numbers from 10 on, the first four signs last, modulo 97."""
    return int("".join(str(int(sign, 36)) for sign in account[4:] + account[:4])) % 97 == 1


_EMAIL = re.compile(
    r"(?<![\w.%+-])(?!git@)[\w.%+-]{1,64}@(?!\dx\.)(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,63}(?!\w)", re.IGNORECASE
)


def _holds_email(text: str) -> bool:
    return bool(_EMAIL.search(text))


KINDS: dict[str, Callable[[str], bool]] = {
    "private key": lambda text: bool(_PRIVATE_KEY.search(text)),
    "access token": _holds_token,
    "password": _holds_password,
    "payment card": _holds_card,
    "IBAN": _holds_iban,
    "e-mail address": _holds_email,
}
