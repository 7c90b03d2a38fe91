"""What the offline provider says: a meme coach with a small repertoire and good manners.

    advise("a caption for my cat on a standup call", rng)

It listens for a subject (greetings, the rules, the craft, infrastructure), else for the moment or the thing
that the message is about, and answers in some 25 to 60 words: something kind, two lines in the form that a
prompt takes (`top | bottom`), a piece of craft, an invitation. It knows nothing and looks nothing up; the
same words and the same `rng` make the same answer.
"""

from __future__ import annotations

import re
from random import Random

from memebattle.generation.providers import repertoire as ready

# in words: what is longer is no greeting, no caption, no name
LONGEST_GREETING, LONGEST_REMARK = 4, 7
SHORTEST_MOMENT, LONGEST_MOMENT = 3, 9
LONGEST_NAME, LONGEST_TOPIC = 2, 6
LONGEST_WORD = 30  # in letters

_WORD = re.compile(r"[\w'/+-]+")
_END = re.compile(r"[.!?;:\n]")
_PAST = re.compile(r"[a-z]{3,}ed")
_WHEN = re.compile(r"\bwhen\s+(.+)", re.IGNORECASE)
# matched from the start, so that the last of several counts and a long message takes no quadratic time
_ABOUT = re.compile(
    r".*\b(?:captions?|jokes?|memes?|something|ideas?|help|lines?|one)\s+(?:about|for|of|with|on)\s+(.+)",
    re.IGNORECASE | re.DOTALL,
)


def advise(question: str, rng: Random) -> str:
    """One answer to one message."""
    said = _WORD.findall(question.lower())
    heard = frozenset(said)
    if heard & ready.THANKS and len(said) <= LONGEST_REMARK:
        return rng.choice(ready.WELCOMES)
    if heard & ready.GREETINGS and len(said) <= LONGEST_GREETING:
        return rng.choice(ready.HELLOS)
    if heard & ready.RULES:
        return rng.choice(ready.EXPLANATIONS)
    if heard & ready.CRAFT_WORDS and len(said) <= LONGEST_REMARK and not _ABOUT.match(question):
        return rng.choice(ready.ADVICE)
    opening, (top, bottom) = _idea(question, machines=bool(heard & ready.MACHINES), rng=rng)
    offer = rng.choice(ready.OFFERS).format(top=top[:1].upper() + top[1:], bottom=bottom)
    return " ".join((opening, offer, rng.choice(ready.CRAFT), rng.choice(ready.INVITATIONS)))


def _idea(question: str, *, machines: bool, rng: Random) -> tuple[str, tuple[str, str]]:
    """An opening, and the two lines that follow it."""
    openings = ready.MACHINE_OPENINGS if machines else ready.OPENINGS
    if moment := moment_of(question):
        return rng.choice(openings), (f"When {moment}", rng.choice(ready.PUNCHLINES))
    if machines:
        return rng.choice(openings), rng.choice(ready.MACHINE_PAIRS)
    if topic := topic_of(question):
        opening = rng.choice(ready.OPENINGS + ready.TOPIC_OPENINGS).format(yours=_yours(topic))
        top, bottom = rng.choice(ready.TOPIC_PAIRS)
        return opening, (top.format(topic=topic), bottom.format(topic=topic))
    return rng.choice(ready.FREE_OPENINGS), rng.choice(ready.FREE_PAIRS)


def moment_of(question: str) -> str:
    """What happens in it, as words that can follow "When"; empty when nothing does."""
    if found := _WHEN.search(question):
        return " ".join(_words(found[1])[:LONGEST_MOMENT])
    words = _words(question)
    if "?" in question or not SHORTEST_MOMENT <= len(words) <= LONGEST_MOMENT:
        return ""
    first, *rest = [word.lower() for word in words]
    happens = any(word in ready.VERBS or _PAST.fullmatch(word) for word in rest)
    if first in ready.SUBJECTS:
        happens = rest[0] not in ready.ASKING - ready.VERBS
    elif first not in ready.ARTICLES or "who" in rest or "that" in rest:
        happens = False
    return " ".join((words[0] if first == "i" else first, *words[1:])) if happens else ""


def topic_of(question: str) -> str:
    """What it is about, in a few words; empty when that is hard to say."""
    if found := _ABOUT.match(question):
        return _cut(_words(found[1]))
    words = _words(question)
    while words and words[0].lower() in ready.ASKING:
        words.pop(0)
    if not words or ready.MORE & {word.lower() for word in words}:
        return ""
    a_name = len(words) <= LONGEST_NAME and "?" not in question
    return _cut(words) if a_name or words[0].lower() in ready.ARTICLES else ""


def _cut(words: list[str]) -> str:
    """As much of it as fits, ending where a phrase does; an article at its beginning is a small one."""
    if words and words[0].lower() in ready.ARTICLES:
        words = [words[0].lower(), *words[1:]]
    if len(words) <= LONGEST_TOPIC:
        return " ".join(words)
    ends = [at for at in range(1, LONGEST_TOPIC + 1) if words[at].lower() in ready.CONNECTORS]
    return " ".join(words[: ends[-1] if ends else LONGEST_TOPIC])


def _words(text: str) -> list[str]:
    """Those of the first sentence, without the courtesies at its end."""
    words = [word[:LONGEST_WORD] for word in _WORD.findall(_END.split(text.strip(), maxsplit=1)[0])]
    while words and words[-1].lower() in ready.COURTESIES:
        words.pop()
    return words


def _yours(topic: str) -> str:
    return " ".join(ready.COACHES_SIDE.get(word.lower(), word) for word in topic.split())
