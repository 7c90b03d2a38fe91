"""What is remembered of a user, so that a task need not say it again: as little as possible, and never who.

    mb:user:{digest}   hash of `role`, `department`, `timezone` and `language`, or of `opted_out` alone

The digest is an HMAC of the user id: who reads Redis but has no key cannot tell whose entry it is, nor try
likely ids. Nothing but those four fields is ever kept. Who opts out loses what was kept at once and nothing
is kept or recalled from then on; data and mark share one key, so there is no moment between the two.

The mark lasts 400 days and is as durable as Redis: one that is emptied, or evicts keys when its memory is
full, forgets it too. No profile comes back with that, but the next one is kept again.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from memebattle.store.redis import PREFIX, RedisStore, StoreAway

log = logging.getLogger(__name__)

FIELDS = ("role", "department", "timezone", "language")
LONGEST = 64  # characters of a value
OPT_OUT_TTL = 400 * 24 * 3600.0  # seconds

_REMEMBER = """
if redis.call('HEXISTS', KEYS[1], 'opted_out') == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""
_FORGET = """
if redis.call('HEXISTS', KEYS[1], 'opted_out') == 1 then return 0 end
return redis.call('UNLINK', KEYS[1])
"""
_OPT_OUT = """
redis.call('UNLINK', KEYS[1])
redis.call('HSET', KEYS[1], 'opted_out', '1')
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""
_OPT_IN = """
if redis.call('HEXISTS', KEYS[1], 'opted_out') == 1 then redis.call('UNLINK', KEYS[1]) end
return 1
"""


class Profiles:
    """Profiles that all replicas with the same `key` share. `ttl`: seconds since something was remembered.

    While Redis is away nothing is kept or recalled. Whoever asks to be forgotten, or opts out or in, hears
    that it was not done: those are promises to a person, which must not fail in silence.
    """

    def __init__(self, store: RedisStore, key: bytes, ttl: float) -> None:
        self._store, self._key, self._ttl_ms = store, key or _key_of_this_process(), max(1, round(ttl * 1000))
        self._remember = store.client.register_script(_REMEMBER)
        self._forget = store.client.register_script(_FORGET)
        self._opt_out = store.client.register_script(_OPT_OUT)
        self._opt_in = store.client.register_script(_OPT_IN)

    async def remember(self, user_id: str, fields: Mapping[str, object]) -> dict[str, str]:
        """Keep what may be kept, beside or in the place of what was known; what was kept of it."""
        kept = _allowed(fields)
        if not kept:
            return {}
        arguments: list[str | int] = [self._ttl_ms, *(part for field in kept.items() for part in field)]
        done = await self._try(lambda: self._remember([self._name(user_id)], arguments))
        return kept if done else {}

    async def recall(self, user_id: str) -> dict[str, str] | None:
        """What is known; None for nothing, for who opted out, and while Redis is away."""
        found = await self._try(lambda: self._store.client.hgetall(self._name(user_id)))
        # looked through once more: a version before or after this one may keep more
        return _allowed({name.decode(): value.decode() for name, value in (found or {}).items()}) or None

    async def forget(self, user_id: str) -> bool | None:
        """Drop what is known; whether there was something, None when Redis is away. An opt-out stands."""
        dropped = await self._try(lambda: self._forget([self._name(user_id)]))
        return None if dropped is None else bool(dropped)

    async def opt_out(self, user_id: str) -> bool:
        """Drop what is known and keep nothing more, for 400 days or until opted in; False: Redis is away."""
        arguments = [round(OPT_OUT_TTL * 1000)]
        return await self._try(lambda: self._opt_out([self._name(user_id)], arguments)) is not None

    async def opt_in(self, user_id: str) -> bool:
        """Allow to keep things again; False: Redis is away."""
        return await self._try(lambda: self._opt_in([self._name(user_id)])) is not None

    def _name(self, user_id: str) -> str:
        digest = hmac.new(self._key, user_id.encode(errors="replace"), hashlib.sha256).hexdigest()
        return f"{PREFIX}user:{digest[:32]}"

    async def _try(self, operation: Callable[[], Awaitable[Any]]) -> Any:
        """What Redis says; None when it is away."""
        try:
            return await self._store.do(operation)
        except StoreAway:
            return None


def _key_of_this_process() -> bytes:
    log.warning(
        "there is no key for user data: one is made up; other processes, and this one after a restart, will"
        " not find what it keeps, nor who opted out"
    )
    return secrets.token_bytes(32)


def _allowed(fields: Mapping[str, object]) -> dict[str, str]:
    """Short printable text of the known fields; everything else is left out."""
    kept = {}
    for name in FIELDS:
        if isinstance(value := fields.get(name), str):
            text = value.strip()
            if text.isprintable() and 0 < len(text) <= LONGEST:
                kept[name] = text
    return kept


class MemoryProfiles:
    """The in-memory twin, for one process; it is never away."""

    def __init__(self, ttl: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl, self._clock = ttl, clock
        self._known: dict[str, tuple[float, dict[str, str]]] = {}
        self._opted_out: dict[str, float] = {}  # until when

    async def remember(self, user_id: str, fields: Mapping[str, object]) -> dict[str, str]:
        kept = _allowed(fields)
        if not kept or self._opted_out.get(user_id, 0) > self._clock():
            return {}
        self._known[user_id] = (self._clock() + self._ttl, (await self.recall(user_id) or {}) | kept)
        return kept

    async def recall(self, user_id: str) -> dict[str, str] | None:
        expires, known = self._known.get(user_id, (0.0, {}))
        return dict(known) if expires > self._clock() else None

    async def forget(self, user_id: str) -> bool | None:
        was_known = await self.recall(user_id) is not None
        self._known.pop(user_id, None)
        return was_known

    async def opt_out(self, user_id: str) -> bool:
        self._known.pop(user_id, None)
        self._opted_out[user_id] = self._clock() + OPT_OUT_TTL
        return True

    async def opt_in(self, user_id: str) -> bool:
        self._opted_out.pop(user_id, None)
        return True
