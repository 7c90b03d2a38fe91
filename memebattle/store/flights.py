"""Single flight over all replicas: identical work runs once, the others wait for its landing.

    mb:flight:{digest}   "L<token>" with a lease while somebody generates,
                         "F<note>" for a moment after a failure
    mb:flights           Pub/Sub channel on which a digest is announced when its flight has landed

The failure note is negative caching: without it the waiters of a failed flight would all try the provider,
one after another. Pub/Sub may lose an announcement; the wait is bounded by the lease, so nothing hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator

from redis.exceptions import RedisError

from memebattle.store.redis import PREFIX, RedisStore, StoreAway

log = logging.getLogger(__name__)

CHANNEL = PREFIX + "flights"
# seconds; shorter than the first pause before a retry, so that no try is spent on the note of the one before
FAILURE_TTL = 0.7

_JOIN = """
local held = redis.call('GET', KEYS[1])
if not held then
  redis.call('SET', KEYS[1], 'L' .. ARGV[1], 'PX', ARGV[2])
  return 'lead'
end
if string.sub(held, 1, 1) == 'F' then return string.sub(held, 2) end
return 'wait'
"""
_RENEW = """
if redis.call('GET', KEYS[1]) == 'L' .. ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
_LAND = """
if redis.call('GET', KEYS[1]) ~= 'L' .. ARGV[1] then return 0 end
if ARGV[2] ~= '' then redis.call('SET', KEYS[1], 'F' .. ARGV[2], 'PX', ARGV[3])
else redis.call('DEL', KEYS[1]) end
return redis.call('PUBLISH', ARGV[4], ARGV[5])
"""


class Landings:
    """Who waits in this process for which digest."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def announce(self, digest: str) -> None:
        for event in self._waiting.get(digest, ()):
            event.set()

    @contextlib.contextmanager
    def waiter(self, digest: str) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        self._waiting[digest].add(event)
        try:
            yield event
        finally:
            self._waiting[digest].discard(event)
            if not self._waiting[digest]:
                del self._waiting[digest]


class RedisFlights:
    """Flights shared by all replicas. `listen()` runs for as long as the house stands.

    `lease`: seconds a flight outlives its leader's last renewal: how long others wait for a dead one.
    """

    def __init__(self, store: RedisStore, lease: float = 10.0) -> None:
        self._store, self._lease_ms = store, _ms(lease)
        self._landings = Landings()
        self._join = store.client.register_script(_JOIN)
        self._renew = store.client.register_script(_RENEW)
        self._land = store.client.register_script(_LAND)

    async def join(self, digest: str, token: str) -> str:
        try:
            verdict: bytes = await self._store.do(lambda: self._join([_key(digest)], [token, self._lease_ms]))
        except StoreAway:
            return "lead"
        return verdict.decode()

    async def renew(self, digest: str, token: str) -> None:
        with contextlib.suppress(StoreAway):
            await self._store.do(lambda: self._renew([_key(digest)], [token, self._lease_ms]))

    async def land(self, digest: str, token: str, failure: str | None = None) -> None:
        arguments: list[str | int] = [token, failure or "", _ms(FAILURE_TTL), CHANNEL, digest]
        with contextlib.suppress(StoreAway):
            await self._store.do(lambda: self._land([_key(digest)], arguments))
        self._landings.announce(digest)

    async def wait(self, digest: str, timeout: float) -> None:
        """Woken by the announcement; a second look after a second covers one that got lost."""
        with self._landings.waiter(digest) as landed, contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(timeout, 1.0)):
                await landed.wait()

    async def listen(self) -> None:
        """Hear of landings on other replicas, over every loss of Redis."""
        while True:
            try:
                await self._listen_once(self._landings.announce)
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(1)

    async def _listen_once(self, announce: Callable[[str], None]) -> None:
        async with self._store.client.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(CHANNEL)
            while True:
                message = await pubsub.get_message(timeout=30)
                if message is not None:
                    announce(message["data"].decode())


def _key(digest: str) -> str:
    return f"{PREFIX}flight:{digest}"


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


class MemoryFlights:
    """The in-memory twin, for one process; it forgets failures when told to."""

    def __init__(self) -> None:
        self._flights: dict[str, str] = {}
        self._failures: dict[str, str] = {}
        self._landings = Landings()

    async def join(self, digest: str, token: str) -> str:
        if (note := self._failures.get(digest)) is not None:
            return note
        return "lead" if self._flights.setdefault(digest, token) == token else "wait"

    async def renew(self, digest: str, token: str) -> None:
        """A flight in memory ends with its process."""

    async def land(self, digest: str, token: str, failure: str | None = None) -> None:
        if self._flights.get(digest) != token:
            return
        del self._flights[digest]
        if failure:
            self._failures[digest] = failure
        self._landings.announce(digest)

    async def wait(self, digest: str, timeout: float) -> None:
        with self._landings.waiter(digest) as landed, contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await landed.wait()

    def forget_failures(self) -> None:
        self._failures.clear()
