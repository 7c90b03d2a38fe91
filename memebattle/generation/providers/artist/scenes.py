"""From a prompt to a scene: who stands where, in which mood, with what. Words decide, chance fills in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from memebattle.generation.providers.artist import rooms, skies, vocabulary
from memebattle.generation.providers.artist.canvas import chance
from memebattle.generation.providers.artist.faces import MOODS, Mood
from memebattle.generation.providers.artist.mascots import MASCOTS

# where a meme without a place happens
ANYWHERE = ("burst", "burst", "burst", "sunset", "hills", "city", "disco", "cafe", "stage")
ANY_MOOD: tuple[Mood, ...] = ("happy", "happy", "calm", "smug", "smug", "shock")
SPARE_HATS = ("party", "cowboy", "beanie", "headphones")
NO_GLASSES = ("robot", "alien", "frog")
SIGN_OF_MOOD: Mapping[Mood, str] = {
    "happy": "sparkles",
    "shock": "exclamation",
    "grumpy": "anger",
    "sleepy": "snooze",
}

PLACES = {
    "burst": skies.burst,
    "sunset": skies.sunset,
    "space": skies.space,
    "mars": skies.mars,
    "beach": skies.beach,
    "hills": skies.hills,
    "snow": skies.snow,
    "deep": skies.deep,
    "fire": skies.fire,
    "city": rooms.city,
    "office": rooms.office,
    "disco": rooms.disco,
    "datacenter": rooms.datacenter,
    "cafe": rooms.cafe,
    "stage": rooms.stage,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """What a picture shows, by the names in `vocabulary`."""

    place: str
    mascot: str
    mood: Mood
    glasses: str | None = None
    hat: str | None = None
    held: str | None = None
    sign: str | None = None


def plan(prompt: str, rng: Random) -> Scene:
    """The scene that a prompt calls for."""
    words = keywords(prompt)
    mood = _mood(words, rng)
    mascot = _found("mascot", words) or rng.choice(list(MASCOTS))
    return Scene(
        place=_found("place", words[::-1]) or rng.choice(ANYWHERE),
        mascot=mascot,
        mood=mood,
        glasses=_found("glasses", words) or _glasses(mascot, mood, rng),
        hat=_found("hat", words) or (rng.choice(SPARE_HATS) if chance(rng, 0.15) else None),
        held=_found("held", words),
        sign=_found("sign", words) or (SIGN_OF_MOOD.get(mood) if chance(rng, 0.6) else None),
    )


def _mood(words: Sequence[str], rng: Random) -> Mood:
    found = _found("mood", words)
    return next((mood for mood in MOODS if mood == found), rng.choice(ANY_MOOD))


def _glasses(mascot: str, mood: Mood, rng: Random) -> str | None:
    """Who is smug may wear shades, where they fit the face."""
    suits = mood == "smug" and mascot not in NO_GLASSES
    return "shades" if suits and chance(rng, 0.4) else None


def keywords(prompt: str) -> list[str]:
    """The words of a prompt in order, emoji by name; after a plural also its singular."""
    spoken = "".join(
        f" {unicodedata.name(char, '')} " if unicodedata.category(char) == "So" else char for char in prompt
    )
    words = re.findall(r"\w+", spoken.casefold())
    return [form for word in words for form in dict.fromkeys((word, word.removesuffix("s")))]


def _found(part: vocabulary.Part, words: Sequence[str]) -> str | None:
    """The choice of the first word that names one."""
    choices = vocabulary.index(part)
    return next((choices[word] for word in words if word in choices), None)
