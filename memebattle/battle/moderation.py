"""What may not be said: a list of words, told apart from its surroundings and from how people hide them.

`moderate` refuses coarse words, `strict` rude ones as well; words of your own (`BATTLE_BLOCKED_WORDS`) are
refused at both. A list is not a judge: what it misses the host can hide, or approve each meme before it is
shown. `Moderator` is the port for whoever has a better one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from memebattle.battle.names import folded

log = logging.getLogger(__name__)

COARSE = (
    "asshole", "bastard", "bitch", "bullshit", "cock", "cunt", "dickhead", "fuck", "motherfucker", "nazi",
    "penis", "porn", "pussy", "rape", "shit", "slut", "vagina", "wank", "whore",
)  # fmt: skip
RUDE = (
    "arse", "ass", "boob", "butt", "crap", "damn", "dick", "fart", "hell", "idiot", "kill", "moron", "nude",
    "piss", "poop", "sex", "stupid", "suck", "suicide", "turd",
)  # fmt: skip
ENDINGS = "(?:s|es|er|ers|ing|ed|y)?"
APART = re.compile(r"[|!\d]+")
SIGNS = str.maketrans("013457@$!|€", "oieastasiie")
CONTRACTED = re.compile(r"['’](?:d|ll|m|re|s|ve)\b")  # noqa: RUF001 - he'll is no hell
OBJECTION = "please say it without {word!r}: children may be watching"


@dataclass(frozen=True, slots=True)
class WordList:
    """The moderator without a model. `blocked` are the operator's own words."""

    blocked: tuple[str, ...] = ()
    _patterns: dict[str, re.Pattern[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        own = tuple(filter(None, (plain(word) for word in self.blocked)))
        if len(own) < len(self.blocked):
            log.warning("Blocked words without a letter or a digit block nothing")
        levels = {"moderate": (*COARSE, *own), "strict": (*COARSE, *RUDE, *own)}
        patterns = {level: _any_of(words) for level, words in levels.items()}
        object.__setattr__(self, "_patterns", patterns)

    def objection(self, text: str, level: str) -> str | None:
        """See the port. Spaced-out and dressed-up spellings are read as what they mean."""
        pattern = self._patterns.get(level)
        if pattern is None:
            return None
        found = next(filter(None, map(pattern.search, _readings(text))), None)
        return OBJECTION.format(word=found[0]) if found else None


def _readings(text: str) -> Iterator[str]:
    """What a reader may take it for: signs are letters (`sh!t`), or they stand around words (`shit!`)."""
    for reading in (plain(text), plain(APART.sub(" ", text))):
        yield reading
        yield _joined(reading)


def plain(text: str) -> str:
    """Lower case, without accents, digits and signs in words read as the letters they stand for."""
    words = (_spelled(word) for word in CONTRACTED.sub("", folded(text)).split())
    return re.sub(r"[^\w ]|_", "", " ".join(words))


def _spelled(word: str) -> str:
    """A number stays a number."""
    return word.translate(SIGNS) if any(letter.isalpha() for letter in word) else word


def _joined(text: str) -> str:
    """Single letters in a row as one word: `s h i t`."""
    return re.sub(r"\b(?:[^\W\d] ){2,}[^\W\d]\b", lambda run: run[0].replace(" ", ""), text)


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    doubled = ("".join(f"{letter}+" for letter in word) for word in sorted(set(words)))
    return re.compile(rf"\b(?:{'|'.join(doubled)}){ENDINGS}\b")
