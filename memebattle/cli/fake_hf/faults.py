"""Everything a provider has been seen doing instead of answering, by name.

Each fault takes one request and mistreats it. `FakeHuggingFace.script("drip", "ok", ...)` plays them to the
next requests in turn; the battery test plays them all. `refuse` is the polite way to fail: a status with the
headers and the body that the real thing sends along.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import zlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from memebattle.cli.fake_hf.wire import Exchange, Respond, phrase

BLOCK = 64 * 1024
SLOW_SECONDS = 10.0
DRIP_SECONDS = 0.05  # between two bytes
HUGE = 4 * 1024**3
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_REASONS: Mapping[int, Any] = {
    400: ["height must be a multiple of 8"],
    401: "Invalid username or password.",
    402: "You have depleted your monthly included credits. Purchase pre-paid credits to continue.",
    403: "This authentication method does not have sufficient permissions to call Inference Providers.",
    404: "Not Found",
    410: "The requested model is deprecated and no longer supported by provider hf-inference",
    422: {"message": "num_inference_steps must be at most 50"},
    429: "Too many requests",
    503: "Model is currently loading",
}


async def refuse(exchange: Exchange, status: int, *, retry_after: float = 1.0) -> None:
    """Fail like the real thing; 429 and 503 say that it is worth coming back after `retry_after` seconds."""
    reason = _REASONS.get(status, phrase(status))
    document: dict[str, Any] = {"error": reason}
    headers: dict[str, str] = {}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = str(max(1, round(retry_after)))
        headers = {"retry-after": seconds, "ratelimit": f'"api";r=0;t={seconds}'}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        document["estimated_time"] = retry_after
    await exchange.answer_json(status, document, headers)


async def _loading(exchange: Exchange) -> None:
    await refuse(exchange, HTTPStatus.SERVICE_UNAVAILABLE, retry_after=20.0)


async def _rate_limited(exchange: Exchange) -> None:
    await refuse(exchange, HTTPStatus.TOO_MANY_REQUESTS, retry_after=7.0)


async def _broken(exchange: Exchange) -> None:
    await refuse(exchange, HTTPStatus.INTERNAL_SERVER_ERROR)


async def _bad_request(exchange: Exchange) -> None:
    await refuse(exchange, HTTPStatus.BAD_REQUEST)


async def _html(exchange: Exchange) -> None:
    await exchange.answer(200, b"<!doctype html><title>Please log in</title>", "image/png")


async def _json(exchange: Exchange) -> None:
    await exchange.answer_json(200, {"status": "queued", "id": "b7f1"})


async def _empty(exchange: Exchange) -> None:
    await exchange.answer(200, b"", "image/png")


async def _slow(exchange: Exchange) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SLOW_SECONDS):
            await exchange.until_gone()
            return
    await _empty(exchange)


async def _hang(exchange: Exchange) -> None:
    await exchange.until_gone()


async def _drip(exchange: Exchange) -> None:
    """Always in time for a timeout per read, never done."""
    await exchange.head(200, {"content-type": "image/png", "content-length": "1000000"})
    await exchange.send(PNG_SIGNATURE)
    while True:
        await exchange.send(b"\0")
        await asyncio.sleep(DRIP_SECONDS)


async def _huge(exchange: Exchange) -> None:
    await exchange.head(200, {"content-type": "image/png", "content-length": str(HUGE)})
    await exchange.send(PNG_SIGNATURE)
    while True:
        await exchange.send(bytes(BLOCK))


async def _endless(exchange: Exchange) -> None:
    await exchange.head(200, {"content-type": "image/png", "transfer-encoding": "chunked"})
    chunk = PNG_SIGNATURE.ljust(BLOCK, b"\0")
    while True:
        await exchange.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))


async def _reset(exchange: Exchange) -> None:
    exchange.reset()


async def _cut(exchange: Exchange) -> None:
    exchange.keep_alive = False
    await exchange.head(200, {"content-type": "image/png", "content-length": "100000"})
    await exchange.send(PNG_SIGNATURE.ljust(1000, b"\0"))


async def _bomb(exchange: Exchange) -> None:
    """A few bytes that a decoder would unpack into ten thousand million pixels."""
    await exchange.answer(200, bomb(), "image/png")


FAULTS: Mapping[str, Respond] = {
    "503": _loading,
    "429": _rate_limited,
    "500": _broken,
    "400": _bad_request,
    "html": _html,
    "json": _json,
    "empty": _empty,
    "slow": _slow,
    "hang": _hang,
    "drip": _drip,
    "huge": _huge,
    "endless": _endless,
    "reset": _reset,
    "cut": _cut,
    "bomb": _bomb,
}


def bomb(side: int = 100_000) -> bytes:
    """A PNG whose header declares `side` x `side` pixels."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1024 * 1024))
    return PNG_SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
