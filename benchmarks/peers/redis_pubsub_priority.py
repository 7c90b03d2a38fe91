"""The prioritisation engine before NATS: what `memebattle bench priority` measures against.

One process subscribes to a Redis channel, scores every task it hears and publishes the result on another
channel, one task after the other. That is all: nothing is stored, claimed, acknowledged or tried again, a
task that is published while nobody listens is gone, and nobody knows. Tasks are checked and scored by the
same code as in memebattle, and the results are whole ones: this is about what lies between client and worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from datetime import UTC, datetime

from pydantic import ValidationError
from redis.asyncio import Redis

from memebattle.cli.prioritize_local import score_here
from memebattle.priority.messages import PriorityRequest

REQUESTS = os.environ.get("PRIORITIZATION_REQUEST_CHANNEL") or "prioritization_requests"
RESULTS = os.environ.get("PRIORITIZATION_RESULT_CHANNEL") or "prioritization_results"


async def work() -> None:
    async with (
        Redis.from_url(os.environ["REDIS_URL"]) as redis,
        redis.pubsub(ignore_subscribe_messages=True) as pubsub,
    ):
        await pubsub.subscribe(REQUESTS)
        async for message in pubsub.listen():
            try:
                request = PriorityRequest.read(message["data"])
            except ValidationError as error:
                print(f"no task: {error}")
                continue
            result = score_here(request, datetime.now(UTC), "weighted")
            await redis.publish(RESULTS, result.body())


async def main() -> None:
    working = asyncio.create_task(work())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await working


if __name__ == "__main__":
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.install()
    asyncio.run(main())
