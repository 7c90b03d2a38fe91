"""How an answer is told while it comes: text for a person or a pipe, or JSON lines for a program."""

from __future__ import annotations

import asyncio
import contextlib
import io
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from memebattle.chat.events import MessageComplete
from memebattle.chat.messages import ResponseChunk
from memebattle.cli.chat_answers import NotResumable
from memebattle.cli.chat_client import ChatClient, Searching
from memebattle.cli.foreign import Prose, printable, printable_line
from memebattle.cli.output import Problem, console, emit, note


@dataclass(slots=True)
class Answer:
    """What is known of an answer when it has ended. Times in seconds since the question was sent."""

    end: MessageComplete | None = None
    first_chunk: float | None = None
    reconnects: int = 0
    stopped: bool = False

    @property
    def finish_reason(self) -> str:
        return (self.end and self.end.metadata and self.end.metadata.finish_reason) or "error"

    def require_end(self, do: str) -> None:
        """Return if the model came to its end: `stop` or `length`. `do` is what to try otherwise.

        Raises:
            Problem: it did not; says why.
        """
        if self.finish_reason in {"stop", "length"}:
            return
        error = self.end.error if self.end else None
        what = (
            "the answer was stopped" if self.finish_reason == "cancelled" else "the answer ended in an error"
        )
        why = f"{printable_line(error.code)}: {printable_line(error.message)}" if error else ""
        raise Problem(what, why, do)

    def summary(self) -> str:
        """Model, tokens, finish reason and time to the first chunk, on a line."""
        metadata = self.end.metadata if self.end else None
        parts = [printable_line(metadata.model)] if metadata and metadata.model else []
        if metadata and metadata.tokens_used is not None:
            parts.append(f"{metadata.tokens_used} tokens")
        parts.append(self.finish_reason)
        if self.first_chunk is not None:
            parts.append(f"first token after {_duration(self.first_chunk)}")
        if self.reconnects:
            parts.append(f"reconnected {self.reconnects}x")
        return " · ".join(parts)


class Telling(Protocol):
    """Where an answer is told."""

    def chunk(self, chunk: ResponseChunk) -> None: ...

    def searching(self, reason: str) -> None: ...

    def end(self, answer: Answer) -> None:
        """The answer has ended, or is broken off when it has no `end`."""
        ...


def teller(*, json: bool) -> Telling:
    """JSON lines, text for a terminal, or plain text."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a model knows more characters than some terminals
    if json:
        return JsonLines()
    return Screen(shutil.get_terminal_size().columns) if sys.stdout.isatty() else Plain()


class JsonLines:
    """Every chunk as it arrived, and at last its end with our figures."""

    def chunk(self, chunk: ResponseChunk) -> None:
        emit({"event": "chunk", **chunk.model_dump(mode="json", exclude_none=True)})

    def searching(self, reason: str) -> None:
        emit({"event": "searching", "reason": reason})

    def end(self, answer: Answer) -> None:
        if answer.end is not None:
            figures = {"first_chunk_seconds": answer.first_chunk, "reconnects": answer.reconnects}
            emit(
                {"event": "message_complete", **answer.end.model_dump(mode="json", exclude_none=True)}
                | figures
            )


class Plain:
    """The text and nothing else, for a pipe or a file."""

    def __init__(self) -> None:
        self._in_line = False

    def chunk(self, chunk: ResponseChunk) -> None:
        if chunk.chunk_type == "content":
            text = printable(chunk.chunk)
            self._in_line = not text.endswith("\n") if text else self._in_line
            print(text, end="", flush=True)

    def searching(self, reason: str) -> None:
        note(f"no gateway in reach ({reason}); still looking")

    def end(self, answer: Answer) -> None:  # noqa: ARG002 - the port's
        if self._in_line:
            print(flush=True)


class Screen:
    """For a person: lines end between words, and a dim line says what the answer was."""

    def __init__(self, width: int) -> None:
        self._prose = Prose(width)

    def chunk(self, chunk: ResponseChunk) -> None:
        if chunk.chunk_type == "content":
            self._show(self._prose.feed(chunk.chunk))

    def searching(self, reason: str) -> None:
        self._remark(f"no gateway in reach ({reason}); still looking")

    def end(self, answer: Answer) -> None:
        self._show(self._prose.rest())
        if answer.end is not None:
            self._remark(answer.summary())
        elif self._prose.in_line:
            self._show("\n")

    def _remark(self, text: str) -> None:
        if self._prose.in_line:
            self._show("\n")
        console().print(text, style="dim", markup=False, soft_wrap=True)

    def _show(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()


async def tell(
    client: ChatClient, message: str, context: Mapping[str, Any], telling: Telling, timeout: float
) -> Answer:
    """Ask, and tell the answer as it comes. Ctrl-C stops it; a second one leaves.

    Raises:
        Problem: it did not come, or not to its end in time, or a part of it is lost.
        KeyboardInterrupt: the second Ctrl-C.
    """
    answer, started = Answer(), time.perf_counter()
    with _silent_keyboard(), _interruptible(client, answer) as leaving:
        try:
            async with asyncio.timeout(timeout), contextlib.aclosing(client.ask(message, context)) as told:
                async for piece in told:
                    match piece:
                        case Searching():
                            telling.searching(piece.reason)
                        case ResponseChunk():
                            if answer.first_chunk is None:
                                answer.first_chunk = round(time.perf_counter() - started, 4)
                            telling.chunk(piece)
                        case MessageComplete():
                            answer.end, answer.reconnects = piece, client.reconnects
        except TimeoutError:
            raise Problem(
                f"no complete answer within {timeout:g} s",
                "it is still being written, or waits for another one of this session",
                f"`memebattle chat --session {client.session_id}`, then /history; or a longer --timeout",
            ) from None
        except NotResumable as lost:
            raise Problem(
                "a part of the answer was missed and cannot be repeated",
                str(lost),
                f"`memebattle chat --session {client.session_id}`, then /history shows what is remembered",
            ) from None
        except asyncio.CancelledError:
            if not leaving.is_set():
                raise
            raise KeyboardInterrupt from None
        finally:
            telling.end(answer)
    return answer


@contextlib.contextmanager
def _interruptible(client: ChatClient, answer: Answer) -> Iterator[asyncio.Event]:
    """During the block Ctrl-C asks to stop the answer; the second time it cancels the block."""
    loop, block, leaving = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()
    stopping: set[asyncio.Task[None]] = set()

    async def stop() -> None:
        try:
            await client.stop()
        except Problem as problem:
            problem.tell()

    def interrupt() -> None:
        if answer.stopped and block is not None:
            leaving.set()
            block.cancel()
            return
        answer.stopped = True
        stopping.add(asyncio.create_task(stop()))

    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        yield leaving
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        for task in stopping:
            task.cancel()


@contextlib.contextmanager
def _silent_keyboard() -> Iterator[None]:
    """What is typed meanwhile is kept for the next line, and not shown in the middle of the answer."""
    if not sys.stdin.isatty():
        yield
        return
    import termios

    before = termios.tcgetattr(sys.stdin)
    silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"
