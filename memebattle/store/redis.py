"""One Redis connection pool, one way to fail.

Redis makes us cheaper, never more correct, so an operation that fails or takes longer than a quarter of a
second is given up and reported as `StoreAway`; for the next half second nobody even tries, so that a dead
Redis costs nothing per message.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from memebattle.kit.metrics import Metrics
from memebattle.settings import RedisSettings

log = logging.getLogger(__name__)

PREFIX = "mb:"
PAUSE = 0.5  # seconds without a try after a failure


class StoreAway(Exception):
    """Redis did not answer in time."""


class RedisStore:
    """The connection that the cache, the claims and the flights share."""

    def __init__(
        self, settings: RedisSettings, metrics: Metrics, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        # the plain pool raises at once when it is full, which looks like an outage
        pool = BlockingConnectionPool.from_url(
            settings.url.get_secret_value(),
            timeout=settings.timeout,
            max_connections=settings.max_connections,
            socket_timeout=settings.timeout,
            socket_connect_timeout=settings.timeout,
            retry=Retry(NoBackoff(), 0),
        )
        self.client: Redis = Redis(connection_pool=pool)
        self._metrics, self._clock = metrics, clock
        self._timeout, self._in_flight = settings.timeout, 0
        self._away_until = 0.0
        self._up: bool | None = None

    async def do(self, operation: Callable[[], Awaitable[Any]]) -> Any:
        """Run one operation.

        Raises:
            StoreAway: it failed, timed out, or another one did within the last half second.
        """
        if self._clock() < self._away_until:
            raise StoreAway("Redis was away a moment ago")
        self._in_flight += 1
        try:
            result = await operation()
        except (RedisError, OSError, TimeoutError) as error:
            self._note_failure(error)
            raise StoreAway(str(error)) from error
        finally:
            self._in_flight -= 1
        self._note(up=True)
        return result

    @property
    def up(self) -> bool:
        """What the last operation showed."""
        return self._up is not False

    async def keep_watch(self, seconds: float = 2.0) -> None:
        """Look now and then, so that an idle process knows too."""
        while True:
            await self.ping()
            await asyncio.sleep(seconds)

    async def ping(self) -> bool:
        """Whether Redis answers now."""
        try:
            await self.do(self.client.ping)
        except StoreAway:
            return False
        return True

    async def aclose(self) -> None:
        """Close, after the operations in flight: a stopping worker gives back its claims and flights last."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                while self._in_flight:  # noqa: ASYNC110 - a few milliseconds, once in a process's life
                    await asyncio.sleep(0.005)
        await self.client.aclose()
        await self.client.connection_pool.aclose()

    def _note_failure(self, error: Exception) -> None:
        self._away_until = self._clock() + PAUSE
        self._metrics.memes.cache_errors.inc()
        if self._up is not False:
            log.warning("Redis is away, going on without it", extra={"error": repr(error)})
        self._note(up=False)

    def _note(self, *, up: bool) -> None:
        if up and self._up is False:
            log.info("Redis is back")
        if self._up is not up:
            self._metrics.redis_up.set(up)
        self._up = up
