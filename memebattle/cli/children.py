"""Child processes of the command line: started, waited for, ended with us."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

START_TIMEOUT = 15.0  # seconds


class CannotStart(RuntimeError):
    """A server is missing or did not come up; the message says what to do."""


def _end_with_parent() -> None:
    """In the child, before exec: Linux ends it when we are killed without a chance to do so ourselves."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


@dataclass(slots=True)
class Child:
    """A child process that is ended with us."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    inherits: bool = True  # our environment below its own
    process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        return self.process.pid if self.process is not None else 0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        """Start it in a group of its own: Ctrl-C reaches us, and we end our children in order."""
        with self._output() as output:
            self.process = await asyncio.create_subprocess_exec(
                *self.argv,
                env={**os.environ, **self.env} if self.inherits else self.env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    async def stop(self, patience: float = 10.0) -> int:
        """SIGTERM, then SIGKILL after `patience` seconds; the exit code."""
        if self.process is None:
            return 0
        if self.process.returncode is None:
            self.signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), patience)
            except TimeoutError:
                self.signal(signal.SIGKILL)
        return await self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.process is not None:
                self.process.send_signal(number)

    @contextlib.contextmanager
    def _output(self) -> Iterator[IO[bytes] | None]:
        if self.log is None:
            yield None
            return
        with self.log.open("ab") as file:
            yield file

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        if self.log is None or not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


async def listening(port: int, child: Child, timeout: float = START_TIMEOUT) -> None:
    """Return when something accepts connections on this port.

    Raises:
        CannotStart: the child ended, or nothing listens in time.
    """

    async def accepts() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await until(accepts, child, f"{child.name} to listen on port {port}", timeout)


async def ready(url: str, child: Child, timeout: float = START_TIMEOUT) -> None:
    """Return when this probe answers 200."""

    async def answers() -> bool:
        return await http_status(url) == 200

    await until(answers, child, f"{child.name} to be ready at {url}", timeout)


async def until(condition: Callable[[], Awaitable[bool]], child: Child, what: str, timeout: float) -> None:
    """Look every 10 ms.

    Raises:
        CannotStart: `what` did not happen in time, or the child ended before.
    """
    deadline = time.monotonic() + timeout
    while not await condition():
        if not child.running or time.monotonic() > deadline:
            fate = "it ended" if not child.running else f"not within {timeout:g} s"
            raise CannotStart(f"waited for {what}: {fate}\n{child.last_words()}".rstrip())
        await asyncio.sleep(0.01)


async def http_status(url: str) -> int:
    """The status of a GET on loopback, 0 when nobody answers."""
    host, _, path = url.removeprefix("http://").partition("/")
    try:
        reader, writer = await asyncio.open_connection(*host.split(":"))
    except OSError:
        return 0
    try:
        writer.write(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        line = await asyncio.wait_for(reader.readline(), 2)
        return int(line.split()[1]) if line else 0
    except (OSError, TimeoutError, ValueError, IndexError):
        return 0
    finally:
        writer.close()


def write_atomically(path: Path, data: object) -> None:
    """Whoever waits for this file sees it whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(data, indent=2) + "\n")
    temporary.replace(path)


@contextlib.asynccontextmanager
async def stopping(*children: Child) -> AsyncIterator[None]:
    """End these children at the end of the block, the last one first."""
    try:
        yield
    finally:
        for child in reversed(children):
            await child.stop()
