"""From bytes that somebody sent to a picture that is ours.

A provider's answer is untrusted: it may be an error page, a torn file, or a few bytes that unpack to
gigabytes. So it is judged in three steps, each of which may refuse before the next one spends anything:
`sniff` reads type and size from the header without a decoder, `check` holds them to the limits, and `finish`
decodes, captions and re-encodes to WebP within the bytes that one answer may carry.

Everything here is synchronous and keeps no state: call it through `asyncio.to_thread`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import struct

from PIL import Image

from memebattle.generation.captions import draw_captions
from memebattle.generation.ports import ContentBlocked, ImageSpec, Meme, ProviderUnavailable, RawImage

WEBP = "image/webp"
QUALITIES = (82, 70, 55, 40)
METHOD = 1  # of 0..6; slower ones save few bytes
SHRINK = 3 / 4
FLAT_SPAN = 2  # of 255; a lossy one-colour picture is not exactly one colour

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_JPEG_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame: holds the size
# whatever Pillow's PNG, JPEG and WebP readers raise over damaged input
_DECODE_FAULTS = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)

type Sniffed = tuple[str, int, int]


def sniff(data: bytes) -> Sniffed | None:
    """Content type, width and height (pixels) as the header says, or None for anything we do not serve."""
    try:
        if data.startswith(_PNG) and data[12:16] == b"IHDR":
            return ("image/png", *struct.unpack_from(">II", data, 16))
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _sniff_webp(data)
        if data.startswith(_JPEG):
            return _sniff_jpeg(data)
    except (struct.error, IndexError):  # cut within the header
        pass
    return None


def _sniff_webp(data: bytes) -> Sniffed | None:
    """The first chunk names the flavour: lossy, lossless or extended."""
    match data[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return WEBP, width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return WEBP, (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", data, 24)
            return WEBP, (high_width << 16 | low_width) + 1, (high_height << 16 | low_height) + 1
    return None


def _sniff_jpeg(data: bytes) -> Sniffed | None:
    """Walk the segments to the frame header."""
    at = 2
    while data[at] == 0xFF:  # noqa: PLR2004 - every segment starts so
        marker = data[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 - padding
            at += 1
        elif marker in _JPEG_STANDALONE:
            at += 2
        elif marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return "image/jpeg", width, height
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            at += 2 + length
    return None


def check(data: bytes, *, max_bytes: int, max_pixels: int) -> RawImage:
    """Accept a provider's answer for decoding, by its header alone.

    Raises:
        ProviderUnavailable: not an image we know, or larger than the limits allow.
    """
    if len(data) > max_bytes:
        raise ProviderUnavailable(f"the provider sent {len(data)} bytes, more than the {max_bytes} we take")
    sniffed = sniff(data)
    if sniffed is None:
        raise ProviderUnavailable(f"the provider sent no PNG, JPEG or WebP but {_glimpse(data)}")
    content_type, width, height = sniffed
    if not 0 < width * height <= max_pixels:
        raise ProviderUnavailable(f"the provider sent {width}x{height} pixels, we take up to {max_pixels}")
    return RawImage(data, content_type, width, height)


def _glimpse(data: bytes) -> str:
    """The beginning of a non-image, harmless to log; often it is the provider's own error text."""
    text = " ".join(data[:200].decode("ascii", "replace").split())
    return f"{text[:80]!r}" if text else "nothing"


def finish(
    raw: RawImage, spec: ImageSpec, *, provider: str, model: str, budget: int, captions_itself: bool
) -> Meme:
    """Decode, caption and re-encode one picture; a WebP that needs neither keeps its bytes.

    Args:
        raw: as `check` accepted it.
        spec: what was asked for; its captions are drawn here unless the provider drew them.
        provider: signs the meme.
        model: signs the meme.
        budget: bytes the finished image may have.
        captions_itself: the provider's picture comes captioned.

    Raises:
        ProviderUnavailable: the bytes cannot be decoded.
        ContentBlocked: the picture has one colour, which is how safety checkers return what they blocked.
    """
    image = _decoded(raw)
    if _is_flat(image):
        raise ContentBlocked("the provider returned a blank picture: its safety checker blocked the prompt")
    captioned = not captions_itself and bool(spec.caption_top or spec.caption_bottom)
    if captioned:
        image = draw_captions(image, spec.caption_top, spec.caption_bottom)
    if raw.content_type == WEBP and len(raw.data) <= budget and not captioned:
        data = raw.data
    else:
        data, image = _encoded(image, budget)
    return Meme(data, WEBP, image.width, image.height, _sha256(data), provider, model)


def shrink(meme: Meme, budget: int) -> Meme:
    """The same meme in at most `budget` bytes; the very same object if it fits already."""
    if len(meme.data) <= budget:
        return meme
    image = _decoded(RawImage(meme.data, meme.content_type, meme.width, meme.height))
    data, image = _encoded(image, budget)
    return dataclasses.replace(
        meme,
        data=data,
        content_type=WEBP,
        width=image.width,
        height=image.height,
        sha256=_sha256(data),
    )


def encode(image: Image.Image, quality: int = QUALITIES[0]) -> bytes:
    """One RGB picture as WebP."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=METHOD)
    return buffer.getvalue()


def _decoded(raw: RawImage) -> Image.Image:
    """As opaque RGB. The decoder must agree with the header we judged, and only our three may run."""
    try:
        with Image.open(io.BytesIO(raw.data), formats=("PNG", "JPEG", "WEBP")) as image:
            if image.size != (raw.width, raw.height):
                raise ProviderUnavailable("the provider's image contradicts its own header")
            image.load()
            return _opaque(image)
    except _DECODE_FAULTS as error:
        raise ProviderUnavailable(f"the provider's image is damaged: {error}") from error


def _opaque(image: Image.Image) -> Image.Image:
    """RGB, transparent parts on white."""
    if image.mode.startswith("I"):  # 16 bits of grey: converting straight to RGB would clip, not scale
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert("RGB")
    return image.convert("RGB")


def _is_flat(image: Image.Image) -> bool:
    """Whether the picture has one colour; a corner usually tells without looking at the rest."""
    corner = image.crop((0, 0, min(16, image.width), min(16, image.height)))
    return all(_span(part) <= FLAT_SPAN for part in (corner, image))


def _span(image: Image.Image) -> int:
    """The widest spread of any channel."""
    return max(int(high) - int(low) for low, high in image.getextrema())  # type: ignore[misc]


def _encoded(image: Image.Image, budget: int) -> tuple[bytes, Image.Image]:
    """The best WebP that fits: first less quality, then fewer pixels.

    Raises:
        ValueError: not even one pixel fits the budget.
    """
    for quality in QUALITIES:
        if len(data := encode(image, quality)) <= budget:
            return data, image
    while max(image.size) > 1:
        smaller = (max(1, int(image.width * SHRINK)), max(1, int(image.height * SHRINK)))
        image = image.resize(smaller, Image.Resampling.BILINEAR, reducing_gap=2.0)
        if len(data := encode(image, QUALITIES[-1])) <= budget:
            return data, image
    raise ValueError(f"a budget of {budget} bytes holds no picture")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
