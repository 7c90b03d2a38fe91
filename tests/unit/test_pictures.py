"""What providers send is untrusted: judged by its header, decoded safely, and fitted to the wire."""

import hashlib
import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random

import pytest
from PIL import Image

from memebattle.generation.pictures import check, encode, finish, shrink, sniff
from memebattle.generation.ports import (
    ContentBlocked,
    GenerationError,
    ImageSpec,
    Meme,
    ProviderUnavailable,
    RawImage,
)

KIB = 1024
BUDGET = 700 * KIB
SPEC = ImageSpec("a cat")


def picture(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    """A diagonal of colours; decodes to something that is not one colour."""
    grey = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (grey, grey.transpose(Image.Transpose.ROTATE_180), grey)).convert(mode)


def packed(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def accepted(data: bytes) -> RawImage:
    return check(data, max_bytes=8 * KIB * KIB, max_pixels=2048 * 2048)


def finished(
    data: bytes, *, budget: int = BUDGET, spec: ImageSpec = SPEC, captions_itself: bool = False
) -> Meme:
    return finish(
        accepted(data), spec, provider="fake", model="m-1", budget=budget, captions_itself=captions_itself
    )


def noise(side: int) -> Image.Image:
    return Image.frombytes("RGB", (side, side), Random(7).randbytes(side * side * 3))


# ---------------------------------------------------------------- sniff


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (packed(picture()), "image/png"),
        (packed(picture(), "JPEG"), "image/jpeg"),
        (packed(picture(), "JPEG", progressive=True), "image/jpeg"),
        (packed(picture(), "JPEG", comment=b"x" * 60_000), "image/jpeg"),
        (packed(picture(), "WEBP"), "image/webp"),
        (packed(picture(), "WEBP", lossless=True), "image/webp"),
        (packed(picture(mode="RGBA"), "WEBP", exif=b"Exif\0\0MM\0*"), "image/webp"),
    ],
    ids=["png", "jpeg", "progressive", "long comment", "webp", "lossless", "extended webp"],
)
def test_type_and_size_come_from_the_header(data: bytes, content_type: str):
    assert sniff(data) == (content_type, 64, 48)


@pytest.mark.parametrize("data", [packed(picture()), packed(picture(), "JPEG"), packed(picture(), "WEBP")])
def test_a_header_cut_anywhere_is_no_image_or_the_same_image(data: bytes):
    whole = sniff(data)

    for length in range(min(len(data), 700)):
        assert sniff(data[:length]) in (None, whole)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a\x01\x00\x01\x00",
        b"<html>",
        b'{"error": "x"}',
        b"\xff\xd8\xff" + b"\xff" * 99,
        b"RIFF\0\0\0\0WEBPVP9 ",
    ],
)
def test_anything_else_is_no_image(data: bytes):
    assert sniff(data) is None


# ---------------------------------------------------------------- check


def test_a_sound_answer_is_accepted_with_its_size():
    data = packed(picture())

    assert accepted(data) == RawImage(data, "image/png", 64, 48)


@pytest.mark.parametrize("data", [b"", b"<html>502 Bad Gateway</html>", b'{"error":"loading"}', b"\0" * 99])
def test_an_answer_that_is_no_image_is_the_providers_fault(data: bytes):
    with pytest.raises(ProviderUnavailable, match="no PNG, JPEG or WebP"):
        accepted(data)


def test_too_many_bytes_are_refused():
    with pytest.raises(ProviderUnavailable, match="more than the 10"):
        check(packed(picture()), max_bytes=10, max_pixels=10_000)


def test_a_bomb_is_refused_by_its_header_before_anything_decodes_it():
    """100,000 x 100,000 pixels in a few hundred bytes."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(10_000))), (b"IEND", b""))
    )

    with pytest.raises(ProviderUnavailable, match="100000x100000 pixels"):
        accepted(b"\x89PNG\r\n\x1a\n" + chunks)


def test_a_picture_without_pixels_is_refused():
    data = bytearray(packed(picture()))
    data[16:20] = bytes(4)

    with pytest.raises(ProviderUnavailable, match="0x48"):
        accepted(bytes(data))


# ---------------------------------------------------------------- finish


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_finished_meme_is_webp_signed_and_addressed_by_its_content(form: str):
    meme = finished(packed(picture(), form))

    assert (meme.content_type, meme.width, meme.height) == ("image/webp", 64, 48)
    assert (meme.provider, meme.model) == ("fake", "m-1")
    assert meme.sha256 == hashlib.sha256(meme.data).hexdigest()
    assert sniff(meme.data) == ("image/webp", 64, 48)


def test_a_webp_that_fits_keeps_its_bytes():
    data = encode(picture())

    assert finished(data).data is data


def test_captions_are_drawn_over_a_providers_picture():
    spec = replace(SPEC, caption_top="top", caption_bottom="bottom")
    grey = Image.composite(
        picture(256, 256), Image.new("RGB", (256, 256), "#808080"), Image.linear_gradient("L")
    )

    plain, captioned = finished(packed(grey)), finished(packed(grey), spec=spec)

    brightest = [
        Image.open(io.BytesIO(meme.data)).crop((0, 0, 256, 60)).convert("L").getextrema()[1]
        for meme in (plain, captioned)
    ]
    assert brightest[0] < 160
    assert brightest[1] > 240


def test_captions_that_the_provider_drew_are_not_drawn_again():
    data = encode(picture())
    spec = replace(SPEC, caption_top="top")

    assert finished(data, spec=spec, captions_itself=True).data is data
    assert finished(data, spec=spec, captions_itself=False).data != data


@pytest.mark.parametrize("colour", ["black", "white", "#123456"])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_blank_picture_means_the_safety_checker_blocked_it(colour: str, form: str):
    with pytest.raises(ContentBlocked):
        finished(packed(Image.new("RGB", (512, 512), colour), form))


def test_a_dark_picture_with_something_in_it_is_not_blank():
    night = Image.new("RGB", (512, 512))
    night.paste((40, 40, 60), (300, 300, 320, 320))

    assert finished(packed(night)).width == 512


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_torn_file_is_the_providers_fault(form: str):
    data = packed(noise(128), form)

    with pytest.raises(ProviderUnavailable, match="damaged"):
        finished(data[: len(data) // 2])


def test_a_header_that_contradicts_the_picture_is_refused():
    raw = replace(accepted(packed(picture())), width=63)

    with pytest.raises(ProviderUnavailable, match="contradicts"):
        finish(raw, SPEC, provider="p", model="m", budget=BUDGET, captions_itself=False)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_damaged_bytes_end_in_a_picture_or_a_named_error(form: str):
    """Three hundred files with a few bytes changed: nothing else may come out."""
    rng, sound = Random(11), packed(picture(), form)
    for _ in range(300):
        data = bytearray(sound)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            meme = finished(bytes(data))
        except GenerationError:
            continue
        assert meme.content_type == "image/webp"


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "I;16"])
def test_every_mode_of_png_becomes_an_opaque_picture(mode: str):
    image = (
        picture(mode="L").convert("I").point(lambda value: value * 257).convert("I;16")
        if mode == "I;16"
        else picture(mode=mode)
    )

    meme = finished(packed(image))

    assert Image.open(io.BytesIO(meme.data)).mode == "RGB"


def test_transparent_parts_turn_white():
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 32, 64))

    shown = Image.open(io.BytesIO(finished(packed(image)).data)).convert("RGB")

    assert min(shown.getpixel((60, 32))) > 240


# ---------------------------------------------------------------- budgets


@pytest.mark.parametrize("budget", [BUDGET, 500 * KIB, 100 * KIB, 10 * KIB, KIB])
def test_pure_noise_of_1024_pixels_fits_every_budget(budget: int):
    assert len(finished(packed(noise(1024), compress_level=0), budget=budget).data) <= budget


def test_quality_goes_before_pixels():
    """Noise is the worst case, and even that keeps its size on a usual server."""
    assert finished(packed(noise(1024)), budget=BUDGET).width == 1024


def test_a_photograph_keeps_its_quality():
    image = Image.blend(picture(1024, 1024), noise(1024), 0.1)

    meme = finished(packed(image, compress_level=1))

    assert meme.width == 1024
    assert len(meme.data) <= 300 * KIB


def test_a_budget_below_any_picture_is_a_fault_of_the_configuration():
    with pytest.raises(ValueError, match="10 bytes holds no picture"):
        finished(packed(picture()), budget=10)


def test_shrinking_leaves_alone_what_fits():
    meme = finished(packed(noise(128)))

    assert shrink(meme, len(meme.data)) is meme


def test_shrinking_a_cached_meme_keeps_its_signature_and_tells_the_new_content():
    meme = finished(packed(noise(256)))

    small = shrink(meme, 4 * KIB)

    assert len(small.data) <= 4 * KIB
    assert small.sha256 == hashlib.sha256(small.data).hexdigest() != meme.sha256
    assert sniff(small.data) == ("image/webp", small.width, small.height)
    assert (small.provider, small.model) == ("fake", "m-1")


def test_threads_may_finish_pictures_side_by_side():
    spec, data = replace(SPEC, caption_top="side by side"), packed(noise(128))

    with ThreadPoolExecutor(4) as pool:
        memes = list(pool.map(lambda _: finished(data, spec=spec), range(16)))

    assert len({meme.sha256 for meme in memes}) == 1
