"""Finished pictures by their SHA-256: what a gateway shows. It reads; it never draws.

The cache holds a picture under the digest of what was asked, with a pointer from its SHA-256; the image store
holds it under its SHA-256 and for longer. Bytes that do not hash to their name are not shown.
"""

from __future__ import annotations

import hashlib
import json

from memebattle.generation.ports import Cache, ImageStore, Meme


class Gallery:
    """Looks in the cache, then in the image store."""

    def __init__(self, cache: Cache, images: ImageStore) -> None:
        self._cache, self._images = cache, images

    async def image(self, sha256: str) -> Meme | None:
        """The picture with this SHA-256; from the store it comes without its size and its author."""
        if (meme := await self._cached(sha256)) is not None:
            return meme
        data = await self._images.get(sha256)
        if data is None or hashlib.sha256(data).hexdigest() != sha256:
            return None
        return Meme(data, "image/webp", 0, 0, sha256, "", "")

    async def _cached(self, sha256: str) -> Meme | None:
        pointer = await self._cache.get(f"image:{sha256}")
        packed = await self._cache.get(pointer.decode()) if pointer is not None else None
        meme = unpack(packed) if packed is not None else None
        # the digest may have been drawn anew since: another picture, another name
        return meme if meme is not None and meme.sha256 == sha256 else None


def pack(meme: Meme) -> bytes:
    """A meme as one value: a line of JSON about it, then its bytes."""
    about = {name: getattr(meme, name) for name in _ABOUT}
    return json.dumps(about).encode() + b"\n" + meme.data


def unpack(packed: bytes) -> Meme:
    """The other way round."""
    about, _, data = packed.partition(b"\n")
    return Meme(data=data, **json.loads(about))


_ABOUT = ("content_type", "width", "height", "sha256", "provider", "model")
