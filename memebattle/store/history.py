"""What was said in a session: the last questions with their answers, which a model reads before the next one.

    mb:history:{id}   list of {"message_id", "user", "assistant"} as JSON, newest last

It is bounded twice, to a number of exchanges and to 64 KiB of JSON, and the oldest goes first. An exchange
that is too long by itself loses the end of its answer, and of its question where that alone is too long:
what both began with says best what they were about. A conversation is a comfort, so it may be away, wiped or
evicted; the model then answers as if the session had just begun.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable

from memebattle.store.redis import PREFIX, RedisStore, StoreAway

LIMIT = 64 * 1024  # bytes of JSON per session

# An exchange begins with its message id (see `_head`), so the script finds it without parsing JSON.
_REMEMBER = """
local exchanges = redis.call('LRANGE', KEYS[1], 0, -1)
local place = #exchanges + 1
for i, exchange in ipairs(exchanges) do
  if string.sub(exchange, 1, #ARGV[1]) == ARGV[1] then place = i end
end
if exchanges[place] then redis.call('LSET', KEYS[1], place - 1, ARGV[2])
else redis.call('RPUSH', KEYS[1], ARGV[2]) end
exchanges[place] = ARGV[2]
local dropped, turns, bytes = #exchanges, tonumber(ARGV[3]), tonumber(ARGV[4])
while dropped > 0 and turns > 0 and bytes >= #exchanges[dropped] do
  bytes, turns, dropped = bytes - #exchanges[dropped], turns - 1, dropped - 1
end
redis.call('LTRIM', KEYS[1], dropped, -1)
return redis.call('PEXPIRE', KEYS[1], ARGV[5])
"""


class RedisHistory:
    """Conversations that all workers share. `turns`: exchanges kept, 0 for none; `ttl`: seconds they are."""

    def __init__(self, store: RedisStore, turns: int, ttl: float) -> None:
        self._store, self._turns, self._ttl_ms = store, turns, max(1, round(ttl * 1000))
        self._remember = store.client.register_script(_REMEMBER)

    async def remember(self, session_id: str, message_id: str, user: str, assistant: str) -> None:
        """Add an exchange, or replace the one with this message id: a redelivered request writes it again."""
        if not self._turns:
            return
        exchange = _exchange(message_id, user, assistant)
        arguments: list[str | bytes | int] = [_head(message_id), exchange, self._turns, LIMIT, self._ttl_ms]
        await self._quietly(lambda: self._remember([_key(session_id)], arguments))

    async def recall(self, session_id: str, without: str = "") -> list[tuple[str, str]] | None:
        """Questions with their answers, oldest first, but for one message's; None when Redis is away."""
        if not self._turns:
            return []
        try:
            exchanges: list[bytes] = await self._store.do(
                lambda: self._store.client.lrange(_key(session_id), -self._turns, -1)
            )
        except StoreAway:
            return None
        return [_spoken(exchange) for exchange in exchanges if not exchange.startswith(_head(without))]

    async def forget(self, session_id: str) -> None:
        await self._quietly(lambda: self._store.client.delete(_key(session_id)))

    async def _quietly(self, operation: Callable[[], Awaitable[object]]) -> None:
        try:
            await self._store.do(operation)
        except StoreAway:
            return


def _key(session_id: str) -> str:
    return f"{PREFIX}history:{session_id}"


def _json(value: object) -> bytes:
    # half a surrogate pair, which a model may well stream, is no UTF-8: it becomes a question mark
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _head(message_id: str) -> bytes:
    return _json({"message_id": message_id}).removesuffix(b"}")


def _exchange(message_id: str, user: str, assistant: str) -> bytes:
    """The exchange as it is kept, within the limit."""

    def encoded(user: str, assistant: str) -> bytes:
        return _json({"message_id": message_id, "user": user, "assistant": assistant})

    exchange = encoded(user, assistant)
    if len(exchange) <= LIMIT:
        return exchange
    question = _beginning(user, LIMIT - len(encoded("", "")))
    return encoded(question, _beginning(assistant, LIMIT - len(encoded(question, ""))))


def _beginning(text: str, room: int) -> str:
    """As much of the text as takes at most `room` bytes in JSON, without its quotes."""
    text = text[:room]  # no character takes less than a byte
    ends = range(1, len(text) + 1)
    return text[: bisect_right(ends, room, key=lambda end: len(_json(text[:end])) - len('""'))]


def _spoken(exchange: bytes) -> tuple[str, str]:
    parts = json.loads(exchange)
    return parts["user"], parts["assistant"]


class MemoryHistory:
    """The in-memory twin, for one process; it is never away."""

    def __init__(self, turns: int, ttl: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._turns, self._ttl, self._clock = turns, ttl, clock
        self._sessions: dict[str, tuple[float, dict[str, bytes]]] = {}

    async def remember(self, session_id: str, message_id: str, user: str, assistant: str) -> None:
        exchanges = self._exchanges(session_id)
        exchanges[message_id] = _exchange(message_id, user, assistant)
        while len(exchanges) > self._turns or sum(map(len, exchanges.values())) > LIMIT:
            del exchanges[next(iter(exchanges))]
        self._sessions[session_id] = (self._clock() + self._ttl, exchanges)

    async def recall(self, session_id: str, without: str = "") -> list[tuple[str, str]] | None:
        exchanges = self._exchanges(session_id).items()
        return [_spoken(exchange) for message_id, exchange in exchanges if message_id != without]

    async def forget(self, session_id: str) -> None:
        self._sessions.pop(session_id, None)

    def _exchanges(self, session_id: str) -> dict[str, bytes]:
        """By message id, oldest first."""
        expires, exchanges = self._sessions.get(session_id, (0.0, {}))
        return exchanges if expires > self._clock() else {}
