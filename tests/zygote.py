"""Worker and gateway processes in a fifth of the time: forked from a process that has imported everything.

Starting Python and importing FastStream, pydantic and the rest costs most of a second of CPU, and the tests
start hundreds of workers. A zygote does that once per test process and then only forks. What it forks is a
process like any other: with an environment, a log, signals and an exit code of its own, a leader of its own
session, and ended by the kernel when the zygote ends. Nothing of ours happens at import, so a fork has
nothing to forget.

That production's own commands work is shown by tests that run them: `test_faststream_run.py`, `test_cli.py`.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memebattle.cli.children import Child

PR_SET_PDEATHSIG = 1
# what a worker or a gateway imports by the time it is ready
IMPORTED = (
    "memebattle.worker",
    "memebattle.gateway.__main__",
    *(f"memebattle.{context}.handlers" for context in ("memes", "chat", "priority", "battle")),
    *(f"memebattle.bootstrap.{house}_house" for house in ("meme", "chat", "priority", "battle")),
    "memebattle.generation.registry",
    "memebattle.generation.text_registry",
    "uvloop",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)


class ForkedProcess:
    """What `Child` needs of a process, through the connection that it was asked for on."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._reader, self._writer = reader, writer
        self._ended = asyncio.create_task(self._wait_for_the_end())

    async def _wait_for_the_end(self) -> int:
        line = await self._reader.readline()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        self.returncode = json.loads(line)["exit"] if line else -signal.SIGKILL
        return self.returncode

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)


@dataclass(slots=True)
class Forked(Child):
    """A child of the zygote; `argv` is the module whose `main` it runs."""

    process: Any = field(default=None)

    async def start(self) -> None:
        reader, writer = await asyncio.open_unix_connection(_address())
        wish = {"module": self.argv[0], "env": {**os.environ, **self.env}, "log": str(self.log or os.devnull)}
        writer.write(json.dumps(wish).encode() + b"\n")
        pid = json.loads(await reader.readline())["pid"]
        self.process = ForkedProcess(pid, reader, writer)


def forked(module: str, environment: Mapping[str, str], number: int, log: Path | None) -> Child:
    """A worker whose module has a `main`."""
    return Forked(f"worker-{number}", [module], {"WORKER_ID": f"worker-{number}", **environment}, log)


def forked_worker(environment: Mapping[str, str], number: int, log: Path | None = None) -> Child:
    """The same as `memebattle.cli.local.worker`, sooner."""
    return forked("memebattle.worker", environment, number, log)


def forked_gateway(environment: Mapping[str, str], log: Path | None = None, *, number: int = 1) -> Child:
    """The same as `memebattle.cli.local.gateway`, sooner."""
    named = {"WORKER_ID": f"gateway-{number}", **environment}
    return Forked("gateway", ["memebattle.gateway.__main__"], named, log)


# --- in the test process ----------------------------------------------------------------------------------

_zygote: tuple[subprocess.Popen[bytes], str] | None = None


def _address() -> str:
    """Where our zygote listens; it is started when the first process is wanted, and ends with us."""
    global _zygote  # noqa: PLW0603 - one per test process
    if _zygote is None:
        address = str(Path(tempfile.mkdtemp(prefix="zygote-")) / "socket")
        process = subprocess.Popen([sys.executable, "-m", "tests.zygote", address], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        atexit.register(_end, process)
        _zygote = process, address
    return _zygote[1]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


# --- in the zygote ----------------------------------------------------------------------------------------


class Zygote:
    """Forks on request, one connection per process, and says there how each ended."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._waiting: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._awake, self._wake = socket.socketpair()
        for each in (self._awake, self._wake):
            each.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self._awake, selectors.EVENT_READ)

    def serve(self) -> None:
        """Until whoever started us is gone."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    self._fork(self._listener.accept()[0])
                else:
                    with contextlib.suppress(BlockingIOError):
                        self._awake.recv(4096)
                    self._report()

    def _fork(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            wish = json.loads(lines.readline())
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            for each in (self._listener, self._awake, self._wake, connection, *self._waiting.values()):
                each.close()
            become(wish)
        self._waiting[pid] = connection
        connection.sendall(json.dumps({"pid": pid}).encode() + b"\n")

    def _report(self) -> None:
        while self._waiting:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            connection = self._waiting.pop(pid)
            with contextlib.suppress(OSError):  # whoever asked for it may be gone
                connection.sendall(json.dumps({"exit": os.waitstatus_to_exitcode(status)}).encode() + b"\n")
            connection.close()


def become(wish: dict[str, Any]) -> None:
    """In the fork: run that module, and never return."""
    code = 1
    try:
        os.setsid()
        _end_with_parent()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(wish["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for stream in (1, 2):
            os.dup2(log, stream)
        os.environ.clear()
        os.environ.update(wish["env"])
        code = importlib.import_module(wish["module"]).main() or 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter would
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def main(address: str) -> None:
    for module in IMPORTED:
        importlib.import_module(module)
    _end_with_parent()
    os.setsid()  # a Ctrl-C is for the tests
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    gc.collect()
    gc.freeze()
    os.write(1, b"ready\n")
    Zygote(listener).serve()


if __name__ == "__main__":
    main(sys.argv[1])
