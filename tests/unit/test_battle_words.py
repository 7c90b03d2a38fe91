"""Names and prompts: what is shown, what looks alike, what is not wanted, and how often."""

from __future__ import annotations

import pytest

from memebattle.battle.moderation import WordList
from memebattle.battle.names import likeness, shown, unlike
from memebattle.battle.pace import REMEMBERED, Pace
from tests.toys import Clock


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("A\u202eda", "Ada"),  # turns the writing direction around
        ("A\u200bd\ufeffa", "Ada"),
        ("\u3164\u2800", ""),
        ("\u200d\u200c", ""),
        ("A\nd\ta\x00", "A d a"),
        ("e" + "\u0301" * 20, "\u00e9\u0301\u0301"),
        ("Zoë", "Zoë"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("\ufe0f", ""),  # a mark on nothing
        ("\u0e01" + "\u0e47" * 20, "\u0e01\u0e47\u0e47"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627", "\u0645\u06cc\u200c\u062e\u0648\u0627"),
        ("<b>Ada</b>", "<b>Ada</b>"),
        (7, 7),
    ],
)
def test_what_is_shown(said: object, seen: object) -> None:
    assert shown(said) == seen


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Ada", "aDA", True),
        ("Ada", "\u0410\u0501\u0430", True),  # in Cyrillic
        ("Zoe", "Zoë", True),
        ("Bob", "B0b", True),
        ("Straße", "strasse", True),
        ("ﬁn", "fin", True),
        ("Ada", "Adam", False),
        ("Лев", "Пев", False),
        ("😀", "😎", False),
        ("😀", "😀", True),
    ],
)
def test_what_looks_alike(one: str, other: str, alike: bool) -> None:
    assert (likeness(one) == likeness(other)) is alike


def test_a_name_in_use_gets_the_next_number() -> None:
    taken = {likeness("Ada"), likeness("Ada 2")}

    assert unlike("ADA", taken) == "ADA 3"
    assert unlike("Bob", taken) == "Bob"


@pytest.mark.parametrize(
    ("text", "moderate", "strict"),
    [
        ("a cat on Mars", True, True),
        ("Scunthorpe, class of '99, assessing the cockpit", True, True),
        ("hello, he'll be late", True, True),
        ("route 455 to Sussex", True, True),
        ("my idiot boss", True, False),
        ("go to hell", True, False),
        ("@ss", True, False),
        ("fuck", False, False),
        ("FUUUUCKING great", False, False),
        ("f.u.c.k", False, False),
        ("f u c k", False, False),
        ("f\u200bu\u200bck", False, False),
        ("f\u03c5\u0441k", False, False),
        ("fück", False, False),
        ("sh1t", False, False),
        ("$h!t happens", False, False),
        ("oh shit!", False, False),
        ("no way|fuck|down", False, False),
        ("fuck4you 2", False, False),
        ("100 cats, 3 dogs!", True, True),
        ("cock-a-doodle-doo", True, True),
        ("sh'it", False, False),
        ("\uff46\uff55\uff43\uff4b", False, False),
        ("say Voldemort", False, False),
        ("V0ldemorts", False, False),
    ],
)
def test_words_that_are_not_wanted(text: str, moderate: bool, strict: bool) -> None:
    words = WordList(("voldemort", " "))

    assert (words.objection(text, "moderate") is None) is moderate
    assert (words.objection(text, "strict") is None) is strict
    assert words.objection(text, "none") is None


def test_words_of_other_alphabets_and_numbers_can_be_blocked_too() -> None:
    words = WordList(("пират", "傻逼", "88"))

    assert words.objection("старый пират!", "moderate") is not None
    assert words.objection("傻逼", "moderate") is not None
    assert words.objection("sieg 88", "moderate") is not None
    assert words.objection("пиротехника, 1988, dev ops", "moderate") is None


def test_an_objection_says_which_word() -> None:
    assert WordList().objection("well, $H1T", "moderate") == (
        "please say it without 'shit': children may be watching"
    )


def test_many_at_once_and_then_so_many_a_second() -> None:
    clock = Clock()
    pace = Pace(2, 3, clock)
    assert [pace.allows("ada") for _ in range(4)] == [True, True, True, False]
    assert pace.allows("bob")
    clock.now += 0.5
    assert [pace.allows("ada") for _ in range(2)] == [True, False]
    clock.now += 100

    assert [pace.allows("ada") for _ in range(4)] == [True, True, True, False]


def test_a_crowd_is_remembered_only_so_far() -> None:
    pace = Pace(1, 1, Clock())
    pace.allows("first")
    for number in range(REMEMBERED):
        pace.allows(str(number))

    assert len(pace._buckets) == REMEMBERED
    assert pace.allows("first")
    assert not pace.allows(str(REMEMBERED - 1))
