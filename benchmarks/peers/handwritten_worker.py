"""A meme worker written by hand over nats-py, redis-py and httpx: what memebattle is measured against.

It speaks the same protocol to the same servers, message for message (architecture/delivery.md):

    Core queue group   only into a free slot; whatever does not end in an answer is dropped
    durable pull       as many as there are free slots; acked when the answer is stored
    answered ids       in this process, then a claim with a lease in Redis, then the answer stream as arbiter
    same prompt        one task in this process, one flight with a lease over all replicas
    pictures           memory, then Redis, then the provider; kept in both and in the object store
    told               meme.status.{id}, meme.created

What it leaves out is what a framework is for: no models and AsyncAPI, no metrics, logs and traces, no dead
letters, cancellation or counted tries, no watchdog, no graceful drain. Pictures are judged and re-encoded by
`memebattle.generation.pictures`, as in memebattle, so that the comparison is about messaging alone.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import random
import re
import signal
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import httpx
import nats
import nats.errors
from nats.aio.msg import Msg
from nats.js.api import ObjectMeta
from nats.js.errors import APIError, NotFoundError, ObjectNotFoundError
from nats.js.object_store import ObjectStore
from redis.asyncio import Redis

from memebattle.generation.pictures import check, finish
from memebattle.generation.ports import GenerationError, ImageSpec, Meme

CONCURRENCY = int(os.environ.get("WORKER_CONCURRENCY", "5"))
LEASE_MS, FLIGHT_MS, DAY_MS, CACHE_MS = 10_000, 10_000, 86_400_000, 3_600_000
BEAT = 3.0  # seconds between renewals of claims, flights and acks in progress
MAX_BYTES, MAX_PIXELS, ENVELOPE = 8 << 20, 2048 * 2048, 8192
REMEMBERED_IDS, REMEMBERED_PICTURES = 10_000, 500
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")

CLAIM = """
local held = redis.call('GET', KEYS[1])
if not held then
  redis.call('SET', KEYS[1], 'C' .. ARGV[1], 'PX', ARGV[2])
  redis.call('INCR', KEYS[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
  return 'won'
end
return string.sub(held, 1, 1) == 'D' and 'done' or 'taken'
"""
RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"


class Refused(Exception):
    """The message is no request; the text says why."""


class Again(Exception):
    """Not now: somebody else is at it, or the provider wants a pause (seconds)."""

    def __init__(self, after: float) -> None:
        super().__init__(f"again in {after:g} s")
        self.after = after


class Worker:
    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.slots, self.in_work = asyncio.Semaphore(CONCURRENCY), 0
        self.answered: dict[str, str] = {}
        self.pictures: dict[str, Meme] = {}
        self.flying: dict[str, asyncio.Task[tuple[Meme, str]]] = {}
        self.beats: set[Callable[[], Awaitable[Any]]] = set()
        self.tasks: set[asyncio.Task[Any]] = set()
        self.ready = False

    async def run(self) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        host, _, port = self.env["METRICS_ADDR"].rpartition(":")
        probes = await asyncio.start_server(self.probe, host, int(port))
        prefix = self.env.get("NATS_INBOX_PREFIX", "_INBOX")
        self.nc = await nats.connect(
            self.env["NATS_URL"], inbox_prefix=prefix.encode(), max_reconnect_attempts=-1
        )
        self.js = self.nc.jetstream(timeout=3)
        self.redis = Redis.from_url(self.env["REDIS_URL"], max_connections=64)
        self.claim_script = self.redis.register_script(CLAIM)
        self.release_script = self.redis.register_script(RELEASE)
        self.renew_script = self.redis.register_script(RENEW)
        self.images = ObjectStore(name="meme-images", stream="OBJ_meme-images", js=self.js)
        self.http = httpx.AsyncClient(timeout=60, trust_env=False)
        await self.nc.subscribe("meme.request", queue="meme-generator-core", cb=self.on_core)
        self.pulls = await self.js.pull_subscribe_bind(
            "meme-generator", "MEMES", inbox_prefix=f"{prefix}.".encode()
        )
        self.spawn(self.pull())
        self.spawn(self.keep_beating())
        self.ready = True
        await stop.wait()
        probes.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.nc.close()
        await self.http.aclose()
        await self.redis.aclose()

    async def probe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        status = "200 OK" if self.ready else "503 Service Unavailable"
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    def spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        async with self.slots:
            self.in_work += 1
            try:
                yield
            finally:
                self.in_work -= 1

    async def keep_beating(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            await asyncio.gather(*(beat() for beat in list(self.beats)), return_exceptions=True)

    @contextlib.contextmanager
    def beating(self, beat: Callable[[], Awaitable[Any]]):  # type: ignore[no-untyped-def]  # noqa: ANN201
        self.beats.add(beat)
        try:
            yield
        finally:
            self.beats.discard(beat)

    # --- the two paths

    async def on_core(self, msg: Msg) -> None:
        self.spawn(self.from_core(msg))

    async def from_core(self, msg: Msg) -> None:
        try:
            request_id, spec = parse(msg, None)
        except Refused:
            return
        if self.slots.locked():
            await self.status(request_id, "queued")
            return
        async with self.slot():
            with contextlib.suppress(Again):
                await self.answer(request_id, spec)

    async def pull(self) -> None:
        while True:
            async with self.slots:
                pass  # there is room now
            try:
                messages = await self.pulls.fetch(max(1, CONCURRENCY - self.in_work), timeout=5)
            except nats.errors.TimeoutError:
                continue
            for msg in messages:
                self.spawn(self.from_stream(msg))

    async def from_stream(self, msg: Msg) -> None:
        metadata = msg.metadata
        try:
            request_id, spec = parse(msg, f"js-{metadata.stream}-{metadata.sequence.stream}")
        except Refused:
            await msg.term()
            return
        with self.beating(msg.in_progress):
            async with self.slot():
                try:
                    await self.answer(request_id, spec)
                except Again as again:
                    pause = again.after * 2.0 ** min(metadata.num_delivered - 1, 5)
                    await msg.nak(delay=min(pause, 15.0) * random.uniform(0.75, 1.25))
                    return
        await msg.ack()

    # --- one answer

    async def answer(self, request_id: str, spec: ImageSpec) -> None:
        if request_id in self.answered:
            return
        token, key = uuid.uuid4().hex, f"mb:claim:{{{request_id}}}"
        verdict = await self.claim_script([key, f"{key}:tries"], [token, LEASE_MS, DAY_MS])
        if verdict == b"done":
            self.remember(request_id, "")
            return
        if verdict == b"taken":
            raise Again(0.1)
        try:
            with self.beating(lambda: self.renew_script([key], [f"C{token}", LEASE_MS])):
                digest = await self.work(request_id, spec)
        except BaseException:
            await asyncio.shield(self.release_script([key], [f"C{token}"]))
            raise
        self.remember(request_id, digest)
        await self.redis.set(key, f"D{digest}", px=DAY_MS)

    async def work(self, request_id: str, spec: ImageSpec) -> str:
        """Make the answer and have it stored; what was asked, as a digest."""
        started = time.perf_counter()
        asked = hashlib.sha256(json.dumps(asdict(spec), sort_keys=True).encode()).hexdigest()[:32]
        await self.status(request_id, "running")
        try:
            meme, origin = await self.generate(spec)
        except GenerationError as error:
            if error.retryable:
                raise Again(error.retry_after or 0.5) from error
            fault = {"error": str(error), "code": error.code, "retryable": False}
            await self.store(request_id, "error", asked, fault | stamps() | {"request_id": request_id})
            await self.status(request_id, "failed")
            return asked
        created = {
            **stamps(),
            "request_id": request_id,
            "prompt": spec.prompt,
            "content_type": meme.content_type,
            "width": meme.width,
            "height": meme.height,
            "sha256": meme.sha256,
            "image_url": f"/images/{meme.sha256}.webp",
            "cached": origin == "cached",
            "coalesced": origin == "coalesced",
            "provider": meme.provider,
            "model": meme.model,
            "duration_ms": round((time.perf_counter() - started) * 1000),
        }
        image = base64.b64encode(meme.data).decode()
        if await self.store(request_id, "response", asked, {**created, "image_data": image}):
            await self.nc.publish("meme.created", json.dumps(created).encode())
            await self.status(request_id, "done")
        return asked

    async def store(self, request_id: str, kind: str, digest: str, message: dict[str, Any]) -> bool:
        """Whether this is the first answer of the request: the stream decides."""
        prefix = f"answers.meme.{request_id}"
        headers = {
            "Nats-Expected-Last-Subject-Sequence": "0",
            "Nats-Expected-Last-Subject-Sequence-Subject": f"{prefix}.>",
            "Mb-Kind": kind,
            "Mb-Digest": digest,
            "content-type": "application/json",
        }
        subject = f"{prefix}.response" + (".error" if kind == "error" else "")
        body = json.dumps(message).encode()
        for pause in (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2):
            try:
                await self.js.publish(subject, body, headers=dict(headers), stream="MEME_RESULTS")
            except APIError as error:
                if error.err_code == 10071:
                    return False
            except (nats.errors.Error, TimeoutError):
                pass
            else:
                return True
            await asyncio.sleep(pause)
        raise Again(1.0)

    def remember(self, request_id: str, digest: str) -> None:
        self.answered[request_id] = digest
        if len(self.answered) > REMEMBERED_IDS:
            del self.answered[next(iter(self.answered))]

    async def status(self, request_id: str, state: str) -> None:
        message = {**stamps(), "request_id": request_id, "state": state, "worker": self.env["WORKER_ID"]}
        await self.nc.publish(f"meme.status.{request_id}", json.dumps(message).encode())

    # --- one picture

    async def generate(self, spec: ImageSpec) -> tuple[Meme, str]:
        """The picture, and whether it was `drawn`, `cached` or `coalesced`."""
        identity = json.dumps([asdict(spec), self.env["HF_API_URL"]], sort_keys=True)
        digest = hashlib.sha256(identity.encode()).hexdigest()[:40]
        if (meme := self.pictures.get(digest)) is not None:
            return meme, "cached"
        if (flying := self.flying.get(digest)) is not None:
            meme, origin = await asyncio.shield(flying)
            return meme, "coalesced" if origin == "drawn" else origin
        task = self.flying[digest] = asyncio.create_task(self.fly(digest, spec))
        try:
            return await task
        finally:
            del self.flying[digest]

    async def fly(self, digest: str, spec: ImageSpec) -> tuple[Meme, str]:
        if (meme := await self.cached(digest)) is not None:
            return meme, "cached"
        token, key = f"L{uuid.uuid4().hex}", f"mb:flight:{digest}"
        if not await self.redis.set(key, token, px=FLIGHT_MS, nx=True):
            raise Again(0.3)
        try:
            if (meme := await self.cached(digest)) is not None:
                return meme, "coalesced"
            with self.beating(lambda: self.renew_script([key], [token, FLIGHT_MS])):
                meme = await self.draw(spec)
            await self.keep(digest, meme)
        finally:
            await asyncio.shield(self.release_script([key], [token]))
        return meme, "drawn"

    async def draw(self, spec: ImageSpec) -> Meme:
        asked = {"inputs": spec.prompt, "parameters": {"width": spec.width, "height": spec.height}}
        reply = await self.http.post(self.env["HF_API_URL"], json=asked)
        if reply.status_code != 200:
            raise Again(float(reply.headers.get("retry-after", 1)))
        raw = check(reply.content, max_bytes=MAX_BYTES, max_pixels=MAX_PIXELS)
        return await asyncio.to_thread(
            finish,
            raw,
            spec,
            provider="huggingface",
            model=self.env["HF_MODEL"],
            budget=(self.nc.max_payload - ENVELOPE) * 3 // 4,
            captions_itself=False,
        )

    async def cached(self, digest: str) -> Meme | None:
        if (packed := await self.redis.get(f"mb:meme:{digest}")) is None:
            return None
        about, _, data = packed.partition(b"\n")
        meme = Meme(data=data, **json.loads(about))
        self.pictures[digest] = meme
        return meme

    async def keep(self, digest: str, meme: Meme) -> None:
        self.pictures[digest] = meme
        if len(self.pictures) > REMEMBERED_PICTURES:
            del self.pictures[next(iter(self.pictures))]
        about = {name: getattr(meme, name) for name in ABOUT}
        packed = json.dumps(about).encode() + b"\n" + meme.data
        await self.redis.set(f"mb:meme:{digest}", packed, px=CACHE_MS)
        await self.redis.set(f"mb:image:{meme.sha256}", f"meme:{digest}", px=CACHE_MS)
        try:
            await self.images.get_info(meme.sha256)
        except (NotFoundError, ObjectNotFoundError):
            meta = ObjectMeta(name=meme.sha256, headers={"content-type": meme.content_type})
            await self.images.put(meme.sha256, meme.data, meta=meta)


ABOUT = ("content_type", "width", "height", "sha256", "provider", "model")


def parse(msg: Msg, fallback_id: str | None) -> tuple[str, ImageSpec]:
    """Id and spec of a request; the checks that a careful hand would write."""
    try:
        data = json.loads(msg.data)
        prompt = data["prompt"].strip()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(str(error)) from None
    request_id = data.get("id") or (msg.headers or {}).get("Nats-Msg-Id") or fallback_id
    if not isinstance(request_id, str) or not TOKEN.fullmatch(request_id) or not 1 <= len(prompt) <= 500:
        raise Refused("id or prompt")
    side = 512 if data.get("small_image") is True else 1024
    return request_id, ImageSpec(prompt, side, side, fast=data.get("fast_mode") is True)


def stamps() -> dict[str, Any]:
    return {"timestamp": int(time.time()), "created_at": datetime.now(UTC).isoformat()}


def main() -> None:
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 - where installed, as in memebattle

        uvloop.install()
    asyncio.run(Worker(dict(os.environ)).run())


if __name__ == "__main__":
    main()
