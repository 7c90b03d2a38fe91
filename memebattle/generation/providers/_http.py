"""Bounded HTTP, and the only module that imports httpx.

A provider's answer is foreign matter. With plain httpx a dripping body outlives every timeout (they count per
read, not per call) and a body of gigabytes is collected in memory. So every call of ours runs inside one
`asyncio.timeout`, and every body goes through `read_body`, which counts while it reads. Compression is turned
down with the request (`IDENTITY`) and refused in the answer: a few kilobytes of it can unpack into gigabytes.

The rest of the package writes `from memebattle.generation.providers._http import httpx`, so that changing to
a successor with the same interface is one line here.
"""

from __future__ import annotations

import httpx

__all__ = ["IDENTITY", "BodyRefused", "httpx", "open_client", "read_body", "refuse_compressed"]

IDENTITY = {"Accept-Encoding": "identity"}

CONNECT_TIMEOUT = 5.0


class BodyRefused(Exception):
    """The body is larger than we read, or compressed although we asked for plain bytes."""


def open_client(*, timeout: float, connections: int) -> httpx.AsyncClient:
    """A client that follows no redirect (it would carry the token along) and no proxy variable.

    Args:
        timeout: seconds for each single read or write; the whole call is bounded by the caller.
        connections: how many are kept alive. Twice as many may be open, because a linked picture takes a
            second one: callers bound their calls, a queue inside the pool would only eat their deadlines.
    """
    return httpx.AsyncClient(
        timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT)),
        limits=httpx.Limits(max_connections=2 * connections, max_keepalive_connections=connections),
        follow_redirects=False,
        trust_env=False,
    )


async def read_body(response: httpx.Response, limit: int, *, cut: bool = False) -> bytes:
    """Read at most `limit` bytes of a streamed response.

    Args:
        response: opened with `client.stream`; nothing of it read yet.
        limit: bytes.
        cut: return the first `limit` bytes of a longer body instead of refusing it (error texts).

    Raises:
        BodyRefused: it is longer, says that it is going to be, or is compressed.
    """
    refuse_compressed(response)
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit and not cut:
        raise BodyRefused(f"the answer announces {announced} bytes, more than {limit}")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit:
            if cut:
                return bytes(body[:limit])
            raise BodyRefused(f"the answer is longer than {limit} bytes")
    return bytes(body)


def refuse_compressed(response: httpx.Response) -> None:
    """Check the headers of an answer that is read raw.

    Raises:
        BodyRefused: it is compressed.
    """
    if response.headers.get("content-encoding", "identity") != "identity":
        raise BodyRefused("the answer is compressed, which was not asked for")
