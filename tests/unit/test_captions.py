"""Captions break where a reader would pause, and every letter of them stays inside the picture."""

from random import Random

import pytest
from PIL import Image, ImageChops

from memebattle.generation import fonts
from memebattle.generation.captions import TAILS, WORDLESS, Captions, draw_captions, split_caption

BLUE = "#4080c0"
LOREM = ("lorem ipsum dolor sit amet consectetur adipiscing elit " * 10)[:500]
HAS_FALLBACK = bool(fonts._fallback_faces())


def ink(picture: Image.Image, ground: str = BLUE) -> tuple[int, int, int, int] | None:
    """The box of everything that is not background."""
    return ImageChops.difference(picture, Image.new("RGB", picture.size, ground)).getbbox()


def captioned(top: str | None, bottom: str | None, size: tuple[int, int] = (512, 512)) -> Image.Image:
    return draw_captions(Image.new("RGB", size, BLUE), top, bottom)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("one does not simply | scale to zero", ("one does not simply", "scale to zero")),
        ("one does not simply|scale | to zero", ("one does not simply", "scale | to zero")),
        ("first line\nsecond   line", ("first line", "second line")),
        ("only the top |", ("only the top", "")),
        ("| only the bottom", ("", "only the bottom")),
        ("A cat wearing a space helmet on Mars", ("A cat wearing a space helmet", "on Mars")),
        ("when the deploy works on friday", ("when the deploy works", "on friday")),
        ("nobody: me, fixing prod at 3am", ("nobody: me,", "fixing prod at 3am")),
    ],
)
def test_a_prompt_breaks_where_it_says_or_where_it_pauses(prompt: str, expected: tuple[str, str]):
    assert split_caption(prompt, Random(1)) == expected


def test_a_short_prompt_gets_a_closing_line():
    top, bottom = split_caption("cat", Random(1))

    assert top == "cat"
    assert bottom in TAILS


def test_emoji_are_said_in_words_because_no_font_of_ours_draws_them():
    top, bottom = split_caption("\N{ROCKET}\N{CAT FACE}\N{ROCKET}", Random(1))

    assert top == "ROCKET CAT FACE"
    assert bottom in TAILS


@pytest.mark.parametrize("prompt", ["", "   ", "|", "\n", "\u200d\u0000\u202e", "\ue000\ue001"])
def test_a_prompt_without_a_letter_still_makes_a_meme(prompt: str):
    top, bottom = split_caption(prompt, Random(1))

    assert top in WORDLESS
    assert bottom in TAILS


def test_splitting_loses_no_word():
    top, bottom = split_caption(LOREM, Random(1))

    assert f"{top} {bottom}".split() == LOREM.split()


@pytest.mark.parametrize("size", [(512, 512), (1024, 1024), (256, 256), (640, 320), (300, 900), (128, 128)])
@pytest.mark.parametrize(
    "text",
    [
        "cat",
        "A cat wearing a space helmet",
        LOREM,
        "x" * 500,
        "W" * 40,
        "ÉÀÇÑŒ gjpqy",
        "Příliš žluťoučký kůň",
    ],
    ids=["word", "phrase", "500 characters", "monster", "wide", "accents", "carons"],
)
def test_the_whole_text_is_inside_the_picture(size: tuple[int, int], text: str):
    """The outermost pixels stay untouched: nothing was cut off."""
    box = ink(captioned(text, text, size))

    assert box is not None
    left, top, right, bottom = box
    assert left > 0
    assert top > 0
    assert right < size[0]
    assert bottom < size[1]


@pytest.mark.parametrize("text", [LOREM, "x" * 500, "a b c d e f g h i j k l m n o p"])
def test_no_letter_is_lost_between_the_lines(text: str):
    captions = Captions.fit((512, 512), text, None)

    set_text = "".join(captions.top.lines).replace(" ", "").replace("-", "")
    assert set_text == text.upper().replace(" ", "")


def test_captions_keep_to_their_quarters():
    assert ink(captioned(LOREM, None))[3] <= 512 * 0.28
    assert ink(captioned(None, LOREM))[1] >= 512 * 0.72


def test_a_usual_caption_takes_at_most_three_lines_and_a_long_one_stays_readable():
    usual = Captions.fit((512, 512), "I don't always test my code but when I do", None).top
    long = Captions.fit((512, 512), LOREM[:250], None).top

    assert len(usual.lines) <= 3
    assert usual.type_size >= 28
    assert long.type_size >= 16


def test_lines_are_balanced():
    lines = Captions.fit((512, 512), "when the cluster finally scales to zero", None).top.lines

    assert lines == ("WHEN THE CLUSTER", "FINALLY SCALES TO ZERO") or max(map(len, lines)) <= 22


def test_captions_are_white_with_a_black_outline():
    colours = captioned("cat", None).getcolors(maxcolors=1 << 20)

    assert {(255, 255, 255), (0, 0, 0)} <= {colour for _, colour in colours}


@pytest.mark.parametrize("nothing", [None, "", "  ", "\u200d\u0007"])
def test_no_caption_leaves_the_picture_alone(nothing: str | None):
    assert ink(captioned(nothing, nothing)) is None
    assert Captions.fit((512, 512), nothing, nothing).top_space == 0


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA"])
def test_any_mode_of_picture_can_be_captioned(mode: str):
    picture = draw_captions(Image.new(mode, (128, 128)), "top", "bottom")

    assert picture.mode == "RGB"
    assert (255, 255, 255) in {colour for _, colour in picture.getcolors(1 << 20)}


def test_controls_and_stacked_accents_are_left_out():
    assert fonts.typeset("za\u0351\u036b\u0334lgo\u0007 \u202ete\u200dxt")[0] == "ZALGO TEXT"


def test_latin_accents_are_drawn_by_the_display_font():
    assert fonts.typeset("Éàçñ über naïve œuvre ¿qué?") == ("ÉÀÇÑ ÜBER NAÏVE ŒUVRE ¿QUÉ?", fonts.DISPLAY)


def test_a_decomposed_accent_is_composed():
    assert fonts.typeset("e\u0301")[0] == "É"


@pytest.mark.parametrize(
    ("char", "drawn"),
    [("Ř", "R"), ("Ů", "U"), ("Š", "Š"), ("\N{CYRILLIC CAPITAL LETTER KA}", ""), ("\N{CAT FACE}", "")],
)
def test_without_a_better_font_a_letter_loses_its_accent_and_the_unknown_is_left_out(char: str, drawn: str):
    assert fonts._known(char, fonts.DISPLAY) == drawn


@pytest.mark.skipif(not HAS_FALLBACK, reason="this machine has no fallback font")
@pytest.mark.parametrize("text", ["когда деплой упал", "שלום עולם", "Příliš žluťoučký"])
def test_other_alphabets_are_set_whole_in_one_fallback_font(text: str):
    drawable, face = fonts.typeset(text)

    assert drawable == text.upper()
    assert face != fonts.DISPLAY
    assert ink(captioned(text, None)) is not None


def test_right_to_left_text_is_turned_for_an_engine_that_does_not():
    assert fonts._turned("אבג") == "גבא"
    assert fonts._turned("abc") == "abc"
