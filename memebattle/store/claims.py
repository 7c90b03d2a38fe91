"""Claims in Redis: who works on which request, in one round trip.

    mb:claim:{id}         "C<token>" with a lease while in work, "D<digest>" for a day when answered,
                          "X" when cancelled before anybody took it
    mb:claim:{id}:tries   how often it was claimed; a crashed try is counted because nobody takes it back

Those are the keys of memes; a context with ids of its own has a kind of its own in the place of "claim".

A claim is never needed for correctness (see `bus/idempotency.py`), so it may be away, wiped or evicted.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from memebattle.kit.claims import AlreadyDone, Claim, Taken, Unknown, Won
from memebattle.store.redis import PREFIX, RedisStore, StoreAway

DONE_TTL = 24 * 3600.0  # seconds; as long as the stream may redeliver the request

_CLAIM = """
local held = redis.call('GET', KEYS[1])
if not held or held == 'X' then
  redis.call('SET', KEYS[1], 'C' .. ARGV[1], 'PX', ARGV[2])
  local tries = redis.call('INCR', KEYS[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
  return {held and 'cancelled' or 'won', tries}
end
if string.sub(held, 1, 1) == 'D' then return {'done', string.sub(held, 2)} end
return {'taken', redis.call('PTTL', KEYS[1])}
"""
_RENEW = """
if redis.call('GET', KEYS[1]) == 'C' .. ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= 'C' .. ARGV[1] then return 0 end
-- an evicted counter is not brought back: it would live for ever
if ARGV[2] == '1' and redis.call('EXISTS', KEYS[2]) == 1 then redis.call('DECR', KEYS[2]) end
return redis.call('DEL', KEYS[1])
"""


class RedisClaims:
    """Claims shared by all replicas. `kind` begins their keys: equal ids of two kinds are two requests."""

    def __init__(self, store: RedisStore, kind: str = "claim") -> None:
        self._store, self._kind = store, kind
        self._claim = store.client.register_script(_CLAIM)
        self._renew = store.client.register_script(_RENEW)
        self._release = store.client.register_script(_RELEASE)

    async def claim(self, request_id: str, lease: float) -> Claim:
        token = uuid.uuid4().hex
        arguments: list[str | int] = [token, _ms(lease), _ms(DONE_TTL)]
        try:
            verdict, value = await self._store.do(lambda: self._claim(self._keys(request_id), arguments))
        except StoreAway:
            return Unknown()
        match verdict:
            case b"won":
                return Won(token, int(value))
            case b"cancelled":
                return Won(token, int(value), cancelled=True)
            case b"done":
                return AlreadyDone(value.decode())
            case _:
                return Taken(max(int(value), 0) / 1000)

    async def renew(self, request_id: str, token: str, lease: float) -> None:
        await self._quietly(lambda: self._renew(self._keys(request_id)[:1], [token, _ms(lease)]))

    async def release(self, request_id: str, token: str, *, refund: bool) -> None:
        await self._quietly(lambda: self._release(self._keys(request_id), [token, int(refund)]))

    async def done(self, request_id: str, digest: str) -> None:
        key, value = self._keys(request_id)[0], f"D{digest}"
        await self._quietly(lambda: self._store.client.set(key, value, px=_ms(DONE_TTL)))

    async def cancel(self, request_id: str) -> None:
        key = self._keys(request_id)[0]
        await self._quietly(lambda: self._store.client.set(key, "X", px=_ms(DONE_TTL), nx=True))

    async def _quietly(self, operation: Callable[[], Awaitable[object]]) -> None:
        try:
            await self._store.do(operation)
        except StoreAway:
            return  # the lease runs out by itself; the answer stream arbitrates

    def _keys(self, request_id: str) -> list[str]:
        # the braces keep both keys on one node of a Redis cluster
        key = f"{PREFIX}{self._kind}:{{{request_id}}}"
        return [key, f"{key}:tries"]


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


@dataclass(slots=True)
class _Record:
    value: str = ""
    expires: float = 0
    tries: int = 0


class MemoryClaims:
    """The in-memory twin, for one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._records: dict[str, _Record] = {}

    async def claim(self, request_id: str, lease: float) -> Claim:
        record, now = self._records.setdefault(request_id, _Record()), self._clock()
        if record.value.startswith("D") and record.expires > now:
            return AlreadyDone(record.value[1:])
        cancelled = record.value == "X"
        if record.value and record.expires > now and not cancelled:
            return Taken(record.expires - now)
        token = uuid.uuid4().hex
        record.value, record.expires, record.tries = f"C{token}", now + lease, record.tries + 1
        return Won(token, record.tries, cancelled)

    async def renew(self, request_id: str, token: str, lease: float) -> None:
        if (record := self._held(request_id, token)) is not None:
            record.expires = self._clock() + lease

    async def release(self, request_id: str, token: str, *, refund: bool) -> None:
        if (record := self._held(request_id, token)) is not None:
            record.value = ""
            record.tries -= int(refund)

    async def done(self, request_id: str, digest: str) -> None:
        record = self._records.setdefault(request_id, _Record())
        record.value, record.expires = f"D{digest}", self._clock() + DONE_TTL

    async def cancel(self, request_id: str) -> None:
        record = self._records.setdefault(request_id, _Record())
        if not record.value or record.expires <= self._clock():
            record.value, record.expires = "X", self._clock() + DONE_TTL

    def _held(self, request_id: str, token: str) -> _Record | None:
        record = self._records.get(request_id)
        if record is None or record.value != f"C{token}" or record.expires <= self._clock():
            return None
        return record
