"""Chat at a terminal, beside a real `memebattle up` of two gateways; and the pods, asked how they are."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import pytest

from memebattle.cli.bench_chat import MEASURES, run
from memebattle.cli.bench_chat_stage import CONTESTANTS
from memebattle.cli.children import CannotStart
from memebattle.cli.ports import free_port
from memebattle.cli.supervisor import _http_ports
from memebattle.generation.providers.local_text import MODEL, LocalText
from memebattle.generation.text import TextSpec, Turn
from tests.integration.test_cli import MEMEBATTLE, ready, start, wait_for

type Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], Path]]:
    """A worker that takes its time over every token, and two gateways that come back when they die."""
    directory = tmp_path_factory.mktemp("up")
    process = start(
        directory, "--gateways", "2", "--restart", env={"LOCAL_TOKEN_MS": "20", "CHAT_HEARTBEAT": "1"}
    )
    yield ready(process, directory), directory
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


@pytest.fixture
def env(stack: tuple[dict[str, Any], Path]) -> dict[str, str]:
    """Where commands find the stack."""
    found = {key: value for key, value in os.environ.items() if key not in {"NATS_URL", "REDIS_URL"}}
    return {**found, "XDG_RUNTIME_DIR": str(stack[1]), "NO_COLOR": "1", "COLUMNS": "80", "TERM": "dumb"}


@pytest.fixture
def memebattle(env: dict[str, str]) -> Run:
    """Run a command to its end; `lines` are its standard input."""

    def run(*arguments: str, lines: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*MEMEBATTLE, *arguments],
            env=env, input=lines, capture_output=True, text=True, timeout=40, check=False,
        )  # fmt: skip

    return run


def coach(message: str) -> str:
    """What the offline provider answers."""

    async def answer() -> str:
        spec = TextSpec((Turn("user", message),), MODEL)
        return "".join([piece.text async for piece in LocalText(token_time=0).stream(spec)])

    return asyncio.run(answer())


def test_the_ready_file_names_all_gateways(stack: tuple[dict[str, Any], Path]) -> None:
    said, _ = stack

    assert len(said["http_urls"]) == 2
    assert said["http_url"] == said["http_urls"][0]
    assert set(said["pids"]) == {"nats", "redis", "worker-1", "gateway", "gateway-2"}


def test_one_question_is_answered_on_standard_output_and_nothing_else(memebattle: Run) -> None:
    done = memebattle("chat", "a", "caption", "for my cat")

    assert done.returncode == 0, done.stderr
    assert done.stdout == coach("a caption for my cat") + "\n"
    assert done.stderr == ""


def test_json_is_every_chunk_and_the_end(memebattle: Run) -> None:
    done = memebattle("chat", "a caption", "--json", "--max-tokens", "3")
    *chunks, end = map(json.loads, done.stdout.splitlines())

    assert done.returncode == 0, done.stderr
    assert [each["chunk_id"] for each in chunks] == [0, 1, 2, 3]
    assert {each["event"] for each in chunks} == {"chunk"}
    assert (end["event"], end["metadata"]["finish_reason"]) == ("message_complete", "length")
    assert end["metadata"]["tokens_used"] == 3
    assert 0 < end["first_chunk_seconds"] < 10
    assert end["reconnects"] == 0


def test_an_answer_that_breaks_off_is_a_failure_with_its_reason(memebattle: Run) -> None:
    done = memebattle("chat", "!cut")

    assert done.returncode == 1
    assert len(done.stdout.split()) == 3
    assert "why: truncated: the offline provider was asked to break off" in done.stderr


def test_a_refused_message_is_wrong_usage(memebattle: Run) -> None:
    done = memebattle("chat", "hello", "--provider", "nobody")

    assert done.returncode == 2
    assert "ai_provider" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_gateway_it_says_what_to_do(memebattle: Run) -> None:
    done = memebattle("chat", "hello", "--url", f"http://127.0.0.1:{free_port()}")

    assert done.returncode == 1
    assert "no gateway answers" in done.stderr
    assert "memebattle up" in done.stderr


def test_lines_from_a_pipe_are_a_conversation_that_is_remembered(memebattle: Run) -> None:
    done = memebattle("chat", "--session", "piped", lines="hello\n\n/session\nanother one\n/history\n")
    again = memebattle("chat", "--session", "piped", lines="/history\n/nonsense\n")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(coach("hello") + "\n")
    assert "session piped at http://127.0.0.1:" in done.stderr
    assert again.returncode == 1
    assert [line for line in again.stdout.splitlines() if line in {"hello", "another one"}] == [
        "hello",
        "another one",
    ]
    assert "/nonsense is no command" in again.stderr


def test_a_dead_gateway_costs_no_token(stack: tuple[dict[str, Any], Path], env: dict[str, str]) -> None:
    """The gateway that is listened to is killed in mid-answer; the other one goes on."""
    (first, second), log = stack[0]["http_urls"], stack[1] / "up.log"
    asking = subprocess.Popen(
        [*MEMEBATTLE, "chat", "!long", "--max-tokens", "80", "--json", "--url", first, "--url", second],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert asking.stdout is not None
    lines = [asking.stdout.readline() for _ in range(10)]

    os.kill(stack[0]["pids"]["gateway"], signal.SIGKILL)
    rest, errors = asking.communicate(timeout=40)
    *chunks, end = map(json.loads, [*lines, *rest.splitlines()])

    assert asking.returncode == 0, errors
    assert [each["chunk_id"] for each in chunks] == list(range(81))
    assert end["metadata"]["finish_reason"] == "length"
    assert end["reconnects"] == 1
    wait_for(lambda: "gateway started again" in log.read_text(), "the gateway to come back")


def test_ctrl_c_stops_the_answer(stack: tuple[dict[str, Any], Path], env: dict[str, str]) -> None:
    asking = subprocess.Popen(
        [*MEMEBATTLE, "chat", "!long", "--json", "--url", stack[0]["http_urls"][1]],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert asking.stdout is not None
    asking.stdout.readline()

    asking.send_signal(signal.SIGINT)
    rest, errors = asking.communicate(timeout=20)

    assert json.loads(rest.splitlines()[-1])["metadata"]["finish_reason"] == "cancelled", errors
    assert asking.returncode == 130


CTRL_C, CTRL_D = "\x03", "\x04"
# whoever started the tests may have had Ctrl-C ignored, as a shell does for what runs in its background
ON_A_TERMINAL = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.login_tty(0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """A process at a terminal of 80 columns, ended with the block."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self._keyboard, its_side = pty.openpty()
        self.process = subprocess.Popen([sys.executable, "-c", ON_A_TERMINAL, *argv], env=env, stdin=its_side)
        os.close(its_side)
        self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._keyboard)

    def type(self, keys: str) -> None:
        os.write(self._keyboard, keys.encode())

    def leaves(self, *, pressing: str) -> int:
        """Press until it ends; its exit code. It may have heard an earlier press twice, and be gone."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self.type(pressing)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.process.wait(2)
        pytest.fail("it does not leave")

    def until(self, text: str, *, pressing: str = "") -> str:
        """What is shown up to and including this text, which has to come.

        A key is pressed again if nothing at all was heard of it: between two looks at the keyboard Python
        misses a Ctrl-C.
        """
        deadline = time.monotonic() + 30
        self.type(pressing)
        while text not in self._shown:
            assert time.monotonic() < deadline, f"{text!r} does not come: {self._shown!r}"
            if select.select([self._keyboard], [], [], 5)[0]:
                self._shown += os.read(self._keyboard, 65536).decode()
            else:
                self.type(pressing)
        before, _, self._shown = self._shown.partition(text)
        return before + text

    def until_if_alive(self, text: str) -> None:
        """The same, unless a press that was heard twice has ended it."""
        with contextlib.suppress(OSError):
            self.until(text)


def test_a_conversation_at_a_terminal(env: dict[str, str], stack: tuple[dict[str, Any], Path]) -> None:
    """Ctrl-C stops an answer and keeps the session; Ctrl-D leaves."""
    with Terminal([*MEMEBATTLE, "chat", "--url", stack[0]["http_urls"][1]], env) as terminal:
        terminal.until("/help for more\r\n> ")
        terminal.type("a caption for my cat\r")
        answer = terminal.until("> ")
        terminal.type("!long\r")
        terminal.until("!long\r\n")
        terminal.until(" ")
        terminal.type(CTRL_C)
        stopped = terminal.until("> ")
        terminal.type("/model m-2\r")
        model = terminal.until("> ")
        terminal.type(CTRL_D)
        assert terminal.process.wait(20) == 0

    assert " ".join(answer.split()).startswith(
        f"a caption for my cat {coach('a caption for my cat')} local-1 · "
    )
    assert "tokens · stop · first token after " in answer
    assert max(map(len, answer.splitlines())) <= 80
    assert "cancelled · first token after" in stopped
    assert "^C" not in stopped
    assert "model m-2" in model


def test_at_the_prompt_a_second_ctrl_c_leaves(env: dict[str, str]) -> None:
    with Terminal([*MEMEBATTLE, "chat"], env) as terminal:
        terminal.until("> ")
        terminal.type("half a line")
        terminal.until("half a line")
        terminal.until("leaves)", pressing=CTRL_C)
        terminal.until_if_alive("> ")

        assert terminal.leaves(pressing=CTRL_C) == 0


def test_every_pod_answers_the_roll_call(memebattle: Run) -> None:
    def called() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in memebattle("pods", "--json").stdout.splitlines()]
        return found if len(found) == 2 else []

    states = wait_for(called, "both pods to be there")
    table = memebattle("pods").stdout

    assert [(each["pod_id"], each["status"]) for each in states] == [
        ("gateway-1", "healthy"),
        ("gateway-2", "healthy"),
    ]
    assert all(0 < each["round_trip_ms"] < 500 for each in states)
    assert max(map(len, table.splitlines())) <= 80
    assert table.split()[:5] == ["pod", "status", "connections", "round", "trip"]


def test_a_pod_that_is_not_there_is_unhealthy(memebattle: Run) -> None:
    done = memebattle("pods", "gateway-2", "gateway-9")

    assert done.returncode == 1
    assert "gateway-2  healthy" in done.stdout
    assert "gateway-9  Pod unhealthy: no pod of this name is connected" in done.stdout


def test_a_pod_that_does_not_answer_in_time_is_unhealthy(
    memebattle: Run, stack: tuple[dict[str, Any], Path]
) -> None:
    frozen = stack[0]["pids"]["gateway-2"]
    os.kill(frozen, signal.SIGSTOP)
    try:
        done = memebattle("pods", "gateway-2", "--json")
    finally:
        os.kill(frozen, signal.SIGCONT)

    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "pod_id": "gateway-2",
        "status": "unhealthy",
        "reason": "no reply within 2 s",
    }


def test_heartbeats_tell_memory_and_cpu(memebattle: Run) -> None:
    done = memebattle("pods", "gateway-2", "--watch", "--timeout", "3", "--json")
    beats = [each for each in map(json.loads, done.stdout.splitlines()) if "memory_usage_mb" in each]

    assert done.returncode == 0
    assert beats
    assert {each["pod_id"] for each in beats} == {"gateway-2"}
    assert all(each["memory_usage_mb"] > 1 and each["cpu_usage_percent"] >= 0 for each in beats)


def test_a_pod_id_with_a_dot_is_wrong_usage(memebattle: Run) -> None:
    assert memebattle("pods", "a.b").returncode == 2


def test_gateways_listen_on_consecutive_ports_if_the_first_is_named() -> None:
    """A port that was asked for is not silently another one."""
    port = _first_of_two_free_ports()
    with _taken(port + 1), pytest.raises(CannotStart, match=f"port {port + 1} is taken"):
        _http_ports(port, 2)
    assert _http_ports(port, 2) == [port, port + 1]
    assert len(set(_http_ports(0, 3))) == 3


def _first_of_two_free_ports() -> int:
    """Two neighbours that nobody had a moment ago, below those that are given to others."""
    for port in range(9_000, 10_000, 2):
        with contextlib.suppress(OSError), _taken(port), _taken(port + 1):
            return port
    pytest.fail("no two neighbouring ports are free")


@contextlib.contextmanager
def _taken(port: int) -> Iterator[None]:
    with closing(socket.socket()) as owner:
        owner.bind(("127.0.0.1", port))
        owner.listen()
        yield


@pytest.mark.timeout(180)
async def test_a_tiny_benchmark_measures_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """Every measure of every contestant; an answer that is not whole would have ended it."""
    await run(2, 0.2, 1, 20, json=True)

    rows = {row["measure"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert list(rows) == [*(measure.name for measure in MEASURES), "memory/idle connection"]
    for measure in MEASURES:
        assert all(rows[measure.name][contestant] > 0 for contestant in CONTESTANTS), rows[measure.name]
    assert rows["memory/idle connection"]["batched"] is None
