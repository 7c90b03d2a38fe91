"""Many players, many requests and a look at all of it, as a person at a terminal asks for them."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.test_cli import MEMEBATTLE, PORTS, ready, start, wait_for

type Run = Callable[..., subprocess.CompletedProcess[str]]


def environment(directory: Path) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if key not in {"NATS_URL", "REDIS_URL"}}
    return {**env, "XDG_RUNTIME_DIR": str(directory), "NO_COLOR": "1", "COLUMNS": "120"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a running stack of two workers tells about itself; one that dies is started again."""
    directory = tmp_path_factory.mktemp("load")
    process = start(directory, "--workers", "2", "--restart", env={"WORKER_CONTEXTS": "memes,battle"})
    ready(process, directory)
    yield directory
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


@pytest.fixture
def memebattle(directory: Path) -> Run:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*MEMEBATTLE, *arguments], env=environment(directory),
            capture_output=True, text=True, timeout=55, check=False,
        )  # fmt: skip

    return run


def test_every_request_of_a_load_is_answered_once(memebattle: Run) -> None:
    done = memebattle("load", "memes", "--count", "20", "--rate", "100", "--prompts", "5", "--json")
    found = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert (found["asked"], found["answered"], found["errors"], found["second_answers"]) == (20, 20, 0, 0)
    assert found["cached"] + found["coalesced"] == 15
    assert found["latency"]["count"] == 20


def test_a_battle_loses_nobody_and_no_vote_when_a_worker_is_killed_in_mid_round(memebattle: Run) -> None:
    """Six browsers over WebSocket; what they voted is what the stream has counted."""
    options = ["--players", "6", "--rounds", "1", "--votes", "3", "--kill-worker", "--json"]
    done = memebattle("load", "battle", *options)
    found = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert found["is_clean"] is True
    assert found["way"] == "WebSocket, as the browser user"
    assert (found["joined"], found["entries"], found["painted"]) == (6, 6, 6)
    assert found["lost_players"] == []
    votes = found["votes"]
    assert votes["counted"] == votes["acknowledged"] >= 18  # three pairs each, then duels
    assert (votes["lost"], votes["doubled"]) == (0, 0)
    assert found["updates"]["count"] > 6 * 20
    assert found["killed"] == ["worker-2"]
    assert [title for title, _ in found["phases"]][:3] == [
        "lobby",
        "round 1: prompts",
        "round 1: last pictures",
    ]


def test_a_behaviour_that_no_bot_has_is_wrong_usage(memebattle: Run) -> None:
    done = memebattle("load", "battle", "--bots-behave", "badly")

    assert done.returncode == 2
    assert "eager, human, sleepy" in done.stderr


def test_top_once_is_one_object(memebattle: Run) -> None:
    done = memebattle("top", "--once", "--json")
    found = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert {worker["worker_id"] for worker in found["stats"]["workers"]} <= {"worker-1", "worker-2"}
    assert found["stats"]["totals"]["answered"] >= 20
    assert {row["consumer"] for row in found["consumers"]} >= {"meme-generator"}
    assert found["dead_letters"] == 0


def test_top_shows_workers_and_leaves_when_q_is_typed(directory: Path) -> None:
    """On a terminal of its own; the terminal is given back as it was."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*MEMEBATTLE, "top"], env=environment(directory), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = bytearray()

    def shows_worker() -> bool:
        seen.extend(os.read(ours, 65_536))
        return b"worker-1" in seen

    wait_for(shows_worker, "worker-1 on the screen")
    os.write(ours, b"q")
    assert _code(process, ours) == 0


def _code(process: subprocess.Popen[bytes], terminal: int) -> int:
    """The exit code; what it still has to say is taken from it, or it would wait."""

    def ended() -> bool:
        with contextlib.suppress(OSError):  # the other side is closed
            os.read(terminal, 65_536)
        return process.poll() is not None

    wait_for(ended, "the end of `top`")
    os.close(terminal)
    return process.returncode


def test_top_says_when_nobody_tells(memebattle: Run, tmp_path: Path) -> None:
    done = memebattle("top", "--once", "--nats-url", "nats://127.0.0.1:9")

    assert done.returncode == 1
    assert "cannot connect" in done.stderr


def test_a_demo_has_its_battle_its_storm_and_its_chaos(tmp_path: Path) -> None:
    """All at once, and a summary of it in the end."""
    acts = ["--players", "3", "--bots", "--storm", "10", "--chaos"]
    done = subprocess.run(
        [*MEMEBATTLE, "demo", *PORTS, "--metrics-port", "0", "--seconds", "25", "--no-open", *acts],
        env={**environment(tmp_path), "WORKER_CONTEXTS": "memes,battle"},
        capture_output=True, text=True, timeout=55, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "3 bots over WebSocket" in done.stdout
    assert "/#/battle/" in done.stdout
    assert "10 requests at 50 per second" in done.stdout
    assert "chaos: killed worker-" in done.stdout
    assert "duplicates filtered" in done.stdout
    assert "killed workers survived" in done.stdout
