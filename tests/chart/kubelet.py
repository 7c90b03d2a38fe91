"""The life of one pod on this machine: started, probed, started again when it died, ended in good order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from memebattle.cli.children import Child, http_status
from tests.chart.containers import Container
from tests.chart.kubernetes import Key

LOOK, LOOK_WHEN_READY = 0.05, 0.5  # seconds between two readiness probes
CRASH_PAUSE = 1.0  # seconds before a container that died twice is started again


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of a process.

    Args:
        pod: its pod.
        code: the exit code, negative for a signal.
        asked: whether we asked for it; false when it ended by itself or was killed.
        served: whether it had ever been ready. One that was asked to go before may die of the signal.
    """

    pod: str
    code: int
    asked: bool
    served: bool


@dataclass(eq=False, slots=True)
class RunningPod:
    """A pod of a Deployment and its one container.

    `template` tells pods of an old template from new ones; `grace` is how many seconds preStop and SIGTERM
    may take together.
    """

    name: str
    owner: Key
    template: str
    labels: dict[str, str]
    container: Container
    grace: float
    process: Child = field(init=False)
    is_ready: bool = False
    has_served: bool = False
    restarts: int = 0
    _ending: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.process = self.container.process()

    @property
    def is_ending(self) -> bool:
        return self._ending.is_set()

    def end(self) -> None:
        """Ask it to stop; `live` does it."""
        self._ending.set()

    def kill(self) -> None:
        """`kill -9`, as the kernel does to a container that takes too much memory."""
        self.process.signal(signal.SIGKILL)

    async def live(self, on_change: Callable[[], object], exits: list[Exit]) -> None:
        """From the first start of its container to the last end; `on_change` hears when readiness changes."""
        while not self.is_ending:
            await self.process.start()
            async with _beside(self._watch_readiness(on_change)):
                await _first(ended(self.process), self._ending.wait())
            self.is_ready = False
            asked = self._ending.is_set()
            if asked:
                await self._stop()
            exits.append(Exit(self.name, await ended(self.process), asked, self.has_served))
            on_change()
            if not asked:
                await self._start_again()

    async def _watch_readiness(self, on_change: Callable[[], object]) -> None:
        address = self.container.probe("readinessProbe")
        while True:
            is_ready = address is None or await http_status(address) == 200
            if is_ready != self.is_ready:
                self.is_ready = is_ready
                self.has_served |= is_ready
                on_change()
            await asyncio.sleep(LOOK_WHEN_READY if is_ready else LOOK)

    async def _stop(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.grace
        if self.process.running and (before := self.container.pre_stop()):
            await before.start()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended(before), self.grace)
            await before.stop(0)
        await self.process.stop(max(0, deadline - loop.time()))

    async def _start_again(self) -> None:
        if self.restarts:
            await _first(asyncio.sleep(CRASH_PAUSE), self._ending.wait())
        self.restarts, self.process, self.has_served = self.restarts + 1, self.container.process(), False


async def ended(child: Child) -> int:
    """The exit code, negative for a signal."""
    assert child.process is not None
    return await child.process.wait()


async def _first(*awaitables: Awaitable[Any]) -> None:
    """Return when one of them is done; the others are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in awaitables]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do this during the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
