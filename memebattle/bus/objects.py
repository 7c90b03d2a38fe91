"""Images in the NATS object store, by SHA-256: the second home of a picture, after the cache forgot it.

The bucket's stream is declared with the others (`streams.py`), so that its limits are ours and not the
client library's defaults. Content-addressed objects never change: one that is there is not written again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import nats.errors
from nats.js import JetStreamContext
from nats.js.api import ObjectMeta
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError, ObjectNotFoundError
from nats.js.object_store import ObjectStore

from memebattle.kit.metrics import Metrics

log = logging.getLogger(__name__)


class Image(Protocol):
    """What we need of a picture to keep it."""

    @property
    def data(self) -> bytes: ...

    @property
    def sha256(self) -> str: ...

    @property
    def content_type(self) -> str: ...


class NatsImages:
    """The real store. A failure is counted and costs nothing else: the answer carries the bytes anyway."""

    def __init__(self, js: Callable[[], JetStreamContext], bucket: str, metrics: Metrics) -> None:
        self._js, self._bucket, self._errors = js, bucket, metrics.memes.image_store_errors

    async def put(self, meme: Image) -> None:
        try:
            store = self._store()
            if not await _holds(store, meme.sha256):
                meta = ObjectMeta(name=meme.sha256, headers={"content-type": meme.content_type})
                await store.put(meme.sha256, meme.data, meta=meta)
        except (nats.errors.Error, JetStreamError, TimeoutError, OSError) as error:
            self._errors.inc()
            log.warning("Image not kept in the object store", extra={"error": repr(error)})

    async def get(self, sha256: str) -> bytes | None:
        try:
            return (await self._store().get(sha256)).data
        except (NotFoundError, ObjectNotFoundError):
            return None
        except (nats.errors.Error, JetStreamError, TimeoutError, OSError) as error:
            self._errors.inc()
            log.warning("Image not read from the object store", extra={"error": repr(error)})
            return None

    def _store(self) -> ObjectStore:
        return ObjectStore(name=self._bucket, stream=f"OBJ_{self._bucket}", js=self._js())


async def _holds(store: ObjectStore, sha256: str) -> bool:
    try:
        await store.get_info(sha256)
    except (NotFoundError, ObjectNotFoundError):
        return False
    return True


class MemoryImages:
    """The in-memory twin."""

    def __init__(self) -> None:
        self._images: dict[str, bytes] = {}

    async def put(self, meme: Image) -> None:
        self._images.setdefault(meme.sha256, meme.data)

    async def get(self, sha256: str) -> bytes | None:
        return self._images.get(sha256)
