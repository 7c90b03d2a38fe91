"""The offline artist: the same words make the same picture, and any words make one."""

import asyncio
import hashlib
import subprocess
import sys
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import pytest
from PIL import Image, ImageChops

from memebattle.generation.captions import Captions
from memebattle.generation.pictures import finish, sniff
from memebattle.generation.ports import ImageModel, ImageSpec, InvalidPrompt
from memebattle.generation.providers.artist import Artist, studio, vocabulary
from memebattle.generation.providers.artist.canvas import Canvas
from memebattle.generation.providers.artist.faces import MOODS, Mood
from memebattle.generation.providers.artist.held import HELD, SIGNS
from memebattle.generation.providers.artist.mascots import MASCOTS
from memebattle.generation.providers.artist.scenes import PLACES, Scene, plan
from memebattle.generation.providers.artist.worn import GLASSES, HATS

SMALL = ImageSpec("A cat wearing a space helmet on Mars", 128, 128)


def fingerprint(spec: ImageSpec) -> str:
    return hashlib.sha256(Artist().draw(spec).tobytes()).hexdigest()


def planned(prompt: str) -> Scene:
    return plan(prompt, Random(3))


# ---------------------------------------------------------------- the same words, the same picture


def test_the_same_request_gets_the_same_picture():
    assert fingerprint(SMALL) == fingerprint(replace(SMALL))


@pytest.mark.parametrize(
    "change",
    [{"seed": 7}, {"prompt": "A dog"}, {"caption_top": "other"}, {"width": 192}],
    ids=["seed", "prompt", "caption", "size"],
)
def test_another_request_gets_another_picture(change: dict[str, Any]):
    assert fingerprint(SMALL) != fingerprint(replace(SMALL, **change))


def test_what_does_not_show_changes_nothing():
    assert fingerprint(SMALL) == fingerprint(replace(SMALL, fast=True, num_inference_steps=4, seed=0))


def test_a_picture_does_not_depend_on_those_before_it():
    first = fingerprint(SMALL)
    fingerprint(replace(SMALL, prompt="something else", width=96))

    assert fingerprint(SMALL) == first


# ---------------------------------------------------------------- words choose


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("A cat wearing a space helmet on Mars", {"mascot": "cat", "place": "mars", "hat": "helmet"}),
        (
            "kubernetes pods crash at 3am",
            {"mascot": "robot", "place": "datacenter", "held": "helm", "mood": "shock"},
        ),
        ("a frog king drinking coffee", {"mascot": "frog", "hat": "crown", "held": "mug", "place": "cafe"}),
        ("grumpy cats hate mondays", {"mascot": "cat", "mood": "grumpy", "place": "office"}),
        ("Dogs on the BEACH with sunglasses!", {"mascot": "dog", "place": "beach", "glasses": "shades"}),
        ("\N{PENGUIN}\N{ROCKET}", {"mascot": "penguin", "held": "rocket", "place": "space"}),
        ("this is fine", {"place": "fire"}),
        ("кот", {"mascot": "cat"}),
    ],
)
def test_words_choose_the_scene(prompt: str, expected: dict[str, str]):
    scene = planned(prompt)

    assert {part: getattr(scene, part) for part in expected} == expected


def test_every_choice_of_the_vocabulary_can_be_drawn():
    drawn = {
        "place": set(PLACES),
        "mascot": set(MASCOTS),
        "mood": set(MOODS),
        "glasses": set(GLASSES),
        "hat": set(HATS),
        "held": set(HELD),
        "sign": set(SIGNS),
    }

    for part, table in vocabulary.WORDS.items():
        assert set(table) <= drawn[part], part


def test_prompts_without_a_known_word_vary():
    scenes = [plan(f"zzz{number}", Random(number)) for number in range(60)]

    assert len({scene.place for scene in scenes}) >= 5
    assert len({scene.mascot for scene in scenes}) == len(MASCOTS)


# ---------------------------------------------------------------- everything draws


def drawn(scene: Scene) -> Image.Image:
    captions = Captions.fit((64, 64), "top", "bottom")
    return studio._painted(scene, Random(1), ImageSpec("x", 64, 64), captions)


@pytest.mark.parametrize(("place", "mascot"), list(product(PLACES, MASCOTS)))
def test_every_mascot_stands_in_every_place(place: str, mascot: str):
    image = drawn(Scene(place, mascot, "happy"))

    assert image.size == (64, 64)
    assert len(image.getcolors(1 << 20)) > 50


@pytest.mark.parametrize(("mascot", "mood"), list(product(MASCOTS, MOODS)))
def test_every_mascot_has_every_mood(mascot: str, mood: Mood):
    """Moods differ: no two faces of a mascot are the same picture."""
    others = {drawn(Scene("burst", mascot, other)).tobytes() for other in MOODS if other != mood}

    assert drawn(Scene("burst", mascot, mood)).tobytes() not in others


@pytest.mark.parametrize(
    ("part", "choice"),
    [
        (part, choice)
        for part, table in (("glasses", GLASSES), ("hat", HATS), ("held", HELD), ("sign", SIGNS))
        for choice in table
    ],
)
def test_every_prop_shows_on_every_mascot(part: str, choice: str):
    for mascot in MASCOTS:
        plain = Scene("burst", mascot, "calm")

        assert drawn(replace(plain, **{part: choice})).tobytes() != drawn(plain).tobytes()


@pytest.mark.parametrize("hat", [None, *HATS])
@pytest.mark.parametrize("mascot", MASCOTS)
def test_no_head_reaches_into_a_caption(mascot: str, hat: str | None):
    """Only the figure, on a black sheet: above its band nothing is drawn."""
    spec = ImageSpec("x", 256, 256)
    captions = Captions.fit((256, 256), "a caption of two long lines above", "and one line below")
    canvas, bare = Canvas(256), Canvas(256)
    studio._place_mascot(canvas, Scene("burst", mascot, "calm", hat=hat), Random(1), spec, captions)

    box = ImageChops.difference(canvas.finished(), bare.finished()).point(lambda v: v * (v > 100)).getbbox()

    assert box[1] >= captions.top_space - 1


@pytest.mark.parametrize(
    "prompt",
    [
        "x",
        "lorem ipsum " * 41,
        "\N{CAT FACE}\N{FIRE}",
        "когда деплой упал",
        "猫が宇宙で踊っている",
        "שלום עולם",
        "Éàçñ über",
        "<script>alert('x')</script>",
        "\u0000\ud800",
        "| |",
    ],
)
def test_any_prompt_makes_a_picture(prompt: str):
    image = Artist().draw(ImageSpec(prompt, 128, 128))

    assert (image.mode, image.size) == ("RGB", (128, 128))
    assert (255, 255, 255) in {colour for _, colour in image.getcolors(1 << 20)}


@pytest.mark.parametrize("size", [(8, 8), (640, 360), (360, 640), (33, 57)])
def test_pictures_need_not_be_square(size: tuple[int, int]):
    assert Artist().draw(ImageSpec("a cat on the beach", *size)).size == size


@pytest.mark.parametrize("size", [(7, 512), (512, 2049), (0, 0)])
def test_a_size_out_of_bounds_is_refused(size: tuple[int, int]):
    with pytest.raises(InvalidPrompt, match="8 to 2048"):
        Artist().draw(ImageSpec("cat", *size))


def test_given_captions_replace_the_prompts_own():
    """An empty caption is a wish too: nothing is written then."""
    silent = Artist().draw(replace(SMALL, caption_top="", caption_bottom=""))
    spoken = Artist().draw(replace(SMALL, caption_top="", caption_bottom="hello"))

    assert silent.tobytes() != spoken.tobytes()


# ---------------------------------------------------------------- the image model


async def test_it_generates_webp_that_needs_no_further_work():
    artist: ImageModel = Artist()

    raw = await artist.generate(SMALL)
    await artist.aclose()

    assert sniff(raw.data) == (raw.content_type, raw.width, raw.height) == ("image/webp", 128, 128)
    meme = finish(
        raw,
        SMALL,
        provider=artist.name,
        model=artist.model,
        budget=700_000,
        captions_itself=artist.captions_itself,
    )
    assert meme.data is raw.data


@pytest.mark.parametrize(("fast", "waited"), [(False, [1.5]), (True, [0.75])])
async def test_latency_makes_it_as_slow_as_a_model_and_fast_halves_it(fast: bool, waited: list[float]):
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    await Artist(latency=1.5, sleep=sleep).generate(replace(SMALL, fast=fast))

    assert waits == waited


async def test_several_pictures_at_once_are_those_of_one_at_a_time():
    specs = [replace(SMALL, prompt=f"cat number {number}") for number in range(8)]

    together = await asyncio.gather(*map(Artist().generate, specs))

    assert [raw.data for raw in together] == [(await Artist().generate(spec)).data for spec in specs]


def test_neither_the_artist_nor_its_construction_loads_pillow():
    """A worker is ready before the first picture; Pillow and the font load with it."""
    code = (
        "import sys; from memebattle.generation.providers.artist import Artist; Artist(); "
        "print('PIL' in sys.modules)"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "False"
